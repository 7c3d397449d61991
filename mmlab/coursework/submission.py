"""Read what a student has handed in, whatever it is, and set its answers into the notebook that was released."""

from __future__ import annotations

import ast
import json
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from mmlab.coursework.grading import Cell
from mmlab.coursework.problem import ProblemSet
from mmlab.coursework.source import NOBODY, released

FILE = 50 << 20  # bytes of a notebook, at most
SHOWN = 5000  # characters of what a locked cell prints, at most
TEXT = 1 << 20  # bytes of its cells without their outputs, at most


class Unreadable(Exception):
    """There is no notebook that can be read; the text says what there is."""


@dataclass
class Found:
    """A cell of a submitted notebook, without its outputs."""

    kind: str
    source: str
    grade_id: str  # "" if it has none


def find(folder: Path, name: str) -> Path:
    """Give the notebook in a submission, or the only other one if it has another name. Unreadable."""
    if (folder / f"{name}.ipynb").exists():
        return folder / f"{name}.ipynb"
    others = sorted(folder.glob("*.ipynb"))
    if len(others) != 1:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        raise Unreadable(f"There is no {name}.ipynb in what was handed in, but {there[:300]}.")
    return others[0]


def read(path: Path) -> list[Found]:
    """Read the cells of a notebook. Unreadable."""
    try:
        told = json.loads(content(path))
        found = [understood(cell) for cell in told["cells"]]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError) as error:
        raise Unreadable(f"{path.name} is not a notebook that can be read ({type(error).__name__}: {error})."[:400]) \
            from error
    size = sum(len(cell.source) for cell in found)
    if size > TEXT:
        raise Unreadable(f"The cells of {path.name} hold {size} characters; {TEXT} are the most.")
    return found


def content(path: Path) -> bytes:
    """Give what an ordinary file holds, unless that is too much. OSError, Unreadable."""
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Unreadable(f"{path.name} is not a file.")
        data = file.read(FILE + 1)
    if len(data) > FILE:
        raise Unreadable(f"{path.name} is larger than {FILE >> 20} MiB.")
    return data


def understood(cell: dict) -> Found:
    """Give a cell of a notebook's JSON; text that no file can hold is replaced."""
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    mark = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
    return Found(str(cell["cell_type"]), text.encode("utf-8", "replace").decode(), str(mark or ""))


def merged(problems: ProblemSet, course: str, found: list[Found]) -> NotebookNode:
    """Give the notebook as it was released, with the answers, and with the cells that the student has added."""
    notebook = released(problems, course)
    known = {cell.id for cell in notebook.cells}
    answers: dict[str, str] = {}
    added: dict[str, list[NotebookNode]] = defaultdict(list)
    last = notebook.cells[0].id
    for cell in found:
        if cell.grade_id in known and cell.grade_id not in answers:
            last = cell.grade_id
            answers[last] = cell.source
        elif cell.source.strip():
            new = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
            added[last].append(new(cell.source))
    for cell in notebook.cells:
        if cell.metadata.nbgrader.solution:
            cell.source = answers.get(cell.id, cell.source)
    notebook.cells = [each for cell in notebook.cells for each in (cell, *added[cell.id])]
    return notebook


def to_run(problems: ProblemSet, notebook: NotebookNode) -> Iterator[tuple[NotebookNode, Cell]]:
    """Give the cells of a merged notebook that are to be run, or graded: as they are, and as the grader takes them."""
    graded = {problems.grade_id(part) for part in problems.parts if part.check}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in graded:
                yield cell, Cell("", name)
            else:
                yield cell, Cell(cell.source, name=f"the answer ({name or 'a cell added to it'})")


def ask_again(cells: Iterable[tuple[NotebookNode, Cell]]) -> None:
    """Let the cells that ask show what they have asked this student."""
    for cell, ran in cells:
        if ran.said and cell.metadata.get("nbgrader", {}).get("locked"):
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=ran.said[:SHOWN])]


def remarks(problems: ProblemSet, student: str, path: Path, found: list[Found]) -> list[str]:
    """Say what is odd about a submission that could be read."""
    said = []
    if path.stem != problems.name:
        said.append(f"The notebook was renamed: it was handed in as {path.name}.")
    answers = [cell.id for cell in released(problems, "").cells if cell.metadata.nbgrader.solution]
    lost = sorted(set(answers) - {cell.grade_id for cell in found}, key=answers.index)
    if lost:
        said.append(f"Cells are missing: {', '.join(lost)}.")
    said_by = named(next((cell.source for cell in found if cell.grade_id == f"{problems.short}-me"), ""))
    if said_by not in (student, None):
        who = "nobody" if said_by == NOBODY else repr(said_by)
        said.append(f"The notebook says that {who} works here, but it was handed in by {student!r}: "
                    f"the questions that count are those drawn for {student!r}.")
    return said


def named(source: str) -> str | None:
    """Give the name in a cell that says `me = "name"`, None if it says something else."""
    try:
        statement = ast.parse(source).body[-1]
        return str(ast.literal_eval(statement.value)).strip() if isinstance(statement, ast.Assign) else None
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return None
