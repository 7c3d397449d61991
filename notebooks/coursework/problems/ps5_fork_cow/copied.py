"""How many page table entries fork copies, for six mappings."""

from mmlab import (
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    Kernel,
)
from mmlab.coursework.checks import RW, listed, text, whole
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY

from .common import MEM


def draw_mappings(rng):
    """Six mappings: (kind, pages, steps); a step is (what, first page, number of pages)."""
    n = rng.sample(range(6, 17), 6)
    k = [rng.randint(2, pages - 3) for pages in n]
    kinds = [
        ("private memory", n[0], [("load", 0, n[0]), ("store", 0, k[0]), ("MADV_DONTNEED", n[0] - 2, 2)]),
        ("private, of a file", n[1], [("load", 0, n[1]), ("store", k[1], 1)]),
        ("private, of a file", n[2], [("store", 0, k[2]), ("MADV_DONTNEED", 0, n[2]), ("load", 0, n[2])]),
        (rng.choice(["private memory", "private, of a file"]), n[3], [("load", 0, n[3])]),
        (rng.choice(["shared memory", "shared, of a file"]), n[4], [("store", 0, k[4])]),
        ("private memory", n[5], [("store", 0, n[5]), (rng.choice(["MADV_WIPEONFORK", "MADV_DONTFORK"]), 0, n[5])]),
    ]  # fmt: skip
    rng.shuffle(kinds)
    return kinds


def mapped(proc, kind, pages, steps):
    """Make one of the six mappings, and give its address."""
    fd, flags = proc.open("/data/pages", O_RDWR | O_CREAT), MAP_SHARED if "shared" in kind else MAP_PRIVATE
    proc.pwrite(fd, bytes(20 * PAGE_SIZE), 0)
    addr = proc.mmap(0, pages * PAGE_SIZE, RW, flags if "file" in kind else flags | MAP_ANONYMOUS, fd)
    for what, first, count in steps:
        start, length = addr + first * PAGE_SIZE, count * PAGE_SIZE
        if what == "load":
            proc.load(start, length)
        elif what == "store":
            proc.store(start, b"x" * length)
        else:
            advice = {"MADV_DONTNEED": MADV_DONTNEED, "MADV_DONTFORK": MADV_DONTFORK}.get(what, MADV_WIPEONFORK)
            proc.madvise(start, length, advice)
    return addr


def entries_of_a_child(kernel, mappings):
    """How many entries a child has for each mapping when fork returns."""
    parent, places = kernel.spawn("parent"), []
    for mapping in mappings:
        places.append((mapped(parent, *mapping), mapping[1]))
        parent.mmap(0, PAGE_SIZE, 0, MEM)  # so that no two of them lie side by side
    child = parent.fork()
    return [sum(child.pagemap(addr + page * PAGE_SIZE).present for page in range(pages)) for addr, pages in places]


def check(work: Work):
    given = listed(work.value("copied"), 6, "`copied` is to be a list of six numbers, one for each mapping.")
    theirs = entries_of_a_child(Kernel(mem=MEMORY), draw_mappings(work.rng))
    right = [whole(number) and number == true for number, true in zip(given, theirs, strict=True)]
    if not all(right):
        raise Wrong(f"{sum(right)} of the six numbers are the kernel's. Ask of each VMA first whether fork looks at "
                    "its entries at all; then which entries there are.", sum(right) / 6)  # fmt: skip


PART = Part(
    "copied", "predict", 3, "What is copied",
    """
A process makes the six mappings that the next cell prints, apart from each other, all with
`PROT_READ | PROT_WRITE`, and takes the steps that stand with each, in order. (The file's pages are all in memory, and
the mapping begins at its first page.) Then it forks.

Set `copied` to a list of six numbers: for how many pages of each mapping has the **child** a page table entry at the
moment when `fork` returns? Entries of the zero page count like any other. Half a point each.
""",
    setup=text(draw_mappings) + '''
mappings = draw_mappings(personal("ps5-copied"))
for number, (kind, pages, steps) in enumerate(mappings, 1):
    done = "; ".join(f"{what}, pages {first} to {first + count - 1}" if count > 1 else f"{what}, page {first}"
                     for what, first, count in steps)
    print(f"{number}. {kind}, {pages} pages: {done}")
''',
    starter="copied = ...",
    solution='''
def entries(kind, pages, steps):
    present, anon_vma = set(), False
    for what, first, count in steps:
        touched = set(range(first, first + count))
        if what in ("load", "store"):
            present |= touched
            anon_vma |= what == "store" and "private" in kind   # it stays, whatever becomes of the pages
        elif what == "MADV_DONTNEED":
            present -= touched
        else:                               # WIPEONFORK, DONTFORK
            return 0
    return len(present) if anon_vma else 0

copied = [entries(*mapping) for mapping in mappings]
''',
    example='assert len(copied) == 6, "six mappings, six numbers"\n'
            'assert all(isinstance(each, int) for each in copied), "whole numbers"',
    check=check,
)  # fmt: skip
