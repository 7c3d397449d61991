"""Problem set 2: a VMA is built, merged, and tied to a file (lessons 03, 04 and 05).

What a student reads above an answer is printed by code that stands here as a function, too (`draw_…`), so that a check
draws the same numbers; what is right is always what the simulated kernel does.
"""

from contextlib import contextmanager, suppress
from functools import cache
from itertools import product

from mmlab import (
    MADV_RANDOM,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    BusError,
    Kernel,
)
from mmlab.check import vmas
from mmlab.coursework.checks import draw_claims, settle, text, whole, witnessed
from mmlab.coursework.mutants import drawn_bug
from mmlab.coursework.problem import Part, ProblemSet, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay
from mmlab.include.fs import address_space_operations
from mmlab.include.mm import VM_DENYWRITE, VM_MAYREAD, VM_MAYWRITE, VM_NORESERVE, VM_READ, VM_SHARED, VM_WRITE
from mmlab.mm import mmap as mm_mmap
from mmlab.mm.vma import find_vma

RW, HOME = PROT_READ | PROT_WRITE, 1 << 40
FAR = 1 << 30  # bytes from the beginning of one mapping to that of the next, where none is to touch another


def rows(value, length):
    """Give a list of tuples of that length as such; None if it is anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(row, list | tuple) for row in value):
        return None
    return [tuple(row) for row in value] if all(len(row) == length for row in value) else None


def difference(given, right):
    """Say in what a list differs from the right one."""
    if not isinstance(given, list | tuple):
        return "has not the form that was asked for"
    if len(given) != len(right):
        return f"has too {'few' if len(given) < len(right) else 'many'} entries"
    return "has another order" if all(each in right for each in given) else "has some other entries than the kernel's"


def here(proc):
    """The VMAs of a process at HOME and above, but not those that exec has mapped."""
    return [vma for vma in vmas(proc.task.mm) if HOME <= vma.vm_start < 1 << 46]


# ── 1: cut, merged, cut ─────────────────────────────────────────────────────────────────────────────────────


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


def check_pieces(work: Work):
    expected, given = pieces_left(**draw_pieces(work.rng)), rows(work.value("areas"), 3)
    if given is None:
        raise Wrong("`areas` is to be a list of rows of three numbers: page, pages, file page.")
    ranges = [row[:2] for row in given] == [row[:2] for row in expected]
    settle(
        (1 / 3, ranges, "The VMAs are others: which calls cut a VMA, and which let a neighbour grow?"),
        (2 / 3, ranges and given == expected,
         "The file pages are others: every address goes on showing the byte that it showed before."),
    )  # fmt: skip


PIECES = Part(
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
    check=check_pieces,
)  # fmt: skip


# ── 2: a file is cut ────────────────────────────────────────────────────────────────────────────────────────


def mappings_drawn(rng, pages):
    """Some VMAs of a file of so many pages: (process, start, end, pgoff)."""
    found, at = [], HOME
    for _ in range(rng.randint(2, 5)):
        at += rng.randint(1, 4) * PAGE_SIZE
        pgoff = rng.randint(0, pages - 2)
        end = at + rng.randint(1, min(9, pages - pgoff)) * PAGE_SIZE
        found.append((rng.choice("AB"), at, end, pgoff))
        at = end
    return found


def taken_away(i_mmap, pages, size):
    """What the kernel does: every page has been loaded, then the file is cut."""
    kernel, taken = Kernel(), []
    procs = {name: kernel.spawn(name) for name in "AB"}
    fds = {name: proc.open("/dev/shm/file", O_RDWR | O_CREAT) for name, proc in procs.items()}
    procs["A"].ftruncate(fds["A"], pages * PAGE_SIZE)
    for name, start, end, pgoff in i_mmap:
        procs[name].mmap(start, end - start, RW, MAP_SHARED | MAP_FIXED, fds[name], pgoff * PAGE_SIZE)
        for address in range(start, end, PAGE_SIZE):
            procs[name].store(address, b"x")
    procs["B"].ftruncate(fds["B"], size)
    for name, start, end, _ in i_mmap:
        gone = [at for at in range(start, end, PAGE_SIZE) if not procs[name].pagemap(at).present]
        if gone:
            taken.append((name, gone[0], gone[-1] + PAGE_SIZE))
    return taken


def check_cut(work: Work):
    rng, wrong = work.rng, {}
    for case in range(16):
        if len(wrong) == 2:
            break
        pages = rng.randint(4, 20)
        i_mmap = mappings_drawn(rng, pages)
        _, start, end, pgoff = rng.choice(i_mmap)
        size = rng.randint(pgoff, pgoff + (end - start) // PAGE_SIZE - 1) * PAGE_SIZE
        size += case % 2 and rng.choice([1, 4095, rng.randint(1, 4095)])
        given, expected = work.call("taken", i_mmap, size), taken_away(i_mmap, pages, size)
        if rows(given, 3) != expected:
            listed = ", ".join(f"({name!r}, {start:#x}, {end:#x}, {pgoff})" for name, start, end, pgoff in i_mmap)
            wrong.setdefault(case % 2, f"i_mmap = [{listed}], and the file is cut to {size} bytes: the list "
                                       f"{difference(rows(given, 3), expected)}.")  # fmt: skip
    settle((2 / 3, 0 not in wrong, wrong.get(0, "")), (1 / 3, not wrong, wrong.get(1, "")))


CUT = Part(
    "cut", "code", 3, "A file is cut",
    """
