"""A kernel whose mmap_region or merging has a bug."""

from mmlab.coursework.checks import draw_claims, settle, witnessed
from mmlab.coursework.mutants import drawn_bug
from mmlab.coursework.problem import Part, Work

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


def check(work: Work):
    bug = drawn_bug("ps2-bug", work.rng)
    letters = draw_claims(work.rng, list(CLAIMS.values()))
    named = letters.get(work.value("bug")) == CLAIMS[bug]
    differs = witnessed(work, "ps2-bug", bug)
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
    check=check,
)  # fmt: skip
