"""Files through the page cache: their faults, reads, writes: mm/filemap.c (v4.4)."""

from __future__ import annotations

from errno import EFAULT, ENOEXEC, ENOMEM

from ..include.errors import failure
from ..include.fs import address_space, file, file_inode
from ..include.mm import (
    FAULT_FLAG_ALLOW_RETRY, VM_EXEC, VM_FAULT_LOCKED, VM_FAULT_MAJOR, VM_FAULT_NOPAGE, VM_FAULT_OOM, VM_FAULT_RETRY,
    VM_FAULT_SIGBUS, VM_RAND_READ, VM_SEQ_READ, vm_fault, vm_operations_struct,
)
from ..include.mm_types import PG_readahead, PG_swapbacked, PG_uptodate, page, vm_area_struct, vma_pages
from ..include.mman import PAGE_SHIFT, PAGE_SIZE
from ..include.mmzone import PGMAJFAULT
from ..include.pgtable import pte_index, pte_none, pte_offset, pte_table
from ..include.uio import iov_iter
from ..lib.iov_iter import copy_page_from_iter_atomic, copy_page_to_iter, fault_in_iov_iter_readable, iov_iter_revert
from .memory import do_set_pte, pte_alloc_map
from .page_alloc import alloc_page, get_page, put_page
from .page_writeback import set_page_dirty, write_cache_pages
from .pagemap import add_to_page_cache, find_get_page, last_page, make_uptodate, page_cache_read
from .readahead import page_cache_async_readahead, page_cache_sync_readahead, ra_submit
from .swap import mark_page_accessed

PAGEVEC_SIZE = 31  # include/linux/pagevec.h (6.9)


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

    If the last of them is marked, read-ahead goes on, before any of them is used. One without contents is read only if
    it is the first; behind others, which can be used already, it is left for the next time.
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
    if len(batch) > 1 and not batch[-1].flags & PG_uptodate:
        put_page(batch.pop())
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