A file knows who maps it: `i_mmap`. When `ftruncate` makes the file shorter, the kernel goes through it, and takes away
every page table entry that leads to a page of the file that is no more; the next access there will be a SIGBUS.

Write `taken(i_mmap, size)`. `i_mmap` is a list of VMAs, each as `(process, start, end, pgoff)`: a name; the addresses,
in bytes (`end` is the first that is no longer in it, both are multiples of 4096); and `vm_pgoff`, in pages. Every page
of every VMA has been loaded. Then the file is cut to `size` bytes, fewer than before. Give the list of
`(process, start, end)`, in the order of `i_mmap`: whose entries are taken away, and for which addresses (in bytes,
again multiples of 4096). A VMA that loses none is not in it.

Two points for sizes that are multiples of 4096, one more for all others.
""",
    starter="def taken(i_mmap, size):\n    ...",
    solution='''
def taken(i_mmap, size):
    left, found = -(-size // 4096), []          # the pages that the file still has
    for process, start, end, pgoff in i_mmap:
        first = max(start, start + (left - pgoff) * 4096)
        if first < end:
            found.append((process, first, end))
    return found
''',
    example='''
i_mmap = [("A", 0x10000, 0x14000, 0), ("B", 0x20000, 0x22000, 5), ("B", 0x30000, 0x31000, 0)]
told = [tuple(row) for row in taken(i_mmap, 2 * 4096)]
assert told == [("A", 0x12000, 0x14000), ("B", 0x20000, 0x22000)], "cut to two pages"
''',
    check=check_cut,
)  # fmt: skip


# ── 3: merge ────────────────────────────────────────────────────────────────────────────────────────────────


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


def file_of(vma):
    """The name of the open file, or None."""
    return vma.vm_file and vma.vm_file.name


def check_merge(work: Work):
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


def hexed(areas):
    """Areas, with addresses that can be read."""
    return "[" + ", ".join(f"({start:#x}, {end:#x}, {', '.join(map(repr, rest))})" for start, end, *rest in areas) + "]"


MERGE = Part(
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
    check=check_merge,
)  # fmt: skip


# ── 4: lines to order ───────────────────────────────────────────────────────────────────────────────────────


def lines_drawn(rng):
    """Lines to be made: (page, pages, file page); most touch, and many go on where the one below ends."""
    lines, at, pgoff = [], rng.randint(0, 3), rng.randint(0, 3)
    for _ in range(rng.randint(4, 7)):
        pages = rng.randint(1, 4)
        lines.append((at, pages, pgoff))
        at += pages + rng.choice([0, 0, 0, 1])
        pgoff = rng.choice([pgoff + pages] * 3 + [rng.randint(0, 9)])
    return lines


RUN_BUILD = '''
from mmlab.coursework.programs import record
result = record(lambda machine: build(machine.spawn("builder"), lines), ends=())
'''
BUILDING = {"spawn", "open", "close", "dup", "mmap", "munmap", "mprotect"}


def built(calls):
    """Make the calls again; tell which lines they leave, and whether a descriptor is left open."""
    kernel = Kernel(mem=MEMORY)
    for _ in replay(kernel, calls):
        pass
    (task,) = kernel.machine.tasks.values()
    lines = [((vma.vm_start - HOME) // PAGE_SIZE, (vma.vm_end - vma.vm_start) // PAGE_SIZE, vma.vm_pgoff)
             for vma in vmas(task.mm) if HOME <= vma.vm_start < 1 << 46 and vma.perms == "r--s"
             and file_of(vma) and vma.vm_file.f_mapping.host.label == "book.txt"]  # fmt: skip
    return lines, len([vma for vma in vmas(task.mm) if HOME <= vma.vm_start < 1 << 46]), len(task.files) > 3


def check_build(work: Work):
    frugal = True
    for _ in range(12):
        lines = lines_drawn(work.rng)
        calls = work.probe(RUN_BUILD, lines=lines)
        strange = {name for _, name, _, _ in calls} - BUILDING
        if strange:
            raise Wrong(f"`{sorted(strange)[0]}` is not one of the calls that the program may make.")
        made, count, left_open = built(calls)
        if made != lines or count != len(made):
            others = " and what is not r--s, or not of this file" if count > len(made) else ""
            raise Wrong(f"`build(proc, {lines})` leaves {made}{others}.")
        frugal = frugal and not left_open and sum(name == "open" for _, name, _, _ in calls) <= 2
    settle((2 / 3, True, ""), (1 / 3, frugal, "The file is opened more than twice, or a descriptor is left open."))


BUILD = Part(
    "build", "code", 3, "Lines to order",
    """
Write `build(proc, lines)`: a program after which `/proc/self/maps` has exactly the lines that are asked for. `lines` is
a list of `(page, pages, file page)`, in order of address: the line begins `page` pages after 0x10000000000, covers
`pages` pages, and shows `/data/book.txt` from `file page` on. Each is mapped MAP_SHARED, with PROT_READ (`r--s`). None
overlaps another, but many touch: a line may even go on with just the page of the file with which the line below has
ended, and they are to be **two** lines all the same. Nothing is mapped there before.

- Two points: the lines are as asked.
- One point more: the file is opened twice at most, and no descriptor is left open when `build` returns.

