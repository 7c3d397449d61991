"""Random programs: some files, and some 20 steps over them, as plain values that also JSON can hold.

A step is (process, method, arguments…): which process (modulo those alive) calls which method of Process. Addresses are
bytes from the start of the arena, 64 pages far from everything else; in some programs page 1000 is where the heap
begins, and page 2000 is 64 pages below the highest free address. A negative address is an absolute one, negated.
"""

import random

import hypothesis.strategies as st

from mmlab import Process as Simulated
from mmlab.linux import Process as Real

PAGE = 4096
PAGES = 64  # of the arena
ARENA = 1 << 40
ARENAS = (ARENA, ARENA, ARENA, ARENA + 496 * PAGE)  # the last one has the end of a page table in it
HEAP, TOP = 1000, 2000  # the numbers of their first pages
STEPS = 20
KINDS = ("disk", "tmpfs", "ramfs", "memfd")
FOLDERS = {"disk": "/data", "tmpfs": "/dev/shm", "ramfs": "/ram"}

R, W, X = 1, 2, 4
SHARED, PRIVATE, FIXED, ANON, NORESERVE, POPULATE, LOCKED = 1, 2, 0x10, 0x20, 0x4000, 0x8000, 0x2000
NOREPLACE, GROWSDOWN, PROT_GROWSDOWN = 0x100000, 0x100, 0x1000000
MAYMOVE, MREMAP_FIXED, DONTUNMAP = 1, 2, 4
NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED, FREE, REMOVE = 0, 1, 2, 3, 4, 8, 9
DONTFORK, DOFORK, DONTDUMP, DODUMP, WIPEONFORK, KEEPONFORK = 10, 11, 16, 17, 18, 19
MERGEABLE, UNMERGEABLE, HUGEPAGE, NOHUGEPAGE, COLD, PAGEOUT, COLLAPSE = 12, 13, 14, 15, 20, 21, 25
POPULATE_READ, POPULATE_WRITE, DONTNEED_LOCKED = 22, 23, 24
VALIDATE, STACK = 3, 0x20000
KEEP_SIZE, PUNCH_HOLE = 1, 2
DUPFD, GETFL, ADD_SEALS, GET_SEALS = 0, 3, 1033, 1034

# which arguments are addresses, counted from the method's first
ADDRESSES = {
    "mmap": (0,), "munmap": (0,), "mprotect": (0,), "mremap": (0, 4), "madvise": (0,), "msync": (0,), "mincore": (0,),
    "mlock": (0,), "munlock": (0,), "load": (0,), "store": (0,), "memcpy": (0, 1), "sys_read": (1,), "sys_write": (1,),
    "shmat": (1,), "shmdt": (0,), "brk": (0,),
}  # fmt: skip


class Dice:
    """Where a program's choices come from: `below(n)` gives a number from 0 to n − 1; small ones are simpler.

    `places`: the first pages of what the program uses besides the arena. `files`: whether it maps files.
    """

    def __init__(self, below, places=(), files=True):
        self.below, self.places, self.files = below, places, files

    def pick(self, *choices):
        return choices[self.below(len(choices))]

    def one_in(self, n):
        return self.below(n) == n - 1


def page(dice):
    """A page of the arena, mostly of its first half: so that steps meet what earlier steps made."""
    if dice.places and dice.one_in(3):
        first = dice.pick(*dice.places)
        return first + (dice.pick(0, 1, 2, 3, 5) if first == HEAP else 63 - dice.pick(0, 3, 7, 8, 12, 17, 40))
    return dice.pick(0, 8, 16, 24) + dice.pick(0, 1, 2, 3, 4, 7, 0, 9)


def span(dice):
    return dice.pick(1, 2, 1, 3, 4, 1, 8, 12)


def length(dice):
    return dice.pick(0, 1, span(dice) * PAGE + 1) if dice.one_in(30) else span(dice) * PAGE


def address(dice):
    """The start of a page, mostly."""
    return page(dice) * PAGE + (dice.pick(1, 2048) if dice.one_in(40) else 0)


def byte(dice):
    """An address within a page."""
    return page(dice) * PAGE + dice.pick(0, 99, 100, 2048, 4095)


def fd(dice):
    return dice.pick(3, 4, 3, 4, 3, 4, 5, 6)


def prot(dice):
    """Never PROT_EXEC alone: protection keys make that a thing of its own."""
    return dice.pick(R | W, R, R | W, R | W, R, 0, W, R | X, R | W | X)


def size(dice):
    """A file's size, or an offset into it."""
    return dice.pick(0, 1, 4, 8, 12, 16, 18, 22, 24) * PAGE + dice.pick(0, 0, 1, 100, 4095)


def path(dice):
    """The path of one of the two files; of neither, if its kind is another."""
    return f"{dice.pick(*FOLDERS.values())}/{dice.pick(3, 4)}"


# ── the steps ───────────────────────────────────────────────────────────────────────────────────────────────


