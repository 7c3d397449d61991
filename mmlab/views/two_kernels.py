"""The same script on two kernels: on the simulation and, where there is one, on the real Linux; row by row.

    def script(kernel):
        proc = kernel.spawn("reader")
        fd = proc.open("/data/book.txt", O_RDONLY)
        addr = proc.mmap(0, 8192, PROT_READ, MAP_SHARED, fd)
        proc.load(addr, 5)

    two_kernels(script, recorded="book.json")

What differs from machine to machine has a name instead: the addresses that mmap gives are a, b, …, and a process is
called as the script calls it. The widget shows the Linux that it runs on. What a notebook stores is the same on every
machine: the simulation beside what was recorded, with the release of that Linux and the date.
`two_kernels(script).record(path)` records it.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

from .. import linux
from ..include.errors import MemoryFault
from ..include.mman import (
    O_ACCMODE,
    O_APPEND,
    O_CREAT,
    O_EXCL,
    O_RDWR,
    O_TRUNC,
    O_WRONLY,
    PAGE_ALIGN,
    PAGE_SIZE,
    flag_names,
    map_names,
    prot_names,
)
from ..machine import Kernel
from .controls import Lab, Outcome, button, row
from .diagram import Canvas, Diagram
from .style import CHANGED, CHANGED_TEXT, INK, KINDS, MUTED, RULE, SMALL
from .words import _

Script = Callable[[Any], object]
UNSEEN = {"maps", "smaps", "getrusage", "pid", "exit_code"}  # a script may look at these without a row of their own
LENGTHS = {
    "mmap": 1,
    "mremap": 2,
    "shmat": None,
    "brk": None,
}  # calls that give an address: which argument is its length
OPEN_NAMES = {O_CREAT: "O_CREAT", O_EXCL: "O_EXCL", O_TRUNC: "O_TRUNC", O_APPEND: "O_APPEND"}
MODES = {O_RDWR: "O_RDWR", O_WRONLY: "O_WRONLY"}

# ── a script, watched ───────────────────────────────────────────────────────────────────────────────────────


class Row(NamedTuple):
    """One call of a script, and what could be seen of it."""

    call: str
    result: str
    faults: str
    maps: tuple[str, ...]  # the lines of /proc/PID/maps that came (+) and went (−)
    mapped: int  # by how many kB Mapped changed, for the whole machine

    @property
    def seen(self) -> tuple[str, str, tuple[str, ...]]:
        """What must be the same on both kernels; Mapped is not in it: on a real machine others change it too."""
        return self.result, self.faults, self.maps


class Area(NamedTuple):
    """Addresses that the kernel gave to the script, under a name."""

    name: str
    start: int
    end: int


class Recorder:
    """A kernel, as the script sees it: each call that one of its processes makes is a row."""

    def __init__(self, kernel: Any) -> None:
        self._kernel, self.rows, self.forks = kernel, list[Row](), 1

    def spawn(self, name: str) -> Program:
        """Start a process."""
        return Program(self, self._kernel.spawn(name), name, [])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)


class Program:
    """A process, as the script sees it: each of its methods is the process's own, and is noted."""

    def __init__(self, recorder: Recorder, proc: Any, name: str, areas: list[Area]) -> None:
        self._recorder, self._proc, self._name, self._areas = recorder, proc, name, areas
        self._before = self._lines()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._proc, name)
        if name in UNSEEN or not callable(found):
            return found
        return lambda *args: self._call(name, *args)

    def _call(self, name: str, *args: Any) -> Any:
        """Make a call, and note it; an error is noted, and goes on to the script."""
        proc, meminfo = self._proc, self._recorder.meminfo
        call = f"{self._name}: {name}({', '.join(self._spell(name, args))})"
        used, mapped, error = proc.getrusage(), meminfo()["Mapped"], None
        try:
            result = self._named(name, getattr(proc, name)(*args), args)
            said = self._show(result)
        except (OSError, MemoryFault) as raised:
            said, error = told(raised), raised
        now, delta = proc.getrusage(), meminfo()["Mapped"] - mapped
        faults = f"{now.ru_minflt - used.ru_minflt} minor, {now.ru_majflt - used.ru_majflt} major"
        self._recorder.rows.append(Row(call, said, faults, self._changes(), delta))
        if error:
            raise error
        return result

    def _named(self, name: str, result: Any, args: tuple[Any, ...]) -> Any:
        """Name the addresses that a call gave; watch the child that it made."""
        if name == "fork":
            self._recorder.forks += 1
            return Program(self._recorder, result, f"{self._name}.{self._recorder.forks}", list(self._areas))
        if name in LENGTHS:
            place = LENGTHS[name]
            end = result + PAGE_ALIGN(args[place] if place is not None else PAGE_SIZE)
            if not any(area.start <= result and end <= area.end for area in self._areas):
                self._areas.append(Area("abcdefghijklmnopqrstuvwxyz"[len(self._areas) % 26], result, end))
        return result

    # in words that are the same on both kernels

    def _spell(self, name: str, args: tuple[Any, ...]) -> list[str]:
        """Spell the arguments, flags by their names."""
        words = [self._show(arg) for arg in args]
        if name == "open" and len(args) > 1:
            mode = MODES.get(args[1] & O_ACCMODE, "O_RDONLY")
            rest = args[1] & ~O_ACCMODE
            words[1] = f"{mode}|{flag_names(rest, OPEN_NAMES)}" if rest else mode
        elif name in ("mmap", "mprotect") and len(args) > 2:
            words[2] = prot_names(args[2])
            words[3:4] = [map_names(arg) for arg in args[3:4]]
        return words

    def _show(self, value: Any) -> str:
        """Spell a value; an address by the name of its mapping."""
        if isinstance(value, Program):
            return value._name
        if type(value) is not int:
            return "" if value is None else repr(value)
        area = next((area for area in self._areas if area.start <= value < area.end), None)
        if area is None:
            return str(value) if abs(value) < 1 << 24 else hex(value)
        return area.name + (f" + {value - area.start:#x}" if value > area.start else "")

    def _changes(self) -> tuple[str, ...]:
        """Say which lines of maps came and went since the last call."""
        before, self._before = self._before, self._lines()
        gone = [f"− {line}" for line in before if line not in self._before]
        return (*gone, *(f"+ {line}" for line in self._before if line not in before))

    def _lines(self) -> list[str]:
        """Give the lines of maps that are about addresses the script was given."""
        with suppress(OSError):
            return [line for text in self._proc.maps().splitlines() for line in self._clipped(text)]
        return []

    def _clipped(self, text: str) -> list[str]:
        """Take of a line of maps what lies in a mapping of the script, at its first name."""
        span, perms, offset, _device, _inode, *path = text.split(None, 5)
        start, end = (int(edge, 16) for edge in span.split("-"))
        for area in self._areas:
            low, high = max(start, area.start), min(end, area.end)
            if low < high:
                place = int(offset, 16) + (low - start if path else 0)
                name = path[0] if path else _("anonymous")
                return [f"{self._show(low)}: {(high - low) // PAGE_SIZE} × 4 KiB {perms} {place:#x} {name}"]
        return []


