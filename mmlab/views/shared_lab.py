"""The shared-memory lab: what a process A stores and a process B loads, with each kind of memory they may share.

B finds the memory as such programs do: a file and a System V segment by name, everything else as A's fork.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..include.errors import MemoryFault
from ..include.mman import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    map_names,
)
from ..include.shm import IPC_CREAT, IPC_RMID
from ..machine import Kernel
from ..process import Process
from .controls import Outcome, TwoProcesses, remembered
from .diagram import Diagram
from .mappings import page_tables
from .shared import shared_memory
from .timeline import Moment, timeline
from .words import _

PAGES, KEY = 3, 0x1234
RW = PROT_READ | PROT_WRITE


class Kind(NamedTuple):
    """How memory is got: which way, the path if there is one, and the flags."""

    way: str
    path: str
    flags: int


KINDS = {
    "a file, MAP_SHARED": Kind("open", "/data/book.txt", MAP_SHARED),
    "a file, MAP_PRIVATE": Kind("open", "/data/book.txt", MAP_PRIVATE),
    "MAP_SHARED|MAP_ANONYMOUS": Kind("none", "", MAP_SHARED | MAP_ANONYMOUS),
    "MAP_PRIVATE|MAP_ANONYMOUS": Kind("none", "", MAP_PRIVATE | MAP_ANONYMOUS),
    "/dev/zero, MAP_SHARED": Kind("open", "/dev/zero", MAP_SHARED),
    "memfd_create": Kind("memfd", "", MAP_SHARED),
    "System V": Kind("sysv", "", 0),
}
PAGE_ACTS = "load", "store"  # these are about one page
ACTS = {"store": "store", "load": "load", "munmap": "munmap", "unlink": "take the name away", "exit": "exit"}


@dataclass(frozen=True, slots=True)
class SharedSetting:
    """One position of the lab's controls. A move is "A store 0": who, what, which page."""

    kind: str = "a file, MAP_SHARED"
    moves: tuple[str, ...] = ("A store 0", "B load 0")


# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────


class World:
    """A machine with two processes, A and B, that have both the memory."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.kernel = kind, Kernel()
        first = self.kernel.spawn("A")
        self.addr: dict[str, int] = {"A": self.get(first)}
        by_name = kind.way == "sysv" or kind.path.startswith("/data")
        second = self.kernel.spawn("B") if by_name else first.fork()
        second.task.comm = "B"
        self.addr["B"] = self.get(second) if by_name else self.addr["A"]
        self.procs: dict[str, Process] = {"A": first, "B": second}
        self.how = _("B does the same") if by_name else _("B is A's fork")
        self.moments = [Moment(_("both have the memory; nothing is touched yet"), self.counts())]

    def get(self, proc: Process) -> int:
        """Have a process get the memory; give the address."""
        kind = self.kind
        if kind.way == "sysv":
            self.id = proc.shmget(KEY, PAGES * PAGE_SIZE, IPC_CREAT | 0o600)
            return proc.shmat(self.id)
        fd = -1
        if kind.way == "memfd":
            fd = proc.memfd_create("notes")
            proc.ftruncate(fd, PAGES * PAGE_SIZE)
        elif kind.way == "open":
            fd = proc.open(kind.path, O_RDWR)
        addr = proc.mmap(0, PAGES * PAGE_SIZE, RW, kind.flags, fd)
        if fd != -1:
            proc.close(fd)
        return addr

    def counts(self) -> dict[str, int]:
        """Read /proc/meminfo."""
        meminfo = self.kernel.meminfo()
        return {name: meminfo[name] for name in ("Mapped", "AnonPages", "Shmem", "Cached")}

    def make(self, move: str) -> None:
        """Make a move, and note what came of it."""
        name, what, *page = move.split()
        words = f"{name}: {_(ACTS[what])}" + (f" {_('page')} {page[0]}" if what in PAGE_ACTS else "")
        said = self.act(name, what, int(page[0]) if page else 0)
        self.moments.append(Moment(words + (f" → {said}" if said else ""), self.counts()))

    def act(self, name: str, what: str, page: int) -> str:
        """Have a process do something; say what came of it."""
        if name not in self.procs:
            return _("it is over")
        proc, address = self.procs[name], self.addr[name] + page * PAGE_SIZE
        try:
            if what == "load":
                return repr(proc.load(address, 5))
            if what == "store":
                proc.store(address, f"by {name}.".encode())
                return repr(f"by {name}.".encode())
            if what == "munmap":
                proc.munmap(self.addr[name], PAGES * PAGE_SIZE)
            elif what == "exit":
                self.procs.pop(name).exit()
            else:
                return self.unlink(proc)
        except MemoryFault as fault:
            return f"{fault.signal} ({fault.si_name})"
        except OSError as error:
            return str(error.strerror)
        return ""

    def unlink(self, proc: Process) -> str:
        """Take the name of the memory away, if it has one."""
        if self.kind.way == "sysv":
            proc.shmctl(self.id, IPC_RMID)
            return "shmctl(id, IPC_RMID)"
        if not self.kind.path.startswith("/data"):
            return _("it has no name of its own")
        proc.unlink(self.kind.path)
        return f'unlink("{self.kind.path}")'

    def pictures(self) -> list[Diagram]:
        """Draw who maps what: shared memory as its kind, private memory as its page tables."""
        if self.kind.flags & MAP_PRIVATE:
            mapped = [proc for name, proc in self.procs.items() if self.maps(name)]
            return [page_tables(mapped, self.addr["A"])] if mapped else []
        return [shared_memory(*self.procs.values())] if self.procs else []

    def maps(self, name: str) -> bool:
        """Say whether a process still has the memory."""
        return f"{self.addr[name]:x}-" in self.procs[name].maps()


@remembered
def run_shared(setting: SharedSetting) -> Outcome:
    """Make all moves on a new machine."""
    kind = KINDS[setting.kind]
    world = World(kind)
    for move in setting.moves:
        world.make(move)
    calls = (("Python", f"{spell(kind)}\n# {world.how}"),)
    verdict = world.moments[-1].done
    return Outcome(calls, verdict, (*world.pictures(), timeline(_("/proc/meminfo, in kB"), world.moments)))


def spell(kind: Kind) -> str:
    """Spell the calls that A made."""
    size = PAGES * PAGE_SIZE
    if kind.way == "sysv":
        return f"id = A.shmget({KEY:#x}, {size}, IPC_CREAT | 0o600)\naddr = A.shmat(id)"
    file = "-1" if kind.way == "none" else "fd"
    call = f"addr = A.mmap(0, {size}, PROT_READ | PROT_WRITE, {map_names(kind.flags)}, {file})"
    if kind.way == "memfd":
        return f'fd = A.memfd_create("notes")\nA.ftruncate(fd, {size})\n{call}'
    return f'fd = A.open("{kind.path}", O_RDWR)\n{call}' if kind.way == "open" else call


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class SharedLab(TwoProcesses):
    """Store as A, load as B, in memory of the chosen kind. Keywords as in `SharedSetting`.

    Without a live kernel it shows what came of its moves.
    """

    labels, paged, page_count = ACTS, PAGE_ACTS, PAGES

    def __init__(self, kind: str = "a file, MAP_SHARED", moves: Sequence[str] = ("A store 0", "B load 0")) -> None:
        super().__init__(_("memory"), KINDS, kind, moves)

    @property
    def setting(self) -> SharedSetting:
        """The controls' position."""
        return SharedSetting(self.kind.value, self.made)

    def _run(self) -> Outcome:
        return run_shared(self.setting)
