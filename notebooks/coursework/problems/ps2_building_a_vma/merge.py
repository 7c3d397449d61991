"""Whether a new mapping becomes a part of its neighbours."""

from mmlab import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    Kernel,
)
from mmlab.coursework.checks import HOME, RW, difference, hexed, rows, settle
from mmlab.coursework.problem import Part, Work
from mmlab.include.mm import VM_NORESERVE
from mmlab.mm.vma import find_vma

from .common import file_of, here


def neighbours_drawn(rng):
    """Mappings at pages of an arena, the last of which is new: (page, pages, prot, flags, file, file page, store)."""
    usual, at, found = rng.choice([(None, MAP_PRIVATE), ("a", MAP_PRIVATE), ("a", MAP_SHARED)]), 10, []
    for there in (0.85, 1, 0.85):
        pages, (file, flags) = rng.randint(1, 3), usual
        if rng.random() < 0.16:
            file = rng.choice([None, "b"])
        if file is None or rng.random() < 0.05:
            flags = MAP_PRIVATE
        pgoff = at + rng.choice([0] * 9 + [-1, 1]) if file else 0
        prot = rng.choice([RW] * 11 + [PROT_READ])
        store = prot == RW and flags == MAP_PRIVATE and rng.random() < 0.5
        if rng.random() < there:
            flags |= rng.choice([0] * 14 + [MAP_NORESERVE])
            found.append((at, pages, prot, flags, file, pgoff, store))
        if there == 1:
            new = found.pop()
        at += pages + rng.choice([0] * 10 + [1])
    return [(2, 2, RW, MAP_PRIVATE, None, 0, False), *found, (*new[:6], False)]


class Arena:
    """A process that makes such mappings, and tells its VMAs as an answer gets them."""

    def __init__(self):
        self.proc = Kernel().spawn("student")
        self.fds = {name: self.proc.open("/data/file", O_RDWR | O_CREAT) for name in "ab"}
        self.proc.ftruncate(self.fds["a"], 40 * PAGE_SIZE)

    def clear(self):
        self.proc.munmap(HOME, 100 * PAGE_SIZE)

    def map(self, page, pages, prot, flags, file, pgoff, store):
        anonymous = 0 if file else MAP_ANONYMOUS
        addr = HOME + page * PAGE_SIZE
        self.proc.mmap(addr, pages * PAGE_SIZE, prot, flags | MAP_FIXED | anonymous, self.fds.get(file, -1),
                       pgoff * PAGE_SIZE)  # fmt: skip
        if store:
            self.proc.store(addr, b"x")

    def told(self):
        return [(vma.vm_start, vma.vm_end, flags_of(vma), file_of(vma), vma.vm_pgoff,
                 vma.anon_vma and vma.anon_vma.name) for vma in here(self.proc)]  # fmt: skip


def flags_of(vma):
    """A VMA's flags, in a word."""
    return vma.perms + "+noreserve" * bool(vma.vm_flags & VM_NORESERVE)


def check(work: Work):
    arena, wrong = Arena(), {}
    for _ in range(150):
        if len(wrong) == 2:
            break
        arena.clear()
        *old, new = neighbours_drawn(work.rng)
        for each in old:
            arena.map(*each)
        before = arena.told()
        arena.map(*new)
        after = arena.told()
        vma = find_vma(arena.proc.task.mm, HOME + new[0] * PAGE_SIZE)
        pgoff = new[5] if new[4] else (HOME >> 12) + new[0]
        asked = (HOME + new[0] * PAGE_SIZE, HOME + (new[0] + new[1]) * PAGE_SIZE, flags_of(vma), file_of(vma), pgoff)
        given = rows(work.call("merge", before, asked), 6)
        if given != after:
            stored = sum(row[5] is not None for row in before) > 1
            wrong.setdefault(stored, f"areas = {hexed(before)}, new = {hexed([asked])[1:-1]}: the list "
                                     f"{difference(given, after)}.")  # fmt: skip
    settle((3 / 4, False not in wrong, wrong.get(False, "")), (1 / 4, not wrong, wrong.get(True, "")))


PART = Part(
    "merge", "code", 4, "May a neighbour grow?",
    """
Write `merge(areas, new)`: what `mmap_region` makes of a new mapping. `areas` is the list of the VMAs of a process, in
order of address, each as a tuple `(start, end, flags, file, pgoff, anon)`:

- `start`, `end` in bytes; `end` is the first address that is no longer in it;
- `flags`: a word in which all of `vm_flags` is told; `file`: the name of the open file (`struct file`), or `None`;
- `pgoff`: `vm_pgoff`, in pages; in private anonymous memory it is the page number of the address, as in the kernel;
- `anon`: the name of its `anon_vma`; `None` if there is none yet.

`new` is `(start, end, flags, file, pgoff)`: a range in which nothing is mapped. Give the list of the VMAs afterwards,
in order of address, in the same form. Where no neighbour can grow, there is a VMA more, without an `anon_vma`.

No process has forked, and no VMA has a `vm_ops->close`. Three points if it is right wherever fewer than two VMAs have
an `anon_vma`, one more if it is right everywhere.
""",
    starter="def merge(areas, new):\n    ...",
    solution='''
def merge(areas, new):
    start, end, flags, file, pgoff = new
    lower = next((area for area in areas if area[1] == start), None)
    upper = next((area for area in areas if area[0] == end), None)
    if lower and (lower[2:4] != (flags, file) or lower[4] + (start - lower[0]) // 4096 != pgoff):
        lower = None
    if upper and (upper[2:4] != (flags, file) or pgoff + (end - start) // 4096 != upper[4]):
        upper = None
    if lower and upper and lower[5] and upper[5] and lower[5] != upper[5]:
        upper = None                            # one VMA cannot have two; the lower one grows
    left = [area for area in areas if area is not lower and area is not upper]
    first, last = lower or new, upper or new
    anon = (lower and lower[5]) or (upper and upper[5]) or None
    return sorted([*left, (first[0], last[1], flags, file, first[4], anon)])
''',
    example='''
page = [(0x10000, 0x11000, "r--s", "file#5", 3, None)]
told = merge(page, (0x11000, 0x12000, "r--s", "file#5", 4))
assert [tuple(row) for row in told] == [(0x10000, 0x12000, "r--s", "file#5", 3, None)], "the next page of the file"
told = merge(page, (0x11000, 0x12000, "rw-s", "file#5", 4))
assert [tuple(row) for row in told] == page + [(0x11000, 0x12000, "rw-s", "file#5", 4, None)], "other flags"
''',
    check=check,
)  # fmt: skip
