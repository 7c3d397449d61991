"""Stepping back: at every event of a trace, a rewound machine is as the machine was when it really stood there."""

import contextlib
import random
from collections import deque

import pytest

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDONLY, O_RDWR, PROT_READ, PROT_WRITE, Kernel
from mmlab.include.errors import MemoryFault
from mmlab.mm.vma import find_vma
from mmlab.trace import Change
from mmlab.views.history import History, MovedOn, fields_of, is_mutable, steps
from tests.differential.compare import Player
from tests.differential.programs import kinds, methods, random_program

PAGE, RW = 4096, PROT_READ | PROT_WRITE
NOT_TAKEN_BACK = {"free_pfns", "mem_map", "serials", "next_ino", "current"}  # History says so


def picture(machine):
    """Every field of every object that the machine reaches, and of every frame in use, as text."""
    numbers, lines, todo = {}, [], deque([machine])

    def spell(value):
        if isinstance(value, bytes | bytearray):
            return repr(bytes(value).rstrip(b"\0"))  # what lies past the end of a page's data reads as zeros
        if isinstance(value, tuple):
            return f"({', '.join(map(spell, value))})"
        if not is_mutable(value):
            return getattr(value, "__qualname__", None) or repr(value)
        if id(value) not in numbers:
            numbers[id(value)] = f"{type(value).__name__} {getattr(value, 'name', '')} {len(numbers)}"
            todo.append(value)
        return numbers[id(value)]

    def entries(thing):
        yield from ((name, getattr(thing, name)) for name in fields_of(thing) if name not in NOT_TAKEN_BACK)
        if isinstance(thing, dict):
            yield from sorted(thing.items(), key=lambda item: (getattr(item[0], "number", 0), str(item[0])))
        elif isinstance(thing, list | set | deque):
            yield from enumerate(thing)
        if thing is machine:
            yield from ((frame.name, frame) for frame in machine.mem_map if frame._count)

    while todo:
        thing = todo.popleft()
        lines += [f"{spell(thing)}.{spell(name)} = {spell(value)}" for name, value in entries(thing)]
    return lines


class Watched(list):
    """What a trace records, that takes a picture of the machine when there are as many events as `at` says."""

    def __init__(self, machine, at):
        super().__init__()
        self.machine, self.at, self.seen, self.count = machine, at, {}, 0

    def extend(self, event):
        super().extend(event)
        self.count += 1
        if self.count in self.at:
            self.seen[self.count] = picture(self.machine)


def watch(kernel, run, at):
    """Trace a run; give the trace, and how the machine was at those events."""
    trace = kernel.trace()
    trace._recorded = watched = Watched(kernel.machine, at)
    with trace, contextlib.suppress(OSError, MemoryFault):
        run()
    return trace, watched.seen


def assert_rewound(kernel, trace, seen):
    """Assert that a history of the trace is, wherever one looks in it, what was seen there."""
    end = picture(kernel.machine)
    history = History(trace)
    for at in random.Random(len(seen)).sample(sorted(seen), len(seen)):
        history.go(at)
        assert picture(history.machine) == seen[at], f"after event {at}: {trace.events[at - 1]}"
    history.go(len(trace.events))
    assert picture(history.machine) == end
    history.of(kernel).check()
    assert picture(kernel.machine) == end
    kernel.check()


# ── many events of some calls, and of random programs ───────────────────────────────────────────────────────


def map_a_file(kernel, proc):
    addr = proc.mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY), PAGE)
    return lambda: proc.load(addr, 5)


def copy_on_write(kernel, proc):
    addr = proc.mmap(0, 2 * PAGE, RW, MAP_PRIVATE, proc.open("/data/book.txt", O_RDONLY))
    proc.load(addr)
    return lambda: proc.store(addr + 7, b"HELLO")


def unmap_the_middle(kernel, proc):
    addr = proc.mmap(0, 3 * PAGE, RW, MAP_SHARED, proc.open("/dev/shm/f", O_RDWR | O_CREAT))
    return lambda: proc.munmap(addr + PAGE, PAGE)


