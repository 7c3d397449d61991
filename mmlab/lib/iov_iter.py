"""Moving bytes between a page and where an iov_iter points: lib/iov_iter.c (v4.4).

A copy to or from a program's memory ends early where that memory is not there. So each function says how far it came.
(Where the program's memory is the file's very page, the bytes are taken out first; x86 moves them forwards, some at a
time.)
"""

from __future__ import annotations

from ..arch.usercopy import __copy_from_user_inatomic, copy_from_user, copy_to_user, fault_in_readable
from ..include.highmem import page_bytes, write_page_bytes
from ..include.mm_types import page
from ..include.uio import iov_iter


def copy_to_iter(data: bytes, to: iov_iter) -> int:
    """Put `data` where the iterator points, as much as it still wants; give how many bytes: v4.4, same name."""
    data = data[: to.count]
    if to.current is None:
        to.kvec += data
        copied = len(data)
    else:
        copied = copy_to_user(to.current, to.ubuf, data)
    iov_iter_advance(to, copied)
    return copied


def copy_page_to_iter(page: page, offset: int, count: int, to: iov_iter) -> int:
    """Put bytes offset … offset+count-1 of the page where the iterator points: v4.4, same name."""
    return copy_to_iter(page_bytes(page, offset, offset + min(count, to.count)), to)


def copy_page_from_iter(page: page, offset: int, count: int, source: iov_iter, atomic: bool = False) -> int:
    """Fill bytes offset … offset+count-1 of the page from where the iterator points: v4.4, same name."""
    count = min(count, source.count)
    if source.current is None:
        data = bytes(source.kvec[:count])
        del source.kvec[:count]
    elif atomic:
        data = __copy_from_user_inatomic(source.current, source.ubuf, count)
    else:
        data = copy_from_user(source.current, source.ubuf, count)
    write_page_bytes(page, offset, data)
    iov_iter_advance(source, len(data))
    return len(data)


def copy_page_from_iter_atomic(page: page, offset: int, count: int, source: iov_iter) -> int:
    """Do the same without a page fault, since the page is locked: only what is in memory: 5.15, same name.

    (Until then: iov_iter_copy_from_user_atomic.)
    """
    return copy_page_from_iter(page, offset, count, source, atomic=True)


def fault_in_iov_iter_readable(source: iov_iter, count: int) -> int:
    """Fault in the next `count` bytes of a program's memory; give how many cannot be had: 5.16, same name.

    (Until then: iov_iter_fault_in_readable.)
    """
    return 0 if source.current is None else fault_in_readable(source.current, source.ubuf, min(count, source.count))


def iov_iter_advance(i: iov_iter, count: int) -> None:
    """Go on by `count` bytes: v4.4, same name."""
    i.ubuf += count
    i.count -= count


def iov_iter_revert(i: iov_iter, count: int) -> None:
    """Go back by `count` bytes of a program's memory: 4.12, same name."""
    iov_iter_advance(i, -count)
