"""A lesson in Notebook 7, the classic notebook's successor: it runs, and its slider moves the picture.

Two things of Notebook 7.6 itself are as they are: it raises one exception while it starts, and its arrow keys do not
reach a slider (Home and End do). In JupyterLab neither is so.
"""

from urllib.parse import urlsplit

from mmlab.include.mman import PAGE_SIZE
from mmlab.views.lab import Setting, run
from tests.browser.harness import NOTEBOOK_IS_OPEN, Lab, expect, run_all, screenshot

LESSON = "notebooks/04_three_links.ipynb"
ITS_OWN = "Cannot read properties of undefined (reading 'schema')"


def test_a_lesson_runs_in_notebook_7(chromium, tmp_path):
    server = Lab(tmp_path)
    server.start("notebook", *server.options, "--JupyterNotebookApp.expose_app_in_browser=True")
    context = chromium.new_context(viewport={"width": 1280, "height": 1600})
    page, exceptions, asked = context.new_page(), set(), set()
    page.on("pageerror", lambda error: exceptions.add(str(error)))
    page.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
    try:
        page.goto(f"{server.url}/notebooks/{LESSON}?token={server.token}")
        page.wait_for_function(NOTEBOOK_IS_OPEN, arg=LESSON, timeout=60_000)
        run_all(page)
        lab = page.locator(".mm-lab").first
        lab.scroll_into_view_if_needed()
        for key, offset in ("Home", 0), ("End", 7 * PAGE_SIZE):
            outcome = run(Setting(offset=offset))
            lab.locator(".noUi-handle").first.focus()
            page.keyboard.press(key)
            expect(lab.locator("pre[role=status]")).to_have_text(outcome.verdict, timeout=15_000)
            expect(lab.locator("svg > desc").first).to_have_text(outcome.pictures[0].text, timeout=15_000)
        screenshot(page, "notebook-7")
    finally:
        context.close()
        server.stop()
    assert exceptions <= {ITS_OWN}
    assert asked <= {"127.0.0.1", None}
