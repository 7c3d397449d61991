"""mlock: memory whose pages are there and stay: mm/mlock.c (v4.4)."""

from __future__ import annotations

from errno import EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM

from ..include.errors import failure
from ..include.mm import VM_LOCKED, VM_LOCKONFAULT
from ..include.mm_types import vm_area_struct
from ..include.mman import MLOCK_ONFAULT, PAGE_ALIGN, PAGE_MASK, PAGE_SHIFT, offset_in_page
from ..include.pgtable import pte_none
from ..include.sched import RLIMIT_MEMLOCK, task_struct
from .gup import populate_range
from .memory import pte_ranges, vm_normal_page
from .swap import lru_add_drain, mlock_vma_page, munlock_vma_page
from .vma import find_vma, vma_modify

VM_LOCKED_MASK = VM_LOCKED | VM_LOCKONFAULT


def can_do_mlock(current: task_struct) -> None:
    """Refuse where nothing may be locked at all, RLIMIT_MEMLOCK being 0: v4.4, same name. EPERM; root may."""
    if current.rlim[RLIMIT_MEMLOCK] == 0 and current.uid != 0:
        raise failure(EPERM, "can_do_mlock", "RLIMIT_MEMLOCK is 0")


def sys_mlock(current: task_struct, start: int, length: int, flags: int = 0) -> None:
    """Lock [start, start + length) and fault its pages in; with MLOCK_ONFAULT, only as they are touched: sys_mlock2.

    EINVAL for unknown flags; EPERM or ENOMEM over RLIMIT_MEMLOCK; ENOMEM at a hole or where a page cannot be had,
    EAGAIN if that is for want of memory (what precedes is locked).
    """
    if flags & ~MLOCK_ONFAULT:
        raise failure(EINVAL, "sys_mlock2", f"flags = {flags:#x} has unknown bits")
    can_do_mlock(current)
    mm, limit = current.mm, current.rlim[RLIMIT_MEMLOCK] >> PAGE_SHIFT
    start, end = page_range(start, length)
    locked = mm.locked_vm + ((end - start) >> PAGE_SHIFT) - locked_pages(find_vma(mm, start), start, end)
    if locked > limit and current.uid != 0:
        raise failure(ENOMEM, "do_mlock", f"{locked} locked pages > RLIMIT_MEMLOCK = {limit} pages")
    apply_vma_lock_flags(current, start, end, VM_LOCKED | (VM_LOCKONFAULT if flags & MLOCK_ONFAULT else 0))
    error = populate_range(current, find_vma(mm, start), start, end) if start < end else 0
    if error:
        what = "a page cannot be had" if error == EFAULT else "no memory for a page"
        raise failure(ENOMEM if error == EFAULT else EAGAIN, "__mlock_posix_error_return", what)


def sys_munlock(current: task_struct, start: int, length: int) -> None:
    """Unlock [start, start + length): v4.4, same name. ENOMEM at a hole (what precedes is unlocked)."""
    apply_vma_lock_flags(current, *page_range(start, length), 0)


def page_range(start: int, length: int) -> tuple[int, int]:
    """Give the whole pages that [start, start + length) touches; both may wrap around at 2^64."""
    length = PAGE_ALIGN(length + offset_in_page(start)) & 2**64 - 1
    return start & PAGE_MASK, ((start & PAGE_MASK) + length) & 2**64 - 1


def locked_pages(vma: vm_area_struct | None, start: int, end: int) -> int:
    """Count the pages of [start, end) that are locked already: count_mm_mlocked_page_nr (4.9)."""
    count = 0
    while vma is not None and vma.vm_start < end:
        if vma.vm_flags & VM_LOCKED:
            count += (min(vma.vm_end, end) - max(vma.vm_start, start)) >> PAGE_SHIFT
        vma = vma.vm_next
    return count


def apply_vma_lock_flags(current: task_struct, start: int, end: int, newflags: int) -> None:
    """Set the lock flags of [start, end), VMA by VMA: v4.4 (do_mlock), same name. ENOMEM at a hole; EINVAL."""
    if end < start:
        raise failure(EINVAL, "apply_vma_lock_flags", f"{start:#x} … {end:#x} wraps around")
    vma = find_vma(current.mm, start)
    while start < end:
        if vma is None or vma.vm_start > start:
            raise failure(ENOMEM, "apply_vma_lock_flags", f"nothing is mapped at {start:#x}")
        upto = min(vma.vm_end, end)
        vma = mlock_fixup(current, vma, start, upto, vma.vm_flags & ~VM_LOCKED_MASK | newflags)
        start, vma = upto, vma if vma.vm_end > upto else vma.vm_next


def mlock_fixup(current: task_struct, vma: vm_area_struct, start: int, end: int, newflags: int) -> vm_area_struct:
    """Give [start, end), within one VMA, new lock flags, and count its pages; give its VMA: v4.4, same name."""
    oldflags = vma.vm_flags
    if newflags == oldflags:
        return vma
    vma = vma_modify(current.mm, vma, start, end, newflags)
    pages = (end - start) >> PAGE_SHIFT
    current.mm.locked_vm += pages * (bool(newflags & VM_LOCKED) - bool(oldflags & VM_LOCKED))
    if (newflags ^ oldflags) & VM_LOCKED:
        mlock_vma_pages_range(vma, start, end)
    return vma


def mlock_vma_pages_range(vma: vm_area_struct, start: int, end: int) -> None:
    """Tell the pages that are mapped already that the VMA is locked now, or no longer: 5.18, same name."""
    for table, first, last in pte_ranges(vma.vm_mm, start, end):
        for pte in table[first:last]:
            page = None if pte_none(pte) else vm_normal_page(vma, pte)
            if page is not None and vma.vm_flags & VM_LOCKED:
                mlock_vma_page(page)
            elif page is not None:
                munlock_vma_page(page)
    lru_add_drain(vma.vm_mm.machine)
