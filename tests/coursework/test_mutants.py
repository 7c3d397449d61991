"""Kernels with a bug, and programs that are recorded in one place and judged in another."""

import random
from typing import Any

import pytest

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, Kernel
from mmlab.coursework.mutants import BUGS, drawn_bug, infected, mutated, present
from mmlab.coursework.persona import drawn
from mmlab.coursework.programs import LARGEST, record, replay
from mmlab.coursework.sandbox import Nursery
from tests.coursework.helpers import COURSE, PARTS, answered

EVERY = [(hunt, name) for hunt, bugs in BUGS.items() for name in bugs]
each_bug = pytest.mark.parametrize(("hunt", "name"), EVERY, ids=["-".join(each) for each in EVERY])


def loads_memory(kernel: Any) -> None:
    proc = kernel.spawn("reader")
    addr = proc.mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.load(addr, 5)
    proc.pagemap(addr)
    proc.load(0)


@each_bug
def test_what_if_a_room_is_rewritten(hunt: str, name: str) -> None:
    """The text that a bug replaces is still there, and it is there only while the mutant runs."""
    function, code = mutated(BUGS[hunt][name])
    honest = function.__code__
    assert code.co_code != honest.co_code or code.co_consts != honest.co_consts or code.co_names != honest.co_names
    with present(BUGS[hunt][name]):
        assert function.__code__ is code
    assert function.__code__ is honest


def test_what_if_a_mutant_stands_beside_an_honest_kernel() -> None:
    calls = record(loads_memory)
    before = list(replay(Kernel(), calls))
    assert list(replay(infected("ps3-bug", "zero"), calls)) != before
    assert list(replay(Kernel(), calls)) == before


@each_bug
def test_what_if_a_bug_is_drawn(hunt: str, name: str, nursery: Nursery) -> None:
    """The reference answer, which tries each claim, names it."""
    students = (f"student {n}" for n in range(1000))
    student = next(each for each in students if drawn_bug(hunt, drawn(COURSE, each, hunt)) == name)
    problems, part = PARTS[hunt]
    assert answered(problems, part, part.solution, student, nursery).points == part.points


def test_what_if_a_program_is_replayed() -> None:
    """Each call gives what it gave; the signal that ended the program is the last."""
    results = list(replay(Kernel(), record(loads_memory)))
    assert len(results) == 5
    assert results[2] == bytes(5)
    assert str(results[4]).startswith("SegmentationFault")


@pytest.mark.parametrize(
    "call",
    [
        (0, "check", (), {}), (0, "__init__", (), {}), (1, "spawn", ("x",), {}), (1, "mlock", (0, 4096), {}),
        (1, "mmap", (0, LARGEST + 1, 1, 34), {}), (1, "mmap", (0,), {"prot": 1, "flags": 34, "length": LARGEST + 1}),
        (1, "load", (0, LARGEST + 1), {}), (1, "mremap", (0, 4096, LARGEST + 1), {}),
    ],
)  # fmt: skip
def test_what_if_a_record_is_forged(call: Any) -> None:
    with pytest.raises(ValueError, match="judged"):
        list(replay(Kernel(), [(0, "spawn", ("x",), {}), call]))


def test_what_if_bugs_are_drawn() -> None:
    for hunt, bugs in BUGS.items():
        assert {drawn_bug(hunt, random.Random(seed)) for seed in range(200)} == set(bugs)
