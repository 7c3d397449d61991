"""The fault decision tree: the way that one page fault took through the kernel, and why it took no other.

The way is read from the calls that a trace recorded; the reasons come from decisions.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from textwrap import wrap
from typing import Any, NamedTuple

from ..arch.fault import do_page_fault
from ..include.errors import MemoryFault, OutOfMemory
from ..mm.memory import handle_mm_fault, handle_pte_fault
from ..trace import Call, Change, Event, Failure, Return, Trace, show_result
from .decisions import TREE, Branch, Facts, Then, always
from .diagram import Canvas, Diagram
from .diagram import number as px
from .style import CHANGED_TEXT, INK, MUTED, SMALL
from .walk import task_name
from .words import _

# ── what the trace says ─────────────────────────────────────────────────────────────────────────────────────

Path = tuple[str, ...]  # the names of the branches from the root
Place = tuple[Path, Branch]
HANDLE_MM_FAULT = "do_page_fault", "handle_mm_fault"


@dataclass
class Try:
    """One walk through the tree: the values it met, and the branches it took, with all that each called."""

    facts: Facts
    taken: dict[Path, Any]  # what the function gave
    calls: dict[Path, list[str]]  # the other functions that it called, in order


def faults(trace: Trace) -> list[list[Event]]:
    """Cut the page faults out of a trace, each from its call to its return."""
    found: list[list[Event]] = []
    inside = False
    for event in trace.events:
        ours = not isinstance(event, Change) and event.function is do_page_fault
        inside = inside or (ours and isinstance(event, Call))
        if inside:
            if ours and isinstance(event, Call):
                found.append([])
            found[-1].append(event)
        inside = inside and not (ours and not isinstance(event, Call))
    return found


def follow(events: list[Event], later: list[Event]) -> list[Try]:
    """Follow one fault through the tree, from its recorded calls. A fault that waited for the disk has two tries.

    `later` is what the trace recorded from the fault on: from it comes how things were before.
    """
    first = events[0]
    assert isinstance(first, Call)
    now = Try(Facts(Then(later), *first.args[:3]), {}, {})
    tries = [now]
    at: list[Place | None] = [((), Branch("", always, (TREE,)))]  # None within a function that is no branch
    for i, event in enumerate(events):
        if isinstance(event, Change):
            continue
        if not isinstance(event, Call):
            leave(now, at.pop(), at[-1], event)
            continue
        if event.function is handle_mm_fault and HANDLE_MM_FAULT in now.taken:
            facts = replace(now.facts, results=dict(now.facts.results))
            now = Try(facts, {path: end for path, end in now.taken.items() if path[:2] != HANDLE_MM_FAULT}, {})
            tries.append(now)
        if event.function is handle_pte_fault:
            now.facts.then, now.facts.table = Then(later[i:]), event.args[2]
        at.append(enter(now, at[-1], event.function.__name__))
    return tries


def enter(now: Try, above: Place | None, name: str) -> Place | None:
    """Note a call: it takes a branch, or is one of the other functions that the branch calls."""
    if above is None:
        return None
    path, branch = above
    for each in branch.below:
        if name == called_name(each, now.facts):
            now.taken[(*path, each.name)] = None
            return (*path, each.name), each
    now.calls.setdefault(path, []).append(name)
    return None


def leave(now: Try, branch: Place | None, above: Place | None, end: Return | Failure) -> None:
    """Note what a function gave, or the signal that it raised."""
    if isinstance(end, Failure):
        signal = signal_of(end.error)
        now.facts.results[signal] = True
        if branch and branch[1].name == "expand_downwards":
            now.facts.results["refusal"] = getattr(end.error, "strerror", "")
        if branch and any(each.name == signal for each in branch[1].below):
            now.taken[(*branch[0], signal)] = None
        return
    name = end.function.__name__
    if branch or above:
        now.facts.results[name] = end.result
    if branch:
        now.taken[branch[0]] = end
    if name == "find_vma" and now.facts.vma is None:
        now.facts.vma = end.result
        now.facts.above = end.result is not None and now.facts.then.get(end.result, "vm_start") > now.facts.address


def signal_of(error: BaseException) -> str:
    """Name the signal that an exception stands for, as the tree names it."""
    if isinstance(error, OutOfMemory):
        return error.signal
    return f"{error.signal} {error.si_name}" if isinstance(error, MemoryFault) else ""


def called_name(branch: Branch, f: Facts) -> str:
    """Give the name of the branch's function: behind vm_ops->fault it is the file system's."""
    if not branch.name.startswith("vm_ops->"):
        return branch.name
    return getattr(getattr(f.ops, branch.name.removeprefix("vm_ops->"), None), "__name__", branch.name)


# ── the tree with its reasons ───────────────────────────────────────────────────────────────────────────────


class Step(NamedTuple):
    """One branch of the tree, as this fault met it."""

    path: Path
    name: str
    taken: tuple[int, ...]  # in which tries: (1,), or (1, 2) where the fault was tried again
    why: str
    calls: str
    gave: str


def fault_steps(trace: Trace, number: int = 0) -> list[Step]:
    """Give every branch of one of the trace's page faults, with the reason why it was taken or not. LookupError."""
    found = faults(trace)
    if not 0 <= number < len(found):
        words = f"this trace has {len(found)} page faults, and no number {number} (they count from 0)"
        raise LookupError(f"{words}: trace a load or store of a page that is not mapped yet")
    start = next(i for i, event in enumerate(trace.events) if event is found[number][0])
    return list(steps(follow(found[number], trace.events[start:]), TREE, ()))


