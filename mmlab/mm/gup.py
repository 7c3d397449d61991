"""Faulting pages in before the program touches them: mm/gup.c (v4.4)."""

from __future__ import annotations

from errno import EFAULT, ENOMEM

from ..include.mm import (
    FAULT_FLAG_ALLOW_RETRY, FAULT_FLAG_TRIED, FAULT_FLAG_WRITE, VM_EXEC, VM_FAULT_ERROR, VM_FAULT_MAJOR, VM_FAULT_OOM,
    VM_FAULT_RETRY, VM_LOCKONFAULT, VM_READ, VM_SHARED, VM_WRITE,
)
from ..include.mm_types import vm_area_struct
from ..include.mman import PAGE_SIZE
from ..include.pgtable import pte_dirty, pte_none, pte_offset, pte_write
from ..include.sched import task_struct
from .memory import handle_mm_fault, vm_normal_page
from .page_writeback import set_page_dirty
from .swap import lru_add_drain, mark_page_accessed


def populate_vma_page_range(
    current: task_struct, vma: vm_area_struct, start: int, end: int, retry: int = FAULT_FLAG_ALLOW_RETRY
) -> int:
    """Fault in every page of [start, end), private writable ones as if for a store; give the errno where one cannot be.

    mm/gup.c:populate_vma_page_range (v4.4). What is to be locked on fault is left alone. After a wait for the disk it
    begins anew, with the page in memory: so that fault counts as a minor one. Not so with `retry` 0, for callers that
    keep mmap_sem all the time.
    """
    if vma.vm_flags & VM_LOCKONFAULT:
        return 0
    if not vma.vm_flags & (VM_READ | VM_WRITE | VM_EXEC):
        return EFAULT
    write = FAULT_FLAG_WRITE if vma.vm_flags & (VM_WRITE | VM_SHARED) == VM_WRITE else 0
    return __get_user_pages(current, vma, start, end, write | retry, 0)


def faultin_page_range(current: task_struct, vma: vm_area_struct, start: int, end: int, write: bool) -> int:
    """Fault in every page of [start, end) for a load or a store; give the errno where one cannot be: mm/gup.c (6.9).

    A fault that waited for the disk counts as a major one.
    """
    flags = FAULT_FLAG_ALLOW_RETRY | (FAULT_FLAG_WRITE if write else 0)
    return __get_user_pages(current, vma, start, end, flags, FAULT_FLAG_TRIED)


def __get_user_pages(
    current: task_struct, vma: vm_area_struct, start: int, end: int, flags: int, tried: int
) -> int:
    """Fault in what of [start, end) does not allow the access yet; give the errno where that cannot be, or 0: v4.4.

    Same name. A fault is tried again with the flags `tried` added.
    """
    error = 0
    for address in range(start, end, PAGE_SIZE):
        while not error and not follow_page(vma, address, flags & FAULT_FLAG_WRITE):
            error = faultin_page(current, vma, address, flags, tried)
        if error:
            break
    if current.machine.mlock_fbatch:
        lru_add_drain(current.machine)
    return error


def follow_page(vma: vm_area_struct, address: int, flags: int) -> bool:
    """Find the page and mark it as the access would (FOLL_TOUCH); False if that would fault: v4.4, follow_page_pte."""
    table, i = pte_offset(vma.vm_mm.pgd, address)
    if table is None or pte_none(table[i]) or (flags and not pte_write(table[i])):
        return False
    page = vm_normal_page(vma, table[i])
    if page is not None:
        if flags and not pte_dirty(table[i]):
            set_page_dirty(page)
        mark_page_accessed(page)
    return True


def faultin_page(current: task_struct, vma: vm_area_struct, address: int, flags: int, tried: int) -> int:
    """Handle one fault in the process's name: mm/gup.c:faultin_page (v4.4). Give 0, or the errno if it cannot be.

    ENOMEM without memory, EFAULT for what a load would get SIGBUS for. What was FAULT_FLAG_TRIED counts as a major one
    (5.9).
    """
    fault = handle_mm_fault(current.mm, vma, address, flags)
    while fault & VM_FAULT_RETRY:
        flags |= tried
        fault = handle_mm_fault(current.mm, vma, address, flags)
    if fault & VM_FAULT_ERROR:
        return ENOMEM if fault & VM_FAULT_OOM else EFAULT
    if fault & VM_FAULT_MAJOR or flags & FAULT_FLAG_TRIED:
        current.maj_flt += 1
    else:
        current.min_flt += 1
    return 0


def mm_populate(current: task_struct, vma: vm_area_struct | None, start: int, end: int) -> None:
    """Fault in what [start, end) maps; where a page cannot be had, the VMA's rest is left out, and nobody is told.

    mm/gup.c:__mm_populate (v4.4).
    """
    while vma is not None and vma.vm_start < end:
        populate_vma_page_range(current, vma, max(start, vma.vm_start), min(end, vma.vm_end))
        vma = vma.vm_next


def populate_range(current: task_struct, vma: vm_area_struct | None, start: int, end: int) -> int:
    """Fault in what [start, end) maps, as mlock wants it; give 0, or the errno of the first page that cannot be had.

    mm/gup.c:__mm_populate (v4.4), not ignoring errors.
    """
    while vma is not None and vma.vm_start < end:
        error = populate_vma_page_range(current, vma, max(start, vma.vm_start), min(end, vma.vm_end))
        if error:
            return error
        vma = vma.vm_next
    return 0
