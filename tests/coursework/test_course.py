"""What if a course is run from the shell? Release, hand in, grade, feedback, export, and what can come between."""

import csv
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from mmlab.coursework import __main__ as shell
from mmlab.coursework.problem import ProblemSet, load
from mmlab.coursework.source import notebook, released
from mmlab.setup import places
from tests.coursework.helpers import COURSE, SETS, Class, solutions

TRIAL = Path(__file__).parent / "problems"
ANSWERS = {  # by student: other answers than the reference, and the score
    "ada": ({}, 9.0),
    "grace": ({"sum": "total = 0"}, 7.0),
    "linus": ({"pages": "def pages(length):\n    return length // 4096"}, 5.0),
    "radia": ({"sum": "total = ...", "pages": "pages = ...", "note": "", "count": ""}, 0.0),
}


def table_of_grades() -> bytes:
    """Give what grades.csv holds when these four have been graded."""
    rows = [f"{student},,,,{score}" for student, (_, score) in sorted(ANSWERS.items())]
    return "\r\n".join(["student_id,last_name,first_name,email,ps0_trial [13]", *rows, ""]).encode()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """A course in which four students have handed in, and all is graded."""
    course = Class(tmp_path_factory.mktemp("course"), TRIAL)
    (problems,) = course.sets
    for student, (answers, _) in ANSWERS.items():
        course.hand_in(student, problems, solutions(problems) | answers)
    course.graded = course.run("grade", "-j", "2")
    assert course.graded.returncode == 0, course.graded.stderr
    assert course.run("export").returncode == 0
    course.exported = (course.folder / "grades.csv").read_bytes()
    return course


@pytest.fixture
def problems(course: Class) -> ProblemSet:
    return course.sets[0]


@pytest.mark.parametrize("problems", [*SETS, load(TRIAL / "ps0_trial")], ids=lambda problems: problems.short)
def test_what_if_a_set_is_released(problems: ProblemSet) -> None:
    """The blank notebook holds no line of a solution or a check that it does not show itself, and is a valid one."""
    blank = released(problems, COURSE)
    nbformat.validate(blank)
    ids = [cell.metadata.nbgrader.grade_id for cell in blank.cells]
    assert len(set(ids)) == len(ids)
    for cell, solved in zip(blank.cells, notebook(problems, COURSE).cells, strict=True):
        assert "SOLUTION" not in cell.source
        assert "mmlab" not in cell.metadata
        shown = {line.strip() for other in blank.cells for line in other.source.splitlines()}
        if cell.metadata.nbgrader.solution and not cell.id.endswith("-me"):
            hidden = {line.strip() for line in solved.source.splitlines()} - shown
            assert hidden, f"{cell.id} is released as it is solved"
    text = nbformat.writes(blank)
    assert "Wrong(" not in text
    assert "def check" not in text


def test_what_if_it_is_graded(course: Class, problems: ProblemSet) -> None:
    """The gradebook holds the marks, and the shell has told the progress."""
    assert course.scores(problems) == {student: score for student, (_, score) in ANSWERS.items()}
    told = course.graded.stdout.splitlines()
    assert [line.split("]")[0] for line in told[:4]] == [f"[{number}/4" for number in range(1, 5)]
    assert "4 submissions" in told[4]


def test_what_if_nbgrader_itself_grades(course: Class, problems: ProblemSet) -> None:
    """`nbgrader autograde`, which the menu runs, comes to what make course-grade comes to, in each field."""
    before = [marks(course, student) for student in ("linus", "radia")]
    words = ["-m", "nbgrader", "autograde", problems.name, "--student", "[lr]*", "--force"]
    done = subprocess.run([sys.executable, *words], cwd=course.folder, capture_output=True, text=True,
                          env=places.variables(Path(sys.prefix)))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [marks(course, student) for student in ("linus", "radia")] == before
    assert len(before[0]) == 2 * 5 + 1


