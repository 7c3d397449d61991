"""A real process, with the methods of mmlab.Process: each makes one system call, or one access to memory."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import struct
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..fs.stat import kstat
from ..include.errors import BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, BusError, MemoryFault, SegmentationFault
from ..include.mman import F_GETFL, MFD_CLOEXEC, O_APPEND, O_NONBLOCK, PAGE_SHIFT, PAGE_SIZE
from ..include.shm import IPC_STAT, shmid_ds
from ..process import PageState, Rusage, integer, length, octets, pathname, uint, ulong
from ..report import TextReport
from .stub import SCRATCH, SCRATCH_SIZE, Signal, Stub, libc

if TYPE_CHECKING:
    from .machine import Kernel

PAGEMAP_SCAN, PAGE_IS_PFNZERO = 0xC0606610, 1 << 5  # ioctl and category of /proc/PID/pagemap (6.7)
PRESENT, FILE, EXCLUSIVE, PFN = 1 << 63, 1 << 61, 1 << 56, (1 << 55) - 1  # an entry of /proc/PID/pagemap
MAP_FAILED = 2**64 - 1
ABSENT = PageState(False, False, False, 0)
REASONS = {SEGV_MAPERR: "no VMA covers this address", SEGV_ACCERR: "the VMA forbids it"}


class Process:
    """A process of the real kernel, stopped until a method makes it do one thing.

    Failures are OSError with Linux's errno; a bad access is SegmentationFault or BusError. Fault counts begin at 0 when
    the process is spawned or forked. Its memory holds, besides what it maps itself: the program's one page, 64 KiB of
    scratch memory for the arguments of system calls, heap, stack and vDSO.
    """

    def __init__(self, kernel: Kernel, stub: Stub, name: str) -> None:
        self.kernel, self.stub, self.name = kernel, stub, name
        self._pagemap = os.open(f"/proc/{stub.pid}/pagemap", os.O_RDONLY)
        self._close_pagemap = weakref.finalize(self, os.close, self._pagemap)
        self._before = self._last = Rusage(0, 0)
        self._before = self.getrusage()
        kernel.processes[self.pid] = self

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.stub.pid

    @property
    def exit_code(self) -> int | None:
        """How the process ended, as a shell tells it: 137 is SIGKILL. None as long as it runs."""
        died = self.stub.died
        if died is None:
            return None
        return os.WEXITSTATUS(died) if os.WIFEXITED(died) else 128 + os.WTERMSIG(died)

    def call(self, name: str, /, **arguments: object) -> int:
        """Make a system call whose arguments are integers; TypeError names the one that is none."""
        return self.stub.syscall(name, *(ulong(key, value) for key, value in arguments.items()))

    def path(self, value: object, place: int = 0) -> int:
        """Put a path, as the script names it, where the system call finds it; give that address."""
        return self.stub.text(self.kernel.path(pathname(value)), place)

    # ── files ───────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """open(2): give a file descriptor."""
        return self.call("open", path=self.path(path), flags=flags, mode=mode)

    def close(self, fd: int) -> None:
        """close(2): give a file descriptor back; mappings of the file stay."""
        self.call("close", fd=fd)

    def dup(self, fd: int) -> int:
        """dup(2): give the open file another number."""
        return self.call("dup", fd=fd)

    def read(self, fd: int, count: int) -> bytes:
        """read(2): up to `count` bytes from the file's position on."""
        return self._read(integer("count", count), lambda size, done: self.call("read", fd=fd, buf=SCRATCH, count=size))

    def pread(self, fd: int, count: int, offset: int) -> bytes:
        """pread(2): up to `count` bytes from `offset` on."""
        start = integer("offset", offset)
        return self._read(
            integer("count", count),
            lambda size, done: self.call("pread64", fd=fd, buf=SCRATCH, count=size, offset=start + done),
        )

    def _read(self, count: int, read: Callable[[int, int], int]) -> bytes:
        """Read by way of the scratch memory until there is no more; a failure after the first piece ends it too."""
        if count < 0:
            raise OSError(errno.EINVAL, f"read: count = {count}")
        data = bytearray()
        while not data or len(data) < count:
            try:
                size = read(min(count - len(data), SCRATCH_SIZE), len(data))
            except OSError:
                if not data:
                    raise
                break
            data += self.stub.scratch[:size]
            if size < SCRATCH_SIZE:
                break
        return bytes(data)

    def write(self, fd: int, data: bytes) -> int:
        """write(2): put `data` at the file's position; give the number of bytes written."""
        written = octets("data", data)
        return self._write(
            written, self._begin(fd), lambda size, _: self.call("write", fd=fd, buf=SCRATCH, count=size)
        )

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """pwrite(2): put `data` at `offset`; give the number of bytes written."""
        return self._write(
            octets("data", data),
            self._begin(fd, integer("offset", offset)),
            lambda size, at: self.call("pwrite64", fd=fd, buf=SCRATCH, count=size, offset=at),
        )

    def _begin(self, fd: int, offset: int | None = None) -> int:
        """Say where a write begins, at `offset` or the file's position: O_APPEND overrules both. 0 if there is none."""
        try:
            if self.fcntl(fd, F_GETFL) & O_APPEND:
                return self.fstat(fd).st_size
            return self.lseek(fd, 0, os.SEEK_CUR) if offset is None else offset
        except OSError:
            return offset or 0

    def _write(self, data: bytes, start: int, write: Callable[[int, int], int]) -> int:
        """Write by way of the scratch memory, and to each page of the file once.

        A call of its own for each: so the page cache holds single pages (6.16 and on).
        """
        done = 0
        while True:
            piece = data[done : done + PAGE_SIZE - (start + done) % PAGE_SIZE]
            self.stub.scratch[: len(piece)] = piece
            try:
                size = write(len(piece), start + done)
            except OSError:
                if not done:
                    raise
                return done
            done += size
            if size < len(piece) or done == len(data):
                return done

    def lseek(self, fd: int, offset: int, whence: int) -> int:
        """lseek(2): move the file's position; give the new one."""
        return self.call("lseek", fd=fd, offset=offset, whence=whence)

    def fstat(self, fd: int) -> kstat:
        """fstat(2): st_size (bytes), st_mode, st_ino, …"""
        self.call("fstat", fd=fd, buf=SCRATCH)
        dev, ino, nlink, mode, *_, size = struct.unpack_from("<QQQIIIIQQ", self.stub.scratch)
        return kstat(size, mode, ino, dev, nlink)

    def ftruncate(self, fd: int, length: int) -> None:
        """ftruncate(2): give the file a new size in bytes."""
        self.call("ftruncate", fd=fd, length=length)

    def fallocate(self, fd: int, mode: int, offset: int, length: int) -> None:
        """fallocate(2): give the file room, or punch a hole into it (bytes)."""
        self.call("fallocate", fd=fd, mode=mode, offset=offset, length=length)

    def fsync(self, fd: int) -> None:
        """fsync(2): write the file's dirty pages to the disk."""
        self.call("fsync", fd=fd)

    def mkdir(self, path: str) -> None:
        """mkdir(2): make a directory."""
        self.call("mkdir", path=self.stub.text(self.kernel.private_path(pathname(path))), mode=0o755)

    def unlink(self, path: str) -> None:
        """unlink(2): take a file's name away; it lives on while it is open or mapped."""
        self.call("unlink", path=self.stub.text(self.kernel.private_path(pathname(path))))

    def fcntl(self, fd: int, cmd: int, arg: int = 0) -> int:
        """fcntl(2), for commands whose argument is a number: F_ADD_SEALS, F_GET_SEALS, F_GETFL, F_DUPFD."""
        return self.call("fcntl", fd=fd, cmd=cmd, arg=arg)

    def pipe(self) -> tuple[int, int]:
        """pipe2(2) with O_NONBLOCK: give its read end and its write end. Where they would wait they raise EAGAIN."""
        self.call("pipe2", fds=SCRATCH, flags=O_NONBLOCK)
        return struct.unpack_from("<ii", self.stub.scratch)

    def memfd_create(self, name: str, flags: int = MFD_CLOEXEC) -> int:
        """memfd_create(2): give a descriptor of a new, empty file in memory."""
        return self.call("memfd_create", name=self.stub.text(pathname(name, "name")), flags=flags)

    # ── memory ──────────────────────────────────────────────────────────────────────────────────────────────

    def mmap(self, addr: int, length: int, prot: int, flags: int, fd: int = -1, offset: int = 0) -> int:
        """mmap(2): map `length` bytes of the file from `offset` on (or memory); give the address."""
        return self.call("mmap", addr=addr, length=length, prot=prot, flags=flags, fd=fd, offset=offset)

    def munmap(self, addr: int, length: int) -> None:
        """munmap(2): unmap [addr, addr + length)."""
        self.call("munmap", addr=addr, length=length)

    def mprotect(self, addr: int, length: int, prot: int) -> None:
        """mprotect(2): change what the program may do with [addr, addr + length)."""
        self.call("mprotect", addr=addr, length=length, prot=prot)

    def mremap(self, old_addr: int, old_size: int, new_size: int, flags: int = 0, new_addr: int = 0) -> int:
        """mremap(2): grow, shrink or move a mapping; give its address."""
        return self.call(
            "mremap", old_addr=old_addr, old_size=old_size, new_size=new_size, flags=flags, new_addr=new_addr
        )

    def madvise(self, addr: int, length: int, advice: int) -> None:
        """madvise(2): say what [addr, addr + length) will be used for."""
        self.call("madvise", addr=addr, length=length, advice=advice)

    def msync(self, addr: int, length: int, flags: int) -> None:
        """msync(2): write the file pages of [addr, addr + length) that are dirty."""
        self.call("msync", addr=addr, length=length, flags=flags)

    def mincore(self, addr: int, length: int) -> bytes:
        """mincore(2): give one byte for each page, 1 where it is in memory."""
        addr, length = ulong("addr", addr), ulong("length", length)
        core, step = bytearray(), SCRATCH_SIZE << PAGE_SHIFT
        for done in range(0, max(length, 1), step):
            size = min(length - done, step)
            self.call("mincore", addr=addr + done, length=size, vec=SCRATCH)
            core += self.stub.scratch[: -(-size // PAGE_SIZE)]
        return bytes(byte & 1 for byte in core)

    def mlock(self, addr: int, length: int, flags: int = 0) -> None:
        """mlock2(2): keep [addr, addr + length) in memory; MLOCK_ONFAULT: only once it is touched."""
        self.call("mlock2", addr=addr, length=length, flags=flags)

    def munlock(self, addr: int, length: int) -> None:
        """munlock(2): let the pages of [addr, addr + length) go again."""
        self.call("munlock", addr=addr, length=length)

    def brk(self, addr: int) -> int:
        """brk(2), as the kernel answers it: move the end of the heap; give the end, unmoved if it could not be."""
        return self.call("brk", addr=addr)

    def shmget(self, key: int, size: int, flags: int) -> int:
        """shmget(2): find or make a System V segment; give its number."""
        self.kernel.need_private("System V shared memory")
        return self.call("shmget", key=key, size=size, flags=flags)

    def shmat(self, id: int, addr: int = 0, flags: int = 0) -> int:
        """shmat(2): map a segment; give the address."""
        return self.call("shmat", id=id, addr=addr, flags=flags)

    def shmdt(self, addr: int) -> None:
        """shmdt(2): unmap the segment that begins at `addr`."""
        self.call("shmdt", addr=addr)

    def shmctl(self, id: int, cmd: int) -> shmid_ds | None:
        """shmctl(2): IPC_STAT gives shm_segsz, shm_nattch and mode; IPC_RMID removes the segment."""
        self.call("shmctl", id=id, cmd=cmd, buf=SCRATCH)
        if cmd != IPC_STAT:
            return None
        mode, size, attached = struct.unpack_from("<20xI24xQ32xQ", self.stub.scratch)
        return shmid_ds(size, attached, mode)

    def load(self, addr: int, n: int = 1) -> bytes:
        """Read `n` bytes of memory, as a CPU load does."""
        addr, n = ulong("addr", addr), length("n", n)
        data = bytearray()
        while len(data) < n:
            step = min(n - len(data), SCRATCH_SIZE)
            self._access("load", addr + len(data), step, SCRATCH, addr + len(data))
            data += self.stub.scratch[:step]
        return bytes(data)

    def store(self, addr: int, data: bytes) -> None:
        """Write `data` to memory, as a CPU store does."""
        addr, data = ulong("addr", addr), octets("data", data)
        for done in range(0, len(data), SCRATCH_SIZE):
            piece = data[done : done + SCRATCH_SIZE]
            self.stub.scratch[: len(piece)] = piece
            self._access("store", addr + done, len(piece), addr + done, SCRATCH)

    def _access(self, access: str, addr: int, n: int, destination: int, source: int) -> None:
        """Copy to or from the scratch memory; a signal becomes an exception, with the address the kernel tells.

        A non-canonical address has neither si_code nor address on x86-64: it counts as SEGV_MAPERR at `addr`.
        """
        try:
            self.stub.copy(destination, source, n)
        except Signal as raised:
            number, code, address = raised.args
            raise memory_fault(number, code, address, access, addr) from None

    def memcpy(self, dst: int, src: int, n: int) -> None:
        """Copy `n` bytes of memory, page by page, as memcpy(3) does."""
        src, dst, n = ulong("src", src), ulong("dst", dst), length("n", n)
        done = 0
        while done < n:
            step = min(n - done, PAGE_SIZE - (src + done) % PAGE_SIZE, PAGE_SIZE - (dst + done) % PAGE_SIZE)
            self._access("load", src + done, step, SCRATCH, src + done)
            self._access("store", dst + done, step, dst + done, SCRATCH)
            done += step

    def sys_read(self, fd: int, addr: int, count: int) -> int:
        """read(2) into the process's own memory; EFAULT if the kernel cannot write there."""
        return self.call("read", fd=fd, buf=addr, count=count)

    def sys_write(self, fd: int, addr: int, count: int) -> int:
        """write(2) from the process's own memory; EFAULT if the kernel cannot read there."""
        return self.call("write", fd=fd, buf=addr, count=count)

    # ── processes ───────────────────────────────────────────────────────────────────────────────────────────

    def fork(self) -> Process:
        """fork(2): give the child, another process with a copy of this memory."""
        return Process(self.kernel, self.stub.clone(), self.name)

    def exit(self, code: int = 0) -> None:
        """_exit(2): end the process; its memory and open files go."""
        code, self._last = integer("code", code), self.getrusage()
        try:
            self.call("exit_group", code=code)
        except ProcessLookupError:
            if self.kernel.processes.pop(self.pid, None) is None:
                raise
        self._close_pagemap()

    def setrlimit(self, resource: int, soft: int) -> None:
        """setrlimit(2): set a soft limit (bytes; for RLIMIT_NOFILE, files); the hard one stays. SIGXFSZ is blocked."""
        self.limit(self.stub, uint("resource", resource), ulong("soft", soft))

    @staticmethod
    def limit(stub: Stub, resource: int, soft: int, hard: int | None = None) -> None:
        """Change a limit of any stub."""
        stub.syscall("prlimit64", 0, resource, 0, SCRATCH)
        struct.pack_into("<Q", stub.scratch, 0, soft)
        if hard is not None:
            struct.pack_into("<Q", stub.scratch, 8, hard)
        stub.syscall("prlimit64", 0, resource, SCRATCH, 0)

    def setuid(self, uid: int) -> None:
        """setuid(2): become another user; EINVAL where mmlab.linux itself is not run by root."""
        self.call("setuid", uid=uid)

    # ── looking at it ───────────────────────────────────────────────────────────────────────────────────────

    def proc(self, name: str) -> str:
        """Give the text of a file of /proc/PID."""
        if self.stub.died is not None:
            raise ProcessLookupError(errno.ESRCH, f"process {self.pid} is over")
        fd = os.open(f"/proc/{self.pid}/{name}", os.O_RDONLY)
        try:
            text = bytearray()
            while piece := os.read(fd, 1 << 16):
                text += piece
        finally:
            os.close(fd)
        return text.decode(errors="surrogateescape")

    def maps(self) -> TextReport:
        """Give the text of /proc/PID/maps; paths as the script names them."""
        return TextReport(self.kernel.unpath(self.proc("maps")))

    def smaps(self) -> TextReport:
        """Give the text of /proc/PID/smaps; paths as the script names them."""
        return TextReport(self.kernel.unpath(self.proc("smaps")))

    def pagemap(self, addr: int) -> PageState:
        """Tell the state of the page at `addr`, without touching it.

        Without root the kernel says of mapcount only whether it is 1; then any other is None.
        """
        return self.pages(ulong("addr", addr), 1)[0]

    def pages(self, addr: int, count: int) -> list[PageState]:
        """Tell the state of `count` pages from `addr` on, as pagemap does."""
        entries = os.pread(self._pagemap, 8 * count, (addr >> PAGE_SHIFT) * 8).ljust(8 * count, b"\0")
        zeros = self._zeros(addr & -PAGE_SIZE, count)
        states = []
        for index, (entry,) in enumerate(struct.iter_unpack("<Q", entries)):
            if not entry & PRESENT:
                states.append(ABSENT)
            elif addr // PAGE_SIZE + index in zeros:
                states.append(PageState(True, False, True, 0))
            else:
                mapcount = 1 if entry & EXCLUSIVE else self.kernel.mapcount(entry & PFN)
                states.append(PageState(True, bool(entry & FILE), False, mapcount))  # type: ignore[arg-type]
        return states

    def _zeros(self, addr: int, count: int) -> set[int]:
        """Give the numbers of the pages that map the zero page (6.7; before that the kernel does not tell)."""
        regions = (ctypes.c_ulong * (3 * count))()
        scan = (ctypes.c_ulong * 12)(
            96, 0, addr, addr + count * PAGE_SIZE, 0, ctypes.addressof(regions), count, 0,
            0, PAGE_IS_PFNZERO, 0, PAGE_IS_PFNZERO,
        )  # fmt: skip
        found = libc().ioctl(self._pagemap, ctypes.c_ulong(PAGEMAP_SCAN), scan)
        spans = [(regions[at] // PAGE_SIZE, regions[at + 1] // PAGE_SIZE) for at in range(0, 3 * max(found, 0), 3)]
        return {page for start, end in spans for page in range(start, end)}

    def fincore(self, fd: int) -> bytes:
        """Give one byte for each page of the file: 1 where it is in the page cache."""
        try:
            mine = os.open(f"/proc/{self.pid}/fd/{integer('fd', fd)}", os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            raise OSError(errno.EBADF, f"fincore: {fd} is not open") from None
        size = os.fstat(mine).st_size
        view = libc().mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, mine, 0) if size else 0
        os.close(mine)
        if view == MAP_FAILED:
            raise OSError(ctypes.get_errno(), "fincore: such a file has no pages")
        core = (ctypes.c_ubyte * -(-size // PAGE_SIZE))()
        if size:
            libc().mincore(view, size, core)
            libc().munmap(view, size)
        return bytes(byte & 1 for byte in core)

    def getrusage(self) -> Rusage:
        """getrusage(2): how many page faults there were since the process was spawned or forked."""
        if self.stub.died is not None:
            return self._last
        fields = self.proc("stat").rpartition(")")[2].split()
        return Rusage(int(fields[7]) - self._before.ru_minflt, int(fields[9]) - self._before.ru_majflt)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self.stub.died is None:
            self.exit()

    def __repr__(self) -> str:
        return f"<Process {self.name} pid={self.pid}>"


def memory_fault(number: int, code: int, address: int, access: str, operand: int) -> MemoryFault:
    """Make the exception for a signal."""
    if number == signal.SIGBUS:
        return BusError(address, access, BUS_ADRERR, "the mapping goes on past the last page of its file")
    if code in REASONS:
        return SegmentationFault(address, access, code, REASONS[code])
    return SegmentationFault(operand, access, SEGV_MAPERR, "the address is not canonical")
