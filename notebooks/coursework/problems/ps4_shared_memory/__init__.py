"""Problem set 4: who counts a page, and two kinds of shared memory (lessons 08 and 09).

What a student reads above an answer is printed by code that stands here as a function, too (`draw_…`), so that a check
draws the same numbers; what is right is always what the simulated kernel does.
"""

import random
from contextlib import suppress

from mmlab import (
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    IPC_CREAT,
    IPC_PRIVATE,
    IPC_RMID,
    IPC_STAT,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    Kernel,
    Process,
)
from mmlab.check import vmas
from mmlab.coursework.checks import draw_claims, settle, text, whole, witnessed
from mmlab.coursework.mutants import drawn_bug
from mmlab.coursework.problem import Part, ProblemSet, Work, Wrong
from mmlab.coursework.programs import MEMORY, REFUSALS, replay
from mmlab.fs.block_dev import add_disk
from mmlab.fs.namei import path_lookup
from mmlab.include.pgtable import pte_none, pte_offset, pte_pfn

RW, HOME, KB = PROT_READ | PROT_WRITE, 1 << 40, PAGE_SIZE >> 10


def equal(given, expected, hints):
    """Settle numbers, each worth the same; a wrong one has its hint."""
    settle(*((1 / len(expected), whole(ours) and ours == theirs, hint)
             for ours, theirs, hint in zip(given, expected, hints, strict=True)))  # fmt: skip


def listed(value, length, words):
    """Give the list; Wrong unless it has that length."""
    if not isinstance(value, list | tuple) or len(value) != length:
        raise Wrong(words)
    return list(value)


def full_file(proc, path, pages):
    """Make a file all of whose pages are in memory, and give its descriptor."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    for page in range(pages):
        proc.pwrite(fd, bytes(PAGE_SIZE), page * PAGE_SIZE)
    return fd


def rss_shmem(proc):
    """What /proc/PID/status says of RssShmem, in kB."""
    status = proc.pread(proc.open("/proc/self/status", O_RDONLY), 4096, 0)
    return int(status.partition(b"RssShmem:")[2].split()[0])


# ── 1: six steps ────────────────────────────────────────────────────────────────────────────────────────────


def draw_steps(rng):
    """The numbers of the six steps."""
    pages = 16 * rng.randint(4, 6) + rng.randint(3, 13)
    loaded = 16 * rng.choice([1, 2]) + rng.randint(2, 13)
    return {"pages": pages, "last": pages - rng.randint(1, 2), "loaded": loaded, "stored": rng.randint(3, 9),
            "shared": rng.randint(20, 40), "left": loaded - rng.randint(3, 9)}


def mapped_in_steps(pages, last, loaded, stored, shared, left):
    """By how much each step changes Mapped, in kB."""
    kernel, changes = Kernel(), []
    _, one, two = (kernel.spawn("reader") for _ in range(3))
    fd = full_file(one, "/data/file", pages)
    a = one.mmap(HOME, pages * PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd)
    b = two.mmap(HOME, pages * PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, two.open("/data/file", O_RDONLY))
    c = one.mmap(HOME << 1, pages * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, fd)
    d = two.mmap(0, shared * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    steps = [
        [(one.load, a + last * PAGE_SIZE)],
        [(two.load, b + page * PAGE_SIZE) for page in range(loaded)],
        [(one.store, c + page * PAGE_SIZE, b"x") for page in range(stored)],
        [(two.store, d + page * PAGE_SIZE, b"x") for page in range(shared)],
        [(one.ftruncate, fd, left * PAGE_SIZE)],
        [(two.exit,)],
    ]
    for calls in steps:
        before = kernel.meminfo()["Mapped"]
        for call, *arguments in calls:
            call(*arguments)
        changes.append(kernel.meminfo()["Mapped"] - before)
    return changes


IN_STEPS = [
    "Step 1: which pages does one load map, and which of them does the file have?",
    "Step 2: which pages do these loads map, and which of them were mapped before?",
    "Step 3: to what page does each entry lead that such a store makes?",
    "Step 4: which file is behind this memory, and which of its pages is mapped now?",
    "Step 5: what does ftruncate do to entries of page tables, and which entries are there?",
    "Step 6: which pages does only Two still map, in all its mappings?",
]


def check_steps(work: Work):
    given = listed(work.value("mapped"), 6, "`mapped` is to be a list of six numbers, one for each step.")
    equal(given, mapped_in_steps(**draw_steps(work.rng)), IN_STEPS)


STEPS = Part(
    "steps", "predict", 3, "Six steps in Mapped",
    """
A file of ext4 has just been written, page by page, so all its pages are in memory. Two processes, One and Two, run
the same program, and so does a third process all the time, which maps nothing itself. One and Two have made the
mappings that the next cell names; none is touched yet. Then come the six steps that it prints, one after another, and
nothing else runs. `fault_around_bytes` is 65536.