The program may call `open`, `close`, `dup`, `mmap`, `munmap` and `mprotect` of `proc`, and nothing else of the
machine. The calls that it makes are made again on another machine, and judged there.
""",
    starter="def build(proc, lines):\n    ...",
    solution='''
def build(proc, lines):
    fds = [proc.open("/data/book.txt", O_RDONLY) for _ in range(2)]
    for number, (page, pages, pgoff) in enumerate(lines):
        addr = 0x10000000000 + page * 4096
        proc.mmap(addr, pages * 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fds[number % 2], pgoff * 4096)
    for fd in fds:
        proc.close(fd)
''',
    example='''
proc = Kernel().spawn("me")
build(proc, [(0, 1, 0), (1, 2, 1), (5, 1, 2)])
lines = [line.split()[:3] for line in str(proc.maps()).splitlines() if line.startswith("100")]
assert [line[0] for line in lines] == ["10000000000-10000001000", "10000001000-10000003000",
                                       "10000005000-10000006000"], f"the addresses are {[line[0] for line in lines]}"
assert [line[2] for line in lines] == ["00000000", "00001000", "00002000"], "the offsets in the file"
assert {line[1] for line in lines} == {"r--s"}, "what may be done with them"
''',
    check=check_build,
)  # fmt: skip


# ── 5: who holds the file ───────────────────────────────────────────────────────────────────────────────────


def draw_holds(rng):
    """Moves of a program that has opened a file twice: (words, call, arguments)."""
    each = [("one", "RW", "MAP_SHARED"), ("one", "R", "MAP_SHARED"), ("one", "RW", "MAP_PRIVATE"),
            ("two", "R", "MAP_SHARED")]
    kinds = each + rng.choices([*each[:3], ("two", "R", "MAP_PRIVATE")], k=rng.randint(1, 3))
    rng.shuffle(kinds)
    moves = [("mmap", number, *kind, rng.randint(4, 8)) for number, kind in enumerate(kinds)]
    moves += [("dup", "one")] * rng.randint(2, 3)
    rng.shuffle(moves)
    cut = rng.choice([n for n, kind in enumerate(kinds) if kind[:2] == ("one", "R")])
    guarded = kinds.index(("one", "RW", "MAP_SHARED"))
    moves.insert(rng.randint(1, len(moves)), ("mmap", len(kinds), "two", "RW", "MAP_SHARED", 3))
    moves += [("munmap", cut, 1, rng.randint(1, 2)), ("mprotect", guarded, rng.randint(1, 2), 1)]
    moves += rng.choice([[("close", "one")], [("close", "two"), ("close", "one")]])
    whole = rng.choice([n for n, kind in enumerate(kinds)
                        if n not in (cut, guarded) and (kinds.count(kind) > 1 or kind not in each)])  # fmt: skip
    return [*moves, ("munmap", whole, 0, 8)]


def said(move):
    """A move in words."""
    match move:
        case "mmap", number, fd, prot, flags, pages:
            return f"M{number} = mmap({pages * 4096} bytes, {prot}, {flags}, {fd}, 0)"
        case "munmap", number, 0, _:
            return f"munmap(all of M{number})"
        case "munmap" | "mprotect" as call, number, page, pages:
            prot = ", R" if call == "mprotect" else ""
            return f"{call}(M{number} + {page * 4096}, {pages * 4096} bytes{prot})"
        case call, fd:
            return f"{call}({fd})"


def holds_told(moves):
    """What the kernel counts: (f_count, VMAs in i_mmap, i_mmap_writable)."""
    proc, prots = Kernel().spawn("student"), {"RW": RW, "R": PROT_READ}
    flags = {"MAP_SHARED": MAP_SHARED | MAP_FIXED, "MAP_PRIVATE": MAP_PRIVATE | MAP_FIXED}
    fds = {"one": proc.open("/data/file", O_RDWR | O_CREAT), "two": proc.open("/data/file", O_RDONLY)}
    file = proc.task.files[fds["one"]]
    for move in moves:
        match move:
            case "mmap", number, fd, prot, kind, pages:
                with suppress(PermissionError):
                    proc.mmap(HOME + number * FAR, pages * PAGE_SIZE, prots[prot], flags[kind], fds[fd])
            case "munmap", number, page, pages:
                proc.munmap(HOME + number * FAR + page * PAGE_SIZE, pages * PAGE_SIZE)
            case "mprotect", number, page, pages:
                proc.mprotect(HOME + number * FAR + page * PAGE_SIZE, pages * PAGE_SIZE, PROT_READ)
            case "dup", fd:
                proc.dup(fds[fd])
            case "close", fd:
                proc.close(fds[fd])
    return file.f_count, len(file.f_mapping.i_mmap), file.f_mapping.i_mmap_writable


def check_holds(work: Work):
    f_count, i_mmap, writable = holds_told(draw_holds(work.rng))
    hints = {
        "f_count": (f_count, "who refers to the first open file, and what does a cut add?"),
        "i_mmap": (i_mmap, "which VMAs map this file, through whatever descriptor?"),
        "i_mmap_writable": (writable, "which of these VMAs are shared, and may be written to now or later?"),
    }
    settle(*((1 / 3, whole(work.value(name)) and work.value(name) == right, f"`{name}`: {hint}")
             for name, (right, hint) in hints.items()))  # fmt: skip


HOLDS = Part(
    "holds", "predict", 3, "Who holds the file?",
    """
A program opens a file of ext4 twice: `one` with O_RDWR, then `two` with O_RDONLY. Nobody else uses the file. Then it
makes the calls that the next cell prints, one after another. `R` is PROT_READ, `RW` is PROT_READ | PROT_WRITE; M0, M1 …
are the addresses of the mappings, which are all far from each other. One of the calls is refused; the program goes on.

How do the counts stand in the end? Set

