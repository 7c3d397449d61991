"""The source of the simulated kernel's functions, with the line marked where a step happens."""

from __future__ import annotations

import ast
import functools
import html
import inspect
import textwrap
from collections.abc import Iterator
from types import FunctionType
from typing import Any, NamedTuple

from ..trace import USERS, Change, Event, Failure, Return, modules
from .history import Step

SHOWN = 14  # lines of a function; of a longer one, those around the step
Function = Any  # to mypy a FunctionType that is a field is a method
INKS = {  # token types of Pygments → class; sheet.py has the colours
    "Token.Comment": "c",
    "Token.Literal.String": "s",
    "Token.Literal.Number": "n",
    "Token.Keyword": "k",
    "Token.Operator.Word": "k",
    "Token.Name.Function": "f",
}


class Place(NamedTuple):
    """A function's source, and where in it a step is: the number of the line in the file, if it is known."""

    function: Function
    first: int
    lines: tuple[str, ...]
    line: int | None

    @property
    def file(self) -> str:
        """The room, as a path in the project."""
        return self.function.__module__.replace(".", "/") + ".py"


def place_of(step: Step) -> Place | None:
    """Find the source of a step; None where the source is not there to read."""
    event = step.event
    if isinstance(event, Change):
        function = function_at(event, step.caller and step.caller.function)
    else:
        function = event.function
    read = source(function) if function else None
    if function is None or read is None:
        return None
    return Place(function, *read, line_of(event, function, read[0]))


def line_of(event: Event, function: Function, first: int) -> int | None:
    """Say at which line of the function the event is, as far as that is known; a call is at the first."""
    if isinstance(event, Change):
        return event.line
    if isinstance(event, Failure):
        return line_of_failure(event)
    return line_of_return(function) if isinstance(event, Return) else first


@functools.cache
def source(function: Function) -> tuple[int, tuple[str, ...]] | None:
    """Give the number of a function's first line, and its lines."""
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return None
    return max(first, 1), tuple(line.rstrip("\n") for line in lines)


def function_at(change: Change, caller: Function | None) -> Function | None:
    """Find the function that made a change: perhaps its caller; a trace does not record all."""
    return next((f for f in (caller, *functions()) if f is not None and made(f, change)), None)


def made(function: Function, change: Change) -> bool:
    """Tell whether it was this function that made the change."""
    code, read = function.__code__, source(function)
    here = (code.co_name, code.co_filename) == (change.function, change.file)
    return here and read is not None and read[0] <= change.line < read[0] + len(read[1])


@functools.cache
def functions() -> tuple[Function, ...]:
    """Collect the functions and methods of the rooms, also those that a trace does not record."""
    found: dict[Function, None] = {}
    for module in modules(("mmlab.include.", "mmlab.lib.", *USERS)):
        holders = [module, *(value for value in vars(module).values() if isinstance(value, type))]
        for holder in holders:
            for value in vars(holder).values():
                plain = inspect.unwrap(value) if callable(value) else None
                if isinstance(plain, FunctionType) and plain.__module__ == module.__name__:
                    found[plain] = None
    return tuple(found)


def line_of_failure(event: Failure) -> int | None:
    """Give the line at which an exception left the function: the traceback knows it."""
    at, line = event.error.__traceback__, None
    while at is not None:
        if at.tb_frame.f_code is event.function.__code__:
            line = at.tb_lineno
        at = at.tb_next
    return line


@functools.cache
def line_of_return(function: Function) -> int | None:
    """Give the line at which the function returns, if there is but one way out: a trace does not say which it took."""
    read = source(function)
    if read is None:
        return None
    body = ast.parse(textwrap.dedent("\n".join(read[1]))).body[0]
    if not isinstance(body, ast.FunctionDef):
        return None
    returns = [node for node in ast.walk(body) if isinstance(node, ast.Return)]
    last = body.body[-1]
    certain = returns == [last] if returns else isinstance(last, ast.Assign | ast.AugAssign | ast.Delete | ast.Expr)
    return read[0] + last.lineno - 1 if certain else None


# ── as HTML, and as text ────────────────────────────────────────────────────────────────────────────────────


def source_html(place: Place) -> str:
    """Give the source as HTML: coloured, numbered, the line of the step marked."""
    rows = []
    numbered = list(enumerate(coloured(place.lines), place.first))
    middle = (place.line or place.first) - place.first
    first = max(0, min(middle - SHOWN // 2, len(numbered) - SHOWN))
    for number, words in numbered[first : first + SHOWN]:
        here = number == place.line
        mark = '<span class="mm-mark" aria-hidden="true">▶</span>' if here else ""
        name = ' aria-current="step"' if here else ""
        rows.append(f'<span class="mm-line"{name}><span class="mm-no">{mark}{number}</span>{words}</span>')
    title = html.escape(f"source of {place.function.__name__}, {place.file}")
    return f'<pre class="mm-source" tabindex="0" role="region" aria-label="{title}">{"".join(rows)}</pre>'


def source_text(place: Place, around: int = 3) -> str:
    """Give the lines around the step as text, without numbers, so that it says the same when the room grows."""
    middle = (place.line or place.first) - place.first
    shown = range(max(0, middle - around), min(len(place.lines), middle + around + 1))
    mark = {True: "▶ ", False: "  "}
    return "\n".join((mark[i + place.first == place.line] + place.lines[i]).rstrip() for i in shown)


@functools.lru_cache(maxsize=256)
def coloured(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Give the lines as HTML, each word in a class of its kind; without Pygments they are only escaped."""
    try:
        from pygments.lexers import PythonLexer
    except ImportError:
        return tuple(html.escape(line) for line in lines)
    tokens = PythonLexer(stripnl=False, ensurenl=False).get_tokens("\n".join(lines))
    return tuple("".join(split_lines(tokens)).split("\n"))


def split_lines(tokens: Iterator[tuple[object, str]]) -> Iterator[str]:
    """Give the tokens as HTML; one that goes over several lines is a span on each."""
    for kind, words in tokens:
        ink = next((INKS[name] for name in INKS if str(kind).startswith(name)), "")
        parts = [html.escape(part) for part in words.split("\n")]
        yield "\n".join(f'<span class="{ink}">{part}</span>' if ink and part else part for part in parts)
