"""What a fault costs, what it maps beside its own page, and when there is none."""

import pytest

from mmlab import (
    BUS_ADRERR,
    MADV_RANDOM,
    MAP_ANONYMOUS,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    MS_SYNC,
    O_CREAT,
    O_RDWR,
    PROT_READ,
    SEGV_ACCERR,
    SEGV_MAPERR,
    BusError,
    SegmentationFault,
)
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, make_file, map_at, present
from tests.kernel.semantics.seen import counts

NONE, MINOR, MAJOR = (0, 0), (1, 0), (0, 1)
FILES = {"disk": "/data/f", "tmpfs": "/dev/shm/f", "ramfs": "/ram/f"}


def file_of(proc, kind, pages):
    """A file of written, cached pages."""
    return make_file(proc, FILES[kind], pages)


def holes(proc, kind, pages):
    """A file of holes."""
    fd = proc.open(FILES[kind], O_RDWR | O_CREAT)
    proc.ftruncate(fd, pages * PAGE)
    return fd


# ── signals ─────────────────────────────────────────────────────────────────────────────────────────────────


def signal(proc, touch, *args):
    """Touch memory that cannot be; give the signal, its code and its address. It counts as no fault."""
    before = proc.getrusage()
    with pytest.raises((SegmentationFault, BusError)) as raised:
        touch(*args)
    assert proc.getrusage() == before
    return raised.value.signal, raised.value.si_code, raised.value.address


def test_what_if_an_access_cannot_be(proc):
    map_at(proc, 0, 2, PROT_READ, MAP_SHARED, file_of(proc, "tmpfs", 1))
    assert signal(proc, proc.load, at(9)) == ("SIGSEGV", SEGV_MAPERR, at(9))
    assert signal(proc, proc.store, at(0) + 7, b"#") == ("SIGSEGV", SEGV_ACCERR, at(0) + 7)
    assert signal(proc, proc.load, at(1) + 7) == ("SIGBUS", BUS_ADRERR, at(1) + 7)


@pytest.mark.parametrize("prot", [0, 1, 2, 3, 5, 7])
def test_what_if_memory_may_be_read_written_or_executed(proc, prot):
    """Any of the three allows a load; only PROT_WRITE a store."""
    map_at(proc, 0, 1, prot, MEMORY)
    for allowed, touch in ((prot, proc.load), (prot & 2, lambda address: proc.store(address, b"#"))):
        if allowed:
            touch(at(0))
        else:
            assert signal(proc, touch, at(0)) == ("SIGSEGV", SEGV_ACCERR, at(0))


@pytest.mark.parametrize(("size", "pages"), [(0, 0), (1, 1), (PAGE, 1), (PAGE + 1, 2)])
@pytest.mark.parametrize("kind", FILES)
def test_what_if_the_file_ends_within_the_mapping(proc, kind, size, pages):
    """Page ceil(size / 4096) is the first one that is SIGBUS, for stores and private mappings too."""
    fd = proc.open(FILES[kind], O_RDWR | O_CREAT)
    proc.ftruncate(fd, size)
    for page, flags in ((0, MAP_SHARED), (8, MAP_PRIVATE)):
        map_at(proc, page, 3, RW, flags, fd)
        for each in range(pages):
            proc.load(at(page + each) + PAGE - 1)
        assert signal(proc, proc.load, at(page + pages))[0] == "SIGBUS"
        assert signal(proc, proc.store, at(page + pages), b"#")[0] == "SIGBUS"


# ── fault-around ────────────────────────────────────────────────────────────────────────────────────────────


def around(proc, first, length, pgoff, page, pages=40):
    """Map a file of that many pages, load one page of it; give the pages that are mapped then."""
    map_at(proc, first, length, PROT_READ, MAP_SHARED, file_of(proc, "tmpfs", pages), pgoff)
    proc.load(at(page))
    return [page for page in range(first, first + length) if proc.pagemap(at(page)).present]


def test_what_if_the_window_is_whole(proc):
    assert around(proc, 0, 40, 0, 20) == list(range(16, 32))


def test_what_if_the_vma_starts_within_the_window(proc):
    """The window still runs 16 pages, past the next multiple of 16."""
    assert around(proc, 5, 35, 0, 7) == list(range(5, 21))


def test_what_if_the_vma_ends_within_the_window(proc):
    assert around(proc, 0, 20, 0, 17) == list(range(16, 20))


def test_what_if_the_file_ends_within_the_window(proc):
    assert around(proc, 0, 40, 0, 17, pages=20) == list(range(16, 20))


