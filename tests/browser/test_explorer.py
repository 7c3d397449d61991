"""Time travel in a real browser: by mouse and by keyboard, forwards and backwards, light and dark."""

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.harness import ask, expect, open_notebook, run_all, screenshot, theme

TRACE = """\
from mmlab import MAP_SHARED, O_RDONLY, PROT_READ, Kernel
kernel = Kernel()
proc = kernel.spawn("reader")
fd = proc.open("/data/book.txt", O_RDONLY)
with kernel.trace() as trace:
    addr = proc.mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 4096)
    proc.load(addr)
"""
EXPLORE = "explorer = trace.explore()\nexplorer"


@pytest.fixture
def explorer(page: Page, lab) -> Locator:
    open_notebook(page, lab, lab.add("explorer.ipynb", [TRACE, EXPLORE]))
    run_all(page)
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    found = page.locator(".mm-explorer")
    found.scroll_into_view_if_needed()
    return found


def expect_step(explorer: Locator, number: int) -> None:
    """Wait until the step with this number is told, and shown as the chosen one in the tree and on the slider."""
    count = explorer.locator("select option").count()
    expect(explorer.locator(".mm-step")).to_have_text(f"{number}/{count}", timeout=15_000)
    expect(explorer.locator(".mm-panes select")).to_have_js_property("selectedIndex", number - 1)


def test_look(page, explorer):
    page.wait_for_timeout(500)
    screenshot(page, "explorer-0", of=explorer)
    for at in ("vm_pgoff", "vma_link()", "nr_mapped"):
        ask(page, f"explorer.go(explorer.number({at!r}))")
        page.wait_for_timeout(500)
        screenshot(page, f"explorer-{at.strip('()')}", of=explorer)
    theme(page, "dark")
    page.wait_for_timeout(2500)
    screenshot(page, "explorer-dark", of=explorer)
