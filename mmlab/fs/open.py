"""open(2), close(2), ftruncate(2), fallocate(2), mkdir(2), unlink(2): fs/open.c, fs/namei.c (v4.4)."""

from __future__ import annotations

import stat
from errno import EBADF, EEXIST, EFBIG, EINVAL, EISDIR, ENODEV, ENOENT, ENOTDIR, EOPNOTSUPP, ESPIPE

from ..include.errors import failure
from ..include.fs import (
    FMODE_PATH, FMODE_WRITE, dentry, file, file_inode, get_file, get_write_access, inode, put_write_access,
)
from ..include.mman import (
    FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, O_ACCMODE, O_CREAT, O_DIRECTORY, O_EXCL, O_LARGEFILE, O_PATH, O_TRUNC,
)
from ..include.sched import task_struct
from ..mm.truncate import truncate_setsize
from .attr import inode_newsize_ok
from .file_table import alloc_file, fd_install, fget, fget_raw, fput, get_unused_fd
from .namei import create, lookup_parent, mkdir, path_lookup, unlink
from .proc import proc_self_get_link


def OPEN_FMODE(flags: int) -> int:
    """Turn O_RDONLY, O_WRONLY, O_RDWR, O_PATH into FMODE_* bits: include/linux/fs.h:OPEN_FMODE (v4.4)."""
    return FMODE_PATH if flags & O_PATH else (flags + 1) & O_ACCMODE


def lookup_open(root: dentry, path: str, flags: int, mode: int) -> dentry:
    """Find the file or, with O_CREAT, make it: fs/namei.c:lookup_open (v4.4). ENOENT, EEXIST, ENOTDIR, EACCES."""
    parent, name = lookup_parent(root, path, "lookup_open")
    if path.endswith("/") and flags & O_CREAT:
        raise failure(EISDIR, "open_last_lookups", f"{path}: O_CREAT makes no directories")
    if name not in parent.d_children and name:
        if not flags & O_CREAT:
            raise failure(ENOENT, "lookup_open", f"{path}: there is no {name}")
        return create(parent, name, mode)
    if flags & O_CREAT and flags & O_EXCL:
        raise failure(EEXIST, "lookup_open", f"{path} exists, and O_EXCL asks for a new file")
    return parent.d_children[name] if name else parent


def may_open(inode: inode, path: str, flags: int) -> None:
    """Refuse what such a file cannot be opened for: fs/namei.c:may_open (v4.4). EISDIR, ENOTDIR."""
    if stat.S_ISDIR(inode.i_mode) and (OPEN_FMODE(flags) & FMODE_WRITE or flags & (O_CREAT | O_TRUNC)):
        raise failure(EISDIR, "may_open", f"{path} is a directory")
    if (flags & O_DIRECTORY or path.endswith("/")) and not stat.S_ISDIR(inode.i_mode):
        raise failure(ENOTDIR, "may_open", f"{path} is not a directory")


def do_filp_open(root: dentry, path: str, flags: int, mode: int) -> file:
    """Open `path`: fs/namei.c:do_filp_open (v4.4). With O_PATH only O_DIRECTORY counts beside it."""
    flags &= O_PATH | O_DIRECTORY if flags & O_PATH else flags
    dentry = lookup_open(root, path, flags, mode)
    may_open(dentry.d_inode, path, flags)
    file = alloc_file(dentry, flags, OPEN_FMODE(flags))
    if flags & O_TRUNC and stat.S_ISREG(dentry.d_inode.i_mode):
        handle_truncate(file)
    return file


def handle_truncate(file: file) -> None:
    """Empty the file that O_TRUNC opens, unless it is running: fs/namei.c:handle_truncate (v4.4). ETXTBSY."""
    inode = file_inode(file)
    try:
        get_write_access(inode)
    except OSError:
        fput(file)
        raise
    do_truncate(inode, 0)
    put_write_access(inode)


def sys_open(current: task_struct, path: str, flags: int, mode: int) -> int:
    """Open a file; give its number: fs/open.c:do_sys_open (v4.4)."""
    fd = get_unused_fd(current)
    path = proc_self_get_link(current, path)
    fd_install(current, fd, do_filp_open(current.machine.root, path, flags | O_LARGEFILE, mode))
    return fd


