"""/dev/zero and /dev/null: drivers/char/mem.c (v4.4)."""

from __future__ import annotations

import stat
from errno import EFAULT

from ..arch.sys_x86_64 import arch_get_unmapped_area_topdown
from ..fs.dcache import d_add
from ..fs.inode import new_inode
from ..include.errors import failure
from ..include.fs import dentry, file, file_operations
from ..include.mm import VM_SHARED
from ..include.mm_types import vm_area_struct
from ..include.mman import MAP_SHARED, PAGE_SIZE
from ..include.sched import task_struct
from ..include.uio import iov_iter
from ..lib.iov_iter import copy_to_iter
from ..mm.huge_memory import thp_get_unmapped_area
from ..mm.shmem import shmem_zero_setup


def read_iter_zero(file: file, pos: int, to: iov_iter) -> int:
    """Give zeros without end: v4.4, same name. EFAULT; what was read before it counts."""
    done = 0
    while to.count:
        copied = copy_to_iter(bytes(min(to.count, PAGE_SIZE)), to)
        if not copied and not done:
            raise failure(EFAULT, "read_iter_zero", f"the program cannot store at {to.ubuf:#x}")
        if not copied:
            break
        done += copied
    return done


def read_iter_null(file: file, pos: int, to: iov_iter) -> int:
    """Be at the end already: v4.4, same name."""
    return 0


def write_iter_null(file: file, pos: int, source: iov_iter) -> int:
    """Take everything, keep nothing, look at nothing: v4.4, same name."""
    return source.count


def null_lseek(file: file, offset: int, whence: int) -> int:
    """Stay at the beginning: v4.4, same name."""
    file.f_pos = 0
    return 0


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
    "zero_fops",
    read_iter=read_iter_zero,
    write_iter=write_iter_null,
    mmap=mmap_zero,
    get_unmapped_area=get_unmapped_area_zero,
    llseek=null_lseek,
)
null_fops = file_operations("null_fops", read_iter=read_iter_null, write_iter=write_iter_null, llseek=null_lseek)


def chr_dev_init(directory: dentry) -> None:
    """Make /dev/null and /dev/zero: drivers/char/mem.c:chr_dev_init (v4.4)."""
    for name, fops, minor in (("null", null_fops, 3), ("zero", zero_fops, 5)):
        inode = new_inode(directory.d_inode.i_sb, stat.S_IFCHR | 0o666, fops, name)
        inode.i_rdev = (1, minor)
        d_add(directory, name, inode)
