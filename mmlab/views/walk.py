"""What the pictures read of the machine: VMAs, the pages that are mapped, and how a learner calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from ..check import vmas
from ..fs.task_mmu import get_vma_name
from ..include.mm import TASK_SIZE
from ..include.mm_types import PageAnon, vm_area_struct
from ..include.mman import PAGE_SHIFT, PAGE_SIZE
from ..include.pgtable import pte_none, pte_pfn
from ..include.sched import task_struct
from ..mm.memory import ZERO_PFN, pte_ranges, vm_normal_page
from .objects import Entry
from .words import _

__all__ = ["Entry", "called", "place", "present", "ranges", "shows", "size", "state", "task_name", "vmas"]


def present(vma: vm_area_struct, start: int = 0, end: int = TASK_SIZE) -> Iterator[Entry]:
    """Walk the pages of [start, end) in the VMA that have a PTE, first to last; a large empty VMA costs nothing."""
    for table, first, last in pte_ranges(vma.vm_mm, max(start, vma.vm_start), min(end, vma.vm_end)):
        for i in range(first, last):
            if not pte_none(table[i]):
                address = table.start + i * PAGE_SIZE
                yield Entry(address, place(vma, address), table[i], vm_normal_page(vma, table[i]))


def place(vma: vm_area_struct, address: int) -> int:
    """Say which page of the file (or of the memory object) lies at that address of the VMA."""
    return vma.vm_pgoff + ((address - vma.vm_start) >> PAGE_SHIFT)


def state(vma: vm_area_struct, entry: Entry) -> str:
    """Say what a PTE maps: "zero", the file's own page ("file"), or a page of anonymous memory ("anon", "copy")."""
    if pte_pfn(entry.pte) == ZERO_PFN:
        return "zero"
    if entry.page is None or not PageAnon(entry.page):
        return "file"
    return "copy" if vma.vm_file else "anon"


def called(vma: vm_area_struct) -> str:
    """Give the last part of the name that /proc/PID/maps has for the VMA; "anonymous" where it has none."""
    name = get_vma_name(vma)
    tail = name.removesuffix(" (deleted)").rpartition("/")[2]
    return (tail + " (deleted)" * name.endswith(" (deleted)")) if name else "anonymous"


def shows(vma: vm_area_struct, address: int) -> str:
    """Say what lies at that address of the VMA: of a file, from which page on."""
    words = _("{file} from page {n}") if vma.vm_file else "{file}"
    return words.format(file=called(vma), n=place(vma, address))


def task_name(task: task_struct) -> str:
    """Tell a process from others of its name: comm[pid]."""
    return f"{task.comm}[{task.pid}]"


def size(count: int) -> str:
    """Spell a number of bytes.

    >>> size(4096), size(3 << 20), size(47 << 40)
    ('4 KiB', '3 MiB', '47 TiB')
    """
    power = min(max((count.bit_length() - 1) // 10, 1), 4)
    return f"{count / (1 << 10 * power):.1f}".removesuffix(".0") + f" {'KMGT'[power - 1]}iB"


def ranges(numbers: Iterable[int]) -> str:
    """Spell page numbers, runs as one.

    >>> ranges([7, 0, 1, 2])
    '0–2, 7'
    """
    runs = [
        [number for _, number in run] for _, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
