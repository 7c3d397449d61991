"""What nbgrader does differently for these problem sets: what it releases, and who judges.

`configure(c, folder)` is all that nbgrader_config.py calls; nbgrader's menus and commands then work as always.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bleach
import nbformat
from nbconvert.filters import markdown2html
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ComputeChecksums,
    LimitOutput,
    LockCells,
    NbGraderPreprocessor,
    SaveAutoGrades,
    SaveCells,
)
from traitlets import Bool, Float, Unicode
from traitlets.config import Config

from mmlab.coursework.grading import Mark
from mmlab.coursework.persona import COURSE
from mmlab.coursework.sandbox import SECONDS, TOTAL
from mmlab.coursework.source import unsolve

# What Markdown turns into; everything else is shown as it was typed.
TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol",
    "p", "pre", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"*": ["class", "id", "title"], "a": ["href"], "img": ["alt", "src"]}


def configure(c: Config, folder: Path, course: str = COURSE) -> None:
    """Set nbgrader up for the course in `folder`: problems/, source/, release/, submitted/, autograded/, feedback/."""
    c.CourseDirectory.root = str(folder)
    c.CourseDirectory.course_id = course
    c.ClearSolutions.enforce_metadata = False
    c.OverwriteCells.add_missing_cells = True
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.filters = {"markdown2html": "mmlab.coursework.nbgrading.harmless"}
    c.GenerateAssignment.preprocessors = [
        LockCells, Starter, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells, CheckCellMetadata,
    ]  # fmt: skip
    c.Autograde.autograde_preprocessors = [
        Judge, ClearMetadataPreprocessor, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata,
    ]  # fmt: skip
    c.Judge.problems = str(folder / "problems")
    c.Judge.course = course


def harmless(markdown: str) -> str:
    """Give Markdown as HTML that runs nothing: an essay may hold a script, and nbgrader's pages would run it."""
    return str(bleach.clean(markdown2html(markdown), tags=TAGS, attributes=ATTRIBUTES))


class Starter(NbGraderPreprocessor):
    """Put the beginning of each answer in place of its solution; nothing of the solution goes out."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """Replace one cell's text."""
        unsolve(cell)
        return cell, resources


class Judge(NbGraderPreprocessor):
    """Put each part's mark where nbgrader looks for it: in its cell's output."""

    problems = Unicode(help="the folder of the problem sets").tag(config=True)
    course = Unicode(COURSE, help="the course for which the students' numbers are drawn").tag(config=True)
    seconds = Float(SECONDS, help="how long a cell, or a question of a check, may take").tag(config=True)
    total = Float(TOTAL, help="how long a submission may take").tag(config=True)
    confined = Bool(True, help="whether to refuse where submitted code cannot be shut in").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict]:
        """Mark a notebook."""
        told = resources["nbgrader"]
        verdict = self.verdict(nb, told["notebook"], told["student"])
        places = {name(cell): cell for cell in nb.cells if cell.cell_type == "code"}
        for cell in nbformat.reads(verdict["notebook"], as_version=4).cells:
            if cell.get("outputs"):
                places[name(cell)].outputs = cell.outputs
        for mark in verdict["marks"]:
            show(places[mark["grade_id"]], Mark(**mark))
        return nb, resources

    def verdict(self, nb: NotebookNode, assignment: str, student: str) -> dict[str, Any]:
        """Let a process of its own judge a notebook."""
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(nb, Path(folder) / f"{assignment}.ipynb")
            limits = [str(self.seconds), str(self.total), str(self.confined)]
            words = [str(Path(self.problems) / assignment), self.course, student, folder, *limits]
            command = [sys.executable, "-m", "mmlab.coursework.judging", *words]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
        return dict(json.loads(done.stdout))


def name(cell: NotebookNode) -> str:
    """Give the name that nbgrader knows a cell by, "" if it knows it not."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def show(cell: NotebookNode, mark: Mark) -> None:
    """Let a cell show its mark, in words and as the number that nbgrader reads."""
    word = f"{mark.points:g} of {mark.out_of} points. {mark.word}".strip()
    cell.execution_count = 1
    cell.outputs = [
        new_output("stream", name="stdout", text=word + "\n"),
        new_output("execute_result", {"text/plain": f"{mark.points:g}"}, execution_count=1),
    ]
