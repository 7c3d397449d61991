"""What the steps of a script do to /proc/meminfo, on the simulation and on Linux, side by side.

    def script(kernel):
        proc = kernel.spawn("writer")
        addr = proc.mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS)
        yield "mapped"
        proc.store(addr, b"x")
        yield "one byte stored"

    measured(script, "Mapped", "Shmem")

The widget shows the Linux that it runs on. What a notebook stores is the same on every machine: the simulation beside
what was recorded for the scripts of mmlab.experiments, with the release of that Linux and the date.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from ..experiments import SCRIPTS, Measured, Script, Step, follow, on_linux, recorded
from ..machine import Kernel
from .controls import Lab, Outcome, button, row
from .diagram import Canvas, Diagram
from .style import CHANGED, CHANGED_TEXT, INK, KINDS, MUTED, RULE, SMALL
from .words import _, many

WIDTH, TOP, LINE, COLUMN = 880, 84, 26, 124  # px: the picture, its head, a step, a counter
LEFT, SIM, REAL = 36, 54, 112  # px: the steps; where a counter's two numbers end
UNTOLD = "–"
Pair = tuple[Step | None, Step | None]


def pairs_of(ours: tuple[Step, ...], theirs: Measured | None) -> list[Pair]:
    """Put the steps of both side by side; a side that ended before the other is empty."""
    return list(zip_longest(ours, theirs.steps if theirs else ()))


def alike(pair: Pair) -> bool:
    """Say whether a step changed the counters by the same on both, as far as Linux told."""
    ours, theirs = pair
    if ours is None or theirs is None:
        return False
    return ours.done == theirs.done and theirs.change.items() <= ours.change.items()


def side_by_side(ours: tuple[Step, ...], theirs: Measured | None, names: tuple[str, ...], when: str) -> Diagram:
    """Draw a line for each step: by how many kB each counter changed, on the simulation and on Linux."""
    pairs = pairs_of(ours, theirs)
    untold = any(amount(step, name) == UNTOLD for pair in pairs for step in pair[: 1 + bool(theirs)] for name in names)
    canvas = Canvas(WIDTH, TOP + LINE * len(pairs) + (34 if untold else 12))
    title = _("What each step changes in /proc/meminfo, in kB")
    canvas.text(12, 24, title, bold=True, size=14, anchor="start", room=WIDTH - 24)
    canvas.text(12, 44, when, size=SMALL, color=MUTED, anchor="start", room=WIDTH - 24)
    columns = {name: WIDTH - 12 - COLUMN * (len(names) - i) for i, name in enumerate(names)}
    draw_head(canvas, columns, bool(theirs))
    for number, pair in enumerate(pairs):
        draw_step(canvas, TOP + LINE * number, pair, columns, bool(theirs))
    for x in columns.values():
        canvas.line(x - 4, TOP - 36, x - 4, TOP + LINE * len(pairs), stroke=RULE, stroke_width=0.7)
    if untold:
        note = _("{untold}: Linux tells this to root alone, or the script did not get there.").format(untold=UNTOLD)
        canvas.text(LEFT, canvas.height - 12, note, size=SMALL, color=MUTED, anchor="start")
    return canvas.diagram(title, tell(title, pairs, names, when))


def headline(pairs: list[Pair], theirs: Measured | None) -> str:
    """Say how many steps came out the same."""
    if theirs is None:
        return _("There is no Linux here to compare with")
    words = _("{same} of {count} steps alike on both kernels")
    return words.format(same=sum(map(alike, pairs)), count=len(pairs))


def draw_head(canvas: Canvas, columns: dict[str, int], real: bool) -> None:
    """Name the columns."""
    for name, x in columns.items():
        middle = (SIM + REAL) / 2 if real else REAL
        canvas.text(x + middle, TOP - 24, name, bold=True, size=SMALL, anchor="middle" if real else "end")
        canvas.text(x + (SIM if real else REAL), TOP - 9, _("simulated"), size=SMALL, color=MUTED, anchor="end")
        if real:
            canvas.text(x + REAL, TOP - 9, "Linux", size=SMALL, color=MUTED, anchor="end")
    canvas.line(12, TOP - 2, WIDTH - 12, TOP - 2, stroke=INK)


def draw_step(canvas: Canvas, y: float, pair: Pair, columns: dict[str, int], real: bool) -> None:
    """Draw one step; lit if it came out differently."""
    ours, theirs = pair
    odd = real and not alike(pair)
    if odd:
        canvas.rect(12, y + 1, WIDTH - 24, LINE - 2, fill=CHANGED)
    if real:
        color = CHANGED_TEXT if odd else KINDS["vm_area_struct"].text
        canvas.text(22, y + 18, "≠" if odd else "=", size=15, bold=True, color=color)
    first = min(columns.values())
    canvas.text(LEFT, y + 18, done(pair), anchor="start", room=first - LEFT - 8)
    for name, x in columns.items():
        for step, right in ((ours, SIM if real else REAL), (theirs, REAL))[: 1 + real]:
            words = amount(step, name)
            moved = words not in ("0", UNTOLD)
            canvas.text(x + right, y + 18, words, bold=moved, color=INK if moved else MUTED, anchor="end")
    canvas.line(12, y + LINE, WIDTH - 12, y + LINE, stroke=RULE, stroke_width=0.7)


def done(pair: Pair) -> str:
    """Say what was done."""
    return next(step.done for step in pair if step)


def amount(step: Step | None, name: str) -> str:
    """Spell a change."""
    if step is None or name not in step.change:
        return UNTOLD
    change = step.change[name]
    return f"{change:+}" if change else "0"


def tell(title: str, pairs: list[Pair], names: tuple[str, ...], when: str) -> str:
    """Say it in words."""
    lines = [f"{title}; {when}"]
    real = any(theirs for _ours, theirs in pairs)
    for pair in pairs:
        said = [f"{name} " + " | ".join(amount(step, name) for step in pair[: 1 + real]) for name in names]
        mark = ("= " if alike(pair) else "≠ ") if real else ""
        lines.append(f"{mark}{done(pair)}: {', '.join(said)}")
    return "\n".join(lines)


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class MeasuredLab(Lab):
    """A script's steps on both kernels. Without a live kernel it shows the simulation beside the recorded Linux."""

    def __init__(self, script: Script, names: tuple[str, ...]) -> None:
        self.script, self.names = script, names
        self.recorded = recorded(script)
        super().__init__(row(button(_("run again"), _("run the script on both kernels"), self._update)))

    def _run(self) -> Outcome:
        """Run it on both; where Linux cannot be measured, show the recorded one."""
        self.ours = follow(self.script, Kernel(), self.names)
        self.live = on_linux(self.script, self.names)
        if self.live is None:
            return self.stored
        here = _("Linux {release}, this machine, now").format(release=self.live.release)
        return self._outcome(self.live, here)

    @property
    def stored(self) -> Outcome:
        """The outcome that is the same on every machine."""
        found = self.recorded
        when = _("Linux {release}, recorded on {date}").format(release=found.release, date=found.date) if found else ""
        return self._outcome(found, when)

    def _outcome(self, theirs: Measured | None, when: str) -> Outcome:
        runs = theirs.runs if theirs else 0
        often = many("{n} run", "{n} runs", runs).format(n=runs)
        when = f"{when}: {_('what came out most often in')} {often}" if theirs else _("the simulation alone")
        picture = side_by_side(self.ours, theirs, self.names, when)
        return Outcome((), headline(pairs_of(self.ours, theirs), theirs), (picture,))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Give the widget, and for readers without one what is the same on every machine."""
        live, self.outcome = self.outcome, self.stored
        try:
            return super()._repr_mimebundle_(**options)
        finally:
            self.outcome = live


def measured(script: Script, *names: str) -> MeasuredLab:
    """Run a script on the simulation and on the Linux of this machine; show what each step does to these counters.

    A script is a generator: `script(kernel)` yields, in words, what it has just done. `names`: lines of /proc/meminfo.
    """
    return MeasuredLab(script, names or SCRIPTS.get(script, ("Mapped",)))