def told(error: OSError | MemoryFault) -> str:
    """Say in a word how a call failed."""
    if isinstance(error, MemoryFault):
        return f"{error.signal} ({error.si_name})"
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def play(script: Script, kernel: Any) -> tuple[Row, ...]:
    """Run the script; an error that it does not catch ends it."""
    recorder = Recorder(kernel)
    with suppress(OSError, MemoryFault, linux.Unavailable):
        script(recorder)
    return tuple(recorder.rows)


class Recorded(NamedTuple):
    """What a script gave on a real Linux: its release, the date, and the rows."""

    release: str
    date: str
    rows: tuple[Row, ...]

    @classmethod
    def read(cls, where: str | Path | Mapping[str, Any]) -> Recorded:
        """Read a recording: a file, or what is in one."""
        found = where if isinstance(where, Mapping) else json.loads(Path(where).read_text(encoding="utf-8"))
        rows = tuple(Row(call, result, faults, tuple(maps), kb) for call, result, faults, maps, kb in found["rows"])
        return cls(found["release"], found["date"], rows)

    @classmethod
    def now(cls, script: Script) -> Recorded | None:
        """Run the script on the Linux of this machine; None where it cannot be driven."""
        try:
            with linux.Kernel() as kernel:
                return cls(os.uname().release.partition("-")[0], date.today().isoformat(), play(script, kernel))
        except (linux.Unavailable, OSError):
            return None


