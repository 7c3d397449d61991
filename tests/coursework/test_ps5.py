"""Problem set 5: what if its predictions are put to the real kernel? (test_mutants.py looks after its bugs.)"""

from typing import Any

from mmlab.coursework.persona import drawn
from tests.coursework.helpers import COURSE, module

STUDENTS = [f"student {number}" for number in range(12)]


def faulted(kernel: Any, proc: Any, addr: int, data: bytes) -> bool:
    before = proc.getrusage().ru_minflt
    proc.store(addr, data)
    return proc.getrusage().ru_minflt > before


def test_what_if_linux_is_asked_what_a_fork_copies(kernel: Any, real: Any) -> None:
    copied = module("ps5-copied")
    for student in STUDENTS:
        mappings = copied.draw_mappings(drawn(COURSE, student, "ps5-copied"))
        assert copied.entries_of_a_child(real, mappings) == copied.entries_of_a_child(kernel, mappings), mappings


def test_what_if_linux_is_asked_which_stores_fault(kernel: Any, real: Any) -> None:
    stores = module("ps5-stores")
    for student in STUDENTS:
        story = stores.draw_story(drawn(COURSE, student, "ps5-stores"))
        words = stores.told(kernel, story, stores.outcome)
        assert stores.told(real, story, faulted) == [word != "none" for word in words], story
