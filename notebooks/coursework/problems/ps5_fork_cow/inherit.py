"""What a child inherits of each area, and what is promised for it."""

from mmlab import (
    MADV_DONTFORK,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    MLOCK_ONFAULT,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    Kernel,
)
from mmlab.check import vmas
from mmlab.coursework.checks import HOME, RW, settle, whole
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY
from mmlab.include.mm import VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED, VM_SHARED, VM_WIPEONFORK, VM_WRITE

from .common import entry_at, leave_all

FLAGS = {"write": VM_WRITE, "shared": VM_SHARED, "account": VM_ACCOUNT, "locked": VM_LOCKED,
         "dontcopy": VM_DONTCOPY, "wipeonfork": VM_WIPEONFORK}  # fmt: skip


def areas_of(proc):
    """The VMAs that a process has from HOME on, as plain data."""
    areas = []
    for vma in vmas(proc.task.mm):
        if HOME <= vma.vm_start < HOME + (1 << 30):
            pages = [addr for addr in range(vma.vm_start, vma.vm_end, PAGE_SIZE) if entry_at(proc, addr)]
            areas.append({"start": vma.vm_start, "end": vma.vm_end, "entries": pages,
                          "flags": {name for name, bit in FLAGS.items() if vma.vm_flags & bit},
                          "anon_vma": vma.anon_vma is not None})  # fmt: skip
    return areas


def area_drawn(rng, proc, fd, addr):
    """Map an area there, with a history, and give its number of pages."""
    pages, private, memory = rng.randint(1, 5), rng.random() < 0.8, rng.random() < 0.8
    flags = (MAP_PRIVATE if private else MAP_SHARED) | (MAP_ANONYMOUS if memory else 0) | MAP_FIXED
    prot = rng.choice([RW, RW, RW, PROT_READ])
    proc.mmap(addr, pages * PAGE_SIZE, prot, flags | (MAP_NORESERVE if rng.random() < 0.2 else 0), fd)
    for page in range(pages):
        deed = rng.choice(["load", "store", "nothing"])
        if deed == "load":
            proc.load(addr + page * PAGE_SIZE)
        elif deed == "store" and prot == RW:
            proc.store(addr + page * PAGE_SIZE, b"x")
    chance = rng.random()
    if chance < 0.18:
        proc.mlock(addr, pages * PAGE_SIZE, MLOCK_ONFAULT)
    elif chance < 0.34:
        proc.madvise(addr, pages * PAGE_SIZE, MADV_DONTFORK)
    elif chance < 0.67 and private and memory:
        proc.madvise(addr, pages * PAGE_SIZE, MADV_WIPEONFORK)
    elif chance < 0.9 and prot == RW:
        proc.mprotect(addr, pages * PAGE_SIZE, PROT_READ)
    return pages


def committed_by_fork(kernel, parent):
    """How many pages a fork of that process promises."""
    before = kernel.meminfo()["Committed_AS"]
    child = parent.fork()
    promised = kernel.meminfo()["Committed_AS"] - before
    child.exit()
    return promised // 4


def check(work: Work):
    kernel, areas_wrong, promise_wrong = Kernel(mem=MEMORY), "", ""
    for _ in range(10):
        parent, addr = kernel.spawn("parent"), HOME
        fd, bare = parent.open("/data/book.txt", O_RDWR), committed_by_fork(kernel, parent)
        for _ in range(work.rng.randint(3, 5)):
            addr += (area_drawn(work.rng, parent, fd, addr) + work.rng.randint(1, 3)) * PAGE_SIZE
        areas, promised = areas_of(parent), committed_by_fork(kernel, parent) - bare
        given, child = work.call("inherit", areas, kind=tuple), parent.fork()
        if len(given) != 2:
            raise Wrong("`inherit` is to return two values: the child's areas, and a number of pages.")
        if given[0] != areas_of(child):
            areas_wrong = f"The child's areas are others, if the parent's are {areas}"
        if given[1] != promised or not whole(given[1]):
            promise_wrong = f"The promise is not of {given[1]!r} pages, if the parent's areas are {areas}"
        leave_all({"P": parent, "C": child})
    settle((2 / 3, not areas_wrong, areas_wrong), (1 / 3, not promise_wrong, promise_wrong))


PART = Part(
    "inherit", "code", 3, "What a child inherits",
    """
Write `inherit(areas)`: what `dup_mmap` makes of a parent's VMAs. `areas` is their list in order of address, each a
dict:

- `"start"`, `"end"`: addresses in bytes; `end` is the first that is no longer in it;
- `"flags"`: a set that holds some of `"write"`, `"shared"`, `"account"` (`VM_ACCOUNT`), `"locked"`, `"dontcopy"` (after
  `MADV_DONTFORK`) and `"wipeonfork"` (after `MADV_WIPEONFORK`);
- `"anon_vma"`: whether it has one, `True` or `False`;
- `"entries"`: the list of the addresses of those pages that have a page table entry, in order.

Return two values: the list of the child's areas in the same form, as they are when `fork` returns (2 points); and the
number of **pages** that are promised to the child for all these areas (1 point). Nothing is refused. Leave `areas` and
what is in it as it is.
""",
    starter="def inherit(areas):\n    ...",
    solution='''
def inherit(areas):
    child, promised = [], 0
    for area in areas:
        if "dontcopy" in area["flags"]:
            continue
        if "account" in area["flags"]:
            promised += (area["end"] - area["start"]) // 4096
        anon_vma = area["anon_vma"] and "wipeonfork" not in area["flags"]
        child.append({
            "start": area["start"], "end": area["end"], "flags": area["flags"] - {"locked"},
            "anon_vma": anon_vma, "entries": area["entries"] if anon_vma else [],
        })
    return child, promised
''',
    example='''
area = {"start": 8192, "end": 16384, "flags": {"write", "account"}, "anon_vma": True, "entries": [8192]}
child = inherit([area])
if child is None:
    raise NotImplementedError
assert child == ([area], 2), "one area of private memory, stored to"
''',
    check=check,
)  # fmt: skip
