"""A disk file system, as far as mmap sees it: fs/ext4/inode.c, fs/ext4/file.c (v4.4).

The disk is `inode.i_private`: file page number → 4096 bytes. A block that is not there is a hole and reads as zeros.
"""

from __future__ import annotations

from errno import EOPNOTSUPP

from ..include.array import array
from ..include.errors import failure
from ..include.fs import (
    address_space, address_space_operations, file, file_inode, file_operations, file_system_type, inode,
)
from ..include.highmem import page_bytes, write_page_bytes
from ..include.mm import VM_SYNC, vm_fault, vm_operations_struct
from ..include.mm_types import PG_dirty, PG_uptodate, page, vm_area_struct
from ..include.mman import (
    FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, MAP_SYNC, PAGE_ALIGN, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, offset_in_page,
)
from ..mm.filemap import (
    file_accessed, filemap_fault, filemap_map_pages, filemap_page_mkwrite, generic_file_read_iter,
    generic_perform_write,
)
from ..mm.huge_memory import thp_get_unmapped_area
from ..mm.page_alloc import alloc_page, put_page
from ..mm.page_writeback import __set_page_dirty_nobuffers, set_page_dirty
from ..mm.pagemap import add_to_page_cache, make_uptodate
from ..mm.swap import mark_page_accessed
from ..mm.truncate import truncate_inode_pages, truncate_pagecache_range, truncate_setsize
from .attr import inode_newsize_ok
from .buffer import block_write_begin, block_write_end
from .libfs import generic_file_fsync

READ_AHEAD = 32  # pages: 128 KiB
EXT4_MAXBYTES = (1 << 44) - PAGE_SIZE  # 2^32 − 1 blocks


def ext4_readpage(page: page) -> None:
    """Fill the page from the disk: fs/ext4/inode.c:ext4_readpage (v4.4)."""
    blocks = page.mapping.host.i_private or {}  # type: ignore[union-attr]
    page.data = blocks.get(page.index)
    page.flags |= PG_uptodate


def ext4_writepage(page: page) -> None:
    """Put the page on the disk, with zeros past the end of the file: fs/ext4/inode.c:ext4_writepage (v4.4)."""
    inode = page.mapping.host  # type: ignore[union-attr]
    past_end = max(0, ((page.index + 1) << PAGE_SHIFT) - inode.i_size)
    if 0 < past_end < PAGE_SIZE:
        write_page_bytes(page, PAGE_SIZE - past_end, bytes(past_end))
    inode.i_private = inode.i_private or array(f"disk:{inode.label}")
    inode.i_private[page.index] = page_bytes(page, 0, PAGE_SIZE)


def ext4_write_begin(mapping: address_space, pos: int, length: int) -> page:
    """Give the page to be written; where the file had a hole it is dirty from now on: v4.4, same name. ENOMEM."""
    page = block_write_begin(mapping, pos, length)
    if page.index not in (mapping.host.i_private or {}):
        set_page_dirty(make_uptodate(page))
    return page


def ext4_write_end(mapping: address_space, pos: int, length: int, copied: int, page: page) -> int:
    """Count what was written, and let the file go at least so far: v4.4, same name.

    Between the old end and the new bytes lies a hole: what shares a page with either is zeroed (as 6.18 does).
    """
    inode, oldsize = mapping.host, mapping.host.i_size
    status = block_write_end(mapping, pos, length, copied, page)
    inode.i_size = max(oldsize, pos + status)
    if pos > oldsize:
        ext4_zero_partial_blocks(inode, oldsize, pos)
    return status


def ext4_truncate(inode: inode) -> None:
    """Free the blocks past the end, and zero the tail of the last: fs/ext4/inode.c:ext4_truncate (v4.4)."""
    blocks = inode.i_private or {}
    for index in [index for index in blocks if index << PAGE_SHIFT >= inode.i_size]:
        del blocks[index]
    ext4_block_zero_page_range(inode, inode.i_size, PAGE_ALIGN(inode.i_size))


def ext4_fallocate(file: file, mode: int, offset: int, length: int) -> None:
    """Reserve blocks (this disk has them all), or punch a hole: fs/ext4/extents.c:ext4_fallocate (v4.4)."""
    inode = file_inode(file)
    if mode & FALLOC_FL_PUNCH_HOLE:
        end = offset + length
        ext4_punch_hole(inode, offset, end if end <= inode.i_size else PAGE_ALIGN(inode.i_size))
    elif not mode & FALLOC_FL_KEEP_SIZE and offset + length > inode.i_size:
        inode_newsize_ok(inode, offset + length)
        truncate_setsize(inode, offset + length)
        ext4_block_zero_page_range(inode, inode.i_size, PAGE_ALIGN(inode.i_size))


