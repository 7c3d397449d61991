"""Problem set 3: page faults and the page cache (lessons 06 and 07)."""

from mmlab.coursework.problem import ProblemSet

from . import bug, copy, count, dirty, fault, picture, signal, steps, who, window

PROBLEMS = ProblemSet(
    "ps3_faults", "Problem set 3: page faults and the page cache",
    ["06_page_fault", "07_page_cache"],
    "When the kernel is called for a load or a store, what it then does to the page table, and where the bytes of a "
    "file are meanwhile.",
    [each.PART for each in (steps, signal, window, count, fault, who, dirty, picture, copy, bug)],
)  # fmt: skip
