"""/dev/zero and /dev/null: drivers/char/mem.c (v4.4)."""

from __future__ import annotations

import stat

from ..arch.sys_x86_64 import arch_get_unmapped_area_topdown
from ..fs.dcache import d_add
from ..fs.inode import new_inode
from ..include.fs import dentry, file, file_operations
from ..include.mm import VM_SHARED
from ..include.mm_types import vm_area_struct
from ..include.mman import MAP_SHARED
from ..include.sched import task_struct
from ..mm.huge_memory import thp_get_unmapped_area
from ..mm.shmem import shmem_zero_setup


def read_zero(file: file, pos: int, count: int) -> bytes:
    """Give zeros without end: drivers/char/mem.c:read_iter_zero (v4.4)."""
    return bytes(count)


def read_null(file: file, pos: int, count: int) -> bytes:
    """Be at the end already: drivers/char/mem.c:read_null (v4.4)."""
    return b""


def write_null(file: file, pos: int, data: bytes) -> int:
    """Take everything, keep nothing: drivers/char/mem.c:write_null (v4.4)."""
    return len(data)


def mmap_zero(file: file, vma: vm_area_struct) -> None:
    """Become anonymous memory: shared through a tmpfs file, private by having no vm_ops: v4.4, same name."""
    if vma.vm_flags & VM_SHARED:
        shmem_zero_setup(vma)


def get_unmapped_area_zero(
    current: task_struct, file: file, addr: int, length: int, pgoff: int, flags: int
) -> int:
    """Choose an address as for anonymous memory, private or shared: 6.18, same name."""
    if flags & MAP_SHARED:
        return arch_get_unmapped_area_topdown(current.mm, addr, length, flags)
    return thp_get_unmapped_area(current, file, addr, length, pgoff, flags)


zero_fops = file_operations(
    "zero_fops", read=read_zero, write=write_null, mmap=mmap_zero, get_unmapped_area=get_unmapped_area_zero
)
null_fops = file_operations("null_fops", read=read_null, write=write_null)


def chr_dev_init(directory: dentry) -> None:
    """Make /dev/null and /dev/zero: drivers/char/mem.c:chr_dev_init (v4.4)."""
    for name, fops, minor in (("null", null_fops, 3), ("zero", zero_fops, 5)):
        inode = new_inode(directory.d_inode.i_sb, stat.S_IFCHR | 0o666, fops, name)
        inode.i_rdev = (1, minor)
        d_add(directory, name, inode)
