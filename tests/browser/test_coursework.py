"""The whole cycle as people meet it: nbgrader's menu in JupyterLab, a student's notebook, a file exchange, the mark."""

import getpass
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import FrameLocator, Page

from mmlab.setup import places
from tests.browser.harness import NOTEBOOK_IS_OPEN, Lab, expect, run_all, screenshot
from tests.coursework.helpers import Class, solutions

CONFIG = """
load_subconfig("nbgrader_config.py", {folder!r})
c.Exchange.root = {exchange!r}
c.Exchange.cache = {cache!r}
"""
WAIT = 60_000  # milliseconds for one step
# nbgrader's page for grading by hand loads MathJax from elsewhere; here it gets one that does nothing.
NO_MATHJAX = "window.MathJax = { Hub: { Config() {}, Queue() {}, Startup: { signal: { Interest() {} } } } };"
TYPE = """answers => {
    const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
    for (const cell of cells) {
        const name = cell.getMetadata('nbgrader').grade_id;
        if (name in answers) cell.setSource(answers[name]);
    }
}"""
STUDENT = getpass.getuser()  # who fetches and hands in through the exchange


class Hall(Lab):
    """A JupyterLab in which one person teaches and learns: the course is in course/, what is fetched beside it."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        shutil.rmtree(self.root / "notebooks")
        self.exchange = home / "exchange"
        self.exchange.mkdir()
        self.exchange.chmod(0o777)
        self.course = Class(self.root / "course", places.ROOT / "tests" / "coursework" / "problems", release=False)
        told = {"folder": str(self.course.folder), "exchange": str(self.exchange), "cache": str(home / "cache")}
        (self.root / "nbgrader_config.py").write_text(CONFIG.format(**told), encoding="utf-8")


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path)
    assert hall.course.run("source").returncode == 0
    hall.start()
    yield hall
    hall.stop()


def menu(page: Page, item: str) -> None:
    """Choose an entry of nbgrader's menu."""
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def press(frame: FrameLocator, cell: str) -> None:
    """Click a button of the only row in the formgrader's table, and the OK of the dialog that follows."""
    frame.locator(f"#main-table .{cell} a").click()
    dialog = frame.locator("#success-modal, #error-modal")
    expect(dialog).to_have_attribute("id", "success-modal", timeout=WAIT)
    dialog.get_by_role("button", name="OK").click()
    expect(dialog).to_have_count(0, timeout=WAIT)


def test_a_problem_set_goes_all_the_way(page: Page, hall: Hall) -> None:
    (problems,) = hall.course.sets
    page.set_default_timeout(WAIT)
    page.route("https://cdnjs.cloudflare.com/**", lambda route: route.fulfill(body=NO_MATHJAX))
    page.goto(f"{hall.url}/lab/workspaces/{uuid.uuid4().hex}?token={hall.token}&reset")
    menu(page, "Formgrader")
    formgrader = page.frame_locator("iframe[src*='formgrader']")
    press(formgrader, "assign")
    press(formgrader, "release")
    released = nbformat.read(hall.exchange / "mmlab" / "outbound" / problems.name / f"{problems.name}.ipynb", 4)
    assert {cell.id: cell.source for cell in released.cells}["ps0-sum-answer"] == "total = ..."

    menu(page, "Assignment List")
    page.locator("#released_assignments_list").get_by_role("button", name="Fetch").click()
    handing_in = page.locator("#fetched_assignments_list").get_by_role("button", name="Submit")
    handing_in.wait_for()
    path = f"{problems.name}/{problems.name}.ipynb"
    page.evaluate("path => window.jupyterapp.commands.execute('docmanager:open', { path })", path)
    page.wait_for_function(NOTEBOOK_IS_OPEN, arg=path)
    answers = {f"ps0-{name}-answer": text for name, text in (solutions(problems) | {"count": "count = 4"}).items()}
    page.evaluate(TYPE, answers | {"ps0-me": f"me = {STUDENT!r}", "ps0-why": "Because. <script>stolen = 1</script>"})
    run_all(page)
    right = page.locator(".jp-OutputArea-output", has_text="The example comes out right.")
    expect(right).to_have_count(4, timeout=WAIT)
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    menu(page, "Assignment List")
    handing_in.click()
    expect(page.locator("#submitted_assignments_list")).to_contain_text(problems.name, timeout=WAIT)

    menu(page, "Formgrader")
    page.evaluate("for (const frame of document.querySelectorAll('iframe')) frame.contentWindow.location.reload()")
    press(formgrader, "collect")
    formgrader.locator("#main-table .num-submissions a").click()
    press(formgrader, "autograde")
    expect(formgrader.locator("#main-table .score")).to_have_text("8 / 13", timeout=WAIT)
    expect(formgrader.locator("#main-table .status")).to_have_text("needs manual grading")
    assert hall.course.scores(problems) == {STUDENT: 8}
    assert "It is another number." in (hall.course.folder / "autograded" / STUDENT / path).read_text(encoding="utf-8")

    formgrader.get_by_role("link", name="Manual Grading").click()
    for page_of in (f"gradebook/{problems.name}", f"gradebook/{problems.name}/{problems.name}"):
        formgrader.locator(f"#main-table a[href$='/formgrader/{page_of}']").click()
    formgrader.locator("#main-table a[href*='/formgrader/submissions/']").first.click()
    expect(formgrader.locator("body")).to_contain_text("It is another number.", timeout=WAIT)
    assert "stolen" not in formgrader.locator("body").evaluate("() => Object.keys(window)"), "an essay ran a script"
    with page.expect_response(lambda told: "/api/grade/" in told.url and told.request.method == "PUT"):
        formgrader.locator("input#ps0-why").fill("3")
        formgrader.locator("input#ps0-why").blur()
    screenshot(page, "formgrader")
    assert hall.course.scores(problems) == {STUDENT: 11}
