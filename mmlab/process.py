"""A process, from outside: the system calls and memory accesses that its program makes."""

from __future__ import annotations

from dataclasses import dataclass
from errno import ENOMEM, ESRCH
from operator import index

from .arch import cpu
from .fs import open as fs_open
from .fs import read_write
from .fs.fcntl import sys_fcntl
from .fs.file_table import fget
from .fs.pipe import sys_pipe
from .fs.stat import kstat, sys_fstat
from .fs.sync import sys_fsync
from .fs.task_mmu import show_maps, show_smaps
from .include.errors import failure
from .include.mm_types import PageAnon, PG_uptodate, page_mapcount
from .include.mman import MFD_CLOEXEC, PAGE_SIZE
from .include.pgtable import pte_none, pte_offset, pte_pfn
from .include.sched import SIGKILL, task_struct
from .include.shm import shmid_ds
from .include.uio import import_ubuf, iov_iter_kvec
from .ipc.shm import do_shmat, sys_shmctl, sys_shmdt, sys_shmget
from .kernel.exit import do_exit
from .kernel.fork import do_fork
from .kernel.sys import sys_setrlimit, sys_setuid
from .mm.madvise import sys_madvise
from .mm.memfd import sys_memfd_create
from .mm.memory import ZERO_PFN
from .mm.mincore import VEC_MAX, sys_mincore
from .mm.mlock import sys_mlock, sys_munlock
from .mm.mmap import sys_brk, sys_mmap, sys_munmap
from .mm.mprotect import sys_mprotect
from .mm.mremap import sys_mremap
from .mm.msync import sys_msync
from .mm.pagemap import last_page
from .report import TextReport

ULONG = 2**64 - 1
BYTES_LIKE = (bytes, bytearray, memoryview)


def integer(name: str, value: object, bits: int = 64) -> int:
    """Give `value` as the signed number that so many bits of a register would hold.

    >>> integer("fd", 2**32 + 3), integer("fd", 2**32 + 3, 32), integer("offset", 2**63)
    (4294967299, 3, -9223372036854775808)
    """
    sign = 1 << bits - 1
    return (number(name, value) + sign) % (2 * sign) - sign


def number(name: str, value: object) -> int:
    """Give `value` as an int; TypeError names the argument if it is none."""
    try:
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        raise no_integer(name, value) from None


def ulong(name: str, value: object) -> int:
    """Give `value` as the unsigned 64-bit number that a register would hold."""
    try:
        return index(value) & ULONG  # type: ignore[arg-type]
    except TypeError:
        raise no_integer(name, value) from None


def no_integer(name: str, value: object) -> TypeError:
    """Make the exception for an argument that is no integer."""
    return TypeError(f"{name} must be an integer, not {type(value).__name__}")


def uint(name: str, value: object) -> int:
    """Give `value` as the unsigned 32-bit number that an unsigned int would hold."""
    return integer(name, value) & 0xFFFFFFFF


def length(name: str, value: object) -> int:
    """Give `value` as a number of bytes; ValueError if it is negative."""
    found = number(name, value)
    if found < 0:
        raise ValueError(f"{name} = {found}: must not be negative")
    return found


def octets(name: str, value: object) -> bytes:
    """Give `value` as bytes; TypeError names the argument if it is not bytes-like."""
    if not isinstance(value, BYTES_LIKE):
        raise TypeError(f"{name} must be bytes, not {type(value).__name__}")
    return bytes(value)


