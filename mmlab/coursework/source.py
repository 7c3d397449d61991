"""Write a problem set as a notebook for nbgrader: as solved, and as released."""

from __future__ import annotations

import nbformat
from nbformat.notebooknode import NotebookNode

from mmlab.coursework.problem import Part, ProblemSet

KERNEL = {"display_name": "Python 3 (mmlab)", "language": "python", "name": "python3"}
NOBODY = "your student id"


def notebook(problems: ProblemSet, course: str) -> NotebookNode:
    """Give the source notebook of a problem set."""
    cells = [markdown(problems, "head", head(problems)), code(problems, "start", start(course), locked=True)]
    cells[1:1] = [answer(problems, "me", f'me = "{NOBODY}"', 'me = "reference"')]
    for number, part in enumerate(problems.parts, 1):
        cells += written(problems, part, number)
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def released(problems: ProblemSet, course: str) -> NotebookNode:
    """Give a problem set as students get it: each answer as it begins."""
    blank = notebook(problems, course)
    for cell in blank.cells:
        unsolve(cell)
    return blank


def unsolve(cell: NotebookNode) -> None:
    """Put the beginning of an answer in place of its solution; nothing of the solution stays."""
    if cell.metadata.get("nbgrader", {}).get("solution"):
        cell.source = cell.metadata.pop("mmlab", {}).get("starter") or "*Write your answer here.*"


def head(problems: ProblemSet) -> str:
    """The first cell: what this is about, what it is worth, and how to hand it in."""
    points = sum(part.points for part in problems.parts)
    lessons = ", ".join(f"`{name}`" for name in problems.lessons)
    return f"""# {problems.title}

{problems.intro}

**{len(problems.parts)} parts, {points} points.** It follows lesson {lessons}.

Write your student id into the next cell and run the notebook from the top: the numbers in the questions are drawn for
you. Replace `...` in each answer cell. The cell below an answer tries an example and says whether that much is right;
the marks come from more than the example.

An answer may use `mmlab` and Python's standard library. It is graded without network or files, and each cell has 10
seconds."""


def start(course: str) -> str:
    """The cell that says whose questions these are."""
    return f'from mmlab import *\nfrom mmlab.coursework import example, iam, personal\n\niam(me, "{course}")'


def written(problems: ProblemSet, part: Part, number: int) -> list[NotebookNode]:
    """The cells of one part."""
    name = problems.grade_id(part)
    points = f"{part.points} point{'s' if part.points > 1 else ''}"
    prompt = f"## {number}. {part.title}  ({points})\n\n{part.prompt.strip()}"
    if part.kind == "essay":
        return [markdown(problems, f"{part.id}-q", f"{prompt}\n\n{part.rubric.strip()}"), essay(problems, part)]
    cells = [markdown(problems, f"{part.id}-q", prompt)]
    if part.setup:
        cells.append(code(problems, f"{part.id}-setup", part.setup.strip(), locked=True))
    cells.append(answer(problems, f"{part.id}-answer", part.starter.strip(), part.solution.strip()))
    tried = part.example.strip() or "pass"
    shown = "\n".join(["with example():", *(f"    {line}".rstrip() for line in tried.splitlines())])
    cells.append(code(problems, part.id, shown, locked=True, points=part.points))
    assert cells[-1].metadata.nbgrader.grade_id == name
    return cells


def markdown(problems: ProblemSet, name: str, text: str) -> NotebookNode:
    """A cell of text that students cannot change."""
    return marked(nbformat.v4.new_markdown_cell(text), problems, name, locked=True)


def code(problems: ProblemSet, name: str, text: str, locked: bool, points: int | None = None) -> NotebookNode:
    """A code cell that students run; with points it is where a part is graded."""
    return marked(nbformat.v4.new_code_cell(text), problems, name, locked=locked, points=points)


def answer(problems: ProblemSet, name: str, starter: str, solution: str) -> NotebookNode:
    """The cell of an answer: solved here, and as it begins when released."""
    text = f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    cell = marked(nbformat.v4.new_code_cell(text), problems, name, locked=False, solution=True)
    cell.metadata["mmlab"] = {"starter": starter}
    return cell


def essay(problems: ProblemSet, part: Part) -> NotebookNode:
    """The cell of an answer that a person reads."""
    cell = nbformat.v4.new_markdown_cell(part.solution.strip())
    return marked(cell, problems, part.id, locked=False, solution=True, points=part.points)


def marked(cell: NotebookNode, problems: ProblemSet, name: str, *, locked: bool, solution: bool = False,
           points: int | None = None) -> NotebookNode:
    """Give a cell its name and nbgrader's marks."""
    cell.id = f"{problems.short}-{name}"
    cell.metadata["nbgrader"] = {
        "schema_version": 3, "grade_id": cell.id, "locked": locked, "solution": solution,
        "grade": points is not None, "task": False, **({} if points is None else {"points": points}),
    }  # fmt: skip
    return cell
