"""A pipe: include/linux/pipe_fs_i.h (v4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .array import array
from .mm_types import page

if TYPE_CHECKING:
    from .mmzone import machine

PIPE_DEF_BUFFERS = 16


class pipe_buffer:
    """One page of a pipe: `len` bytes of it, from `offset` on, are still to be read."""

    __slots__ = ("len", "offset", "page")

    def __init__(self, page: page, len: int) -> None:
        self.page, self.offset, self.len = page, 0, len

    @property
    def name(self) -> str:
        """The buffer's stable name."""
        return f"pipe_buffer:{self.page.name}"


class pipe_inode_info:
    """A pipe: its pages bufs[tail] … bufs[head-1], oldest first; how many open files read from it and write to it.

    (In the kernel `bufs` is a ring of PIPE_DEF_BUFFERS, and the numbers wrap around in it; head and tail since 5.5.)
    """

    __slots__ = ("bufs", "head", "machine", "number", "readers", "tail", "writers")

    def __init__(self, machine: machine) -> None:
        self.machine = machine
        self.number = machine.serial("pipe")
        self.bufs: array[int, pipe_buffer] = array(f"{self.name}.bufs")
        self.head = self.tail = 0
        self.readers = self.writers = 1

    @property
    def name(self) -> str:
        """The pipe's stable name."""
        return f"pipe#{self.number}"


def pipe_empty(pipe: pipe_inode_info) -> bool:
    """Tell whether there is nothing to read: include/linux/pipe_fs_i.h, same name (5.5)."""
    return pipe.head == pipe.tail


def pipe_full(pipe: pipe_inode_info) -> bool:
    """Tell whether there is no room for another page: include/linux/pipe_fs_i.h, same name (5.5)."""
    return pipe.head - pipe.tail >= PIPE_DEF_BUFFERS
