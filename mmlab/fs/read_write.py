"""read(2), write(2), pread(2), pwrite(2), lseek(2): fs/read_write.c (v4.4).

The system calls take an iov_iter in place of the program's `buf` and `count`: so the kernel can use them, too.
"""

from __future__ import annotations

import stat
from errno import EBADF, EFAULT, EFBIG, EINVAL, EISDIR, ESPIPE

from ..arch.usercopy import access_ok
from ..include.errors import failure
from ..include.fs import FMODE_READ, FMODE_WRITE, MAX_LFS_FILESIZE, file, file_inode
from ..include.mman import O_APPEND, SEEK_CUR, SEEK_END, SEEK_SET
from ..include.sched import RLIMIT_FSIZE, task_struct
from ..include.uio import iov_iter
from .file_table import fget

SEEK_MAX = 4  # SEEK_HOLE
MAX_RW_COUNT = 2**31 - 4096  # bytes that one read gives at most: include/linux/fs.h


def vfs_read(file: file, pos: int, to: iov_iter) -> int:
    """Read at `pos`; give how many bytes: fs/read_write.c:vfs_read (v4.4). EBADF, EFAULT, EINVAL, EISDIR."""
    if not file.f_mode & FMODE_READ:
        raise failure(EBADF, "vfs_read", f"{file.f_path.d_name} is not open for reading")
    rw_verify_area("vfs_read", pos, to)
    if file.f_op.read_iter is None:
        raise failure(EISDIR, "vfs_read", f"{file.f_path.d_name} cannot be read")
    return file.f_op.read_iter(file, pos, to)


def vfs_write(file: file, pos: int, source: iov_iter) -> int:
    """Write at `pos`; give how many bytes: fs/read_write.c:vfs_write (v4.4). EBADF, EFAULT, EINVAL, EFBIG."""
    if not file.f_mode & FMODE_WRITE:
        raise failure(EBADF, "vfs_write", f"{file.f_path.d_name} is not open for writing")
    if file.f_op.write_iter is None:
        raise failure(EINVAL, "vfs_write", f"{file.f_path.d_name} cannot be written")
    rw_verify_area("vfs_write", pos, source)
    generic_write_check_limits(file, pos, source)
    return file.f_op.write_iter(file, pos, source)


def generic_write_check_limits(file: file, pos: int, source: iov_iter) -> None:
    """Cut a write where the file may grow no more: fs/read_write.c (5.5), same name. EFBIG if that is at once.

    RLIMIT_FSIZE is for regular files. Linux sends SIGXFSZ, too; the programs here block it.
    """
    inode, most = file_inode(file), file_inode(file).i_sb.s_type.s_maxbytes
    if stat.S_ISREG(inode.i_mode):
        most = min(most, inode.i_sb.machine.current.rlim[RLIMIT_FSIZE])
    if source.count and pos >= most:
        raise failure(EFBIG, "generic_write_check_limits", f"pos = {pos} is not below s_maxbytes or RLIMIT_FSIZE")
    source.count = min(source.count, max(most - pos, 0))


def rw_verify_area(function: str, pos: int, i: iov_iter) -> None:
    """Check where a read or write goes, and cut it to MAX_RW_COUNT: v4.4, same name, and the access_ok before it.

    EFAULT for addresses that no program has; EINVAL for a `pos` or a count below 0.
    """
    if i.current and not access_ok(i.ubuf, i.count):
        raise failure(EFAULT, function, f"buf = {i.ubuf:#x}, count = {i.count:#x}: no program has such memory")
    if not (pos >= 0 and i.count >= 0 and pos + i.count <= MAX_LFS_FILESIZE):
        raise failure(EINVAL, "rw_verify_area", f"pos = {pos}, count = {i.count}")
    i.count = min(i.count, MAX_RW_COUNT)


def write_pos(file: file, pos: int) -> int:
    """Say where a write at `pos` goes; with O_APPEND, to the end: mm/filemap.c:generic_write_checks (v4.4)."""
    return file.f_mapping.host.i_size if file.f_flags & O_APPEND else pos


def check_seekable(file: file, function: str) -> None:
    """Refuse a position in what has none, a pipe: fs/open.c:stream_open (5.1). ESPIPE, in the name of `function`."""
    if stat.S_ISFIFO(file_inode(file).i_mode):
        raise failure(ESPIPE, function, f"{file.f_path.d_name} has no positions")


def sys_read(current: task_struct, fd: int, to: iov_iter) -> int:
    """Read at the file's position and move it: fs/read_write.c:sys_read (v4.4)."""
    file = fget(current, fd, "sys_read")
    count = vfs_read(file, file.f_pos, to)
    file.f_pos += count
    return count


def sys_write(current: task_struct, fd: int, source: iov_iter) -> int:
    """Write at the file's position (with O_APPEND: at its end) and move it: fs/read_write.c:sys_write (v4.4)."""
    file = fget(current, fd, "sys_write")
    pos = write_pos(file, file.f_pos)
    count = vfs_write(file, pos, source)
    file.f_pos = pos + count
    return count


def sys_pread(current: task_struct, fd: int, to: iov_iter, pos: int) -> int:
    """Read at `pos`: fs/read_write.c:sys_pread64 (v4.4). EINVAL for a `pos` before the start."""
    if pos < 0:
        raise failure(EINVAL, "sys_pread64", f"pos = {pos}")
    file = fget(current, fd, "sys_pread64")
    check_seekable(file, "sys_pread64")
    return vfs_read(file, pos, to)


def sys_pwrite(current: task_struct, fd: int, source: iov_iter, pos: int) -> int:
    """Write at `pos`: fs/read_write.c:sys_pwrite64 (v4.4). EINVAL for a `pos` before the start."""
    if pos < 0:
        raise failure(EINVAL, "sys_pwrite64", f"pos = {pos}")
    file = fget(current, fd, "sys_pwrite64")
    check_seekable(file, "sys_pwrite64")
    return vfs_write(file, write_pos(file, pos), source)


def sys_lseek(current: task_struct, fd: int, offset: int, whence: int) -> int:
    """Move the file's position: fs/read_write.c:sys_lseek (v4.4). EINVAL for a position before the start; ESPIPE."""
    file = fget(current, fd, "sys_lseek")
    if not 0 <= whence <= SEEK_MAX:
        raise failure(EINVAL, "sys_lseek", f"whence = {whence}")
    check_seekable(file, "sys_lseek")
    if file.f_op.llseek:
        return file.f_op.llseek(file, offset, whence)
    base = {SEEK_SET: 0, SEEK_CUR: file.f_pos, SEEK_END: file.f_mapping.host.i_size}
    if whence not in base or not 0 <= base[whence] + offset <= file_inode(file).i_sb.s_type.s_maxbytes:
        raise failure(EINVAL, "sys_lseek", f"whence = {whence}, offset = {offset}")
    file.f_pos = base[whence] + offset
    return file.f_pos
