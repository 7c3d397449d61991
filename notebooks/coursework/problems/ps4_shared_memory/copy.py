"""A program that copies a file or a disk through mappings, and keeps little of it mapped."""

import random

from mmlab import O_CREAT, O_RDWR, PAGE_SIZE, Kernel
from mmlab.coursework.checks import allowed, settle, text
from mmlab.coursework.problem import Part, Work
from mmlab.coursework.programs import MEMORY, replay
from mmlab.fs.block_dev import add_disk
from mmlab.fs.namei import path_lookup


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


def check(work: Work):
    rng, right, wrong = work.rng, {"/data/source": True, "/dev/vdb": True}, ""
    for case in range(8):
        source = ["/data/source", "/dev/vdb"][case % 2]
        size, disk_size = rng.randint(1, 48 * PAGE_SIZE), 512 * rng.randint(1, 320)
        limit = 8 * rng.randint(1, 6)
        calls = work.probe(RUN_COPY, source=source, size=size, disk_size=disk_size, limit=limit)
        allowed(calls, COPYING)
        same, most, left = copied(calls, source, size, disk_size)
        right[source] = right[source] and same
        if same and (most > limit or left):
            wrong = wrong or f"With limit = {limit}, Mapped rises by up to {most} kB, and in the end by {left} kB."
    small = not wrong and right["/data/source"]
    settle((1 / 3, right["/data/source"], "Afterwards /data/target is not equal to the file /data/source."),
           (1 / 3, right["/dev/vdb"], "Afterwards /data/target is not equal to the disk /dev/vdb."),
           (1 / 3, small, wrong or "Mapped does not count before files are copied right."))  # fmt: skip


PART = Part(
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
    check=check,
)  # fmt: skip