- `f_count`: the references to the **first** open file, that of `one`;
- `i_mmap`: how many VMAs are in the file's `i_mmap`;
- `i_mmap_writable`: the file's count of that name.
""",
    setup=text(draw_holds, said) + '''
moves = draw_holds(personal("ps2-holds"))
print('one = open("/data/file", O_RDWR)', 'two = open("/data/file", O_RDONLY)', *map(said, moves), sep="\\n")
''',
    starter="f_count = ...\ni_mmap = ...\ni_mmap_writable = ...",
    solution='''
pieces, descriptors = {}, {"one": 1, "two": 1}          # mapping → (descriptor, may it be written to, VMAs)
for what, *rest in moves:
    if what == "mmap" and rest[1:4] != ["two", "RW", "MAP_SHARED"]:
        number, fd, prot, flags, pages = rest
        pieces[number] = [fd, fd == "one" and flags == "MAP_SHARED", 1, pages]
    elif what == "munmap" and rest[1] == 0:
        del pieces[rest[0]]
    elif what == "munmap" and sum(rest[1:]) < pieces[rest[0]][3]:
        pieces[rest[0]][2] += 1                         # a part below the hole, and one above
    elif what == "mprotect":
        pieces[rest[0]][2] += 2
    elif what in ("dup", "close"):
        descriptors[rest[0]] += 1 if what == "dup" else -1
f_count = descriptors["one"] + sum(vmas for fd, _, vmas, _ in pieces.values() if fd == "one")
i_mmap = sum(vmas for _, _, vmas, _ in pieces.values())
i_mmap_writable = sum(vmas for _, writable, vmas, _ in pieces.values() if writable)
''',
    example='''
assert all(isinstance(each, int) for each in (f_count, i_mmap, i_mmap_writable)), "three whole numbers"
assert f_count >= 0 and 0 <= i_mmap_writable <= i_mmap, "a count is never below 0, nor a part above the whole"
''',
    check=check_holds,
)  # fmt: skip


# ── 6: unwind ───────────────────────────────────────────────────────────────────────────────────────────────

STEPS = ["vm_enough_memory", "kmem_cache_zalloc", "deny_write_access", "mapping_map_writable", "get_file",
         "f_op->mmap", "vma_link"]  # fmt: skip
UNDOING = ["fput", "mapping_unmap_writable", "allow_write_access", "kmem_cache_free", "vm_unacct_memory"]
BITS = {"READ": VM_READ, "WRITE": VM_WRITE, "SHARED": VM_SHARED, "MAYREAD": VM_MAYREAD, "MAYWRITE": VM_MAYWRITE,
        "DENYWRITE": VM_DENYWRITE}  # fmt: skip
SETS = [  # of vm_flags, as do_mmap works them out: for files; those without SHARED and DENYWRITE for memory, too
    {"READ", "MAYREAD", "MAYWRITE"}, {"READ", "WRITE", "MAYREAD", "MAYWRITE"},
    {"READ", "SHARED", "MAYREAD", "MAYWRITE"}, {"READ", "WRITE", "SHARED", "MAYREAD", "MAYWRITE"},
    {"READ", "SHARED", "MAYREAD"},
]  # fmt: skip


@cache
def regions_told():
    """What mmap_region calls: (vm_flags, with a file, the step that fails or None) → the names, in order."""
    kernel, told = Kernel(), {}
    proc = kernel.spawn("student")
    proc.close(proc.open("/ram/file", O_RDWR | O_CREAT))
    opened = proc.task.files[proc.open("/ram/file", O_RDONLY)]
    with kernel.trace() as trace:
        for flags in map(frozenset, [*SETS, *({*each, "DENYWRITE"} for each in SETS)]):
            for file in (opened, None) if not flags & {"SHARED", "DENYWRITE"} else (opened,):
                told[flags, file is not None, None] = steps = region(trace, proc, file, flags, None)
                for failing in set(steps) & set(STEPS) - {"get_file", "vma_link"}:
                    told[flags, file is not None, failing] = region(trace, proc, file, flags, failing)
    kernel.check()
    return told


def region(trace, proc, file, flags, failing):
    """Call mmap_region, let one step fail, and give the names of what it has called."""
    length = 1 << 44 if failing == "vm_enough_memory" else PAGE_SIZE
    vm_flags = sum(BITS[name] for name in flags)
    with failing_at(failing, proc, file):
        trace.clear()
        with suppress(OSError):
            mm_mmap.mmap_region(proc.task, file, HOME, length, vm_flags, 7 if file else HOME >> 12)
        names = ["f_op->mmap" if name.endswith("_file_mmap") else name for name in trace.functions()]
    proc.munmap(HOME, PAGE_SIZE)
    return [name for name in names if name in STEPS or name in UNDOING]


@contextmanager
def failing_at(step, proc, file):
    """Let a step of mmap_region fail."""
    if step == "kmem_cache_zalloc":
        proc.task.machine.fail_nth = 1
        yield
    elif step == "deny_write_access":
        fd = proc.open("/ram/file", O_RDWR)
        yield
        proc.close(fd)
    elif step == "mapping_map_writable":
        file.f_mapping.i_mmap_writable = -1
        yield
        file.f_mapping.i_mmap_writable = 0
    elif step == "f_op->mmap":
        a_ops, file.f_mapping.a_ops = file.f_mapping.a_ops, address_space_operations("without readpage")
        yield
        file.f_mapping.a_ops = a_ops
    else:
        yield


def check_unwind(work: Work):
    wrong = {}
    for (flags, has_file, failing), right in regions_told().items():
        given = work.call("region", set(flags), has_file, failing)
        if not isinstance(given, list | tuple) or list(given) != right:
            about = "".join(f"{name} " for name in BITS if name in flags).strip()
            wrong.setdefault(failing is None, f"vm_flags {about}, {'with a' if has_file else 'without a'} file, and "
                             f"{failing or 'no step'} fails: the list {difference(given, right)}.")  # fmt: skip
    settle((1 / 4, True not in wrong, wrong.get(True, "")), (3 / 4, not wrong, wrong.get(False, "")))


UNWIND = Part(
    "unwind", "code", 4, "Through the labels",
    f"""
