"""Files that live in memory and nowhere else: fs/ramfs/inode.c and file-mmu.c (v4.4)."""

from __future__ import annotations

from ..arch.sys_x86_64 import arch_get_unmapped_area_topdown
from ..include.fs import address_space_operations, file, file_operations, file_system_type, inode
from ..include.sched import task_struct
from ..mm.filemap import generic_file_mmap, generic_file_read_iter, generic_perform_write
from ..mm.page_writeback import __set_page_dirty_no_writeback
from ..mm.truncate import truncate_inode_pages
from .libfs import noop_fsync, simple_readpage, simple_write_begin, simple_write_end


def simple_evict_inode(inode: inode) -> None:
    """Free the file's pages: fs/inode.c:evict (v4.4)."""
    truncate_inode_pages(inode.i_mapping, 0)


def ramfs_mmu_get_unmapped_area(
    current: task_struct, file: file, addr: int, length: int, pgoff: int, flags: int
) -> int:
    """Choose an address as for any file: fs/ramfs/file-mmu.c, same name (4.10)."""
    return arch_get_unmapped_area_topdown(current.mm, addr, length, flags)


ramfs_file_operations = file_operations(
    "ramfs_file_operations",
    read_iter=generic_file_read_iter,
    write_iter=generic_perform_write,
    mmap=generic_file_mmap,
    fsync=noop_fsync,
    get_unmapped_area=ramfs_mmu_get_unmapped_area,
)
ramfs_aops = address_space_operations(
    "ramfs_aops",
    readpage=simple_readpage,
    set_page_dirty=__set_page_dirty_no_writeback,
    write_begin=simple_write_begin,
    write_end=simple_write_end,
)
ramfs_fs_type = file_system_type("ramfs", ramfs_file_operations, ramfs_aops, simple_evict_inode)
