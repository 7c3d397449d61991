"""Reading ahead: mm/readahead.c (v4.4).

An open file's read-ahead is a window: f_ra_size pages from f_ra_start on. The first page of its last f_ra_async_size
ones is marked (PG_readahead). Whoever comes to the mark has the next window read, before it is needed.
"""

from __future__ import annotations

from itertools import count

from ..include.fs import address_space, file
from ..include.mm_types import PG_readahead, PG_tail, page
from ..include.mman import PAGE_SHIFT
from ..include.mmzone import __GFP_NORETRY
from .pagemap import last_page, page_cache_read


def page_cache_sync_readahead(file: file, index: int, req_count: int) -> None:
    """Read page `index`, which is not there, and as many more as the reads so far promise to want.

    The start of a file, or a read that goes on where the last one ended, begins a window; so do pages that are cached
    just before. Any other read gets the pages it asked for: v4.4, ondemand_readahead.
    """
    mapping, max_pages = file.f_mapping, file.f_mapping.host.i_sb.s_type.ra_pages
    if not max_pages:
        return
    prev_index = file.f_ra_prev_pos >> PAGE_SHIFT
    cached = next((n for n in range(max_pages) if index - 1 - n not in mapping.page_tree), max_pages)
    if index == 0 or req_count > max_pages or (file.f_ra_prev_pos >= 0 and 0 <= index - prev_index <= 1):
        size = get_init_ra_size(req_count, max_pages)
        ra_submit(file, index, size, size - req_count if size > req_count else size >> 1)
    elif cached <= req_count:
        do_page_cache_readahead(mapping, index, req_count)
    else:
        ra_submit(file, index, min(cached * (1 + (cached == index)) + req_count, max_pages), 1)


def page_cache_async_readahead(file: file, page: page, index: int, req_count: int) -> bool:
    """Read the next window if page `index` is marked; tell whether it was: v4.4, same name.

    A mark that is not this file's own (another opened it, too) says only that what follows it is cached up to a gap:
    there the window begins. It ends where large pages would, at a multiple of their size (6.16).
    """
    mapping, max_pages = file.f_mapping, file.f_mapping.host.i_sb.s_type.ra_pages
    if not page.flags & PG_readahead or not max_pages:
        return False
    clear_readahead(mapping, page.index)
    start, size = file.f_ra_start + file.f_ra_size, file.f_ra_size
    if index == start - file.f_ra_async_size:
        size = max(size, get_next_ra_size(size, max_pages))
    else:
        start = next(n for n in count(index + 1) if n not in mapping.page_tree)
        if start - index > max_pages:
            return True
        size = get_next_ra_size(start - index + req_count, max_pages)
    order, end = file.f_ra_order + 2, start + size
    aligned = end - end % min(1 << order, max_pages & -max_pages)
    size = aligned - start if aligned > start else size
    ra_submit(file, start, size, size, order)
    return True


def clear_readahead(mapping: address_space, index: int) -> None:
    """Take the mark off the page, and off those that are in one large page with it."""
    while mapping.page_tree[index].flags & PG_tail:
        index -= 1
    mapping.page_tree[index].flags &= ~PG_readahead
    while (page := mapping.page_tree.get(index := index + 1)) is not None and page.flags & PG_tail:
        page.flags &= ~(PG_readahead | PG_tail)


def get_init_ra_size(size: int, max_pages: int) -> int:
    """Say how many pages the first window has: v4.4, same name."""
    rounded = 1 << (size - 1).bit_length()
    if rounded <= max_pages // 32:
        return rounded * 4
    return rounded * 2 if rounded <= max_pages // 4 else max_pages


def get_next_ra_size(size: int, max_pages: int) -> int:
    """Say how many pages the window after one of `size` has: v4.4, same name."""
    if size < max_pages // 16:
        return size * 4
    return size * 2 if size <= max_pages // 2 else max_pages


def ra_submit(file: file, start: int, size: int, async_size: int, order: int = 0) -> None:
    """Make this the file's window, and read it: mm/internal.h:ra_submit (v4.4), page_cache_ra_order (5.18).

    Linux reads it in large pages of up to 2^order. Here they are single ones; only the mark is as wide as a large one.
    What is cached already ends that, and the rest is read page by page.
    """
    mapping, mark = file.f_mapping, start + size - async_size
    file.f_ra_start, file.f_ra_size, file.f_ra_async_size = start, size, async_size
    file.f_ra_order = order = max(0, min(order, size.bit_length() - 1))
    index, end = start, min(start + size, last_page(mapping))
    while index < end:
        width = min(1 << order, index & -index or 1 << order)
        while index + width > end:
            width >>= 1
        pages = range(index, index + width)
        if any(page in mapping.page_tree for page in pages):
            break
        if not read_pages(mapping, pages, mark in pages):
            return
        index += width
    do_page_cache_readahead(mapping, index, start + size - index, async_size)


def do_page_cache_readahead(mapping: address_space, start: int, nr_to_read: int, lookahead_size: int = 0) -> None:
    """Read what of `nr_to_read` pages is not cached, up to the end of the file: v4.4, same name.

    The first of the last `lookahead_size` ones is marked.
    """
    nr_to_read = min(nr_to_read, last_page(mapping) - start)
    mark = start + nr_to_read - lookahead_size if 0 < lookahead_size <= nr_to_read else None
    for index in range(start, start + nr_to_read):
        if index not in mapping.page_tree and not read_pages(mapping, range(index, index + 1), index == mark):
            return


def read_pages(mapping: address_space, pages: range, marked: bool) -> bool:
    """Read pages into the cache, and mark them: v4.4, same name. False without memory.

    Nobody has asked for them yet, so no process is killed for them.
    """
    for index in pages:
        if not page_cache_read(mapping, index, __GFP_NORETRY):
            return False
        if marked:
            mapping.page_tree[index].flags |= PG_readahead | (PG_tail if index > pages.start else 0)
    return True


def force_page_cache_readahead(mapping: address_space, start: int, nr_to_read: int) -> None:
    """Read `nr_to_read` pages from `start` on, as a program advises: v4.4, same name."""
    do_page_cache_readahead(mapping, start, nr_to_read)
