"""Beside the stub: a real program with a C library, which waits in the background, and a disk of one's own."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import struct
import time
from pathlib import Path

from ..include.mman import PAGE_SIZE
from .stub import Unavailable, libc

with contextlib.suppress(ImportError):  # not on Windows, where Kernel() is Unavailable
    import fcntl

ADDR_NO_RANDOMIZE, PERSONALITY_QUERY = 0x40000, 0xFFFFFFFF
LOOP_CTL_GET_FREE, LOOP_CONFIGURE, LOOP_CONFIG_SIZE, LO_FLAGS_AT = 0x4C82, 0x4C0A, 304, 60
LO_FLAGS_READ_ONLY, LO_FLAGS_AUTOCLEAR, LO_FLAGS_DIRECT_IO = 1, 4, 16
BLKRASET, READ_AHEAD = 0x1262, 256  # 512-byte sectors, as disks have it by default
LIBRARY = re.compile(r"/(ld-[^/]*\.so[^/]*|libc[-.][^/]*so[^/]*)$")
PATIENCE = 5  # seconds


def write_pages(path: str, data: bytes) -> None:
    """Make a program file, page by page: so that the page cache holds single pages."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o755)
    for start in range(0, len(data), PAGE_SIZE):
        os.pwrite(fd, data[start : start + PAGE_SIZE], start)
    os.close(fd)


# ── a program in the background ─────────────────────────────────────────────────────────────────────────────


class Sleeper:
    """A stub's part for a real program: `sleep`, under another name, with a loader and a C library of its own.

    All three are copies in the kernel's folder, so no other program of this machine maps them; and the addresses are
    not random. So it maps the same pages each time. It makes its own calls; we can but look, and end it.
    """

    def __init__(self, root: str, name: str) -> None:
        loader, program = install_libraries(f"{root}/lib"), f"{root}/usr/bin/{name}"
        if not os.path.exists(program):
            write_pages(program, Path(shutil.which("sleep") or "/bin/sleep").read_bytes())
        command = [loader, "--library-path", f"{root}/lib", program, "1000"]
        actions = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_RDWR, 0) for n in range(3)]
        before = libc().personality(PERSONALITY_QUERY)
        libc().personality(before | ADDR_NO_RANDOMIZE)
        try:
            self.pid = os.posix_spawn(loader, command, {}, file_actions=actions)
        finally:
            libc().personality(before)
        self.died: int | None = None
        self._wait()

    def _wait(self) -> None:
        """Wait until it sleeps."""
        for _ in range(PATIENCE * 500):
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.died = status
                raise Unavailable("this machine's sleep does not run with a copy of the C library")
            if Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S":
                return
            time.sleep(0.002)
        self.kill()
        raise Unavailable("this machine's sleep does not come to rest")

    def syscall(self, name: str, *_arguments: int) -> int:
        """End it, for exit_group: ProcessLookupError, as a stub gives then. Unavailable for all other calls."""
        if name != "exit_group":
            raise Unavailable(f"a program in the background makes its own calls: no {name} from here")
        self.kill()
        raise ProcessLookupError(errno.ESRCH, f"process {self.pid} is over")

    def kill(self) -> None:
        """End it, and reap it."""
        if self.died is None:
            os.kill(self.pid, signal.SIGKILL)
            self.died = os.waitpid(self.pid, 0)[1]


def install_libraries(directory: str) -> str:
    """Copy the loader and the C library that Python itself uses; give the loader's path."""
    maps = Path("/proc/self/maps").read_text().split()
    found = {path for path in maps if LIBRARY.search(path)}
    loader = next((path for path in found if "/ld-" in path), None)
    if loader is None:
        raise Unavailable("Python has no dynamic loader here")
    os.makedirs(directory, exist_ok=True)
    for path in found:
        copy = f"{directory}/{'ld.so' if path == loader else 'libc.so.6'}"
        if not os.path.exists(copy):
            write_pages(copy, Path(path).read_bytes())
    return f"{directory}/ld.so"


# ── a block device ──────────────────────────────────────────────────────────────────────────────────────────


def attach_loop(path: str) -> tuple[str, int]:
    """Make a file a disk, to be read only: give the device's path, and the descriptor that keeps it. Needs root."""
    try:
        control, backing = os.open("/dev/loop-control", os.O_RDWR), os.open(path, os.O_RDONLY)
    except OSError as error:
        raise Unavailable(f"this machine or container gives no disk ({error})") from None
    try:
        name = f"/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}"
        device = os.open(name, os.O_RDONLY)
        config = bytearray(LOOP_CONFIG_SIZE)
        struct.pack_into("<I", config, 0, backing)
        struct.pack_into("<I", config, LO_FLAGS_AT, LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO)
        fcntl.ioctl(device, LOOP_CONFIGURE, bytes(config))
        fcntl.ioctl(device, BLKRASET, READ_AHEAD)
    except OSError as error:
        raise Unavailable(f"this machine or container gives no disk ({error})") from None
    finally:
        os.close(control)
        os.close(backing)
    return name, device