def ext4_punch_hole(inode: inode, start: int, end: int) -> None:
    """Free the blocks of bytes start … end-1: fs/ext4/inode.c, same name (v4.4). Past the file's end there are none.

    (v4.4 first wrote to the disk what was dirty there.)
    """
    if start >= min(end, inode.i_size):
        return
    truncate_pagecache_range(inode, start, end)
    blocks, first, last = inode.i_private or {}, PAGE_ALIGN(start) >> PAGE_SHIFT, end >> PAGE_SHIFT
    for index in [index for index in blocks if first <= index < last]:
        del blocks[index]
    ext4_zero_partial_blocks(inode, start, end)


def ext4_zero_partial_blocks(inode: inode, start: int, end: int) -> None:
    """Zero those of bytes start … end-1 that are not whole pages, at either end: fs/ext4/inode.c, same name (v4.4)."""
    ext4_block_zero_page_range(inode, start, min(end, PAGE_ALIGN(start)))
    if PAGE_ALIGN(start) <= end:
        ext4_block_zero_page_range(inode, end & PAGE_MASK, end)


def ext4_evict_inode(inode: inode) -> None:
    """Free the file's pages and its blocks: fs/ext4/inode.c:ext4_evict_inode (v4.4)."""
    truncate_inode_pages(inode.i_mapping, 0)
    inode.i_private = None


def ext4_block_zero_page_range(inode: inode, start: int, end: int) -> None:
    """Zero bytes start … end-1 of one page, if they are not all of it: v4.4, same name.

    The page is brought into memory and is dirty then. A hole has nothing to zero: its page stays without contents.
    """
    index, offset = start >> PAGE_SHIFT, offset_in_page(start)
    if not 0 < end - start < PAGE_SIZE:
        return
    page = inode.i_mapping.page_tree.get(index) or alloc_page(inode.i_sb.machine)
    if page is None:
        return
    if page.mapping is None:
        add_to_page_cache(page, inode.i_mapping, index)
        put_page(page)
    mark_page_accessed(page)
    if index in (inode.i_private or {}) or page.flags & PG_dirty:
        write_page_bytes(make_uptodate(page), offset, bytes(end - start))
        set_page_dirty(page)


def ext4_zero_tail(inode: inode, start: int, end: int) -> None:
    """Zero what lies past the file's end, byte `start`, in its page, before the file goes on to `end`."""
    ext4_block_zero_page_range(inode, start, PAGE_ALIGN(start))


def ext4_page_mkwrite(vma: vm_area_struct, vmf: vm_fault) -> int:
    """See to a block for the page before its first store, and mark it dirty: fs/ext4/inode.c, same name (v4.4).

    This disk is never full, so there is no block to reserve.
    """
    return filemap_page_mkwrite(vma, vmf)


ext4_file_vm_ops = vm_operations_struct(
    "ext4_file_vm_ops", fault=filemap_fault, map_pages=filemap_map_pages, page_mkwrite=ext4_page_mkwrite
)


def ext4_file_mmap(file: file, vma: vm_area_struct) -> None:
    """Tie the VMA to the page cache, as generic_file_mmap does, with vm_ops of its own: v4.4, same name.

    EOPNOTSUPP for MAP_SYNC (4.15): this disk is no persistent memory.
    """
    if vma.vm_flags & VM_SYNC:
        raise failure(EOPNOTSUPP, "ext4_file_mmap", "MAP_SYNC, and the file is not in persistent memory (DAX)")
    file_accessed(file)
    vma.vm_ops = ext4_file_vm_ops


ext4_file_operations = file_operations(
    "ext4_file_operations",
    read_iter=generic_file_read_iter,
    write_iter=generic_perform_write,
    mmap=ext4_file_mmap,
    fsync=generic_file_fsync,
    fallocate=ext4_fallocate,
    get_unmapped_area=thp_get_unmapped_area,
    mmap_supported_flags=MAP_SYNC,
)
ext4_aops = address_space_operations(
    "ext4_aops",
    readpage=ext4_readpage,
    writepage=ext4_writepage,
    set_page_dirty=__set_page_dirty_nobuffers,
    write_begin=ext4_write_begin,
    write_end=ext4_write_end,
)
ext4_fs_type = file_system_type(
    "ext4",
    ext4_file_operations,
    ext4_aops,
    ext4_evict_inode,
    extend=ext4_zero_tail,
    truncate=ext4_truncate,
    ra_pages=READ_AHEAD,
    s_maxbytes=EXT4_MAXBYTES,
)
