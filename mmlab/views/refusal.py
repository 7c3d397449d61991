"""The picture of a system call that failed: the functions it got through, and the check that stopped it."""

from __future__ import annotations

import errno
import os

from ..trace import Failure, Trace
from .diagram import Canvas, Diagram
from .style import KINDS, LOOKS, MUTED, SMALL

BOX, TALL, GAP = 190, 34, 34


def refusal(error: OSError, trace: Trace) -> Diagram:
    """Draw the way of a failed call through the kernel; `trace` must have recorded it."""
    path = [event.function.__name__ for event in trace.events if isinstance(event, Failure)][::-1]
    assert error.errno is not None
    name, reason = errno.errorcode[error.errno], (error.strerror or "").partition(": ")[2]
    canvas = Canvas(max(len(path) * (BOX + GAP) + 16, 640), 148)
    for step, function in enumerate(path):
        x, last = 20 + step * (BOX + GAP), step == len(path) - 1
        canvas.box(x, 20, BOX, TALL, function, kind="ops", look="danger" if last else "present")
        if not last:
            canvas.arrow(x + BOX + 4, 20 + TALL / 2, x + BOX + GAP - 4, 20 + TALL / 2)
    words = f"✗ {name} ({error.errno}): {os.strerror(error.errno)}"
    canvas.text(20, 88, words, size=15, bold=True, color=LOOKS["danger"].text, anchor="start")
    canvas.text(20, 110, reason, color=KINDS["ops"].text, anchor="start")
    canvas.text(20, 132, "nothing has changed: every step taken was undone", size=SMALL, color=MUTED, anchor="start")
    text = f"{' → '.join(path)} ✗\n{name} ({error.errno}), {os.strerror(error.errno)}: {reason}"
    title = f"{path[-1]} refuses: {name}"
    return Diagram(title, text, canvas.diagram(title, text).source)
