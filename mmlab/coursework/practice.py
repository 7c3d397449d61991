"""The same problems without a course: each check runs in the student's own notebook, and says at once what is wrong.

`python -m mmlab practice` writes the notebooks; what a student has begun stays as it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import nbformat
from nbformat.notebooknode import NotebookNode

from mmlab.coursework.answers import do, last_words
from mmlab.coursework.grading import Asked, verdict
from mmlab.coursework.persona import COURSE, drawn, whoami
from mmlab.coursework.plain import Plain, decode, encode
from mmlab.coursework.problem import ProblemSet, folders, load
from mmlab.coursework.sandbox import Failed, Questions
from mmlab.coursework.source import KERNEL, released
from mmlab.setup.places import NOTEBOOKS

PROBLEMS = NOTEBOOKS / "coursework" / "problems"
START = f'from mmlab import *\nfrom mmlab.coursework import check, iam, personal\n\niam(me, "{COURSE}")'


def check(name: str, answers: dict | None = None) -> None:
    """Say whether the answer to a part ("ps1-hole") is right, and if not, what is wrong with it."""
    (folder,) = [each for each in folders(PROBLEMS) if each.name.split("_")[0] == name.split("-")[0]]
    part = load(folder).part(name)
    import __main__

    here = Here(vars(__main__) if answers is None else answers)
    fraction, word = verdict(part, Asked(here, drawn(COURSE, whoami(), name)))
    print(f"{part.points * fraction:g} of {part.points} points. {word or 'Right.'}")


class Here(Questions):
    """The answers in this very process: what a check asks of a sandbox, it asks here."""

    def __init__(self, namespace: dict) -> None:
        self.namespace = namespace

    def ask(self, request: dict) -> Plain:
        """Do what is asked; the answer is plain data here too. Failed."""
        try:
            return decode(json.loads(json.dumps(encode(do(request, self.namespace)))))
        except Exception as error:
            raise Failed(last_words(error)) from None


def notebook(problems: ProblemSet) -> NotebookNode:
    """Give a problem set as a notebook to practise with."""
    whole = released(problems, COURSE)
    parts = {problems.grade_id(part): part for part in problems.parts}
    cells = []
    for cell in whole.cells:
        part, source = parts.get(cell.id), cell.source
        if cell.id == f"{problems.short}-head":
            source = head(problems)
        elif cell.id == f"{problems.short}-me":
            source = 'me = "practice"  # any other word: other numbers'
        elif cell.id == f"{problems.short}-start":
            source = START
        elif part and part.check:
            source = f'check("{cell.id}")'
        new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        cells.append(new(source, id=cell.id))
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def head(problems: ProblemSet) -> str:
    """The first cell."""
    lessons = ", ".join(f"`{name}`" for name in problems.lessons)
    return f"""# {problems.title}: practice

{problems.intro}

It follows lesson {lessons}. Nothing is handed in, and nobody counts. Replace `...` in each answer cell and run the cell
below it: it says whether all is right and, if not, what is wrong. What has no such cell you judge yourself, by the
points listed with it."""


def main(words: Sequence[str]) -> int:
    """Write the practice notebooks that are not there yet (with --fresh: all of them anew)."""
    practice = NOTEBOOKS / "practice"
    practice.mkdir(exist_ok=True)
    for folder in folders(PROBLEMS):
        place = practice / f"{folder.name}.ipynb"
        if place.exists() and "--fresh" not in words:
            print(f"{place} is there already")
            continue
        nbformat.write(notebook(load(folder)), place)
        print(place)
    print("Open them with: make lab (they are in the folder practice)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
