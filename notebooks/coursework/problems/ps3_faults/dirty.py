"""Which pages are dirty, how many were written and how many stores faulted."""

from mmlab import MAP_SHARED, MS_ASYNC, MS_SYNC, O_RDWR, PAGE_SIZE, Kernel
from mmlab.coursework.checks import RW, full_file, listed, settle
from mmlab.coursework.problem import Part, Work

from .common import minor, shortest


def moves_drawn(rng, count):
    """Moves of two processes on a file of four pages; one of them may be killed at last."""
    moves, alive = [], ["A", "B"]
    for number in range(count):
        if number == count * 2 // 3 and rng.random() < 0.7:
            moves.append(("exit", alive.pop(rng.randrange(2))))
        first = rng.randrange(4)
        span = first, rng.randint(1, 4 - first)
        moves.append(rng.choice([
            *(("store", rng.choice(alive), first) for _ in range(4)), ("write", first),
            ("MS_SYNC", rng.choice(alive), *span), ("MS_SYNC", rng.choice(alive), *span),
            ("MS_ASYNC", rng.choice(alive), *span), ("fsync",),
        ]))  # fmt: skip
    return moves


def dirty_told(kernel, procs, moves):
    """What the kernel counts: (faults, dirty, written). `procs` are by name, and as new where one is dead."""
    for name in ("other", "A", "B"):
        if name not in procs or procs[name].exit_code is not None:
            procs[name] = kernel.spawn(name)
    other, addr, faults, written = procs["other"], {}, 0, 0
    fd = full_file(other, "/data/file", 4)
    other.fsync(fd)
    for name in "AB":
        addr[name] = procs[name].mmap(0, 4 * PAGE_SIZE, RW, MAP_SHARED, procs[name].open("/data/file", O_RDWR))
        procs[name].load(addr[name])
    for what, *arguments in moves:
        before = kernel.vmstat()["nr_dirty"]
        match what, arguments:
            case "store", [who, page]:
                faults += minor(procs[who], procs[who].store, addr[who] + page * PAGE_SIZE, b"x")
            case "write", [page]:
                other.pwrite(fd, b"y", page * PAGE_SIZE)
            case "fsync", []:
                other.fsync(fd)
            case "exit", [who]:
                procs[who].exit()
                del addr[who]
            case _, [who, first, count]:
                flags = {"MS_SYNC": MS_SYNC, "MS_ASYNC": MS_ASYNC}[what]
                procs[who].msync(addr[who] + first * PAGE_SIZE, count * PAGE_SIZE, flags)
        written += max(0, before - kernel.vmstat()["nr_dirty"])
    dirty = dirty_pages(other, fd, kernel)
    for name, at in addr.items():
        procs[name].munmap(at, 4 * PAGE_SIZE)
    return [faults, dirty, written]


def dirty_pages(proc, fd, kernel):
    """The pages that a write-back of each page alone makes clean."""
    addr, found = proc.mmap(0, 4 * PAGE_SIZE, RW, MAP_SHARED, fd), []
    for page in range(4):
        before = kernel.vmstat()["nr_dirty"]
        proc.msync(addr + page * PAGE_SIZE, PAGE_SIZE, MS_SYNC)
        found += [page] * (before - kernel.vmstat()["nr_dirty"])
    proc.munmap(addr, 4 * PAGE_SIZE)
    return found


ASKED = {
    "the number of faults": "From when on, and until when, may a process store to a page without a fault?",
    "the pages that are dirty": "What makes a page dirty, and what alone makes it clean?",
    "the number of pages written": "Which of the moves write, and which pages?",
}


def check(work: Work):
    words, kernel, procs = {}, Kernel(), {}

    def wrong(moves):
        """What of the answer is wrong, and what it says."""
        given = listed(work.call("track", moves), 3, "`track` is to return three things.")
        three = zip(ASKED, given, dirty_told(kernel, procs, moves), strict=True)
        return {what: ours for what, ours, theirs in three if repr(ours) != repr(theirs)}

    for count in range(2, 50, 2):
        moves = moves_drawn(work.rng, count)
        for what in set(wrong(moves)) - set(words):
            some = shortest(moves, lambda some, what=what: what in wrong(some))
            words[what] = f"After {some} {what}: not {wrong(some)[what]!r}. {ASKED[what]}"[:1000]
    settle(*((1 / 3, what not in words, words.get(what, "")) for what in ASKED))


PART = Part(
    "dirty", "code", 3, "Dirty tracking",
    """
A file of four pages on ext4, all of them in memory and clean, is mapped by A and by B, both MAP_SHARED and both from
page 0 to page 3. Both have loaded all four pages already. Write `track(moves)`. `moves` is a list of what then
happens, in order:

- `("store", who, n)`: `who`, `"A"` or `"B"`, stores to page `n` of its mapping;
- `("write", n)`: some other process calls `write` on page `n` of the file;
- `("MS_SYNC", who, first, count)`, `("MS_ASYNC", who, first, count)`: `who` calls `msync`, with this flag, on `count`
  pages of its mapping from page `first` on;
- `("fsync",)`: some other process calls `fsync` on the file;
- `("exit", who)`: `who` is killed.

The kernel writes nothing to the disk of its own accord. Return three things, worth one point each: the number of page
faults that the stores take; the list of the pages that are dirty at the end, in order; and the number of pages that
were written to the disk (a page that is written twice counts twice).
""",
    starter="def track(moves):\n    faults, dirty, written = 0, [], 0\n    ...\n    return faults, dirty, written",
    solution='''
def track(moves):
    writable, dirty, faults, written = set(), set(), 0, 0
    for what, *rest in moves:
        if what == "store":
            who, page = rest
            if (who, page) not in writable:
                faults += 1                 # page_mkwrite hears of it
                writable.add((who, page))
                dirty.add(page)
        elif what == "write":
            dirty.add(rest[0])
        elif what in ("MS_SYNC", "fsync"):
            first, count = rest[1:] or (0, 4)
            cleaned = dirty & set(range(first, first + count))
            written += len(cleaned)
            dirty -= cleaned
            writable -= {(who, page) for who in "AB" for page in cleaned}
    return faults, sorted(dirty), written
''',
    example='''
assert list(track([("store", "A", 2), ("store", "A", 2)])) == [1, [2], 0], "two stores to one page"
assert list(track([("write", 3), ("fsync",)])) == [0, [], 1], "a write, and fsync"
''',
    check=check,
)  # fmt: skip