Write `region(vm_flags, has_file, failing)`: the names of the functions that `mmap_region` (v4.4, as in lesson 3) calls
for a new mapping, in order. What it counts, it counts with these, in this order, each only if it is needed:

`{"`, `".join(STEPS)}`

and what it has counted it takes back with

`{"`, `".join(UNDOING)}`

- `vm_flags`: a set of some of the words `"READ"`, `"WRITE"`, `"SHARED"`, `"MAYREAD"`, `"MAYWRITE"`, `"DENYWRITE"`;
- `has_file`: whether a file is mapped; if not, it is private memory;
- `failing`: the name of the one step that fails, or `None` if all goes well. A step that fails has been called, so it
  is in the list, and it has changed nothing itself. (`get_file` and `vma_link` cannot fail.)

No neighbour can grow, nothing is in the way, no limit is met. One point if the list is right where nothing fails, all
four if it is right everywhere.
""",
    starter="def region(vm_flags, has_file, failing):\n    called = []\n    ...\n    return called",
    solution='''
def region(vm_flags, has_file, failing):
    denies = has_file and "DENYWRITE" in vm_flags
    counted = has_file and {"SHARED", "MAYWRITE"} <= vm_flags
    steps = []                                          # (what does it, what undoes it)
    if "WRITE" in vm_flags and "SHARED" not in vm_flags:
        steps.append(("vm_enough_memory", "vm_unacct_memory"))
    steps.append(("kmem_cache_zalloc", "kmem_cache_free"))
    if denies:
        steps.append(("deny_write_access", "allow_write_access"))
    if counted:
        steps.append(("mapping_map_writable", "mapping_unmap_writable"))
    if has_file:
        steps += [("get_file", "fput"), ("f_op->mmap", None)]
    called, labels = [], []
    for step, undo in steps:
        called.append(step)
        if step == failing:
            return called + labels[::-1]
        labels.append(undo)
    called.append("vma_link")
    if counted:
        called.append("mapping_unmap_writable")         # the VMA that is linked has counts of its own
    if denies:
        called.append("allow_write_access")
    return called
''',
    example='''
memory = {"READ", "WRITE", "MAYREAD", "MAYWRITE"}
assert list(region(memory, False, None)) == ["vm_enough_memory", "kmem_cache_zalloc", "vma_link"], "private memory"
assert list(region(memory, False, "kmem_cache_zalloc")) == [
    "vm_enough_memory", "kmem_cache_zalloc", "vm_unacct_memory"], "no memory for a vm_area_struct"
''',
    check=check_unwind,
)  # fmt: skip


# ── 7: who is asked ─────────────────────────────────────────────────────────────────────────────────────────

PATHS = {"ext4": "/data/new", "ramfs": "/ram/new", "tmpfs": "/dev/shm/new", "disk": "/dev/vda", "zero": "/dev/zero"}
ASKED = ["filemap_map_pages", "filemap_fault", "shmem_fault", "ext4_readpage", "blkdev_readpage", "simple_readpage",
         "ext4_page_mkwrite", "filemap_page_mkwrite", "do_anonymous_page"]  # fmt: skip


@cache
def asked_told():
    """What the kernel calls: (kind, shared, cached) → (by the load, by the store)."""
    kernel = Kernel()
    proc = kernel.spawn("student")
    cases = [case for case in product(PATHS, (True, False), (True, False)) if case[0] != "zero" or not case[2]]
    with kernel.trace() as trace:
        return {case: asked_by(trace, proc, number, *case) for number, case in enumerate(cases)}


def asked_by(trace, proc, number, kind, shared, cached):
    """Map a page that nobody has mapped, load a byte of it and then store one; give the names of what each asks."""
    made = kind in ("ext4", "ramfs", "tmpfs")
    fd, offset = proc.open(PATHS[kind] + f"{number}" * made, O_RDWR | O_CREAT), number << 20 if kind == "disk" else 0
    if made:
        proc.ftruncate(fd, PAGE_SIZE)
    if cached:
        proc.pwrite(fd, b"x", 0) if made else proc.pread(fd, 1, offset)
    addr, told = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED if shared else MAP_PRIVATE, fd, offset), []
    for access in (lambda: proc.load(addr), lambda: proc.store(addr, b"y")):
        trace.clear()
        access()
        told.append(list(dict.fromkeys(name for name in trace.functions() if name in ASKED)))
        if "ext4_page_mkwrite" in told[-1]:
            told[-1].remove("filemap_page_mkwrite")
    return told


def check_asked(work: Work):
    wrong = {}
    for (kind, shared, cached), right in asked_told().items():
        given = rows([work.call("asked", kind, shared, cached)], 2)
        if given is None:
            raise Wrong("`asked` is to return two lists: for the load, and for the store.")
        about = f"{kind}, {'MAP_SHARED' if shared else 'MAP_PRIVATE'}, {'' if cached else 'not '}in memory"
        for what, ours, theirs in zip(("load", "store"), given[0], right, strict=True):
            if not isinstance(ours, list | tuple) or list(ours) != theirs:
                wrong.setdefault(what, f"{about}: the list for the {what} {difference(ours, theirs)}.")
    settle((2 / 3, "load" not in wrong, wrong.get("load", "")), (1 / 3, "store" not in wrong, wrong.get("store", "")))


WHO = Part(
    "asked", "code", 3, "Who is asked?",
    f"""
