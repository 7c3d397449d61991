"""tmpfs, and the file behind shared anonymous memory: mm/shmem.c (v4.4).

Both are one thing: a file whose pages live only in the page cache.
"""

from __future__ import annotations

import stat
from errno import EFAULT, ENOSPC, EPERM

from ..fs.attr import inode_newsize_ok
from ..fs.dcache import d_alloc_unlinked
from ..fs.file_table import alloc_file, fput
from ..fs.inode import new_inode
from ..fs.libfs import noop_fsync
from ..include.errors import OutOfMemory, failure
from ..include.fs import (
    FMODE_READ, FMODE_WRITE, address_space, address_space_operations, file, file_inode, file_operations,
    file_system_type, inode,
)
from ..include.mm import VM_FAULT_LOCKED, VM_FAULT_SIGBUS, VM_NORESERVE, vm_fault, vm_operations_struct
from ..include.mm_types import PG_swapbacked, PG_uptodate, page, vm_area_struct
from ..include.mman import (
    F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE, PAGE_ALIGN, PAGE_SHIFT, PAGE_SIZE, offset_in_page,
)
from ..include.mmzone import machine
from ..include.shmem_fs import SHMEM_I, shmem_inode_info
from ..include.uio import iov_iter
from ..lib.iov_iter import copy_page_to_iter, copy_to_iter
from .filemap import file_accessed, filemap_map_pages, generic_perform_write
from .page_alloc import alloc_page, put_page
from .page_writeback import __set_page_dirty_no_writeback, set_page_dirty
from .pagemap import add_to_page_cache, delete_from_page_cache, find_get_page, last_page
from .swap import mark_page_accessed
from .truncate import truncate_inode_pages, truncate_pagecache_range, truncate_setsize
from .util import vm_enough_memory, vm_unacct_memory


def shmem_acct_block(inode: inode) -> bool:
    """Promise the memory of one more page, and take a block for it: v4.4, same name. False if there is none.

    The whole of shared memory was promised when it was made. A tmpfs that is mounted has blocks for half of all memory.
    """
    sb = inode.i_sb
    if sb is not sb.machine.shm_mnt and sb.used_blocks >= sb.machine.totalram_pages // 2:
        return False
    try:
        if not SHMEM_I(inode).promised:
            vm_enough_memory(sb.machine, 1)
    except OSError:
        return False
    sb.used_blocks += 1
    return True


def shmem_unacct_blocks(inode: inode) -> None:
    """Take it back: v4.4, same name."""
    inode.i_sb.used_blocks -= 1
    vm_unacct_memory(inode.i_sb.machine, 0 if SHMEM_I(inode).promised else 1)


def shmem_freepage(page: page) -> None:
    """Give the page's block back: mm/shmem.c:shmem_recalc_inode (v4.4), which counts what has gone."""
    shmem_unacct_blocks(page.mapping.host)  # type: ignore[union-attr]


def shmem_getpage(mapping: address_space, index: int, falloc: bool = False) -> page | None:
    """Give page `index`, making it if it is a hole, and a reference: v4.4, same name. None without a block.

    A hole that is only reserved (`falloc`) does not count as there (uptodate) until it is asked for again.
    """
    found = find_get_page(mapping, index)
    reserved = falloc and found is None
    if found is None:
        if not shmem_acct_block(mapping.host):
            return None
        try:
            found = alloc_page(mapping.host.i_sb.machine)
        except OutOfMemory:
            shmem_unacct_blocks(mapping.host)
            raise
        assert found is not None  # without __GFP_NORETRY there is always one
        found.flags |= PG_swapbacked
        add_to_page_cache(found, mapping, index)
    if not reserved:
        found.flags |= PG_uptodate
    return found


def shmem_fault(vma: vm_area_struct, vmf: vm_fault) -> int:
    """Find or make the page: v4.4, same name. It is never a major fault.

    VM_FAULT_SIGBUS past the end, or without a block.
    """
    mapping = vma.vm_file.f_mapping  # type: ignore[union-attr]
    if vmf.pgoff >= last_page(mapping):
        return VM_FAULT_SIGBUS
    vmf.page = shmem_getpage(mapping, vmf.pgoff)
    return VM_FAULT_SIGBUS if vmf.page is None else VM_FAULT_LOCKED


