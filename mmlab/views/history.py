"""The way of a machine through a trace, forwards and backwards: what stepping back is made of.

A History is a copy of the machine, made when the trace is over, and the trace's events. Going back undoes the recorded
changes one by one, going forward does them again; the machine itself is never touched, and what happens to it later
does not show here. Four things are not taken back, and no picture shows them: the list of free frames (their number,
nr_free_pages, is), frames without a user, the counters that name new objects, and which process ran last. And an entry
that comes back into an array comes back at its end: no picture may rely on the order of an array.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..include.highmem import page_bytes
from ..include.mm_types import page
from ..trace import TABLES, Call, Change, Event, Failure, Return, Trace, outcome, show_change, signature, wanted

# ── a copy of a machine ─────────────────────────────────────────────────────────────────────────────────────


class Copies(dict[int, Any]):
    """The copies of the simulation's objects and containers by the id of the original; all else is shared."""

    def __init__(self) -> None:
        super().__init__()
        self.originals: list[Any] = []  # kept, so that no id is given away again
        self.todo: deque[tuple[Any, Any]] = deque()

    def of(self, thing: Any) -> Any:
        """Give the copy of a thing, and of all it reaches."""
        copy = self.shell(thing)
        while self.todo:
            self.fill(*self.todo.popleft())
        return copy

    def shell(self, thing: Any) -> Any:
        """Give the copy of a thing; what is in it is to be filled in."""
        if isinstance(thing, tuple):
            inside = [self.shell(item) for item in thing]
            return type(thing)(*inside) if hasattr(thing, "_fields") else tuple(inside)
        if not is_mutable(thing):
            return thing
        if id(thing) not in self:
            kind: Any = type(thing)
            self[id(thing)] = copy = kind.__new__(kind)
            self.originals.append(thing)
            self.todo.append((thing, copy))
        return self[id(thing)]

    def fill(self, thing: Any, copy: Any) -> None:
        """Give the copy what the original holds."""
        for name in fields_of(thing):
            object.__setattr__(copy, name, self.shell(getattr(thing, name)))
        if isinstance(thing, dict):
            dict.update(copy, {self.shell(key): self.shell(value) for key, value in thing.items()})
        elif isinstance(thing, set):
            copy.update(map(self.shell, thing))
        elif isinstance(thing, bytearray | list | deque):
            copy.extend(map(self.shell, thing))


def is_mutable(thing: Any) -> bool:
    """Tell whether a copy must be of its own: a container, or an object of the simulation that has state."""
    if isinstance(thing, dict | list | set | deque | bytearray):
        return True
    ours = type(thing).__module__.startswith("mmlab.") and not isinstance(thing, (type, *TABLES))
    return ours and not isinstance(thing, BaseException)


def fields_of(thing: Any) -> Iterator[str]:
    """Name the fields of an object that are set."""
    slots = (name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ()))
    yield from (name for name in (*slots, *getattr(thing, "__dict__", ())) if hasattr(thing, name))


# ── there and back ──────────────────────────────────────────────────────────────────────────────────────────


class MovedOn(RuntimeError):
    """The machine is not as the trace left it: the way back is not known."""


class History:
    """A machine as it was after any number of the events that a trace recorded; `at` is that number.

    `of(thing)` is the copy of the process, kernel or kernel object, and moves with it. MovedOn if the machine has done
    more since the trace ended, as far as that is to be seen in what the trace saw.
    """

    def __init__(self, trace: Trace) -> None:
        self.of = Copies().of
        self.machine = self.of(trace.machine)
        self.events: list[Event] = [self.of(event) for event in trace.events]
        self.at = len(self.events)
        self._prove()

    def _prove(self) -> None:
        """Go all the way back, asserting that each change finds the value that it left; and forward again."""
        for event in reversed(self.events):
            if isinstance(event, Change):
                if not same(get(event.owner, event.field), event.new):
                    raise MovedOn(
                        f"the machine has moved on since the trace ended ({show_change(event)} is no longer so): "
                        "trace again, and explore before anything else runs"
                    )
                put(event.owner, event.field, event.old)
        self.at = 0
        self.go(len(self.events))

    def go(self, count: int) -> None:
        """Bring the machine to where it was after `count` events."""
        for event in reversed(self.events[count : self.at]):
            if isinstance(event, Change):
                put(event.owner, event.field, event.old)
        for event in self.events[self.at : count]:
            if isinstance(event, Change):
                put(event.owner, event.field, event.new)
        self.at = count

    def part(self, first: int, end: int) -> Trace:
        """Give a trace of its own, of the events from `first` to before `end`."""
        return Trace(self.machine, self.events[first:end])


def get(owner: Any, field: Any) -> Any:
    """Give a field as the trace names it: of an object, an entry of an array, some bytes of a page."""
    if isinstance(owner, dict):
        return owner.get(field)
    if isinstance(owner, list):
        return owner[field]
    if isinstance(owner, page) and isinstance(field, range):
        return page_bytes(owner, field.start, field.stop)
    return getattr(owner, field)


def put(owner: Any, field: Any, value: Any) -> None:
    """Set a field as the trace names it; an entry that is None is none. Nothing of it is recorded."""
    if isinstance(owner, dict):
        if value is None:
            dict.pop(owner, field, None)
        else:
            dict.__setitem__(owner, field, value)
    elif isinstance(owner, list):
        list.__setitem__(owner, field, value)
    elif isinstance(owner, page) and isinstance(field, range):
        owner.data[field.start : field.stop] = value  # type: ignore[index]
    else:
        object.__setattr__(owner, field, value)


def same(found: Any, recorded: Any) -> bool:
    """Tell whether two values are one object, or equal numbers or bytes."""
    return found is recorded or (isinstance(found, int | str | bytes | bytearray | tuple) and found == recorded)


# ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────


class Step(NamedTuple):
    """One line of the call tree. A call in which nothing happened is one step, else its beginning and its end are two.

    `upto`: how many events have happened then. `since`: from which event on a picture lights what changed: the last
    change, or, where a call ends, all that it changed.
    """

    depth: int
    text: str
    event: Event
    since: int
    upto: int
    caller: Call | None  # whose call this happened in


def steps(events: list[Event], *, tree_links: bool = False) -> list[Step]:
    """Give the steps of a trace; the links of the red-black tree are steps of their own only if asked for."""
    shown = [i for i, e in enumerate(events) if not isinstance(e, Change) or wanted(e, tree_links)]
    found: list[Step] = []
    calls: list[tuple[Call, int]] = []
    for n, i in enumerate(shown):
        event, end, inside = events[i], i + 1, calls[-1][0] if calls else None
        if isinstance(event, Call):
            after = events[shown[n + 1]] if n + 1 < len(shown) else None
            if not isinstance(after, Return | Failure):
                found.append(Step(len(calls), signature(event) + " {", event, i, end, inside))
            calls.append((event, i))
        elif isinstance(event, Change):
            before = found[-1].upto if found else 0
            found.append(Step(len(calls), "· " + show_change(event), event, before, end, inside))
        else:
            call, since = calls.pop()
            leaf = isinstance(events[shown[n - 1]], Call)
            text = (signature(call) if leaf else "}") + outcome(event)
            found.append(Step(len(calls), text, event, since, end, calls[-1][0] if calls else None))
    return found