A program maps one page, readable and writable, loads a byte of it, and then stores one. Write
`asked(kind, shared, cached)`: which functions do the two accesses ask? Return a pair of lists: for the load, and for
the store after it; each in the order of the calls, and empty where nobody is asked.

- `kind`: what is mapped. `"ext4"`, `"ramfs"`, `"tmpfs"`: a file there; `"disk"`: `/dev/vda`; `"zero"`: `/dev/zero`;
- `shared`: `True` for MAP_SHARED, `False` for MAP_PRIVATE;
- `cached`: whether the page is in memory when the program begins. If not, and it is a file, then it is a hole that was
  never written. (With `"zero"` it is always `False`.)

What counts are the functions of the VMA's `vm_ops` and of the file's `a_ops`, and the one that serves a VMA without
`vm_ops`; in short, those of these names: `{"`, `".join(ASKED)}`. (`ext4_page_mkwrite` goes on to
`filemap_page_mkwrite` on this machine; name only the first.)

Two points if all lists for the load are right, one if all for the store are.
""",
    starter="def asked(kind, shared, cached):\n    load, store = [], []\n    ...\n    return load, store",
    solution='''
def asked(kind, shared, cached):
    if kind == "zero" and not shared:
        return ["do_anonymous_page"], []
    load, store = ["filemap_map_pages"], []
    if not cached and kind in ("tmpfs", "zero"):
        load.append("shmem_fault")
    elif not cached:
        readpage = {"ext4": "ext4_readpage", "disk": "blkdev_readpage", "ramfs": "simple_readpage"}
        load += ["filemap_fault", readpage[kind]]
    if shared and kind not in ("tmpfs", "zero"):
        store.append("ext4_page_mkwrite" if kind == "ext4" else "filemap_page_mkwrite")
    return load, store
''',
    example='''
load, store = asked("ext4", True, False)
assert list(load) == ["filemap_map_pages", "filemap_fault", "ext4_readpage"], "ext4, shared: the load"
assert list(store) == ["ext4_page_mkwrite"], "ext4, shared: the store"
''',
    check=check_asked,
)  # fmt: skip


# ── 8: a picture ────────────────────────────────────────────────────────────────────────────────────────────


def draw_strip(rng):
    """A machine on which a program has used a private mapping of /data/log: (kernel, process, address, a byte)."""
    kernel = Kernel()
    proc = kernel.spawn("reader")
    fd = proc.open("/data/log", O_RDWR | O_CREAT)
    pgoff, inside = rng.randint(2, 7), rng.randint(6, 7)        # of the mapping's eight pages so many are in the file
    size = (pgoff + inside - 1) * 4096 + rng.randint(100, 4000)
    proc.pwrite(fd, b"log " * (size // 4) + b"." * (size % 4), 0)
    proc.fsync(fd)
    kernel.drop_caches()
    addr = proc.mmap(0, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, pgoff * 4096)
    proc.madvise(addr, 8 * 4096, MADV_RANDOM)                   # no read-ahead
    pages = rng.sample(range(inside), inside)
    for page in pages[3:3 + rng.randint(1, 3)]:
        proc.store(addr + page * 4096, b"mine")
    proc.load(addr + pages[0] * 4096)
    proc.pread(fd, 10, (pgoff + pages[1]) * 4096)
    return kernel, proc, addr, (pgoff + rng.randrange(1, inside)) * 4096 + rng.randint(1, 90)


def strip_told(rng):
    """What the kernel does on that machine: (address, own, disk)."""
    state = rng.getstate()
    _, proc, addr, byte = draw_strip(rng)
    address = byte - find_vma(proc.task.mm, addr).vm_pgoff * PAGE_SIZE + addr
    disk, own = [], []
    for page in range(8):
        before = proc.getrusage().ru_majflt
        with suppress(BusError):
            proc.load(addr + page * PAGE_SIZE)
        disk += [page] * (proc.getrusage().ru_majflt - before)
    rng.setstate(state)
    kernel, proc, addr, _ = draw_strip(rng)
    other = kernel.spawn("other")
    fd, pgoff = other.open("/data/log", O_RDWR), find_vma(proc.task.mm, addr).vm_pgoff
    size = other.fstat(fd).st_size
    for page in range(8):
        at = (pgoff + page) * PAGE_SIZE
        if at < size:
            other.pwrite(fd, b"new!", at)
            own += [page] * (proc.load(addr + page * PAGE_SIZE, 4) != b"new!")
    return address, own, disk


def pages_are(given, pages):
    """Tell whether what is given are these pages, in any order."""
    return isinstance(given, list | tuple | set) and len(given) == len(pages) and set(given) == set(pages)


def check_strip(work: Work):
    address, own, disk = strip_told(work.rng)
    settle(
        (1 / 3, whole(work.value("address")) and work.value("address") == address,
         "`address`: which page of the file is at the beginning of the mapping?"),
        (1 / 3, pages_are(work.value("own"), own), "`own`: which pages are not the file's any more?"),
        (1 / 3, pages_are(work.value("disk"), disk),
         "`disk`: which pages are not in memory, and are a part of the file at all?"),
    )  # fmt: skip


STRIP = Part(
    "strip", "diagram", 3, "Read a picture of an offset",
    """
