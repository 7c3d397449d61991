"""Problem set 6: VMA surgery, and what has changed since Linux 4.4 (lessons 11 and 12)."""

from mmlab.coursework.problem import ProblemSet

from . import bug, jit, maple, moved, otherwise, picture, protect, remap, unmap, vector

PROBLEMS = ProblemSet(
    "ps6_surgery_and_today", "Problem set 6: VMA surgery, and today's kernel", ["11_vma_surgery", "12_since_4_4"],
    "How VMAs are cut, protected, stretched and moved; what a call that fails leaves behind; and what an older kernel "
    "says.",
    [each.PART for each in (moved, unmap, protect, remap, vector, picture, maple, otherwise, bug, jit)],
)  # fmt: skip