Set `mapped` to a list of six numbers: by how many **kB** each step changes the `Mapped` line of `/proc/meminfo`. A
number is negative where `Mapped` falls. Each is worth half a point.
""",
    setup=text(draw_steps) + '''
drawn = draw_steps(personal("ps4-steps"))
print("""The file has {pages} pages. A is a multiple of 2 MiB. One has mapped the file MAP_SHARED at A, and once more
MAP_PRIVATE at B. Two has mapped the file MAP_SHARED at A, and {shared} pages of MAP_SHARED|MAP_ANONYMOUS memory at D.
1. One loads a byte of page {last} of the file, in its mapping at A (the first page is page 0)
2. Two loads a byte of each of the first {loaded} pages at A, in order
3. One stores a byte to each of the first {stored} pages at B
4. Two stores a byte to each of the {shared} pages at D
5. One cuts the file to {left} pages (ftruncate)
6. Two exits""".format(**drawn))
''',
    starter="mapped = ...             # six numbers, in kB",
    solution='''
pages, left = drawn["pages"], drawn["left"]
window = drawn["last"] // 16 * 16                       # where fault-around begins; the file ends before it does
by_one = set(range(window, pages))
by_two = set(range(-(-drawn["loaded"] // 16) * 16))
cut = {page for page in by_one | by_two if page >= left}
mapped = [4 * len(by_one), 4 * len(by_two - by_one), 0, 4 * drawn["shared"], -4 * len(cut),
          -4 * (len(by_two - cut) + drawn["shared"])]
''',
    example='assert len(mapped) == 6, "six steps, six numbers"\n'
            'assert all(each % 4 == 0 for each in mapped), "whole pages, in kB"',
    check=check_steps,
)  # fmt: skip


# ── 2: a picture ────────────────────────────────────────────────────────────────────────────────────────────


def draw_machine(rng):
    """A machine on which A, B and C have used a file and some memory of tmpfs: (kernel, processes)."""
    kernel = Kernel()
    a, b, c = (kernel.spawn(name) for name in "ABC")
    fd = a.open("/data/log", O_RDWR | O_CREAT)
    for page in range(96):
        a.pwrite(fd, bytes(4096), page * 4096)
    a.fsync(fd)
    windows = rng.sample(range(6), 6)
    users = [(a, b), (b,), (b, c), (a,), (), ()] if rng.random() < 0.5 else [(a, b, c), (b,), (b,), (c,), (a, c), ()]
    for proc, flags in ((a, MAP_SHARED), (b, MAP_SHARED), (c, MAP_PRIVATE)):
        addr = proc.mmap(1 << 40, 96 * 4096, PROT_READ | PROT_WRITE, flags, proc.open("/data/log", O_RDWR))
        for window, who in zip(windows, users, strict=True):
            if proc in who:
                proc.load(addr + window * 65536)
    for page in range(rng.randint(2, 5)):
        c.store(addr + (windows[5] * 16 + page) * 4096, b"mine")
    board = a.open("/dev/shm/board", O_RDWR | O_CREAT)
    both, only, unmapped = rng.randint(9, 15), rng.randint(3, 8), rng.randint(1, 7)
    size = 5 + both + only + unmapped
    for page in range(size):
        a.pwrite(board, bytes(4096), page * 4096)
    for proc, first, end in ((a, 0, 5 + both), (b, 5, 5 + both + only)):
        addr = proc.mmap(0, 40 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, proc.open("/dev/shm/board", O_RDWR))
        for page in range(first, end):
            proc.store(addr + page * 4096, b"x")
    return kernel, (a, b, c)


def machine_told(rng):
    """What the kernel does on that machine: [gone, dropped, resident], in kB."""
    state = rng.getstate()
    kernel, procs = draw_machine(rng)
    resident, before = sum(rss_shmem(proc) for proc in procs), kernel.meminfo()["Cached"]
    kernel.drop_caches()
    dropped = before - kernel.meminfo()["Cached"]
    rng.setstate(state)
    kernel, (_, b, _) = draw_machine(rng)
    before = kernel.meminfo()["Mapped"]
    b.exit()
    return [before - kernel.meminfo()["Mapped"], dropped, resident]


def check_picture(work: Work):
    given = [work.value(name) for name in ("gone", "dropped", "resident")]
    equal(given, machine_told(work.rng), [
        "`gone` is another number. Which pages are in Mapped only because of B? Look at all files, its program too.",
        "`dropped` is another number. Which pages can be dropped, and got again from somewhere?",
        "`resident` is another number. Which pages count in RssShmem, and how often, if two processes map them?",
    ])  # fmt: skip


PICTURE = Part(
    "picture", "diagram", 3, "Read a ledger",
    """
The next cell draws the ledger of a machine on which A, B and C run; below the picture you have the same in words. No
page of a file is dirty. Read off three numbers, in kB, worth one point each:

- `gone`: by how much `Mapped` falls if B exits now;
- `dropped`: by how much `Cached` falls if the caches are dropped now (`kernel.drop_caches()`), while all three run;
- `resident`: what the lines `RssShmem` of A, B and C, in `/proc/PID/status`, add up to now.
""",
    setup="from mmlab.views import ledger\n\n" + text(draw_machine) + '''
kernel, procs = draw_machine(personal("ps4-picture"))
picture = ledger(kernel)
print(picture)
picture
''',
    starter="gone = ...\ndropped = ...\nresident = ...",
    solution='''
import re

gone = dropped = resident = 0
for line in str(picture).splitlines()[:-1]:
    _, pages, who, *_ = re.match(r"(.*): (\\d+) pages? \\(.*?\\), (.*): (.*)", line).groups()
    kB, mappers = 4 * int(pages), [] if who == "nobody" else who.split(", ")
    if "Mapped" in line and len(mappers) == 1 and who.startswith("B["):
        gone += kB
    if not mappers and "Shmem" not in line:
        dropped += kB
    if "Shmem" in line:
        resident += kB * len(mappers)
''',
    example='assert all(each % 4 == 0 for each in (gone, dropped, resident)), "whole pages, in kB"',
    check=check_picture,
)  # fmt: skip


# ── 3: the ledger ───────────────────────────────────────────────────────────────────────────────────────────

LINES = ("Mapped", "AnonPages", "Shmem", "Cached")
PAGES = 6


def story_drawn(rng, count):
    """So many moves of three processes on four kinds of memory."""
    kinds, mapped, size, moves = ["shared", "private", "private", "tmpfs", "anonymous"], [], PAGES, []
    while len(moves) < count:
        free = [(who, what) for who in "ABC" for what in kinds if (who, what) not in mapped]
        dice = rng.random()
        if free and (dice < 0.15 or not mapped):
            mapped.append(rng.choice(free))
            moves.append(("map", *mapped[-1]))
        elif dice < 0.22:
            moves.append(("unmap", *mapped.pop(rng.randrange(len(mapped)))))
        elif dice < 0.26 and size > 2:
            size -= rng.randint(1, 2)
            moves.append(("cut", size))
        else:
            who, what = rng.choice(mapped)
            pages = size if what in ("shared", "private") else PAGES
            moves.append((rng.choice(["load", "store"]), who, what, rng.randrange(pages)))
    return moves


def story_told(kernel, maker, moves):
    """What the kernel counts: the change of each line, in kB. The machine is then as before."""
    procs, addr = {name: maker.fork() for name in "ABC"}, {}
    book, board = full_file(maker, "/data/book", PAGES), maker.open("/dev/shm/board", O_RDWR | O_CREAT)
    maker.ftruncate(board, PAGES * PAGE_SIZE)
    before = kernel.meminfo()
    for move, *rest in moves:
        if move == "cut":
            maker.ftruncate(book, rest[0] * PAGE_SIZE)
            continue
        who, what, *page = rest
        proc, at = procs[who], addr.get((who, what), 0) + sum(page) * PAGE_SIZE
        if move == "map":
            path = "/dev/shm/board" if what == "tmpfs" else "/data/book"
            fd = -1 if what == "anonymous" else proc.open(path, O_RDWR)
            flags = {"anonymous": MAP_PRIVATE | MAP_ANONYMOUS, "private": MAP_PRIVATE}.get(what, MAP_SHARED)
            addr[who, what] = proc.mmap(0, PAGES * PAGE_SIZE, RW, flags, fd)
        elif move == "unmap":
            proc.munmap(at, PAGES * PAGE_SIZE)
        else:
            proc.store(at, b"x") if move == "store" else proc.load(at)
    after = kernel.meminfo()
    for proc in procs.values():
        proc.exit()
    for fd, path in ((book, "/data/book"), (board, "/dev/shm/board")):
        maker.close(fd)
        maker.unlink(path)
    return {name: after[name] - before[name] for name in LINES}


def check_ledger(work: Work):
    wrong, kernel = {}, Kernel(fault_around_bytes=PAGE_SIZE)
    maker = kernel.spawn("maker")
    for count in range(2, 50):
        moves = story_drawn(work.rng, count)
        expected, given = story_told(kernel, maker, moves), work.call("changes", moves)
        if not isinstance(given, dict) or set(given) != set(LINES):
            raise Wrong(f"`changes` is to return a dictionary with the keys {', '.join(LINES)}.")
        for name in LINES:
            if not whole(given[name]) or given[name] != expected[name]:
                words = f"{name}: {given[name]!r} is not the kernel's number after the moves {moves}."
                wrong.setdefault(name, words[:900])
    settle(*((1 / 4, name not in wrong, wrong.get(name, "")) for name in LINES))


LEDGER = Part(
    "ledger", "code", 4, "The ledger of a story",
    """
