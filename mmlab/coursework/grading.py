"""Grade one piece of work: run its answers in a sandbox, and let each part's check ask there."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from mmlab.coursework.persona import drawn
from mmlab.coursework.plain import UNANSWERED, Plain
from mmlab.coursework.problem import Part, ProblemSet, Wrong
from mmlab.coursework.sandbox import SECONDS, TOTAL, Failed, Nursery, Stopped

NOT_YET = "Not answered yet."
ODD = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)  # raised by an odd answer


class OutOfTime(BaseException):
    """All the time for a submission is over, wherever its judge is."""


@dataclass
class Cell:
    """A cell of the work: code to run, or the place where the part named `grade_id` is graded."""

    source: str
    grade_id: str | None = None
    name: str = "the answer"
    said: str = ""  # what it printed, once it has run


@dataclass
class Mark:
    """What a part got: points out of the part's, and in words why not more."""

    grade_id: str
    points: float
    out_of: int
    word: str = ""


class Answers(Protocol):
    """What can be asked: a Sandbox, or the notebook of a student who practises."""

    def value(self, name: str) -> Plain: ...

    def call(self, function: str, *arguments: Plain) -> Plain: ...

    def probe(self, code: str, **named: Plain) -> Plain: ...


@dataclass
class Asked:
    """The work as a check sees it: the answers, and the numbers that this student met."""

    answers: Answers
    rng: random.Random

    def value(self, name: str, kind: type | None = None) -> Plain:
        return of_kind(self.answers.value(name), f"`{name}`", kind)

    def call(self, function: str, *arguments: Plain, kind: type | None = None) -> Plain:
        return of_kind(self.answers.call(function, *arguments), f"What `{function}` returns", kind)

    def probe(self, code: str, **named: Plain) -> Plain:
        return self.answers.probe(code, **named)


def printable(text: str) -> str:
    """Give text that a terminal and a file can show; students have a say in it."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


def of_kind(value: Plain, what: str, kind: type | None) -> Plain:
    """Give the value; Wrong if it is of another type than was asked for."""
    if kind and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise Wrong(f"{what} is to be of type {kind.__name__}; here it is of type {type(value).__name__}.")
    return value


class Grader:
    """Grades the work of one student on one problem set.

    Cells run in order in one sandbox. If one of them, or a check, ends the sandbox, a new one takes over: it runs
    again what has run well, and leaves out the cell that did not.
    """

    def __init__(self, problems: ProblemSet, student: str, course: str, nursery: Nursery,
                 seconds: float = SECONDS, total: float = TOTAL) -> None:
        self.problems, self.student, self.course = problems, student, course
        self.nursery, self.seconds, self.until = nursery, seconds, time.monotonic() + total
        self.done: list[str] = []  # cells that have run without ending the sandbox
        self.troubles: list[str] = []  # what went wrong since the last mark
        self.stack = ExitStack()

    def grade(self, cells: Iterable[Cell]) -> list[Mark]:
        """Give the mark of each part that the work holds, in its order."""
        marks = []
        with self.stack:
            self.renew()
            for cell in cells:
                if cell.grade_id is None:
                    self.run(cell.source, cell.name)
                    cell.said = self.sandbox.output
                else:
                    marks.append(self.mark(cell.grade_id))
        return marks

    def renew(self) -> None:
        """Begin a new sandbox where the old one was before it ended."""
        self.stack.close()
        self.sandbox = self.stack.enter_context(self.nursery.sandbox(self.student, self.seconds, self.until))
        for source in self.done:
            try:
                self.sandbox.run(source, "the answer")
            except Failed:
                continue
            except Stopped:
                return

    def run(self, source: str, name: str) -> None:
        """Run a cell; remember what it did not manage."""
        try:
            self.sandbox.run(source, name)
        except Failed as error:
            self.troubles.append(f"{name} raised {error}")
        except Stopped as reason:
            self.troubles.append(f"{name} was left out: {reason}.")
            return self.renew()
        self.done.append(source)

    def mark(self, grade_id: str) -> Mark:
        """Give a part's mark."""
        part = self.problems.part(grade_id)
        fraction, word = self.judge(part, grade_id)
        if fraction < 1:
            word = "\n".join([word, *self.troubles[-3:]]).strip()
        self.troubles.clear()
        return Mark(grade_id, round(part.points * fraction, 2), part.points, printable(word))

    def judge(self, part: Part, grade_id: str) -> tuple[float, str]:
        """Let the part's check decide: what fraction is right, and in words why not more."""
        try:
            return verdict(part, Asked(self.sandbox, drawn(self.course, self.student, grade_id)))
        except Stopped as reason:
            self.renew()
            return 0.0, f"The answer was stopped: {reason}."
        except OutOfTime:
            self.renew()
            return 0.0, "The check could not judge this answer in time: please look at it."


def verdict(part: Part, work: Asked) -> tuple[float, str]:
    """Let a part's check decide: what fraction is right, and in words why not more. Stopped."""
    assert part.check is not None
    try:
        fraction = part.check(work)
        fraction = 1.0 if fraction is None else min(1.0, max(0.0, float(fraction)))
    except Wrong as wrong:
        return min(1.0, max(0.0, wrong.earned)), str(wrong)
    except Failed as error:
        return 0.0, NOT_YET if UNANSWERED in str(error) else f"The answer raised {error}"
    except Stopped:
        raise
    except ODD as error:
        return 0.0, f"The answer has not the form that was asked for ({type(error).__name__}: {error})."[:600]
    except Exception as error:
        return 0.0, f"The check could not judge this answer ({type(error).__name__}): please look at it."
    return fraction, "" if fraction == 1 else "Not all of it is right."