def fork(kernel, proc):
    proc.store(proc.mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS), b"x")
    return proc.fork


def exit_after_fork(kernel, proc):
    child = proc.fork()
    child.store(child.mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS), b"x")
    return child.exit


def write_back(kernel, proc):
    fd = proc.open("/data/new", O_RDWR | O_CREAT)
    addr = proc.mmap(0, PAGE, RW, MAP_SHARED, fd)
    proc.write(fd, b"x" * 5000)
    proc.store(addr, b"y")
    return lambda: proc.fsync(fd)


def truncate(kernel, proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    proc.load(proc.mmap(0, 5 * PAGE, RW, MAP_PRIVATE, fd))
    return lambda: proc.ftruncate(fd, 100)


def mprotect_refused(kernel, proc):
    addr = proc.mmap(0, PAGE, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY))
    return lambda: proc.mprotect(addr, PAGE, RW)


def open_and_close(kernel, proc):
    return lambda: proc.close(proc.open("/tmp/f", O_RDWR | O_CREAT))


def spawn(kernel, proc):
    return lambda: kernel.spawn("second")


CALLS = [map_a_file, copy_on_write, unmap_the_middle, fork, exit_after_fork, write_back, truncate, mprotect_refused,
         open_and_close]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_every_seventh_event_of_a_call_is_gone_back_to(call):
    kernel = Kernel()
    run = call(kernel, kernel.spawn("reader"))
    trace, seen = watch(kernel, run, at=range(1, 300, 7))
    assert len(seen) == len(range(1, min(300, len(trace.events) + 1), 7)) > 0
    assert_rewound(kernel, trace, seen)


@pytest.mark.parametrize("seed", range(8))
def test_events_of_random_programs_are_gone_back_to(seed):
    program = random_program(seed, methods(), kinds())
    kernel = Kernel()
    player = Player(kernel, program)

    def run():
        for step in program["steps"]:
            player.call(*step)

    trace, seen = watch(kernel, run, at=random.Random(seed).sample(range(1, 1000), 20))
    assert len(seen) > 5
    assert_rewound(kernel, trace, seen)


def test_a_new_process_is_gone_back_to():
    kernel = Kernel()
    trace, seen = watch(kernel, spawn(kernel, None), at=range(1, 3000, 250))
    assert_rewound(kernel, trace, seen)


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("call", [*CALLS, spawn], ids=lambda call: call.__name__)
@pytest.mark.parametrize("tree_links", [False, True])
def test_the_steps_are_the_lines_of_the_call_tree(call, tree_links):
    kernel = Kernel()
    trace, _ = watch(kernel, call(kernel, kernel.spawn("reader")), at=())
    history = History(trace)
    found = steps(history.events, tree_links=tree_links)
    lines = [f"{'  ' * step.depth}{step.text}" for step in found]
    assert lines == trace.text(tree_links=tree_links).splitlines()
    assert [step.upto for step in found] == sorted({step.upto for step in found})
    assert found[-1].upto == len(trace.events)
    assert all(step.since <= step.upto for step in found)


def test_the_copy_goes_its_own_way():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    with kernel.trace() as trace:
        addr = proc.mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    history = History(trace)
    proc.munmap(addr, PAGE)
    assert find_vma(history.of(proc).task.mm, addr).vm_start == addr
    assert history.of(proc) is history.of(proc) is not proc
    kernel.check()
    history.of(kernel).check()


def test_what_moved_on_is_refused():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    with kernel.trace() as trace:
        addr = proc.mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    proc.munmap(addr, PAGE)
    with pytest.raises(MovedOn, match=r"moved on since the trace ended \(.* is no longer so\)"):
        History(trace)
    kernel.check()


def test_a_long_list_of_vmas_is_copied_without_recursion():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    for number in range(3000):
        proc.mmap(1 << 40 | number * 2 * PAGE, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    with kernel.trace() as trace:
        proc.mmap(0, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS)
    history = History(trace)
    assert history.of(proc).task.mm.map_count == proc.task.mm.map_count > 3000
    assert sum(isinstance(event, Change) for event in history.events) == len(trace.changes())