Three processes, `"A"`, `"B"` and `"C"`, have been started, and make moves. Write `changes(moves)`: by how many kB all
the moves together change four lines of `/proc/meminfo`. Return a dictionary with the keys `"Mapped"`, `"AnonPages"`,
`"Shmem"` and `"Cached"`; each is worth one point.

Each mapping is of six pages, 0 to 5, which may be read and written. `what` is mapped is

- `"shared"`: the book, a file of ext4, MAP_SHARED; all its six pages are in memory before the first move;
- `"private"`: the same book, MAP_PRIVATE;
- `"tmpfs"`: a file of tmpfs, MAP_SHARED; it has its size of six pages, and nothing has been written to it;
- `"anonymous"`: MAP_PRIVATE | MAP_ANONYMOUS.

`moves` is a list of these tuples, in order:

- `("map", who, what)`: a mapping as above, of a process that has none of this kind at that moment;
- `("load", who, what, n)` and `("store", who, what, n)`: one byte of page `n` of that mapping;
- `("unmap", who, what)`;
- `("cut", n)`: the book is cut to its first `n` pages. Nobody accesses pages of the book past its end.

On this machine `fault_around_bytes` is 4096, so a fault maps its own page and no other. Nothing else runs, and
nothing is reclaimed.
""",
    starter="def changes(moves):\n    return ...",
    solution='''
def changes(moves):
    entries = {}                            # (who, what, page of the mapping) → "book", "board", "copy" or "zero"
    book, board = 6, set()                  # what is in memory: pages of the book, of the file in tmpfs
    for move, *rest in moves:
        if move == "cut":
            book = rest[0]
            entries = {at: page for at, page in entries.items()
                       if at[1] not in ("shared", "private") or at[2] < book}
        elif move == "unmap":
            entries = {at: page for at, page in entries.items() if list(at[:2]) != rest}
        elif move in ("load", "store"):
            who, what, n = rest
            if what == "tmpfs":
                board.add(n)
            if what in ("shared", "tmpfs"):
                entries[who, what, n] = "board" if what == "tmpfs" else "book"
            elif move == "store":
                entries[who, what, n] = "copy"
            else:
                entries.setdefault((who, what, n), "book" if what == "private" else "zero")
    mapped = {(page, n) for (_, _, n), page in entries.items() if page in ("book", "board")}
    copies = [page for page in entries.values() if page == "copy"]
    return {"Mapped": 4 * len(mapped), "AnonPages": 4 * len(copies), "Shmem": 4 * len(board),
            "Cached": 4 * (len(board) + book - 6)}
''',
    example='''
total = changes([("map", "A", "shared"), ("load", "A", "shared", 2), ("load", "A", "shared", 3)])
assert total["Mapped"] == 8 and total["Cached"] == 0, "A loads from two pages of the book"
total = changes([("map", "B", "anonymous"), ("store", "B", "anonymous", 0)])
assert total["Mapped"] == 0 and total["AnonPages"] == 4, "B stores in anonymous memory"
''',
    check=check_ledger,
)  # fmt: skip


# ── 4: Rss and Pss ──────────────────────────────────────────────────────────────────────────────────────────


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


def check_pss(work: Work):
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


PSS = Part(
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
    check=check_pss,
)  # fmt: skip


# ── 5: RssShmem, Shmem, and what is promised ────────────────────────────────────────────────────────────────


def draw_family(rng):
    """The numbers of a family's story."""
    return {
        "memory": rng.randint(60, 90), "stored": rng.randint(38, 55), "first": rng.randint(15, 20),
        "begin": rng.randint(6, 13), "end": rng.randint(24, 34), "segment": rng.randint(30, 50),
        "used": rng.randint(3, 9), "film": rng.randint(12, 20), "kept": rng.randint(4, 10),
    }  # fmt: skip


