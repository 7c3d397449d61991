"""What several parts of ps4 use."""

from mmlab import O_CREAT, O_RDONLY, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE
from mmlab.coursework.checks import settle, whole
from mmlab.coursework.problem import Wrong

RW, HOME, KB = PROT_READ | PROT_WRITE, 1 << 40, PAGE_SIZE >> 10


def equal(given, expected, hints):
    """Settle numbers, each worth the same; a wrong one has its hint."""
    settle(*((1 / len(expected), whole(ours) and ours == theirs, hint)
             for ours, theirs, hint in zip(given, expected, hints, strict=True)))  # fmt: skip


def listed(value, length, words):
    """Give the list; Wrong unless it has that length."""
    if not isinstance(value, list | tuple) or len(value) != length:
        raise Wrong(words)
    return list(value)


def full_file(proc, path, pages):
    """Make a file all of whose pages are in memory, and give its descriptor."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    for page in range(pages):
        proc.pwrite(fd, bytes(PAGE_SIZE), page * PAGE_SIZE)
    return fd


def rss_shmem(proc):
    """What /proc/PID/status says of RssShmem, in kB."""
    status = proc.pread(proc.open("/proc/self/status", O_RDONLY), 4096, 0)
    return int(status.partition(b"RssShmem:")[2].split()[0])
