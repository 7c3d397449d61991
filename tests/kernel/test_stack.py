"""What if a stack had to grow? Each test asks the real kernel, too."""

from errno import EINVAL, ENOMEM

import pytest

from mmlab import (
    MAP_GROWSDOWN,
    MAP_LOCKED,
    MAP_NORESERVE,
    PROT_GROWSDOWN,
    PROT_NONE,
    PROT_READ,
    RLIMIT_AS,
    RLIMIT_MEMLOCK,
    RLIMIT_STACK,
    SEGV_ACCERR,
    SEGV_MAPERR,
    Kernel,
    SegmentationFault,
    linux,
)
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, map_at, page_text, ranges, unchanged

STACK = MEMORY | MAP_GROWSDOWN
TOP = 900  # the page where the tests' stacks begin; 256 pages below it are their first guard gap
GROWSUP = 0x2000000


@pytest.fixture(params=["simulated", "real"])
def proc(request):
    if request.param == "simulated":
        kernel = Kernel()
        yield kernel.spawn("reader")
        kernel.check()
        return
    try:
        real = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    with real:
        yield real.spawn("reader")


def edges(proc):
    return [line[:2] for line in ranges(proc)]


def refused(proc, page, access="store"):
    """The si_code of the signal that the access gets."""
    with pytest.raises(SegmentationFault) as info:
        proc.store(at(page), b"x") if access == "store" else proc.load(at(page))
    return info.value.si_code


def test_what_if_the_page_below_were_touched(proc):
    map_at(proc, TOP, 1, RW, STACK)
    assert faults(proc, proc.store, at(TOP - 1), b"x") == (1, 0)
    assert faults(proc, proc.load, at(TOP - 10)) == (1, 0)
    assert edges(proc) == [(TOP - 10, TOP + 1)]
    proc.store(at(100) + 7, b"far below, and however far")
    assert edges(proc) == [(100, TOP + 1)]


def test_what_if_the_memory_above_were_no_stack(proc):
    map_at(proc, TOP, 1, RW, MEMORY)
    assert refused(proc, TOP - 1) == SEGV_MAPERR
    map_at(proc, TOP - 5, 1, RW, STACK)
    assert refused(proc, TOP - 1) == SEGV_MAPERR


@pytest.mark.parametrize(
    ("prot", "flags", "lowest"), [(RW, MEMORY, 256), (PROT_READ, MEMORY, 256), (PROT_NONE, MEMORY, 0), (RW, STACK, 0)]
)
def test_what_if_there_were_something_below(proc, prot, flags, lowest):
    map_at(proc, TOP, 1, RW, STACK)
    map_at(proc, 500, 1, prot, flags)
    for page in (501 + lowest, 500 + lowest):
        if page == 500 + lowest and lowest:
            assert refused(proc, page) == SEGV_MAPERR
        elif page > 500:
            proc.store(at(page), b"x")
    assert edges(proc)[-1] == (501 + lowest, TOP + 1)


def test_what_if_rlimit_stack_were_reached(proc):
    map_at(proc, TOP, 1, RW, STACK)
    proc.setrlimit(RLIMIT_STACK, 16 * PAGE - 1)
    assert refused(proc, TOP - 15) == SEGV_MAPERR
    proc.store(at(TOP - 14), b"x")
    assert edges(proc) == [(TOP - 14, TOP + 1)]


def test_what_if_rlimit_as_were_reached(proc):
    map_at(proc, TOP, 1, RW, STACK)
    size = sum(int(line.split()[1]) for line in str(proc.smaps()).splitlines() if line.startswith("Size")) * 1024
    proc.setrlimit(RLIMIT_AS, size + 3 * PAGE)
    assert refused(proc, TOP - 20) == SEGV_MAPERR
    proc.store(at(TOP - 2), b"x")


def test_what_if_it_were_locked(proc):
    map_at(proc, TOP, 1, RW, STACK | MAP_LOCKED)
    proc.store(at(TOP - 2), b"x")
    assert not proc.pagemap(at(TOP - 1)).present  # it grows, but only what is touched is there
    proc.setrlimit(RLIMIT_MEMLOCK, 4 * PAGE)
    proc.setuid(1000)
    assert refused(proc, TOP - 4) == SEGV_MAPERR
    proc.store(at(TOP - 3), b"x")
    assert edges(proc) == [(TOP - 3, TOP + 1)]


def test_what_if_the_access_were_not_allowed(proc):
    map_at(proc, TOP, 1, PROT_READ, STACK)
    assert refused(proc, TOP - 3) == SEGV_ACCERR
    assert edges(proc) == [(TOP - 3, TOP + 1)]  # it has grown all the same
    assert proc.load(at(TOP - 4)) == b"\0"


