"""munmap, mprotect, madvise, msync, mincore, mremap: what they refuse, and what is done before they do."""

from errno import EBUSY, EFAULT, EINVAL, ENOMEM

import pytest

from mmlab import (
    MADV_DONTNEED,
    MADV_DONTNEED_LOCKED,
    MADV_FREE,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_SEQUENTIAL,
    MAP_ANONYMOUS,
    MAP_SHARED,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    MS_ASYNC,
    MS_INVALIDATE,
    MS_SYNC,
    PROT_EXEC,
    PROT_READ,
    SegmentationFault,
)
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, make_file, map_at, present
from tests.kernel.semantics.seen import areas, counts, fails, smaps, spans

MOVE = MREMAP_MAYMOVE | MREMAP_FIXED
NONE, MINOR = (0, 0), (1, 0)
TASK_SIZE = 0x7FFFFFFFF000


def touched(proc, page, pages, flags=MEMORY, fd=-1):
    """Map pages and store to each."""
    map_at(proc, page, pages, RW, flags, fd)
    for each in range(page, page + pages):
        proc.store(at(each), b"%d" % (each % 10))


# ── munmap ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("offset", "length"), [(0, 0), (1, PAGE), (PAGE - 1, 1)])
def test_what_if_munmap_is_asked_nonsense(proc, offset, length):
    touched(proc, 0, 2)
    with fails(proc, EINVAL):
        proc.munmap(at(0) + offset, length)
    assert present(proc, 2) == "AA"


def test_what_if_munmap_meets_a_hole(proc):
    touched(proc, 0, 1)
    touched(proc, 3, 2)
    proc.munmap(at(0), 4 * PAGE)
    assert (spans(proc), present(proc, 5)) == ([(4, 5)], "....A")
    with pytest.raises(SegmentationFault):
        proc.load(at(3))


# ── mprotect ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_mprotect_meets_a_hole(proc):
    """ENOMEM, with the part before it done, and nothing behind it."""
    touched(proc, 0, 2)
    touched(proc, 3, 1)
    with pytest.raises(OSError) as raised:
        proc.mprotect(at(1), 3 * PAGE, PROT_READ)
    assert raised.value.errno == ENOMEM
    assert areas(proc) == [(0, 1, "rw-p", 0), (1, 2, "r--p", 0), (3, 4, "rw-p", 0)]


def test_what_if_mprotect_begins_in_a_hole(proc):
    touched(proc, 1, 1)
    with fails(proc, ENOMEM):
        proc.mprotect(at(0), 2 * PAGE, PROT_READ)


# ── madvise ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_madvise_meets_a_hole(proc):
    """ENOMEM, with the rest done, behind the hole too."""
    touched(proc, 1, 1)
    touched(proc, 3, 2)
    with fails(proc, ENOMEM):
        proc.madvise(at(0), 4 * PAGE, MADV_DONTNEED)
    assert present(proc, 5) == "....A"


def test_what_if_memory_that_a_child_has_too_may_be_freed(proc):
    """Only the PTE of the one that said so is clean then, also when a third process has let go of the page."""
    touched(proc, 0, 1)
    child, other = proc.fork(), proc.fork()
    proc.munmap(at(0), PAGE)
    child.madvise(at(0), PAGE, MADV_FREE)
    assert [counts(each, 0, "Shared_Clean", "Shared_Dirty") for each in (child, other)] == [(4, 0), (0, 4)]
    child.store(at(0), b"#")
    assert (counts(child, 0, "Private_Dirty"), other.load(at(0))) == ((4,), b"0")
    child.exit()
    other.exit()


def test_what_if_locked_memory_that_was_dropped_becomes_executable(proc):
    """Only memory that was not writable before is brought back by mprotect."""
    touched(proc, 0, 1)
    proc.mlock(at(0), PAGE)
    proc.madvise(at(0), PAGE, MADV_DONTNEED_LOCKED)
    proc.mprotect(at(0), PAGE, RW | PROT_EXEC)
    assert present(proc, 1) == "."
    proc.mprotect(at(0), PAGE, PROT_READ)
    proc.mprotect(at(0), PAGE, RW)
    assert present(proc, 1) == "A"


