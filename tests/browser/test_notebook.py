"""Notebook 7, the classic notebook's successor: a lesson runs, its slider moves the picture, a prediction is told.

Two things of Notebook 7.6 itself are as they are: it raises one exception while it starts, and its arrow keys do not
reach a slider (Home and End do). In JupyterLab neither is so.
"""

from urllib.parse import urlsplit

from mmlab.include.mman import PAGE_SIZE
from mmlab.views.lab import Setting, run
from tests.browser.harness import NOTEBOOK_IS_OPEN, Lab, expect, run_all, screenshot
from tests.browser.test_predict import CELLS

LESSON = "notebooks/04_three_links.ipynb"
ITS_OWN = "Cannot read properties of undefined (reading 'schema')"


def open_and_run(page, server, path):
    """Open a notebook, wait until its kernel is idle, and run all its cells."""
    page.goto(f"{server.url}/notebooks/{path}?token={server.token}")
    page.wait_for_function(NOTEBOOK_IS_OPEN, arg=path, timeout=60_000)
    run_all(page)


def test_a_lesson_runs_in_notebook_7(chromium, tmp_path):
    server = Lab(tmp_path)
    server.start("notebook", *server.options, "--JupyterNotebookApp.expose_app_in_browser=True")
    context = chromium.new_context(viewport={"width": 1280, "height": 1600})
    page, exceptions, asked = context.new_page(), set(), set()
    page.on("pageerror", lambda error: exceptions.add(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
    try:
        open_and_run(page, server, LESSON)
        pictures = page.locator(".jp-RenderedSVG img")
        expect(pictures).not_to_have_count(0)
        for picture in pictures.all():
            assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
        lab = page.locator(".mm-lab").first
        lab.scroll_into_view_if_needed()
        for key, offset in ("Home", 0), ("End", 7 * PAGE_SIZE):
            outcome = run(Setting(offset=offset))
            lab.locator(".noUi-handle").first.focus()
            page.keyboard.press(key)
            expect(lab.locator("pre[role=status]")).to_have_text(outcome.verdict, timeout=15_000)
            expect(lab.locator("svg > desc").first).to_have_text(outcome.pictures[0].text, timeout=15_000)
        screenshot(page, "notebook-7")

        open_and_run(page, server, f"notebooks/{server.add('predict.ipynb', CELLS)}")
        question = page.locator(".mm-predict").first
        expect(question.locator("[role=status]")).to_have_count(0)
        question.get_by_text("2", exact=True).click()
        question.get_by_role("button", name="Check").click()
        expect(question.locator("[role=status]")).to_contain_text("You said 2; the kernel says 3.", timeout=15_000)
        screenshot(page, "notebook-7-prediction")
    finally:
        context.close()
        server.stop()
    assert exceptions <= {ITS_OWN}
    assert asked <= {"127.0.0.1", None}
