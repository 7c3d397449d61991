"""A program of a few instructions, and how ptrace makes it do one thing at a time.

The program lies in one page. Its scratch memory, where paths and buffers of system calls go, is shared with us and
touched beforehand. One step sets the registers, runs one instruction and stops at the `int3` behind it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import mmap
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

TEXT = 0x555555554000  # where the program lies
SCRATCH = 0x555555400000  # where it keeps its scratch memory, in a page table of its own
SCRATCH_SIZE = 64 << 10
ARGV = SCRATCH_SIZE - 16  # execve's argv, at the end of it
SCRATCH_FD = 3  # the scratch memory's file, until it is mapped

START = bytes.fromhex("b822000000 0f05 ebf7")  # again: mov eax, 34 (pause); syscall; jmp again
SYSCALL = bytes.fromhex("0f05 cc")  # syscall; int3
COPY = bytes.fromhex("f3a4 cc")  # rep movsb: copy rcx bytes from [rsi] to [rdi]; int3
HEADERS = 64 + 2 * 56  # bytes: the ELF header and two program headers
AT_SYSCALL = TEXT + HEADERS + len(START)
AT_COPY = AT_SYSCALL + len(SYSCALL)

# struct user_regs_struct: the places of registers, and of a system call's arguments
REGISTERS, RAX, RCX, RSI, RDI, ORIG_RAX, RIP = 27, 10, 11, 13, 14, 15, 16
ARGUMENTS = (14, 13, 12, 7, 9, 8)  # rdi, rsi, rdx, r10, r8, r9

PTRACE_CONT, PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_GETSIGINFO = 7, 12, 13, 0x4202
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
SIGTRAP, SIGCHLD = 5, 17
EVENT_STOP = 128 << 8 | SIGTRAP
PTRACE_O_TRACEEXEC, PTRACE_O_EXITKILL = 0x10, 0x100000
CLONE_PTRACE, CLONE_PARENT = 0x2000, 0x8000
WALL = 0x40000000

NUMBERS = {
    "read": 0, "write": 1, "open": 2, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
    "brk": 12, "rt_sigprocmask": 14, "pread64": 17, "pwrite64": 18, "mremap": 25, "msync": 26, "mincore": 27,
    "madvise": 28, "shmget": 29, "shmat": 30, "shmctl": 31, "dup": 32, "clone": 56, "execve": 59, "shmdt": 67,
    "fcntl": 72, "fsync": 74, "ftruncate": 77, "mkdir": 83, "unlink": 87, "umask": 95, "setuid": 105,
    "personality": 135, "munlock": 150, "prctl": 157, "mount": 165, "exit_group": 231, "unshare": 272, "vmsplice": 278,
    "fallocate": 285, "pipe2": 293, "prlimit64": 302, "memfd_create": 319, "mlock2": 325, "close_range": 436,
}  # fmt: skip


class Unavailable(RuntimeError):
    """The real kernel cannot be used here, or not for this; the text says why."""


class Signal(Exception):
    """The instruction raised a signal: its number, si_code and si_addr."""


def elf() -> bytes:
    """Give the program, as a static ELF file for x86-64."""
    code = START + SYSCALL + COPY
    size = HEADERS + len(code)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, TEXT + HEADERS, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, TEXT, TEXT, size, size, 4096)  # PT_LOAD, read and execute
    stack = struct.pack("<IIQQQQQQ", 0x6474E551, 6, 0, 0, 0, 0, 0, 16)  # PT_GNU_STACK: not executable
    return header + load + stack + code


@functools.cache
def libc() -> ctypes.CDLL:
    """Load the C library; Unavailable where there is no Linux on x86-64."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or sys.maxsize < 2**32:
        here = f"this is {platform.system() or sys.platform} on {platform.machine() or 'an unknown processor'}"
        reason = f"mmlab.linux needs Linux on x86-64: {here}; the lessons show recorded results instead"
        raise Unavailable(reason)
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    library.ptrace.restype = ctypes.c_long
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    library.mmap.restype = ctypes.c_size_t
    library.munmap.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
    library.mincore.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    return library


