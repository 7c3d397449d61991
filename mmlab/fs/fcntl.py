"""fcntl(2): fs/fcntl.c (v4.4). Of its commands there are F_DUPFD, F_GETFL, and those of seals."""

from __future__ import annotations

from errno import EINVAL

from ..include.errors import failure
from ..include.fs import file, get_file
from ..include.mman import F_ADD_SEALS, F_DUPFD, F_GET_SEALS, F_GETFL, O_CREAT, O_EXCL, O_TRUNC
from ..include.sched import RLIMIT_NOFILE, task_struct
from ..mm.memfd import memfd_fcntl
from .file_table import fd_install, fget, fget_raw, get_unused_fd


def sys_fcntl(current: task_struct, fd: int, cmd: int, arg: int) -> int:
    """Do what `cmd` says: fs/fcntl.c:do_fcntl (v4.4). EBADF; EINVAL for any other command."""
    file = (fget_raw if cmd in (F_DUPFD, F_GETFL) else fget)(current, fd, "sys_fcntl")
    if cmd in (F_ADD_SEALS, F_GET_SEALS):
        return memfd_fcntl(file, cmd, arg)
    if cmd == F_GETFL:
        return file.f_flags & ~(O_CREAT | O_EXCL | O_TRUNC)
    if cmd == F_DUPFD:
        return f_dupfd(current, file, arg)
    raise failure(EINVAL, "do_fcntl", f"cmd = {cmd}")


def f_dupfd(current: task_struct, file: file, start: int) -> int:
    """Give the open file another number, `start` or the next free one: fs/file.c:f_dupfd (v4.4). EINVAL, EMFILE."""
    if start >= current.rlim[RLIMIT_NOFILE]:
        raise failure(EINVAL, "f_dupfd", f"from = {start} is not below RLIMIT_NOFILE")
    new = get_unused_fd(current, start)
    fd_install(current, new, get_file(file))
    return new