def steps(tries: list[Try], branch: Branch, above: Path) -> Iterator[Step]:
    """Walk the tree; below a branch not taken there is nothing to tell."""
    path = (*above, branch.name)
    taken = tuple(i for i, one in enumerate(tries, 1) if path in one.taken)
    taken = taken if path[:2] == HANDLE_MM_FAULT else taken[:1]  # only handle_mm_fault is called again
    one = tries[taken[0] - 1] if taken else [one for one in tries if not above or above in one.taken][-1]
    ends = [tries[i - 1].taken[path] for i in taken]
    gave = [show_result(end) for end in ends if isinstance(end, Return) and end.result is not None]
    calls = " ".join(dict.fromkeys(name for one in tries for name in one.calls.get(path, ())))
    yield Step(path, called_name(branch, one.facts), taken, branch.when(one.facts)[1], calls, ", ".join(gave))
    if taken:
        for each in branch.below:
            yield from steps(tries, each, path)


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────

WIDTH, TOP, ROW, INDENT, BOX, WHY = 880, 66, 30, 22, 178, 348  # px; WHY is where the reasons begin


def fault_tree(trace: Trace, number: int = 0) -> Diagram:
    """Draw the way of one of the trace's page faults (they count from 0). LookupError if there is no such fault.

    Draw it before the machine goes on: the reasons are worked out from its memory and the trace.
    """
    found = fault_steps(trace, number)
    heads = headline(trace, number)
    *tops, bottom = accumulate((tall(step) for step in found), initial=TOP)
    canvas = Canvas(WIDTH, bottom + 44)
    canvas.text(16, 24, heads[0], bold=True, size=14, anchor="start", room=WIDTH - 32)
    canvas.text(16, 46, heads[1], size=SMALL, color=MUTED, anchor="start", room=930)
    rows = {step.path: y for step, y in zip(found, tops, strict=True)}
    for step in sorted(found, key=lambda step: bool(step.taken)):  # what is lit lies above
        draw_edge(canvas, rows, step)
    for step in found:
        draw_step(canvas, rows[step.path], step)
    draw_key(canvas, bottom + 26)
    return canvas.diagram(heads[0], "\n".join([*heads, *(tell(step) for step in found)]))


def headline(trace: Trace, number: int) -> list[str]:
    """Say which access it was, and how it ended."""
    events = faults(trace)[number]
    first, last = events[0], events[-1]
    assert isinstance(first, Call)
    current, address, write = first.args[:3]
    access = _("a store") if write else _("a load")
    counters = [e for e in events if isinstance(e, Change) and e.owner is current]
    ends = [f"{change.field} {change.old} → {change.new}" for change in counters]
    if isinstance(last, Failure):
        ends = [str(last.error)]
    words = _("Page fault: {access} at {address:x} by {task}")
    ended = ", ".join(ends) or _("not counted: the access is tried again")
    return [words.format(access=access, address=address, task=task_name(current)), ended]


def draw_edge(canvas: Canvas, rows: dict[Path, int], step: Step) -> None:
    """Draw the edge from the function above; below a function all hang on one line."""
    if len(step.path) == 1:
        return
    x, y = 16 + INDENT * (len(step.path) - 2) + 12, rows[step.path] + 12
    top = rows[step.path[:-1]] + 24
    lit = (
        {"stroke": CHANGED_TEXT, "stroke_width": 3} if step.taken else {"stroke": "#8D949E", "stroke_dasharray": "3 3"}
    )
    canvas.path(f"M{x},{px(top)} V{px(y)} H{x + INDENT - 12}", **lit)


def draw_step(canvas: Canvas, y: float, step: Step) -> None:
    """Draw one branch: the function, what it gave, and the reason."""
    x = 16 + INDENT * (len(step.path) - 1)
    signal = step.name.startswith("SIG")
    look = ("danger" if signal else "changed") if step.taken else "absent"
    canvas.box(x, y, BOX, 24, mark(step), kind="ops", look=look)
    lines = said(step)
    for i, line in enumerate(lines):
        middle = y + 16 if len(lines) == 1 else y + 8 + 13 * i
        canvas.text(WHY, middle, line, size=SMALL, color=INK if step.taken else MUTED, anchor="start", room=560)


def tall(step: Step) -> int:
    """Give the height of a branch's line, in px: it has room for two lines of words."""
    return ROW + 13 * max(len(said(step)) - 2, 0)


def mark(step: Step) -> str:
    """Give the name of a branch, with a mark that tells whether it was taken, and in which tries."""
    again = f" ×{len(step.taken)}" if len(step.taken) > 1 else ""
    return f"{'✓' if step.taken else '✗'} {step.name}{again}"


def said(step: Step, width: int = 84) -> list[str]:
    """Say why a branch was taken or not and what it gave, and in new lines what else it called."""
    first = "  ".join([step.why] * bool(step.why) + [f"= {step.gave}"] * bool(step.gave))
    calls = _("calls {names}").format(names=step.calls) if step.calls else ""
    return wrap(first, width) + wrap(calls, width)


def tell(step: Step) -> str:
    """Say in a line of the twin what a branch says in the picture."""
    return "  " * (len(step.path) - 1) + ": ".join([mark(step), *["; ".join(said(step, 1000))] * bool(said(step))])


def draw_key(canvas: Canvas, y: float) -> None:
    """Say what the boxes mean."""
    canvas.key(
        16,
        y,
        ("ops", "changed", _("✓ taken")),
        ("ops", "absent", _("✗ not taken, and why")),
        ("ops", "danger", _("ends in a signal")),
    )
