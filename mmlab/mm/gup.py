"""Faulting pages in before the program touches them: mm/gup.c (v4.4)."""

from __future__ import annotations

from ..include.mm import (
    FAULT_FLAG_ALLOW_RETRY,
    FAULT_FLAG_WRITE,
    VM_EXEC,
    VM_FAULT_ERROR,
    VM_FAULT_MAJOR,
    VM_FAULT_RETRY,
    VM_LOCKONFAULT,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
)
from ..include.mm_types import vm_area_struct
from ..include.mman import PAGE_SIZE
from ..include.pgtable import pte_none, pte_offset, pte_write
from ..include.sched import task_struct
from .memory import handle_mm_fault, vm_normal_page
from .page_writeback import set_page_dirty
from .swap import mark_page_accessed


def populate_vma_page_range(
    current: task_struct, vma: vm_area_struct, start: int, end: int, flags: int | None = None
) -> bool:
    """Fault in every page of [start, end), private writable ones as if for a store; False where one cannot be had.

    mm/gup.c:populate_vma_page_range (v4.4). `flags` says otherwise which access to fault for. What is to be locked on
    fault is left alone.
    """
    if flags is None and vma.vm_flags & VM_LOCKONFAULT:
        return True
    if not vma.vm_flags & (VM_READ | VM_WRITE | VM_EXEC):
        return False
    if flags is None:
        flags = FAULT_FLAG_WRITE if vma.vm_flags & (VM_WRITE | VM_SHARED) == VM_WRITE else 0
    for address in range(start, end, PAGE_SIZE):
        while not follow_page(vma, address, flags):
            if not faultin_page(current, vma, address, flags):
                return False
    return True


def follow_page(vma: vm_area_struct, address: int, flags: int) -> bool:
    """Find the page and mark it as the access would (FOLL_TOUCH); False if that would fault: v4.4, follow_page_pte."""
    table, i = pte_offset(vma.vm_mm.pgd, address)
    if table is None or pte_none(table[i]) or (flags and not pte_write(table[i])):
        return False
    page = vm_normal_page(vma, table[i])
    if page is not None and flags:
        set_page_dirty(page)
    if page is not None:
        mark_page_accessed(page)
    return True


def faultin_page(current: task_struct, vma: vm_area_struct, address: int, flags: int) -> bool:
    """Handle one fault in the process's name: mm/gup.c:faultin_page (v4.4). False if it cannot be mended.

    After a wait for the disk mm_populate begins anew, with the page in memory: so this fault counts as a minor one.
    """
    fault = handle_mm_fault(current.mm, vma, address, flags | FAULT_FLAG_ALLOW_RETRY)
    if fault & VM_FAULT_RETRY:
        fault = handle_mm_fault(current.mm, vma, address, flags | FAULT_FLAG_ALLOW_RETRY)
    if fault & VM_FAULT_ERROR:
        return False
    if fault & VM_FAULT_MAJOR:
        current.maj_flt += 1
    else:
        current.min_flt += 1
    return True


def mm_populate(current: task_struct, vma: vm_area_struct | None, start: int, end: int) -> None:
    """Fault in what [start, end) maps; where a page cannot be had, the VMA's rest is left out, and nobody is told.

    mm/gup.c:__mm_populate (v4.4).
    """
    while vma is not None and vma.vm_start < end:
        populate_vma_page_range(current, vma, max(start, vma.vm_start), min(end, vma.vm_end))
        vma = vma.vm_next


def populate_range(current: task_struct, vma: vm_area_struct | None, start: int, end: int) -> bool:
    """Fault in what [start, end) maps, as mlock wants it: False at the first page that cannot be had.

    mm/gup.c:__mm_populate (v4.4), not ignoring errors.
    """
    while vma is not None and vma.vm_start < end:
        if not populate_vma_page_range(current, vma, max(start, vma.vm_start), min(end, vma.vm_end)):
            return False
        vma = vma.vm_next
    return True
