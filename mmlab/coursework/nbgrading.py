"""What nbgrader does differently for these problem sets: releasing puts each answer as it begins, grading asks a sandbox.

`configure(c, folder)` is all that nbgrader_config.py calls; nbgrader's menus and commands then work as always.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from traitlets import Int, Unicode
from traitlets.config import Config

from mmlab.coursework.grading import Cell, Grader, Mark
from mmlab.coursework.problem import load
from mmlab.coursework.sandbox import Nursery

COURSE = "mmlab"


def configure(c: Config, folder: Path, course: str = COURSE) -> None:
    """Set nbgrader up for the course in `folder`: problems/, source/, release/, submitted/, autograded/, feedback/."""
    c.CourseDirectory.root = str(folder)
    c.CourseDirectory.course_id = course
    c.ClearSolutions.enforce_metadata = False
    c.OverwriteCells.add_missing_cells = True
    c.GenerateAssignment.preprocessors = [
        LockCells, Starter, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells, CheckCellMetadata,
    ]  # fmt: skip
    c.Autograde.autograde_preprocessors = [
        Judge, ClearMetadataPreprocessor, LimitOutput, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata,
    ]  # fmt: skip
    c.Judge.problems = str(folder / "problems")
    c.Judge.course = course


class Starter(NbGraderPreprocessor):
    """Put the beginning of each answer in place of its solution; nothing of the solution goes out."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """Replace one cell's text."""
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = cell.metadata.pop("mmlab", {}).get("starter") or "*Write your answer here.*"
        return cell, resources


class Judge(NbGraderPreprocessor):
    """Run the answers in a sandbox, and put each part's mark where nbgrader looks for it: in its cell's output."""

    problems = Unicode(help="the folder of the problem sets").tag(config=True)
    course = Unicode(COURSE, help="the course for which the students' numbers are drawn").tag(config=True)
    seconds = Int(10, help="how long a cell, or a check, may take").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict]:
        """Grade a notebook."""
        told = resources["nbgrader"]
        problems = load(Path(self.problems) / f"{told['notebook']}.py")
        graded = {problems.grade_id(part) for part in problems.parts if part.check}
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        cells = [Cell(cell.source, name if (name := grade_id(cell)) in graded else None) for cell in code]
        with Nursery() as nursery:
            marks = Grader(problems, told["student"], self.course, nursery, self.seconds).grade(cells)
        places = {grade_id(cell): cell for cell in code}
        for mark in marks:
            show(places[mark.grade_id], mark)
        return nb, resources


def grade_id(cell: NotebookNode) -> str | None:
    """Give the name of the part that is graded in a cell, None if none is."""
    marks = cell.metadata.get("nbgrader", {})
    return marks.get("grade_id") if marks.get("grade") else None


def show(cell: NotebookNode, mark: Mark) -> None:
    """Let a cell show its mark, in words and as the number that nbgrader reads."""
    word = f"{mark.points:g} of {mark.out_of} points. {mark.word}".strip()
    cell.execution_count = 1
    cell.outputs = [
        new_output("stream", name="stdout", text=word + "\n"),
        new_output("execute_result", {"text/plain": f"{mark.points:g}"}, execution_count=1),
    ]
