"""Grade a simulated class, beside plain nbgrader on the same work: make bench ARGS=course.

Plain is `nbgrader autograde` as it comes: a Jupyter kernel for each notebook, and the examples as visible asserts in
the graded cells, which is less than the hidden checks that we make. Both read the same answers. Of twenty students
fourteen give the reference answers, four a known mistake, one half of the answers, one none.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbgrader.api import Gradebook

from mmlab.coursework.problem import ProblemSet, folders, load
from mmlab.coursework.source import notebook
from mmlab.setup import places
from tests.coursework.helpers import Class, solutions, wrong

BAR = 1.8  # times the throughput of plain nbgrader, on 2 cores
PLAIN = """
c = get_config()
c.CourseDirectory.root = {folder!r}
c.ClearSolutions.enforce_metadata = False
c.ExecutePreprocessor.timeout = 60
"""


def answers(problems: ProblemSet, number: int) -> dict[str, str]:
    """Give the answers of a student."""
    right = solutions(problems)
    match number % 20:
        case 3 | 7 | 11 | 15:
            part = list(right)[number % len(right)]
            mistake = next(iter(wrong(f"{problems.short}-{part}").values()))
            return right | {part: mistake if isinstance(mistake, str) else mistake[0]}
        case 18:
            return dict(list(right.items())[::2])
        case 19:
            return {}
    return right


def students(count: int) -> Iterator[tuple[str, int]]:
    """Give the students' ids, and numbers."""
    return ((f"student{number:03}", number) for number in range(count))


class Took(NamedTuple):
    """How long something took, in seconds: by the clock, and of the processors."""

    wall: float
    work: float


def ours(folder: Path, problems: Path, count: int, jobs: int) -> Took:
    """Let make course-grade grade a class."""
    course = Class(folder, problems)
    (only,) = course.sets
    for student, number in students(count):
        course.hand_in(student, only, answers(only, number))
    return took(course.command("grade", "-j", str(jobs)), folder)


def plain(folder: Path, problems: ProblemSet, count: int) -> Took:
    """Let `nbgrader autograde` grade a class."""
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(PLAIN.format(folder=str(folder)), encoding="utf-8")
    source = notebook(problems, "mmlab")
    for cell in source.cells:
        if cell.cell_type == "code" and cell.metadata.nbgrader.grade:
            lines = cell.source.splitlines()[1:]
            cell.source = "\n".join(line.removeprefix("    ") for line in lines)
    path = Path(problems.name) / f"{problems.name}.ipynb"
    write(source, folder / "source" / path)
    nbgrader = [sys.executable, "-m", "nbgrader"]
    took([*nbgrader, "generate_assignment", problems.name], folder)
    for student, number in students(count):
        work = nbformat.read(folder / "release" / path, as_version=4)
        texts = {f"{problems.short}-{name}-answer": text for name, text in answers(problems, number).items()}
        for cell in work.cells:
            cell.source = texts.get(cell.metadata.nbgrader.grade_id, cell.source)
        write(work, folder / "submitted" / student / path)
    return took([*nbgrader, "autograde", problems.name], folder)


def write(work: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook, and the folders that lead to it."""
    path.parent.mkdir(parents=True)
    nbformat.write(work, path)


def took(command: list[str], folder: Path) -> Took:
    """Run a command and give how long it takes."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=places.variables(Path(sys.prefix)), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(time.monotonic() - begin, work)


def graded(folder: Path, problems: ProblemSet) -> int:
    """Give how many the gradebook holds."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        return len(book.submission_dicts(problems.name))


def main(words: list[str]) -> int:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=course", description=__doc__)
    parser.add_argument("--students", type=int, default=200, help="how large the class is")
    parser.add_argument("--plain", type=int, help="how many of them plain nbgrader grades (all)")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--problems", type=Path, default=places.NOTEBOOKS / "coursework" / "problems")
    parser.add_argument("--set", default="ps1", help="the problem set")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE as well")
    told = parser.parse_args(words)
    (only,) = [each for each in folders(told.problems) if each.name.startswith(f"{told.set}_")]
    problems, few = load(only), told.plain or told.students
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        shutil.copytree(only, place / "problems" / only.name, ignore=shutil.ignore_patterns("__pycache__"))
        mine = ours(place / "ours", place / "problems", told.students, told.jobs)
        theirs = plain(place / "plain", problems, few)
        assert graded(place / "ours", problems) == told.students
        assert graded(place / "plain", problems) == few
    figures = {
        "set": problems.name, "parts": len(problems.parts), "students": told.students, "seconds": mine,
        "plain students": few, "plain seconds": theirs, "bar": BAR,
        "ratio": told.students / mine.wall / (few / theirs.wall),
        "ratio of work": told.students / mine.work / (few / theirs.work),
    }  # fmt: skip
    where = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{problems.name}, {len(problems.parts)} parts. {where}")
    for what, count, (wall, work) in ((f"make course-grade -j {told.jobs}", told.students, mine),
                                      ("plain nbgrader autograde", few, theirs)):
        print(f"{what + ':':26} {count:4} in {wall:6.1f} s, {wall / count:.2f} s each; of the processors {work:6.1f} s")
    verdict = "ok" if figures["ratio"] >= BAR else "MISSED"
    by_work = f"by the work of the processors {figures['ratio of work']:.1f} ×"
    print(f"throughput, ours : plain   {figures['ratio']:.1f} × (≥ {BAR}: {verdict}); {by_work}")
    if told.json:
        Path(told.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
