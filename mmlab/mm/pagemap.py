"""The page cache's tree, and how a page gets into it: include/linux/pagemap.h and mm/filemap.c (v4.4)."""

from __future__ import annotations

from ..include.fs import address_space
from ..include.mm_types import PG_swapbacked, PG_uptodate, page
from ..include.mman import PAGE_SHIFT, PAGE_SIZE
from ..include.mmzone import GFP_KERNEL, NR_FILE_PAGES, NR_SHMEM
from .page_alloc import alloc_page, get_page, put_page
from .page_writeback import account_page_cleaned
from .swap import lru_cache_add


def find_get_page(mapping: address_space, index: int) -> page | None:
    """Look page `index` of the file up in the cache and take a reference: include/linux/pagemap.h (v4.4)."""
    found = mapping.page_tree.get(index)
    if found is not None:
        get_page(found)
    return found


def add_to_page_cache(page: page, mapping: address_space, index: int) -> None:
    """Make the page the file's page `index`; the cache holds a reference: mm/filemap.c:add_to_page_cache_lru (v4.4)."""
    get_page(page)
    page.mapping, page.index = mapping, index
    mapping.page_tree[index] = page
    page.machine.vm_stat[NR_FILE_PAGES] += 1
    if page.flags & PG_swapbacked:
        page.machine.vm_stat[NR_SHMEM] += 1
    lru_cache_add(page)


def delete_from_page_cache(page: page) -> None:
    """Take the page out of its file: mm/filemap.c:delete_from_page_cache (v4.4). Nobody may map it."""
    mapping: address_space = page.mapping  # type: ignore[assignment]
    account_page_cleaned(page)
    if mapping.a_ops.freepage:
        mapping.a_ops.freepage(page)
    del mapping.page_tree[page.index]
    page.mapping = None
    page.machine.vm_stat[NR_FILE_PAGES] -= 1
    if page.flags & PG_swapbacked:
        page.machine.vm_stat[NR_SHMEM] -= 1
    put_page(page)


def last_page(mapping: address_space) -> int:
    """Count the pages that the file's size covers; the last may be partly past its end."""
    return (mapping.host.i_size + PAGE_SIZE - 1) >> PAGE_SHIFT


def page_cache_read(mapping: address_space, index: int, gfp: int = GFP_KERNEL) -> bool:
    """Read one page into the cache, unless it is there: mm/filemap.c:page_cache_read (v4.4). False without memory."""
    if index in mapping.page_tree:
        return True
    page = alloc_page(mapping.host.i_sb.machine, gfp)
    if page is None:
        return False
    add_to_page_cache(page, mapping, index)
    mapping.a_ops.readpage(page)  # type: ignore[misc]
    put_page(page)
    return True


def make_uptodate(page: page) -> page:
    """Read a page that is in the cache without its contents, as a hole cut by the file's end is."""
    if not page.flags & PG_uptodate:
        page.mapping.a_ops.readpage(page)  # type: ignore[union-attr, misc]
    return page
