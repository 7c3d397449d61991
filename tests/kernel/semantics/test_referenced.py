"""What if one asks which pages were used lately: Referenced of smaps.

A page counts if the PTE says so (on x86 it does from the start), or if the page does, however it was used before.
"""

import pytest

from mmlab import (
    MADV_DONTNEED,
    MADV_FREE,
    MADV_POPULATE_READ,
    MADV_RANDOM,
    MADV_SEQUENTIAL,
    MAP_LOCKED,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    PROT_NONE,
    PROT_READ,
    Kernel,
)
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at

from .seen import counts


def referenced(proc, page=0):
    """How much (kB) of the VMA that begins at that page is there, and how much of it was used."""
    return counts(proc, page, "Rss", "Referenced")


def child_sees(proc, fd, pgoff=0):
    """How much (kB) of a file's page counts as used in a child, which has not used it itself.

    A VMA hands its PTEs on if it has anonymous pages: page 101 is one. By MADV_RANDOM its end tells nothing.
    """
    map_at(proc, 100, 2, RW, MAP_PRIVATE, fd, pgoff)
    proc.madvise(at(100), 2 * PAGE, MADV_RANDOM)
    proc.store(at(101), b"#")
    proc.load(at(100))
    child = proc.fork()
    child.munmap(at(101), PAGE)
    rss, kb = referenced(child, 100)
    child.exit()
    proc.munmap(at(100), 2 * PAGE)
    assert rss == 4
    return kb


def test_what_if_memory_is_only_mapped_around_a_load(proc):
    """Pages that no load has reached count as used, too: fault-around maps them so (on arm64 it does not)."""
    fd = make_file(proc, "/dev/shm/f", 16)
    map_at(proc, 0, 16, PROT_READ, MAP_SHARED, fd)
    proc.load(at(3))
    assert referenced(proc) == (64, 64)


def test_what_if_a_child_has_not_used_its_memory_yet(proc):
    """Fork makes the child's PTEs old. It uses them one by one, and that is no fault."""
    map_at(proc, 0, 4, RW, MEMORY)
    proc.store(at(0), b"#" * 4 * PAGE)
    child = proc.fork()
    assert (referenced(proc), referenced(child)) == ((16, 16), (16, 0))
    before = child.getrusage()
    child.load(at(1))
    assert (referenced(child), child.getrusage()) == ((16, 4), before)


def test_what_if_memory_is_protected(proc):
    """mprotect leaves it as it was, both ways."""
    map_at(proc, 0, 2, RW, MEMORY)
    proc.store(at(0), b"#" * 2 * PAGE)
    child = proc.fork()
    for each, kb in ((proc, 8), (child, 0)):
        for prot in (PROT_NONE, PROT_READ):
            each.mprotect(at(0), 2 * PAGE, prot)
            assert referenced(each) == (8, kb)


def test_what_if_memory_is_given_up(proc):
    """MADV_FREE forgets the use."""
    map_at(proc, 0, 2, RW, MEMORY)
    proc.store(at(0), b"#" * 2 * PAGE)
    proc.madvise(at(0), 2 * PAGE, MADV_FREE)
    assert referenced(proc) == (8, 0)
    proc.load(at(1))
    assert referenced(proc) == (8, 4)


def test_what_if_populated_memory_is_inherited(proc):
    """The kernel that faults pages in for the program marks the pages themselves: the child's copy counts."""
    for page, flags in ((0, MEMORY | MAP_POPULATE), (1, MEMORY)):
        map_at(proc, page, 1, RW, flags)
    proc.store(at(1), b"#")
    proc.mprotect(at(1), PAGE, PROT_READ)
    child = proc.fork()
    assert (referenced(child), referenced(child, 1)) == ((4, 4), (4, 0))


def test_what_if_the_page_of_a_file_was_read(proc):
    """read(2) marks the page, written or not; writing it does so on tmpfs, but not on a disk (4.7)."""
    for path, written in (("/data/f", 0), ("/dev/shm/f", 4)):
        fd = make_file(proc, path, 2)
        assert child_sees(proc, fd) == written
        proc.pread(fd, 1, 0)
        assert child_sees(proc, fd) == 4 - written  # used twice: active, and no longer referenced


@pytest.mark.parametrize(("offset", "used"), [(PAGE, 0), (PAGE + 1, 4)])
def test_what_if_a_write_leaves_a_hole_before_it(proc, offset, used):
    """A disk's file system looks up the pages at the hole's edges, to zero their part of it; that marks them."""
    fd = make_file(proc, "/data/f", 0, 1)
    proc.pwrite(fd, bytes(2 * PAGE), offset)
    assert (child_sees(proc, fd), child_sees(proc, fd, 1)) == (4, used)


def test_what_if_memory_was_locked():
    """A locked page is unevictable, and no page is that and active. So the use of it counts anew, once.

    (Linux gathers such moves, processor by processor; the comparison in tests/differential has it do them at once.)
    """
    proc = Kernel().spawn("reader")
    fd = make_file(proc, "/dev/shm/f", 2)  # written, and so used once: locked, it is used again, and not active
    map_at(proc, 0, 1, RW, MAP_SHARED | MAP_LOCKED, fd)
    proc.munmap(at(0), PAGE)
    assert child_sees(proc, fd) == 4


def test_what_if_active_memory_is_locked():
    proc = Kernel().spawn("reader")
    fd = make_file(proc, "/dev/shm/f", 2)
    map_at(proc, 0, 1, RW, MAP_SHARED | MAP_POPULATE, fd)  # used again: active
    proc.mlock(at(0), PAGE)
    proc.munmap(at(0), PAGE)
    assert child_sees(proc, fd) == 4
    map_at(proc, 0, 1, RW, MAP_SHARED | MAP_POPULATE, fd)
    assert child_sees(proc, fd) == 0  # active again


@pytest.mark.parametrize("advice", [None, MADV_RANDOM, MADV_SEQUENTIAL])
def test_what_if_a_used_mapping_of_a_file_ends(proc, advice):
    """The page remembers that it was used; not if the program said that it is used once only (6.3)."""
    fd = make_file(proc, "/data/f", 2)
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, fd)
    if advice is not None:
        proc.madvise(at(0), PAGE, advice)
    proc.load(at(0))
    proc.munmap(at(0), PAGE)
    assert child_sees(proc, fd) == (4 if advice is None else 0)


def test_what_if_pages_are_dropped_and_populated(proc):
    fd = make_file(proc, "/data/f", 2)
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, fd)
    proc.madvise(at(0), PAGE, MADV_RANDOM)
    proc.madvise(at(0), PAGE, MADV_POPULATE_READ)
    proc.madvise(at(0), PAGE, MADV_DONTNEED)
    proc.munmap(at(0), PAGE)
    assert child_sees(proc, fd) == 4
