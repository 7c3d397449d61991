"""How each event of a story changes the counters of memory."""

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDWR, PAGE_SIZE, Kernel
from mmlab.coursework.checks import RW, full_file, settle, whole
from mmlab.coursework.problem import Part, Work, Wrong

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


def check(work: Work):
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


PART = Part(
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
    check=check,
)  # fmt: skip
