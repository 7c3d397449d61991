"""The search in a tree of VMAs, which gives the first that ends after an address."""

from mmlab.check import vmas
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.mm.vma import find_vma
from mmlab.views.tree import search

from .common import HERE, edges, random_pages, shown


def as_tuples(vma):
    """The tree below a VMA, as the answer gets it."""
    return vma and (vma.vm_start, vma.vm_end, as_tuples(vma.rb_left), as_tuples(vma.rb_right))


def shown_areas(mm):
    """The areas at HERE in words."""
    return ", ".join(f"{vma.vm_start:x}-{vma.vm_end:x}" for vma in vmas(mm) if vma.vm_start >> 40 == 1)


def check(work: Work):
    if work.call("find", None, HERE) != (None, 0):
        raise Wrong("In an empty tree there is nothing to find, and nothing to look at.")
    miscounted = None
    for _ in range(3):
        mm = (proc := random_pages(work.rng)).task.mm
        for addr in [0, *work.rng.sample(edges(proc), 25), 1 << 46, 1 << 47]:
            vma = find_vma(mm, addr)
            area, looked = work.call("find", as_tuples(mm.mm_rb.rb_node), addr, kind=tuple)
            if area != (vma and (vma.vm_start, vma.vm_end)):
                raise Wrong(f"For {addr:#x}, `find` gives {shown(area)}; the kernel's find_vma gives another answer "
                            f"in an address space of {shown_areas(mm)}.")  # fmt: skip
            if looked != len(search(mm, addr)) or type(looked) is not int:
                miscounted = f"{addr:#x} in {shown_areas(mm)}: it looks at another number of VMAs than {looked!r:.20}."
    if miscounted:
        raise Wrong(f"The VMA is always right, but not the count. An example: {miscounted}", 2 / 3)


PART = Part(
    "find", "code", 3, "find_vma",
    """
Write `find(tree, addr)`: what `find_vma` does. `tree` is the red-black tree of the VMAs: `None` if it is empty, or
`(start, end, left, right)`, where `left` and `right` are trees again, and all VMAs in `left` lie below `start`, all in
`right` at `end` or above it.

Return a tuple `(area, looked)`: `area` is the `(start, end)` of the VMA that `find_vma` gives for `addr`, or `None` for
NULL; `looked` says at how many VMAs of the tree it looked on its way. (A VMA whose start and end are both compared with
`addr` counts once. One of the three points is for `looked`.)
""",
    starter="def find(tree, addr):\n    ...",
    solution="""
def find(tree, addr):
    area, looked = None, 0
    while tree:
        start, end, left, right = tree
        looked += 1
        if end <= addr:
            tree = right
        else:
            area, tree = (start, end), left if addr < start else None
    return area, looked
""",
    example="""
tree = (0x5000, 0x8000, (0x1000, 0x2000, None, None), (0x9000, 0xA000, None, None))
answer = find(tree, 0x5000)
if answer is None:
    raise NotImplementedError
assert answer == ((0x5000, 0x8000), 1), "0x5000 is in the VMA at the root"
assert find(tree, 0x1FFF) == ((0x1000, 0x2000), 2), "0x1fff is in the VMA left of the root"
assert find(tree, 0xB000) == (None, 2), "no VMA ends after 0xb000"
""",
    check=check,
)  # fmt: skip
