"""A disk as one file: fs/block_dev.c (v4.4).

Two inodes take part. The name /dev/vda is an inode of size 0; the device's pages belong to the device's own inode.
That is why fstat says 0 while mmap, which asks the mapping's host, finds a whole disk.
"""

from __future__ import annotations

import stat
from errno import ENOSPC

from ..include.array import array
from ..include.errors import failure
from ..include.fs import address_space_operations, dentry, file, file_operations, file_system_type, super_block
from ..include.highmem import page_bytes
from ..include.mm_types import PG_uptodate, page
from ..include.mman import PAGE_SHIFT, PAGE_SIZE
from ..include.uio import iov_iter
from ..mm.filemap import generic_file_mmap, generic_file_read_iter, generic_perform_write
from ..mm.page_writeback import __set_page_dirty_nobuffers
from .buffer import block_write_begin, block_write_end
from .dcache import d_add
from .inode import new_inode
from .libfs import generic_file_fsync
from .ramfs import simple_evict_inode


def blkdev_readpage(page: page) -> None:
    """Read one page of the disk; each begins with the number of its first 512-byte sector: v4.4, same name."""
    blocks = page.mapping.host.i_private  # type: ignore[union-attr]
    sector = page.index << (PAGE_SHIFT - 9)
    page.data = blocks.get(page.index) or f"vda sector {sector}\n".encode().ljust(PAGE_SIZE, b"\0")
    page.flags |= PG_uptodate


def blkdev_writepage(page: page) -> None:
    """Put the page on the disk: v4.4, same name."""
    page.mapping.host.i_private[page.index] = page_bytes(page, 0, PAGE_SIZE)  # type: ignore[union-attr]


def blkdev_write_iter(file: file, pos: int, source: iov_iter) -> int:
    """Write into the device's pages, up to its end: v4.4, same name. ENOSPC at the end."""
    room = file.f_mapping.host.i_size - pos
    if source.count and room <= 0:
        raise failure(ENOSPC, "blkdev_write_iter", f"pos = {pos} is not before the end of the disk")
    source.count = min(source.count, max(room, 0))
    return generic_perform_write(file, pos, source)


def_blk_fops = file_operations(
    "def_blk_fops",
    read_iter=generic_file_read_iter,
    write_iter=blkdev_write_iter,
    mmap=generic_file_mmap,
    fsync=generic_file_fsync,
)
def_blk_aops = address_space_operations(
    "def_blk_aops",
    readpage=blkdev_readpage,
    writepage=blkdev_writepage,
    set_page_dirty=__set_page_dirty_nobuffers,
    write_begin=block_write_begin,
    write_end=block_write_end,
)
bdev_fs_type = file_system_type("bdev", def_blk_fops, def_blk_aops, simple_evict_inode, ra_pages=32)


def add_disk(directory: dentry, name: str, rdev: tuple[int, int], size: int) -> None:
    """Make a disk of `size` bytes and its name in /dev: block/genhd.c:add_disk (v4.4)."""
    machine = directory.d_inode.i_sb.machine
    device = new_inode(super_block(machine, bdev_fs_type, (0, 0)), stat.S_IFBLK, def_blk_fops, name)
    device.i_size, device.i_private, device.i_rdev = size, array(f"disk:{name}"), rdev
    node = new_inode(directory.d_inode.i_sb, stat.S_IFBLK | 0o660, def_blk_fops, name)
    node.i_mapping, node.i_rdev = device.i_mapping, rdev
    machine.block_devices.append(device.i_mapping)
    d_add(directory, name, node)