def family_told(memory, stored, first, begin, end, segment, used, film, kept):
    """What the kernel counts: [shmem, mapped, resident, promised], in kB."""
    kernel = Kernel(fault_around_bytes=PAGE_SIZE)
    parent, other = kernel.spawn("family"), kernel.spawn("family")
    start = kernel.meminfo()["Committed_AS"]
    other.fork()
    own = kernel.meminfo()["Committed_AS"] - start      # what such a process has promised for its own memory
    before = kernel.meminfo()
    addr = parent.mmap(0, memory * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    parent.store(addr, b"x" * stored * PAGE_SIZE)
    one, two = parent.fork(), parent.fork()
    one.load(addr, first * PAGE_SIZE)
    two.store(addr + begin * PAGE_SIZE, b"x" * (end + 1 - begin) * PAGE_SIZE)
    at = parent.shmat(parent.shmget(IPC_PRIVATE, segment * PAGE_SIZE, 0o600))
    parent.store(at, b"x" * used * PAGE_SIZE)
    parent.shmdt(at)
    fd = two.memfd_create("film")
    two.ftruncate(fd, film * PAGE_SIZE)
    two.store(two.mmap(0, film * PAGE_SIZE, RW, MAP_SHARED, fd), b"x" * kept * PAGE_SIZE)
    two.close(fd)
    parent.exit()
    shmem, mapped, promised = (kernel.meminfo()[name] - before[name] for name in ("Shmem", "Mapped", "Committed_AS"))
    return [shmem, mapped, rss_shmem(one) + rss_shmem(two), promised - own]


def check_family(work: Work):
    given = [work.value(name) for name in ("shmem", "mapped", "resident", "promised")]
    equal(given, family_told(**draw_family(work.rng)), [
        "`shmem` is another number. Which of the three memories still exist, and which of their pages exist?",
        "`mapped` is another number. What is in the page table of One, and in that of Two?",
        "`resident` is another number. What is in the page table of One, and in that of Two?",
        "`promised` is another number. Which memory is promised whole when it is made, which page by page?",
    ])  # fmt: skip


FAMILY = Part(
    "family", "predict", 4, "Shmem, Mapped, RssShmem, and what is promised",
    """
A parent and its two children use shared memory, as the next cell prints. A load or store of some pages touches every
one of them. On this machine `fault_around_bytes` is 4096: a fault maps its own page and no other. At the end the two
children still run, and nothing else uses tmpfs. Say, in kB, worth one point each:

- `shmem`: what the line `Shmem` of `/proc/meminfo` says then (it was 0 at the beginning);
- `mapped`: how much of the line `Mapped` is pages of tmpfs then;
- `resident`: what the lines `RssShmem` of the two children, in `/proc/PID/status`, add up to then;
- `promised`: how much of `Committed_AS` has been promised for the memory of tmpfs and has not been taken back.
""",
    setup=text(draw_family) + '''
drawn = draw_family(personal("ps4-family"))
print("""The parent maps {memory} pages of MAP_SHARED|MAP_ANONYMOUS memory, and stores to the first {stored} of them.
It forks two children, One and Two.
One loads from the first {first} pages. Two stores to pages {begin} to {end} (the first is page 0; {end} too).
The parent makes a System V segment of {segment} pages, attaches it, stores to its first {used} pages, detaches it.
Two makes a memfd, gives it a size of {film} pages (ftruncate), maps all of it MAP_SHARED, stores to its first {kept}
pages, and closes the descriptor.
The parent exits.""".format(**drawn))
''',
    starter="shmem = ...\nmapped = ...\nresident = ...\npromised = ...",
    solution='''
stored, used, kept = drawn["stored"], drawn["used"], drawn["kept"]
one, two = set(range(drawn["first"])), set(range(drawn["begin"], drawn["end"] + 1))
shmem = 4 * (stored + used + kept)                      # the segment outlives its maker; the memfd is mapped
mapped = 4 * (len(one | two) + kept)
resident = 4 * (len(one) + len(two) + kept)
promised = 4 * (drawn["memory"] + drawn["segment"] + kept)
''',
    example='assert all(each % 4 == 0 for each in (shmem, mapped, resident, promised)), "whole pages, in kB"',
    check=check_family,
)  # fmt: skip


# ── 6: what a line of maps says ─────────────────────────────────────────────────────────────────────────────


def lines_drawn(rng):
    """Lines of /proc/PID/maps, and how each memory was made."""
    proc, word, key = Kernel().spawn("maker"), rng.choice(["notes", "zero", "film"]), rng.randint(1, 1 << 31)
    names, found = [f"memfd:{word}", f"SYSV{key:08x}", "notes", "zero", "two words", "s"], {}

    def named(path):
        fd = proc.open(path, O_RDWR | O_CREAT)
        proc.ftruncate(fd, PAGE_SIZE)
        if rng.random() < 0.5:
            proc.unlink(path)
        return proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, fd)

    def memfd(flags):
        fd = proc.memfd_create(rng.choice([word, "/dev/zero", f"SYSV{key:08x}", ""]))
        proc.ftruncate(fd, PAGE_SIZE)
        return proc.mmap(0, PAGE_SIZE, RW, flags, fd)

    for directory in ("/data", "", "/dev/shm", "/tmp"):
        for name in rng.sample(names, 3):
            found[named(f"{directory}/{name}")] = "file"
    found[named("/dev/zero (deleted)")] = "file"
    found[memfd(MAP_SHARED)] = "memfd"
    found[memfd(MAP_PRIVATE)] = "private"
    found[proc.mmap(0, 3 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)] = "zero"
    found[proc.mmap(0, PAGE_SIZE, PROT_READ, MAP_SHARED, proc.open("/dev/zero", O_RDWR))] = "zero"
    found[proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS)] = "private"
    found[proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE, proc.open("/dev/zero", O_RDWR))] = "private"
    found[proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE, proc.open("/data/book.txt", O_RDWR))] = "private"
    found[proc.shmat(proc.shmget(rng.choice([IPC_PRIVATE, key]), PAGE_SIZE, IPC_CREAT | 0o600))] = "sysv"
    lines = {int(line.split("-")[0], 16): line for line in str(proc.maps()).splitlines()}
    return [(lines[addr], how) for addr, how in found.items()]


HOW = ("private", "file", "memfd", "sysv", "zero")


def check_made(work: Work):
    right, wrong = set(HOW), ""
    for _ in range(4):
        for line, how in lines_drawn(work.rng):
            given = work.call("made_by", line)
            if given != how:
                wrong = wrong or f"{given!r} is wrong for the line\n{line}"[:400]
                right -= {how, given if isinstance(given, str) else how}
    if wrong:
        raise Wrong(wrong, 0.5 if len(right) >= 3 else 0)


