"""fsync(2): fs/sync.c (v4.4)."""

from __future__ import annotations

from errno import EINVAL

from ..include.errors import failure
from ..include.fs import MAX_LFS_FILESIZE, file
from ..include.sched import task_struct
from .file_table import fget


def vfs_fsync_range(file: file, start: int, end: int) -> None:
    """Write bytes start … end-1 of the file back: v4.4, same name. EINVAL for a file that has no disk behind it."""
    if file.f_op.fsync is None:
        raise failure(EINVAL, "vfs_fsync_range", f"{file.f_op.name}.fsync is NULL")
    file.f_op.fsync(file, start, end)


def sys_fsync(current: task_struct, fd: int) -> None:
    """Write back all that is dirty of a file: fs/sync.c:do_fsync (v4.4). EBADF, EINVAL."""
    vfs_fsync_range(fget(current, fd, "do_fsync"), 0, MAX_LFS_FILESIZE)
