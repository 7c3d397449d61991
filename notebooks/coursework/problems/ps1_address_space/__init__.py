"""Problem set 1: an address space, and the call that changes it (lessons 01 and 02)."""

from mmlab.coursework.problem import ProblemSet

from . import access, bug, find, first, flags, lines, parse, places, tree, where, why

PROBLEMS = ProblemSet(
    "ps1_address_space", "Problem set 1: an address space, and the call that changes it",
    ["01_address_space", "02_do_mmap"],
    "What a process's memory is made of, how it reads in `/proc/PID/maps`, and what `mmap` decides before it changes "
    "any of it.",
    [each.PART for each in (places, parse, lines, tree, find, access, where, first, flags, bug, why)],
)  # fmt: skip