def test_what_if_the_page_table_ends_within_the_window(proc):
    """The window ends there; the next page table gets nothing."""
    proc.munmap(at(511), PAGE)
    assert around(proc, 500, 40, 0, 505) == list(range(500, 512))


def test_what_if_the_window_is_aligned_by_address_not_by_file_page(proc):
    assert around(proc, 3, 30, 7, 17) == list(range(16, 32))


def test_what_if_some_pages_are_not_cached_or_mapped_already(proc):
    fd = holes(proc, "tmpfs", 8)
    proc.pwrite(fd, b"#", 2 * PAGE)
    proc.pwrite(fd, b"#", 4 * PAGE)
    map_at(proc, 0, 8, RW, MAP_PRIVATE, fd)
    proc.store(at(4), b"mine")
    proc.load(at(2))
    assert present(proc, 8) == "..F.A..."


def test_what_if_the_load_is_past_the_end(proc):
    """SIGBUS, but what is around it has been mapped."""
    map_at(proc, 0, 8, PROT_READ, MAP_SHARED, file_of(proc, "tmpfs", 3))
    assert signal(proc, proc.load, at(5))[0] == "SIGBUS"
    assert present(proc, 8) == "FFF....."


@pytest.mark.parametrize("kind", [MAP_SHARED, MAP_PRIVATE])
def test_what_if_the_access_is_a_store(proc, kind):
    """It maps its own page only."""
    map_at(proc, 0, 8, RW, kind, file_of(proc, "tmpfs", 8))
    proc.store(at(3), b"#")
    assert present(proc, 8).replace("A", "F") == "...F...."


def test_what_if_the_program_said_that_it_reads_at_random(proc):
    """MADV_RANDOM is about the disk: what is cached is mapped all the same."""
    map_at(proc, 0, 8, PROT_READ, MAP_SHARED, file_of(proc, "disk", 8))
    proc.madvise(at(0), 8 * PAGE, MADV_RANDOM)
    proc.load(at(3))
    assert present(proc, 8) == "FFFFFFFF"


@pytest.mark.parametrize(("first", "cached", "brought"), [(8, 1, 1), (8, 2, 3), (8, 3, 4), (0, 2, 5), (0, 3, 7)])
def test_what_if_pages_before_the_one_that_is_read_are_cached(kernel, proc, first, cached, brought):
    """read(2) reads as much ahead as there is behind, twice as much if that is all from the file's start on."""
    fd = holes(proc, "disk", 60)
    for page in range(first, first + cached):
        fresh = proc.open(FILES["disk"], O_RDWR)
        proc.fallocate(fd, 3, (page + 1) * PAGE, 50 * PAGE)  # what was read ahead goes again
        proc.pwrite(fresh, b"#", page * PAGE)
    assert sum(proc.fincore(fd)) == cached
    proc.pread(proc.open(FILES["disk"], O_RDWR), 1, (first + cached) * PAGE)
    assert sum(proc.fincore(fd)) - cached == brought


# ── zeros ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_memory_is_loaded_first(proc):
    """The zero page, which is not in Rss; a later store is one more fault."""
    map_at(proc, 0, 1, RW, MEMORY)
    assert faults(proc, proc.load, at(0)) == MINOR
    assert (proc.pagemap(at(0)).zero, counts(proc, 0, "Rss", "Anonymous")) == (True, (0, 0))
    assert faults(proc, proc.store, at(0), b"#") == MINOR
    assert (proc.pagemap(at(0)).zero, counts(proc, 0, "Rss", "Anonymous")) == (False, (4, 4))


@pytest.mark.parametrize(("kind", "cost"), [("tmpfs", MINOR), ("ramfs", MAJOR), ("disk", MAJOR)])
def test_what_if_the_page_is_a_hole(proc, kind, cost):
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, holes(proc, kind, 1))
    assert faults(proc, proc.load, at(0)) == cost


@pytest.mark.parametrize("kind", FILES)
def test_what_if_populate_meets_a_hole(proc, kind):
    """Minor, always: populate begins anew after its wait for the disk."""
    fd, before = holes(proc, kind, 1), proc.getrusage()
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED | MAP_POPULATE, fd)
    after = proc.getrusage()
    assert (after.ru_minflt - before.ru_minflt, after.ru_majflt - before.ru_majflt) == MINOR


