"""Problem set 4: who counts a page, and two kinds of shared memory (lessons 08 and 09)."""

from mmlab.coursework.problem import ProblemSet

from . import bug, copy, family, ledger, made, picture, pss, publish, segments, steps

PROBLEMS = ProblemSet(
    "ps4_shared_memory", "Problem set 4: who counts a page, and two kinds of shared memory",
    ["08_mapped_experiments", "09_shared_memory"],
    "Where a page is counted, once or many times; which file holds shared memory, and when it goes.",
    [each.PART for each in (steps, picture, ledger, pss, family, made, segments, publish, copy, bug)],
)  # fmt: skip
