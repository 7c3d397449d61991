"""fstat(2): fs/stat.c (v4.4)."""

from __future__ import annotations

from dataclasses import dataclass

from ..include.fs import file_inode
from ..include.sched import task_struct
from .file_table import fget_raw


@dataclass(frozen=True, slots=True)
class kstat:
    """What fstat(2) tells of a file: its size (bytes), kind and permissions, number, device and names."""

    st_size: int
    st_mode: int
    st_ino: int
    st_dev: int
    st_nlink: int


def sys_fstat(current: task_struct, fd: int) -> kstat:
    """Tell what a file is: fs/stat.c:sys_newfstat (v4.4). EBADF. A block device has size 0."""
    inode = file_inode(fget_raw(current, fd, "sys_newfstat"))
    major, minor = inode.i_sb.s_dev
    return kstat(inode.i_size, inode.i_mode, inode.i_ino, major << 8 | minor, inode.i_nlink)