class Stub:
    """One such program, running under ptrace. `died` is its wait status once it is over."""

    def __init__(self, pid: int, scratch: mmap.mmap) -> None:
        self.pid, self.scratch = pid, scratch
        self.died: int | None = None
        self.registers = (ctypes.c_ulong * REGISTERS)()
        self.ptrace: Callable[..., int] = libc().ptrace

    def request(self, request: int, address: int = 0, data: Any = None) -> None:
        """Make one ptrace(2) request; OSError if it is refused."""
        if self.ptrace(request, self.pid, address, data) < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"ptrace: {os.strerror(number)} (use it from the thread that made it)")

    def wait(self) -> int:
        """Wait until it stops; give why: a signal, or an event << 8 | SIGTRAP. ProcessLookupError if it ends."""
        try:
            status = os.waitpid(self.pid, WALL)[1]
        except BaseException:  # interrupted in a call that blocks: where it is then, nobody knows
            self.kill()
            raise
        if os.WIFSTOPPED(status):
            return status >> 8
        self.died = status
        raise ProcessLookupError(errno.ESRCH, f"process {self.pid} is over")

    def ready(self) -> None:
        """Wait until it stops between two instructions, and learn its registers."""
        while self.wait() != EVENT_STOP:  # inside of execve it also stops, which undoes the interrupt
            self.interrupt()
        self.request(PTRACE_GETREGS, 0, self.registers)

    def interrupt(self) -> None:
        """Let it go on to where it can stop between two instructions."""
        self.request(PTRACE_INTERRUPT)
        self.request(PTRACE_CONT)

    def step(self, instruction: int) -> None:
        """Run one instruction; Signal if it raises SIGSEGV or SIGBUS."""
        if self.died is not None:
            raise ProcessLookupError(errno.ESRCH, f"process {self.pid} is over")
        self.registers[RIP], self.registers[ORIG_RAX] = instruction, 2**64 - 1
        self.request(PTRACE_SETREGS, 0, self.registers)
        while True:
            self.request(PTRACE_CONT)
            stop = self.wait()
            if stop & 0xFF == SIGTRAP:
                return self.request(PTRACE_GETREGS, 0, self.registers)
            if stop in (signal.SIGSEGV, signal.SIGBUS):
                info = (ctypes.c_int * 32)()
                self.request(PTRACE_GETSIGINFO, 0, info)
                raise Signal(stop, info[2], info[4] & 0xFFFFFFFF | (info[5] & 0xFFFFFFFF) << 32)

    def syscall(self, name: str, *arguments: int) -> int:
        """Make a system call; give what it returns, unsigned. OSError with its errno if it fails."""
        registers = self.registers
        registers[RAX] = NUMBERS[name]
        for place, argument in zip(ARGUMENTS, arguments, strict=False):
            registers[place] = argument & 0xFFFFFFFFFFFFFFFF
        self.step(AT_SYSCALL)
        result: int = registers[RAX]
        if result > 2**64 - 4096:
            raise OSError(2**64 - result, f"{name}: {os.strerror(2**64 - result)}")
        return result

    def copy(self, destination: int, source: int, count: int) -> None:
        """Copy memory to memory, by one instruction; Signal at the first byte that cannot be."""
        self.registers[RDI], self.registers[RSI], self.registers[RCX] = destination, source, count
        self.step(AT_COPY)

    def text(self, value: str, place: int = 0) -> int:
        """Put a C string into the scratch memory; give its address there."""
        data = os.fsencode(value) + b"\0"
        if len(data) > 4097 or 0 in data[:-1]:
            raise OSError(errno.ENAMETOOLONG, "longer than PATH_MAX") if len(data) > 4097 else ValueError("NUL byte")
        self.scratch[place : place + len(data)] = data
        return SCRATCH + place

    # ── how stubs begin and end ─────────────────────────────────────────────────────────────────────────────

    @classmethod
    def start(cls, path: str) -> Stub:
        """Run the program at `path` under ptrace; Unavailable if either is forbidden here."""
        libc()
        fd = os.memfd_create("scratch")
        os.ftruncate(fd, SCRATCH_SIZE)
        actions = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_RDWR, 0) for n in range(3)]
        actions.append((os.POSIX_SPAWN_DUP2, fd, SCRATCH_FD))  # type: ignore[arg-type]
        signals = range(1, signal.NSIG)
        defaults = set(signals) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}
        try:
            pid = os.posix_spawn(path, [path], {}, file_actions=actions, setpgroup=0, setsigdef=defaults, setsigmask=())
            stub = cls(pid, mmap.mmap(fd, SCRATCH_SIZE))
        except OSError as error:
            raise Unavailable(f"mmlab.linux cannot start its program here ({error})") from error
        finally:
            os.close(fd)
        try:
            stub.request(PTRACE_SEIZE, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC)
            stub.request(PTRACE_INTERRUPT)
            stub.ready()
            stub.map_scratch(keep=True)
            with contextlib.suppress(OSError):  # not before 5.9
                stub.syscall("close_range", SCRATCH_FD + 1, 2**32 - 1, 0)
        except OSError as error:
            stub.kill()
            reason = "mmlab.linux needs ptrace, which this machine or container forbids"
            raise Unavailable(f"{reason} ({error}); the lessons show recorded results instead") from error
        return stub

    def map_scratch(self, keep: bool = False) -> None:
        """Map the scratch memory, in a program that has just begun; close its file, unless to `keep` it."""
        flags = mmap.MAP_SHARED | 0x10  # MAP_FIXED
        self.syscall("mmap", SCRATCH, SCRATCH_SIZE, mmap.PROT_READ | mmap.PROT_WRITE, flags, SCRATCH_FD, 0)
        if not keep:
            self.syscall("close", SCRATCH_FD)
        self.touch()

    def touch(self) -> None:
        """Fault its own pages in, so that no later step does."""
        self.copy(SCRATCH, SCRATCH, SCRATCH_SIZE)

    def clone(self) -> Stub:
        """fork(2): give the child, stopped and ready."""
        stub = Stub(self.syscall("clone", CLONE_PARENT | CLONE_PTRACE | SIGCHLD, 0, 0, 0, 0), self.scratch)
        stub.ready()
        stub.touch()
        return stub

    def execve(self, path: str) -> None:
        """Become the program at `path`, with its scratch memory mapped anew."""
        at = self.text(path)
        self.scratch[ARGV : ARGV + 16] = struct.pack("<QQ", at, 0)
        try:
            self.syscall("execve", at, SCRATCH + ARGV, 0)
        except OSError as error:
            if error.errno != errno.ENOSYS:  # what rax says at the stop inside of an execve that succeeds
                raise
        self.interrupt()
        self.ready()
        self.map_scratch()

    def kill(self) -> None:
        """End it at once, and reap it."""
        if self.died is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                while not self._reap():
                    pass
            except (ProcessLookupError, ChildProcessError):
                self.died = -1

    def _reap(self) -> bool:
        """Take one report; tell whether it was the last."""
        status = os.waitpid(self.pid, WALL)[1]
        if not os.WIFSTOPPED(status):
            self.died = status
        return self.died is not None
