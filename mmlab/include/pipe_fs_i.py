"""A pipe: include/linux/pipe_fs_i.h (v4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .mm_types import page

if TYPE_CHECKING:
    from .mmzone import machine

PIPE_DEF_BUFFERS = 16


class pipe_buffer:
    """One page of a pipe: `len` bytes of it, from `offset` on, are still to be read."""

    __slots__ = ("len", "offset", "page")

    def __init__(self, page: page, len: int) -> None:
        self.page, self.offset, self.len = page, 0, len


class pipe_inode_info:
    """A pipe: its pages, at most PIPE_DEF_BUFFERS, oldest first; how many open files read from it and write to it."""

    __slots__ = ("bufs", "machine", "number", "readers", "writers")

    def __init__(self, machine: machine) -> None:
        self.machine = machine
        self.number = machine.serial("pipe")
        self.bufs: list[pipe_buffer] = []
        self.readers = self.writers = 1

    @property
    def name(self) -> str:
        """The pipe's stable name."""
        return f"pipe#{self.number}"
