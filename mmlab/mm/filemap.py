"""The page cache: mm/filemap.c (v4.4)."""

from __future__ import annotations

from errno import EFAULT, ENOEXEC, ENOMEM
from itertools import count

from ..include.errors import failure
from ..include.fs import address_space, file, file_inode
from ..include.mm import (
    FAULT_FLAG_ALLOW_RETRY, VM_EXEC, VM_FAULT_LOCKED, VM_FAULT_MAJOR, VM_FAULT_NOPAGE, VM_FAULT_OOM, VM_FAULT_RETRY,
    VM_FAULT_SIGBUS, VM_RAND_READ, VM_SEQ_READ, vm_fault, vm_operations_struct,
)
from ..include.mm_types import (
    PG_dirty, PG_readahead, PG_swapbacked, PG_tail, PG_uptodate, page, vm_area_struct, vma_pages,
)
from ..include.mman import PAGE_SHIFT, PAGE_SIZE
from ..include.mmzone import __GFP_NORETRY, GFP_KERNEL, NR_FILE_PAGES, NR_SHMEM, PGMAJFAULT
from ..include.pgtable import pte_index, pte_none, pte_offset, pte_table
from ..include.uio import iov_iter
from ..lib.iov_iter import copy_page_from_iter_atomic, copy_page_to_iter, fault_in_iov_iter_readable, iov_iter_revert
from .memory import do_set_pte, pte_alloc_map
from .page_alloc import alloc_page, get_page, put_page
from .page_writeback import account_page_cleaned, set_page_dirty, write_cache_pages
from .swap import lru_cache_add, mark_page_accessed

PAGEVEC_SIZE = 31  # include/linux/pagevec.h (6.9)


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


# ── reading the disk ────────────────────────────────────────────────────────────────────────────────────────


def make_uptodate(page: page) -> page:
    """Read a page that is in the cache without its contents, as a hole cut by the file's end is."""
    if not page.flags & PG_uptodate:
        page.mapping.a_ops.readpage(page)  # type: ignore[union-attr, misc]
    return page


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


# ── reading ahead: mm/readahead.c ───────────────────────────────────────────────────────────────────────────
#
# An open file's read-ahead is a window: f_ra_size pages from f_ra_start on. The first page of its last f_ra_async_size
# ones is marked (PG_readahead). Whoever comes to the mark has the next window read, before it is needed.


def page_cache_sync_readahead(file: file, index: int, req_count: int) -> None:
    """Read page `index`, which is not there, and as many more as the reads so far promise to want.

    mm/readahead.c:ondemand_readahead (v4.4). The start of a file, or a read that goes on where the last one ended,
    begins a window; so do pages that are cached just before. Any other read gets the pages it asked for.
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
    """Read the next window if page `index` is marked; tell whether it was: mm/readahead.c, same name (v4.4).

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
    """Say how many pages the first window has: mm/readahead.c:get_init_ra_size (v4.4)."""
    rounded = 1 << (size - 1).bit_length()
    if rounded <= max_pages // 32:
        return rounded * 4
    return rounded * 2 if rounded <= max_pages // 4 else max_pages


def get_next_ra_size(size: int, max_pages: int) -> int:
    """Say how many pages the window after one of `size` has: mm/readahead.c:get_next_ra_size (v4.4)."""
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
    """Read what of `nr_to_read` pages is not cached, up to the end of the file: mm/readahead.c (v4.4), same name.

    The first of the last `lookahead_size` ones is marked.
    """
    nr_to_read = min(nr_to_read, last_page(mapping) - start)
    mark = start + nr_to_read - lookahead_size if 0 < lookahead_size <= nr_to_read else None
    for index in range(start, start + nr_to_read):
        if index not in mapping.page_tree and not read_pages(mapping, range(index, index + 1), index == mark):
            return


def read_pages(mapping: address_space, pages: range, marked: bool) -> bool:
    """Read pages into the cache, and mark them: mm/readahead.c:read_pages (v4.4). False without memory.

    Nobody has asked for them yet, so no process is killed for them.
    """
    for index in pages:
        if not page_cache_read(mapping, index, __GFP_NORETRY):
            return False
        if marked:
            mapping.page_tree[index].flags |= PG_readahead | (PG_tail if index > pages.start else 0)
    return True


