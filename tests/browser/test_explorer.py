"""Time travel in a real browser: by mouse and by keyboard, forwards and backwards, light and dark."""

import re

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.harness import (
    ask,
    count_widgets,
    expect,
    open_notebook,
    run_all,
    screenshot,
    theme,
    violations,
)

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
WAIT = 15_000


@pytest.fixture
def explorer(page: Page, lab) -> Locator:
    open_notebook(page, lab, lab.add("explorer.ipynb", [TRACE, EXPLORE]))
    run_all(page)
    found = page.locator(".mm-explorer")
    found.scroll_into_view_if_needed()
    return found


def expect_step(page: Page, explorer: Locator, number: int) -> None:
    """Wait until all that is on screen is of this step: the words, the source, the picture, the tree, the slider."""
    count = explorer.locator("select option").count()
    expect(explorer.locator(".mm-step")).to_have_text(f"{number}/{count}", timeout=WAIT)
    expect(explorer.locator("select")).to_have_js_property("selectedIndex", number - 1, timeout=WAIT)
    expect(explorer.locator(".widget-readout")).to_have_text(str(number), timeout=WAIT)
    told, picture = eval(ask(page, f"(explorer.go({number}), explorer.step.text, explorer._picture().text)[1:]"))
    expect(explorer.locator("svg desc")).to_have_text(picture, timeout=WAIT)
    marked = explorer.locator(".mm-line[aria-current]")
    assert marked.count() <= 1
    if told.startswith("· vma#"):
        field = re.match(r"· vma#\d+\.(\w+)", told)[1]
        assert field in marked.text_content()


def test_by_keyboard_alone(page, explorer):
    last, pgoff = (int(ask(page, what)) for what in ("len(explorer.steps)", "explorer.number('vm_pgoff')"))
    explorer.locator(".noUi-handle").focus()
    for _ in range(pgoff - 1):
        page.keyboard.press("ArrowRight")
    expect_step(page, explorer, pgoff)
    expect(explorer.locator(".mm-told")).to_contain_text("vma#22.vm_pgoff: 0 → 1")
    for key, number in (("ArrowLeft", pgoff - 1), ("Home", 1), ("End", last)):
        page.keyboard.press(key)
        expect_step(page, explorer, number)
    explorer.locator("select").focus()
    for key, number in (("Home", 1), ("End", last), ("Home", 1)):  # JupyterLab keeps the up and down keys for its cells
        page.keyboard.press(key)
        expect_step(page, explorer, number)
    explorer.get_by_label("go to").fill("vm_stat[nr_mapped]")
    changes = "[n for n, name in enumerate(explorer.names, 1) if name == 'vm_stat[nr_mapped]']"
    first, second = eval(ask(page, changes))
    for key, number in (("next", first), ("next", second), ("previous", first)):
        explorer.get_by_role("button", name=key).focus()
        page.keyboard.press("Enter")
        expect_step(page, explorer, number)
    explorer.get_by_role("button", name="back").focus()
    page.keyboard.press("Space")
    expect_step(page, explorer, first - 1)


def test_by_mouse(page, explorer):
    explorer.get_by_role("button", name="forward").click()
    expect_step(page, explorer, 2)
    explorer.get_by_role("button", name="back").click()
    expect_step(page, explorer, 1)
    explorer.locator("select").select_option(index=49)
    expect_step(page, explorer, 50)
    play = explorer.get_by_role("button", name="play")
    play.click()
    expect(explorer.locator(".mm-step")).to_have_text(re.compile("^5[2-9]/"), timeout=WAIT)
    play.click()
    page.wait_for_timeout(1500)
    number = int(ask(page, "explorer.at"))
    page.wait_for_timeout(1500)
    assert number > 51
    expect_step(page, explorer, number)  # it has stopped there


def test_a_burst_of_moves_ends_on_the_last_and_leaves_nothing_behind(page, explorer):
    before = count_widgets(page)
    explorer.locator(".noUi-handle").focus()
    seen = []
    page.expose_function("seen", lambda text: seen.append(text))
    page.evaluate("""() => new MutationObserver(() => seen(document.querySelector('.mm-step').textContent))
        .observe(document.querySelector('.mm-explorer'), { subtree: true, childList: true })""")
    for _ in range(120):
        page.keyboard.press("ArrowRight")
    expect_step(page, explorer, 121)
    page.wait_for_timeout(500)
    numbers = [int(text.split("/")[0]) for text in seen]
    assert numbers == sorted(numbers), "an older step was shown after a newer one"
    assert count_widgets(page) == before
    assert explorer.locator("svg[role=img]").count() == 1
    assert not [error for error in page.console_errors if "Traceback" in error or "Error" in error]


def test_it_is_accessible_and_legible_in_both_themes(page, explorer):
    for name in ("light", "dark"):
        theme(page, name)
        for at in ("vm_pgoff", "vma_link()", "nr_mapped"):
            ask(page, f"explorer.go(explorer.number({at!r}))")
            expect_step(page, explorer, int(ask(page, "explorer.at")))
            screenshot(page, f"explorer-{name}-{at.strip('()')}", of=explorer)
            assert explorer.locator(".mm-panes").evaluate("panes => panes.scrollWidth <= panes.clientWidth")
            found = violations(page, ".mm-explorer")
            assert not found, "\n\n".join(found)
