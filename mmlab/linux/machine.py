"""The real kernel as a Kernel: where a script's files really lie, and its processes."""

from __future__ import annotations

import contextlib
import functools
import os
import posixpath
import re
import shutil
import struct
import tempfile
import weakref
from pathlib import Path

from ..include.mman import PAGE_SIZE
from ..include.sched import (
    HARD_RLIMITS,
    INIT_RLIMITS,
    RLIMIT_AS,
    RLIMIT_DATA,
    RLIMIT_FSIZE,
    RLIMIT_MEMLOCK,
    RLIMIT_NOFILE,
    RLIMIT_STACK,
)
from ..machine import book_text
from ..report import CountReport
from .process import Process
from .programs import Sleeper, attach_loop
from .stub import SCRATCH, Stub, Unavailable, elf, libc

with contextlib.suppress(ImportError):  # not on Windows, where Kernel() is Unavailable
    import fcntl

ADDR_NO_RANDOMIZE = 0x40000
PR_SET_THP_DISABLE = 41
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x20000, 0x8000000, 0x10000000
MS_PRIVATE_REC = 0x44000
MOUNTS = {"/ram": "ramfs", "/dev/shm": "tmpfs", "/tmp": "tmpfs"}
DIRECTORIES = ("data", "usr/bin", *(path[1:] for path in MOUNTS))
DEVICES = ("/dev/null", "/dev/zero")
PROC_FILES = re.compile(r"/proc(/self|/\d+)?/\w+")
SHARED = "/dev/null, /dev/zero, and the files of /proc and /proc/PID"
RLIMITS = RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS
SIG_BLOCK, SIGXFSZ = 0, 25
DISK_SIZE = 64 << 20


def disk_directory() -> str:
    """Give a writable directory on a disk, rather than on a tmpfs, if there is one; a chroot's root may be no mount."""
    mounts = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    kinds = {left.split()[4]: right.split()[0] for left, right in mounts}
    candidates = [Path(d) for d in (tempfile.gettempdir(), "/var/tmp", Path.home(), ".") if os.access(d, os.W_OK)]
    for path in (candidate.resolve() for candidate in candidates):
        kind = next((kinds[str(p)] for p in (path, *path.parents) if str(p) in kinds), "")
        if kind not in ("tmpfs", "ramfs"):
            return str(path)
    return tempfile.gettempdir()


