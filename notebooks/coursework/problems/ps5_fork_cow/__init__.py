"""Problem set 5: fork and copy-on-write (lesson 10)."""

from mmlab.coursework.problem import ProblemSet

from . import bug, chains, copied, decide, fork, inherit, smaps, snapshot, store, stores, suite

PROBLEMS = ProblemSet(
    "ps5_fork_cow", "Problem set 5: fork and copy-on-write",
    ["10_fork_cow"],
    "What a fork copies, what it leaves for later, and how two processes come to have different memory.",
    [each.PART for each in (copied, stores, fork, store, decide, smaps, inherit, chains, suite, bug, snapshot)],
)  # fmt: skip
