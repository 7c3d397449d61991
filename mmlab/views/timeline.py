"""What was done, move by move, and what each move did to some counters: a table with the changes lit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .diagram import Canvas, Diagram
from .style import CHANGED, CHANGED_TEXT, INK, MUTED, RULE, SMALL
from .words import _, many

WIDTH, TOP, LINE, COLUMN, SHOWN = 880, 70, 26, 92, 12  # px: the picture, its head, a move, a counter. So many moves
DELTA = 44  # px from the right of a counter's column: there its value ends


class Moment(NamedTuple):
    """What was done, and the counters after it."""

    done: str
    counts: dict[str, int]


def timeline(title: str, moments: Sequence[Moment]) -> Diagram:
    """Draw the last moments; the first of all is how things were before."""
    first = max(1, len(moments) - SHOWN)
    canvas = Canvas(WIDTH, TOP + LINE * (len(moments) - first + 1) + 12)
    names = list(moments[0].counts)
    columns = {name: WIDTH - 14 - COLUMN * (len(names) - 1 - i) for i, name in enumerate(names)}
    canvas.text(16, 24, title, bold=True, size=14, anchor="start", room=WIDTH - 32)
    for name, x in columns.items():
        canvas.text(x, TOP - 18, name, bold=True, size=SMALL, anchor="end", room=COLUMN - 6)
    canvas.line(12, TOP - 10, WIDTH - 12, TOP - 10, stroke=INK)
    draw_before(canvas, moments[first - 1], first - 1, columns)
    for number in range(first, len(moments)):
        y = TOP + LINE * (number - first + 1)
        draw_moment(canvas, y, number, moments, columns)
    return canvas.diagram(title, tell(title, moments))


def draw_before(canvas: Canvas, moment: Moment, left_out: int, columns: dict[str, int]) -> None:
    """Draw what the counters were before the first moment that is drawn."""
    words = many("{n} earlier move", "{n} earlier moves", left_out).format(n=left_out) if left_out else moment.done
    canvas.text(46, TOP + 8, words, size=SMALL, color=MUTED, anchor="start")
    for name, x in columns.items():
        canvas.text(x - DELTA, TOP + 8, moment.counts[name], color=MUTED, anchor="end")


def draw_moment(canvas: Canvas, y: float, number: int, moments: Sequence[Moment], columns: dict[str, int]) -> None:
    """Draw one move."""
    moment, before = moments[number], moments[number - 1]
    last = number == len(moments) - 1
    canvas.line(12, y - LINE + 16, WIDTH - 12, y - LINE + 16, stroke=RULE, stroke_width=0.7)
    if last:
        canvas.rect(12, y - 8, 4, LINE - 4, fill=CHANGED_TEXT)
    canvas.text(36, y + 8, number, size=SMALL, color=MUTED, anchor="end")
    canvas.text(46, y + 8, moment.done, bold=last, anchor="start", room=min(columns.values()) - COLUMN - 52)
    for name, x in columns.items():
        change = moment.counts[name] - before.counts[name]
        if change:
            canvas.rect(x - COLUMN + 8, y - 8, COLUMN - 6, LINE - 4, fill=CHANGED)
            canvas.text(x, y + 8, f"{change:+}", size=SMALL, bold=True, color=CHANGED_TEXT, anchor="end")
        canvas.text(x - DELTA, y + 8, moment.counts[name], bold=bool(change), anchor="end")


def tell(title: str, moments: Sequence[Moment]) -> str:
    """Say it in words."""
    lines = [f"{title}: {count_words(moments[0].counts)}"]
    for number, (before, moment) in enumerate(pairwise(moments), 1):
        changes = {name: count - before.counts[name] for name, count in moment.counts.items()}
        lit = [f"{name} {moment.counts[name]} ({change:+})" for name, change in changes.items() if change]
        lines.append(f"{number:3} {moment.done}: {', '.join(lit) or _('nothing counted changes')}")
    return "\n".join(lines)


def count_words(counts: dict[str, int]) -> str:
    """Spell the counters."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())
