"""What several parts of problem set 6 use."""

from mmlab import PAGE_SIZE
from mmlab.check import vmas
from mmlab.coursework.checks import HOME


def at(page):
    """The address of a page, counted from HOME."""
    return HOME + page * PAGE_SIZE


def here(proc):
    """The VMAs of a process at HOME and above, but not those that exec has mapped, as (first page, end, VMA)."""
    return [((vma.vm_start - HOME) // PAGE_SIZE, (vma.vm_end - HOME) // PAGE_SIZE, vma)
            for vma in vmas(proc.task.mm) if HOME <= vma.vm_start < 1 << 46]  # fmt: skip


def lines(proc):
    """The same as /proc/PID/maps has them, so that the real kernel can be asked, too: (first page, end, file page)."""
    found = []
    for line in proc.maps().splitlines():
        area, _, offset, *_ = line.split()
        start, end = (int(each, 16) for each in area.split("-"))
        if HOME <= start < 1 << 46:
            found.append(((start - HOME) // PAGE_SIZE, (end - HOME) // PAGE_SIZE, int(offset, 16) // PAGE_SIZE))
    return found
