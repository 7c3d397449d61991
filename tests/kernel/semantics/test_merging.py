"""When two VMAs are one, and which anon_vma they have: the rules that random programs seldom meet."""

import pytest

from mmlab import (
    MADV_DONTFORK,
    MADV_RANDOM,
    MAP_ANONYMOUS,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    O_RDWR,
    PROT_READ,
    BusError,
)
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at
from tests.kernel.semantics.seen import areas, smaps, spans

MOVE = MREMAP_MAYMOVE | MREMAP_FIXED
ONE, TWO = [(0, 2)], [(0, 1), (1, 2)]


def memory(proc, page, pages=1, prot=RW, flags=MEMORY):
    map_at(proc, page, pages, prot, flags)


def store(proc, *pages):
    for page in pages:
        proc.store(at(page), b"#")


# ── the same flags ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("flags", [MEMORY, MEMORY | MAP_NORESERVE])
def test_what_if_neighbours_differ_in_noreserve(proc, flags):
    memory(proc, 0)
    memory(proc, 1, flags=flags)
    assert spans(proc) == (ONE if flags == MEMORY else TWO)


@pytest.mark.parametrize("advice", [MADV_RANDOM, MADV_DONTFORK])
def test_what_if_neighbours_differ_in_advice(proc, advice):
    memory(proc, 0, 2)
    proc.madvise(at(1), PAGE, advice)
    assert spans(proc) == TWO
    proc.madvise(at(0), PAGE, advice)
    assert spans(proc) == ONE


def test_what_if_neighbours_differ_only_in_whether_they_were_promised(proc):
    """VM_ACCOUNT comes with private and writable; the same protection later is not enough to merge."""
    memory(proc, 0, prot=PROT_READ)
    memory(proc, 1)
    store(proc, 1)
    proc.mprotect(at(1), PAGE, PROT_READ)  # written, so it keeps the promise
    assert (areas(proc), [page for page in (0, 1) if "ac" in smaps(proc, page)["VmFlags"]]) == (
        [(0, 1, "r--p", 0), (1, 2, "r--p", 0)],
        [1],
    )


def test_what_if_untouched_memory_is_no_longer_writable(proc):
    """mprotect takes the promise back only from anonymous memory that was never written: then they merge."""
    memory(proc, 0, prot=PROT_READ)
    memory(proc, 1)
    proc.mprotect(at(1), PAGE, PROT_READ)
    assert spans(proc) == ONE
    assert "ac" not in smaps(proc, 0)["VmFlags"]


def test_what_if_a_private_file_mapping_is_no_longer_writable(proc):
    """It is no anonymous memory: the promise stays, written or not."""
    map_at(proc, 0, 1, RW, MAP_PRIVATE, make_file(proc, "/data/f", 1))
    proc.mprotect(at(0), PAGE, PROT_READ)
    assert "ac" in smaps(proc, 0)["VmFlags"]


@pytest.mark.parametrize(("prot", "flags"), [(RW, MEMORY | MAP_NORESERVE), (RW, MAP_SHARED | MAP_ANONYMOUS)])
def test_what_if_memory_is_writable_and_not_private_or_not_reserved(proc, prot, flags):
    memory(proc, 0, prot=prot, flags=flags)
    assert "ac" not in smaps(proc, 0)["VmFlags"]
    proc.mprotect(at(0), PAGE, PROT_READ)
    proc.mprotect(at(0), PAGE, RW)
    assert "ac" not in smaps(proc, 0)["VmFlags"]


# ── the same file, and contiguous pages of it ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("again", "pgoff", "merged"), [("the same", 1, ONE), ("opened", 1, TWO), ("dupped", 1, ONE),
                                                        ("the same", 2, TWO), ("the same", 0, TWO)])  # fmt: skip
def test_what_if_a_file_goes_on_in_the_next_mapping(proc, again, pgoff, merged):
    """It must be the same open file (dup makes no new one), not only the same inode."""
    fd = make_file(proc, "/data/f", 3)
    other = {"the same": fd, "opened": proc.open("/data/f", O_RDWR), "dupped": proc.dup(fd)}[again]
    map_at(proc, 0, 1, RW, MAP_SHARED, fd, 0)
    map_at(proc, 1, 1, RW, MAP_SHARED, other, pgoff)
    assert spans(proc) == merged


def test_what_if_untouched_memory_moves(proc):
    """Its vm_pgoff is its address again, so it can merge where it arrives; touched memory keeps the old one."""
    memory(proc, 10, 2)
    memory(proc, 4)
    proc.mremap(at(4), PAGE, PAGE, MOVE, at(12))
    assert spans(proc) == [(10, 13)]
    memory(proc, 4)
    store(proc, 4)
    proc.mremap(at(4), PAGE, PAGE, MOVE, at(13))
    assert spans(proc) == [(10, 13), (13, 14)]
    proc.mremap(at(13), PAGE, PAGE, MOVE, at(4))  # home again, beside what continues it
    memory(proc, 5)
    assert spans(proc) == [(4, 6), (10, 13)]


