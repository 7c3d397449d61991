"""Fork, and files that shrink, get holes, or lose their names under their mappings."""

import pytest

from mmlab import (
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PROT_READ,
    BusError,
)
from mmlab.include.pgtable import pte_offset, pte_pfn
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, make_file, map_at, present
from tests.kernel.semantics.seen import counts, name, smaps

NONE, MINOR = (0, 0), (1, 0)
PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
FILES = ["/data/f", "/dev/shm/f", "/ram/f"]
PUNCHABLE = ["/data/f", "/dev/shm/f"]


# ── fork ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_vma_has_no_anon_vma(proc):
    """Its PTEs are not copied: the child faults again, and the parent's stay."""
    fd = make_file(proc, "/dev/shm/f", 2)
    map_at(proc, 0, 2, RW, MAP_PRIVATE, fd)
    map_at(proc, 4, 2, RW, MAP_SHARED, fd)
    map_at(proc, 8, 2, RW, MEMORY)
    for page in (0, 4, 8):
        proc.load(at(page))
    child = proc.fork()
    assert present(child, 10) == "." * 10
    assert faults(child, child.load, at(0)) == MINOR
    assert faults(proc, proc.store, at(4), b"#") == NONE
    child.exit()


def test_what_if_a_private_file_mapping_has_an_anon_vma(proc):
    """All its PTEs are copied, those of file pages and of the zero page too."""
    map_at(proc, 0, 3, RW, MAP_PRIVATE, make_file(proc, "/dev/shm/f", 3))
    map_at(proc, 4, 2, RW, MEMORY)
    proc.load(at(0))
    proc.store(at(1), b"#")
    proc.load(at(4))
    proc.store(at(5), b"#")
    child = proc.fork()
    assert present(child, 6) == present(proc, 6) == "FAF.ZA"
    child.exit()


def test_what_if_both_sides_store_after_a_fork(proc):
    """Both are write-protected; the first to store copies, the last owner reuses the page: a minor fault each."""
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"old")
    child = proc.fork()
    assert proc.pagemap(at(0)).mapcount in (2, None)
    assert faults(child, child.store, at(0), b"new") == MINOR
    assert proc.pagemap(at(0)).mapcount in (1, None)
    assert faults(proc, proc.store, at(0), b"OLD") == MINOR
    assert (proc.load(at(0), 3), child.load(at(0), 3)) == (b"OLD", b"new")
    assert faults(proc, proc.store, at(0), b"OLD") == faults(child, child.store, at(0), b"NEW") == NONE
    child.exit()


def test_what_if_the_child_ends_before_the_parent_stores(proc):
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"#")
    proc.fork().exit()
    assert faults(proc, proc.store, at(0), b"#") == MINOR  # write-protected still, but nobody else has it
    assert faults(proc, proc.store, at(0), b"#") == NONE


@pytest.mark.parametrize("kernel", ["simulated"], indirect=True)  # the frame's number is the kernel's own affair
def test_what_if_the_last_owner_stores(kernel, proc):
    """It keeps the page: nothing is copied."""
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"#")
    proc.fork().exit()
    table, i = pte_offset(proc.task.mm.pgd, at(0))
    frame = pte_pfn(table[i])
    proc.store(at(0), b"#")
    assert pte_pfn(table[i]) == frame


def test_what_if_memory_is_locked(proc):
    """A lock is not inherited."""
    map_at(proc, 0, 1, RW, MEMORY)
    proc.mlock(at(0), PAGE)
    child = proc.fork()
    assert ["lo" in smaps(each, 0)["VmFlags"] for each in (proc, child)] == [True, False]
    child.exit()


# ── truncate ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", FILES)
def test_what_if_a_mapped_file_is_cut(proc, path):
    """Unmapped everywhere, private copies included; the tail of the last page is zero."""
    fd = make_file(proc, path, 3)
    map_at(proc, 0, 3, RW, MAP_SHARED, fd)
    map_at(proc, 4, 3, RW, MAP_PRIVATE, fd)
    child = proc.fork()
    for each in (proc, child):
        for page in range(3):
            each.load(at(page))
            each.store(at(4 + page), b"mine")
    proc.ftruncate(fd, PAGE + 5)
    assert present(proc, 7) == present(child, 7) == "FF..AA."
    assert child.load(at(1), 8) == b"00000" + bytes(3)
    for page in (2, 6):
        with pytest.raises(BusError):
            child.load(at(page))
    child.exit()


@pytest.mark.parametrize(("path", "stale"), [("/dev/shm/f", b"past"), ("/ram/f", b"past"), ("/data/f", bytes(4))])
def test_what_if_a_file_grows_over_what_was_stored_past_its_end(proc, path, stale):
    """The disk zeroes it first; ramfs and tmpfs do not."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    proc.pwrite(fd, b"short", 0)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    proc.store(at(0) + 100, b"past")
    proc.ftruncate(fd, 200)
    assert proc.pread(fd, 4, 100) == stale


@pytest.mark.parametrize("path", FILES)
def test_what_if_bytes_past_the_end_are_stored_to(proc, path):
    """They read 0, can be written, and never reach the file."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    proc.pwrite(fd, b"short", 0)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    assert proc.load(at(0) + 5, 4) == bytes(4)
    proc.store(at(0) + 3, b"###past")
    assert proc.load(at(0) + 6, 4) == b"past"
    assert (proc.pread(fd, 100, 0), proc.fstat(fd).st_size) == (b"sho##", 5)


# ── holes, and names ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", PUNCHABLE)
def test_what_if_a_hole_is_punched_under_mappings(proc, path):
    """Private pages that were copied are spared; all others show zeros."""
    fd = make_file(proc, path, 3)
    map_at(proc, 0, 3, RW, MAP_SHARED, fd)
    map_at(proc, 4, 3, RW, MAP_PRIVATE, fd)
    proc.load(at(0))
    proc.load(at(4))
    proc.store(at(5), b"mine")
    proc.fallocate(fd, PUNCH, PAGE, PAGE)
    assert present(proc, 7) == "F.F.FAF"
    assert (proc.load(at(1), 4), proc.load(at(5), 8)) == (bytes(4), b"mine001\n")
    assert proc.fstat(fd).st_size == 3 * PAGE


@pytest.mark.parametrize("path", FILES)
def test_what_if_a_clean_shared_mapping_is_unmapped_after_the_file_changed(proc, path):
    """It never writes back what it did not write."""
    fd = make_file(proc, path, 1)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    proc.load(at(0))
    proc.pwrite(fd, b"later", 0)
    proc.munmap(at(0), PAGE)
    proc.fsync(fd)
    assert proc.pread(fd, 5, 0) == b"later"


@pytest.mark.parametrize("path", FILES)
def test_what_if_a_mapped_file_is_unlinked(proc, path):
    fd = make_file(proc, path, 1)
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, fd)
    proc.unlink(path)
    proc.close(fd)
    assert (proc.load(at(0), 7), name(proc, 0).endswith("/f (deleted)")) == (b"0000000", True)


def test_what_if_shared_memory_is_forked(proc):
    map_at(proc, 0, 1, RW, MAP_SHARED | MAP_ANONYMOUS)
    proc.store(at(0), b"one")
    child = proc.fork()
    assert not child.pagemap(at(0)).present
    assert faults(child, child.store, at(0), b"two") == MINOR
    assert (proc.load(at(0), 3), counts(proc, 0, "Pss")) == (b"two", (2,))
    child.exit()
