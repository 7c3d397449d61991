"""What if a mapping grows, shrinks or moves: mremap."""

from errno import EFAULT, EINVAL, ENOMEM

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    SegmentationFault,
)
from mmlab.mm.vma import find_vma

RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS
BASE = 0x700000000000
MOVE = MREMAP_MAYMOVE | MREMAP_FIXED
PAGE = PAGE_SIZE


def at(page):
    return BASE + page * PAGE


def spans(proc):
    """Give (first page, end page) of each VMA in the arena."""
    found = [[int(part, 16) for part in line.split()[0].split("-")] for line in proc.maps().splitlines()]
    return [((a - BASE) // PAGE, (b - BASE) // PAGE) for a, b in found if BASE <= a < at(100)]


def memory(proc, page, pages, flags=ANON, fd=-1, offset=0):
    return proc.mmap(at(page), pages * PAGE, RW, flags | MAP_FIXED, fd, offset)


def refused(errno, method, *arguments):
    with pytest.raises(OSError, match="m") as raised:
        method(*arguments)
    assert raised.value.errno == errno


def test_what_if_there_is_room(kernel, proc):
    memory(proc, 0, 2)
    before = kernel.meminfo()["Committed_AS"]
    assert proc.mremap(at(0), 2 * PAGE, 5 * PAGE) == at(0)
    assert (spans(proc), kernel.meminfo()["Committed_AS"]) == ([(0, 5)], before + 12)


def test_what_if_it_grows_up_to_its_neighbour_the_two_merge(proc):
    memory(proc, 0, 2)
    memory(proc, 3, 2)
    proc.mremap(at(0), 2 * PAGE, 3 * PAGE)
    assert spans(proc) == [(0, 5)]


def test_what_if_there_is_no_room(proc):
    memory(proc, 0, 2)
    memory(proc, 2, 1, MAP_SHARED | MAP_ANONYMOUS)
    proc.store(at(1), b"second")
    refused(ENOMEM, proc.mremap, at(0), 2 * PAGE, 3 * PAGE)
    moved = proc.mremap(at(0), 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE)
    assert (proc.load(moved + PAGE, 6), spans(proc)) == (b"second", [(2, 3)])


def test_what_if_it_shrinks(proc):
    memory(proc, 0, 4)
    assert proc.mremap(at(0), 4 * PAGE, PAGE) == at(0)
    assert spans(proc) == [(0, 1)]
    memory(proc, 0, 4)
    proc.mremap(at(1), 2 * PAGE, PAGE)
    assert spans(proc) == [(0, 2), (3, 4)]


def test_what_if_the_middle_moves_its_pages_move_without_a_fault(proc):
    memory(proc, 0, 4)
    proc.store(at(1), b"one")
    before = proc.getrusage()
    assert proc.mremap(at(1), PAGE, PAGE, MOVE, at(10)) == at(10)
    assert proc.load(at(10), 3) == b"one"
    assert proc.getrusage() == before
    with pytest.raises(SegmentationFault):
        proc.load(at(1))
    assert spans(proc) == [(0, 1), (2, 4), (10, 11)]


def test_what_if_a_file_mapping_moves_each_page_keeps_its_place_in_the_file(proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    memory(proc, 0, 4, MAP_SHARED, fd)
    proc.load(at(2))
    proc.mremap(at(2), PAGE, 2 * PAGE, MOVE, at(20))
    assert (proc.load(at(20), 5), proc.load(at(21), 5)) == (b"page2", b"page3")
    assert find_vma(proc.task.mm, at(20)).vm_pgoff == 2


def test_what_if_untouched_memory_moves_next_to_more_they_merge(proc):
    memory(proc, 0, 1)
    memory(proc, 10, 1)
    proc.mremap(at(0), PAGE, PAGE, MOVE, at(11))
    assert spans(proc) == [(10, 12)]
    memory(proc, 0, 1)
    proc.store(at(0), b"x")  # touched memory keeps its old offset, and stays apart
    proc.mremap(at(0), PAGE, PAGE, MOVE, at(12))
    assert spans(proc) == [(10, 12), (12, 13)]


def test_what_if_something_is_mapped_where_it_goes(proc):
    memory(proc, 0, 1)
    memory(proc, 10, 3)
    proc.store(at(0), b"new")
    proc.store(at(11), b"old")
    proc.mremap(at(0), PAGE, PAGE, MOVE, at(11))
    assert proc.load(at(11), 3) == b"new"


def test_what_if_the_old_place_is_to_stay(proc):
    memory(proc, 0, 2)
    proc.store(at(0), b"gone")
    there = proc.mremap(at(0), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP)
    assert (proc.load(there, 4), proc.load(at(0), 4)) == (b"gone", bytes(4))


def test_what_if_the_old_length_is_0_a_shared_mapping_is_there_twice(proc):
    memory(proc, 0, 2, MAP_SHARED | MAP_ANONYMOUS)
    proc.store(at(0), b"both")
    twin = proc.mremap(at(0), 0, PAGE, MREMAP_MAYMOVE)
    proc.store(twin, b"BOTH")
    assert proc.load(at(0), 4) == b"BOTH"
    memory(proc, 10, 1)
    refused(EINVAL, proc.mremap, at(10), 0, PAGE, MREMAP_MAYMOVE)


@pytest.mark.parametrize(
    ("arguments", "errno"),
    [((at(50), PAGE, PAGE), EFAULT), ((at(0) + 1, PAGE, PAGE), EINVAL), ((at(0), PAGE, 0), EINVAL),
     ((at(0), PAGE, PAGE, 8), EINVAL), ((at(0), PAGE, PAGE, MREMAP_FIXED, at(9)), EINVAL),
     ((at(0), 2 * PAGE, 2 * PAGE, MOVE, at(1)), EINVAL), ((at(0), PAGE, PAGE, MOVE, at(9) + 1), EINVAL),
     ((at(0), PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), EINVAL),
     ((at(0), 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE), EFAULT), ((at(0), PAGE, 2**48), EINVAL)],
)  # fmt: skip
def test_what_if_the_arguments_cannot_be(proc, arguments, errno):
    memory(proc, 0, 4)
    before = proc.maps()
    refused(errno, proc.mremap, *arguments)
    assert proc.maps() == before


def test_what_if_locked_memory_grows(proc):
    memory(proc, 0, 1)
    proc.mlock(at(0), PAGE)
    proc.mremap(at(0), PAGE, 3 * PAGE)
    assert (proc.task.mm.locked_vm, proc.mincore(at(0), 3 * PAGE)) == (3, b"\1\1\1")
    proc.mremap(at(0), 3 * PAGE, 3 * PAGE, MOVE, at(10))
    assert proc.task.mm.locked_vm == 3


def test_what_if_copied_memory_moves_in_a_child(proc):
    memory(proc, 0, 2)
    proc.store(at(0), b"parent")
    child = proc.fork()
    child.mremap(at(0), 2 * PAGE, 2 * PAGE, MOVE, at(10))
    child.store(at(10), b"child")
    assert (proc.load(at(0), 6), child.load(at(10), 5)) == (b"parent", b"child")
