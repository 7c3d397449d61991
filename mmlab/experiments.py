"""The experiments of lesson 8: programs that run on both kernels, and what each step of them does to /proc/meminfo.

A script is a generator: it gets a kernel, and yields, in words, what it has just done. There the counters are read.
What comes before its first yield is preparation.

    python -m mmlab.experiments             shows what each step does: on the simulation | on the Linux of this machine
    python -m mmlab.experiments record      keeps what this machine's Linux gave, for machines without one
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, cast

from . import linux
from .include.errors import MemoryFault
from .include.mman import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    O_TRUNC,
    PAGE_SHIFT,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    SEEK_END,
)
from .machine import Kernel

Script = Callable[[Any], Iterator[str]]
RW = PROT_READ | PROT_WRITE
FILE_SIZE = 1 << 20  # bytes, or 256 pages
PIECE = 1 << 16  # bytes
AT = 1 << 40  # an address where a page table begins: it does not cut what a load maps around itself
REFRESH = "/proc/sys/vm/stat_refresh"  # adds up what each CPU has counted by itself: root's to write
RECORDED = Path(__file__).with_name("experiments.json")

# ── the copy program ────────────────────────────────────────────────────────────────────────────────────────

COPYINCR = 1 << 30  # bytes; at most so much is mapped at once


def copy_file(proc: Any, source: str, target: str) -> Iterator[str]:
    """Copy a file through two mappings. The copy is unmapped, and the source is not."""
    fdin = proc.open(source, O_RDONLY)
    fdout = proc.open(target, O_RDWR | O_CREAT | O_TRUNC)
    size, fsz = proc.fstat(fdin).st_size, 0
    proc.ftruncate(fdout, size)
    while fsz < size:
        copysz = min(size - fsz, COPYINCR)
        src = proc.mmap(0, copysz, PROT_READ, MAP_SHARED, fdin, fsz)
        dst = proc.mmap(0, copysz, PROT_READ | PROT_WRITE, MAP_SHARED, fdout, fsz)
        yield "mmap src, mmap dst"
        proc.memcpy(dst, src, copysz)  # copies the file
        yield "memcpy(dst, src)"
        proc.munmap(dst, copysz)
        yield "munmap dst, and not src"
        fsz += copysz


# ── the source text's three experiments ─────────────────────────────────────────────────────────────────────


def maps_nothing(kernel: Any) -> Iterator[str]:
    """(a) Start programs that map nothing themselves."""
    yield "no program runs that maps this C library"
    shell = background(kernel, "sh")
    yield "sh starts, the first one"
    sleep = background(kernel, "sleep")
    yield "sleep starts"
    second = background(kernel, "sleep")
    yield "sleep starts once more"
    second.exit()
    sleep.exit()
    yield "both exit"
    shell.exit()
    yield "sh exits"


def regular_file(kernel: Any) -> Iterator[str]:
    """(b) Copy a file of 1 MiB."""
    proc = start(kernel, "copy")
    make_file(proc, "/data/source")
    yield "the program runs"
    yield from copy_file(proc, "/data/source", "/data/target")
    proc.exit()
    yield "exit"


def block_device(kernel: Any) -> Iterator[str]:
    """(c) Copy a disk; then map it with the length that lseek finds."""
    proc, path = start(kernel, "copy"), disk(kernel)
    yield "the program runs"
    yield from copy_file(proc, path, "/data/target")
    fd = proc.open(path, O_RDONLY)
    yield f"the copy is done: st_size is {proc.fstat(fd).st_size}"
    length = proc.lseek(fd, 0, SEEK_END)
    addr = proc.mmap(AT, length, PROT_READ, MAP_SHARED, fd)
    yield f"mmap, of {length >> 20} MiB"
    proc.load(addr)
    yield "load one byte"
    proc.load(addr, FILE_SIZE)
    yield "load the first MiB"
    proc.munmap(addr, length)
    yield "munmap"


# ── what the source text leaves out ─────────────────────────────────────────────────────────────────────────


def two_readers(kernel: Any) -> Iterator[str]:
    """Map and load one file in two processes."""
    one, two = start(kernel, "reader"), start(kernel, "reader")
    make_file(one, "/data/file")
    for proc in (one, two):
        proc.mmap(AT, FILE_SIZE, PROT_READ, MAP_SHARED, proc.open("/data/file", O_RDONLY))
    yield "both have mapped the file"
    one.load(AT)
    yield "one loads a byte"
    one.load(AT, FILE_SIZE)
    yield "one loads all of it"
    two.load(AT, FILE_SIZE)
    yield "two loads all of it"
    one.munmap(AT, FILE_SIZE)
    yield "one: munmap"
    two.exit()
    yield "two: exit"


def private_pages(kernel: Any) -> Iterator[str]:
    """Load and store through a private mapping."""
    proc = start(kernel, "writer")
    make_file(proc, "/data/file")
    proc.mmap(AT, FILE_SIZE, RW, MAP_PRIVATE, proc.open("/data/file", O_RDONLY))
    yield "the file is mapped, privately"
    proc.load(AT)
    yield "load from page 0"
    proc.store(AT, b"mine")
    yield "store to page 0"
    proc.store(AT + 100 * PAGE_SIZE, b"mine")
    yield "store to page 100, not loaded before"
    proc.munmap(AT, FILE_SIZE)
    yield "munmap"


def anonymous_memory(kernel: Any) -> Iterator[str]:
    """Load and store in memory without a file, private and shared."""
    proc = start(kernel, "writer")
    private = proc.mmap(0, FILE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS)
    shared = proc.mmap(0, FILE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    yield "both are mapped"
    touch(proc, private)
    yield "load from all of the private memory"
    touch(proc, private, b"mine")
    yield "store to all of the private memory"
    touch(proc, shared, b"ours")
    yield "store to all of the shared memory"
    proc.munmap(private, FILE_SIZE)
    yield "munmap the private memory"
    proc.munmap(shared, FILE_SIZE)
    yield "munmap the shared memory"


SCRIPTS: dict[Script, tuple[str, ...]] = {  # and the counters that each is about
    maps_nothing: ("Mapped",),
    regular_file: ("Mapped", "Cached"),
    block_device: ("Mapped", "Cached", "Buffers"),
    two_readers: ("Mapped", "Cached"),
    private_pages: ("Mapped", "AnonPages"),
    anonymous_memory: ("Mapped", "AnonPages", "Shmem", "Cached"),
}

# ── what the scripts share ──────────────────────────────────────────────────────────────────────────────────


def start(kernel: Any, name: str) -> Any:
    """Start a program beside two like it: of its own code and libraries, no page is the first or the last mapped."""
    kernel.spawn(name)
    kernel.spawn(name)
    return kernel.spawn(name)


def make_file(proc: Any, path: str) -> None:
    """Write a file of FILE_SIZE bytes; its pages are in memory then."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    proc.pwrite(fd, b"mmlab..." * (FILE_SIZE // 8), 0)
    proc.close(fd)