# ── leave to write ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "cost"), [("tmpfs", NONE), ("ramfs", MINOR), ("disk", MINOR)])
def test_what_if_a_shared_page_is_stored_to_after_a_load(proc, kind, cost):
    """Only a file system with page_mkwrite wants to hear of the first store."""
    map_at(proc, 0, 1, RW, MAP_SHARED, file_of(proc, kind, 1))
    proc.load(at(0))
    assert faults(proc, proc.store, at(0), b"#") == cost
    assert faults(proc, proc.store, at(0), b"#") == NONE


def test_what_if_msync_cleans_a_page_that_two_processes_write(proc):
    """Both must fault again, and what was stored past the end of the file is zero."""
    fd = proc.open("/data/f", O_RDWR | O_CREAT)
    proc.pwrite(fd, b"short", 0)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    child = proc.fork()
    for each in (proc, child):
        each.store(at(0) + 100, b"past")
        assert faults(each, each.store, at(0), b"#") == NONE
    proc.msync(at(0), PAGE, MS_SYNC)
    assert [faults(each, each.store, at(0), b"#") for each in (proc, child)] == [MINOR, MINOR]
    assert child.load(at(0) + 100, 4) == bytes(4)
    child.exit()


def test_what_if_read_only_memory_becomes_writable_again(proc):
    """PTE upgrade: an exclusive anonymous page is made writable at once, a private file page is not."""
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"#")
    map_at(proc, 2, 1, RW, MAP_PRIVATE, file_of(proc, "tmpfs", 1))
    proc.load(at(2))
    for page, cost in ((0, NONE), (2, MINOR)):
        proc.mprotect(at(page), PAGE, PROT_READ)
        proc.mprotect(at(page), PAGE, RW)
        assert faults(proc, proc.store, at(page), b"#") == cost


def test_what_if_the_anonymous_page_is_shared_with_a_child(proc):
    """Then mprotect may not make its PTE writable: the store would be seen by both."""
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"mine")
    child = proc.fork()
    proc.mprotect(at(0), PAGE, PROT_READ)
    proc.mprotect(at(0), PAGE, RW)
    assert faults(proc, proc.store, at(0), b"MINE") == MINOR
    assert child.load(at(0), 4) == b"mine"
    child.exit()


def test_what_if_the_zero_page_is_there_when_memory_becomes_writable_again(proc):
    map_at(proc, 0, 1, RW, MEMORY)
    proc.load(at(0))
    proc.mprotect(at(0), PAGE, PROT_READ)
    proc.mprotect(at(0), PAGE, RW)
    assert faults(proc, proc.store, at(0), b"#") == MINOR


@pytest.mark.parametrize(("kind", "dirty", "cost"), [
    ("disk", True, NONE), ("disk", False, MINOR), ("ramfs", True, NONE), ("tmpfs", False, NONE),
])  # fmt: skip
def test_what_if_a_shared_file_page_becomes_writable_again(proc, kind, dirty, cost):
    """A dirty page has been heard of already, and is upgraded; a clean one must fault."""
    map_at(proc, 0, 1, RW, MAP_SHARED, file_of(proc, kind, 1))
    if dirty:
        proc.store(at(0), b"#")
    else:
        proc.load(at(0))
    proc.mprotect(at(0), PAGE, PROT_READ)
    proc.mprotect(at(0), PAGE, RW)
    assert faults(proc, proc.store, at(0), b"#") == cost


# ── private file pages ──────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_private_writable_file_is_populated(proc):
    """It is copied up front."""
    map_at(proc, 0, 3, RW, MAP_PRIVATE | MAP_POPULATE, file_of(proc, "disk", 3))
    assert present(proc, 3) == "AAA"
    assert faults(proc, proc.store, at(1), b"#") == NONE


def test_what_if_the_file_changes_under_a_private_mapping(proc):
    """A page not copied yet still follows the file; after its own store it does not."""
    fd = file_of(proc, "disk", 2)
    map_at(proc, 0, 2, RW, MAP_PRIVATE, fd)
    proc.load(at(0))
    proc.store(at(1) + 100, b"#")
    for page in range(2):
        proc.pwrite(fd, b"new", page * PAGE)
    assert (proc.load(at(0), 3), proc.load(at(1), 3)) == (b"new", b"000")


def test_what_if_memory_is_shared_and_anonymous(proc):
    """It is a file: loads and stores make its pages, and a store after a load costs nothing."""
    map_at(proc, 0, 3, RW, MAP_SHARED | MAP_ANONYMOUS)
    assert faults(proc, proc.load, at(0)) == MINOR
    assert faults(proc, proc.store, at(0), b"#") == NONE
    assert present(proc, 3) == "F.."
