"""The picture of a system call that failed: the functions it got through, and the check that stopped it."""

from __future__ import annotations

import errno
import os

from ..trace import Failure, Trace
from .diagram import Canvas, Diagram
from .style import KINDS, LOOKS, MUTED, SMALL

BOX, TALL, GAP, ROW = 186, 34, 34, 4  # px: a function, across and down; between two; so many stand side by side


def refusal(error: OSError, trace: Trace) -> Diagram:
    """Draw the way of a failed call through the kernel; `trace` must have recorded it."""
    path = [event.function.__name__ for event in trace.events if isinstance(event, Failure)][::-1]
    assert error.errno is not None
    name, reason = errno.errorcode[error.errno], (error.strerror or "").partition(": ")[2]
    below = 20 + (len(path) - 1) // ROW * (TALL + GAP) + TALL
    canvas = Canvas(max(min(len(path), ROW) * (BOX + GAP) + 6, 640), below + 94)
    for step, function in enumerate(path):
        draw_step(canvas, step, function, step == len(path) - 1)
    words = f"✗ {name} ({error.errno}): {os.strerror(error.errno)}"
    canvas.text(20, below + 34, words, size=15, bold=True, color=LOOKS["danger"].text, anchor="start")
    canvas.text(20, below + 56, reason, color=KINDS["ops"].text, anchor="start")
    words = "nothing has changed: every step taken was undone"
    canvas.text(20, below + 78, words, size=SMALL, color=MUTED, anchor="start")
    text = f"{' → '.join(path)} ✗\n{name} ({error.errno}), {os.strerror(error.errno)}: {reason}"
    title = f"{path[-1]} refuses: {name}"
    return Diagram(title, text, canvas.diagram(title, text).source)


def draw_step(canvas: Canvas, step: int, function: str, last: bool) -> None:
    """Draw a function on the way, and an arrow to the next: beside it, or at the left of the next row."""
    x, y = 20 + step % ROW * (BOX + GAP), 20 + step // ROW * (TALL + GAP)
    canvas.box(x, y, BOX, TALL, function, kind="ops", look="danger" if last else "present")
    if last:
        return
    if step % ROW < ROW - 1:
        canvas.arrow(x + BOX + 4, y + TALL / 2, x + BOX + GAP - 4, y + TALL / 2)
        return
    middle, left = y + TALL + GAP / 2, 20 + BOX / 2
    canvas.path(f"M {x + BOX / 2} {y + TALL + 4} V {middle} H {left}")
    canvas.arrow(left, middle, left, y + TALL + GAP - 4)