def touch(proc: Any, addr: int, data: bytes = b"") -> None:
    """Load FILE_SIZE bytes, or store `data` over and over; in pieces, so that Python's own memory stays as it is."""
    for at in range(addr, addr + FILE_SIZE, PIECE):
        if data:
            proc.store(at, data * (PIECE // len(data)))
        else:
            proc.load(at, PIECE)


def background(kernel: Any, name: str) -> Any:
    """Start a program that then waits; on Linux it is sleep, with a C library that no other program maps."""
    return kernel.background(name) if isinstance(kernel, linux.Kernel) else kernel.spawn(name)


def disk(kernel: Any) -> str:
    """Give the path of a block device."""
    return kernel.disk if isinstance(kernel, linux.Kernel) else "/dev/vda"


# ── measuring ───────────────────────────────────────────────────────────────────────────────────────────────

AGREE, TRIES = 3, 60


class Step(NamedTuple):
    """What a script did, and by how many kB each counter changed meanwhile."""

    done: str
    change: dict[str, int]


class Measured(NamedTuple):
    """What a script did on a real Linux: its release, the date, how often it ran, and the steps."""

    release: str
    date: str
    runs: int
    steps: tuple[Step, ...]


def follow(script: Script, kernel: Any, names: Sequence[str]) -> tuple[Step, ...]:
    """Run a script once, and read these counters at each yield; an error that it does not catch ends it."""
    steps, before = list[Step](), cast(Mapping[str, int], {})
    with suppress(OSError, MemoryFault):
        for done in script(kernel):
            now = counters(kernel)
            change = {name: now[name] - before.get(name, now[name]) for name in names if name in now}
            steps.append(Step(done, change))
            before = now
    return tuple(steps[1:])


def counters(kernel: Any) -> Mapping[str, int]:
    """Read /proc/meminfo; of a Linux that does not tell us exactly, count what the script's own processes map."""
    exact = not isinstance(kernel, linux.Kernel) or os.access(REFRESH, os.W_OK)
    return kernel.meminfo() if exact else count_pages(kernel)


def count_pages(kernel: linux.Kernel) -> dict[str, int]:
    """Count, in kB, the pages that processes of this kernel map: of files, each once; anonymous ones in each process.

    /proc/PID/pagemap tells without root whether a page is a file's, but not which frame it is.
    """
    files, anonymous = set[tuple[str, str, int]](), 0
    for proc in kernel.processes.values():
        for line in proc.maps().splitlines():
            span, _perms, offset, device, inode, *_path = line.split()
            first, end = (int(edge, 16) >> PAGE_SHIFT for edge in span.split("-"))
            for number, page in enumerate(proc.pages(first << PAGE_SHIFT, end - first)):
                if page.file and inode != "0":
                    files.add((device, inode, (int(offset, 16) >> PAGE_SHIFT) + number))
                anonymous += page.present and not page.file and not page.zero
    return {"Mapped": len(files) * PAGE_SIZE >> 10, "AnonPages": anonymous * PAGE_SIZE >> 10}


def on_linux(script: Script, names: Sequence[str]) -> Measured | None:
    """Run a script on the Linux of this machine until each change is settled, and give it; None without one.

    The counters are the whole machine's. What other programs do meanwhile comes and goes; what the script does comes
    again in each run, and that is what we take.
    """
    runs = list[tuple[Step, ...]]()
    try:
        while len(runs) < TRIES and not (runs and settled(runs)):
            with linux.Kernel() as kernel:
                runs.append(follow(script, kernel, names))
    except (linux.Unavailable, OSError):
        return None
    release = os.uname().release.partition("-")[0]
    return Measured(release, date.today().isoformat(), len(runs), usual(runs))


def tallies(runs: list[tuple[Step, ...]]) -> Iterator[tuple[Step, dict[str, Counter[int]]]]:
    """Count, for each step and counter, how often each change came out."""
    for steps in zip(*runs, strict=False):
        yield steps[0], {name: Counter(step.change[name] for step in steps) for name in steps[0].change}


def settled(runs: list[tuple[Step, ...]]) -> bool:
    """Say whether, of each change, one value leads all others by AGREE runs."""
    for _step, changes in tallies(runs):
        for tally in changes.values():
            (_change, most), (_other, next_most) = [*tally.most_common(2), (0, 0)][:2]
            if most - next_most < AGREE:
                return False
    return True


def usual(runs: list[tuple[Step, ...]]) -> tuple[Step, ...]:
    """Give of each change what came out most often."""
    return tuple(
        Step(step.done, {name: tally.most_common(1)[0][0] for name, tally in changes.items()})
        for step, changes in tallies(runs)
    )


# ── recorded ────────────────────────────────────────────────────────────────────────────────────────────────


def recorded(script: Script) -> Measured | None:
    """Give what a script of this file did on the Linux where it was recorded; None for any other script."""
    if script not in SCRIPTS:
        return None
    release, date, runs, steps = json.loads(RECORDED.read_text(encoding="utf-8"))[script.__name__]
    return Measured(release, date, runs, tuple(Step(*step) for step in steps))


def record() -> None:
    """Record all scripts on the Linux of this machine. RuntimeError if it cannot be measured."""
    found = {script.__name__: on_linux(script, names) for script, names in SCRIPTS.items()}
    missing = [name for name, measured in found.items() if measured is None]
    if missing:
        raise RuntimeError(f"this machine cannot measure {', '.join(missing)}: record as root, on Linux on x86-64")
    lines = (f" {json.dumps(name)}: {json.dumps(measured)}" for name, measured in found.items())
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


def main() -> None:
    """Print what each step of each script does, on both kernels; with the argument `record`, record it."""
    if sys.argv[1:] == ["record"]:
        record()
    for script, names in SCRIPTS.items():
        found = on_linux(script, names) or recorded(script)
        print(f"\n{script.__doc__} Linux {found.release}, {found.date}" if found else script.__doc__)
        for ours, real in zip_longest(follow(script, Kernel(), names), found.steps if found else ()):
            both = ((name, ours.change[name], real.change.get(name, 0)) for name in names) if ours and real else ()
            changes = (f"{name} {a:+} | {b:+} kB" for name, a, b in both if a or b)
            print(f"  {(ours or real).done:40} {', '.join(changes)}")


if __name__ == "__main__":
    main()
