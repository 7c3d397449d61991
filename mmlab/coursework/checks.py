"""What the checks of several problem sets are written with."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from typing import Any

from mmlab.coursework.mutants import infected
from mmlab.coursework.problem import Work, Wrong
from mmlab.coursework.programs import MEMORY, replay
from mmlab.machine import Kernel

RUN_WITNESS = """
from mmlab.coursework.programs import record
result = record(witness)
"""


def text(*functions: Callable[..., Any]) -> str:
    """Give the source of functions, to stand in a notebook."""
    return "\n\n".join(inspect.getsource(each).strip() for each in functions).replace("  # fmt: skip", "") + "\n"


def settle(*claims: tuple[float, bool, str]) -> None:
    """Add up the shares of the claims (share, whether it holds, words) that hold; Wrong has the words of the others."""
    words = [words for _, holds, words in claims if not holds]
    if words:
        raise Wrong("\n".join(words), sum(share for share, holds, _ in claims if holds))


def whole(value: object) -> bool:
    """Tell whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def draw_claims(rng: random.Random, claims: list[str]) -> dict[str, str]:
    """The claims in an order of your own: letter → claim."""
    return dict(zip("ABCDEFGH", rng.sample(claims, len(claims)), strict=True))


def witnessed(work: Work, hunt: str, bug: str, most: int = 12) -> bool:
    """Tell whether the calls of the answer's `witness` end otherwise on the student's machine than on an honest one.

    Wrong if it makes more than `most` calls.
    """
    calls: Any = work.probe(RUN_WITNESS)
    if len(calls) > most:
        raise Wrong(f"The witness makes {len(calls)} calls; at most {most} are asked for.")
    honest, other = Kernel(mem=MEMORY), infected(hunt, bug, mem=MEMORY)
    return list(replay(honest, calls)) != list(replay(other, calls))