# ── side by side ────────────────────────────────────────────────────────────────────────────────────────────

Pair = tuple[Row | None, Row | None]
WIDTH, TOP, LINE = 880, 62, 17  # px
NOTE = _("a, b, …: the addresses that mmap gave. Mapped is the whole machine's, and not compared.")
MAPPED = "Mapped"  # begins a line that is not compared
LEFT, RIGHT, ROOM = 36, 458, 410  # px: the simulation and the calls above it; Linux; what each may fill


def aligned(ours: tuple[Row, ...], theirs: tuple[Row, ...]) -> list[Pair]:
    """Put the rows of both side by side; where the script went two ways, a side is empty."""
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, [row.call for row in ours], [row.call for row in theirs], autojunk=False)
    for what, i, j, k, n in matcher.get_opcodes():
        if what == "equal":
            pairs += zip(ours[i:j], theirs[k:n], strict=True)
        else:
            pairs += [(row, None) for row in ours[i:j]] + [(None, row) for row in theirs[k:n]]
    return pairs


def alike(pair: Pair) -> bool:
    """Say whether a call came out the same on both."""
    ours, theirs = pair
    return ours is not None and theirs is not None and ours.seen == theirs.seen


def lines_of(one: Row | None, mapped: bool = True) -> list[str]:
    """Say what was seen of a call, and with `mapped`, what became of Mapped."""
    if one is None:
        return [_("not called")]
    changed = [f"{MAPPED} {one.mapped:+} kB"] if mapped else []
    return [f"→ {one.result}" if one.result else _("→ done"), one.faults, *changed, *one.maps]


def both_lines(pair: Pair) -> tuple[list[str], list[str]]:
    """Give the lines of both sides. Mapped is told where the call itself changes it: else it is the doing of others."""
    ours, theirs = pair
    mapped = ours is not None and ours.mapped != 0
    lines = lines_of(ours, mapped), lines_of(theirs, mapped)
    still = "0 minor, 0 major"
    return [one for one in lines[0] if one != still], [one for one in lines[1] if one != still]


def compared(ours: tuple[Row, ...], theirs: Recorded | None, when: str) -> Diagram:
    """Draw both kernels' rows side by side."""
    pairs: list[Pair] = aligned(ours, theirs.rows) if theirs else [(one, None) for one in ours]
    talls = [LINE * (1 + max(map(len, both_lines(pair)))) + 12 for pair in pairs]
    canvas = Canvas(WIDTH, TOP + sum(talls) + 30)
    title = headline(pairs, theirs)
    canvas.text(12, 24, title, bold=True, size=14, anchor="start", room=WIDTH - 24)
    for x, words in ((LEFT, _("the simulation")), (RIGHT, when)):
        canvas.text(x, TOP - 14, words, bold=True, size=SMALL, color=MUTED, anchor="start", room=ROOM)
    canvas.line(12, TOP - 6, WIDTH - 12, TOP - 6, stroke=INK)
    y = float(TOP)
    for pair, tall in zip(pairs, talls, strict=True):
        draw_pair(canvas, y, tall, pair, bool(theirs))
        y += tall
    canvas.text(LEFT, y + 20, NOTE, size=SMALL, color=MUTED, anchor="start", room=WIDTH - LEFT)
    return canvas.diagram(title, tell(title, pairs, theirs, when))


def headline(pairs: list[Pair], theirs: Recorded | None) -> str:
    """Say how many calls came out the same."""
    if theirs is None:
        return _("One script; there is no Linux here to compare with")
    same = sum(alike(pair) for pair in pairs)
    words = _("The same script on two kernels: all {count} calls alike")
    if same < len(pairs):
        words = _("The same script on two kernels: {same} of {count} calls alike")
    return words.format(same=same, count=len(pairs))


