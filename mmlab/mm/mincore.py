"""mincore: which pages are in memory: mm/mincore.c (v4.4)."""

from __future__ import annotations

from errno import EINVAL, ENOMEM

from ..include.errors import failure
from ..include.mm import TASK_SIZE
from ..include.mm_types import PG_uptodate, vm_area_struct
from ..include.mman import PAGE_ALIGN, PAGE_SHIFT, PAGE_SIZE, offset_in_page
from ..include.pgtable import pte_none, pte_offset
from ..include.sched import task_struct
from .vma import find_vma


def sys_mincore(current: task_struct, start: int, length: int) -> bytes:
    """Give a byte for each page of [start, start + length): 1 where an access would not read the disk: v4.4, same name.

    EINVAL unaligned; ENOMEM at a hole or past the end of the address space.
    """
    if offset_in_page(start):
        raise failure(EINVAL, "sys_mincore", f"start = {start:#x} is not page-aligned")
    end = start + PAGE_ALIGN(length)
    if end > TASK_SIZE:
        raise failure(ENOMEM, "sys_mincore", f"{start:#x} … {end:#x} is no part of a program's addresses")
    answer, vma = bytearray(), find_vma(current.mm, start)
    for address in range(start, end, PAGE_SIZE):
        if vma is not None and vma.vm_end <= address:
            vma = vma.vm_next
        if vma is None or vma.vm_start > address:
            raise failure(ENOMEM, "do_mincore", f"nothing is mapped at {address:#x}")
        answer.append(mincore_page(vma, address))
    return bytes(answer)


def mincore_page(vma: vm_area_struct, address: int) -> bool:
    """Tell whether the page is mapped, or else in the page cache: v4.4, same name (and mincore_pte_range)."""
    table, i = pte_offset(vma.vm_mm.pgd, address)
    if table is not None and not pte_none(table[i]):
        return True
    if vma.vm_file is None:
        return False
    pgoff = vma.vm_pgoff + ((address - vma.vm_start) >> PAGE_SHIFT)
    cached = vma.vm_file.f_mapping.page_tree.get(pgoff)
    return cached is not None and bool(cached.flags & PG_uptodate)
