"""A file for a stranger: a memfd that nobody can change any more."""

from contextlib import suppress

from mmlab import FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, MAP_SHARED, PAGE_SIZE, Kernel, Process
from mmlab.check import vmas
from mmlab.coursework.checks import RW, allowed, settle, whole
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY, REFUSALS, replay

RUN_PUBLISH = '''
from mmlab.coursework.programs import MEMORY, Recorder
calls = []
proc = Recorder(Kernel(mem=MEMORY), calls, []).spawn("producer")
result = [publish(proc, words), calls]
'''
PUBLISHING = {"spawn", "memfd_create", "fcntl", "ftruncate", "fallocate", "fstat", "lseek", "write", "pwrite", "read",
              "pread", "mmap", "munmap", "mprotect", "msync", "load", "store", "memcpy", "close", "dup"}  # fmt: skip


def attack(proc, fd):
    """Do to a file, by a descriptor and by all mappings, what could shrink or change it."""
    size = proc.fstat(fd).st_size
    tries = [
        (proc.pwrite, fd, b"!", 0),
        (proc.fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE_SIZE),
        (proc.ftruncate, fd, size + 1),
        (proc.ftruncate, fd, max(size - 1, 0)),
    ]
    with suppress(OSError):
        proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, fd)
    for vma in list(vmas(proc.task.mm)):
        if vma.vm_file and vma.vm_file.f_mapping is proc.task.files[fd].f_mapping:
            with suppress(OSError):
                proc.mprotect(vma.vm_start, vma.vm_end - vma.vm_start, RW)
            tries.insert(0, (proc.store, vma.vm_start, b"!"))
    for call, *arguments in tries:
        with suppress(*REFUSALS):
            call(*arguments)


def check(work: Work):
    same = long = True
    for case in range(6):
        words = work.rng.randbytes([1, PAGE_SIZE, work.rng.randint(2, 3 * PAGE_SIZE)][case % 3]).replace(b"!", b"?")
        fd, calls = work.probe(RUN_PUBLISH, words=words)
        allowed(calls, PUBLISHING, "`publish`")
        kernel = Kernel(mem=MEMORY)
        for _ in replay(kernel, calls):
            pass
        proc = Process(next(iter(kernel.machine.tasks.values())))
        if not whole(fd) or fd not in proc.task.files or fd < 3:
            raise Wrong("`publish` is to return the descriptor of the file, still open.")
        if proc.fstat(fd).st_size != len(words) or proc.pread(fd, len(words) + 1, 0) != words:
            raise Wrong(f"For {len(words)} bytes, the file does not hold these bytes and no others.")
        attack(proc, fd)
        long = long and proc.fstat(fd).st_size == len(words)
        same = same and proc.pread(fd, len(words), 0)[: proc.fstat(fd).st_size] == words[: proc.fstat(fd).st_size]
    settle((1 / 3, True, ""), (1 / 3, long, "After `publish` has returned, the file can be made smaller, or larger."),
           (1 / 3, same, "After `publish` has returned, a byte of the file can be changed."))  # fmt: skip


PART = Part(
    "publish", "code", 3, "A file for a stranger",
    """
Write `publish(proc, words)`. `proc` is a `Process`; `words` is `bytes`, at least one, at most some pages. Make a
memfd that holds these bytes and no others, and return its descriptor, open. A stranger will get it, and map and read
it whenever it likes. So from the moment when `publish` returns nobody, not even `proc` itself, must be able

- to make the file smaller or larger (one point);
- to change a byte of it (one point).

The third point is for the contents. The contents must be right for the other two to count. `publish` may call of `proc`
whatever has to do with memory and files, but it cannot open files by their names, fork or exit.
""",
    starter="def publish(proc, words):\n    return ...",
    solution='''
def publish(proc, words):
    fd = proc.memfd_create("words", MFD_ALLOW_SEALING)
    proc.write(fd, words)
    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
    return fd
''',
    example='''
proc = Kernel().spawn("me")
fd = publish(proc, b"some words")
assert fd > 2, "`publish` returns a descriptor"
assert proc.pread(fd, 20, 0) == b"some words", "these words are to be in the file"
assert proc.fcntl(fd, F_GET_SEALS), "the file has no seals"
''',
    check=check,
)  # fmt: skip
