"""Keep what was judged: .grading/SET/STUDENT.json says of which work, and the gradebook and autograded/ get the marks.

nbgrader's own `autograde` writes the same into the gradebook, in some fifty transactions; here it is a few, and what is
graded stands there wholly or not at all.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from traitlets.config import Config

from mmlab.coursework.grading import Mark, printable
from mmlab.coursework.judging import Job, Verdict
from mmlab.coursework.nbgrading import name, show
from mmlab.coursework.problem import ProblemSet
from mmlab.coursework.source import released
from mmlab.coursework.submission import Unreadable, content

ATTEMPTS = 4  # at writing into a gradebook that somebody else is writing into


class Ledger:
    """What has been judged and recorded of one problem set."""

    def __init__(self, folder: Path, config: Config, problems: ProblemSet, book: Gradebook) -> None:
        self.folder, self.config, self.problems, self.book = folder, config, problems, book
        self.directory = CourseDirectory(config=config)
        self.place = folder / ".grading" / problems.name
        self.place.mkdir(parents=True, exist_ok=True)
        self.where = digest(self.directory.db_url.encode())
        self.asked = asked(Path(config.Judge.problems) / problems.name, str(config.Judge.course))
        self.blank = {cell.id: cell.source for cell in released(problems, "").cells}

    def key(self, job: Job) -> str:
        """Give what stands for a submission as it is now: it is judged again if anything of it changes."""
        parts = [self.asked.encode()]
        for path in sorted([*job.folder.glob("*.ipynb"), *job.folder.glob("timestamp.txt")]):
            try:
                parts += [path.name.encode(), content(path)]
            except (OSError, Unreadable) as error:
                parts += [path.name.encode(), str(error).encode()]
        return digest(*parts)

    def graded(self, student: str) -> Path:
        """Give the place of a graded notebook."""
        return self.folder / "autograded" / student / self.problems.name / f"{self.problems.name}.ipynb"

    def known(self, job: Job) -> Verdict | None:
        """Give the verdict on a submission, as it is now, if it stands in this gradebook."""
        try:
            told = json.loads((self.place / f"{job.student}.json").read_text(encoding="utf-8"))
            same = (told.pop("key"), told.pop("where")) == (job.key, self.where)
            verdict = Verdict(marks=[Mark(**mark) for mark in told.pop("marks")], **told)
        except (OSError, ValueError, TypeError, LookupError):
            return None
        return verdict if same and self.graded(job.student).exists() else None

    def record(self, job: Job, verdict: Verdict) -> None:
        """Write a verdict down; it says so if that cannot be done."""
        when = moment(job.folder, verdict)
        for attempt in range(ATTEMPTS):
            time.sleep(attempt)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # SQLAlchemy on nbgrader's ways
                    self.enter(verdict, when)
                    self.give_back(job, verdict)
                break
            except Exception as error:  # of this student: the others' marks are to be recorded
                self.book.db.rollback()
                trouble = printable(f"{type(error).__name__}: {error}".splitlines()[0])
        else:
            verdict.remarks.append(f"NOT RECORDED in the gradebook: {trouble}")
            return
        said = asdict(verdict) | {"key": job.key, "where": self.where}
        (self.place / f"{job.student}.json").write_text(json.dumps(said), encoding="utf-8")

    def enter(self, verdict: Verdict, when: str | None) -> None:
        """Write a verdict into the gradebook, as nbgrader's SaveAutoGrades and AssignLatePenalties do."""
        what, student = self.problems.name, verdict.student
        self.book.update_or_create_student(student)
        self.book.update_or_create_submission(what, student, **({"timestamp": when} if when else {}))
        work = self.book.find_submission_notebook(what, what, student)
        points = {mark.grade_id: mark.points for mark in verdict.marks}
        texts = {cell.id: cell.source for cell in nbformat.reads(verdict.notebook, 4).cells}
        unanswered = {each for each, text in self.blank.items() if texts[each] == text}
        for grade in work.grades:
            grade.auto_score = points.get(grade.name, 0.0 if grade.name in unanswered else None)
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        for comment in work.comments:
            comment.auto_comment = "No response." if comment.name in unanswered else None
        late = work.assignment.total_seconds_late > 0 or work.late_submission_penalty
        self.book.db.commit()
        if late:
            told: dict[str, Any] = {"student": student, "assignment": what, "notebook": what}
            told["db_url"] = self.directory.db_url
            AssignLatePenalties(config=self.config).preprocess(NotebookNode(cells=[]), {"nbgrader": told})
        self.book.db.expunge_all()

    def give_back(self, job: Job, verdict: Verdict) -> None:
        """Write the graded notebook, from which nbgrader makes the pages for the grader and the student."""
        path = self.graded(verdict.student)
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir(parents=True)
        notebook = nbformat.reads(verdict.notebook, 4)
        places = {name(cell): cell for cell in notebook.cells if cell.cell_type == "code"}
        for mark in verdict.marks:
            show(places[mark.grade_id], mark)
        nbformat.write(notebook, path)
        if (job.folder / "timestamp.txt").is_file():
            (path.parent / "timestamp.txt").write_bytes(content(job.folder / "timestamp.txt")[:100])


def asked(folder: Path, course: str) -> str:
    """Give what stands for a problem set as it is now: all the files of its folder count."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return digest(*(each for path in files for each in (path.name.encode(), path.read_bytes())), course.encode())


def moment(folder: Path, verdict: Verdict) -> str | None:
    """Give the time of handing in, if it is known and can be read."""
    if not (folder / "timestamp.txt").exists():
        return None
    try:
        text = content(folder / "timestamp.txt")[:100].decode().strip()
        parse_utc(text)
        return text
    except (OSError, Unreadable, ValueError, OverflowError):
        verdict.remarks.append("Its timestamp.txt cannot be read: it counts as handed in at no known time.")
        return None


def digest(*parts: bytes) -> str:
    """Give a hash of some bytes."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(b"%d:" % len(part) + part)
    return whole.hexdigest()
