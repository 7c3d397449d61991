"""The VMAs that are left of a file's mapping after seven calls, and the file pages that they show."""

from mmlab import MAP_FIXED, MAP_SHARED, O_CREAT, O_RDWR, PAGE_SIZE, PROT_READ, Kernel
from mmlab.coursework.checks import HOME, RW, rows, settle, text
from mmlab.coursework.problem import Part, Work, Wrong

from .common import here


def draw_pieces(rng):
    """The numbers of the seven calls, all in pages: one of the last two goes on in the file, the other does not."""
    first, hole, gap = rng.randint(3, 9), rng.randint(3, 7), rng.randint(3, 5)
    low = hole + gap + rng.randint(2, 4)
    high = low + rng.randint(4, 7)
    pages = high + rng.randint(2, 5)
    more, skips = rng.randint(2, 4), [0, rng.randint(1, 3)]
    rng.shuffle(skips)
    return {"first": first, "hole": hole, "gap": gap, "fill": rng.randint(1, gap - 1), "low": low, "high": high,
            "back": rng.randint(low + 1, high - 2), "pages": pages, "more": more, "last": rng.randint(2, 4),
            "from_more": first + pages + skips[0], "from_last": first + pages + more + sum(skips)}  # fmt: skip


def pieces_left(first, hole, gap, fill, low, high, back, pages, more, last, from_more, from_last):
    """The VMAs that the calls leave: (page, pages, file page) of each."""
    proc = Kernel().spawn("student")
    fd = proc.open("/data/file", O_RDWR | O_CREAT)

    def mapped(page, pages, pgoff):
        proc.mmap(HOME + page * PAGE_SIZE, pages * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, fd, pgoff * PAGE_SIZE)

    mapped(0, pages, first)
    proc.munmap(HOME + hole * PAGE_SIZE, gap * PAGE_SIZE)
    proc.mprotect(HOME + low * PAGE_SIZE, (high - low) * PAGE_SIZE, PROT_READ)
    mapped(hole, fill, first + hole)
    proc.mprotect(HOME + back * PAGE_SIZE, (high - back) * PAGE_SIZE, RW)
    mapped(pages, more, from_more)
    mapped(pages + more, last, from_last)
    return [((vma.vm_start - HOME) // PAGE_SIZE, (vma.vm_end - vma.vm_start) // PAGE_SIZE, vma.vm_pgoff)
            for vma in here(proc)]  # fmt: skip


def check(work: Work):
    expected, given = pieces_left(**draw_pieces(work.rng)), rows(work.value("areas"), 3)
    if given is None:
        raise Wrong("`areas` is to be a list of rows of three numbers: page, pages, file page.")
    ranges = [row[:2] for row in given] == [row[:2] for row in expected]
    settle(
        (1 / 3, ranges, "The VMAs are others: which calls cut a VMA, and which let a neighbour grow?"),
        (2 / 3, ranges and given == expected,
         "The file pages are others: every address goes on showing the byte that it showed before."),
    )  # fmt: skip


PART = Part(
    "pieces", "predict", 3, "Cut, merged, cut",
    """
A program opens a file of ext4 once, for reading and writing, and makes the seven calls that the next cell prints. A is
an address far from all other mappings; all numbers are **pages**, counted from A or from the beginning of the file.
Nothing is loaded or stored.

Set `areas` to the list of the VMAs from A on, in order of address, each as three numbers: its first page (counted from
A), how many pages it has, and its `vm_pgoff`. One point for the first two columns, two for the third.
""",
    setup=text(draw_pieces) + '''
d = draw_pieces(personal("ps2-pieces"))
print(f"1. mmap      pages 0 to {d['pages']}, MAP_SHARED, PROT_READ | PROT_WRITE, from file page {d['first']} on")
print(f"2. munmap    pages {d['hole']} to {d['hole'] + d['gap']}")
print(f"3. mprotect  pages {d['low']} to {d['high']}: PROT_READ")
print(f"4. mmap      pages {d['hole']} to {d['hole'] + d['fill']}, MAP_FIXED, else as 1., "
      f"from file page {d['first'] + d['hole']} on")
print(f"5. mprotect  pages {d['back']} to {d['high']}: PROT_READ | PROT_WRITE")
print(f"6. mmap      pages {d['pages']} to {d['pages'] + d['more']}, MAP_FIXED, else as 1., "
      f"from file page {d['from_more']} on")
print(f"7. mmap      pages {d['pages'] + d['more']} to {d['pages'] + d['more'] + d['last']}, MAP_FIXED, else as 1., "
      f"from file page {d['from_last']} on")
print('(The page after "to" is the first that is not meant any more.)')
''',
    starter="areas = ...                # [(page, pages, file page), …]",
    solution='''
starts = [(0, d["hole"] + d["fill"]), (d["hole"] + d["gap"], d["low"]), (d["low"], d["back"]), (d["back"], d["pages"])]
areas = [(start, end - start, d["first"] + start) for start, end in starts]
goes_on = d["first"] + d["pages"]               # with this page of the file
for start, pages, pgoff in [(d["pages"], d["more"], d["from_more"]),
                            (d["pages"] + d["more"], d["last"], d["from_last"])]:
    if pgoff == goes_on:
        page, grown, from_page = areas.pop()
        areas.append((page, grown + pages, from_page))
    else:
        areas.append((start, pages, pgoff))
    goes_on = pgoff + pages
''',
    example='''
assert all(len(row) == 3 for row in areas), "three numbers for each VMA"
assert areas[0][0] == 0, "the first VMA begins at A"
assert list(areas) == sorted(areas), "in order of address"
''',
    check=check,
)  # fmt: skip
