"""What smaps says of areas, by who maps which page."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, RW, full_file, listed, settle, whole
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.include.pgtable import pte_none, pte_offset, pte_pfn


def areas_drawn(rng, pages, children):
    """Some processes that share some pages: the page tables of their areas, and what smaps says of them."""
    parent = Kernel(fault_around_bytes=PAGE_SIZE).spawn("parent")
    fd = full_file(parent, "/data/file", pages + 2)
    places = [HOME + (n << 20) for n in range(4)]
    for addr, flags, file, first in zip(places, (MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MAP_SHARED),
                                        (-1, fd, fd, fd), (0, 0, 0, 2), strict=True):  # fmt: skip
        parent.mmap(addr, pages * PAGE_SIZE, RW, flags | MAP_FIXED, file, first * PAGE_SIZE)
    procs = [parent]
    for _ in range(children):
        use(rng, rng.choice(procs), places, pages)
        procs.append(rng.choice(procs).fork())
    for proc in procs:
        use(rng, proc, places, pages)
    tables = [[frame(proc, addr + page * PAGE_SIZE) for page in range(pages)] for proc in procs for addr in places]
    return tables, [pair for proc in procs for pair in in_smaps(proc, places)]


def use(rng, proc, places, pages):
    """Access some of a process's pages."""
    for _ in range(rng.randint(4, 12)):
        addr = rng.choice(places) + rng.randrange(pages) * PAGE_SIZE
        proc.store(addr, b"x") if rng.random() < 0.4 else proc.load(addr)


def frame(proc, addr):
    """The number of the frame that a process's page is in; None if it has no entry."""
    table, i = pte_offset(proc.task.mm.pgd, addr)
    return None if table is None or pte_none(table[i]) else pte_pfn(table[i])


def in_smaps(proc, places):
    """What smaps says of the areas at these places: (Rss, Pss), in kB."""
    said, at = {}, 0
    for line in str(proc.smaps()).splitlines():
        word, *rest = line.split()
        if "-" in word:
            at = int(word.split("-")[0], 16)
        elif word in ("Rss:", "Pss:"):
            said[at, word] = int(rest[0])
    return [(said[addr, "Rss:"], said[addr, "Pss:"]) for addr in places]


def check(work: Work):
    wrong = {}
    for case in range(12):
        tables, expected = areas_drawn(work.rng, 1 + case, 1 + case // 3)
        given = work.call("smaps", tables)
        if not isinstance(given, list) or len(given) != len(tables):
            raise Wrong("`smaps` is to return a list with a pair for each area.")
        pairs = [listed(each, 2, "`smaps` is to return pairs, (Rss, Pss).") for each in given]
        for area, ours, theirs in zip(tables, pairs, expected, strict=True):
            for name, value, right in zip(("Rss", "Pss"), ours, theirs, strict=True):
                if not whole(value) or value != right:
                    words = f"{name} of the area {area} is not {value!r}, if all the areas are {tables}."
                    wrong.setdefault(name, words[:900])
    settle(*((share, name not in wrong, wrong.get(name, "")) for name, share in (("Rss", 1 / 3), ("Pss", 2 / 3))))


PART = Part(
    "pss", "code", 3, "Rss and Pss",
    """
Write `smaps(areas)`, which gives what `/proc/PID/smaps` says of areas as `Rss` and `Pss`. `areas` is a list of
**all** the areas that map these pages, of all processes (a process may have several). An area is the list of its
pages, in order, and each page is

- `None`: it has no entry in the page table;
- `0`: its entry leads to the shared page of zeros;
- another number: its entry leads to the frame with that number.

Return a list with a pair `(Rss, Pss)` for each area, in whole kB. `Rss` is worth one point, `Pss` two.

For Pss, count as Linux does: the part of a page that an area has is a whole number of 4096ths of a byte, cut off (for
three users: `(4096 << 12) // 3`). An area's parts are added up, and the sum, too, is cut off to whole kB.
""",
    starter="def smaps(areas):\n    return ...",
    solution='''
from collections import Counter

def smaps(areas):
    mapcount = Counter(frame for area in areas for frame in area if frame)
    found = []
    for area in areas:
        frames = [frame for frame in area if frame]
        shares = sum((4096 << 12) // mapcount[frame] for frame in frames)
        found.append((4 * len(frames), shares >> 22))
    return found
''',
    example='''
assert [tuple(each) for each in smaps([[7, 8, None]])] == [(8, 8)], "two pages that nobody else maps"
assert [tuple(each) for each in smaps([[7, 8], [7, 9]])] == [(8, 6), (8, 6)], "one of two pages is shared"
''',
    check=check,
)  # fmt: skip
