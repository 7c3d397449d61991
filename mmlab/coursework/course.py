"""A course in a folder: write its source notebooks, release them, grade what was handed in, report, export.

The folder holds nbgrader_config.py and problems/; everything else in it is made. Only this process writes to the
gradebook, so that grading side by side needs no more than SQLite.
"""

from __future__ import annotations

import csv
import fcntl
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from mmlab.coursework.grading import printable
from mmlab.coursework.judging import Job, Judges, Limits, Verdict
from mmlab.coursework.ledger import Ledger
from mmlab.coursework.problem import ProblemSet, folders, load
from mmlab.coursework.source import notebook
from mmlab.setup.places import NOTEBOOKS
from mmlab.setup.report import Trouble

FOLDER = NOTEBOOKS / "coursework"
UNCONFINED = "What to do: grade on Linux 5.13 or newer, or, if you trust every submission, with --unconfined."
WHERE = "What to do: see that c.CourseDirectory.db_url in nbgrader_config.py, or --db, names a database that is there."
RELEASE_FIRST = "What to do: make course-release, then collect what students hand in, then make course-grade."


class Course:
    """A course: its folder, its problem sets, its gradebook."""

    def __init__(self, folder: Path = FOLDER, db: str = "") -> None:
        """`db` names another gradebook than the folder's own: "postgresql+psycopg://user@host/course"."""
        self.folder = folder
        self.config: Config = PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config()
        if db:
            self.config.CourseDirectory.db_url = db
        self.id = str(self.config.Judge.course)

    def sets(self, names: Sequence[str]) -> list[ProblemSet]:
        """Give the problem sets named ("ps1", or in full), or all. Trouble."""
        paths = folders(Path(self.config.Judge.problems))
        known = {path.name: path for path in paths} | {path.name.split("_")[0]: path for path in paths}
        unknown = [name for name in names if name not in known]
        if unknown:
            sets = " ".join(path.name.split("_")[0] for path in paths)
            raise Trouble(f"There is no problem set {' '.join(unknown)}.\nWhat to do: name some of: {sets}")
        return [load(known[name]) for name in names or [path.name for path in paths]]

    def do(self, what: str, *words: str) -> None:
        """Call one of nbgrader's functions; what it logs is heard only when it fails. Trouble."""
        with self.gradebook():
            pass  # where it cannot be opened, this says so in a sentence, nbgrader in a traceback
        api = NbGraderAPI(CourseDirectory(config=self.config), config=self.config)
        api.log.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SQLAlchemy on nbgrader's ways
            result = getattr(api, what)(*words)
        if not result["success"]:
            said = [line for line in f"{result.get('log', '')}\n{result.get('error', '')}".splitlines() if line.strip()]
            raise Trouble("\n".join([f"{what} {' '.join(words)} failed.", *(f"    {line}" for line in said[-6:])]))

    # ── source, release, feedback, export ───────────────────────────────────────────────────────────────────

    def source(self, problems: ProblemSet) -> Path:
        """Write the source notebook of a problem set."""
        path = self.folder / "source" / problems.name / f"{problems.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook(problems, self.id), path)
        return path

    def release(self, problems: ProblemSet) -> Path:
        """Write a problem set's source notebook, and from it what students get; the gradebook learns of it. Trouble."""
        self.source(problems)
        self.do("generate_assignment", problems.name)
        return self.folder / "release" / problems.name / f"{problems.name}.ipynb"

    def feedback(self, problems: ProblemSet) -> None:
        """Write what students read about their graded work. Trouble."""
        self.do("generate_feedback", problems.name)

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """Open the gradebook. Trouble."""
        directory = CourseDirectory(config=self.config)
        try:
            book = Gradebook(directory.db_url, directory.course_id)
        except (SQLAlchemyError, ImportError, ValueError) as error:
            said = str(getattr(error, "orig", error)).splitlines()[0]
            raise Trouble(f"The gradebook cannot be opened: {said}.\n{WHERE}") from error
        with book:
            yield book

    def export(self) -> Path:
        """Write grades.csv: a row for each student, a column for the score in each problem set."""
        with self.gradebook() as book:
            sets = sorted(book.assignments, key=lambda each: each.name)  # databases differ in their own order
            columns = [f"{each.name} [{each.max_score:g}]" for each in sets]
            rows = {student.id: [student.id, student.last_name, student.first_name, student.email]
                    for student in sorted(book.students, key=lambda each: each.id)}  # fmt: skip
            for each in sets:
                scores = {told["student"]: told["score"] for told in book.submission_dicts(each.name)}
                for student, row in rows.items():
                    row.append(scores.get(student))
        path = self.folder / "grades.csv"
        table(path, ["student_id", "last_name", "first_name", "email", *columns], list(rows.values()))
        return path

    # ── grading ─────────────────────────────────────────────────────────────────────────────────────────────

    def submissions(self, problems: ProblemSet) -> list[Job]:
        """Give what was handed in for a problem set."""
        folders = sorted((self.folder / "submitted").glob(f"*/{problems.name}"))
        return [Job(folder.parent.name, folder) for folder in folders if folder.is_dir()]

    def grade(self, problems: ProblemSet, side_by_side: int, limits: Limits, again: bool = False,
              say: Callable[[str], None] = print) -> list[Verdict]:
        """Grade what is not graded yet, or is newer, or all of it again; give the verdicts of all. Trouble."""
        jobs = self.submissions(problems)
        if not jobs:
            raise Trouble(f"{self.folder / 'submitted'} holds nothing of {problems.name} yet.\n{RELEASE_FIRST}")
        with self.alone(), self.gradebook() as book:
            if problems.name not in [assignment.name for assignment in book.assignments]:
                raise Trouble(f"The gradebook does not know {problems.name}.\n{RELEASE_FIRST}")
            ledger = Ledger(self.folder, self.config, problems, book)
            for job in jobs:
                job.key = ledger.key(job)
            known = {} if again else {job.student: verdict for job in jobs if (verdict := ledger.known(job))}
            todo = [job for job in jobs if job.student not in known]
            if known:
                say(f"{problems.name}: {len(known)} of {len(jobs)} are graded already.")
            folders = {job.student: job for job in todo}
            for number, verdict in enumerate(self.judged(problems, todo, side_by_side, limits), 1):
                ledger.record(folders[verdict.student], verdict)
                known[verdict.student] = verdict
                odd = " ".join(verdict.remarks)
                who = printable(verdict.student)
                say(f"[{number}/{len(todo)}] {who}: {verdict.points:g} points. {odd}".strip())
        verdicts = [known[job.student] for job in jobs]
        self.report(problems, verdicts)
        return verdicts

    def judged(self, problems: ProblemSet, jobs: Sequence[Job], side_by_side: int, limits: Limits) -> Iterator[Verdict]:
        """Give the verdict on each submission, in the order in which they are reached. Trouble."""
        if jobs:
            try:
                judges = Judges(problems, self.id, max(1, min(side_by_side, len(jobs))), limits)
            except OSError as error:
                raise Trouble(f"{error}\n{UNCONFINED}") from error
            yield from judges.verdicts(jobs)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second grading of this course away. Trouble."""
        place = self.folder / ".grading"
        place.mkdir(exist_ok=True)
        with open(place / "lock", "w", encoding="utf-8") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # children do not inherit it
            except OSError:
                raise Trouble("This course is being graded already.\nWhat to do: wait for it, or stop it.") from None
            yield

    def report(self, problems: ProblemSet, verdicts: Sequence[Verdict]) -> None:
        """Write reports/NAME.csv, a row for each part of each student's, and reports/NAME.txt, to be read."""
        place = self.folder / "reports"
        place.mkdir(exist_ok=True)
        rows = [[verdict.student, mark.grade_id, mark.points, mark.out_of, mark.word, " ".join(verdict.remarks)]
                for verdict in verdicts for mark in verdict.marks]  # fmt: skip
        table(place / f"{problems.name}.csv", ["student_id", "part", "points", "out_of", "why", "remarks"], rows)
        text = "\n\n".join(told(verdict) for verdict in verdicts)
        text = f"{problems.title}\n\n{text}\n"
        (place / f"{problems.name}.txt").write_text(text, encoding="utf-8", errors="replace")


def told(verdict: Verdict) -> str:
    """Tell a verdict in lines."""
    lines = [f"{verdict.student}: {verdict.points:g} of {sum(mark.out_of for mark in verdict.marks)} points"]
    lines += [f"  ! {each}" for each in verdict.remarks]
    for mark in verdict.marks:
        first, *more = mark.word.splitlines() or [""]
        lines.append(f"  {mark.grade_id}: {mark.points:g} of {mark.out_of}. {first}".rstrip(" ."))
        lines += [f"      {line}" for line in more]
    return "\n".join(lines)


def table(path: Path, head: list[str], rows: list[list[Any]]) -> None:
    """Write a CSV file; no cell is a formula to a spreadsheet."""
    with open(path, "w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for row in rows:
            writer.writerow([f"'{cell}" if str(cell).startswith(("=", "+", "-", "@")) else cell for cell in row])
