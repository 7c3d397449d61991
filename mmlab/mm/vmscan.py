"""Reclaim: taking memory back from those who can do without: mm/vmscan.c (v4.4).

    try_to_free_pages
        shrink_lruvec                  some of the pages on the lists; if that frees too few, more of them
            shrink_inactive_list       the oldest 32 of those that are not used much
                shrink_page_list       was it used? → keep it; else unmap it, write it back, free its frame
            shrink_active_list         move the oldest 32 down, if the inactive list is the shorter one

A page that goes is read again, at a major fault, if anybody wants it. Without swap nothing else can go: not what
programs have written to anonymous or shared memory, not ramfs, not locked pages. Which lists there are:
include/mm_inline.py.
"""

from __future__ import annotations

from itertools import islice
from math import isqrt

from ..include.fs import address_space
from ..include.mm import VM_EXEC, VM_LOCKED
from ..include.mm_inline import del_page_from_lru_list
from ..include.mm_types import (
    PageAnon, PG_active, PG_dirty, PG_lru, PG_readahead, PG_referenced, PG_swapbacked, page, page_mapcount,
)
from ..include.mman import PAGE_SHIFT
from ..include.mmzone import LRU_ACTIVE_FILE, LRU_INACTIVE_FILE, PGSCAN_DIRECT, PGSTEAL_DIRECT, machine
from .page_alloc import get_page, put_page
from .page_writeback import clear_page_dirty_for_io
from .pagemap import delete_from_page_cache
from .rmap import page_referenced, try_to_unmap
from .swap import lru_cache_add

SWAP_CLUSTER_MAX = 32  # pages to look at in one go, and to free before that is enough
DEF_PRIORITY = 12  # look at 1/4096 of each list first, then 1/2048, … and at last all of it
PAGEREF_RECLAIM, PAGEREF_RECLAIM_CLEAN, PAGEREF_KEEP, PAGEREF_ACTIVATE = range(4)


def try_to_free_pages(machine: machine) -> int:
    """Free some 32 frames; give how many it were, 0 if nothing could be taken back: v4.4, same name."""
    reclaimed = 0
    for priority in range(DEF_PRIORITY, -1, -1):
        reclaimed += shrink_lruvec(machine, priority)
        if reclaimed >= SWAP_CLUSTER_MAX:
            break
    return reclaimed


def shrink_lruvec(machine: machine, priority: int) -> int:
    """Look at 1/2^priority of each list, until enough is freed; give how many frames: v4.4, same name."""
    left = {lru: len(machine.lruvec[lru]) >> priority for lru in (LRU_INACTIVE_FILE, LRU_ACTIVE_FILE)}
    reclaimed = 0
    while any(left.values()) and reclaimed < SWAP_CLUSTER_MAX:
        for lru in left:
            nr_to_scan = min(left[lru], SWAP_CLUSTER_MAX)
            left[lru] -= nr_to_scan
            reclaimed += shrink_list(machine, lru, nr_to_scan)
    if inactive_list_is_low(machine):
        shrink_active_list(machine, SWAP_CLUSTER_MAX)
    return reclaimed


def shrink_list(machine: machine, lru: str, nr_to_scan: int) -> int:
    """Shrink one list; the active one only where the other is too short: v4.4, same name."""
    if lru == LRU_INACTIVE_FILE:
        return shrink_inactive_list(machine, nr_to_scan)
    if inactive_list_is_low(machine):
        shrink_active_list(machine, nr_to_scan)
    return 0


def inactive_list_is_low(machine: machine) -> bool:
    """Tell whether too few pages are on trial: half of them, in a large memory less: 4.7, same name."""
    inactive, active = len(machine.lruvec[LRU_INACTIVE_FILE]), len(machine.lruvec[LRU_ACTIVE_FILE])
    gigabytes = (inactive + active) >> (30 - PAGE_SHIFT)
    return inactive * (isqrt(10 * gigabytes) or 1) < active


def isolate_lru_pages(machine: machine, lru: str, nr_to_scan: int) -> list[page]:
    """Take the oldest pages off a list, with a reference to each: v4.4, same name."""
    pages = list(islice(machine.lruvec[lru], nr_to_scan))
    for each in pages:
        del_page_from_lru_list(each)
        get_page(each)
    return pages


