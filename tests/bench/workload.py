"""The workload W(n): one program of mmap, munmap and mprotect calls, run by anything that has them.

Map n regions of 1–16 pages, half of them anonymous, half of one shared memory file, each at a fixed, random place;
look 10n addresses up; touch every page (a store to each second one); unmap half of the regions; split a quarter;
tear down. The seed is fixed, so every machine gets the same calls, by the same Python loops.

A machine has mmap, munmap, mprotect, msync, load and store, with the arguments of `mmlab.Process`; an open file, fd;
and vmas() and pages(), for the comparison afterwards. The lookup is msync(addr, 4096, MS_ASYNC): with MS_ASYNC the
system call does nothing but find the VMA, so of all calls of Linux it is the one nearest to find_vma.
"""

from __future__ import annotations

import random
from time import process_time
from typing import Any, NamedTuple

PAGE = 4096
ARENA = 1 << 44
SLOT = 32  # pages; a region of up to 16 pages begins in the first half of its slot, so that no two can merge
FILE_PAGES = 4096
PROT_READ, PROT_RW = 1, 3
FILE_FLAGS = 0x11  # MAP_SHARED | MAP_FIXED
MEMORY_FLAGS = 0x32  # MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
MS_ASYNC = 1
KINDS = ("map", "lookup", "touch", "unmap", "split", "teardown")


class Region(NamedTuple):
    """Where a region lies (bytes), and its place in the file (bytes; None: anonymous memory)."""

    addr: int
    length: int
    offset: int | None


class Plan(NamedTuple):
    """What one W(n) does, and to which addresses."""

    regions: list[Region]
    lookups: list[int]
    loads: list[int]
    stores: list[int]
    unmapped: list[Region]
    split: list[Region]
    end: int

    def counts(self) -> dict[str, int]:
        """Count the operations of each kind; one map or teardown is one region's."""
        n, touched = len(self.regions), len(self.loads) + len(self.stores)
        numbers = n, len(self.lookups), touched, len(self.unmapped), len(self.split), n
        return dict(zip(KINDS, numbers, strict=True))


def plan(n: int, seed: int = 1) -> Plan:
    """Draw up W(n)."""
    rng = random.Random(seed)
    regions = []
    for number, slot in enumerate(rng.sample(range(2 * n), n)):
        pages = rng.randint(1, 16)
        offset = rng.randrange(FILE_PAGES - 16) * PAGE if number % 2 else None
        regions.append(Region(ARENA + (slot * SLOT + rng.randrange(16)) * PAGE, pages * PAGE, offset))
    lookups = [each.addr + rng.randrange(each.length) // PAGE * PAGE for each in rng.choices(regions, k=10 * n)]
    touched = [addr for each in regions for addr in range(each.addr, each.addr + each.length, PAGE)]
    unmapped = rng.sample(regions, n // 2)
    gone = set(unmapped)
    kept = [each for each in regions if each.length > PAGE and each not in gone]
    return Plan(
        regions, lookups, touched[::2], touched[1::2], unmapped, kept[: n // 4], ARENA + (2 * n + 1) * SLOT * PAGE
    )


def run(machine: Any, plan: Plan, look: bool = False) -> tuple[dict[str, float], tuple[int, int]]:
    """Do the work on a machine; give the CPU seconds of each kind, and (with `look`) what is left before teardown."""
    seconds, left, gone = {}, (0, 0), set(plan.unmapped)
    for kind, step in STEPS.items():
        if kind == "teardown" and look:
            left = machine.vmas(), machine.pages([each for each in plan.regions if each not in gone])
        start = process_time()
        step(machine, plan)
        seconds[kind] = process_time() - start
    return seconds, left


def map_all(machine: Any, plan: Plan) -> None:
    """Map each region."""
    mmap, fd = machine.mmap, machine.fd
    for addr, length, offset in plan.regions:
        if offset is None:
            mmap(addr, length, PROT_RW, MEMORY_FLAGS, -1, 0)
        else:
            mmap(addr, length, PROT_RW, FILE_FLAGS, fd, offset)


def look_up(machine: Any, plan: Plan) -> None:
    """Find the VMA of each address."""
    msync = machine.msync
    for addr in plan.lookups:
        msync(addr, PAGE, MS_ASYNC)


def touch_all(machine: Any, plan: Plan) -> None:
    """Load from, or store to, each page."""
    load, store = machine.load, machine.store
    for addr in plan.loads:
        load(addr, 1)
    for addr in plan.stores:
        store(addr, b"\1")


def unmap_half(machine: Any, plan: Plan) -> None:
    """Unmap half of the regions, one by one."""
    munmap = machine.munmap
    for addr, length, _ in plan.unmapped:
        munmap(addr, length)


def split_quarter(machine: Any, plan: Plan) -> None:
    """Make the first page of a quarter of the regions read-only, which cuts each in two."""
    mprotect = machine.mprotect
    for addr, _, _ in plan.split:
        mprotect(addr, PAGE, PROT_READ)


def tear_down(machine: Any, plan: Plan) -> None:
    """Unmap all that is left, at once."""
    machine.munmap(ARENA, plan.end - ARENA)


STEPS = dict(zip(KINDS, (map_all, look_up, touch_all, unmap_half, split_quarter, tear_down), strict=True))


def in_arena(maps: str) -> int:
    """Count the lines of /proc/PID/maps that lie in the arena."""
    return sum(ARENA <= int(line.split("-")[0], 16) < ARENA << 1 for line in maps.splitlines())
