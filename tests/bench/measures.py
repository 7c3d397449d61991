"""What is measured, one function a measurement; each runs in a fresh Python process (see apart).

Time is CPU time: time.process_time, user and system. Memory is what tracemalloc counts, every object included.
"""

from __future__ import annotations

import gc
import mmap
import os
import statistics
import tracemalloc
from collections.abc import Callable
from multiprocessing import get_context
from time import process_time
from typing import Any

from mmlab import MAP_ANONYMOUS, MAP_POPULATE, MAP_PRIVATE, Kernel, Process

from . import workload
from .machines import Real, Simulated
from .workload import ARENA, KINDS, PAGE, PROT_RW

MEMORY = MAP_PRIVATE | MAP_ANONYMOUS
MACHINES: dict[str, Callable[[], Any]] = {"mmlab": Simulated, "ctypes": Real}


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call the function in a fresh Python process, so that nothing measured before weighs on it."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


# ── W(n) ────────────────────────────────────────────────────────────────────────────────────────────────────


def work(name: str, n: int) -> dict[str, float]:
    """Give the CPU seconds of each kind of operation in W(n): the median of so many runs that small ones count too."""
    machine, plan = MACHINES[name](), workload.plan(n)
    workload.run(machine, workload.plan(100))  # Python gets faster when it has seen the code
    runs = [workload.run(machine, plan)[0] for _ in range(min(20, max(1, 2000 // n)))]
    return {kind: statistics.median(run[kind] for run in runs) for kind in KINDS}


def left_of_work(name: str, n: int) -> tuple[int, int]:
    """Do W(n) once; give the VMAs and the pages in memory before teardown."""
    machine = MACHINES[name]()
    return workload.run(machine, workload.plan(n), look=True)[1]


# ── touching ────────────────────────────────────────────────────────────────────────────────────────────────


def touch_by_mmap(pages: int, store: bool = True) -> float:
    """Touch so many pages of a fresh anonymous mapping through Python's mmap module, on the real kernel.

    The memory behind it is warm: in a virtual machine, a frame that this machine never used before costs the
    hypervisor's work, too (5 to 13 µs a page where this was written, against 1.6), which no Linux does.
    """
    memory = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    start = process_time()
    if store:
        for offset in range(0, pages * PAGE, PAGE):
            memory[offset] = 1
    else:
        for offset in range(0, pages * PAGE, PAGE):
            memory[offset]
    return process_time() - start


def touch(pages: int, store: bool = True) -> float:
    """Touch so many pages of anonymous memory on the simulated kernel."""
    proc = Kernel().spawn("bench")
    addr = proc.mmap(ARENA, pages * PAGE, PROT_RW, MEMORY)
    return touch_range(proc, addr, pages, store)


def touch_traced(pages: int, step: int = 4096) -> float:
    """Touch so many pages while a trace runs; it is emptied after each `step` pages, or it would fill the memory."""
    kernel = Kernel()
    proc = kernel.spawn("bench")
    addr = proc.mmap(ARENA, pages * PAGE, PROT_RW, MEMORY)
    seconds = 0.0
    with kernel.trace() as trace:
        for first in range(addr, addr + pages * PAGE, step * PAGE):
            seconds += touch_range(proc, first, min(step, pages), True)
            trace.clear()
    return seconds


def touch_range(proc: Process, addr: int, pages: int, store: bool) -> float:
    """Touch pages of a process, one by one; give the CPU seconds."""
    start = process_time()
    if store:
        for at in range(addr, addr + pages * PAGE, PAGE):
            proc.store(at, b"\1")
    else:
        for at in range(addr, addr + pages * PAGE, PAGE):
            proc.load(at)
    return process_time() - start


def touch_after_trace(pages: int) -> float:
    """Touch so many pages after a trace has come and gone: what tracing costs when it is off."""
    kernel = Kernel()
    with kernel.trace():
        kernel.spawn("traced")
    return touch(pages)


# ── fork, memory, boot ──────────────────────────────────────────────────────────────────────────────────────


def os_fork(pages: int) -> float:
    """Fork a real process that has touched so many pages; give what it cost the parent."""
    memory = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    for offset in range(0, pages * PAGE, PAGE):
        memory[offset] = 1
    start = process_time()
    child = os.fork()
    if not child:
        os._exit(0)
    seconds = process_time() - start
    os.waitpid(child, 0)
    return seconds


def fork(pages: int) -> float:
    """Fork a simulated process that has touched so many pages."""
    proc = Kernel().spawn("bench")
    proc.mmap(ARENA, pages * PAGE, PROT_RW, MEMORY | MAP_POPULATE)
    start = process_time()
    proc.fork()
    return process_time() - start


def bytes_each(make: Callable[[Process], int]) -> float:
    """Give how many bytes each of the things takes that `make` makes (and counts)."""
    proc = Kernel().spawn("bench")
    gc.collect()
    tracemalloc.start()
    count = make(proc)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / count


def bytes_per_vma(n: int) -> float:
    """Measure VMAs of anonymous memory, in W(n)'s places, none of them touched."""
    plan = workload.plan(2 * n)
    regions = [each for each in plan.regions if each.offset is None]

    def make(proc: Process) -> int:
        for addr, length, _ in regions:
            proc.mmap(addr, length, PROT_RW, workload.MEMORY_FLAGS)
        return len(regions)

    return bytes_each(make)


def bytes_per_loaded_page(pages: int) -> float:
    """Measure pages that were only loaded from: a PTE to the zero page."""

    def make(proc: Process) -> int:
        touch_range(proc, proc.mmap(ARENA, pages * PAGE, PROT_RW, MEMORY), pages, store=False)
        return pages

    return bytes_each(make)


def bytes_per_page_object(pages: int) -> float:
    """Measure pages that have a frame of their own, but that the program has not written to."""

    def make(proc: Process) -> int:
        proc.mmap(ARENA, pages * PAGE, PROT_RW, MEMORY | MAP_POPULATE)
        return pages

    return bytes_each(make)


def contents_unwritten(pages: int) -> float:
    """Count the pages with stored contents that nothing was ever written to: half loaded, half only populated."""
    kernel = Kernel()
    proc = kernel.spawn("bench")
    before = sum(page.data is not None for page in kernel.machine.mem_map)
    touch_range(proc, proc.mmap(ARENA, pages * PAGE, PROT_RW, MEMORY), pages, store=False)
    proc.mmap(0, pages * PAGE, PROT_RW, MEMORY | MAP_POPULATE)
    return sum(page.data is not None for page in kernel.machine.mem_map) - before


def boot(spawn: bool) -> float:
    """Boot a machine, and (with `spawn`) start a process on it; the mean of 50."""
    start = process_time()
    for _ in range(50):
        kernel = Kernel()
        if spawn:
            kernel.spawn("bench")
    return (process_time() - start) / 50
