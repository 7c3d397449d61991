"""What is to be read off a drawing of page tables and pages."""

from mmlab import MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDWR, PROT_READ, PROT_WRITE, Kernel
from mmlab.coursework.checks import equal, text
from mmlab.coursework.problem import Part, Work

from .common import rss_shmem


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


def check(work: Work):
    given = [work.value(name) for name in ("gone", "dropped", "resident")]
    equal(given, machine_told(work.rng), [
        "`gone` is another number. Which pages are in Mapped only because of B? Look at all files, its program too.",
        "`dropped` is another number. Which pages can be dropped, and got again from somewhere?",
        "`resident` is another number. Which pages count in RssShmem, and how often, if two processes map them?",
    ])  # fmt: skip


PART = Part(
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
    check=check,
)  # fmt: skip
