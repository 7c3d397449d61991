"""Grade one piece of work: run its answers in a sandbox, and let each part's check ask there."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

from mmlab.coursework.persona import drawn
from mmlab.coursework.plain import Plain
from mmlab.coursework.problem import Part, ProblemSet, Wrong
from mmlab.coursework.sandbox import Failed, Nursery, Sandbox, Stopped


@dataclass
class Cell:
    """A cell of the work: code to run, or the place where the part named `grade_id` is graded."""

    source: str
    grade_id: str | None = None


@dataclass
class Mark:
    """What a part got: points out of the part's, and in words why not more."""

    grade_id: str
    points: float
    out_of: int
    word: str = ""


@dataclass
class Asked:
    """The work as a check sees it: the sandbox, and the numbers that this student met."""

    sandbox: Sandbox
    rng: random.Random

    def value(self, name: str) -> Plain:
        return self.sandbox.value(name)

    def call(self, function: str, *arguments: Plain) -> Plain:
        return self.sandbox.call(function, *arguments)

    def probe(self, code: str, **named: Plain) -> Plain:
        return self.sandbox.probe(code, **named)


class Grader:
    """Grades the work of one student on one problem set.

    Cells run in order in one sandbox. If one of them, or a check, ends the sandbox, a new one takes over: it runs
    again what has run well, and leaves out the cell that did not.
    """

    def __init__(self, problems: ProblemSet, student: str, course: str, nursery: Nursery, seconds: int = 10) -> None:
        self.problems, self.student, self.course = problems, student, course
        self.nursery, self.seconds = nursery, seconds
        self.done: list[str] = []  # cells that have run without ending the sandbox
        self.troubles: list[str] = []  # what went wrong since the last mark
        self.stack = ExitStack()

    def grade(self, cells: Iterable[Cell]) -> list[Mark]:
        """Give the mark of each part that the work holds, in its order."""
        marks = []
        with self.stack:
            self.renew()
            for number, cell in enumerate(cells, 1):
                if cell.grade_id is None:
                    self.run(cell.source, f"answer (cell {number})")
                else:
                    marks.append(self.mark(cell.grade_id))
        return marks

    def renew(self) -> None:
        """Begin a new sandbox where the old one was before it ended."""
        self.stack.close()
        self.sandbox = self.stack.enter_context(self.nursery.sandbox(self.student, self.seconds))
        for source in self.done:
            try:
                self.sandbox.run(source, "answer")
            except Failed:
                continue
            except Stopped:
                return

    def run(self, source: str, name: str) -> None:
        """Run a cell; remember what it did not manage."""
        code = TransformerManager().transform_cell(source)
        try:
            self.sandbox.run(code, name)
        except Failed as error:
            self.troubles.append(f"{name} raised {error}")
        except Stopped as reason:
            self.troubles.append(f"{name} was left out: {reason}")
            return self.renew()
        self.done.append(code)

    def mark(self, grade_id: str) -> Mark:
        """Give a part's mark."""
        part = self.problems.part(grade_id)
        fraction, word = self.judge(part, grade_id)
        if fraction < 1:
            word = "\n".join([word, *self.troubles[-3:]]).strip()
        self.troubles.clear()
        return Mark(grade_id, round(part.points * fraction, 2), part.points, word)

    def judge(self, part: Part, grade_id: str) -> tuple[float, str]:
        """Let the part's check decide: what fraction is right, and in words why not more."""
        assert part.check is not None
        work = Asked(self.sandbox, drawn(self.course, self.student, grade_id))
        try:
            fraction = part.check(work)
        except Wrong as wrong:
            return 0.0, str(wrong)
        except Failed as error:
            return 0.0, f"The answer raised {error}"
        except Stopped as reason:
            self.renew()
            return 0.0, f"The answer was stopped: {reason}."
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError) as error:
            return 0.0, f"The answer has not the form that was asked for ({type(error).__name__}: {error})."
        return (1.0, "") if fraction is None else (min(1.0, max(0.0, fraction)), "Not all of it is right.")
