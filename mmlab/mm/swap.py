"""How recently a page was used: mm/swap.c (v4.4).

A page climbs by being used: inactive → inactive, referenced → active → active, referenced. Where reclaim looks for
pages (vmscan.py), they come down again. The kernel gathers such moves, and does some 31 at once; here each is done
when it is asked for, but for locking and unlocking (mlock_fbatch): meanwhile the page is used as it was before.
"""

from __future__ import annotations

from ..include.fs import address_space
from ..include.mm_inline import add_page_to_lru_list, del_page_from_lru_list
from ..include.mm_types import (
    PageAnon, PG_active, PG_lru, PG_mlocked, PG_referenced, PG_swapbacked, PG_unevictable, page,
)
from ..include.mmzone import machine
from .rmap import page_mlocked


def mapping_unevictable(mapping: object) -> bool:
    """Tell whether this is a file that lives in memory only: include/linux/pagemap.h:mapping_unevictable (v4.4)."""
    return isinstance(mapping, address_space) and mapping.a_ops.writepage is None


def lru_cache_add(page: page) -> None:
    """Put the page on its list; without swap, anonymous and shared memory needs none: v4.4, same name."""
    if not page.flags & PG_swapbacked:
        if mapping_unevictable(page.mapping):
            page.flags |= PG_unevictable
        add_page_to_lru_list(page)


def mark_page_accessed(page: page) -> None:
    """Note that the page was used: v4.4, same name. The second time makes it active; not if it is unevictable."""
    if not page.flags & PG_referenced:
        page.flags |= PG_referenced
    elif not page.flags & (PG_active | PG_unevictable | PG_mlocked):
        activate_page(page)
        page.flags &= ~PG_referenced


def mlock_vma_page(page: page) -> None:
    """Let the page be unevictable soon, since a locked VMA maps it: 5.18, same name."""
    if not page.flags & PG_mlocked:
        page.machine.mlock_fbatch.append(page)


def munlock_vma_page(page: page) -> None:
    """Let the page be evictable again soon, unless a locked VMA maps it still: 5.18, same name."""
    if page.flags & PG_mlocked:
        page.machine.mlock_fbatch.append(page)


def lru_add_drain(machine: machine) -> None:
    """Make the pages that wait for it unevictable, and so no longer active; or evictable again: v4.4, same name."""
    while machine.mlock_fbatch:
        page = machine.mlock_fbatch.pop()
        if page_mlocked(page):
            referenced = page.flags & PG_referenced
            deactivate_page(page)
            page.flags |= referenced | PG_mlocked
        else:
            page.flags &= ~PG_mlocked


def activate_page(page: page) -> None:
    """Move the page to the active list: v4.4, same name."""
    listed = page.flags & PG_lru
    if listed:
        del_page_from_lru_list(page)
    page.flags |= PG_active
    if listed:
        add_page_to_lru_list(page)


def deactivate_page(page: page) -> None:
    """Move the page to the inactive list: 5.4, same name. Not if it is unevictable."""
    if page.flags & (PG_active | PG_unevictable) == PG_active:
        listed = page.flags & PG_lru
        if listed:
            del_page_from_lru_list(page)
        page.flags &= ~(PG_active | PG_referenced)
        if listed:
            add_page_to_lru_list(page)


def mark_page_lazyfree(page: page) -> None:
    """Let the page be reclaimed as if a file backed it, unless it is written again: 4.12, same name."""
    if PageAnon(page) and page.flags & PG_swapbacked and not page.flags & PG_mlocked:
        page.flags &= ~(PG_active | PG_referenced | PG_swapbacked)
        lru_cache_add(page)