def test_what_if_shared_memory_lies_beside_shared_memory(proc):
    """Two mappings are two files of their own, even where the page numbers would go on."""
    memory(proc, 0, flags=MAP_SHARED | MAP_ANONYMOUS)
    memory(proc, 1, flags=MAP_SHARED | MAP_ANONYMOUS)
    assert spans(proc) == TWO


# ── a compatible anon_vma ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("written", [[], [0], [1]])
def test_what_if_one_side_was_never_written(proc, written):
    """mprotect merges them: one side has no anon_vma. (So since 5.x; 4.x did not at mprotect.)"""
    memory(proc, 0)
    memory(proc, 1, prot=PROT_READ)
    if written == [1]:
        proc.mprotect(at(0), PAGE, PROT_READ)
        proc.mprotect(at(1), PAGE, RW)
    store(proc, *written)
    proc.mprotect(at(0), PAGE, RW)
    proc.mprotect(at(1), PAGE, RW)
    assert spans(proc) == ONE


def test_what_if_both_sides_were_written_before_they_met(proc):
    """Two anon_vmas: they stay two."""
    memory(proc, 0)
    memory(proc, 2)
    store(proc, 0, 2)
    memory(proc, 1)
    assert spans(proc) == [(0, 2), (2, 3)]  # the gap goes to the left


def test_what_if_the_gap_between_two_halves_of_one_is_filled(proc):
    memory(proc, 0, 3)
    store(proc, 0, 2)
    proc.munmap(at(1), PAGE)
    memory(proc, 1)
    assert spans(proc) == [(0, 3)]


def test_what_if_the_first_store_comes_beside_a_written_neighbour(proc):
    """It borrows the neighbour's anon_vma, and so mprotect can merge the two afterwards."""
    memory(proc, 0)
    memory(proc, 1, prot=RW | 4)
    store(proc, 0, 1)
    proc.mprotect(at(1), PAGE, RW)
    assert spans(proc) == ONE


def test_what_if_the_first_store_comes_before_there_is_a_neighbour(proc):
    """Then there is nothing to borrow."""
    memory(proc, 1, prot=RW | 4)
    store(proc, 1)
    memory(proc, 0, prot=RW)
    proc.mprotect(at(1), PAGE, PROT_READ)
    store(proc, 0)  # borrows: the flags may differ in protection
    proc.mprotect(at(1), PAGE, RW)
    assert spans(proc) == ONE
    memory(proc, 10)
    memory(proc, 12)
    store(proc, 10, 12)
    proc.mremap(at(12), PAGE, PAGE, MOVE, at(11))
    assert spans(proc) == [*ONE, (10, 11), (11, 12)]


def test_what_if_a_private_store_is_a_bus_error(proc):
    """No page comes of it, but an anon_vma does: so the VMA is copied at fork, and keeps apart from others."""
    fd = make_file(proc, "/dev/shm/f", 1)
    map_at(proc, 0, 2, RW, MAP_PRIVATE, fd)
    proc.load(at(0))
    with pytest.raises(BusError):
        proc.store(at(1), b"#")
    child = proc.fork()
    assert child.pagemap(at(0)).present
    child.exit()


def test_what_if_memory_is_shared_with_a_parent(proc):
    """A child's VMA whose pages may be the parent's takes no unfaulted neighbour in; the parent's does."""
    memory(proc, 0)
    store(proc, 0)
    child = proc.fork()
    for each in (proc, child):
        memory(each, 1)
    assert (spans(proc), spans(child)) == (ONE, TWO)
    child.exit()


def test_what_if_a_written_vma_is_cut_and_mended(proc):
    """Both halves have the same anon_vma, so they become one again."""
    memory(proc, 0, 2)
    store(proc, 0, 1)
    proc.mprotect(at(1), PAGE, PROT_READ)
    assert spans(proc) == TWO
    proc.mprotect(at(1), PAGE, RW)
    assert spans(proc) == ONE
    assert proc.load(at(1)) == b"#"


def test_what_if_mprotect_moves_a_border(proc):
    """The page goes over to the neighbour that it now is like; nothing is cut."""
    memory(proc, 0, 2)
    memory(proc, 2, 2, prot=PROT_READ)
    store(proc, 0, 1)
    proc.mprotect(at(1), PAGE, PROT_READ)
    assert spans(proc) == [(0, 1), (1, 2), (2, 4)]  # not here: what was written keeps its promise
    memory(proc, 10, 2, flags=MEMORY | MAP_NORESERVE)
    memory(proc, 12, 2, prot=PROT_READ, flags=MEMORY | MAP_NORESERVE)
    store(proc, 10, 11)
    proc.mprotect(at(11), PAGE, PROT_READ)
    assert spans(proc)[3:] == [(10, 11), (11, 14)]
    proc.mprotect(at(11), 2 * PAGE, RW)
    assert spans(proc)[3:] == [(10, 13), (13, 14)]
    assert proc.load(at(11)) == b"#"