def putback_lru_page(page: page) -> None:
    """Put a page that stays back, as the youngest of its list; this may free it, too: v4.4, same name."""
    lru_cache_add(page)
    put_page(page)


def shrink_active_list(machine: machine, nr_to_scan: int) -> None:
    """Move the oldest active pages to the inactive list; code that ran lately stays: v4.4, same name."""
    for each in isolate_lru_pages(machine, LRU_ACTIVE_FILE, nr_to_scan):
        referenced, vm_flags = page_referenced(each)
        if not (referenced and vm_flags & VM_EXEC):
            each.flags &= ~PG_active
        putback_lru_page(each)


def shrink_inactive_list(machine: machine, nr_to_scan: int) -> int:
    """Free what can be freed of the oldest inactive pages; give how many frames: v4.4, same name."""
    pages = isolate_lru_pages(machine, LRU_INACTIVE_FILE, nr_to_scan)
    kept = [each for each in pages if not shrink_page(each)]
    for each in kept:
        putback_lru_page(each)
    machine.vm_stat[PGSCAN_DIRECT] += len(pages)
    machine.vm_stat[PGSTEAL_DIRECT] += len(pages) - len(kept)
    return len(pages) - len(kept)


def shrink_page(page: page) -> bool:
    """Free a page that is on no list; False if it must stay: the loop of mm/vmscan.c:shrink_page_list (v4.4).

    Here a dirty page is written at once. (In the kernel, whoever needs memory leaves that to the flusher threads and
    waits for them: the page goes one round later.)
    """
    references = page_check_references(page)
    if references == PAGEREF_ACTIVATE:
        page.flags |= PG_active
    if references in (PAGEREF_ACTIVATE, PAGEREF_KEEP) or (page_mapcount(page) and not try_to_unmap(page)):
        return False
    if page.flags & PG_dirty:
        if references == PAGEREF_RECLAIM_CLEAN:
            return False
        pageout(page)
    return __remove_mapping(page)


def reclaim_pages(pages: list[page]) -> None:
    """Free what can be freed of these pages, used lately or not: 5.4, same name (reclaim_folio_list). For MADV_PAGEOUT.

    What stays counts as active. What is dirty stays: this machine has no swap, and a disk's pages are left to the
    flusher threads (6.16; until then they were written here).
    """
    for each in pages:
        if each.flags & PG_lru:
            del_page_from_lru_list(each)
        get_page(each)
    for each in pages:
        if not reclaim_page(each):
            putback_lru_page(each)


def reclaim_page(page: page) -> bool:
    """Free a page that is on no list; False if it must stay: shrink_page_list with ignore_references (5.4)."""
    anonymous = PageAnon(page) and page.flags & PG_swapbacked
    if not anonymous and try_to_unmap(page) and not page.flags & PG_dirty:
        return __remove_mapping(page)
    if page.flags & (PG_dirty | PG_swapbacked) == PG_dirty:
        page.flags |= PG_readahead  # the same bit as PG_reclaim, which asks for it back once it is written
    page.flags |= PG_active
    return False


def page_check_references(page: page) -> int:
    """Decide by its use what becomes of the page: v4.4, same name.

    Being mapped counts as one use, so a mapped page gets a second look; used in between, or by two, or to run code, it
    becomes active.
    """
    referenced_ptes, vm_flags = page_referenced(page)
    referenced_page = page.flags & PG_referenced
    page.flags &= ~PG_referenced
    if vm_flags & VM_LOCKED:
        return PAGEREF_KEEP
    if referenced_ptes:
        page.flags |= PG_referenced
        active = referenced_page or referenced_ptes > 1 or vm_flags & VM_EXEC
        return PAGEREF_ACTIVATE if active else PAGEREF_KEEP
    return PAGEREF_RECLAIM_CLEAN if referenced_page else PAGEREF_RECLAIM


def pageout(page: page) -> None:
    """Write the page to its disk: v4.4, same name."""
    if clear_page_dirty_for_io(page):
        page.mapping.a_ops.writepage(page)  # type: ignore[union-attr, misc]


def __remove_mapping(page: page) -> bool:
    """Take the page out of its file, if nobody else holds it, and free its frame: v4.4, same name.

    Given-up anonymous memory is in no file; nothing holds it any more.
    """
    if isinstance(page.mapping, address_space):
        if page._count != 2:  # the page cache, and we
            return False
        delete_from_page_cache(page)
    put_page(page)
    return True
