"""The lists of pages for reclaim: include/linux/mm_inline.h (v4.4).

    active_file, inactive_file   pages of files that a disk holds: they can be read again;
                                 anonymous pages given up by MADV_FREE: they may become zeros
    unevictable                  pages of ramfs: they are nowhere else

The kernel has lists of anonymous (and shared) memory too. This machine has no swap: they would never be scanned, and
nothing could tell their order. So they are left out, and touching memory costs no list. The kernel moves locked pages
to the unevictable list; here they stay where they are, and reclaim passes them over.
"""

from __future__ import annotations

from .mm_types import PG_active, PG_lru, PG_unevictable, page
from .mmzone import LRU_ACTIVE_FILE, LRU_INACTIVE_FILE, LRU_UNEVICTABLE


def page_lru(page: page) -> str:
    """Say on which list the page is, or belongs: include/linux/mm_inline.h:page_lru (v4.4)."""
    if page.flags & PG_unevictable:
        return LRU_UNEVICTABLE
    return LRU_ACTIVE_FILE if page.flags & PG_active else LRU_INACTIVE_FILE


def add_page_to_lru_list(page: page) -> None:
    """Put the page on its list, as the youngest: include/linux/mm_inline.h:add_page_to_lru_list (v4.4)."""
    page.flags |= PG_lru
    page.machine.lruvec[page_lru(page)][page] = True


def del_page_from_lru_list(page: page) -> None:
    """Take the page off its list: include/linux/mm_inline.h:del_page_from_lru_list (v4.4)."""
    page.flags &= ~PG_lru
    del page.machine.lruvec[page_lru(page)][page]
