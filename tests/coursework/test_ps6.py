"""Problem set 6: what if the real kernel is asked? (test_mutants.py looks after its bugs.)"""

import random
from typing import Any

from mmlab.coursework.persona import drawn
from tests.coursework.helpers import COURSE, module


def test_what_if_linux_is_asked_what_moved_memory_becomes(kernel: Any, real: Any) -> None:
    room = module("ps6-moved")
    for number in range(12):
        calls = room.draw_moves(drawn(COURSE, f"student {number}", "ps6-moved"))
        left = [(page, page + pages) for page, pages, _ in room.areas_left(room.mover(kernel, **calls))]
        lines = module("ps6-unmap").lines(room.mover(real, **calls))
        assert [line[:2] for line in lines] == left, calls


def test_what_if_linux_is_asked_what_munmap_leaves(kernel: Any, real: Any) -> None:
    room, rng = module("ps6-unmap"), random.Random(6)
    arenas = room.Arena(kernel), room.Arena(real)
    for _ in range(100):
        areas = room.areas_drawn(rng)
        place = room.range_drawn(rng, areas)
        for arena in arenas:
            arena.lay(areas)
        assert arenas[1].unmap(*place) == arenas[0].unmap(*place), (areas, place)


def test_what_if_linux_is_asked_which_way_mremap_goes(kernel: Any, real: Any) -> None:
    room, rng, procs = module("ps6-remap"), random.Random(6), [each.spawn("asker") for each in (kernel, real)]
    for _ in range(200):
        areas = room.areas_drawn(rng)
        call = areas, *room.call_drawn(rng, areas)
        assert room.way(procs[1], *call) == room.way(procs[0], *call), call
