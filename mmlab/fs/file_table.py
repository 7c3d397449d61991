"""Open files: fs/file_table.c, fs/file.c (v4.4)."""

from __future__ import annotations

from errno import EBADF, EMFILE

from ..include.errors import failure
from ..include.fs import FMODE_PATH, FMODE_WRITE, dentry, file, file_inode, get_write_access, put_write_access
from ..include.sched import RLIMIT_NOFILE, task_struct
from .inode import ihold, iput


def alloc_file(path: dentry, flags: int, mode: int) -> file:
    """Open the inode that `path` names: fs/file_table.c:alloc_file (v4.4). ETXTBSY to write to a running program."""
    inode = path.d_inode
    if mode & FMODE_WRITE:
        get_write_access(inode)
    ihold(inode)
    machine = inode.i_sb.machine
    machine.slabinfo["filp"] += 1
    return file(path, flags, mode, machine.serial("file"))


def fput(file: file) -> None:
    """Drop a reference to an open file; the last one closes it: fs/file_table.c:fput, __fput (v4.4)."""
    file.f_count -= 1
    if file.f_count == 0:
        inode = file_inode(file)
        if file.f_op.release:
            file.f_op.release(file)
        if file.f_mode & FMODE_WRITE:
            put_write_access(inode)
        inode.i_sb.machine.slabinfo["filp"] -= 1
        iput(inode)


def get_unused_fd(current: task_struct, start: int = 0) -> int:
    """Give the lowest free number, from `start` on, for an open file: fs/file.c:__alloc_fd (v4.4). EMFILE."""
    fd = next(n for n in range(start, start + len(current.files) + 1) if n not in current.files)
    if fd >= current.rlim[RLIMIT_NOFILE]:
        raise failure(EMFILE, "__alloc_fd", f"RLIMIT_NOFILE allows {current.rlim[RLIMIT_NOFILE]} open files")
    return fd


def fd_install(current: task_struct, fd: int, file: file) -> None:
    """Let `fd` stand for the open file: fs/file.c:fd_install (v4.4)."""
    current.files[fd] = file


def fget_raw(current: task_struct, fd: int, function: str) -> file:
    """Look an open file up by its number: fs/file.c:fget_raw (v4.4). EBADF, in the name of the `function` that asks."""
    fd &= 0xFFFFFFFF  # an unsigned int
    if fd not in current.files:
        raise failure(EBADF, function, f"fd {fd} is not open")
    return current.files[fd]


def fget(current: task_struct, fd: int, function: str) -> file:
    """Look an open file up that is more than a path: fs/file.c:fget (v4.4). EBADF, also for one opened with O_PATH."""
    file = fget_raw(current, fd, function)
    if file.f_mode & FMODE_PATH:
        raise failure(EBADF, function, f"fd {fd} was opened with O_PATH: it only names the file")
    return file
