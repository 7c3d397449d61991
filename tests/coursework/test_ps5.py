"""Problem set 5: what if its predictions are put to the real kernel? (test_mutants.py looks after its bugs.)"""

from typing import Any

import pytest

from mmlab import Kernel, linux
from mmlab.coursework.persona import drawn
from tests.coursework.helpers import COURSE, PARTS

STUDENTS = [f"student {number}" for number in range(12)]
ROOM: dict[str, Any] = PARTS["ps5-copied"][1].check.__globals__  # type: ignore[union-attr]


@pytest.fixture
def kernel():
    return Kernel()


@pytest.fixture
def real():
    try:
        kernel = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    with kernel:
        yield kernel


def faulted(kernel: Any, proc: Any, addr: int, data: bytes) -> bool:
    before = proc.getrusage().ru_minflt
    proc.store(addr, data)
    return proc.getrusage().ru_minflt > before


def test_what_if_linux_is_asked_what_a_fork_copies(kernel: Any, real: Any) -> None:
    for student in STUDENTS:
        mappings = ROOM["draw_mappings"](drawn(COURSE, student, "ps5-copied"))
        assert ROOM["entries_of_a_child"](real, mappings) == ROOM["entries_of_a_child"](kernel, mappings), mappings


def test_what_if_linux_is_asked_which_stores_fault(kernel: Any, real: Any) -> None:
    for student in STUDENTS:
        story = ROOM["draw_story"](drawn(COURSE, student, "ps5-stores"))
        words = ROOM["told"](kernel, story, ROOM["outcome"])
        assert ROOM["told"](real, story, faulted) == [word != "none" for word in words], story