def sys_dup(current: task_struct, oldfd: int) -> int:
    """Give the open file another number: fs/file.c:sys_dup (v4.4). EBADF, EMFILE."""
    file = fget_raw(current, oldfd, "sys_dup")
    fd = get_unused_fd(current)
    fd_install(current, fd, get_file(file))
    return fd


def sys_close(current: task_struct, fd: int) -> None:
    """Give the number back; mappings of the file stay: fs/open.c:sys_close (v4.4). EBADF."""
    file = fget_raw(current, fd, "sys_close")
    del current.files[fd & 0xFFFFFFFF]
    fput(file)


def sys_ftruncate(current: task_struct, fd: int, length: int) -> None:
    """Set a file's size (bytes): fs/open.c:do_sys_ftruncate (v4.4). EBADF, EINVAL, EFBIG."""
    if length < 0:
        raise failure(EINVAL, "do_sys_ftruncate", f"length = {length} < 0")
    file = fget(current, fd, "do_sys_ftruncate")
    inode = file_inode(file)
    if not stat.S_ISREG(inode.i_mode) or not file.f_mode & FMODE_WRITE:
        raise failure(EINVAL, "do_sys_ftruncate", f"{file.f_path.d_name} is no regular file open for writing")
    inode_newsize_ok(inode, length)
    do_truncate(inode, length)


def do_truncate(inode: inode, length: int) -> None:
    """Give the file a new size (bytes), as its file system does it: fs/open.c:do_truncate (v4.4). EPERM if sealed."""
    (inode.i_sb.s_type.setattr or truncate_setsize)(inode, length)


def sys_fallocate(current: task_struct, fd: int, mode: int, offset: int, length: int) -> None:
    """Reserve room for, or punch a hole of, bytes offset … offset + length - 1: fs/open.c:sys_fallocate (v4.4)."""
    vfs_fallocate(fget(current, fd, "sys_fallocate"), mode, offset, length)


def vfs_fallocate(file: file, mode: int, offset: int, length: int) -> None:
    """Check, and let the file system do it: fs/open.c:vfs_fallocate (v4.4).

    EINVAL, EBADF, ESPIPE, ENODEV, EFBIG; EOPNOTSUPP if the file system has none, or not this mode.
    """
    inode = file_inode(file)
    if offset < 0 or length <= 0:
        raise failure(EINVAL, "vfs_fallocate", f"offset = {offset}, len = {length}")
    if mode not in (0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE):
        raise failure(EOPNOTSUPP, "vfs_fallocate", f"mode = {mode:#x}")
    if not file.f_mode & FMODE_WRITE:
        raise failure(EBADF, "vfs_fallocate", f"{file.f_path.d_name} is not open for writing")
    if stat.S_ISFIFO(inode.i_mode):
        raise failure(ESPIPE, "vfs_fallocate", f"{file.f_path.d_name} is a pipe")
    if not stat.S_ISREG(inode.i_mode):
        raise failure(ENODEV, "vfs_fallocate", f"{file.f_path.d_name} is no regular file")
    if offset + length > inode.i_sb.s_type.s_maxbytes:
        raise failure(EFBIG, "vfs_fallocate", f"offset + len = {offset + length} > {inode.i_sb.s_type.s_maxbytes}")
    if file.f_op.fallocate is None:
        raise failure(EOPNOTSUPP, "vfs_fallocate", f"{file.f_op.name}.fallocate is NULL")
    file.f_op.fallocate(file, mode, offset, length)


def sys_mkdir(current: task_struct, path: str) -> None:
    """Make a directory: fs/namei.c:sys_mkdir (v4.4). EEXIST, ENOENT, ENOTDIR."""
    mkdir(*lookup_parent(current.machine.root, path, "sys_mkdir"))


def sys_unlink(current: task_struct, path: str) -> None:
    """Take a file's name away: fs/namei.c:do_unlinkat (v4.4). ENOENT, EISDIR; EPERM in /proc."""
    unlink(path_lookup(current.machine.root, path, "do_unlinkat"))