def force_page_cache_readahead(mapping: address_space, start: int, nr_to_read: int) -> None:
    """Read `nr_to_read` pages from `start` on, as a program advises: mm/readahead.c, same name (v4.4)."""
    do_page_cache_readahead(mapping, start, nr_to_read)


def do_sync_mmap_readahead(vma: vm_area_struct, file: file, pgoff: int) -> None:
    """Read the faulting page with those around it, as the program's advice goes: v4.4, same name.

    Without advice half of the window lies before the page, and its last quarter is read on demand; in code it begins
    with the page, and ends with the VMA (6.16).
    """
    ra_pages = file.f_mapping.host.i_sb.s_type.ra_pages
    if vma.vm_flags & VM_EXEC:
        ra_submit(file, pgoff, min(ra_pages, vma.vm_pgoff + vma_pages(vma) - pgoff), 0)
    elif vma.vm_flags & VM_SEQ_READ:
        page_cache_sync_readahead(file, pgoff, ra_pages)
    elif not vma.vm_flags & VM_RAND_READ:
        ra_submit(file, max(0, pgoff - ra_pages // 2), ra_pages, ra_pages // 4)


# ── the vm_ops of a file ────────────────────────────────────────────────────────────────────────────────────


def filemap_fault(vma: vm_area_struct, vmf: vm_fault) -> int:
    """Find the file's page, reading the disk if need be; the answer is in vmf.page: v4.4, same name.

    A page beyond the end of the file is VM_FAULT_SIGBUS. A page that is not cached makes the fault a major one. After
    reading the disk, since others may use the address space meanwhile, the fault is tried again (VM_FAULT_RETRY).
    """
    assert vma.vm_file is not None
    file, mapping = vma.vm_file, vma.vm_file.f_mapping
    if vmf.pgoff >= last_page(mapping):
        return VM_FAULT_SIGBUS
    if vmf.pgoff in mapping.page_tree:
        page, ra_pages = mapping.page_tree[vmf.pgoff], mapping.host.i_sb.s_type.ra_pages
        waited = not vma.vm_flags & VM_RAND_READ and page_cache_async_readahead(file, page, vmf.pgoff, ra_pages)
        if waited and vmf.flags & FAULT_FLAG_ALLOW_RETRY:
            return VM_FAULT_RETRY
        return filemap_fault_cached(mapping, vmf)
    do_sync_mmap_readahead(vma, file, vmf.pgoff)
    mapping.host.i_sb.machine.vm_stat[PGMAJFAULT] += 1
    if not page_cache_read(mapping, vmf.pgoff):
        return VM_FAULT_OOM
    if vmf.flags & FAULT_FLAG_ALLOW_RETRY:
        return VM_FAULT_MAJOR | VM_FAULT_RETRY
    vmf.page = find_get_page(mapping, vmf.pgoff)
    return VM_FAULT_MAJOR | VM_FAULT_LOCKED


def filemap_fault_cached(mapping: address_space, vmf: vm_fault) -> int:
    """Give the page that is in the cache, read if it has no contents yet: mm/filemap.c:filemap_fault (v4.4)."""
    page = mapping.page_tree[vmf.pgoff]
    if not page.flags & PG_uptodate:
        make_uptodate(page)
        if vmf.flags & FAULT_FLAG_ALLOW_RETRY:
            return VM_FAULT_RETRY
    vmf.page = find_get_page(mapping, vmf.pgoff)
    return VM_FAULT_LOCKED


def filemap_map_pages(vma: vm_area_struct, vmf: vm_fault) -> None:
    """Map those of pages vmf.pgoff … vmf.max_pgoff that are cached and not mapped here yet: v4.4, same name."""
    mapping, table = vma.vm_file.f_mapping, None  # type: ignore[union-attr]
    for pgoff in range(vmf.pgoff, min(vmf.max_pgoff + 1, last_page(mapping))):
        page = mapping.page_tree.get(pgoff)
        if page is None or page.flags & (PG_uptodate | PG_readahead) != PG_uptodate:
            continue
        table = table or filemap_map_pmd(vma, vmf.virtual_address, page)
        if table is None:
            return
        address = vmf.virtual_address + ((pgoff - vmf.pgoff) << PAGE_SHIFT)
        if pte_none(table[pte_index(address)]):
            get_page(page)
            do_set_pte(vma, address, page, table, False, False)


def filemap_map_pmd(vma: vm_area_struct, address: int, page: page) -> pte_table | None:
    """Give the page table for `address`, making it if there is none: 5.12, same name.

    None is made for the last page of a file, unless that is tmpfs's (6.18): the fault itself will see to it.
    """
    table, _ = pte_offset(vma.vm_mm.pgd, address)
    is_last = page.index == last_page(page.mapping) - 1  # type: ignore[arg-type]
    if table is None and (page.flags & PG_swapbacked or not is_last):
        return pte_alloc_map(vma.vm_mm, address)
    return table


def filemap_page_mkwrite(vma: vm_area_struct, vmf: vm_fault) -> int:
    """Mark the page dirty before its first store: v4.4, same name. VM_FAULT_NOPAGE if it has left the file."""
    if vmf.page.mapping is not vma.vm_file.f_mapping:  # type: ignore[union-attr]
        return VM_FAULT_NOPAGE
    set_page_dirty(vmf.page)  # type: ignore[arg-type]
    return VM_FAULT_LOCKED


generic_file_vm_ops = vm_operations_struct(
    "generic_file_vm_ops",
    fault=filemap_fault,
    map_pages=filemap_map_pages,
    page_mkwrite=filemap_page_mkwrite,
)


def file_accessed(file: file) -> None:
    """Note that the file was used: include/linux/fs.h:file_accessed (v4.4)."""
    inode = file_inode(file)
    inode.i_atime = inode.i_sb.machine.serial("atime")


def generic_file_mmap(file: file, vma: vm_area_struct) -> None:
    """Tie the VMA to the page cache: its faults will call filemap_fault: v4.4, same name.

    ENOEXEC when the file system has no way to read a page.
    """
    mapping = file.f_mapping
    if not mapping.a_ops.readpage:
        raise failure(ENOEXEC, "generic_file_mmap", f"{mapping.a_ops.name}.readpage is NULL")
    file_accessed(file)
    vma.vm_ops = generic_file_vm_ops


# ── read(2) and write(2) ────────────────────────────────────────────────────────────────────────────────────


def filemap_get_read_batch(mapping: address_space, index: int, last: int) -> list[page]:
    """Take references to the cached pages in a row from `index` on, before page `last`: 5.12, same name.

    A page without contents ends the row, and so does one that is marked for read-ahead.
    """
    batch: list[page] = []
    for each in range(index, min(last, index + PAGEVEC_SIZE)):
        page = find_get_page(mapping, each)
        if page is None:
            break
        batch.append(page)
        if page.flags & (PG_uptodate | PG_readahead) != PG_uptodate:
            break
    return batch


def filemap_get_pages(file: file, index: int, last: int) -> list[page]:
    """Give pages from `index` on, before page `last`, at least one, read and with references: 5.12, same name. ENOMEM.

    If the last of them is marked, read-ahead goes on, before any of them is used.
    """
    mapping = file.f_mapping
    batch = filemap_get_read_batch(mapping, index, last)
    if not batch:
        page_cache_sync_readahead(file, index, last - index)
        page_cache_read(mapping, index)
        batch = filemap_get_read_batch(mapping, index, last)
    if not batch:
        raise failure(ENOMEM, "filemap_get_pages", f"no free page for page {index} of the file")
    page_cache_async_readahead(file, batch[-1], batch[-1].index, last - batch[-1].index)
    make_uptodate(batch[-1])
    return batch


def generic_file_read_iter(file: file, pos: int, to: iov_iter) -> int:
    """Read from the page cache, filling it from the disk: mm/filemap.c:do_generic_file_read (v4.4). EFAULT, ENOMEM.

    What was read before a failure counts. Only when it ends does read-ahead learn how far it came.
    """
    start, prev_pos, end = pos, file.f_ra_prev_pos, min(pos + to.count, file.f_mapping.host.i_size)
    error: OSError | None = None
    while pos < end and not error:
        pages: list[page] = []
        try:
            pages = filemap_get_pages(file, pos >> PAGE_SHIFT, (pos + to.count + PAGE_SIZE - 1) >> PAGE_SHIFT)
            for page in pages:
                if page.index != (prev_pos - 1) >> PAGE_SHIFT:  # a page that is read piece by piece was used once
                    mark_page_accessed(page)
                count = min(PAGE_SIZE - pos % PAGE_SIZE, end - pos)
                copied = copy_page_to_iter(page, pos % PAGE_SIZE, count, to)
                pos = prev_pos = pos + copied
                if copied < count:
                    raise failure(EFAULT, "do_generic_file_read", f"the program cannot store at {to.ubuf:#x}")
        except OSError as failed:
            error = failed
        finally:
            for page in pages:
                put_page(page)
    file.f_ra_prev_pos = prev_pos
    if error and pos == start:
        raise error
    return pos - start


def grab_cache_page_write_begin(mapping: address_space, index: int) -> page:
    """Give the page that write(2) is about to fill, with a reference; maybe a new one: v4.4, same name. ENOMEM."""
    found = find_get_page(mapping, index)
    if found is None:
        found = alloc_page(mapping.host.i_sb.machine)
        if found is None:
            raise failure(ENOMEM, "grab_cache_page_write_begin", "no free page")
        add_to_page_cache(found, mapping, index)
    return found


def generic_perform_write(file: file, pos: int, source: iov_iter) -> int:
    """Write into the page cache, page by page; the disk comes later: v4.4, same name. What write_begin says; EFAULT.

    What was written before a failure counts. The page is locked while it is filled, so the source must be in memory; if
    it is not, it is faulted in and the page tried again. (Until 6.13 that came before the first try, and a bad address
    left no trace. Now the page is in the cache by then, and the file has grown up to `pos`.)
    """
    mapping, a_ops, start, most, error = file.f_mapping, file.f_mapping.a_ops, pos, PAGE_SIZE, None
    while source.count and not error:
        count = min(PAGE_SIZE - pos % PAGE_SIZE, source.count, most)
        try:
            page = a_ops.write_begin(mapping, pos, count)  # type: ignore[misc]
        except OSError as refused:
            error = refused
            break
        copied = copy_page_from_iter_atomic(page, pos % PAGE_SIZE, count, source)
        status = a_ops.write_end(mapping, pos, count, copied, page)  # type: ignore[misc]
        put_page(page)
        iov_iter_revert(source, copied - status)
        pos, most = pos + status, PAGE_SIZE
        if copied and not status:  # write_end wants the whole page or nothing: then begin with what there is
            most = copied
        elif not status and fault_in_iov_iter_readable(source, count) == count:
            error = failure(EFAULT, "generic_perform_write", f"the program cannot load from {source.ubuf:#x}")
    if error and pos == start:
        raise error
    return pos - start


# ── writing back ────────────────────────────────────────────────────────────────────────────────────────────


def filemap_write_and_wait_range(mapping: address_space, start: int, end: int) -> None:
    """Write bytes start … end-1 of the file back to the disk, page by page: v4.4, same name."""
    write_cache_pages(mapping, start >> PAGE_SHIFT, (end + PAGE_SIZE - 1) >> PAGE_SHIFT)


def generic_file_fsync(file: file, start: int, end: int) -> None:
    """Write back what of the file is dirty: fs/libfs.c:generic_file_fsync (v4.4)."""
    filemap_write_and_wait_range(file.f_mapping, start, end)


def noop_fsync(file: file, start: int, end: int) -> None:
    """Do nothing: there is no disk: fs/libfs.c:noop_fsync (v4.4)."""


def invalidate_mapping_pages(mapping: address_space) -> int:
    """Drop the pages that are clean and that nobody maps; give how many: mm/truncate.c, same name (v4.4)."""
    idle = [page for page in mapping.page_tree.values() if page._count == 1 and not page.flags & PG_dirty]
    for each in idle:
        delete_from_page_cache(each)
    return len(idle)