shmem_vm_ops = vm_operations_struct("shmem_vm_ops", fault=shmem_fault, map_pages=filemap_map_pages)


def shmem_mmap(file: file, vma: vm_area_struct) -> None:
    """Tie the VMA to the file: v4.4, same name. Without page_mkwrite: nothing needs to know of the first store."""
    file_accessed(file)
    vma.vm_ops = shmem_vm_ops


def shmem_file(file: file) -> bool:
    """Tell whether it is a regular file of a tmpfs: v4.17, same name."""
    return file.f_mapping.a_ops is shmem_aops and stat.S_ISREG(file_inode(file).i_mode)


def check_seals(inode: inode, seals: int, function: str) -> None:
    """Refuse, in the name of `function`, what any of these seals forbids. EPERM."""
    if SHMEM_I(inode).seals & seals:
        raise failure(EPERM, function, f"seals = {SHMEM_I(inode).seals:#x}")


def shmem_setattr(inode: inode, newsize: int) -> None:
    """Give the file a new size, unless that is sealed: v4.4, same name. EPERM. Growing zeroes nothing."""
    if newsize != inode.i_size:
        check_seals(inode, F_SEAL_SHRINK if newsize < inode.i_size else F_SEAL_GROW, "shmem_setattr")
    if newsize > inode.i_size:
        inode.i_size = newsize
    else:
        truncate_setsize(inode, newsize)


def shmem_file_read_iter(file: file, pos: int, to: iov_iter) -> int:
    """Read; a hole reads as zeros and stays a hole: v4.4, same name. EFAULT. What was read before it counts."""
    mapping, start = file.f_mapping, pos
    while to.count and pos < mapping.host.i_size:
        offset = pos % PAGE_SIZE
        count = min(PAGE_SIZE - offset, mapping.host.i_size - pos, to.count)
        page = find_get_page(mapping, pos >> PAGE_SHIFT)
        if page is None:
            copied = copy_to_iter(bytes(count), to)
        else:
            if not offset:
                mark_page_accessed(page)
            try:
                copied = copy_page_to_iter(page, offset, count, to)
            finally:
                put_page(page)
        pos += copied
        if copied < count and pos == start:
            raise failure(EFAULT, "shmem_file_read_iter", f"the program cannot store at {to.ubuf:#x}")
        if copied < count:
            break
    return pos - start


def shmem_write_begin(mapping: address_space, pos: int, length: int) -> page:
    """Find or make the page that write(2) is about to fill: v4.4, same name. EPERM if that is sealed; ENOSPC."""
    check_seals(mapping.host, F_SEAL_WRITE | F_SEAL_FUTURE_WRITE, "shmem_write_begin")
    if pos + length > mapping.host.i_size:
        check_seals(mapping.host, F_SEAL_GROW, "shmem_write_begin")
    page = shmem_getpage(mapping, pos >> PAGE_SHIFT)
    if page is None:
        raise failure(ENOSPC, "shmem_acct_block", "no block for one more page")
    mark_page_accessed(page)
    return page


def shmem_write_end(mapping: address_space, pos: int, length: int, copied: int, page: page) -> int:
    """Count what was written, and let the file go at least so far: v4.4, same name."""
    mapping.host.i_size = max(mapping.host.i_size, pos + copied)
    set_page_dirty(page)
    return copied


