"""What many file systems do alike: fs/libfs.c (v4.4)."""

from __future__ import annotations

from ..include.fs import address_space, file
from ..include.mm_types import PG_uptodate, page
from ..include.mman import PAGE_SHIFT
from ..mm.filemap import filemap_write_and_wait_range, grab_cache_page_write_begin
from ..mm.page_writeback import set_page_dirty


def simple_readpage(page: page) -> None:
    """Fill the page with zeros: there is no disk to read: v4.4, same name."""
    page.data = None
    page.flags |= PG_uptodate


def simple_write_begin(mapping: address_space, pos: int, length: int) -> page:
    """Find or make the page: a new one reads as zeros: v4.4, same name. ENOMEM."""
    return grab_cache_page_write_begin(mapping, pos >> PAGE_SHIFT)


def simple_write_end(mapping: address_space, pos: int, length: int, copied: int, page: page) -> int:
    """Count what was written, and let the file go at least so far: v4.4, same name."""
    page.flags |= PG_uptodate
    set_page_dirty(page)
    mapping.host.i_size = max(mapping.host.i_size, pos + copied)
    return copied


def generic_file_fsync(file: file, start: int, end: int) -> None:
    """Write back what of the file is dirty: v4.4, same name."""
    filemap_write_and_wait_range(file.f_mapping, start, end)


def noop_fsync(file: file, start: int, end: int) -> None:
    """Do nothing: there is no disk: v4.4, same name."""