def marks(course: Class, student: str) -> list[tuple]:
    """Give what the gradebook holds on a student's work."""
    where = "from {0} g join base_cell c on g.cell_id = c.id join submitted_notebook n on g.notebook_id = n.id " \
            "join submitted_assignment a on n.assignment_id = a.id where a.student_id = ? order by c.name"
    with sqlite3.connect(course.folder / "gradebook.db") as book:
        grades = book.execute("select c.name, auto_score, manual_score, needs_manual_grade "
                              + where.format("grade"), [student]).fetchall()  # fmt: skip
        comments = book.execute("select c.name, auto_comment " + where.format("comment"), [student]).fetchall()
    return grades + comments


def test_what_if_all_is_graded_already(course: Class, problems: ProblemSet) -> None:
    """Nothing is judged again, unless it is newer, or the gradebook is another one, or it is asked for."""
    begun = time.time()
    again = course.run("grade")
    assert "4 of 4 are graded already" in again.stdout
    assert not newer(course, problems, begun)

    course.hand_in("grace", problems, solutions(problems))
    assert "3 of 4 are graded already" in course.run("grade").stdout
    assert newer(course, problems, begun) == {"grace"}
    assert course.scores(problems)["grace"] == 9

    other = course.run("grade", "--db", f"sqlite:///{course.folder / 'other.db'}")
    assert other.returncode == 1
    assert "make course-release" in other.stderr


def newer(course: Class, problems: ProblemSet, than: float) -> set[str]:
    """Give whose work has been graded since."""
    paths = course.folder.glob(f"autograded/*/{problems.name}/{problems.name}.ipynb")
    return {path.parent.parent.name for path in paths if path.stat().st_mtime > than}


def test_what_if_grading_is_ended_in_the_middle(tmp_path: Path) -> None:
    """SIGKILL, at any moment, leaves a gradebook that is whole; the same command goes on."""
    course = Class(tmp_path / "course", TRIAL)
    (problems,) = course.sets
    for number in range(8):
        answers = {"sum": "import time\ntime.sleep(0.3)\ntotal = 0"} if number % 2 else {}
        course.hand_in(f"student {number}", problems, solutions(problems) | answers)
    process = subprocess.Popen(course.command("grade", "-j", "2"), stdout=subprocess.PIPE, text=True,
                               env=places.variables(Path(sys.prefix)) | {"PYTHONUNBUFFERED": "1"})  # fmt: skip
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with sqlite3.connect(course.folder / "gradebook.db") as book:
        assert book.execute("pragma integrity_check").fetchone() == ("ok",)
    done = course.run("grade", "-j", "2")
    assert done.returncode == 0, done.stderr
    assert "are graded already" in done.stdout
    assert course.scores(problems) == {f"student {number}": 7 if number % 2 else 9 for number in range(8)}