MADE = Part(
    "made", "code", 2, "What a line of maps tells",
    """
Write `made_by(line)`: how was this memory made? `line` is a line of `/proc/PID/maps` of a process on our machine.
Return

- `"private"`: private memory, whatever it is a mapping of;
- `"zero"`: shared memory, by `MAP_ANONYMOUS` or by mapping `/dev/zero`;
- `"memfd"`: shared memory, by `memfd_create`;
- `"sysv"`: shared memory, by `shmget`;
- `"file"`: shared memory, by opening a file that has, or had, a name in some directory.

Anybody may choose names that mislead, for a file as well as for a memfd. (Directories on this machine are on the
disk, or in a tmpfs that is mounted.) If you mix up only two of the five you have one point.
""",
    starter="def made_by(line):\n    return ...",
    solution='''
def made_by(line):
    addresses, perms, offset, device, inode, *name = line.split(maxsplit=5)
    if "s" not in perms:
        return "private"
    if device != "00:01":                   # the tmpfs that is mounted nowhere
        return "file"
    if name[0].startswith("/memfd:"):
        return "memfd"
    return "sysv" if name[0].startswith("/SYSV") else "zero"
''',
    example='''
line = "7ffff7de5000-7ffff7de6000 rw-s 00000000 00:01 3                          /memfd:notes (deleted)"
assert str.strip(made_by(line)) == "memfd", line
line = "7ffff7de2000-7ffff7de3000 rw-s 00000000 fe:00 11                         /data/notes"
assert made_by(line) == "file", line
''',
    check=check_made,
)  # fmt: skip


# ── 7: System V segments ────────────────────────────────────────────────────────────────────────────────────


def calls_drawn(rng, kinds, count):
    """So many calls of some processes on some segments; some are refused."""
    alive, children, attachments, calls = ["A", "B"], iter("CDEFGH"), [], [("shmget", "A", rng.choice([0, 7]))]
    while len(calls) < count:
        kind, who = rng.choice([*kinds, "shmget", "shmat", "shmat", "shmdt", "shmdt"]), rng.choice(alive)
        n = rng.choice([0, 0, 0, 1, 1, 2])
        if kind == "shmget":
            calls.append(("shmget", who, rng.choice([0, 0, 7, 7, 7, 9])))
        elif kind == "fork":
            if child := next(children, None):
                calls.append(("fork", who, child))
                alive.append(child)
                attachments += [(child, n) for owner, n in attachments if owner == who]
        elif kind == "exit":
            if len(alive) > 1 and rng.random() < 0.5:
                calls.append(("exit", who))
                alive.remove(who)
                attachments = [each for each in attachments if each[0] != who]
        elif kind == "shmdt" and attachments and rng.random() < 0.8:
            calls.append(("shmdt", *attachments.pop(rng.randrange(len(attachments)))))
        elif kind == "rmid" and attachments:
            n = rng.choice(attachments)[1]
            calls += [("rmid", who, n), rng.choice([("shmat", who, n), ("shmget", who, 7)])]
            attachments += [(who, n)] * (calls[-1][0] == "shmat")
        else:
            calls.append((kind, who, n))
            attachments += [(who, n)] * (kind == "shmat")
    return calls


def segments_told(watcher, calls):
    """What the kernel gives: for shmget the segment, for each other call how often each segment is attached then.

    The machine is then as before.
    """
    ids, told, procs, places = [], [], {name: watcher.fork() for name in "AB"}, {"A": {}, "B": {}}
    for call, who, what in (each if len(each) == 3 else (*each, None) for each in calls):
        proc = procs[who]
        with suppress(OSError):
            match call:
                case "shmget":
                    id = proc.shmget(what, PAGE_SIZE, IPC_CREAT | 0o600)
                    ids += [id] * (id not in ids)
                    told.append(ids.index(id))
                case "shmat":
                    places[who].setdefault(what, []).append(proc.shmat(number(ids, what)))
                case "shmdt":
                    proc.shmdt((places[who].get(what) or [HOME]).pop())
                case "rmid":
                    proc.shmctl(number(ids, what), IPC_RMID)
                case "fork":
                    procs[what] = proc.fork()
                    places[what] = {n: list(each) for n, each in places[who].items()}
                case "exit":
                    proc.exit()
        if call != "shmget":
            told.append({n: count for n in range(len(ids)) if (count := attached(watcher, ids[n])) is not None})
    for id in ids:
        with suppress(OSError):
            watcher.shmctl(id, IPC_RMID)
    for proc in procs.values():
        with suppress(OSError):
            proc.exit()
    return told


def number(ids, n):
    """The segment's number; if there never was a segment n, one that no segment has."""
    return ids[n] if n < len(ids) else 1 << 20


def attached(proc, id):
    """How often a segment is attached; None if it is gone."""
    with suppress(OSError):
        return proc.shmctl(id, IPC_STAT).shm_nattch
    return None


def check_segments(work: Work):
    claims, watcher = [], Kernel().spawn("watcher")
    removing = ["rmid", "rmid", "shmdt", "shmdt", "exit"]
    for share, kinds in ((0.25, []), (0.25, ["fork", "fork", "exit"]), (0.5, removing)):
        wrong = ""
        for count in range(3, 28):
            calls = calls_drawn(work.rng, kinds, count)
            given, expected = work.call("segments", calls), segments_told(watcher, calls)
            if given != expected:
                at = differs(given, expected)
                wrong = wrong or f"The last of these calls gives something else on Linux: {calls[: at + 1]}"[:900]
        claims.append((share, not wrong, wrong))
    settle(*claims)


def differs(given, expected):
    """The first place where two lists differ."""
    if not isinstance(given, list | tuple):
        return 0
    return next((at for at, (a, b) in enumerate(zip(given, expected, strict=False)) if a != b), len(expected) - 1)


