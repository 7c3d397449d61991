"""A process as the kernel sees it: include/linux/sched.h (v4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .array import array

if TYPE_CHECKING:
    from .fs import file
    from .mm_types import mm_struct
    from .mmzone import machine

RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK = 1, 2, 3
RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS = 7, 8, 9
RLIM_NLIMITS = 16
RLIM_INFINITY = 2**64 - 1
SIGKILL = 9

# what init starts with: include/asm-generic/resource.h. Of the other limits nothing here asks for any
INIT_RLIMITS = dict.fromkeys(range(RLIM_NLIMITS), RLIM_INFINITY)  # soft limits: those that count
INIT_RLIMITS |= {RLIMIT_STACK: 8 << 20, RLIMIT_NOFILE: 1024, RLIMIT_MEMLOCK: 8 << 20}
HARD_RLIMITS = INIT_RLIMITS | {RLIMIT_STACK: RLIM_INFINITY, RLIMIT_NOFILE: 4096}  # how far a soft one may be raised


class task_struct:
    """One process: its memory (`mm`), its open files (fd → file), its fault counts (`min_flt`, `maj_flt`).

    Kernel functions that use the global `current` take it here as their first argument.
    """

    __slots__ = ("comm", "exit_code", "files", "machine", "maj_flt", "min_flt", "mm", "pid", "rlim", "uid")

    def __init__(self, machine: machine, comm: str, mm: mm_struct) -> None:
        self.machine = machine
        self.comm = comm
        self.pid = machine.next_pid
        machine.next_pid += 1
        self.uid = 0
        self.mm = mm
        self.files: array[int, file] = array(f"{self.name}.files")
        self.rlim = array(f"{self.name}.rlim", INIT_RLIMITS.items())
        self.min_flt = self.maj_flt = 0
        self.exit_code: int | None = None

    @property
    def name(self) -> str:
        """The process's stable name."""
        return f"task:{self.comm}"

    def __repr__(self) -> str:
        return f"<{self.name} pid={self.pid}>"
