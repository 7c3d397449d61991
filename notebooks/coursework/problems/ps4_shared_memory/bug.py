"""A kernel that counts wrong, or lets shared memory go too early or too late."""

from mmlab.coursework.checks import draw_claims, settle, witnessed
from mmlab.coursework.mutants import drawn_bug
from mmlab.coursework.problem import Part, Work

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


def check(work: Work):
    bug = drawn_bug("ps4-bug", work.rng)
    letters = draw_claims(work.rng, CLAIMS)
    named = letters.get(work.value("bug", str)) == CLAIMS[NAMES.index(bug)]
    differs = witnessed(work, "ps4-bug", bug, most=15)
    settle((0.5, named, "The claim that is true of your machine is another."),
           (0.5, differs, "All calls of the witness give the same on both machines."))  # fmt: skip


PART = Part(
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
    check=check,
)  # fmt: skip
