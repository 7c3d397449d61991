"""What if a program gives advice: flags that cut and merge VMAs, and pages that are dropped or brought."""

from errno import EACCES, EFAULT, EINVAL, ENOMEM

import pytest

from mmlab import (
    MADV_DOFORK,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_DONTNEED_LOCKED,
    MADV_FREE,
    MADV_NORMAL,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_RANDOM,
    MADV_REMOVE,
    MADV_SEQUENTIAL,
    MADV_WILLNEED,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    SegmentationFault,
)

RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS


@pytest.fixture
def four(proc):
    addr = proc.mmap(0, 6 * PAGE_SIZE, RW, ANON)
    proc.munmap(addr, PAGE_SIZE)
    proc.munmap(addr + 5 * PAGE_SIZE, PAGE_SIZE)
    proc.store(addr + PAGE_SIZE, b"x" * 4 * PAGE_SIZE)
    return addr + PAGE_SIZE


def count(proc, addr, pages=4):
    """Count the VMAs of the range."""
    spans = [[int(part, 16) for part in line.split()[0].split("-")] for line in proc.maps().splitlines()]
    return sum(start < addr + pages * PAGE_SIZE and end > addr for start, end in spans)


def refused(errno, method, *arguments):
    with pytest.raises(OSError, match="madvise") as raised:
        method(*arguments)
    assert raised.value.errno == errno


@pytest.mark.parametrize("advice", [MADV_RANDOM, MADV_SEQUENTIAL, MADV_DONTFORK, MADV_WIPEONFORK])
def test_what_if_a_page_in_the_middle_gets_a_flag_and_loses_it(proc, four, advice):
    undo = {MADV_RANDOM: MADV_NORMAL, MADV_SEQUENTIAL: MADV_NORMAL, MADV_DONTFORK: MADV_DOFORK, MADV_WIPEONFORK: 19}
    proc.madvise(four + PAGE_SIZE, PAGE_SIZE, advice)
    assert count(proc, four) == 3
    proc.madvise(four + PAGE_SIZE, PAGE_SIZE, undo[advice])
    assert count(proc, four) == 1


def test_what_if_anonymous_memory_is_not_needed(kernel, proc, four):
    before = kernel.meminfo()["AnonPages"]
    proc.madvise(four + PAGE_SIZE, 2 * PAGE_SIZE, MADV_DONTNEED)
    assert kernel.meminfo()["AnonPages"] == before - 8
    assert proc.load(four, 4 * PAGE_SIZE).count(b"\0") == 2 * PAGE_SIZE


def test_what_if_a_private_copy_is_not_needed_the_file_shows_again(proc):
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE, proc.open("/data/book.txt", O_RDWR))
    proc.store(addr, b"PAGE")
    proc.madvise(addr, PAGE_SIZE, MADV_DONTNEED)
    assert proc.load(addr, 5) == b"page0"


def test_what_if_locked_memory_is_not_needed(proc, four):
    proc.mlock(four, PAGE_SIZE)
    refused(EINVAL, proc.madvise, four, PAGE_SIZE, MADV_DONTNEED)
    proc.madvise(four, PAGE_SIZE, MADV_DONTNEED_LOCKED)
    assert not proc.pagemap(four).present


def test_what_if_memory_may_be_freed_it_still_holds_its_bytes(proc, four):
    proc.madvise(four, 4 * PAGE_SIZE, MADV_FREE)
    assert proc.load(four) == b"x"
    fd = proc.open("/data/book.txt", O_RDWR)
    refused(EINVAL, proc.madvise, proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE, fd), PAGE_SIZE, MADV_FREE)


def test_what_if_pages_are_wanted_soon(proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, 5 * PAGE_SIZE, RW, MAP_PRIVATE, fd)
    proc.madvise(addr + PAGE_SIZE, 2 * PAGE_SIZE, MADV_WILLNEED)
    assert proc.fincore(fd) == b"\0\1\1\0\0"
    assert not proc.pagemap(addr + PAGE_SIZE).present


def test_what_if_pages_are_populated(proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, 8 * PAGE_SIZE, RW, MAP_PRIVATE, fd)
    proc.madvise(addr, 2 * PAGE_SIZE, MADV_POPULATE_WRITE)
    assert [proc.pagemap(addr + i * PAGE_SIZE).file for i in range(2)] == [False, False]
    proc.madvise(addr, 5 * PAGE_SIZE, MADV_POPULATE_READ)
    assert proc.pagemap(addr + 4 * PAGE_SIZE).file
    refused(EFAULT, proc.madvise, addr, 8 * PAGE_SIZE, MADV_POPULATE_READ)
    proc.mprotect(addr, PAGE_SIZE, PROT_READ)
    refused(EINVAL, proc.madvise, addr, PAGE_SIZE, MADV_POPULATE_WRITE)


def test_what_if_a_range_of_a_file_is_removed(proc):
    fd = proc.open("/dev/shm/f", O_RDWR | O_CREAT)
    proc.write(fd, b"x" * 3 * PAGE_SIZE)
    addr = proc.mmap(0, 3 * PAGE_SIZE, RW, MAP_SHARED, fd)
    proc.madvise(addr + PAGE_SIZE, PAGE_SIZE, MADV_REMOVE)
    assert proc.fincore(fd) == b"\1\0\1"
    assert proc.load(addr + PAGE_SIZE) == b"\0"
    refused(EACCES, proc.madvise, proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE, fd), PAGE_SIZE, MADV_REMOVE)


def test_what_if_there_is_a_hole_the_rest_is_done(proc, four):
    proc.munmap(four + PAGE_SIZE, PAGE_SIZE)
    refused(ENOMEM, proc.madvise, four, 4 * PAGE_SIZE, MADV_DONTNEED)
    assert not proc.pagemap(four + 3 * PAGE_SIZE).present


@pytest.mark.parametrize(("offset", "length", "advice"), [(0, PAGE_SIZE, 99), (1, PAGE_SIZE, 4), (0, 2**64 - 1, 4)])
def test_what_if_advice_is_nonsense(proc, four, offset, length, advice):
    refused(EINVAL, proc.madvise, four + offset, length, advice)


def test_what_if_a_child_is_not_to_get_memory(proc, four):
    proc.madvise(four, PAGE_SIZE, MADV_DONTFORK)
    proc.madvise(four + PAGE_SIZE, PAGE_SIZE, MADV_WIPEONFORK)
    child = proc.fork()
    with pytest.raises(SegmentationFault):
        child.load(four)
    assert (child.load(four + PAGE_SIZE), child.load(four + 2 * PAGE_SIZE)) == (b"\0", b"x")


def test_what_if_shared_memory_is_to_be_wiped(proc):
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    refused(EINVAL, proc.madvise, addr, PAGE_SIZE, MADV_WIPEONFORK)
