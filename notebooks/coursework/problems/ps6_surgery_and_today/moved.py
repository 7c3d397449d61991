"""Memory is moved: which VMAs are left, and what do they remember?"""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MREMAP_FIXED, MREMAP_MAYMOVE, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, RW, rows, settle, text
from mmlab.coursework.problem import Part, Work, Wrong

from .common import at, here


def draw_moves(rng):
    """The calls, in pages: `first` are mapped at 0, `second` at `far`; then the moves (from, pages, to)."""
    start, pages, fill, back = rng.randint(2, 4), rng.randint(4, 6), rng.randint(1, 2), rng.randint(1, 2)
    first, far, second = start + pages + rng.randint(2, 4), rng.randint(30, 50), rng.randint(4, 6)
    behind, end = far + second, start + pages
    last = [behind, behind - 1]                             # a page that was stored to, and one that was not
    rng.shuffle(last)
    moves = [(start, pages, behind), (far, fill, start), (behind + pages - back, back, end - back),
             (last[0], 1, first), (last[1], 1, first + 1)]  # fmt: skip
    return {"first": first, "far": far, "second": second, "moves": moves}


def mover(kernel, first, far, second, moves):
    """A process that has made the calls."""
    proc = kernel.spawn("student")
    for page, pages in ((0, first), (far, second)):
        proc.mmap(at(page), pages * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    proc.store(at(0), b"x" * first * PAGE_SIZE)
    for page, pages, to in moves:
        proc.mremap(at(page), pages * PAGE_SIZE, pages * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at(to))
    return proc


def areas_left(proc):
    """The VMAs that are left: (page, pages, vm_pgoff counted from A's page number)."""
    return [(page, end - page, vma.vm_pgoff - HOME // PAGE_SIZE) for page, end, vma in here(proc)]


def check(work: Work):
    expected, given = areas_left(mover(Kernel(), **draw_moves(work.rng))), rows(work.value("areas"), 3)
    if given is None:
        raise Wrong("`areas` is to be a list of rows of three numbers: page, pages, vm_pgoff.")
    ranges = [row[:2] for row in given] == [row[:2] for row in expected]
    settle(
        (2 / 3, ranges,
         "The VMAs are others. For each move: with which `vm_pgoff` does the memory arrive, and what lies beside it?"),
        (1 / 3, ranges and given == expected,
         "The third column is to be looked at again: what does memory that was stored to keep when it moves?"),
    )  # fmt: skip


PART = Part(
    "moved", "predict", 3, "What moved memory remembers",
    """
A program makes the calls that the next cell prints; all succeed. A is an address far from all other mappings; all
numbers are **pages**, counted from A. What is mapped is private memory, readable and writable
(`MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED`). Each `mremap` is a plain move: `MREMAP_MAYMOVE | MREMAP_FIXED`, the size
unchanged. Nothing is loaded, and nothing stored but what the list says.

Set `areas` to the list of the VMAs from A on, in order of address, each as three numbers: its first page, how many
pages it has, and its `vm_pgoff`, from which the page number of A is subtracted. (So memory that never moved has its
first page there.) Two points for the first two columns, one for the third.
""",
    setup=text(draw_moves) + '''
d = draw_moves(personal("ps6-moved"))
print(f"1. mmap    pages 0 to {d['first']}")
print(f"2. store   to each page from 0 to {d['first']}")
print(f"3. mmap    pages {d['far']} to {d['far'] + d['second']}")
for number, (page, pages, to) in enumerate(d["moves"], 4):
    print(f"{number}. mremap  pages {page} to {page + pages}: to page {to}")
print('(The page after "to" is the first that is not meant any more.)')
''',
    starter="areas = ...                # [(page, pages, vm_pgoff), …]",
    solution='''
pages = {page: (page, True) for page in range(d["first"])}             # page → (vm_pgoff, was it stored to?)
pages |= {page: (page, False) for page in range(d["far"], d["far"] + d["second"])}
for start, count, to in d["moves"]:
    for number in range(count):
        pgoff, stored = pages.pop(start + number)
        pages[to + number] = (pgoff if stored else to + number, stored)
areas = []
for page, (pgoff, _) in sorted(pages.items()):
    if areas and sum(areas[-1][:2]) == page and areas[-1][2] + areas[-1][1] == pgoff:
        areas[-1] = (areas[-1][0], areas[-1][1] + 1, areas[-1][2])
    else:
        areas.append((page, 1, pgoff))
''',
    example='''
assert all(len(row) == 3 for row in areas), "three numbers for each VMA"
assert areas[0][0] == 0, "the first VMA begins at A"
assert list(areas) == sorted(areas), "in order of address"
''',
    check=check,
)  # fmt: skip