def claim(root: str) -> int:
    """Lock a folder's file .owner for as long as this process lives; give the file's descriptor."""
    fd = os.open(f"{root}/.new", os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.rename(f"{root}/.new", f"{root}/.owner")
    return fd


def sweep(directory: str) -> None:
    """Remove the folders there whose owners were killed: nobody locks their .owner any more."""
    for owner in Path(directory).glob("mmlab-*/.owner"):
        with contextlib.suppress(OSError):
            fd = os.open(owner, os.O_RDWR)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(owner.parent, ignore_errors=True)
            finally:
                os.close(fd)


class Kernel:
    """The machine this runs on, with private directories for the files of scripts.

    /data lies on the disk; /ram is a ramfs, /dev/shm and /tmp are tmpfs, mounted where only its processes see them, if
    this machine lets us: otherwise these paths and System V shared memory raise Unavailable. Of /dev there are null and
    zero; /proc is the real one. Close it, or leave its `with`, to end its processes and remove its files.
    """

    def __init__(self) -> None:
        libc()
        self.processes: dict[int, Process] = {}
        sweep(disk_directory())
        self.root = tempfile.mkdtemp(prefix="mmlab-", dir=disk_directory())
        self._programs: dict[str, Stub] = {}
        self._devices, self._held = set(DEVICES), [claim(self.root)]
        tables = self.processes, self._programs
        self._finish = weakref.finalize(self, finish, os.getpid(), self.root, self._held, *tables)
        try:
            self._fill_disk()
            self._programs[""] = Stub.start(self._install("init"))
            self._prepare(self._programs[""])
        except BaseException:
            self.close()
            raise

    def _fill_disk(self) -> None:
        """Make the directories and /data/book.txt, which is on the disk and not in memory."""
        os.chmod(self.root, 0o755)
        for path in DIRECTORIES:
            os.makedirs(f"{self.root}/{path}")
        fd = os.open(f"{self.root}/data/book.txt", os.O_RDWR | os.O_CREAT, 0o644)
        for start in range(0, len(book_text()), PAGE_SIZE):
            os.pwrite(fd, book_text()[start : start + PAGE_SIZE], start)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)

    def _install(self, name: str) -> str:
        """Put the program into /usr/bin under that name, if it is not there yet; give its real path."""
        path = f"{self.root}/usr/bin/{name}"
        if not os.path.exists(path):
            Path(path).write_bytes(elf())
            os.chmod(path, 0o755)
        return path

    def _prepare(self, init: Stub) -> None:
        """Set what every program inherits: fixed addresses, single pages, limits, mounts of its own."""
        init.syscall("umask", 0)
        init.syscall("prctl", PR_SET_THP_DISABLE, 1, 0, 0, 0)
        with contextlib.suppress(OSError):  # some containers forbid it: then the stack and the heap move about
            init.syscall("personality", ADDR_NO_RANDOMIZE)
        struct.pack_into("<Q", init.scratch, 0, 1 << (SIGXFSZ - 1))
        init.syscall("rt_sigprocmask", SIG_BLOCK, SCRATCH, 0, 8)
        for resource in RLIMITS:
            with contextlib.suppress(OSError):  # a lower hard limit than the simulation's stays
                Process.limit(init, resource, INIT_RLIMITS[resource], HARD_RLIMITS[resource])
        self.forbidden = ""
        try:
            self._unshare(init)
            init.syscall("mount", 0, init.text("/"), 0, MS_PRIVATE_REC, 0)
            for path, kind in MOUNTS.items():
                kind_at = init.text(kind, PAGE_SIZE * 2)
                init.syscall("mount", kind_at, init.text(self.root + path), kind_at, 0, 0)
        except OSError as error:
            self.forbidden = f"this machine or container forbids mounts of one's own ({error})"

    def _unshare(self, init: Stub) -> None:
        """Give it mounts and System V segments of its own; without root, as root of a user namespace."""
        try:
            init.syscall("unshare", CLONE_NEWNS | CLONE_NEWIPC)
        except PermissionError:
            init.syscall("unshare", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC)
            proc = Path(f"/proc/{init.pid}")
            (proc / "setgroups").write_text("deny")
            (proc / "uid_map").write_text(f"0 {os.getuid()} 1")
            (proc / "gid_map").write_text(f"0 {os.getgid()} 1")

    def spawn(self, name: str) -> Process:
        """Start a process that runs a program of that name: a fork of one that has just been exec'ed."""
        if name not in self._programs:
            program = self._programs[""].clone()
            try:
                program.execve(self._install(name))
            except BaseException:
                program.kill()
                raise
            self._programs[name] = program
        return Process(self, self._programs[name].clone(), name)

    def background(self, name: str) -> Process:
        """Start a real program of that name, which maps a C library and waits. We can look at it, and end it.

        Unavailable where this machine's `sleep` cannot be it.
        """
        return Process(self, Sleeper(self.root, name), name)  # type: ignore[arg-type]

    @functools.cached_property
    def disk(self) -> str:
        """The path of a block device of our own, DISK_SIZE bytes of zeros. Unavailable without root."""
        backing = f"{self.root}/disk"
        with open(backing, "wb") as file:
            file.truncate(DISK_SIZE)
        path, device = attach_loop(backing)
        self._held.append(device)
        self._devices.add(path)
        return path

    # ── paths ───────────────────────────────────────────────────────────────────────────────────────────────

    def need_private(self, what: str) -> None:
        """Raise Unavailable if scripts have no mounts and no System V segments of their own here."""
        if self.forbidden:
            raise Unavailable(f"mmlab.linux has no {what} here: {self.forbidden}")

    def path(self, path: str) -> str:
        """Give the real path of a script's path; Unavailable for a device or file system that is not there."""
        if not path:
            return path
        real = posixpath.normpath("/" + path.lstrip("/")) + "/" * path.endswith("/")
        if real in self._devices or PROC_FILES.fullmatch(real):
            return real
        if real.startswith("/proc") or (real.startswith("/dev/") and not real.startswith("/dev/shm")):
            raise Unavailable(f"mmlab.linux leaves {real} alone: of this machine's own files a script gets {SHARED}")
        if any(f"{real}/".startswith(f"{mount}/") for mount in MOUNTS):
            self.need_private(real)
        return self.root + real

    def private_path(self, path: str) -> str:
        """Give the real path of a name that a script makes or removes; Unavailable for one of this machine's own."""
        real = self.path(path)
        if path and not real.startswith(f"{self.root}/"):
            raise Unavailable(f"mmlab.linux leaves {real} alone: it is this machine's own")
        return real

    def unpath(self, text: str) -> str:
        """Put a script's paths in the place of the real ones."""
        return text.replace(self.root + "/", "/")

    # ── looking at it ───────────────────────────────────────────────────────────────────────────────────────

    @functools.cached_property
    def _kpagecount(self) -> int | None:
        try:
            fd = os.open("/proc/kpagecount", os.O_RDONLY)
        except OSError:
            return None
        weakref.finalize(self, os.close, fd)
        return fd

    def mapcount(self, pfn: int) -> int | None:
        """Tell how many PTEs map a frame; None where the kernel hides it."""
        if not pfn or self._kpagecount is None:
            return None
        return int.from_bytes(os.pread(self._kpagecount, 8, pfn * 8), "little")

    def meminfo(self) -> CountReport:
        """Give /proc/meminfo: name → kB; its str() is the file's text."""
        return report("/proc/meminfo")

    def vmstat(self) -> CountReport:
        """Give /proc/vmstat: name → count; its str() is the file's text."""
        return report("/proc/vmstat")

    def check(self) -> None:
        """Do nothing: the real kernel sees to its own invariants."""

    def close(self) -> None:
        """End all processes, and remove the files."""
        self._finish()

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(f"{process.name}[{pid}]" for pid, process in self.processes.items()) or "no process"
        return f"<Kernel {os.uname().sysname} {os.uname().release}: {names}>"


def finish(owner: int, root: str, held: list[int], processes: dict[int, Process], programs: dict[str, Stub]) -> None:
    """End what a Kernel started; not in a process forked from its owner."""
    if os.getpid() == owner:
        for stub in [process.stub for process in processes.values()] + list(programs.values()):
            stub.kill()
        processes.clear()
        programs.clear()
        shutil.rmtree(root, ignore_errors=True)
        for fd in held:
            os.close(fd)


def report(path: str) -> CountReport:
    """Read counts of /proc, exact to the page if the kernel lets us add up what each CPU holds back."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/stat_refresh").write_text("1")
    text = Path(path).read_text()
    words = (line.replace(":", " ").split() for line in text.splitlines())
    return CountReport({name: int(count) for name, count, *_ in words}, text)


@functools.cache
def default() -> Kernel:
    """The Kernel of `spawn`."""
    return Kernel()


def spawn(name: str) -> Process:
    """Start a process on the real kernel: Kernel().spawn(name), all on one Kernel."""
    return default().spawn(name)
