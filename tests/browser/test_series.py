"""The contents page in a real browser: its map leads to the lessons."""

import pytest

from tests.browser.harness import open_notebook, run_all, screenshot, theme, violations

PAGE = "00_start_here.ipynb"
OPENED = "path => window.jupyterapp.shell.currentWidget?.context?.path === path"


@pytest.mark.parametrize("run", [True, False], ids=["run", "as stored"])
def test_the_map_leads_to_a_lesson(page, lab, run):
    open_notebook(page, lab, PAGE)
    if run:
        run_all(page)
    shown = page.locator(".mm-map")
    shown.scroll_into_view_if_needed()
    assert shown.locator("img").evaluate("img => img.complete && img.naturalWidth") > 500
    assert violations(page, ".mm-map") == []
    for name in ("dark", "light"):
        theme(page, name)
        screenshot(page, f"map-{'run' if run else 'stored'}-{name}", of=shown)
    shown.locator("a[title^=vm_pgoff]").click()
    page.wait_for_function(OPENED, arg="notebooks/04_three_links.ipynb")