SEGMENTS = Part(
    "segments", "code", 4, "The life of a System V segment",
    """
Write `segments(calls)`, which follows the System V segments of a machine. At the beginning there are none, and
processes `"A"` and `"B"` run. The segments are numbered 0, 1, 2 … in the order in which they are made, and no number
is used twice. `calls` is a list of these tuples, in order:

- `("shmget", who, key)`: with IPC_CREAT, and always of one page; key 0 is IPC_PRIVATE;
- `("shmat", who, n)`: `who` attaches segment `n`, at an address of its own each time;
- `("shmdt", who, n)`: `who` detaches segment `n`, once: the attachment that was made last;
- `("rmid", who, n)`: `shmctl(n, IPC_RMID)`;
- `("fork", who, child)`: `child` is the name of a new process;
- `("exit", who)`.

Some calls are refused (by EINVAL, since there is no such segment, or it is not attached); these change nothing.
Return a list with what each call gives: for `"shmget"` the number of the segment, and for each other call, refused or
not, a dictionary: number of a segment → its `shm_nattch`, of all the segments that exist after the call.

Calls without `rmid`, `fork` and `exit` are worth one point, those with `fork` and `exit` another, those with `rmid` and
`exit` two.
""",
    starter="def segments(calls):\n    return ...",
    solution='''
def segments(calls):
    attached, nattch, keys, removed, given, made = {"A": [], "B": []}, {}, {}, set(), [], 0

    def detach(n):
        nattch[n] -= 1
        if n in removed and not nattch[n]:
            del nattch[n]

    for call, who, *what in calls:
        what = what[0] if what else None
        if call == "shmget":
            if what not in keys:
                nattch[made] = 0
                if what:
                    keys[what] = made
                number, made = made, made + 1
            else:
                number = keys[what]
            given.append(number)
            continue
        if call == "shmat" and what in nattch:
            attached[who].append(what)
            nattch[what] += 1
        elif call == "shmdt" and what in attached[who]:
            attached[who].remove(what)
            detach(what)
        elif call == "rmid" and what in nattch:
            removed.add(what)
            keys = {key: n for key, n in keys.items() if n != what}
            if not nattch[what]:
                del nattch[what]
        elif call == "fork":
            attached[what] = list(attached[who])
            for n in attached[who]:
                nattch[n] += 1
        elif call == "exit":
            for n in attached.pop(who):
                detach(n)
        given.append(dict(nattch))
    return given
''',
    example='''
calls = [("shmget", "A", 7), ("shmget", "B", 7), ("shmget", "B", 0), ("shmat", "A", 0), ("shmat", "B", 0)]
assert list(segments(calls)) == [0, 0, 1, {0: 1, 1: 0}, {0: 2, 1: 0}], "two processes, one key"
''',
    check=check_segments,
)  # fmt: skip


# ── 8: a memfd for a stranger ───────────────────────────────────────────────────────────────────────────────

RUN_PUBLISH = '''
from mmlab.coursework.programs import MEMORY, Recorder
calls = []
proc = Recorder(Kernel(mem=MEMORY), calls, []).spawn("producer")
result = [publish(proc, words), calls]
'''
PUBLISHING = {"spawn", "memfd_create", "fcntl", "ftruncate", "fallocate", "fstat", "lseek", "write", "pwrite", "read",
              "pread", "mmap", "munmap", "mprotect", "msync", "load", "store", "memcpy", "close", "dup"}  # fmt: skip


def attack(proc, fd):
    """Do to a file, by a descriptor and by all mappings, what could shrink or change it."""
    size = proc.fstat(fd).st_size
    tries = [
        (proc.pwrite, fd, b"!", 0),
        (proc.fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_SIZE),
        (proc.ftruncate, fd, size + 1),
        (proc.ftruncate, fd, max(size - 1, 0)),
    ]
    with suppress(OSError):
        proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, fd)
    for vma in list(vmas(proc.task.mm)):
        if vma.vm_file and vma.vm_file.f_mapping is proc.task.files[fd].f_mapping:
            with suppress(OSError):
                proc.mprotect(vma.vm_start, vma.vm_end - vma.vm_start, RW)
            tries.insert(0, (proc.store, vma.vm_start, b"!"))
    for call, *arguments in tries:
        with suppress(*REFUSALS):
            call(*arguments)


def check_publish(work: Work):
    same = long = True
    for case in range(6):
        words = work.rng.randbytes([1, PAGE_SIZE, work.rng.randint(2, 3 * PAGE_SIZE)][case % 3]).replace(b"!", b"?")
        fd, calls = work.probe(RUN_PUBLISH, words=words)
        strange = {name for _, name, _, _ in calls} - PUBLISHING
        if strange:
            raise Wrong(f"`{sorted(strange)[0]}` is not one of the calls that `publish` may make.")
        kernel = Kernel(mem=MEMORY)
        for _ in replay(kernel, calls):
            pass
        proc = Process(next(iter(kernel.machine.tasks.values())))
        if not whole(fd) or fd not in proc.task.files or fd < 3:
            raise Wrong("`publish` is to return the descriptor of the file, still open.")
        if proc.fstat(fd).st_size != len(words) or proc.pread(fd, len(words) + 1, 0) != words:
            raise Wrong(f"For {len(words)} bytes, the file does not hold these bytes and no others.")
        attack(proc, fd)
        long = long and proc.fstat(fd).st_size == len(words)
        same = same and proc.pread(fd, len(words), 0)[: proc.fstat(fd).st_size] == words[: proc.fstat(fd).st_size]
    settle((1 / 3, True, ""), (1 / 3, long, "After `publish` has returned, the file can be made smaller, or larger."),
           (1 / 3, same, "After `publish` has returned, a byte of the file can be changed."))  # fmt: skip


PUBLISH = Part(
    "publish", "code", 3, "A file for a stranger",
    """
Write `publish(proc, words)`. `proc` is a `Process`; `words` is `bytes`, at least one, at most some pages. Make a
memfd that holds these bytes and no others, and return its descriptor, open. A stranger will get it, and map and read
it whenever it likes. So from the moment when `publish` returns nobody, not even `proc` itself, must be able

- to make the file smaller or larger (one point);
- to change a byte of it (one point).

The third point is for the contents. The contents must be right for the other two to count. `publish` may call of `proc`
whatever has to do with memory and files, but it cannot open files by their names, fork or exit.
""",
    starter="def publish(proc, words):\n    return ...",
    solution='''
def publish(proc, words):
    fd = proc.memfd_create("words", MFD_ALLOW_SEALING)
    proc.write(fd, words)
    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
    return fd
''',
    example='''
proc = Kernel().spawn("me")
fd = publish(proc, b"some words")
assert fd > 2, "`publish` returns a descriptor"
assert proc.pread(fd, 20, 0) == b"some words", "these words are to be in the file"
assert proc.fcntl(fd, F_GET_SEALS), "the file has no seals"
''',
    check=check_publish,
)  # fmt: skip