def test_what_if_populate_meets_a_hole(proc):
    """It stops there."""
    map_at(proc, 0, 1, RW, MEMORY)
    map_at(proc, 2, 1, RW, MEMORY)
    with fails(proc, ENOMEM):
        proc.madvise(at(0), 3 * PAGE, MADV_POPULATE_WRITE)
    assert present(proc, 3) == "A.."


def test_what_if_locked_memory_is_said_to_be_not_needed(proc):
    touched(proc, 0, 1)
    proc.mlock(at(0), PAGE)
    with fails(proc, EINVAL):
        proc.madvise(at(0), PAGE, MADV_DONTNEED)
    assert present(proc, 1) == "A"


def test_what_if_populate_would_get_a_signal(proc):
    """SIGBUS becomes EFAULT, a forbidden access EINVAL."""
    map_at(proc, 0, 3, PROT_READ, MAP_SHARED, make_file(proc, "/dev/shm/f", 2))
    with fails(proc, EFAULT):
        proc.madvise(at(0), 3 * PAGE, MADV_POPULATE_READ)
    assert present(proc, 3) == "FF."
    with fails(proc, EINVAL):
        proc.madvise(at(0), PAGE, MADV_POPULATE_WRITE)
    map_at(proc, 4, 1, 0, MEMORY)
    with fails(proc, EINVAL):
        proc.madvise(at(4), PAGE, MADV_POPULATE_READ)


# ── msync, mincore ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_msync_is_asked_to_wait_and_not_to_wait(proc):
    map_at(proc, 0, 1, RW, MAP_SHARED, make_file(proc, "/data/f", 1))
    with fails(proc, EINVAL):
        proc.msync(at(0), PAGE, MS_SYNC | MS_ASYNC)
    for flags in (0, MS_ASYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE):
        proc.msync(at(0), PAGE, flags)


def test_what_if_msync_is_to_invalidate_locked_memory(proc):
    map_at(proc, 0, 2, RW, MAP_SHARED, make_file(proc, "/data/f", 2))
    proc.mlock(at(1), PAGE)
    with fails(proc, EBUSY):
        proc.msync(at(0), 2 * PAGE, MS_INVALIDATE)
    proc.msync(at(0), PAGE, MS_INVALIDATE)
    proc.msync(at(0), 2 * PAGE, MS_SYNC)


def test_what_if_msync_meets_a_hole_the_rest_is_done(proc):
    fd = make_file(proc, "/data/f", 3)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    map_at(proc, 2, 1, RW, MAP_SHARED, fd, 2)
    for page in (0, 2):
        proc.store(at(page), b"#")
    with fails(proc, ENOMEM):
        proc.msync(at(0), 3 * PAGE, MS_SYNC)
    assert [faults(proc, proc.store, at(page), b"#") for page in (0, 2)] == [MINOR, MINOR]  # both are clean again


def test_what_if_mincore_meets_a_hole(proc):
    touched(proc, 0, 1)
    touched(proc, 2, 1)
    with fails(proc, ENOMEM):
        proc.mincore(at(0), 3 * PAGE)
    with fails(proc, ENOMEM):
        proc.mincore(at(1), 2 * PAGE)
    assert proc.mincore(at(0), PAGE) == b"\1"


