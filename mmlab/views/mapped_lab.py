"""The Mapped dashboard: what programs do, and what /proc/meminfo makes of it, move by move.

Beneath the moves is the ledger: every kB of Mapped, AnonPages, Shmem and Cached, with the pages and who maps them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..include.mman import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_RDONLY, PAGE_SIZE, PROT_READ, PROT_WRITE
from ..machine import Kernel
from ..process import Process
from .controls import Moves, Outcome, button, processes, remembered, row
from .ledger import ledger
from .timeline import Moment, timeline
from .words import _

NAMES = ("Mapped", "AnonPages", "Shmem", "Cached")
PAGES = 5  # of the book
BOOK, RW = "/data/book.txt", PROT_READ | PROT_WRITE
STORY = ("A start", "A map", "B start", "B map", "B write", "B munmap", "A share", "A exit", "B exit")


@dataclass(frozen=True, slots=True)
class MappedSetting:
    """One position of the dashboard. A move is "A map": which process, and what it does."""

    moves: tuple[str, ...] = STORY


# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────


class World:
    """A machine, its processes by their names, and where each has mapped the book."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.procs: dict[str, Process] = {}
        self.book: dict[str, int] = {}
        self.moments = [Moment(_("no process runs"), self.counts())]

    def counts(self) -> dict[str, int]:
        """Read /proc/meminfo."""
        meminfo = self.kernel.meminfo()
        return {name: meminfo[name] for name in NAMES}

    def make(self, move: str) -> None:
        """Make a move, and note what came of it; a move that cannot be made says why."""
        name, what = move.split()
        needs, words, act = ACTS[what]
        lacks = self.lacks(name, needs)
        if not lacks:
            act(self, name)
        self.moments.append(Moment(f"{name}: {lacks or _(words)}", self.counts()))

    def lacks(self, name: str, needs: str) -> str:
        """Say why a process cannot make a move; "" if it can."""
        if needs == "nothing":
            return _("runs already") if name in self.procs else ""
        if name not in self.procs:
            return _("does not run: start it first")
        if needs == "no book":
            return _("has mapped the book already") if name in self.book else ""
        return _("has not mapped the book: map it first") if needs == "the book" and name not in self.book else ""


def start(world: World, name: str) -> None:
    """Start a process."""
    world.procs[name] = world.kernel.spawn(name)


def map_book(world: World, name: str) -> None:
    """Map the book privately, and load from each of its pages."""
    proc = world.procs[name]
    fd = proc.open(BOOK, O_RDONLY)
    world.book[name] = addr = proc.mmap(0, PAGES * PAGE_SIZE, RW, MAP_PRIVATE, fd, 0)
    proc.close(fd)
    for page in range(PAGES):
        proc.load(addr + page * PAGE_SIZE)


def read_book(world: World, name: str) -> None:
    """Read the book with read(2)."""
    proc = world.procs[name]
    fd = proc.open(BOOK, O_RDONLY)
    proc.read(fd, PAGES * PAGE_SIZE)
    proc.close(fd)


def write_page(world: World, name: str) -> None:
    """Store to the first page: the process gets a copy of its own."""
    world.procs[name].store(world.book[name], b"HELLO")


def share(world: World, name: str) -> None:
    """Map two pages of shared memory, and store to both."""
    proc = world.procs[name]
    addr = proc.mmap(0, 2 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    for page in range(2):
        proc.store(addr + page * PAGE_SIZE, b"shared")


def unmap(world: World, name: str) -> None:
    """Unmap the book."""
    world.procs[name].munmap(world.book.pop(name), PAGES * PAGE_SIZE)


def leave(world: World, name: str) -> None:
    """End the process."""
    world.book.pop(name, None)
    world.procs.pop(name).exit()


Act = Callable[[World, str], None]
ACTS: dict[str, tuple[str, str, Act]] = {  # what it needs, in words, and what is done
    "start": ("nothing", "start", start),
    "read": ("a process", "read() the book", read_book),
    "map": ("no book", "map the book, load every page", map_book),
    "write": ("the book", "store to a private page", write_page),
    "share": ("a process", "store to 2 shared pages", share),
    "munmap": ("the book", "munmap the book", unmap),
    "exit": ("a process", "exit", leave),
}


@remembered
def run_mapped(setting: MappedSetting) -> Outcome:
    """Make all moves on a new machine."""
    world = World()
    for move in setting.moves:
        world.make(move)
    now = world.moments[-1]
    verdict = f"{now.done}: " + ", ".join(f"{name} {count} kB" for name, count in now.counts.items())
    pictures = timeline(_("/proc/meminfo, in kB"), world.moments), ledger(world.kernel)
    return Outcome((), verdict, pictures)


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class MappedLab(Moves):
    """What two processes do, and what it does to /proc/meminfo. `moves`: a story, begun after its move number `at`.

    Without a live kernel it shows what came of its moves.
    """

    def __init__(self, moves: Sequence[str] = STORY, at: int | None = 7) -> None:
        self.process = processes()
        self.acts = {
            what: button(_(words), _("have the process do this"), partial(self.act, what))
            for what, (_needs, words, _act) in ACTS.items()
        }
        super().__init__(moves, row(self.process), row(*self.acts.values()).add_class("mm-strip"), at=at)

    def act(self, what: str) -> None:
        """Have the chosen process do something."""
        self.move(f"{self.process.value} {what}")

    @property
    def setting(self) -> MappedSetting:
        """The controls' position."""
        return MappedSetting(self.made)

    def _run(self) -> Outcome:
        return run_mapped(self.setting)