# ── 9: a copy program ───────────────────────────────────────────────────────────────────────────────────────


def prepared(kernel, size, disk_size):
    """Put a file and a disk of so many bytes on a machine: /data/source and /dev/vdb."""
    proc = kernel.spawn("shell")
    fd = proc.open("/data/source", O_RDWR | O_CREAT)
    proc.pwrite(fd, random.Random(size).randbytes(size), 0)
    add_disk(path_lookup(kernel.machine.root, "/dev", "boot"), "vdb", (254, 16), disk_size)
    proc.pwrite(proc.open("/dev/vdb", O_RDWR), random.Random(disk_size).randbytes(disk_size), 0)
    return proc


RUN_COPY = """
import random
from mmlab.coursework.programs import MEMORY, record
from mmlab.fs.block_dev import add_disk
from mmlab.fs.namei import path_lookup

""" + text(prepared) + """
given = []
def program(machine):
    given.append(copy(machine.spawn("copy"), source, "/data/target", limit))

kernel = Kernel(mem=MEMORY)
prepared(kernel, size, disk_size)
calls = record(program, kernel=kernel)
result = ... if given == [...] else calls
"""
COPYING = {"spawn", "open", "close", "fstat", "lseek", "ftruncate", "mmap", "munmap", "memcpy", "load", "store",
           "madvise", "msync", "fsync"}  # fmt: skip


def copied(calls, source, size, disk_size):
    """Make the calls of a copy program again; tell (is it a copy, how far did Mapped rise, and what stayed), in kB."""
    kernel = Kernel(mem=MEMORY)
    shell, mapped = prepared(kernel, size, disk_size), []
    for _ in replay(kernel, calls):
        mapped.append(kernel.meminfo()["Mapped"])
    data = random.Random(size if source == "/data/source" else disk_size)
    length = size if source == "/data/source" else disk_size
    target = shell.open("/data/target", O_RDWR | O_CREAT)
    return shell.pread(target, length + 1, 0) == data.randbytes(length), max(mapped) - mapped[0], mapped[-1] - mapped[0]


def check_copy(work: Work):
    rng, right, wrong = work.rng, {"/data/source": True, "/dev/vdb": True}, ""
    for case in range(8):
        source = ["/data/source", "/dev/vdb"][case % 2]
        size, disk_size = rng.randint(1, 48 * PAGE_SIZE), 512 * rng.randint(1, 320)
        limit = 8 * rng.randint(1, 6)
        calls = work.probe(RUN_COPY, source=source, size=size, disk_size=disk_size, limit=limit)
        strange = {name for _, name, _, _ in calls} - COPYING
        if strange:
            raise Wrong(f"`{sorted(strange)[0]}` is not one of the calls that the program may make.")
        same, most, left = copied(calls, source, size, disk_size)
        right[source] = right[source] and same
        if same and (most > limit or left):
            wrong = wrong or f"With limit = {limit}, Mapped rises by up to {most} kB, and in the end by {left} kB."
    small = not wrong and right["/data/source"]
    settle((1 / 3, right["/data/source"], "Afterwards /data/target is not equal to the file /data/source."),
           (1 / 3, right["/dev/vdb"], "Afterwards /data/target is not equal to the disk /dev/vdb."),
           (1 / 3, small, wrong or "Mapped does not count before files are copied right."))  # fmt: skip


COPY = Part(
    "copy", "code", 3, "Copy a file or a disk, and stay small in Mapped",
    """
Write `copy(proc, source, target, limit)`: a program that copies `source` to `target` (two paths) through mappings.
`proc` is a `Process`. `target` is a file of ext4, which does not exist yet.

- One point: `source` is a regular file; afterwards `target` is equal to it, in bytes and in size.
- One point: the same if `source` is a disk, such as `/dev/vda`.
- One point: as long as `copy` runs, the line `Mapped` of `/proc/meminfo` is at no moment more than `limit` **kB**
  above what it was before, and in the end it is as before. `limit` is a multiple of 8, and 8 at least.
  `fault_around_bytes` is 65536. (This counts if regular files are copied right.)

The program may call `open`, `close`, `fstat`, `lseek`, `ftruncate`, `mmap`, `munmap`, `memcpy`, `load`, `store`,
`madvise`, `msync` and `fsync` of `proc`, and nothing else of the machine. The calls that it makes are made again on
another machine, and judged there.
""",
    starter="def copy(proc, source, target, limit):\n    return ...",
    solution='''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT)
    size, step = proc.lseek(src, 0, SEEK_END), limit // 8 * 4096
    proc.ftruncate(dst, size)
    for at in range(0, size, step):
        n = min(step, size - at)
        a = proc.mmap(0, n, PROT_READ, MAP_SHARED, src, at)
        b = proc.mmap(0, n, PROT_READ | PROT_WRITE, MAP_SHARED, dst, at)
        proc.memcpy(b, a, n)
        proc.munmap(a, n)
        proc.munmap(b, n)
    proc.close(src)
    proc.close(dst)
''',
    example='''
kernel = Kernel()
proc = kernel.spawn("me")
before = kernel.meminfo()["Mapped"]
assert copy(proc, "/data/book.txt", "/data/copy.txt", 16) is not ..., "not answered"
texts = [proc.pread(proc.open(path, O_RDWR | O_CREAT), 20000, 0) for path in ("/data/book.txt", "/data/copy.txt")]
assert texts[0] == texts[1], "the copy of /data/book.txt is not equal to it"
assert kernel.meminfo()["Mapped"] == before, "Mapped is not as before"
''',
    check=check_copy,
)  # fmt: skip


# ── 10: a bug ───────────────────────────────────────────────────────────────────────────────────────────────

