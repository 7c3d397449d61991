"""A program that copies a file through mappings, and keeps little of it mapped."""

import random

from mmlab import MAP_SHARED, O_CREAT, O_RDWR, PAGE_SIZE, PROT_READ, Kernel
from mmlab.check import vmas
from mmlab.coursework.checks import allowed, settle, text
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay
from mmlab.mm.vma import find_vma


def prepared(kernel, size, old):
    """Put the source, and an older target of `old` bytes (None: there is none), on a machine's disk."""
    proc = kernel.spawn("shell")
    for path, length in (("/data/source", size), ("/data/target", old)):
        if length is not None:
            fd = proc.open(path, O_RDWR | O_CREAT)
            proc.pwrite(fd, random.Random(f"{path} {length}").randbytes(length), 0)
            proc.fsync(fd)
            proc.close(fd)
    kernel.drop_caches()
    return proc


RUN_COPY = text(prepared) + '''
import random
from mmlab.coursework.programs import MEMORY, record

def program(machine):
    copy(machine.spawn("copy"), "/data/source", "/data/target", limit)

kernel = Kernel(mem=MEMORY)
prepared(kernel, size, old)
result = record(program, kernel=kernel, ends=())
'''
COPYING = {"spawn", "open", "close", "fstat", "ftruncate", "mmap", "munmap", "madvise", "msync", "fsync", "memcpy",
           "load", "store"}  # fmt: skip


def inode_of(kernel, path):
    """The file of that path."""
    proc = kernel.spawn("ls")
    addr = proc.mmap(0, PAGE_SIZE, PROT_READ, MAP_SHARED, proc.open(path, O_RDWR))
    return find_vma(proc.task.mm, addr).vm_file.f_mapping.host


def copied(calls, size, old, limit):
    """Make the calls of a copy program again; tell (is it a copy, was little mapped, is it on the disk)."""
    kernel = Kernel(mem=MEMORY)
    shell, sizes = prepared(kernel, size, old), [0]
    for _ in replay(kernel, calls):
        files = [vma for task in kernel.machine.tasks.values() for vma in vmas(task.mm)
                 if vma.vm_file and vma.vm_file.f_mapping.host.label in ("source", "target")]  # fmt: skip
        sizes.append(sum(vma.vm_end - vma.vm_start for vma in files))
    source, target = (shell.open(f"/data/{name}", O_RDWR | O_CREAT) for name in ("source", "target"))
    data = random.Random(f"/data/source {size}").randbytes(size)
    same = shell.pread(target, size + PAGE_SIZE, 0) == shell.pread(source, size + PAGE_SIZE, 0) == data
    blocks = inode_of(kernel, "/data/target").i_private or {}
    disk = b"".join(bytes(blocks.get(n, bytes(PAGE_SIZE))) for n in range(-(-size // PAGE_SIZE)))[:size]
    return same, max(sizes) <= limit and sizes[-1] == 0, disk == data


def check(work: Work):
    rng, claims = work.rng, [True] * 3
    sizes = [0, rng.randint(1, 9) * PAGE_SIZE, rng.randint(1, PAGE_SIZE), *(rng.randint(1, 50_000) for _ in range(3))]
    for case, size in enumerate(sizes):
        old = [None, size + rng.randint(1, 3 * PAGE_SIZE), rng.randint(0, 12 * PAGE_SIZE)][case % 3]
        limit = 6 * PAGE_SIZE if case == 2 else 2 * rng.randint(1, 3) * PAGE_SIZE
        calls = work.probe(RUN_COPY, size=size, old=old, limit=limit)
        allowed(calls, COPYING)
        now = copied(calls, size, old, limit)
        if not now[0]:
            raise Wrong(f"A source of {size} bytes, a target of {old} bytes before, and at most {limit} bytes mapped: "
                        "afterwards the target is not equal to the source.")  # fmt: skip
        claims = [before and each for before, each in zip(claims, now, strict=True)]
    settle(
        (0.5, claims[0], ""),
        (0.25, claims[1], "More than `limit` bytes of the two files were mapped at some time, or some still are at the "
                          "end."),
        (0.25, claims[2], "A power cut just after `copy` has returned would lose a part of the copy."),
    )  # fmt: skip


PART = Part(
    "copy", "code", 4, "A copy program with bounded memory",
    """
Write `copy(proc, source, target, limit)`: a program that copies the file `source` to the file `target` (two paths)
through mappings. `proc` is a `Process`. Both files are on ext4; neither is mapped or used by anybody else.

- Two points: afterwards `target` has the bytes and the size of `source`, whatever these are. It may be missing
  before, or be a longer or a shorter file.
- One point: at no time are more than `limit` bytes of the two files mapped, both together. `limit` is a multiple of
  8192, and 8192 at least; a mapping counts in whole pages. In the end neither of them is mapped any more.
- One point: when `copy` returns, a power cut would lose nothing of the copy.

The program may call `open`, `close`, `fstat`, `ftruncate`, `mmap`, `munmap`, `madvise`, `msync`, `fsync`, `memcpy`,
`load` and `store` of `proc`, and nothing else of the machine. The calls that it makes are made again on another
machine, and judged there.
""",
    starter="def copy(proc, source, target, limit):\n    ...",
    solution='''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT | O_TRUNC)
    size, step = proc.fstat(src).st_size, limit // 2
    proc.ftruncate(dst, size)
    for at in range(0, size, step):
        n = min(step, size - at)
        a = proc.mmap(0, n, PROT_READ, MAP_SHARED, src, at)
        b = proc.mmap(0, n, PROT_READ | PROT_WRITE, MAP_SHARED, dst, at)
        proc.memcpy(b, a, n)
        proc.munmap(a, n)
        proc.munmap(b, n)
    proc.fsync(dst)
    proc.close(src)
    proc.close(dst)
''',
    example='''
proc = Kernel().spawn("me")
copy(proc, "/data/book.txt", "/data/copy.txt", 16384)
texts = [proc.pread(proc.open(path, O_RDWR | O_CREAT), 20000, 0) for path in ("/data/book.txt", "/data/copy.txt")]
assert texts[0] == texts[1], "the copy of /data/book.txt is not equal to it"
''',
    check=check,
)  # fmt: skip
