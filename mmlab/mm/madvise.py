"""madvise: what the program knows of its memory, and the kernel does not: mm/madvise.c (v4.4).

Some advice is a flag of the VMA (and may so cut or merge VMAs), some is acted on at once.
"""

from __future__ import annotations

from errno import EACCES, EAGAIN, EFAULT, EINVAL, ENOMEM

from ..fs.open import vfs_fallocate
from ..include.errors import failure
from ..include.fs import file, file_inode
from ..include.mm import (
    VM_DONTCOPY, VM_DONTDUMP, VM_HUGEPAGE, VM_LOCKED, VM_MAYSHARE, VM_MAYWRITE, VM_MERGEABLE, VM_NOHUGEPAGE,
    VM_RAND_READ, VM_READ, VM_SEQ_READ, VM_SHARED, VM_WIPEONFORK, VM_WRITE,
)
from ..include.mm_types import PageAnon, PG_dirty, PG_referenced, PG_unevictable, page_mapcount, vm_area_struct
from ..include.mman import (
    FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, MADV_COLD, MADV_COLLAPSE, MADV_DODUMP, MADV_DOFORK, MADV_DONTDUMP,
    MADV_DONTFORK, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE, MADV_HUGEPAGE, MADV_KEEPONFORK, MADV_MERGEABLE,
    MADV_NOHUGEPAGE, MADV_NORMAL, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_RANDOM, MADV_REMOVE,
    MADV_SEQUENTIAL, MADV_UNMERGEABLE, MADV_WILLNEED, MADV_WIPEONFORK, PAGE_ALIGN, PAGE_SHIFT, PAGE_SIZE,
    offset_in_page,
)
from ..include.pgtable import _PAGE_ACCESSED, _PAGE_DIRTY, pte_none, pte_offset, pte_table
from ..include.sched import task_struct
from .gup import faultin_page_range
from .memory import pte_ranges, vm_normal_page, zap_page_range
from .readahead import force_page_cache_readahead
from .swap import deactivate_page, lru_add_drain, mark_page_lazyfree
from .vma import find_vma, vma_modify
from .vmscan import reclaim_pages

FLAGS = {  # advice → the flags of the VMA that it clears, and those that it sets
    MADV_NORMAL: (VM_RAND_READ | VM_SEQ_READ, 0),
    MADV_RANDOM: (VM_SEQ_READ, VM_RAND_READ),
    MADV_SEQUENTIAL: (VM_RAND_READ, VM_SEQ_READ),
    MADV_DONTFORK: (0, VM_DONTCOPY),
    MADV_DOFORK: (VM_DONTCOPY, 0),
    MADV_WIPEONFORK: (0, VM_WIPEONFORK),
    MADV_KEEPONFORK: (VM_WIPEONFORK, 0),
    MADV_DONTDUMP: (0, VM_DONTDUMP),
    MADV_DODUMP: (VM_DONTDUMP, 0),
    MADV_HUGEPAGE: (VM_NOHUGEPAGE, VM_HUGEPAGE),
    MADV_NOHUGEPAGE: (VM_HUGEPAGE, VM_NOHUGEPAGE),
    MADV_MERGEABLE: (0, VM_MERGEABLE),  # as long as /sys/kernel/mm/ksm/run is 0, nothing is merged
    MADV_UNMERGEABLE: (VM_MERGEABLE, 0),
}
POPULATE = (MADV_POPULATE_READ, MADV_POPULATE_WRITE)
LRU = (MADV_COLD, MADV_PAGEOUT)
ACTIONS = (*LRU, MADV_WILLNEED, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE, MADV_REMOVE, MADV_COLLAPSE)