CLAIMS = [  # in the order of the bugs' names, which are the mutants'
    "A store to a private page that was loaded before makes a copy, but the file's page stays in Mapped.",
    "Each entry of a page table counts in Mapped when it is made, even if others lead to the same page already.",
    "fork copies the entries of shared mappings, too: the child need not fault for them.",
    "Of several entries that lead to a page, the last two to go each take the page out of Mapped.",
    "A System V segment goes with its last detach, although nobody has removed it.",
    "A System V segment that has been removed, and is still attached, is still found by its key.",
    "A memfd that is sealed with F_SEAL_SHRINK can be made smaller.",
    "The pages of tmpfs count in RssFile, and not in RssShmem and Shmem.",
]
NAMES = ["copy", "entries", "fork", "last", "nattch", "removed", "shrink", "tmpfs"]


def check_bug(work: Work):
    bug = drawn_bug("ps4-bug", work.rng)
    letters = draw_claims(work.rng, CLAIMS)
    named = letters.get(work.value("bug", str)) == CLAIMS[NAMES.index(bug)]
    differs = witnessed(work, "ps4-bug", bug, most=15)
    settle((0.5, named, "The claim that is true of your machine is another."),
           (0.5, differs, "All calls of the witness give the same on both machines."))  # fmt: skip


BUG = Part(
    "bug", "bug", 4, "A kernel that counts wrong",
    """
`machine` is a machine like those that `Kernel()` gives, but its kernel has **one bug**. The next cell prints eight
claims; one of them is true of this machine (and none of an honest kernel). Try things on `machine` and on `Kernel()`,
and compare. For an unused machine with the same bug call `new_machine()`.

- Two points: set `bug` to the letter of the claim, `"A"` to `"H"`.
- Two points: write `witness(kernel)`, a program of at most 15 calls, from `kernel.spawn` on, whose calls give
  something else on this machine than on an honest one: another value, or an error or a signal for one and not for the
  other. What counts are the calls of `kernel` (`spawn`, `drop_caches`, `meminfo`, `vmstat`) and of its processes
  (those on files, on memory and on System V segments, `pagemap`, `fincore`, `getrusage`, `maps`, `smaps`, `fork`,
  `exit`). Whether `witness` returns anything does not matter, and it need not compare anything.
""",
    setup="from mmlab.coursework.checks import draw_claims\nfrom mmlab.coursework.mutants import mutant\n"
          + "from mmlab.coursework.programs import record, replay\n\nCLAIMS = [\n"
          + "".join(f'    "{claim}",\n' for claim in CLAIMS) + ''']

def new_machine():
    return mutant("ps4-bug", personal("ps4-bug"))

rng = personal("ps4-bug")
machine = mutant("ps4-bug", rng)
claims = draw_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{letter}: {claim}")
''',
    starter='bug = ...                # a letter\n\ndef witness(kernel):\n    proc = kernel.spawn("witness")\n    ...',
    solution='''
RW = PROT_READ | PROT_WRITE

def book(proc, flags):
    return proc.mmap(0, 5 * 4096, RW, flags, proc.open("/data/book.txt", O_RDWR))

def show_copy(kernel):
    proc = kernel.spawn("witness")
    addr = book(proc, MAP_PRIVATE)
    proc.load(addr)
    before = kernel.meminfo()["Mapped"]
    proc.store(addr, b"X")
    return kernel.meminfo()["Mapped"] - before

def show_entries(kernel):
    one, two = kernel.spawn("one"), kernel.spawn("two")
    one.load(book(one, MAP_SHARED))
    addr, before = book(two, MAP_SHARED), kernel.meminfo()["Mapped"]
    two.load(addr)
    return kernel.meminfo()["Mapped"] - before

def show_fork(kernel):
    proc = kernel.spawn("witness")
    addr = book(proc, MAP_SHARED)
    proc.load(addr)
    return proc.fork().pagemap(addr).present

def show_last(kernel):
    one, two = kernel.spawn("one"), kernel.spawn("two")
    for proc in (one, two):
        addr = book(proc, MAP_SHARED)
        proc.load(addr)
    before = kernel.meminfo()["Mapped"]
    two.munmap(addr, 4096)
    return kernel.meminfo()["Mapped"] - before

def show_nattch(kernel):
    proc = kernel.spawn("witness")
    id = proc.shmget(7, 4096, IPC_CREAT | 0o600)
    proc.shmdt(proc.shmat(id))
    return proc.shmctl(id, IPC_STAT).shm_nattch

def show_removed(kernel):
    proc = kernel.spawn("witness")
    id = proc.shmget(7, 4096, IPC_CREAT | 0o600)
    proc.shmat(id)
    proc.shmctl(id, IPC_RMID)
    return proc.shmget(7, 4096, IPC_CREAT | 0o600)

def show_shrink(kernel):
    proc = kernel.spawn("witness")
    fd = proc.memfd_create("notes", MFD_ALLOW_SEALING)
    proc.ftruncate(fd, 8192)
    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)
    return proc.ftruncate(fd, 4096)

def show_tmpfs(kernel):
    proc = kernel.spawn("witness")
    proc.store(proc.mmap(0, 4096, RW, MAP_SHARED | MAP_ANONYMOUS), b"X")
    return kernel.meminfo()["Shmem"]

def outcome(program, kernel):
    try:
        return program(kernel)
    except OSError as error:
        return error.errno

shows = [show_copy, show_entries, show_fork, show_last, show_nattch, show_removed, show_shrink, show_tmpfs]
tries = dict(zip(CLAIMS, shows, strict=True))
telling = [letter for letter, claim in claims.items()
           if outcome(tries[claim], Kernel()) != outcome(tries[claim], new_machine())]
(bug,) = telling
witness = tries[claims[bug]]
''',
    example='''
assert bug in list("ABCDEFGH"), "`bug` is not a letter from A to H yet"
calls = record(witness)
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "no call of witness gives another value"
''',
    check=check_bug,
)  # fmt: skip


PROBLEMS = ProblemSet(
    "ps4_shared_memory", "Problem set 4: who counts a page, and two kinds of shared memory",
    ["08_mapped_experiments", "09_shared_memory"],
    "Where a page is counted, once or many times; which file holds shared memory, and when it goes.",
    [STEPS, PICTURE, LEDGER, PSS, FAMILY, MADE, SEGMENTS, PUBLISH, COPY, BUG],
)  # fmt: skip
