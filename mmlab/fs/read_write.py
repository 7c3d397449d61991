"""read(2), write(2), pread(2), pwrite(2), lseek(2): fs/read_write.c (v4.4)."""

from __future__ import annotations

from errno import EBADF, EFBIG, EINVAL, EISDIR

from ..include.errors import failure
from ..include.fs import FMODE_READ, FMODE_WRITE, MAX_LFS_FILESIZE, file, file_inode
from ..include.mman import O_APPEND, SEEK_CUR, SEEK_END, SEEK_SET
from ..include.sched import task_struct
from .file_table import fget

MAX_RW_COUNT = 2**31 - 4096  # bytes that one read gives at most: include/linux/fs.h


def vfs_read(file: file, pos: int, count: int) -> bytes:
    """Read up to `count` bytes at `pos`: fs/read_write.c:vfs_read (v4.4). EBADF, EINVAL, EISDIR."""
    if not file.f_mode & FMODE_READ:
        raise failure(EBADF, "vfs_read", f"{file.f_path.d_name} is not open for reading")
    if file.f_op.read is None:
        raise failure(EISDIR, "vfs_read", f"{file.f_path.d_name} cannot be read")
    if not (0 <= pos <= MAX_LFS_FILESIZE and 0 <= count <= MAX_LFS_FILESIZE):
        raise failure(EINVAL, "rw_verify_area", f"pos = {pos}, count = {count}")
    return file.f_op.read(file, pos, min(count, MAX_RW_COUNT))


def vfs_write(file: file, pos: int, data: bytes) -> int:
    """Write `data` at `pos`; give how many bytes were written: fs/read_write.c:vfs_write (v4.4). EBADF, EINVAL."""
    if not file.f_mode & FMODE_WRITE:
        raise failure(EBADF, "vfs_write", f"{file.f_path.d_name} is not open for writing")
    if file.f_op.write is None or not 0 <= pos <= MAX_LFS_FILESIZE:
        raise failure(EINVAL, "vfs_write", f"{file.f_path.d_name} cannot be written at {pos}")
    room = file_inode(file).i_sb.s_type.s_maxbytes - pos
    if data and room <= 0:
        raise failure(EFBIG, "generic_write_checks", f"pos = {pos} is not below s_maxbytes")
    return file.f_op.write(file, pos, data[:room])


def write_pos(file: file, pos: int) -> int:
    """Say where a write at `pos` goes; with O_APPEND, to the end: mm/filemap.c:generic_write_checks (v4.4)."""
    return file.f_mapping.host.i_size if file.f_flags & O_APPEND else pos


def sys_read(current: task_struct, fd: int, count: int) -> bytes:
    """Read at the file's position and move it: fs/read_write.c:sys_read (v4.4)."""
    file = fget(current, fd, "sys_read")
    data = vfs_read(file, file.f_pos, count)
    file.f_pos += len(data)
    return data


def sys_write(current: task_struct, fd: int, data: bytes) -> int:
    """Write at the file's position (with O_APPEND: at its end) and move it: fs/read_write.c:sys_write (v4.4)."""
    file = fget(current, fd, "sys_write")
    pos = write_pos(file, file.f_pos)
    written = vfs_write(file, pos, data)
    file.f_pos = pos + written
    return written


def sys_pread(current: task_struct, fd: int, count: int, pos: int) -> bytes:
    """Read at `pos`: fs/read_write.c:sys_pread64 (v4.4)."""
    return vfs_read(fget(current, fd, "sys_pread64"), pos, count)


def sys_pwrite(current: task_struct, fd: int, data: bytes, pos: int) -> int:
    """Write at `pos`: fs/read_write.c:sys_pwrite64 (v4.4). EINVAL for a `pos` before the start."""
    file = fget(current, fd, "sys_pwrite64")
    return vfs_write(file, write_pos(file, pos) if pos >= 0 else pos, data)


def sys_lseek(current: task_struct, fd: int, offset: int, whence: int) -> int:
    """Move the file's position: fs/read_write.c:sys_lseek (v4.4). EINVAL for a position before the start."""
    file = fget(current, fd, "sys_lseek")
    base = {SEEK_SET: 0, SEEK_CUR: file.f_pos, SEEK_END: file.f_mapping.host.i_size}
    if whence not in base or not 0 <= base[whence] + offset <= MAX_LFS_FILESIZE:
        raise failure(EINVAL, "sys_lseek", f"whence = {whence}, offset = {offset}")
    file.f_pos = base[whence] + offset
    return file.f_pos
