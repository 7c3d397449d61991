"""The contents page in a real browser: its map leads to the lessons; and the pages of `make html`."""

from mmlab.setup import export
from mmlab.setup.places import NOTEBOOKS
from tests.browser.harness import SCREENSHOTS, open_notebook, run_all, screenshot, theme, violations

PAGE = "00_start_here.ipynb"
OPENED = "path => window.jupyterapp.shell.currentWidget?.context?.path === path"
DRAWN = """() => [...document.querySelectorAll('svg[role=img], .mm-map img')].map(
    picture => [picture.getBoundingClientRect().width, picture.complete ?? true])"""


def test_the_map_leads_to_a_lesson(page, lab):
    """It is seen, and its boxes are links, in a notebook that is as stored and not trusted yet; and when it has run."""
    open_notebook(page, lab, PAGE)
    shown = page.locator(".mm-map")
    for state in ("stored", "run"):
        shown.scroll_into_view_if_needed()
        assert shown.locator("img").evaluate("img => img.complete && img.naturalWidth") > 500
        assert shown.locator("a").count() >= 4
        screenshot(page, f"map-{state}", of=shown)
        run_all(page)
    assert violations(page, ".mm-map") == []
    for name in ("dark", "light"):
        theme(page, name)
        screenshot(page, f"map-{name}", of=shown)
    shown.locator("a[title^=vm_pgoff]").click()
    page.wait_for_function(OPENED, arg="notebooks/04_three_links.ipynb")


def test_each_page_of_make_html_is_drawn_without_a_server(page, tmp_path):
    """Its pictures are there, and none of it is wider than a window of 1280 px."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        page.goto(export.export(path, tmp_path).as_uri())
        drawn = page.evaluate(DRAWN)
        assert all(100 < width < 1200 and complete for width, complete in drawn), (path.name, drawn)
        assert len(drawn) >= (path.name[:2].isdigit())
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, path.name
        page.screenshot(path=SCREENSHOTS / f"html-{path.stem}.png")
    assert page.console_errors == []