The next cell draws a mapping of eight pages of `/data/log`, a file on ext4, MAP_PRIVATE, readable and writable, after
a program has used it. It is the picture of lesson 4. Read off, without running anything more, three answers, worth one
point each. The pages of the mapping are numbered from 0 to 7.

- `address`: at which address does the program see the byte of the file whose number is printed below the picture?
- `own`: the list of those pages at which the program would **not** see what another program writes into the file now;
- `disk`: the list of those pages at which a load, made next, would have to read the disk. (Read-ahead is off: nothing
  is read but the page that is loaded.)
""",
    setup="from mmlab.views import offset_strip\n\n" + text(draw_strip) + '''
kernel, proc, addr, byte = draw_strip(personal("ps2-strip"))
picture = offset_strip(proc, addr)
print(picture)
print(f"Where is byte {byte} of the file?")
picture
''',
    starter="address = None       # a number\nown = None           # a list\ndisk = None          # a list",
    solution='''
lines = str(picture).splitlines()
pgoff = int(lines[0].split("vm_pgoff = ")[1].split(";")[0])
address = addr + byte - pgoff * 4096
own = [page for page, line in enumerate(lines[1:]) if "private copy" in line]
disk = [page for page, line in enumerate(lines[1:]) if line.endswith("will fault")]
''',
    example='''
assert None not in (address, own, disk), "an answer is missing"
assert addr <= address < addr + 8 * 4096, "the address is not in the mapping"
assert {*own, *disk} <= set(range(8)), "the pages have the numbers 0 to 7"
''',
    check=check_strip,
)  # fmt: skip


# ── 9: a bug ────────────────────────────────────────────────────────────────────────────────────────────────

CLAIMS = {
    "apart": "mprotect never joins two neighbours: two VMAs that it makes alike stay two.",
    "down": "No VMA ever grows downwards: what is mapped just below it becomes a VMA of its own.",
    "inode": "Two mappings of one file become one VMA even if the file was opened once for each of them.",
    "keep": "munmap does not give back the file: a file without a name stays in memory after its last mapping.",
    "mkwrite": "A shared page of ext4 that was loaded can be stored to without another fault.",
    "promise": "A shared, writable mapping of a file counts in Committed_AS.",
    "split": "When a VMA is cut, its upper part shows the file from the same page on as the lower.",
    "undo": "When an mmap is refused by the file (f_op->mmap), Committed_AS stays too high.",
}  # by the bugs' names, which are the mutants'


def check_bug(work: Work):
    bug = drawn_bug("ps2-bug", work.rng)
    letters = draw_claims(work.rng, list(CLAIMS.values()))
    named = letters.get(work.value("bug")) == CLAIMS[bug]
    differs = witnessed(work, "ps2-bug", bug)
    settle(
        (0.5, named, "`bug`: another claim is true of your machine."),
        (0.5, differs, "`witness`: each of its calls gives the same on both machines."),
    )


BUG = Part(
    "bug", "bug", 4, "A kernel with a bug",
    """
`machine` is a machine like those that `Kernel()` gives, but its kernel has **one bug**. The next cell prints eight
claims; one of them is true of this machine (and none of an honest kernel). Try things on `machine` and on `Kernel()`,
and compare. For an unused machine with the same bug call `new_machine()`.

- Two points: set `bug` to the letter of the claim, `"A"` to `"H"`.
- Two points: write `witness(kernel)`, a program of at most 12 calls, from `kernel.spawn` on, whose calls give
  something else on this machine than on an honest one: another value, or an error or a signal for one and not for the
  other. What counts are the calls of `kernel` (`spawn`, `drop_caches`, `meminfo`, `vmstat`) and of its processes
  (those on files and on memory, `pagemap`, `fincore`, `getrusage`, `maps`, `smaps`, `fork`, `exit`). Whether
  `witness` returns anything does not matter, and it need not compare anything.
