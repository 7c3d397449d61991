"""What the checks of several problem sets are written with."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable
from typing import Any

from mmlab import O_CREAT, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE, Process
from mmlab.coursework.problem import Wrong
from mmlab.coursework.programs import Call

RW, HOME = PROT_READ | PROT_WRITE, 1 << 40  # HOME: an address far from everything that exec maps


def text(*functions: Callable[..., Any]) -> str:
    """Give the source of functions, to stand in a notebook."""
    return "\n\n".join(inspect.getsource(each).strip() for each in functions).replace("  # fmt: skip", "") + "\n"


def draw_claims(rng: random.Random, claims: list[str]) -> dict[str, str]:
    """The claims in an order of your own: letter → claim."""
    return dict(zip("ABCDEFGH", rng.sample(claims, len(claims)), strict=True))


def settle(*claims: tuple[float, bool, str]) -> None:
    """Add up the shares of the claims (share, whether it holds, words) that hold; Wrong has the words of the others."""
    words = [words for _, holds, words in claims if not holds]
    if words:
        raise Wrong("\n".join(filter(None, words)), sum(share for share, holds, _ in claims if holds))


def equal(given: Iterable[object], right: list[int], hints: Iterable[str]) -> None:
    """Settle numbers, each worth the same; a wrong one has its hint."""
    settle(*((1 / len(right), whole(ours) and ours == theirs, hint)
             for ours, theirs, hint in zip(given, right, hints, strict=True)))  # fmt: skip


def whole(value: object) -> bool:
    """Tell whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def these(given: object, right: list | set) -> bool:
    """Tell whether what is given is these things, in any order."""
    return isinstance(given, list | tuple | set) and len(given) == len(right) and set(given) == set(right)


def listed(value: object, length: int, words: str) -> list[Any]:
    """Give the list; Wrong unless it has that length."""
    if not isinstance(value, list | tuple) or len(value) != length:
        raise Wrong(words)
    return list(value)


def rows(value: object, length: int) -> list[tuple] | None:
    """Give a list of tuples of that length as such; None if it is anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(row, list | tuple) for row in value):
        return None
    return [tuple(row) for row in value] if all(len(row) == length for row in value) else None


def difference(given: object, right: list) -> str:
    """Say in what a list differs from the right one."""
    if not isinstance(given, list | tuple):
        return "has not the form that was asked for"
    if len(given) != len(right):
        return f"has too {'few' if len(given) < len(right) else 'many'} entries"
    return "has another order" if all(each in right for each in given) else "has some other entries than the kernel's"


def allowed(calls: list[Call], names: set[str], program: str = "the program") -> None:
    """Wrong if a program makes other calls than these."""
    others = sorted({name for _, name, _, _ in calls} - names)
    if others:
        raise Wrong(f"`{others[0]}` is not one of the calls that {program} may make.")


def hexed(areas: Iterable[tuple]) -> str:
    """Areas, with addresses that can be read."""
    return "[" + ", ".join(f"({start:#x}, {end:#x}, {', '.join(map(repr, rest))})" for start, end, *rest in areas) + "]"


def full_file(proc: Process, path: str, pages: int) -> int:
    """Make a file all of whose pages are in memory, and give its descriptor."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    for page in range(pages):
        proc.pwrite(fd, bytes(PAGE_SIZE), page * PAGE_SIZE)
    return fd
