"""The fault lab: a few pages of one mapping, to be loaded and stored one by one, by a process A and its fork B.

Every access shows whether it faulted, which way the fault took through the kernel, the page tables of both
processes, and what it did to the counters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import ipywidgets as widgets

from ..include.errors import MemoryFault
from ..include.mman import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    map_names,
    prot_names,
)
from ..machine import Kernel, book_text
from ..process import Process, Rusage
from .controls import Moves, Outcome, choice, menu, observe, processes, remembered, row
from .diagram import Diagram
from .faults import fault_tree, faults
from .mappings import page_tables
from .timeline import Moment, timeline
from .words import _

PAGES = 6  # one more than the book has: the last is past its end


class Kind(NamedTuple):
    """A kind of mapping: the file if there is one, prot and flags."""

    path: str
    prot: int
    flags: int


RW = PROT_READ | PROT_WRITE
KINDS = {
    "a file, private": Kind("/data/book.txt", RW, MAP_PRIVATE),
    "a file, shared": Kind("/data/book.txt", RW, MAP_SHARED),
    "a file, read-only": Kind("/data/book.txt", PROT_READ, MAP_SHARED),
    "a tmpfs file, shared": Kind("/dev/shm/book.txt", RW, MAP_SHARED),
    "anonymous, private": Kind("", RW, MAP_PRIVATE | MAP_ANONYMOUS),
    "anonymous, shared": Kind("", RW, MAP_SHARED | MAP_ANONYMOUS),
}


@dataclass(frozen=True, slots=True)
class FaultSetting:
    """One position of the lab's controls. A move is "A load 0": who, what, which page. `process`: whose strip it is."""

    kind: str = "a file, private"
    moves: tuple[str, ...] = ()
    process: str = "A"


# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────


class World:
    """A machine with a process A that has made the mapping, and its fork B as soon as B moves."""

    def __init__(self, kind: Kind) -> None:
        self.kernel = Kernel()
        first = self.kernel.spawn("A")
        fd = first.open(kind.path, O_RDWR | O_CREAT) if kind.path else -1
        if kind.path.startswith("/dev/shm"):
            first.write(fd, book_text())
        self.addr = first.mmap(0, PAGES * PAGE_SIZE, kind.prot, kind.flags, fd, 0)
        self.procs, self.before = {"A": first}, first.getrusage()
        self.moments = [Moment(_("A has made the mapping; nothing is touched yet"), self.counts())]

    def counts(self) -> dict[str, int]:
        """Count the faults of both since the mapping was made, and the kB of the machine."""
        found = {}
        for name, before in (("A", self.before), ("B", Rusage(0, 0))):
            now = self.procs[name].getrusage() if name in self.procs else before
            found[f"{name} minor"] = now.ru_minflt - before.ru_minflt
            found[f"{name} major"] = now.ru_majflt - before.ru_majflt
        meminfo = self.kernel.meminfo()
        return found | {name: meminfo[name] for name in ("Mapped", "AnonPages")}

    def make(self, move: str) -> None:
        """Make a move, and note what came of it. B is forked from A for its first move."""
        name, what, number = move.split()
        forks = name not in self.procs
        if forks:
            self.procs[name] = self.procs["A"].fork()
            self.procs[name].task.comm = name  # as prctl(PR_SET_NAME) does
        said = access(self.procs[name], what, self.addr + int(number) * PAGE_SIZE)
        words = f"{name}: {what} {_('page')} {number} → {said}"
        self.moments.append(Moment(f"fork; {words}" if forks else words, self.counts()))

    def strip(self, name: str) -> tuple[str, ...]:
        """Say of each page what the process's page table has; of a B that is not there yet, what A's has."""
        proc = self.procs.get(name, self.procs["A"])
        return tuple(state_of(proc, self.addr + number * PAGE_SIZE) for number in range(PAGES))


