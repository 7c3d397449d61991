"""Grade answers as the course does: one part alone, by one student, in a sandbox of its own."""

import importlib.util
from pathlib import Path

from mmlab.coursework.grading import Cell, Grader, Mark
from mmlab.coursework.problem import Part, ProblemSet, load
from mmlab.coursework.sandbox import Nursery
from mmlab.setup.places import NOTEBOOKS

COURSE = "mmlab"
PROBLEMS = NOTEBOOKS / "coursework" / "problems"
SETS = [load(path) for path in sorted(PROBLEMS.glob("*.py"))]
PARTS = {problems.grade_id(part): (problems, part) for problems in SETS for part in problems.parts if part.check}
START = f'from mmlab import *\nfrom mmlab.coursework import example, iam, personal\niam(me, "{COURSE}")'


def answered(problems: ProblemSet, part: Part, answer: str, student: str, nursery: Nursery) -> Mark:
    """Give the mark of one answer to one part."""
    cells = [Cell(f"me = {student!r}"), Cell(START), Cell(part.setup), Cell(answer)]
    (mark,) = Grader(problems, student, COURSE, nursery).grade([*cells, Cell("", problems.grade_id(part))])
    return mark


def wrong(short: str) -> dict[str, dict[str, str | tuple[str, float]]]:
    """Give the wrong answers to the parts of a set: part → misconception → code (or code, and what it still earns)."""
    path = Path(__file__).parent / "wrong" / f"{short}.py"
    spec = importlib.util.spec_from_file_location(f"wrong_{short}", path)
    assert spec and spec.loader and path.exists(), f"{path} is to hold the wrong answers to {short}"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.WRONG)
