"""Dirty pages: mm/page-writeback.c (v4.4)."""

from __future__ import annotations

from ..include.fs import address_space
from ..include.mm_types import PG_dirty, PG_readahead, page
from ..include.mmzone import NR_FILE_DIRTY
from .rmap import page_mkclean


def set_page_dirty(page: page) -> None:
    """Note that the page is newer than its file: mm/page-writeback.c:set_page_dirty (v4.4).

    A mark for read-ahead or for reclaim, which share a bit, is no longer true.
    """
    page.flags &= ~PG_readahead
    if isinstance(page.mapping, address_space) and page.mapping.a_ops.set_page_dirty:
        page.mapping.a_ops.set_page_dirty(page)
    else:
        page.flags |= PG_dirty


def __set_page_dirty_nobuffers(page: page) -> None:
    """Mark the page dirty and count it, since somebody will write it back: v4.4, same name."""
    if not page.flags & PG_dirty:
        page.flags |= PG_dirty
        page.machine.vm_stat[NR_FILE_DIRTY] += 1


def __set_page_dirty_no_writeback(page: page) -> None:
    """Mark the page dirty; there is nowhere to write it to (ramfs, tmpfs): v4.4, same name."""
    page.flags |= PG_dirty


def account_page_cleaned(page: page) -> None:
    """Uncount a dirty page that leaves the page cache: mm/page-writeback.c:account_page_cleaned (v4.4)."""
    if page.flags & PG_dirty and page.mapping.a_ops.set_page_dirty is __set_page_dirty_nobuffers:  # type: ignore[union-attr]
        page.machine.vm_stat[NR_FILE_DIRTY] -= 1
    page.flags &= ~PG_dirty


def clear_page_dirty_for_io(page: page) -> bool:
    """Make the page clean before it is written back, in the PTEs too; True if it was dirty: v4.4, same name."""
    if page_mkclean(page):
        set_page_dirty(page)
    dirty = bool(page.flags & PG_dirty)
    account_page_cleaned(page)
    return dirty


def write_cache_pages(mapping: address_space, start: int, end: int) -> None:
    """Write the dirty ones of the file's pages start … end-1 back to the disk: v4.4, same name."""
    for index in sorted(index for index in mapping.page_tree if start <= index < end):
        page = mapping.page_tree[index]
        if clear_page_dirty_for_io(page) and mapping.a_ops.writepage:
            page.flags &= ~PG_readahead  # as PG_reclaim: end_page_writeback
            mapping.a_ops.writepage(page)
