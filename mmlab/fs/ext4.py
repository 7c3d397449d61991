"""A disk file system, as far as mmap sees it: fs/ext4/inode.c, fs/ext4/file.c (v4.4).

The disk is `inode.i_private`: file page number → 4096 bytes. A block that is not there is a hole and reads as zeros.
"""

from __future__ import annotations

from ..include.fs import address_space_operations, file, file_operations, file_system_type, inode
from ..include.mm import vm_fault, vm_operations_struct
from ..include.mm_types import PG_uptodate, page, vm_area_struct
from ..include.mman import PAGE_SHIFT, PAGE_SIZE, offset_in_page
from ..mm.filemap import (
    file_accessed,
    filemap_fault,
    filemap_map_pages,
    filemap_page_mkwrite,
    generic_file_read,
    generic_perform_write,
    write_page_bytes,
)
from ..mm.page_writeback import __set_page_dirty_nobuffers
from ..mm.truncate import truncate_inode_pages

READ_AHEAD = 32  # pages: 128 KiB
EXT4_MAXBYTES = (1 << 44) - PAGE_SIZE  # 2^32 − 1 blocks


def ext4_readpage(page: page) -> None:
    """Fill the page from the disk: fs/ext4/inode.c:ext4_readpage (v4.4)."""
    blocks = page.mapping.host.i_private or {}  # type: ignore[union-attr]
    page.data = blocks.get(page.index)
    page.flags |= PG_uptodate


def ext4_evict_inode(inode: inode) -> None:
    """Free the file's pages and its blocks: fs/ext4/inode.c:ext4_evict_inode (v4.4)."""
    truncate_inode_pages(inode.i_mapping, 0)
    inode.i_private = None


def ext4_zero_partial_blocks(inode: inode, start: int, end: int) -> None:
    """Zero what a mapping has stored past the file's end, before it becomes part of the file: v4.4, same name."""
    page, offset = inode.i_mapping.page_tree.get(start >> PAGE_SHIFT), offset_in_page(start)
    if page is not None and offset:
        write_page_bytes(page, offset, bytes(min(PAGE_SIZE - offset, end - start)))


def ext4_page_mkwrite(vma: vm_area_struct, vmf: vm_fault) -> int:
    """See to a block for the page before its first store, and mark it dirty: fs/ext4/inode.c, same name (v4.4).

    This disk is never full, so there is no block to reserve.
    """
    return filemap_page_mkwrite(vma, vmf)


ext4_file_vm_ops = vm_operations_struct(
    "ext4_file_vm_ops", fault=filemap_fault, map_pages=filemap_map_pages, page_mkwrite=ext4_page_mkwrite
)


def ext4_file_mmap(file: file, vma: vm_area_struct) -> None:
    """Tie the VMA to the page cache, as generic_file_mmap does, with vm_ops of its own: v4.4, same name."""
    file_accessed(file)
    vma.vm_ops = ext4_file_vm_ops


ext4_file_operations = file_operations(
    "ext4_file_operations", read=generic_file_read, write=generic_perform_write, mmap=ext4_file_mmap
)
ext4_aops = address_space_operations("ext4_aops", readpage=ext4_readpage, set_page_dirty=__set_page_dirty_nobuffers)
ext4_fs_type = file_system_type(
    "ext4",
    ext4_file_operations,
    ext4_aops,
    ext4_evict_inode,
    extend=ext4_zero_partial_blocks,
    ra_pages=READ_AHEAD,
    s_maxbytes=EXT4_MAXBYTES,
)