def sys_madvise(current: task_struct, start: int, length: int, advice: int) -> None:
    """Take advice on [start, start + length), VMA by VMA: v4.4, same name.

    EINVAL for unknown or misplaced advice; ENOMEM if there was a hole (the rest is done).
    """
    if advice not in (*FLAGS, *POPULATE, *ACTIONS):
        raise failure(EINVAL, "madvise_behavior_valid", f"advice = {advice}")
    end = start + PAGE_ALIGN(length)
    if offset_in_page(start) or end >= 2**64:
        raise failure(EINVAL, "sys_madvise", f"start = {start:#x}, len = {length:#x}")
    if start == end:
        return
    hole, vma = False, find_vma(current.mm, start)
    while start < end:
        if vma is None or vma.vm_start > start:
            hole = True
            if advice in POPULATE or vma is None or vma.vm_start >= end:
                break
            start = vma.vm_start
        upto = min(vma.vm_end, end)
        vma = madvise_vma(current, vma, start, upto, advice)
        start, vma = upto, vma if vma.vm_end > upto else vma.vm_next
    if hole:
        raise failure(ENOMEM, "sys_madvise", "a part of the range is not mapped")


def madvise_vma(current: task_struct, vma: vm_area_struct, start: int, end: int, advice: int) -> vm_area_struct:
    """Take advice on a range within one VMA; give the VMA that holds it now: v4.4, same name."""
    if advice in FLAGS:
        return madvise_behavior(current, vma, start, end, advice)
    if advice in POPULATE:
        madvise_populate(current, vma, start, end, advice == MADV_POPULATE_WRITE)
    elif advice == MADV_WILLNEED:
        madvise_willneed(vma, start, end)
    elif advice == MADV_REMOVE:
        madvise_remove(vma, start, end)
    elif advice == MADV_COLLAPSE:
        raise failure(EINVAL, "madvise_collapse", "this machine has no huge pages")
    elif advice in LRU:
        madvise_cold_or_pageout(current, vma, start, end, advice == MADV_PAGEOUT)
    elif vma.vm_flags & VM_LOCKED and advice != MADV_DONTNEED_LOCKED:
        raise failure(EINVAL, "madvise_dontneed_free", f"{vma.name} is locked")
    elif advice == MADV_FREE:
        madvise_free(vma, start, end)
    else:
        zap_page_range(vma, start, end)  # MADV_DONTNEED: the next access finds the file's page again, or zeros
        lru_add_drain(current.machine)
    return vma


def madvise_behavior(current: task_struct, vma: vm_area_struct, start: int, end: int, advice: int) -> vm_area_struct:
    """Set or clear a flag: v4.4, same name. EAGAIN if that cannot be for want of memory, or of room for VMAs.

    EINVAL for MADV_WIPEONFORK of anything but private anonymous memory. Shared memory is never MADV_MERGEABLE.
    """
    if advice == MADV_WIPEONFORK and (vma.vm_file or vma.vm_flags & VM_SHARED):
        raise failure(EINVAL, "madvise_behavior", f"MADV_WIPEONFORK, and {vma.name} is no private anonymous memory")
    clear, setting = FLAGS[advice]
    newflags = vma.vm_flags & ~clear | setting
    if newflags == vma.vm_flags or (advice == MADV_MERGEABLE and vma.vm_flags & (VM_SHARED | VM_MAYSHARE)):
        return vma
    try:
        return vma_modify(current.mm, vma, start, end, newflags)
    except OSError as error:
        raise failure(EAGAIN, "madvise_behavior", str(error)) from None


def madvise_populate(current: task_struct, vma: vm_area_struct, start: int, end: int, write: bool) -> None:
    """Fault the pages in as a load or a store would: 5.14, same name.

    EINVAL if the VMA forbids that access; EFAULT where it would be SIGBUS; ENOMEM without memory.
    """
    if not vma.vm_flags & (VM_WRITE if write else VM_READ):
        raise failure(EINVAL, "madvise_populate", f"{vma.name} is {vma.perms}")
    error = faultin_page_range(current, vma, start, end, write)
    if error:
        what = "a page cannot be had" if error == EFAULT else "no memory for a page"
        raise failure(error, "madvise_populate", what)


