"""Where read(2) puts what it reads, and write(2) takes what it writes: include/linux/uio.h (v4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sched import task_struct


class iov_iter:
    """`count` bytes that are still to be moved: struct iov_iter.

    They go to, or come from, the memory of the program `current` at address `ubuf` (ITER_UBUF, 6.0); or, without a
    `current`, a buffer of the kernel's, `kvec`, which is always there (ITER_KVEC).
    """

    __slots__ = ("count", "current", "kvec", "ubuf")

    def __init__(self, count: int, current: task_struct | None, ubuf: int, kvec: bytearray) -> None:
        self.count, self.current, self.ubuf, self.kvec = count, current, ubuf, kvec

    def __repr__(self) -> str:
        where = f"{self.current.name} at {self.ubuf:x}" if self.current else "the kernel"
        return f"<iov_iter {self.count} bytes of {where}>"


def import_ubuf(current: task_struct, ubuf: int, count: int) -> iov_iter:
    """Mean `count` bytes of the program's memory at `ubuf`: lib/iov_iter.c:import_ubuf (6.3)."""
    return iov_iter(count, current, ubuf, bytearray())


def iov_iter_kvec(count: int, data: bytes = b"") -> iov_iter:
    """Mean a buffer of the kernel's: `data` to be written, or room for `count` bytes: lib/iov_iter.c (v4.4)."""
    return iov_iter(count, None, 0, bytearray(data))
