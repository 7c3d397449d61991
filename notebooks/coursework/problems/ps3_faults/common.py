"""What several parts of ps3 use."""

from mmlab import O_CREAT, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE
from mmlab.coursework.problem import Wrong

RW, HOME = PROT_READ | PROT_WRITE, 1 << 40


def shortest(moves, wrong):
    """Give the first so many moves after which something is wrong; it is after all of them."""
    return next((moves[:n] for n in range(1, len(moves)) if wrong(moves[:n])), moves)


def listed(value, length, words):
    """Give the list; Wrong unless it has that length."""
    if not isinstance(value, list | tuple) or len(value) != length:
        raise Wrong(words)
    return list(value)


def minor(proc, access, *arguments):
    """Make an access, and give the number of minor faults that it took."""
    before = proc.getrusage().ru_minflt
    access(*arguments)
    return proc.getrusage().ru_minflt - before


def full_file(proc, path, pages):
    """Make a file all of whose pages are in memory, and give its descriptor."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    for page in range(pages):
        proc.pwrite(fd, bytes(PAGE_SIZE), page * PAGE_SIZE)
    return fd