def test_what_if_it_had_moved(proc):
    map_at(proc, TOP, 2, RW, STACK)
    proc.store(at(TOP), page_text(1))
    proc.mremap(at(TOP), 2 * PAGE, 2 * PAGE, 3, at(TOP + 50))
    proc.store(at(TOP + 48), b"x")
    assert edges(proc) == [(TOP + 48, TOP + 52)]
    assert proc.load(at(TOP + 50), PAGE) == page_text(1)


def test_what_if_the_kernel_wrote_to_it(proc):
    map_at(proc, TOP, 1, RW, STACK)
    fd = proc.open("/data/book.txt", 0)
    assert proc.sys_read(fd, at(TOP - 3), 5) == 5
    assert proc.load(at(TOP - 3), 5) == b"page0"


def test_what_if_a_child_grew_it(proc):
    map_at(proc, TOP, 1, RW, STACK)
    proc.store(at(TOP), b"x")
    child = proc.fork()
    child.store(at(TOP - 2), b"y")
    assert (edges(proc), edges(child)) == ([(TOP, TOP + 1)], [(TOP - 2, TOP + 1)])


# ── mprotect from the beginning of the stack ────────────────────────────────────────────────────────────────


def code(call, *arguments):
    with pytest.raises(OSError) as info:
        call(*arguments)
    return info.value.errno


def test_what_if_mprotect_took_the_whole_stack(proc):
    map_at(proc, TOP, 8, RW, STACK)
    proc.mprotect(at(TOP + 4), PAGE, PROT_READ | PROT_GROWSDOWN)
    assert [line[:3] for line in ranges(proc)] == [(TOP, TOP + 5, "r--p"), (TOP + 5, TOP + 8, "rw-p")]
    proc.mprotect(at(TOP - 3), 4 * PAGE, PROT_GROWSDOWN)  # the first VMA of the range, wherever it begins
    assert [line[2] for line in ranges(proc)] == ["---p", "r--p", "rw-p"]


def test_what_if_mprotect_found_no_stack(proc):
    map_at(proc, TOP, 2, RW, MEMORY)
    assert code(proc.mprotect, at(TOP), PAGE, RW | PROT_GROWSDOWN) == EINVAL
    assert code(proc.mprotect, at(TOP), PAGE, RW | GROWSUP) == EINVAL
    assert code(proc.mprotect, at(TOP) + 1, PAGE, RW | PROT_GROWSDOWN | GROWSUP) == EINVAL
    assert code(proc.mprotect, at(TOP - 4), PAGE, RW | PROT_GROWSDOWN) == ENOMEM
    assert code(proc.mprotect, at(TOP - 4), 5 * PAGE, RW | GROWSUP) == ENOMEM
    proc.mprotect(at(TOP), 0, RW | PROT_GROWSDOWN)
    assert [line[2] for line in ranges(proc)] == ["rw-p"]


# ── only here ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_the_first_stack_grew():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    line = next(line for line in str(proc.maps()).splitlines() if line.endswith("[stack]"))
    start, end = (int(word, 16) for word in line.split()[0].split("-"))
    proc.store(end - (8 << 20), b"as deep as RLIMIT_STACK")
    with unchanged(kernel), pytest.raises(SegmentationFault):
        proc.store(end - (8 << 20) - 1, b"x")
    assert f"{end - (8 << 20):x}-{end:x}" in str(proc.maps())
    assert start > end - (8 << 20)


@pytest.mark.parametrize("flags", [0, MAP_NORESERVE])
def test_what_if_the_growth_were_promised_or_not(flags):
    kernel = Kernel()
    proc = kernel.spawn("reader")
    map_at(proc, TOP, 1, RW, STACK | flags)
    before = kernel.meminfo()["Committed_AS"]
    proc.store(at(TOP - 9), b"x")
    assert kernel.meminfo()["Committed_AS"] - before == (0 if flags else 40 - 4)


def test_what_if_no_more_could_be_promised():
    kernel = Kernel(overcommit_memory=2, mem=64 << 20)
    proc = kernel.spawn("reader")
    proc.setrlimit(RLIMIT_STACK, 2**40)
    map_at(proc, TOP, 1, RW, STACK)
    proc.store(at(TOP), b"x")
    with unchanged(kernel), pytest.raises(SegmentationFault, match="Committed_AS"):
        proc.store(at(TOP) - (40 << 20), b"x")


def test_what_if_the_heap_came_near_a_stack():
    proc = Kernel().spawn("reader")
    heap = proc.brk(0)
    proc.mmap(heap + 300 * PAGE, PAGE, RW, STACK | 0x10)
    assert proc.brk(heap + 44 * PAGE) == heap
    assert proc.brk(heap + 43 * PAGE) == heap + 43 * PAGE
