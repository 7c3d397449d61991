"""A kernel whose faults or page cache have a bug."""

from mmlab.coursework.checks import draw_claims, settle, witnessed
from mmlab.coursework.mutants import drawn_bug
from mmlab.coursework.problem import Part, Work

CLAIMS = [  # in the order of the bugs' names, which are the mutants'
    "A load of a file's page enters that page and those after it, but none before it.",
    "msync with MS_ASYNC writes pages to the disk.",
    "After msync with MS_SYNC a page's entries still allow stores: nobody hears of the next one.",
    "When a file is cut, private copies of pages past its new end stay.",
    "drop_caches drops dirty pages, too: what was written is lost.",
    "The last page of a file, if the file fills only a part of it, gives SIGBUS when the disk has to be read for it.",
    "The first store to a page of a private mapping changes the file.",
    "A load of private anonymous memory that nobody has stored to takes a page of its own.",
]
NAMES = ["around", "async", "clean", "copies", "drop", "last", "private", "zero"]


def check(work: Work):
    bug = drawn_bug("ps3-bug", work.rng)
    letters = draw_claims(work.rng, CLAIMS)
    named = letters.get(work.value("bug")) == CLAIMS[NAMES.index(bug)]
    differs = witnessed(work, "ps3-bug", bug)
    settle(
        (0.5, named, "`bug`: another claim is true of your machine."),
        (0.5, differs, "`witness`: each of its calls gives the same on both machines."),
    )


PART = Part(
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
          + "".join(f'    "{claim}",\n' for claim in CLAIMS) + ''']

def new_machine():
    return mutant("ps3-bug", personal("ps3-bug"))

rng = personal("ps3-bug")
machine = mutant("ps3-bug", rng)
claims = draw_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{letter}: {claim}")
''',
    starter='bug = None               # a letter\n\ndef witness(kernel):\n    proc = kernel.spawn("witness")\n    ...',
    solution='''
def book(kernel, flags):
    proc = kernel.spawn("witness")
    fd = proc.open("/data/book.txt", O_RDWR)
    return proc, fd, proc.mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, flags, fd)

def loaded(proc, addr):
    try:
        return proc.load(addr)
    except MemoryFault as fault:
        return fault.signal

def around(kernel):
    proc = kernel.spawn("witness")
    fd = proc.open("/data/new", O_RDWR | O_CREAT)
    proc.pwrite(fd, bytes(20 * 4096), 0)
    addr = proc.mmap(1 << 40, 20 * 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd)
    proc.load(addr + 5 * 4096)
    return proc.pagemap(addr)

def async_(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    proc.store(addr, b"X")
    before = kernel.meminfo()["Dirty"]
    proc.msync(addr, 4096, MS_ASYNC)
    return kernel.meminfo()["Dirty"] - before

def clean(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    proc.store(addr, b"X")
    proc.msync(addr, 4096, MS_SYNC)
    before = proc.getrusage().ru_minflt
    proc.store(addr, b"Y")
    return proc.getrusage().ru_minflt - before

def copies(kernel):
    proc, fd, addr = book(kernel, MAP_PRIVATE)
    proc.store(addr + 2 * 4096, b"X")
    proc.ftruncate(fd, 4096)
    return loaded(proc, addr + 2 * 4096)

def drop(kernel):
    proc, fd, _ = book(kernel, MAP_SHARED)
    proc.pwrite(fd, b"X", 0)
    kernel.drop_caches()
    return proc.pread(fd, 1, 0)

def last(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    return loaded(proc, addr + 4 * 4096)

def private(kernel):
    proc, fd, addr = book(kernel, MAP_PRIVATE)
    proc.store(addr, b"X")
    return proc.pread(fd, 1, 0)

def zero(kernel):
    proc = kernel.spawn("witness")
    addr = proc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.load(addr)
    return proc.pagemap(addr)

tries = dict(zip(CLAIMS, [around, async_, clean, copies, drop, last, private, zero], strict=True))
(bug,) = [letter for letter, claim in claims.items() if tries[claim](Kernel()) != tries[claim](new_machine())]
witness = tries[claims[bug]]
''',
    example='''
assert bug in list("ABCDEFGH"), "`bug` is not a letter from A to H yet"
calls = record(witness)
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "no call of witness gives another value"
''',
    check=check,
)  # fmt: skip
