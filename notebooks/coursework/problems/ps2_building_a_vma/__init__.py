"""Problem set 2: a VMA is built, merged, and tied to a file (lessons 03, 04 and 05)."""

from mmlab.coursework.problem import ProblemSet

from . import asked, bug, build, cut, holds, links, merge, pieces, strip, unwind

PROBLEMS = ProblemSet(
    "ps2_building_a_vma", "Problem set 2: a VMA is built, merged, and tied to a file",
    ["03_mmap_region", "04_three_links", "05_f_op_mmap"],
    "What `mmap_region` builds, when it need not build anything, what it takes back when it fails, and how the result "
    "leads from an address to a byte of a file.",
    [each.PART for each in (pieces, cut, merge, build, holds, unwind, asked, strip, bug, links)],
)  # fmt: skip
