"""What several parts of ps1 use."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, Kernel
from mmlab.check import vmas
from mmlab.coursework.checks import HOME

HERE, ANON = HOME, MAP_PRIVATE | MAP_ANONYMOUS


def random_pages(rng):
    """A process with eight areas at HERE, each with other permissions; some are side by side."""
    proc, at = Kernel().spawn("cat"), HERE
    for prot in rng.sample(range(8), 8):
        at += rng.choice([0, 1, 1, 2]) * PAGE_SIZE
        length = rng.randint(1, 3) * PAGE_SIZE
        proc.mmap(at, length, prot, ANON | MAP_FIXED)
        at += length
    return proc


def edges(proc):
    """The first and the last byte of each VMA at HERE, and what lies beside them."""
    ends = (at for vma in vmas(proc.task.mm) if vma.vm_start >> 40 == 1 for at in (vma.vm_start, vma.vm_end))
    return sorted({at + by for at in ends for by in (-1, 0, 1)})


def shown(area):
    """An area as maps has it."""
    return f"{area[0]:x}-{area[1]:x}" if isinstance(area, tuple) and len(area) > 1 else repr(area)[:60]
