"""mincore: which pages are in memory: mm/mincore.c (v4.4)."""

from __future__ import annotations

from errno import EFAULT, EINVAL, ENOMEM

from ..include.errors import failure
from ..include.mm import TASK_SIZE
from ..include.mm_types import PG_uptodate, vm_area_struct
from ..include.mman import PAGE_ALIGN, PAGE_SHIFT, offset_in_page
from ..include.pgtable import pte_none
from ..include.sched import task_struct
from .memory import pte_ranges
from .vma import find_vma

VEC_MAX = 1 << 26  # how long an answer (bytes) a program here has room for


def sys_mincore(current: task_struct, start: int, length: int) -> bytes:
    """Give a byte for each page of [start, start + length): 1 where an access would not read the disk: v4.4, same name.

    EINVAL unaligned; ENOMEM at a hole or past the end of the address space; EFAULT without room for the answer.
    """
    if offset_in_page(start):
        raise failure(EINVAL, "sys_mincore", f"start = {start:#x} is not page-aligned")
    end, at, parts = start + PAGE_ALIGN(length), start, []
    if end > TASK_SIZE:
        raise failure(ENOMEM, "sys_mincore", f"{start:#x} … {end:#x} is no part of a program's addresses")
    vma = find_vma(current.mm, start)
    while at < end:
        if vma is None or vma.vm_start > at:
            raise failure(ENOMEM, "do_mincore", f"nothing is mapped at {at:#x}")
        parts.append((vma, at, min(vma.vm_end, end)))
        at, vma = vma.vm_end, vma.vm_next
    if (end - start) >> PAGE_SHIFT > VEC_MAX:
        raise failure(EFAULT, "sys_mincore", f"the answer would have {(end - start) >> PAGE_SHIFT} bytes")
    return b"".join(mincore_vma(*part) for part in parts)


def mincore_vma(vma: vm_area_struct, start: int, end: int) -> bytes:
    """Tell which pages of a range within one VMA are mapped, or else in the page cache: mincore_pte_range (v4.4)."""
    vec = bytearray((end - start) >> PAGE_SHIFT)
    for table, first, last in pte_ranges(vma.vm_mm, start, end):
        offset = (table.start - start) >> PAGE_SHIFT
        for i in range(first, last):
            vec[offset + i] = not pte_none(table[i])
    if vma.vm_file is not None:
        pgoff = vma.vm_pgoff + ((start - vma.vm_start) >> PAGE_SHIFT)
        for index, page in vma.vm_file.f_mapping.page_tree.items():
            if 0 <= index - pgoff < len(vec) and page.flags & PG_uptodate:
                vec[index - pgoff] = True
    return bytes(vec)