def draw_pair(canvas: Canvas, y: float, tall: float, pair: Pair, real: bool) -> None:
    """Draw one call; lit if it came out differently."""
    same, lines = alike(pair), both_lines(pair)
    if real and not same:
        canvas.rect(12, y + 1, WIDTH - 24, tall - 2, fill=CHANGED)
    if real:
        color = KINDS["vm_area_struct"].text if same else CHANGED_TEXT
        canvas.text(22, y + 18, "=" if same else "≠", size=15, bold=True, color=color)
    canvas.text(LEFT, y + 18, called(pair), bold=True, anchor="start", room=WIDTH - LEFT - 16)
    for x, here, there in ((LEFT, *lines), (RIGHT, *lines[::-1]))[: 1 + real]:
        for i, line in enumerate(here, 1):
            odd = real and not same and line not in there and not line.startswith(MAPPED)
            color = CHANGED_TEXT if odd else INK
            canvas.text(x, y + 18 + LINE * i, line, size=SMALL, bold=odd, color=color, anchor="start", room=ROOM)
    canvas.line(12, y + tall, WIDTH - 12, y + tall, stroke=RULE, stroke_width=0.7)


def called(pair: Pair) -> str:
    """Give the call of a pair."""
    return next(one.call for one in pair if one)


def tell(title: str, pairs: list[Pair], theirs: Recorded | None, when: str) -> str:
    """Say it in words."""
    lines = [f"{title}; {when}" if theirs else title]
    for pair in pairs:
        ours, other = ("; ".join(side) for side in both_lines(pair))
        if theirs is None or alike(pair):
            lines.append(f"{'= ' if theirs else ''}{called(pair)} {ours}")
        else:
            lines += [f"≠ {called(pair)}", f"    {_('the simulation')}: {ours}", f"    Linux: {other}"]
    return "\n".join([*lines, NOTE])


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class TwoKernels(Lab):
    """A script on both kernels. Without a live kernel it shows the simulation beside the recorded Linux."""

    def __init__(self, script: Script, recorded: Recorded | None) -> None:
        self.script, self.recorded = script, recorded
        super().__init__(row(button(_("run again"), _("run the script on both kernels"), self._update)))

    def _run(self) -> Outcome:
        """Run it on both; where there is no Linux, show the recorded one."""
        self.ours, self.live = play(self.script, Kernel()), Recorded.now(self.script)
        if self.live is None:
            return self.stored
        return self._outcome(self.live, f"Linux {self.live.release}, {_('this machine, now')}")

    @property
    def stored(self) -> Outcome:
        """The outcome that is the same on every machine."""
        found = self.recorded
        when = _("Linux {release}, recorded on {date}").format(release=found.release, date=found.date) if found else ""
        return self._outcome(found, when)

    def _outcome(self, theirs: Recorded | None, when: str) -> Outcome:
        picture = compared(self.ours, theirs, when)
        return Outcome((), when or picture.title, (picture,))

    def record(self, path: str | Path) -> Path:
        """Write what this machine's Linux gave, for machines without one. RuntimeError if there is none here."""
        if self.live is None:
            raise RuntimeError("there is no Linux here that could be driven: record on Linux on x86-64")
        text = json.dumps(self.live._asdict(), indent=1, ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")
        return Path(path)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Give the widget, and for readers without one what is the same on every machine."""
        live, self.outcome = self.outcome, self.stored
        try:
            return super()._repr_mimebundle_(**options)
        finally:
            self.outcome = live


def two_kernels(script: Script, recorded: str | Path | Mapping[str, Any] | None = None) -> TwoKernels:
    """Run `script(kernel)` on the simulation and on the Linux of this machine, and compare row by row.

    `recorded`: a file that `record` wrote, shown where there is no Linux, and stored in the notebook.
    """
    return TwoKernels(script, None if recorded is None else Recorded.read(recorded))