def test_what_if_a_course_is_graded_twice_at_once(course: Class) -> None:
    hold = "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX); print(''); input()"
    words = [sys.executable, "-u", "-c", hold, str(course.folder / ".grading" / "lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        done = course.run("grade")
        other.stdin.close()
    assert done.returncode == 1
    assert "being graded already" in done.stderr


def test_what_if_feedback_is_written(course: Class, problems: ProblemSet) -> None:
    """It gives points and words; nothing of a check or a solution is in it, and no script of a student's."""
    course.hand_in("mallory", problems, solutions(problems) | {"sum": "total = 0", "note": ""})
    path = course.submitted("mallory", problems) / f"{problems.name}.ipynb"
    work = nbformat.read(path, as_version=4)
    work.cells[-1].source = "<script>stolen</script><img src=x onerror=stolen()>"
    nbformat.write(work, path)
    course.run("grade")
    assert course.run("feedback").returncode == 0
    page = (course.folder / "feedback" / "mallory" / problems.name / f"{problems.name}.html").read_text("utf-8")
    assert "The sum is another one." in page
    assert re.search(r"\d+ \+ \d+ = \?", page), "the numbers that this student met"
    assert '<h2 id="1.-A-sum' in page
    assert "0 of 2 points" in page
    assert "<script>stolen" not in page
    assert "onerror=stolen()>" not in page
    paths = (course.folder / "problems" / problems.name).glob("*.py")
    lines = [line.strip() for path in paths for line in path.read_text("utf-8").splitlines()]
    hidden = [line for line in lines if "work." in line or "total = rng" in line]
    assert hidden
    assert not [line for line in hidden if line in page]


def test_what_if_grades_are_exported(course: Class, problems: ProblemSet) -> None:
    """One row for each student, one column for each set; the reasons are in a table of their own."""
    assert course.exported == table_of_grades()
    assert course.run("export").returncode == 0
    with open(course.folder / "grades.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["student_id"]: float(row[f"{problems.name} [13]"]) for row in rows} == course.scores(problems)
    with open(course.folder / "reports" / f"{problems.name}.csv", encoding="utf-8", newline="") as file:
        words = {(row["student_id"], row["part"]): row["why"] for row in csv.DictReader(file)}
    assert words["radia", "ps0-sum"] == "Not answered yet."
    assert words["ada", "ps0-sum"] == ""


def test_what_if_the_names_of_cells_were_changed(course: Class, problems: ProblemSet) -> None:
    """Deleted, doubled, moved and edited cells, and points that a student gave: what was released counts."""
    work = course.filled(problems, "eve", solutions(problems))
    by_id = {cell.metadata.nbgrader.grade_id: cell for cell in work.cells}
    by_id["ps0-sum"].source = "1000"
    by_id["ps0-pages"].metadata.nbgrader.points = 100
    by_id["ps0-count"].metadata.nbgrader.grade = False
    by_id["ps0-note-answer"].cell_type = "code"
    gone = [by_id["ps0-note"], by_id["ps0-head"]]
    work.cells = [cell for cell in work.cells if cell not in gone]
    work.cells.insert(3, nbformat.v4.new_code_cell("import math  # a cell of my own"))
    work.cells.append(nbformat.from_dict(by_id["ps0-sum-answer"] | {"id": "copy"}))
    nbformat.write(work, course.submitted("eve", problems) / f"{problems.name}.ipynb")
    course.run("grade")
    assert course.scores(problems)["eve"] == 9
    graded = json.loads((course.folder / "autograded" / "eve" / problems.name / f"{problems.name}.ipynb").read_text())
    assert any("a cell of my own" in "".join(cell["source"]) for cell in graded["cells"])


def test_what_if_the_notebook_names_somebody_else(course: Class, problems: ProblemSet) -> None:
    work = course.filled(problems, "ada", solutions(problems) | {"sum": "total = 12345"})
    nbformat.write(work, course.submitted("bob", problems) / f"{problems.name}.ipynb")
    course.run("grade")
    assert course.scores(problems)["bob"] == 7
    assert "The notebook says that 'ada' works here, but it was handed in by 'bob'" in course.words(problems)["bob"]


@pytest.mark.parametrize(("text", "said"), [("2026-11-24 12:00:00 UTC", ""), ("tomorrow", "cannot be read")])
def test_what_if_it_was_handed_in_at_some_time(course: Class, problems: ProblemSet, text: str, said: str) -> None:
    course.hand_in("timely", problems, solutions(problems))
    (course.submitted("timely", problems) / "timestamp.txt").write_text(text)
    course.run("grade")
    assert said in course.words(problems)["timely"]
    with sqlite3.connect(course.folder / "gradebook.db") as book:
        query = "select timestamp from submitted_assignment where student_id = 'timely'"
        assert str(book.execute(query).fetchone()[0]).startswith("2026-11-24 12:00:00")


def test_what_if_submitted_code_cannot_be_shut_in(
    course: Class, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Grading refuses, in one sentence, and runs nothing; --unconfined is there for those who trust."""
    monkeypatch.setattr(shell, "missing", lambda: "it needs Linux on x86-64 or 64-bit Arm; this is Plan 9 on a 68020")
    assert shell.main(["grade", "--folder", str(course.folder)]) == 1
    said = capsys.readouterr().err
    assert "Submitted code cannot be shut in here: it needs Linux" in said
    assert "--unconfined" in said
    monkeypatch.undo()
    trusted = course.run("grade", "--again", "--unconfined", "-j", "2")
    assert trusted.returncode == 0, trusted.stderr
    assert course.scores(course.sets[0])["ada"] == 9


def test_what_if_there_is_nothing_to_grade(tmp_path: Path) -> None:
    course = Class(tmp_path / "course", TRIAL, release=False)
    for words in (["grade"], ["grade", "ps0"], ["grade", "ps99"]):
        done = course.run(*words)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
    assert "There is no problem set ps99" in done.stderr
    assert "ps0" in done.stderr
