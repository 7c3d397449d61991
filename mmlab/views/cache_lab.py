"""The page cache lab: two processes load, store, read and write one file, sync it, cut it, and are killed.

Every move shows what each of them has in its page table, what the page cache has, and what the disk has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..include.errors import MemoryFault
from ..include.mman import (
    MAP_PRIVATE,
    MAP_SHARED,
    MS_ASYNC,
    MS_SYNC,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    map_names,
)
from ..machine import Kernel, book_text
from .cache import page_cache
from .controls import Outcome, TwoProcesses
from .timeline import Moment, timeline
from .words import _, many

PAGES, END = 6, 100  # pages that both map; a file that is cut ends so many bytes into a page
RW = PROT_READ | PROT_WRITE


class Kind(NamedTuple):
    """The file, and how B maps it; A maps it shared."""

    path: str
    flags: int = MAP_SHARED


KINDS = {
    "disk, both shared": Kind("/data/book.txt"),
    "disk, B private": Kind("/data/book.txt", MAP_PRIVATE),
    "ramfs, both shared": Kind("/ram/book.txt"),
    "tmpfs, both shared": Kind("/dev/shm/book.txt"),
}
PAGE_ACTS = "load", "store", "pread", "pwrite", "MS_ASYNC", "MS_SYNC", "ftruncate"  # these are about one page
ACTS = {
    "load": "load",
    "store": "store",
    "pread": "pread",
    "pwrite": "pwrite",
    "MS_ASYNC": "msync MS_ASYNC",
    "MS_SYNC": "msync MS_SYNC",
    "fsync": "fsync",
    "ftruncate": "ftruncate in page",
    "exit": "is killed",
    "drop": "drop_caches",
}


@dataclass(frozen=True, slots=True)
class CacheSetting:
    """One position of the lab's controls. A move is "A store 0": who, what, which page."""

    kind: str = "disk, both shared"
    moves: tuple[str, ...] = ()


# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────


class World:
    """A machine with two processes, A and B, that have opened the file and mapped six pages of it."""

    def __init__(self, kind: Kind) -> None:
        self.kernel, self.kind = Kernel(), kind
        self.procs = {name: self.kernel.spawn(name) for name in "AB"}
        self.fd = {name: proc.open(kind.path, O_RDWR | O_CREAT) for name, proc in self.procs.items()}
        if not kind.path.startswith("/data"):
            self.procs["A"].write(self.fd["A"], book_text())
        flags = {"A": MAP_SHARED, "B": kind.flags}
        self.addr = {
            name: proc.mmap(0, PAGES * PAGE_SIZE, RW, flags[name], self.fd[name]) for name, proc in self.procs.items()
        }
        self.moments = [Moment(_("both have mapped the file; nothing is touched yet"), self.counts())]

    def counts(self) -> dict[str, int]:
        """Read /proc/meminfo, in kB."""
        meminfo = self.kernel.meminfo()
        return {name: meminfo[name] for name in ("Dirty", "Cached", "Mapped", "AnonPages")}

    def make(self, move: str) -> None:
        """Make a move, and note what came of it."""
        name, what, *page = move.split()
        words = self.drop() if what == "drop" else self.moved(name, what, int(page[0]) if page else 0)
        self.moments.append(Moment(words, self.counts()))

    def drop(self) -> str:
        """Drop the caches, which no process does; say how much that was."""
        count = self.kernel.drop_caches()
        return f"drop_caches → {many('{n} page', '{n} pages', count).format(n=count)}"

    def moved(self, name: str, what: str, page: int) -> str:
        """Have a process do something; say what, and what came of it; of a load or a store, also its faults."""
        words = f"{name}: {_(ACTS[what])}" + (f" {_('page')} {page}" if what in PAGE_ACTS else "")
        if what == "ftruncate":
            words = f"{name}: ftruncate({page * PAGE_SIZE + END})"
        if name not in self.procs:
            return f"{words} → {_('it is over')}"
        proc, before = self.procs[name], self.procs[name].getrusage()
        words += self.act(name, what, page)
        if what == "exit":
            del self.procs[name]
        if what not in ("load", "store"):
            return words
        now = proc.getrusage()
        count = now.ru_minflt + now.ru_majflt - before.ru_minflt - before.ru_majflt
        return f"{words}; {many('{n} fault', '{n} faults', count).format(n=count)}"

    def act(self, name: str, what: str, page: int) -> str:
        """Have a process do something; say what came of it."""
        proc, fd, address, place = self.procs[name], self.fd[name], self.addr[name] + page * PAGE_SIZE, page * PAGE_SIZE
        calls: dict[str, Callable[[], bytes | int | None]] = {
            "load": lambda: proc.load(address, 5),
            "store": lambda: proc.store(address, f"by {name}.".encode()),
            "pread": lambda: proc.pread(fd, 5, place),
            "pwrite": lambda: proc.pwrite(fd, f"of {name}.".encode(), place),
            "MS_ASYNC": lambda: proc.msync(address, PAGE_SIZE, MS_ASYNC),
            "MS_SYNC": lambda: proc.msync(address, PAGE_SIZE, MS_SYNC),
            "fsync": lambda: proc.fsync(fd),
            "ftruncate": lambda: proc.ftruncate(fd, place + END),
            "exit": lambda: proc.exit(137),
        }
        try:
            result = calls[what]()
        except MemoryFault as fault:
            return f" → {fault.signal} ({fault.si_name})"
        return "" if result is None else f" → {result!r}"


def run_cache(setting: CacheSetting) -> Outcome:
    """Make all moves on a new machine."""
    kind = KINDS[setting.kind]
    world = World(kind)
    for move in setting.moves:
        world.make(move)
    pictures = page_cache(world.kernel, kind.path), timeline(_("/proc/meminfo, in kB"), world.moments)
    return Outcome((("Python", spell(kind)),), world.moments[-1].done, pictures)


def spell(kind: Kind) -> str:
    """Spell the calls that A and B made."""
    size = PAGES * PAGE_SIZE
    calls = [
        f'{name}.mmap(0, {size}, PROT_READ | PROT_WRITE, {map_names(flags)}, {name}.open("{kind.path}", O_RDWR))'
        for name, flags in (("A", MAP_SHARED), ("B", kind.flags))
    ]
    return "\n".join(calls)


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class CacheLab(TwoProcesses):
    """One file in the hands of two processes. Keywords as in `CacheSetting`; `at`: after which move it begins.

    Without a live kernel it shows what came of its moves.
    """

    labels, paged, page_count = ACTS, PAGE_ACTS, PAGES

    def __init__(self, kind: str = "disk, both shared", moves: Sequence[str] = (), at: int | None = None) -> None:
        super().__init__(_("file"), KINDS, kind, moves, at=at)

    @property
    def setting(self) -> CacheSetting:
        """The controls' position."""
        return CacheSetting(self.kind.value, self.made)

    def _run(self) -> Outcome:
        return run_cache(self.setting)
