"""Which call has made a line of maps."""

from mmlab import (
    IPC_CREAT,
    IPC_PRIVATE,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    Kernel,
)
from mmlab.coursework.checks import RW
from mmlab.coursework.problem import Part, Work, Wrong


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


def check(work: Work):
    right, wrong = set(HOW), ""
    for _ in range(4):
        for line, how in lines_drawn(work.rng):
            given = work.call("made_by", line)
            if given != how:
                wrong = wrong or f"{given!r} is wrong for the line\n{line}"[:400]
                right -= {how, given if isinstance(given, str) else how}
    if wrong:
        raise Wrong(wrong, 0.5 if len(right) >= 3 else 0)


PART = Part(
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
    check=check,
)  # fmt: skip