def shmem_fallocate(file: file, mode: int, offset: int, length: int) -> None:
    """Make the pages of a range, or punch them out: v4.4, same name. EPERM if sealed; ENOSPC, and nothing is made."""
    inode, end = file_inode(file), offset + length
    if mode & FALLOC_FL_PUNCH_HOLE:
        check_seals(inode, F_SEAL_WRITE | F_SEAL_FUTURE_WRITE, "shmem_fallocate")
        truncate_pagecache_range(inode, offset, end)
        shmem_dirty_partial(inode, offset, end)
        return
    inode_newsize_ok(inode, end)  # also with FALLOC_FL_KEEP_SIZE
    if end > inode.i_size:
        check_seals(inode, F_SEAL_GROW, "shmem_fallocate")
    first, last = offset >> PAGE_SHIFT, (end + PAGE_SIZE - 1) >> PAGE_SHIFT
    for index in range(first, last):
        page = shmem_getpage(inode.i_mapping, index, falloc=True)
        if page is None:
            shmem_undo_fallocate(inode.i_mapping, first, index)
            raise failure(ENOSPC, "shmem_acct_block", f"no block for page {index}")
        set_page_dirty(page)
        put_page(page)
    if not mode & FALLOC_FL_KEEP_SIZE:
        inode.i_size = max(inode.i_size, end)


def shmem_undo_fallocate(mapping: address_space, first: int, last: int) -> None:
    """Drop those of pages first … last-1 that are only reserved: mm/shmem.c:shmem_undo_range (v4.4)."""
    for index in range(first, last):
        if not mapping.page_tree[index].flags & PG_uptodate:
            delete_from_page_cache(mapping.page_tree[index])


shmem_file_operations = file_operations(
    "shmem_file_operations",
    read_iter=shmem_file_read_iter,
    write_iter=generic_perform_write,
    mmap=shmem_mmap,
    fsync=noop_fsync,
    fallocate=shmem_fallocate,
)
shmem_aops = address_space_operations(
    "shmem_aops",
    set_page_dirty=__set_page_dirty_no_writeback,
    write_begin=shmem_write_begin,
    write_end=shmem_write_end,
    freepage=shmem_freepage,
)


def shmem_dirty_partial(inode: inode, *edges: int) -> None:
    """Mark the pages dirty that bytes `edges` cut, and whose parts were zeroed: mm/shmem.c:shmem_undo_range (v4.4)."""
    for edge in edges:
        page = inode.i_mapping.page_tree.get(edge >> PAGE_SHIFT)
        if page is not None and offset_in_page(edge):
            set_page_dirty(page)


def shmem_truncate(inode: inode) -> None:
    """Note that the page in which the file now ends was zeroed from there on: mm/shmem.c:shmem_setattr (v4.4)."""
    shmem_dirty_partial(inode, inode.i_size)


def shmem_evict_inode(inode: inode) -> None:
    """Free the file's pages, and take back what was promised for it: v4.4, same name."""
    truncate_inode_pages(inode.i_mapping, 0)
    vm_unacct_memory(inode.i_sb.machine, SHMEM_I(inode).promised)


tmpfs_fs_type = file_system_type(
    "tmpfs",
    shmem_file_operations,
    shmem_aops,
    shmem_evict_inode,
    truncate=shmem_truncate,
    setattr=shmem_setattr,
)


def shmem_file_setup(machine: machine, name: str, size: int, vm_flags: int) -> file:
    """Open a new tmpfs file of `size` bytes that no directory names: v4.4, same name. ENOMEM.

    Its whole size is promised (Committed_AS) at once, unless VM_NORESERVE.
    """
    pages = 0 if vm_flags & VM_NORESERVE else PAGE_ALIGN(size) >> PAGE_SHIFT
    if pages:
        vm_enough_memory(machine, pages)
    inode = new_inode(machine.shm_mnt, stat.S_IFREG | 0o777, shmem_file_operations, name)
    inode.i_size, inode.i_nlink, inode.i_private = size, 0, shmem_inode_info(name, pages, F_SEAL_SEAL)
    return alloc_file(d_alloc_unlinked(name, inode), 0, FMODE_READ | FMODE_WRITE)


def shmem_zero_setup(vma: vm_area_struct) -> None:
    """Put a nameless tmpfs file behind a MAP_SHARED|MAP_ANONYMOUS mapping: v4.4, same name. ENOMEM."""
    file = shmem_file_setup(vma.vm_mm.machine, "dev/zero", vma.vm_end - vma.vm_start, vma.vm_flags)
    if vma.vm_file:
        fput(vma.vm_file)
    vma.vm_file = file
    vma.vm_ops = shmem_vm_ops
