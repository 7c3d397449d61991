"""Other software that keeps a table of mapped memory, doing W(n) as far as it can.

Python's mmap module runs where this runs. unicorn and angr (PyPI) get an environment each under build/peers; one that
does not install is left out, with a message. What a peer cannot do (a lookup, a split) is a dash.
`python -m tests.bench.peers NAME N` runs one peer and prints the CPU seconds of each kind as JSON.
"""

from __future__ import annotations

import contextlib
import json
import logging
import mmap
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from . import workload
from .workload import FILE_PAGES, PAGE

ROOT = Path(__file__).resolve().parents[2]
N = 1000
PACKAGES = {"unicorn": ["unicorn"], "angr": ["angr", "bitstring<5", "pycparser==3.0"]}
TIMEOUT = 900  # seconds for an installation


class PythonMmap:
    """Python's mmap module: each mapping is an object, at a place the kernel chooses."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("file")
        os.ftruncate(self.fd, FILE_PAGES * PAGE)
        self.maps: dict[int, mmap.mmap] = {}
        self.pages: dict[int, tuple[mmap.mmap, int]] = {}

    def mmap(self, addr: int, length: int, prot: int, flags: int, fd: int, offset: int) -> None:
        self.maps[addr] = mapped = mmap.mmap(fd, length, mmap.MAP_SHARED if fd >= 0 else mmap.MAP_PRIVATE | 0x20,
                                             offset=offset)  # fmt: skip
        self.pages |= {addr + at: (mapped, at) for at in range(0, length, PAGE)}

    def load(self, addr: int, n: int) -> None:
        mapped, at = self.pages[addr]
        mapped[at]

    def store(self, addr: int, data: bytes) -> None:
        mapped, at = self.pages[addr]
        mapped[at] = data[0]

    def munmap(self, addr: int, length: int) -> None:
        for each in [addr] if addr in self.maps else list(self.maps):
            self.maps.pop(each).close()


class Unicorn:
    """A CPU emulator in C, with the memory map of QEMU."""

    def __init__(self) -> None:
        import unicorn  # type: ignore[import-not-found]

        self.fd, self.uc = -1, unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        self.load, self.store = self.uc.mem_read, self.uc.mem_write

    def mmap(self, addr: int, length: int, prot: int, flags: int, fd: int, offset: int) -> None:
        self.uc.mem_map(addr, length, prot)

    def mprotect(self, addr: int, length: int, prot: int) -> None:
        self.uc.mem_protect(addr, length, prot)

    def munmap(self, addr: int, length: int) -> None:
        if length <= 16 * PAGE:
            self.uc.mem_unmap(addr, length)
        else:
            for begin, end, _ in list(self.uc.mem_regions()):
                self.uc.mem_unmap(begin, end + 1 - begin)


class Angr:
    """A symbolic executor in Python, here with concrete memory only."""

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)
        import angr  # type: ignore[import-not-found]

        self.fd, self.state = -1, angr.SimState(arch="AMD64")
        self.memory = self.state.memory

    def mmap(self, addr: int, length: int, prot: int, flags: int, fd: int, offset: int) -> None:
        self.memory.map_region(addr, length, prot, init_zero=True)

    def msync(self, addr: int, length: int, flags: int) -> None:
        self.memory.permissions(addr)

    def mprotect(self, addr: int, length: int, prot: int) -> None:
        self.memory.permissions(addr, permissions=prot)

    def load(self, addr: int, n: int) -> None:
        self.memory.load(addr, n)

    def store(self, addr: int, data: bytes) -> None:
        self.memory.store(addr, data)

    def munmap(self, addr: int, length: int) -> None:
        for page in range(addr, addr + min(length, 16 * PAGE), PAGE):
            self.memory.unmap_region(page, PAGE)


PEERS: dict[str, Callable[[], Any]] = {"Python's mmap": PythonMmap, "unicorn": Unicorn, "angr": Angr}
CALLS = {"map": "mmap", "lookup": "msync", "touch": "load", "unmap": "munmap", "split": "mprotect"}


def work(name: str, n: int) -> dict[str, float | None]:
    """Give the CPU seconds of each kind of operation in W(n); None for what the peer cannot do."""
    machine, plan = PEERS[name](), workload.plan(n)
    able = {kind: hasattr(machine, call) for kind, call in CALLS.items()}
    for call in CALLS.values():
        if not hasattr(machine, call):
            setattr(machine, call, lambda *arguments: None)
    seconds = workload.run(machine, plan)[0]
    return {kind: seconds[kind] if able[kind] else None for kind in CALLS}


def python_for(name: str) -> str:
    """Give the Python that has the peer, making its environment if need be; OSError or CalledProcessError if not."""
    if name not in PACKAGES:
        return sys.executable
    prefix = ROOT / "build" / "peers" / name
    python = str(prefix / "bin" / "python")
    if not (prefix / "ready").exists():
        pip = [python, "-m", "pip", "install", *PACKAGES[name]]
        for words in ([sys.executable, "-m", "venv", "--clear", str(prefix)], pip):
            subprocess.run(words, check=True, capture_output=True, timeout=TIMEOUT)
        (prefix / "ready").touch()
    return python


def compare(out: TextIO, rounds: int) -> dict[str, dict[str, float]]:
    """Let each peer do W(N); print, and give, its thousands of operations a second: the medians of the rounds."""
    found: dict[str, dict[str, float]] = {}
    counts = workload.plan(N).counts()
    print(f"W({N}), thousands of operations a second: " + ", ".join(CALLS), file=out, flush=True)
    for name in PEERS:
        try:
            command = [python_for(name), "-m", "tests.bench.peers", name, str(N)]
            runs = [json.loads(subprocess.check_output(command, cwd=ROOT, timeout=TIMEOUT)) for _ in range(rounds)]
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            print(f"    {name}: skipped, it does not run here ({type(error).__name__})", file=out, flush=True)
            continue
        able = [kind for kind in CALLS if runs[0][kind] is not None]
        found[name] = {kind: counts[kind] / statistics.median(run[kind] for run in runs) / 1000 for kind in able}
        told = (f"{found[name][kind]:8.1f}" if kind in able else f"{'–':>8}" for kind in CALLS)
        print(f"    {name:15}" + "".join(told), file=out, flush=True)
    return found


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        figures = work(sys.argv[1], int(sys.argv[2]))
    print(json.dumps(figures))