def access(proc: Process, what: str, address: int) -> str:
    """Load or store five bytes; say what came of it."""
    try:
        if what == "load":
            return repr(proc.load(address, 5))
        data = f"by {proc.task.comm}.".encode()
        proc.store(address, data)
        return repr(data)
    except MemoryFault as fault:
        return f"{fault.signal} ({fault.si_name})"


def state_of(proc: Process, address: int) -> str:
    """Say in a word what a page table has for an address."""
    state = proc.pagemap(address)
    if not state.present:
        return _("no PTE")
    return _("zero page") if state.zero else _("of the file") if state.file else _("anonymous")


@remembered
def run_faults(setting: FaultSetting) -> Outcome:
    """Make all moves on a new machine, and show what the last one did."""
    kind = KINDS[setting.kind]
    world = World(kind)
    for move in setting.moves[:-1]:
        world.make(move)
    trees: list[Diagram] = []
    verdict = _("Choose a process and an access, then a page.")
    if setting.moves:
        with world.kernel.trace() as trace:
            world.make(setting.moves[-1])
        trees = [fault_tree(trace, number) for number in range(len(faults(trace)))]
        verdict = world.moments[-1].done + ": " + judge(world.moments)
    title = _("Page faults; Mapped and AnonPages in kB")
    pictures = page_tables(world.procs.values(), world.addr), timeline(title, world.moments), *trees
    return Outcome((("Python", spell(kind)),), verdict, pictures, world.strip(setting.process))


def judge(moments: Sequence[Moment]) -> str:
    """Say which faults the last move took."""
    before, after = moments[-2].counts, moments[-1].counts
    kinds = [
        what for name in ("A", "B") for what in ("major", "minor") if after[f"{name} {what}"] > before[f"{name} {what}"]
    ]
    words = {"major": _("a major fault: the disk was read"), "minor": _("a minor fault: no disk was read")}
    return ", ".join(words[kind] for kind in kinds) or _("no fault was counted")


def spell(kind: Kind) -> str:
    """Spell the call that A made."""
    file = "fd" if kind.path else "-1"
    call = f"addr = A.mmap(0, {PAGES * PAGE_SIZE}, {prot_names(kind.prot)}, {map_names(kind.flags)}, {file}, 0)"
    first = [f'fd = A.open("{kind.path}", O_RDWR | O_CREAT)'] if kind.path else []
    return "\n".join([*first, call, _("# B is A's fork, made when B first moves")])


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class FaultLab(Moves):
    """Six pages to load and store, as process A or as its fork B. Keywords as in `FaultSetting`.

    Without a live kernel it shows what came of its moves.
    """

    def __init__(self, kind: str = "a file, private", moves: Sequence[str] = (), process: str = "A") -> None:
        self.kind = menu(_("mapping"), {_(name): name for name in KINDS}, kind)
        self.process = processes()
        self.process.value = process
        self.access = choice({"load": "load", "store": "store"}, "load")
        self.pages = [self.page_button(number) for number in range(PAGES)]
        observe((self.kind, self.process), self._update)
        strip = row(*self.pages).add_class("mm-strip")
        super().__init__(moves, row(self.kind, self.process, self.access), strip)

    def page_button(self, number: int) -> widgets.Button:
        """Make the button of a page."""
        tip = _("load or store page {n}").format(n=number)
        made = widgets.Button(tooltip=tip, layout=widgets.Layout(width="9.5em"))
        made.on_click(partial(self._press, number))
        return made

    def _press(self, number: int, _button: Any) -> None:
        self.move(f"{self.process.value} {self.access.value} {number}")

    @property
    def setting(self) -> FaultSetting:
        """The controls' position."""
        return FaultSetting(self.kind.value, self.made, self.process.value)

    def _run(self) -> Outcome:
        return run_faults(self.setting)

    def _update(self, change: Any = None) -> None:
        """Run the experiment anew; the buttons say what the page table of the process has."""
        super()._update(change)
        for number, (made, state) in enumerate(zip(self.pages, self.outcome.strip, strict=True)):
            made.description = f"{number}: {state}"