def pathname(value: object, name: str = "path") -> str:
    """Give `value` as text; TypeError names the argument if it is none."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{name} cannot hold a NUL byte: for C it ends there")
    return value


@dataclass(frozen=True, slots=True)
class PageState:
    """One page of an address space, as /proc/PID/pagemap and /proc/kpagecount tell it.

    `present`: a PTE maps a frame · `file`: a page of the page cache (files, shmem) · `zero`: the shared zero page ·
    `mapcount`: how many PTEs of all processes map the frame.
    """

    present: bool
    file: bool
    zero: bool
    mapcount: int


@dataclass(frozen=True, slots=True)
class Rusage:
    """Page faults so far: minor ones, and major ones, for which a page had to be filled first."""

    ru_minflt: int
    ru_majflt: int


class Process:
    """A running program of the simulated machine. Each method is one system call, or one access to memory.

    Failures are OSError with Linux's errno; a bad access is SegmentationFault or BusError.

    >>> from mmlab import Kernel, MAP_PRIVATE, O_RDONLY, PROT_READ
    >>> proc = Kernel().spawn("reader")
    >>> fd = proc.open("/data/book.txt", O_RDONLY)
    >>> addr = proc.mmap(0, 8192, PROT_READ, MAP_PRIVATE, fd, 4096)
    >>> proc.load(addr, 5)
    b'page1'
    """

    def __init__(self, task: task_struct) -> None:
        self.task = task

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.task.pid

    @property
    def current(self) -> task_struct:
        """The kernel's task_struct, now running; ProcessLookupError once the process is over."""
        task = self.task
        if task.exit_code is not None:
            how = "was killed by the OOM killer" if task.exit_code == 128 + SIGKILL else "is over"
            raise failure(ESRCH, "find_task_by_pid", f"{task.comm}[{self.pid}] {how}")
        task.machine.current = task
        return task

    @property
    def exit_code(self) -> int | None:
        """How the process ended, as a shell tells it: 137 is SIGKILL. None as long as it runs."""
        code = self.task.exit_code
        return None if code is None else code & 0xFF

    # ── files ───────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """open(2): give a file descriptor."""
        return fs_open.sys_open(self.current, pathname(path), integer("flags", flags, 32), integer("mode", mode))

    def close(self, fd: int) -> None:
        """close(2): give a file descriptor back; mappings of the file stay."""
        fs_open.sys_close(self.current, integer("fd", fd))

    def dup(self, fd: int) -> int:
        """dup(2): give the open file another number."""
        return fs_open.sys_dup(self.current, integer("fd", fd))

    def read(self, fd: int, count: int) -> bytes:
        """read(2): up to `count` bytes from the file's position on."""
        to = iov_iter_kvec(integer("count", count))
        read_write.sys_read(self.current, integer("fd", fd), to)
        return bytes(to.kvec)

    def write(self, fd: int, data: bytes) -> int:
        """write(2): put `data` at the file's position; give the number of bytes written."""
        source = iov_iter_kvec(len(octets("data", data)), data)
        return read_write.sys_write(self.current, integer("fd", fd), source)

    def pread(self, fd: int, count: int, offset: int) -> bytes:
        """pread(2): up to `count` bytes from `offset` on."""
        to = iov_iter_kvec(integer("count", count))
        read_write.sys_pread(self.current, integer("fd", fd), to, integer("offset", offset))
        return bytes(to.kvec)

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """pwrite(2): put `data` at `offset`; give the number of bytes written."""
        source = iov_iter_kvec(len(octets("data", data)), data)
        return read_write.sys_pwrite(self.current, integer("fd", fd), source, integer("offset", offset))

    def sys_read(self, fd: int, addr: int, count: int) -> int:
        """read(2) into the process's own memory; give the number of bytes. EFAULT if the kernel cannot write there."""
        to = import_ubuf(self.current, ulong("addr", addr), ulong("count", count))
        return read_write.sys_read(self.current, integer("fd", fd), to)

    def sys_write(self, fd: int, addr: int, count: int) -> int:
        """write(2) from the process's own memory; give the number of bytes. EFAULT if the kernel cannot read there."""
        source = import_ubuf(self.current, ulong("addr", addr), ulong("count", count))
        return read_write.sys_write(self.current, integer("fd", fd), source)

    def lseek(self, fd: int, offset: int, whence: int) -> int:
        """lseek(2): move the file's position; give the new one."""
        return read_write.sys_lseek(
            self.current, integer("fd", fd), integer("offset", offset), integer("whence", whence, 32)
        )

    def fstat(self, fd: int) -> kstat:
        """fstat(2): st_size (bytes), st_mode, st_ino, …"""
        return sys_fstat(self.current, integer("fd", fd))

    def ftruncate(self, fd: int, length: int) -> None:
        """ftruncate(2): give the file a new size in bytes."""
        fs_open.sys_ftruncate(self.current, integer("fd", fd), integer("length", length))

    def fallocate(self, fd: int, mode: int, offset: int, length: int) -> None:
        """fallocate(2): reserve room for a range of bytes; with FALLOC_FL_PUNCH_HOLE (and KEEP_SIZE), free it."""
        arguments = integer("mode", mode, 32), integer("offset", offset), integer("length", length)
        fs_open.sys_fallocate(self.current, integer("fd", fd), *arguments)

    def fsync(self, fd: int) -> None:
        """fsync(2): write all that is dirty of a file back to its disk."""
        sys_fsync(self.current, integer("fd", fd))

    def fcntl(self, fd: int, cmd: int, arg: int = 0) -> int:
        """fcntl(2): F_ADD_SEALS, F_GET_SEALS, F_GETFL or F_DUPFD."""
        return sys_fcntl(self.current, integer("fd", fd), uint("cmd", cmd), uint("arg", arg))

    def pipe(self) -> tuple[int, int]:
        """pipe2(2) with O_NONBLOCK: give its read end and its write end. Where they would wait they raise EAGAIN."""
        return sys_pipe(self.current)

    def memfd_create(self, name: str, flags: int = MFD_CLOEXEC) -> int:
        """memfd_create(2): give a descriptor of a new, empty file in memory."""
        return sys_memfd_create(self.current, pathname(name, "name"), uint("flags", flags))

    def mkdir(self, path: str) -> None:
        """mkdir(2): make a directory."""
        fs_open.sys_mkdir(self.current, pathname(path))

    def unlink(self, path: str) -> None:
        """unlink(2): take a file's name away; it lives on while it is open or mapped."""
        fs_open.sys_unlink(self.current, pathname(path))

    # ── memory ──────────────────────────────────────────────────────────────────────────────────────────────

    def mmap(self, addr: int, length: int, prot: int, flags: int, fd: int = -1, offset: int = 0) -> int:
        """mmap(2): map `length` bytes of the file from `offset` on (or memory); give the address."""
        return sys_mmap(
            self.current,
            ulong("addr", addr),
            ulong("length", length),
            ulong("prot", prot),
            ulong("flags", flags),
            integer("fd", fd),
            ulong("offset", offset),
        )

    def mprotect(self, addr: int, length: int, prot: int) -> None:
        """mprotect(2): change what the program may do with [addr, addr + length)."""
        sys_mprotect(self.current, ulong("addr", addr), ulong("length", length), ulong("prot", prot))

    def mremap(self, old_addr: int, old_size: int, new_size: int, flags: int = 0, new_addr: int = 0) -> int:
        """mremap(2): let a mapping grow, shrink or move; give its address."""
        return sys_mremap(
            self.current,
            ulong("old_addr", old_addr),
            ulong("old_size", old_size),
            ulong("new_size", new_size),
            integer("flags", flags),
            ulong("new_addr", new_addr),
        )

    def madvise(self, addr: int, length: int, advice: int) -> None:
        """madvise(2): say how [addr, addr + length) will be used, or have its pages dropped or brought."""
        sys_madvise(self.current, ulong("addr", addr), ulong("length", length), integer("advice", advice, 32))

    def msync(self, addr: int, length: int, flags: int) -> None:
        """msync(2): with MS_SYNC, write what was stored to shared mappings back to their files."""
        sys_msync(self.current, ulong("addr", addr), ulong("length", length), integer("flags", flags, 32))

    def mincore(self, addr: int, length: int) -> bytes:
        """mincore(2): a byte for each page, 1 where it is in memory."""
        return sys_mincore(self.current, ulong("addr", addr), ulong("length", length))

    def mlock(self, addr: int, length: int, flags: int = 0) -> None:
        """mlock2(2): lock [addr, addr + length) in memory; with MLOCK_ONFAULT, pages as they are touched."""
        sys_mlock(self.current, ulong("addr", addr), ulong("length", length), integer("flags", flags, 32))

    def munlock(self, addr: int, length: int) -> None:
        """munlock(2): unlock [addr, addr + length)."""
        sys_munlock(self.current, ulong("addr", addr), ulong("length", length))

    def munmap(self, addr: int, length: int) -> None:
        """munmap(2): unmap [addr, addr + length)."""
        sys_munmap(self.current, ulong("addr", addr), ulong("length", length))

    def brk(self, addr: int) -> int:
        """brk(2), as the kernel answers it: move the end of the heap; give the end, unmoved if it could not be."""
        return sys_brk(self.current, ulong("addr", addr))

    def shmget(self, key: int, size: int, flags: int) -> int:
        """shmget(2): find or make a System V segment of `size` bytes; give its number."""
        return sys_shmget(self.current, integer("key", key, 32), ulong("size", size), uint("flags", flags))

    def shmat(self, id: int, addr: int = 0, flags: int = 0) -> int:
        """shmat(2): map a segment; give the address."""
        return do_shmat(self.current, integer("id", id, 32), ulong("addr", addr), uint("flags", flags))

    def shmdt(self, addr: int) -> None:
        """shmdt(2): unmap the segment attached at `addr`."""
        sys_shmdt(self.current, ulong("addr", addr))

    def shmctl(self, id: int, cmd: int) -> shmid_ds | None:
        """shmctl(2): IPC_STAT gives shm_segsz, shm_nattch and mode; IPC_RMID removes the segment."""
        return sys_shmctl(self.current, integer("id", id, 32), integer("cmd", cmd, 32))

    def load(self, addr: int, n: int = 1) -> bytes:
        """Read `n` bytes of memory, as a CPU load does."""
        return cpu.load(self.current, ulong("addr", addr), length("n", n))

    def store(self, addr: int, data: bytes) -> None:
        """Write `data` to memory, as a CPU store does."""
        cpu.store(self.current, ulong("addr", addr), octets("data", data))

    def memcpy(self, dst: int, src: int, n: int) -> None:
        """Copy `n` bytes of memory, page by page, as memcpy(3) does."""
        src, dst, n = ulong("src", src), ulong("dst", dst), length("n", n)
        done = 0
        while done < n:
            step = min(n - done, PAGE_SIZE - (src + done) % PAGE_SIZE, PAGE_SIZE - (dst + done) % PAGE_SIZE)
            self.store(dst + done, self.load(src + done, step))
            done += step

    # ── looking at it, and ending it ────────────────────────────────────────────────────────────────────────

    def maps(self) -> TextReport:
        """Give the text of /proc/PID/maps."""
        return TextReport(show_maps(self.current.mm))

    def smaps(self) -> TextReport:
        """Give the text of /proc/PID/smaps: what each VMA's pages are, in kB."""
        return TextReport(show_smaps(self.current.mm))

    def pagemap(self, addr: int) -> PageState:
        """Tell the state of the page at `addr`, without touching it."""
        table, i = pte_offset(self.current.mm.pgd, ulong("addr", addr))
        if table is None or pte_none(table[i]):
            return PageState(False, False, False, 0)
        if pte_pfn(table[i]) == ZERO_PFN:
            return PageState(True, False, True, 0)
        page = self.current.machine.mem_map[pte_pfn(table[i])]
        return PageState(True, not PageAnon(page), False, page_mapcount(page))

    def fincore(self, fd: int) -> bytes:
        """Give one byte for each page of the file: 1 where it is in the page cache."""
        mapping = fget(self.current, integer("fd", fd), "fincore").f_mapping
        pages = last_page(mapping)
        if pages > VEC_MAX:
            raise failure(ENOMEM, "fincore", f"{pages} pages are too many to tell one by one")
        cached = bytearray(pages)
        for pgoff, page in mapping.page_tree.items():
            if pgoff < len(cached) and page.flags & PG_uptodate:
                cached[pgoff] = 1
        return bytes(cached)

    def getrusage(self) -> Rusage:
        """getrusage(2): how many page faults there were."""
        return Rusage(self.task.min_flt, self.task.maj_flt)

    def fork(self) -> Process:
        """fork(2): give the child, which has a copy of this process's memory and the same open files."""
        return Process(do_fork(self.current))

    def setrlimit(self, resource: int, soft: int) -> None:
        """setrlimit(2): set a soft limit (bytes; for RLIMIT_NOFILE, files); the hard one stays.

        SIGXFSZ, which a file that grows past RLIMIT_FSIZE earns, is blocked here: EFBIG tells of it.
        """
        sys_setrlimit(self.current, uint("resource", resource), ulong("soft", soft))

    def setuid(self, uid: int) -> None:
        """setuid(2): go on as another user; only root may."""
        sys_setuid(self.current, uint("uid", uid))

    def exit(self, code: int = 0) -> None:
        """_exit(2): end the process; its memory and open files go."""
        do_exit(self.current, integer("code", code))

    def __repr__(self) -> str:
        return f"<Process {self.task.comm} pid={self.pid}>"