""",
    setup="from mmlab.coursework.checks import draw_claims\nfrom mmlab.coursework.mutants import mutant\n"
          + "from mmlab.coursework.programs import record, replay\n\nCLAIMS = [\n"
          + "".join(f'    "{claim}",\n' for claim in CLAIMS.values()) + ''']

def new_machine():
    return mutant("ps2-bug", personal("ps2-bug"))

rng = personal("ps2-bug")
machine = mutant("ps2-bug", rng)
claims = draw_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{letter}: {claim}")
''',
    starter='bug = None               # a letter\n\ndef witness(kernel):\n    proc = kernel.spawn("witness")\n    ...',
    solution='''
RW, HERE = PROT_READ | PROT_WRITE, 1 << 40

def book(kernel, *places, prot=RW):
    proc = kernel.spawn("witness")
    fd = proc.open("/data/book.txt", O_RDWR)
    for page, pages in places:
        proc.mmap(HERE + page * 4096, pages * 4096, prot, MAP_SHARED | MAP_FIXED, fd, page * 4096)
    return proc, fd

def apart(kernel):
    proc, fd = book(kernel, (0, 1), prot=PROT_READ)
    proc.mmap(HERE + 4096, 4096, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 4096)
    proc.mprotect(HERE + 4096, 4096, PROT_READ)
    return str(proc.maps())

def down(kernel):
    proc, _ = book(kernel, (1, 1), (0, 1))
    return str(proc.maps())

def inode(kernel):
    proc, _ = book(kernel, (0, 1))
    proc.mmap(HERE + 4096, 4096, RW, MAP_SHARED | MAP_FIXED, proc.open("/data/book.txt", O_RDWR), 4096)
    return str(proc.maps())

def keep(kernel):
    proc = kernel.spawn("witness")
    fd = proc.open("/dev/shm/new", O_RDWR | O_CREAT)
    proc.pwrite(fd, b"X", 0)
    addr = proc.mmap(0, 4096, RW, MAP_SHARED, fd)
    proc.unlink("/dev/shm/new")
    proc.close(fd)
    proc.munmap(addr, 4096)
    return kernel.meminfo()["Shmem"]

def mkwrite(kernel):
    proc, _ = book(kernel, (0, 1))
    proc.load(HERE)
    proc.store(HERE, b"X")
    return str(proc.getrusage())

def promise(kernel):
    book(kernel, (0, 5))
    return kernel.meminfo()["Committed_AS"]

def split(kernel):
    proc, _ = book(kernel, (0, 3))
    proc.munmap(HERE + 4096, 4096)
    return proc.load(HERE + 2 * 4096, 5)

def undo(kernel):
    proc = kernel.spawn("witness")
    fd = proc.open("/proc/meminfo", O_RDONLY)
    try:
        proc.mmap(0, 4096, RW, MAP_PRIVATE, fd)
    except OSError:
        return kernel.meminfo()["Committed_AS"]

tries = dict(zip(CLAIMS, [apart, down, inode, keep, mkwrite, promise, split, undo], strict=True))
(bug,) = [letter for letter, claim in claims.items() if tries[claim](Kernel()) != tries[claim](new_machine())]
witness = tries[claims[bug]]
''',
    example='''
assert bug in list("ABCDEFGH"), "`bug` is not a letter from A to H yet"
calls = record(witness)
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "no call of witness gives another value"
''',
    check=check_bug,
)  # fmt: skip


# ── 10: an essay ────────────────────────────────────────────────────────────────────────────────────────────

ESSAY = Part(
    "links", "essay", 4, "Three links, or a name?",
    """
A friend designs a kernel in which a mapping of a file is kept as *(start, end, path, offset in bytes, kind of file)*.
On a page fault it opens the path, reads 4096 bytes from the right place, and has one large `switch` on the kind of
file. *"No pointers, no counts, nothing to unwind: when `mmap` fails, I just do not write the row."*

Answer in 150 to 250 words. Name two things that programs can rely on in Linux and that this design breaks, each with
the link (`vm_pgoff`, `vm_file`, `vm_ops`) that makes Linux get it right, and an example in terms of calls. Say what is
lost with the `switch`. And be fair: what does Linux pay for its links when `mmap` fails halfway?
""",
    rubric="""
Marks: **1** for each of two breaches, with its link and a sequence of calls (½ without the calls): `vm_file` holds
the open file, so a mapping outlives `close`, `unlink` and a new file of the same name, and what `open` permitted holds,
whatever the permissions of the path are later; two mappings meet in one `address_space`, so what is stored to a shared
one is seen by the other; `vm_pgoff` counts pages and moves on with `vm_start` at a cut, so every address keeps its byte
and neighbours can be seen to continue each other (an offset in bytes allows offsets within a page, and could not lead
to a page of the cache). **1** `vm_ops` (by `f_op->mmap`): each kind of file brings its functions, a new file system or
driver needs no change in the fault code, and NULL has a meaning (anonymous). **1** the price: references and counts
(`f_count`, `i_writecount`, `i_mmap_writable`, the VMA, the promise) taken in an order and given back in the reverse
order through the labels; a forgotten one stays until reboot (the `charged = 0` of v4.4), or what MAP_FIXED has cleared
is not restored.
""",
    solution="""
First, a name is not a file. A program may `open`, `mmap`, `close` and then `unlink`; its loads still work, since
`vm_file` holds the open file, and that the inode. In the friend's kernel the next fault finds no such path, or, worse,
a new file that somebody has put there. Also the permissions were settled by `open`; opening at each fault asks again.

Second, two processes that map one file MAP_SHARED must see each other's stores. In Linux `vm_file` leads both to the
one `address_space`, and `vm_pgoff` says which of its pages is meant. Reading 4096 bytes for each fault gives everyone a
copy. `vm_pgoff` is in pages for this reason, and moves on when `munmap` cuts a VMA, so that each address keeps its
byte.

With the `switch`, the fault code must know every kind of file. `f_op->mmap` lets each file system or driver enter its
own `vm_ops`; a new one changes nothing in the fault, and no `vm_ops` at all means anonymous memory.

The price is real. By the time `f_op->mmap` refuses, Linux has promised memory, allocated a VMA, perhaps denied writers,
counted in `i_mmap_writable` and taken a reference to the file. Labels give all this back in the reverse order. One
label forgotten, as in v4.4, and Committed_AS stays too high. And what MAP_FIXED has cleared does not come back.
""",
)  # fmt: skip


PROBLEMS = ProblemSet(
    "ps2_building_a_vma", "Problem set 2: a VMA is built, merged, and tied to a file",
    ["03_mmap_region", "04_three_links", "05_f_op_mmap"],
    "What `mmap_region` builds, when it need not build anything, what it takes back when it fails, and how the result "
    "leads from an address to a byte of a file.",
    [PIECES, CUT, MERGE, BUILD, HOLDS, UNWIND, WHO, STRIP, BUG, ESSAY],
)  # fmt: skip
