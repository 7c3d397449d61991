"""A problem set of the tests: one of each kind of question, and a check that trusts too much."""

from mmlab.coursework.problem import ProblemSet

from . import count, note, pages, sum, why

PROBLEMS = ProblemSet(
    "ps0_trial", "A trial", ["01_address_space"], "Four questions and an essay.",
    [sum.PART, pages.PART, note.PART, count.PART, why.PART],
)  # fmt: skip