# ── mremap ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "errno"),
    [
        ((at(9), PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT),  # nothing is mapped there
        ((at(0), 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE), EFAULT),  # it goes on past the VMA's end
        ((at(3), PAGE, 2 * PAGE), ENOMEM),  # the next VMA is in the way
        ((at(0), PAGE, 2 * PAGE), ENOMEM),  # as is the rest of its own
        ((at(0), 2 * PAGE, 2 * PAGE, MOVE, at(1)), EINVAL),  # old and new place overlap
        ((at(1), 2 * PAGE, 2 * PAGE, MOVE, at(0)), EINVAL),
        ((at(0), PAGE, 0), EINVAL),  # a new length of 0
        ((at(0), 0, PAGE, MREMAP_MAYMOVE), EINVAL),  # an old length of 0, and the memory is private
        ((at(0), PAGE, PAGE, MREMAP_FIXED, at(9)), EINVAL),  # FIXED without MAYMOVE
        ((at(0), PAGE, PAGE, MREMAP_DONTUNMAP, at(9)), EINVAL),
        ((at(0) + 1, PAGE, PAGE), EINVAL),
        ((at(0), PAGE, PAGE, MOVE, at(9) + 1), EINVAL),
        ((at(0), PAGE, PAGE, 8), EINVAL),
        ((at(0), PAGE, PAGE, MOVE, TASK_SIZE), EINVAL),
    ],
)
def test_what_if_mremap_cannot_be(proc, arguments, errno):
    touched(proc, 0, 4)
    map_at(proc, 4, 1, RW, MAP_SHARED | MAP_ANONYMOUS)
    with fails(proc, errno):
        proc.mremap(*arguments)
    assert present(proc, 5) == "AAAA."


def test_what_if_the_old_length_of_shared_memory_is_0(proc):
    """A second mapping of the same memory; the first one stays."""
    touched(proc, 0, 2, MAP_SHARED | MAP_ANONYMOUS)
    assert proc.mremap(at(0), 0, 2 * PAGE, MOVE, at(8)) == at(8)
    proc.store(at(8), b"both")
    assert (spans(proc), proc.load(at(0), 4)) == ([(0, 2), (8, 10)], b"both")


def test_what_if_memory_grows_up_to_the_next_vma(proc):
    """In place, and the two become one."""
    touched(proc, 0, 1)
    map_at(proc, 2, 1, RW, MEMORY)
    assert proc.mremap(at(0), PAGE, 2 * PAGE) == at(0)
    assert spans(proc) == [(0, 3)]


def test_what_if_several_vmas_move_at_once(proc):
    """With the gaps between them; since 6.17 (until then EFAULT)."""
    touched(proc, 0, 1)
    map_at(proc, 2, 1, PROT_READ, MEMORY)
    touched(proc, 3, 1)
    try:
        proc.mremap(at(0), 4 * PAGE, 4 * PAGE, MOVE, at(10))
    except OSError as error:
        assert error.errno == EFAULT
        pytest.skip("this kernel is older than 6.17")
    assert areas(proc) == [(10, 11, "rw-p", 0), (12, 13, "r--p", 0), (13, 14, "rw-p", 0)]
    assert (proc.load(at(10)), proc.load(at(13))) == (b"0", b"3")


def test_what_if_several_vmas_are_to_grow_or_move_anywhere(proc):
    """Only a move of the same length to a fixed place takes several."""
    touched(proc, 0, 1)
    map_at(proc, 1, 1, PROT_READ, MEMORY)
    with fails(proc, EFAULT):
        proc.mremap(at(0), 2 * PAGE, 3 * PAGE, MOVE, at(10))
    with fails(proc, EFAULT):
        proc.mremap(at(0), 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE)


def test_what_if_memory_moves_without_a_fault(proc):
    touched(proc, 0, 2)
    proc.mremap(at(0), 2 * PAGE, 2 * PAGE, MOVE, at(10))
    assert faults(proc, proc.store, at(11), b"!") == NONE
    assert (present(proc, 12), proc.load(at(10))) == ("." * 10 + "AA", b"0")


def test_what_if_advice_cuts_a_vma(proc):
    map_at(proc, 0, 3, RW, MEMORY)
    proc.madvise(at(1), PAGE, MADV_SEQUENTIAL)
    assert spans(proc) == [(0, 1), (1, 2), (2, 3)]
    assert ["sr" in smaps(proc, page)["VmFlags"] for page in range(3)] == [False, True, False]