def mmap(dice):
    flags = dice.pick(*[0 if TOP in dice.places else FIXED] * 3, FIXED, FIXED, FIXED, FIXED, FIXED, NOREPLACE, 0)
    for extra, rarity in ((POPULATE, 9), (NORESERVE, 12), (LOCKED, 25), (STACK, 40), (GROWSDOWN, 25)):
        flags |= extra if dice.one_in(rarity) else 0
    start, kind = address(dice), dice.pick(PRIVATE, PRIVATE, SHARED)
    start = start if dice.one_in(3) else start // PAGE // 8 * 8 * PAGE
    size = length(dice) if dice.one_in(3) else dice.pick(8, 16, 24, 8, 17) * PAGE
    if flags == 0 and dice.one_in(2):
        start = 0
    if not dice.files or dice.pick(True, False, False):
        return start, size, prot(dice), flags | ANON | kind, -1, 0
    kind = VALIDATE if dice.one_in(30) else dice.pick(SHARED, PRIVATE)
    offset = dice.pick(0, start // PAGE * PAGE, max(start // PAGE - 8, 0) * PAGE, dice.below(24) * PAGE)
    return start, size, prot(dice), flags | kind, fd(dice), offset + (1 if dice.one_in(60) else 0)


def mremap(dice):
    start, old, new = address(dice), length(dice), length(dice)
    how = dice.below(8)
    if how < 3:
        return start, old, new, 0, 0
    if how < 7:
        flags = MAYMOVE | MREMAP_FIXED | (DONTUNMAP if dice.one_in(5) else 0)
        return start, 0 if dice.one_in(9) else old, old if dice.pick(1, 0) else new, flags, address(dice)
    flags = dice.pick(MAYMOVE, MAYMOVE | DONTUNMAP, MREMAP_FIXED, 8)
    return start, old, old if flags & DONTUNMAP else new, flags, 0


def madvise(dice):
    """Not MADV_HUGEPAGE: it lets read-ahead bring 2 MiB of a file at once, and the simulation has no huge pages."""
    advice = dice.pick(
        DONTNEED, DONTNEED, DONTNEED, POPULATE_READ, POPULATE_WRITE, REMOVE, FREE, DONTFORK, DOFORK, WIPEONFORK,
        KEEPONFORK, RANDOM, SEQUENTIAL, NORMAL, WILLNEED, DONTDUMP, DODUMP, DONTNEED_LOCKED, 99, COLD, COLD, PAGEOUT,
        PAGEOUT, NOHUGEPAGE, NOHUGEPAGE, MERGEABLE, UNMERGEABLE, COLLAPSE,
    )  # fmt: skip
    return address(dice), length(dice), advice


def fallocate(dice):
    mode = dice.pick(PUNCH_HOLE | KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, 0, KEEP_SIZE, PUNCH_HOLE)
    return fd(dice), mode, size(dice), dice.pick(1, 2, 4, 8) * PAGE + dice.pick(0, 0, 100, -100)


def data(dice):
    """How many bytes to move: within a page, or across its end."""
    return dice.pick(1, 8, 1, 4097, 200)


def open_(dice):
    """A file's path, or that of the device of zeros; how to open it."""
    return "/dev/zero" if dice.one_in(8) else path(dice), dice.pick(2, 0, 1, 0o1002, 0o102, 0o2002)


def fcntl(dice):
    """Mostly a look at the seals; adding any is rare, for it ends what can be done with the file."""
    command = dice.pick(GET_SEALS, GET_SEALS, ADD_SEALS, DUPFD, GETFL)
    return fd(dice), command, dice.pick(0, 1 << dice.below(6), 5) if command == ADD_SEALS else dice.pick(0, 5)


def setrlimit(dice):
    """A limit that the program has met, nearly, or has not; for all that are looked at, and two that are not."""
    resource = dice.pick(1, 2, 9, 3, 8, 1, 2, 9, 7, 0, 16)
    mean = {1: dice.pick(1, 8, 16, 20) * PAGE + dice.pick(0, 100), 7: dice.pick(4, 5, 8)}
    many = dice.pick(0, 16, 24, 40, 64, 160) * PAGE + dice.pick(0, 0, 1)
    return resource, 2**64 - 1 if dice.one_in(3) or resource == 0 else mean.get(resource, many)


# method → (weight, how to choose its arguments)
METHODS = {
    "mmap": (14, mmap),
    "load": (16, lambda dice: (byte(dice), data(dice))),
    "store": (18, lambda dice: (byte(dice), data(dice))),
    "munmap": (5, lambda dice: (address(dice), length(dice))),
    "mprotect": (7, lambda dice: (address(dice), length(dice), prot(dice) | dice.pick(*[0] * 24, PROT_GROWSDOWN))),
    "mremap": (5, mremap),
    "madvise": (6, madvise),
    "msync": (2, lambda dice: (address(dice), length(dice), dice.pick(4, 4, 1, 2, 6, 5, 0, 8))),
    "mincore": (1, lambda dice: (address(dice), length(dice))),
    "mlock": (2, lambda dice: (address(dice), length(dice), dice.pick(0, 1, 0, 2))),
    "munlock": (1, lambda dice: (address(dice), length(dice))),
    "memcpy": (2, lambda dice: (byte(dice), byte(dice), data(dice))),
    "sys_read": (3, lambda dice: (fd(dice), byte(dice), data(dice))),
    "sys_write": (3, lambda dice: (fd(dice), byte(dice), data(dice))),
    "pread": (2, lambda dice: (fd(dice), data(dice), size(dice))),
    "pwrite": (4, lambda dice: (fd(dice), data(dice), size(dice))),
    "read": (1, lambda dice: (fd(dice), data(dice))),
    "write": (1, lambda dice: (fd(dice), data(dice))),
    "pipe": (1, lambda dice: ()),
    "fcntl": (2, fcntl),
    "lseek": (1, lambda dice: (fd(dice), size(dice), dice.pick(0, 1, 2))),
    "ftruncate": (4, lambda dice: (fd(dice), size(dice))),
    "fallocate": (3, fallocate),
    "fsync": (1, lambda dice: (fd(dice),)),
    "open": (2, open_),
    "close": (1, lambda dice: (fd(dice),)),
    "dup": (1, lambda dice: (fd(dice),)),
    "unlink": (1, lambda dice: (path(dice),)),
    "brk": (1, lambda dice: (HEAP * PAGE + dice.pick(0, 1, 2, 3, 5, 8, 12) * PAGE + dice.pick(0, 0, 1, 100),)),
    "setrlimit": (1, setrlimit),
    "fork": (3, lambda dice: ()),
    "exit": (1, lambda dice: ()),
    "shmget": (1, lambda dice: (dice.pick(0, 77), span(dice) * PAGE, 0o1600)),
    "shmat": (2, lambda dice: (dice.below(2), address(dice), dice.pick(0, 0o40000, 0o10000))),
    "shmdt": (1, lambda dice: (address(dice),)),
    "shmctl": (1, lambda dice: (dice.below(2), dice.pick(0, 2))),
}


def methods(without=()):
    """The methods that both kernels have."""
    return [name for name in METHODS if hasattr(Simulated, name) and hasattr(Real, name) and name not in without]


def step(dice, weighted):
    name = dice.pick(*weighted)
    return [dice.pick(0, 1, 0, 2, 0), name, *METHODS[name][1](dice)]


def files(dice, kinds):
    """Two open files, 3 and 4: kinds and sizes."""
    return [[dice.pick(*kinds), dice.pick(20, 20, 3, 0, 20) * PAGE + dice.pick(0, 1, 100, 4095)] for _ in range(2)]


def kinds(has_ramfs=True):
    """The kinds of file that both kernels have here."""
    memfd = hasattr(Simulated, "memfd_create")
    return [kind for kind in KINDS if (memfd or kind != "memfd") and (has_ramfs or kind != "ramfs")]


def opening(dice, names):
    """The first steps: something to work on."""
    steps = [[0, "mmap", *mmap(dice)] for _ in range(dice.pick(2, 3, 4))]
    if {"shmget", "shmat"} <= set(names) and dice.one_in(4):
        steps += [[0, "shmget", 0, 4 * PAGE, 0o1600], [0, "shmat", 0, address(dice), 0o40000]]
    return steps


def weigh(dice, names):
    """Each method as often as it weighs; brk where the program uses the heap. Half of the programs know only some.

    Rules that few programs meet are met more often by programs that do few different things.
    """
    if dice.one_in(2):
        names = [name for name in names if name in ("mmap", "load", "store") or dice.one_in(2)]
    return [name for name in names for _ in range(METHODS[name][0] * (name != "brk" or (HEAP in dice.places) * 6))]


def setting(dice):
    """Where the arena lies, what else the program uses, and what is looked at: looking at contents is a use."""
    dice.places = dice.pick([], [], [], [], [], [HEAP], [TOP], [HEAP, TOP])
    dice.files = not dice.one_in(6)
    look = dice.pick("contents", "contents", "referenced")
    return {"arena": dice.pick(*ARENAS), "places": dice.places, "look": look}


def random_program(seed, names, kinds):
    """The program of that number."""
    rng = random.Random(seed)
    dice = Dice(lambda n: int(rng.random() * n))
    program = setting(dice) | {"files": files(dice, kinds)}
    weighted, first = weigh(dice, names), opening(dice, names)
    return program | {"steps": first + [step(dice, weighted) for _ in range(STEPS - len(first))]}


@st.composite
def strategy(draw, names, kinds):
    """A hypothesis strategy of such programs: a failure shrinks to its smallest program."""
    dice = Dice(lambda n: draw(st.integers(0, n - 1)))
    program = setting(dice) | {"files": files(dice, kinds)}
    weighted = weigh(dice, names)

    def drawn(choose):
        return st.composite(lambda draw: choose(Dice(lambda n: draw(st.integers(0, n - 1)), dice.places, dice.files)))()

    first = draw(st.lists(drawn(lambda dice: [0, "mmap", *mmap(dice)]), max_size=4))
    rest = st.lists(drawn(lambda dice: step(dice, weighted)), min_size=1, max_size=STEPS)
    return program | {"steps": first + draw(rest)}
