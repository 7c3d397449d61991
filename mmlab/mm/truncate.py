"""Pages leave a file: mm/truncate.c (v4.4)."""

from __future__ import annotations

from ..include.fs import address_space, inode
from ..include.highmem import write_page_bytes
from ..include.mm_types import PG_dirty
from ..include.mman import PAGE_SHIFT, PAGE_SIZE
from .memory import unmap_mapping_range
from .pagemap import delete_from_page_cache, last_page


def truncate_inode_pages(mapping: address_space, lstart: int) -> None:
    """Drop the file's pages from byte `lstart` on, and zero the tail of the page it lies in: v4.4, same name."""
    for index in [i for i in mapping.page_tree if i << PAGE_SHIFT >= lstart]:
        delete_from_page_cache(mapping.page_tree[index])
    partial = mapping.page_tree.get(lstart >> PAGE_SHIFT)
    if partial is not None and lstart % PAGE_SIZE:
        write_page_bytes(partial, lstart % PAGE_SIZE, bytes(PAGE_SIZE - lstart % PAGE_SIZE))


def truncate_pagecache(inode: inode, newsize: int) -> None:
    """Unmap and drop everything past the new end, private copies included: v4.4, same name."""
    unmap_mapping_range(inode.i_mapping, last_page(inode.i_mapping), even_cows=True)
    truncate_inode_pages(inode.i_mapping, newsize)


def truncate_setsize(inode: inode, newsize: int) -> None:
    """Give the file a new size (bytes), perhaps the old one: v4.4, same name. A page wholly past it will be SIGBUS."""
    oldsize, s_type = inode.i_size, inode.i_sb.s_type
    if newsize > oldsize and s_type.extend:
        s_type.extend(inode, oldsize, newsize)
    inode.i_size = newsize
    truncate_pagecache(inode, newsize)
    if newsize <= oldsize and s_type.truncate:
        s_type.truncate(inode)


def truncate_pagecache_range(inode: inode, start: int, end: int) -> None:
    """Make a hole of bytes start … end-1: whole pages go, parts are zeroed; private copies stay: v4.4, same name.

    A hole that ends within page 0 unmaps all pages from `first` on: the kernel's end of the range, one byte before
    page 0, is the largest number there is.
    """
    mapping, first, last = inode.i_mapping, (start + PAGE_SIZE - 1) >> PAGE_SHIFT, end >> PAGE_SHIFT
    if first < last or last == 0:
        unmap_mapping_range(mapping, first, even_cows=False, last=last or None)
    for index in [i for i in mapping.page_tree if first <= i < last]:
        delete_from_page_cache(mapping.page_tree[index])
    for edge in {start >> PAGE_SHIFT, end >> PAGE_SHIFT}:
        page, at = mapping.page_tree.get(edge), edge << PAGE_SHIFT
        low, high = max(start, at), min(end, at + PAGE_SIZE)
        if page is not None and low < high:
            write_page_bytes(page, low - at, bytes(high - low))


def invalidate_mapping_pages(mapping: address_space) -> int:
    """Drop the pages that are clean and that nobody maps; give how many: v4.4, same name."""
    idle = [page for page in mapping.page_tree.values() if page._count == 1 and not page.flags & PG_dirty]
    for each in idle:
        delete_from_page_cache(each)
    return len(idle)
