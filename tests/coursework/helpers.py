"""Grade answers as the course does: one part alone, by one student, in a sandbox of its own; or a whole class."""

import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat.notebooknode import NotebookNode

from mmlab.coursework.__main__ import main
from mmlab.coursework.course import Course
from mmlab.coursework.grading import Cell, Grader, Mark
from mmlab.coursework.problem import Part, ProblemSet, folders, load
from mmlab.coursework.sandbox import Nursery
from mmlab.setup import places
from mmlab.setup.places import NOTEBOOKS

COURSE = "mmlab"
PROBLEMS = NOTEBOOKS / "coursework" / "problems"
SETS = [load(folder) for folder in folders(PROBLEMS)]
PARTS = {problems.grade_id(part): (problems, part) for problems in SETS for part in problems.parts if part.check}
START = f'from mmlab import *\nfrom mmlab.coursework import example, iam, personal\niam(me, "{COURSE}")'


def answered(problems: ProblemSet, part: Part, answer: str, student: str, nursery: Nursery) -> Mark:
    """Give the mark of one answer to one part."""
    cells = [Cell(f"me = {student!r}"), Cell(START), Cell(part.setup), Cell(answer)]
    (mark,) = Grader(problems, student, COURSE, nursery).grade([*cells, Cell("", problems.grade_id(part))])
    return mark


def module(grade_id: str) -> Any:
    """Give the module of a part."""
    return sys.modules[PARTS[grade_id][1].check.__module__]


def wrong(grade_id: str) -> dict[str, str | tuple[str, float]]:
    """Give the wrong answers to a part: misconception → code (or code, and what it still earns)."""
    return dict(import_module(f"tests.coursework.wrong.{grade_id.replace('-', '.')}").WRONG)


class Done(NamedTuple):
    """What a command has come to."""

    returncode: int
    stdout: str
    stderr: str


@contextmanager
def scripts_on_path() -> Iterator[None]:
    """Let the commands of this environment be found, as the command line does: nbgrader asks alembic."""
    before = os.environ["PATH"]
    os.environ["PATH"] = places.variables(Path(sys.prefix))["PATH"]
    try:
        yield
    finally:
        os.environ["PATH"] = before


class Class:
    """A course in a folder of its own, the students of which hand in what a test says."""

    def __init__(self, folder: Path, problems: Path, release: bool = True, settings: str = "") -> None:
        """Release the problem sets in the folder `problems`, or leave that to others; `settings` of nbgrader's."""
        self.folder = folder
        shutil.copytree(problems, folder / "problems", ignore=shutil.ignore_patterns("__pycache__"))
        config = (NOTEBOOKS / "coursework" / "nbgrader_config.py").read_text(encoding="utf-8")
        (folder / "nbgrader_config.py").write_text(f"{config}{settings}\n", encoding="utf-8")
        self.sets = [load(each) for each in folders(folder / "problems")]
        if release:
            done = self.run("release")
            assert done.returncode == 0, done.stderr

    def run(self, *words: str) -> Done:
        """Do what `python -m mmlab.coursework` does on the course, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), scripts_on_path():
            code = main([*words, "--folder", str(self.folder)])
        return Done(code, out.getvalue(), err.getvalue())

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "mmlab.coursework", *words, "--folder", str(self.folder)]

    def submitted(self, student: str, problems: ProblemSet) -> Path:
        """Make the folder of a submission."""
        folder = self.folder / "submitted" / student / problems.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def blank(self, problems: ProblemSet) -> NotebookNode:
        """Give the notebook that was released."""
        return nbformat.read(self.folder / "release" / problems.name / f"{problems.name}.ipynb", as_version=4)

    def filled(self, problems: ProblemSet, student: str, answers: dict[str, str]) -> NotebookNode:
        """Give the released notebook as a student fills it: by part id, "me" for the name."""
        notebook = self.blank(problems)
        texts = {f"{problems.short}-{name}-answer": text for name, text in answers.items()}
        texts[f"{problems.short}-me"] = f"me = {student!r}"
        for cell in notebook.cells:
            cell.source = texts.get(cell.metadata.nbgrader.grade_id, cell.source)
        return notebook

    def hand_in(self, student: str, problems: ProblemSet, answers: dict[str, str]) -> Path:
        """Hand in a notebook with these answers."""
        path = self.submitted(student, problems) / f"{problems.name}.ipynb"
        nbformat.write(self.filled(problems, student, answers), path)
        return path

    def scores(self, problems: ProblemSet) -> dict[str, float]:
        """Give what the gradebook says: the score of each student."""
        with Course(self.folder).gradebook() as book:
            return {each["student"]: each["score"] for each in book.submission_dicts(problems.name)}

    def words(self, problems: ProblemSet) -> dict[str, str]:
        """Give what the report says of each student, on its lines."""
        text = (self.folder / "reports" / f"{problems.name}.txt").read_text(encoding="utf-8")
        return {each.split(": ")[0]: each for each in text.strip().split("\n\n")[1:]}


def solutions(problems: ProblemSet) -> dict[str, str]:
    """Give the reference answer to each part that is not an essay."""
    return {part.id: part.solution for part in problems.parts if part.check}