def madvise_willneed(vma: vm_area_struct, start: int, end: int) -> None:
    """Read the file's pages ahead, if they come from a disk: v4.4, same name."""
    mapping = vma.vm_file.f_mapping if vma.vm_file else None
    if mapping is not None and mapping.host.i_sb.s_type.ra_pages:
        first = vma.vm_pgoff + ((start - vma.vm_start) >> PAGE_SHIFT)
        force_page_cache_readahead(mapping, first, (end - start) >> PAGE_SHIFT)


def madvise_cold_or_pageout(
    current: task_struct, vma: vm_area_struct, start: int, end: int, pageout: bool
) -> None:
    """Forget that the pages were used and, with `pageout`, reclaim them: madvise_cold, madvise_pageout (5.4). EINVAL.

    Pages of a file are paged out only for those who may write it: to others it would tell who else uses them (5.4).
    """
    if vma.vm_flags & VM_LOCKED:
        raise failure(EINVAL, "can_madv_lru_vma", f"{vma.name} is locked")
    anon_only = pageout and not can_do_file_pageout(current, vma)
    if not (anon_only and vma.vm_flags & VM_MAYSHARE):
        for table, first, last in pte_ranges(vma.vm_mm, start, end):
            madvise_cold_or_pageout_pte_range(vma, table, first, last, pageout, anon_only)


def can_do_file_pageout(current: task_struct, vma: vm_area_struct) -> bool:
    """Tell whether the process could write the file, if there is one: 5.4, same name. (Here all files are root's.)"""
    return vma.vm_file is None or current.uid == 0 or bool(file_inode(vma.vm_file).i_mode & 0o002)


def madvise_cold_or_pageout_pte_range(
    vma: vm_area_struct, table: pte_table, first: int, last: int, pageout: bool, anon_only: bool
) -> None:
    """Do it for entries first … last-1 of one page table; pages that others map as well are left alone: 5.4."""
    pages = []
    for i in range(first, last):
        page = None if pte_none(table[i]) else vm_normal_page(vma, table[i])
        if page is None or page_mapcount(page) != 1 or (anon_only and not PageAnon(page)):
            continue
        page.flags &= ~PG_referenced
        if not pageout:
            table[i] &= ~_PAGE_ACCESSED
            deactivate_page(page)
        elif not page.flags & PG_unevictable:
            pages.append(page)
    reclaim_pages(pages)


def madvise_free(vma: vm_area_struct, start: int, end: int) -> None:
    """Let the kernel take anonymous pages, if it needs to, until they are written again: 4.5, same name. EINVAL."""
    if vma.vm_ops is not None:
        raise failure(EINVAL, "madvise_free_single_vma", f"{vma.name} is no anonymous memory")
    for address in range(start, end, PAGE_SIZE):
        table, i = pte_offset(vma.vm_mm.pgd, address)
        page = None if table is None or pte_none(table[i]) else vm_normal_page(vma, table[i])
        shared_dirty = page is not None and page.flags & PG_dirty and page_mapcount(page) > 1
        if table is not None and page is not None and PageAnon(page) and not shared_dirty:
            table[i] &= ~(_PAGE_ACCESSED | _PAGE_DIRTY)
            page.flags &= ~PG_dirty
            mark_page_lazyfree(page)


def madvise_remove(vma: vm_area_struct, start: int, end: int) -> None:
    """Punch the range out of the file: v4.4, same name. EINVAL, EACCES, EOPNOTSUPP."""
    if vma.vm_flags & VM_LOCKED or vma.vm_file is None:
        raise failure(EINVAL, "madvise_remove", f"{vma.name} is locked, or maps no file")
    if vma.vm_flags & (VM_SHARED | VM_MAYWRITE) != VM_SHARED | VM_MAYWRITE:
        raise failure(EACCES, "madvise_remove", f"{vma.name} is not shared and writable")
    at = (vma.vm_pgoff << PAGE_SHIFT) + start - vma.vm_start
    held: file = vma.vm_file
    vfs_fallocate(held, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, end - start)
