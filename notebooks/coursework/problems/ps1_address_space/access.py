"""How a load or a store ends, by the lines of maps alone."""

from itertools import product

from mmlab import SegmentationFault
from mmlab.check import vmas
from mmlab.coursework.problem import Part, Work, Wrong

from .common import edges, random_pages, shown


def ended(proc, addr, access):
    """How an access of one byte ends."""
    try:
        if access == "load":
            proc.load(addr)
        else:
            proc.store(addr, b"!")
    except SegmentationFault as fault:
        return fault.si_name
    return "ok"


def check(work: Work):
    for _ in range(2):
        proc = random_pages(work.rng)
        areas = [(vma.vm_start, vma.vm_end, vma.perms[:3]) for vma in vmas(proc.task.mm) if vma.vm_start >> 40 == 1]
        for addr, access in product(edges(proc), ("load", "store")):
            answer = work.call("access", areas, addr, access, kind=str)
            if answer != ended(proc, addr, access):
                inside = [f"{shown(area)} {area[2]}" for area in areas if area[0] <= addr < area[1]]
                raise Wrong(f"A {access} at {addr:#x} does not end with {answer[:40]!r}. The address is in "
                            f"{inside[0] if inside else 'no area'}.")  # fmt: skip


PART = Part(
    "access", "code", 2, "How does an access end?",
    """
Write `access(areas, addr, kind)`. `areas` is a list of `(start, end, permissions)` in order, `permissions` being three
letters such as `"r-x"`; `kind` is `"load"` or `"store"`. How does such an access to the one byte at `addr` end? Return
`"ok"`, `"SEGV_MAPERR"` or `"SEGV_ACCERR"`.

None of the areas is a stack, and no file ends within one. On x86-64 memory can be loaded from if it has at least one of
the three permissions, whichever it is; a store needs `w` and nothing else.
""",
    starter="def access(areas, addr, kind):\n    ...",
    solution="""
def access(areas, addr, kind):
    for start, end, permissions in areas:
        if start <= addr < end:
            allowed = "w" in permissions if kind == "store" else permissions != "---"
            return "ok" if allowed else "SEGV_ACCERR"
    return "SEGV_MAPERR"
""",
    example="""
areas = [(0x1000, 0x3000, "r-x"), (0x5000, 0x6000, "---")]
answer = access(areas, 0x1800, "load")
if answer is None:
    raise NotImplementedError
assert answer == "ok", "0x1800 may be read"
assert access(areas, 0x1800, "store") == "SEGV_ACCERR", "0x1800 may not be written"
assert access(areas, 0x800, "load") == "SEGV_MAPERR", "nothing is mapped at 0x800"
""",
    check=check,
)  # fmt: skip
