"""How many minor faults a row of loads and stores takes, in four kinds of memory."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, RW, full_file, settle, whole
from mmlab.coursework.problem import Part, Work

from .common import shortest

KINDS = {
    "anonymous": (None, MAP_PRIVATE | MAP_ANONYMOUS), "private": ("/data/file", MAP_PRIVATE),
    "shared": ("/data/file", MAP_SHARED), "tmpfs": ("/dev/shm/file", MAP_SHARED),
}  # fmt: skip


def accesses_drawn(rng, count):
    """A size in pages, and accesses to them: some again and again, some near each other."""
    pages = rng.randint(20, 60)
    near = [rng.randrange(pages) for _ in range(3)]
    some = (rng.choice([rng.randrange(pages), min(pages - 1, rng.choice(near) + rng.randint(0, 3))])
            for _ in range(count))  # fmt: skip
    return pages, [(rng.choice(["load", "store", "store"]), page) for page in some]


def faults_of(proc, kind, pages, accesses):
    """What the kernel counts."""
    path, flags = KINDS[kind]
    fd = full_file(proc, path, pages) if path else -1
    addr = proc.mmap(HOME, pages * PAGE_SIZE, RW, flags | MAP_FIXED, fd)
    before = proc.getrusage().ru_minflt
    for access, page in accesses:
        proc.store(addr + page * PAGE_SIZE, b"x") if access == "store" else proc.load(addr + page * PAGE_SIZE)
    faults = proc.getrusage().ru_minflt - before
    proc.munmap(addr, pages * PAGE_SIZE)
    if path:
        proc.ftruncate(fd, 0)
        proc.close(fd)
    return faults


def check(work: Work):
    words, proc = {}, Kernel().spawn("student")

    def wrong(kind, pages, accesses):
        given = work.call("count_faults", kind, pages, accesses)
        return not whole(given) or given != faults_of(proc, kind, pages, accesses)

    for count in range(2, 42, 2):
        pages, accesses = accesses_drawn(work.rng, count)
        for kind in KINDS:
            if kind not in words and wrong(kind, pages, accesses):
                some = shortest(accesses, lambda some, kind=kind, pages=pages: wrong(kind, pages, some))
                given, way = work.call("count_faults", kind, pages, some), ", ".join(f"{what} {n}" for what, n in some)
                words[kind] = f"{kind!r}, {pages} pages: {way} do not take {given!r} faults."
    settle(*((1 / 4, kind not in words, words.get(kind, "")) for kind in KINDS))


PART = Part(
    "count", "code", 4, "Count the faults of a program",
    """
Write `count_faults(kind, pages, accesses)`: the number of page faults that a program takes. It has one mapping of
`pages` pages, which may be read and written, begins at a multiple of 2 MiB and has not been used yet. `accesses` is a
list of `("load", n)` and `("store", n)`, one byte of page `n` of the mapping each, in the order in which the program
makes them. `kind` says what is mapped:

- `"anonymous"`: private anonymous memory
- `"private"`: a file of ext4, MAP_PRIVATE
- `"shared"`: a file of ext4, MAP_SHARED
- `"tmpfs"`: a file of tmpfs, MAP_SHARED

The file has `pages` pages, and all of them are in memory. Each kind is worth one point.
""",
    starter="def count_faults(kind, pages, accesses):\n    ...",
    solution='''
def count_faults(kind, pages, accesses):
    entries, faults = {}, 0                 # page → whether its entry may be written
    for access, page in accesses:
        if page in entries and (access == "load" or entries[page]):
            continue
        faults += 1
        if access == "store":
            entries[page] = True
        elif kind == "anonymous":
            entries[page] = False           # the zero page
        else:
            first = page // 16 * 16
            for near in range(first, min(first + 16, pages)):
                entries.setdefault(near, kind == "tmpfs")
    return faults
''',
    example='''
assert count_faults("anonymous", 20, [("load", 3), ("load", 3), ("load", 4)]) == 2, "two loads of page 3, one of page 4"
assert count_faults("shared", 20, [("load", 3), ("load", 4), ("load", 17)]) == 2, "loads of a file"
assert count_faults("tmpfs", 20, [("store", 3), ("store", 4)]) == 2, "two stores"
''',
    check=check,
)  # fmt: skip
