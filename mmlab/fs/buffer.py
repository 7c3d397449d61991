"""Writing to pages that have blocks on a disk: fs/buffer.c (v4.4). Here a block is a page, of 4096 bytes."""

from __future__ import annotations

from ..include.fs import address_space
from ..include.mm_types import PG_uptodate, page
from ..include.mman import PAGE_SHIFT, PAGE_SIZE, offset_in_page
from ..mm.filemap import grab_cache_page_write_begin
from ..mm.pagemap import make_uptodate
from ..mm.page_writeback import set_page_dirty


def block_write_begin(mapping: address_space, pos: int, length: int) -> page:
    """Find or make the page; it is read from the disk, unless all of it will be written: v4.4, same name. ENOMEM."""
    page = grab_cache_page_write_begin(mapping, pos >> PAGE_SHIFT)
    return make_uptodate(page) if length < PAGE_SIZE else page


def block_write_end(mapping: address_space, pos: int, length: int, copied: int, page: page) -> int:
    """Make the page dirty, and count what was written: v4.4, same name.

    A page without contents that was to be filled, and was only in part, counts as not written at all.
    """
    if copied < length and not page.flags & PG_uptodate:
        return 0
    page.flags |= PG_uptodate
    if copied or offset_in_page(pos):
        set_page_dirty(page)
    return copied
