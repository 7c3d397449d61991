"""The machines that run W(n): the simulated kernel, and the real one through ctypes."""

from __future__ import annotations

import ctypes
import os

from mmlab import O_CREAT, O_RDWR, Kernel, Process

from .workload import FILE_PAGES, PAGE, Region, in_arena

PR_SET_THP_DISABLE = 41


class Simulated(Process):
    """A process of the simulated kernel, as it is, with the file of W(n) in its /dev/shm."""

    def __init__(self) -> None:
        super().__init__(Kernel().spawn("bench").task)
        self.fd = self.open("/dev/shm/file", O_CREAT | O_RDWR)
        for index in range(FILE_PAGES):
            self.pwrite(self.fd, b"#", index * PAGE)
        self.ftruncate(self.fd, FILE_PAGES * PAGE)

    def vmas(self) -> int:
        """Count the VMAs of the arena."""
        return in_arena(str(self.maps()))

    def pages(self, regions: list[Region]) -> int:
        """Count the pages of these regions that are in memory."""
        return sum(sum(self.mincore(each.addr, each.length)) for each in regions)


class Real:
    """This very process, on the real kernel: C functions that take the arguments of `mmlab.Process` methods.

    strnlen(addr, 1) loads one byte, and strcpy(addr, b"x") stores it (and a zero after it): calls of C like the others.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
        pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        libc.mmap.argtypes, libc.mmap.restype = (pointer, size, number, number, number, ctypes.c_long), pointer
        libc.munmap.argtypes = (pointer, size)
        libc.mprotect.argtypes = libc.msync.argtypes = (pointer, size, number)
        libc.mincore.argtypes = (pointer, size, ctypes.c_char_p)
        libc.strnlen.argtypes, libc.strnlen.restype = (pointer, size), size
        libc.strcpy.argtypes, libc.strcpy.restype = (pointer, ctypes.c_char_p), pointer
        self.mmap, self.munmap, self.mprotect, self.msync = libc.mmap, libc.munmap, libc.mprotect, libc.msync
        self.load, self.store, self.mincore = libc.strnlen, libc.strcpy, libc.mincore
        self.fd = os.memfd_create("file")
        for index in range(FILE_PAGES):
            os.pwrite(self.fd, b"#", index * PAGE)
        os.ftruncate(self.fd, FILE_PAGES * PAGE)

    def vmas(self) -> int:
        """Count the VMAs of the arena."""
        with open("/proc/self/maps", encoding="ascii") as maps:
            return in_arena(maps.read())

    def pages(self, regions: list[Region]) -> int:
        """Count the pages of these regions that are in memory."""
        found = ctypes.create_string_buffer(16)
        total = 0
        for each in regions:
            self.mincore(each.addr, each.length, found)
            total += sum(byte & 1 for byte in found.raw[: each.length // PAGE])
        return total
