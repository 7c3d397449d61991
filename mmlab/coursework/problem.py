"""A problem set is data: what is asked, what is released, what would be right, and how one tells."""

from __future__ import annotations

import hashlib
import importlib.util
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mmlab.coursework.plain import Plain

KINDS = ("predict", "code", "bug", "diagram", "essay")


class Wrong(Exception):
    """An answer is wrong; the text says what is wrong with it and does not give the right one away.

    `earned`: what fraction of the points it earns nevertheless.
    """

    def __init__(self, text: str, earned: float = 0.0) -> None:
        super().__init__(text)
        self.earned = earned


class Work(Protocol):
    """A student's answers, as a check sees them: what they say is plain data, and none of it is believed."""

    rng: random.Random  # the student's numbers in this part: personal(part) again, from the start

    def value(self, name: str, kind: type | None = None) -> Any:
        """Give the value of a variable; Wrong if it is not of the type `kind`."""

    def call(self, function: str, *arguments: Plain, kind: type | None = None) -> Any:
        """Call a function of the student's and give its result; Wrong if that is not of the type `kind`."""

    def probe(self, code: str, **named: Plain) -> Any:
        """Run the check's own code beside the answers; what it leaves in `result` is the value."""


Check = Callable[[Work], float | None]


@dataclass(frozen=True)
class Part:
    """One graded part: a prompt (Markdown), an answer cell, and a cell that shows an example and holds the marks.

    `setup`: code of a locked cell before the answer, which may use personal("set-id"). `starter`, `solution`: what the
    answer cell holds as released, and as solved. `example`: what the last cell tries, for all to see. `check` gives
    what fraction is right (None: all), or raises Wrong. An essay has a `rubric` instead and is graded by hand.
    """

    id: str
    kind: str
    points: int
    title: str
    prompt: str
    starter: str = ""
    solution: str = ""
    setup: str = ""
    example: str = ""
    check: Check | None = None
    rubric: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"part {self.id}: kind is {self.kind!r}, not one of {', '.join(KINDS)}")
        if bool(self.rubric) != (self.kind == "essay") or bool(self.check) == (self.kind == "essay"):
            raise ValueError(f"part {self.id}: an essay has a rubric, and everything else a check")


@dataclass(frozen=True)
class ProblemSet:
    """Some parts about some lessons; `name` ("ps1_address_space") names its notebook."""

    name: str
    title: str
    lessons: list[str]
    intro: str
    parts: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = [part.id for part in self.parts]
        if len(set(ids)) < len(ids):
            raise ValueError(f"{self.name}: two parts have the same id")

    @property
    def short(self) -> str:
        """The name's beginning, "ps1"."""
        return self.name.split("_")[0]

    def grade_id(self, part: Part) -> str:
        """Give the name of a part in the notebook and in the gradebook."""
        return f"{self.short}-{part.id}"

    def part(self, grade_id: str) -> Part:
        """Give the part of that name; KeyError."""
        return {self.grade_id(part): part for part in self.parts}[grade_id]


def folders(problems: Path) -> list[Path]:
    """Give the folders of the problem sets that a folder holds, in the order of their names."""
    return sorted(path.parent for path in problems.glob("*/__init__.py"))


def load(folder: Path) -> ProblemSet:
    """Read a problem set, as it is now, from its folder: a package that defines PROBLEMS.

    ValueError says what is wrong with it.
    """
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
    name = f"{folder.name}_{place[:16]}"  # another course's set of the same name is another package
    start = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(name, start, submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None or not start.exists():
        raise ValueError(f"There is no problem set {folder}.")
    for old in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[old]
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    problems = getattr(module, "PROBLEMS", None)
    if not isinstance(problems, ProblemSet) or problems.name != folder.name:
        raise ValueError(f"{start} must define PROBLEMS, a ProblemSet named {folder.name!r}.")
    return problems
