"""What if memory is touched? Which faults there are, what they map, and what they cost."""

import pytest

from mmlab import (
    BUS_ADRERR,
    MAP_ANONYMOUS,
    MAP_NONBLOCK,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PROT_NONE,
    SEGV_ACCERR,
    SEGV_MAPERR,
    BusError,
    Kernel,
    SegmentationFault,
)
from mmlab.include.fs import file_operations
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, make_file, map_at, page_text, present, unchanged

BOOK = "/data/book.txt"
R, W, X = 1, 2, 4
MINOR, MAJOR, NONE = (1, 0), (0, 1), (0, 0)
WINDOW = 16


# ── signals ─────────────────────────────────────────────────────────────────────────────────────────────────

ACCESSES = {  # prot → does a load, does a store succeed
    PROT_NONE: (False, False),
    R: (True, False),
    W: (True, True),
    X: (True, False),
    R | W: (True, True),
    R | X: (True, False),
    W | X: (True, True),
    R | W | X: (True, True),
}


@pytest.mark.parametrize("kind", [MAP_PRIVATE, MAP_SHARED])
@pytest.mark.parametrize("prot", ACCESSES)
def test_what_if_the_protection_forbids_it(kernel, proc, prot, kind):
    map_at(proc, 0, 1, prot, kind | MAP_ANONYMOUS)
    for allowed, access, touch in zip(
        ACCESSES[prot], ("load", "store"), (proc.load, lambda a: proc.store(a, b"#")), strict=True
    ):
        if allowed:
            touch(at(0))
            continue
        with unchanged(kernel), pytest.raises(SegmentationFault, match="SEGV_ACCERR") as raised:
            touch(at(0))
        assert (raised.value.si_code, raised.value.address, raised.value.access) == (SEGV_ACCERR, at(0), access)


@pytest.mark.parametrize("address", [0, at(0), at(2), 2**47, 2**63, 2**64 - 1])
def test_what_if_there_is_no_vma(kernel, proc, address):
    map_at(proc, 1, 1, RW, MEMORY)
    with unchanged(kernel), pytest.raises(SegmentationFault, match="SEGV_MAPERR") as raised:
        proc.load(address)
    assert (raised.value.si_code, raised.value.address) == (SEGV_MAPERR, address)


@pytest.mark.parametrize("kind", [MAP_PRIVATE, MAP_SHARED])
@pytest.mark.parametrize("path", ["/data/f", "/ram/f", "/tmp/f"])
def test_what_if_the_page_is_past_the_end_of_the_file(proc, path, kind):
    map_at(proc, 0, 4, RW, kind, make_file(proc, path, 1, extra=10))
    assert proc.load(at(1), 12) == b"e" * 10 + b"\0\0"
    assert proc.load(at(1) + 4095) == b"\0"
    before = proc.getrusage()
    for touch in (proc.load, lambda a: proc.store(a, b"#")):
        with pytest.raises(BusError, match="past the last page of its file") as raised:
            touch(at(2) + 5)
        assert (raised.value.si_code, raised.value.address) == (BUS_ADRERR, at(2) + 5)
    assert proc.getrusage() == before


def test_what_if_an_access_crosses_into_nothing(proc):
    """The part before the bad page is written."""
    map_at(proc, 0, 1, RW, MEMORY)
    with pytest.raises(SegmentationFault) as raised:
        proc.store(at(1) - 3, b"abcdef")
    assert raised.value.address == at(1)
    assert proc.load(at(1) - 3, 3) == b"abc"


# ── fault-around ────────────────────────────────────────────────────────────────────────────────────────────

# VMA's first page, length, file page, touched page → the pages mapped then, of a file of 40 pages
AROUND = {
    "an aligned window": (0, 40, 0, 20, range(16, 32)),
    "the window's first page": (0, 40, 0, 16, range(16, 32)),
    "the window's last page": (0, 40, 0, 31, range(16, 32)),
    "clipped by the VMA's start, it still runs 16 pages": (5, 30, 0, 7, range(5, 21)),
    "clipped by the VMA's end": (0, 20, 0, 17, range(16, 20)),
    "clipped by the file's end": (0, 48, 0, 33, range(32, 40)),
    "clipped by the file's end, at an offset": (0, 40, 10, 25, range(16, 30)),
    "clipped by the page table's end": (509, 30, 0, 510, range(509, 512)),
    "aligned by address, not by file page": (3, 30, 7, 17, range(16, 32)),
}


@pytest.mark.parametrize("kind", [MAP_PRIVATE, MAP_SHARED])
@pytest.mark.parametrize("what", AROUND)
def test_what_if_a_load_maps_what_is_around_it(proc, what, kind):
    first, length, pgoff, page, mapped = AROUND[what]
    map_at(proc, first, length, R, kind, make_file(proc, "/tmp/f", 40), pgoff)
    assert faults(proc, proc.load, at(page)) == MINOR
    assert [n for n in range(600) if present(proc, 1, n) == "F"] == list(mapped)
    for n in mapped:
        assert faults(proc, proc.load, at(n)) == NONE
        assert proc.load(at(n), 4096) == page_text(pgoff + n - first)


def test_what_if_some_pages_around_are_not_cached(proc):
    fd = proc.open("/tmp/f", O_RDWR | O_CREAT)
    for page in (1, 4, 9):
        proc.pwrite(fd, b"x", page * PAGE)
    map_at(proc, 0, 10, R, MAP_SHARED, fd)
    proc.load(at(4))
    assert present(proc, 10) == ".F..F....F"


def test_what_if_a_store_comes_first(proc):
    """It maps its own page only; and a load maps no page twice."""
    map_at(proc, 0, 20, RW, MAP_PRIVATE, make_file(proc, "/tmp/f", 20))
    assert faults(proc, proc.store, at(3), b"#") == MINOR
    assert present(proc, 8) == "...A...."
    assert faults(proc, proc.load, at(4)) == MINOR
    assert present(proc, 20) == "FFFA" + "F" * 12 + "...."


def test_what_if_the_load_is_past_the_end(proc):
    """SIGBUS, but the window has been mapped before."""
    map_at(proc, 0, 8, R, MAP_SHARED, make_file(proc, "/tmp/f", 3))
    with pytest.raises(BusError):
        proc.load(at(5))
    assert present(proc, 8) == "FFF....."


@pytest.mark.parametrize(
    ("size", "mapped"),
    [(PAGE, "....F..."), (2 * PAGE, "....FF.."), (3 * PAGE, "....FF.."), (4 * PAGE, "....FFFF"), (8 * PAGE, "F" * 8)],
)
def test_what_if_fault_around_bytes_is_set(size, mapped):
    """It is rounded down to a power of two; one page means off."""
    kernel = Kernel(fault_around_bytes=size)
    proc = kernel.spawn("reader")
    map_at(proc, 0, 8, R, MAP_SHARED, make_file(proc, "/tmp/f", 8))
    proc.load(at(4))
    assert present(proc, 8) == mapped


# ── memory without a file ───────────────────────────────────────────────────────────────────────────────────


def test_what_if_memory_is_loaded_before_it_is_stored_to(kernel, proc):
    """A load maps the zero page, which counts nowhere; the store then takes one more fault."""
    map_at(proc, 0, 2, RW, MEMORY)
    before = kernel.meminfo()
    assert faults(proc, proc.load, at(0)) == MINOR
    assert (present(proc, 2), kernel.meminfo() - before) == ("Z.", {"PageTables": 4})
    assert faults(proc, proc.store, at(0), b"#") == MINOR
    assert faults(proc, proc.store, at(1), b"#") == MINOR
    assert (present(proc, 2), (kernel.meminfo() - before)["AnonPages"]) == ("AA", 8)
    assert proc.load(at(0), 2) == b"#\0"


def test_what_if_read_only_memory_is_loaded(proc):
    map_at(proc, 0, 1, R, MEMORY)
    assert proc.load(at(0), PAGE) == bytes(PAGE)
    assert present(proc, 1) == "Z"


def test_what_if_memory_is_shared_and_anonymous(kernel, proc):
    map_at(proc, 0, 3, RW, MAP_SHARED | MAP_ANONYMOUS)
    before = kernel.meminfo()
    assert faults(proc, proc.load, at(0)) == MINOR
    assert faults(proc, proc.store, at(0), b"#") == NONE
    assert faults(proc, proc.store, at(1), b"#") == MINOR
    change = kernel.meminfo() - before
    assert {name: change[name] for name in ("Mapped", "Shmem", "Cached")} == {"Mapped": 8, "Shmem": 8, "Cached": 8}
    assert "AnonPages" not in change


@pytest.mark.parametrize("kind", [MAP_PRIVATE, MAP_SHARED])
def test_what_if_dev_zero_is_mapped(kernel, proc, kind):
    """Private it is memory like any other; shared it is a nameless tmpfs file, as MAP_ANONYMOUS is."""
    fd = proc.open("/dev/zero", O_RDWR)
    map_at(proc, 0, 2, RW, kind, fd)
    proc.load(at(0))
    proc.store(at(1), b"#")
    assert present(proc, 2) == ("ZA" if kind == MAP_PRIVATE else "FF")
    assert proc.task.files[fd].f_count == (2 if kind == MAP_PRIVATE else 1)
    assert kernel.meminfo()["Shmem"] == (0 if kind == MAP_PRIVATE else 8)


def test_what_if_f_op_mmap_forgets_vm_ops(proc):
    """Private, nobody can tell it from anonymous memory; shared, the first access says so. (Until 4.18.)"""
    fd = proc.open(BOOK, O_RDWR)
    proc.task.files[fd].f_op = file_operations("lazy_fops", mmap=lambda file, vma: None)
    map_at(proc, 0, 1, RW, MAP_PRIVATE, fd)
    map_at(proc, 2, 1, RW, MAP_SHARED, fd)
    assert proc.load(at(0), 5) == bytes(5)
    before = proc.getrusage()
    with pytest.raises(BusError, match="is shared, but its file has given it no vm_ops"):
        proc.load(at(2))
    assert proc.getrusage() == before


# ── private and shared file pages ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/data/f", "/ram/f", "/tmp/f"])
def test_what_if_a_private_page_is_stored_to(kernel, proc, path):
    fd = make_file(proc, path, 2)
    map_at(proc, 0, 2, RW, MAP_PRIVATE, fd)
    proc.load(at(0))
    before = kernel.meminfo()
    assert faults(proc, proc.store, at(0), b"mine") == MINOR
    change = kernel.meminfo() - before
    assert (change["Mapped"], change["AnonPages"], present(proc, 2)) == (-4, 4, "AF")
    assert faults(proc, proc.store, at(0) + 9, b"mine") == NONE
    assert (proc.load(at(0), 7), proc.pread(fd, 7, 0)) == (b"mine000", b"0000000")


def test_what_if_the_file_is_written_later(proc):
    """A page not yet copied follows the file; the copy does not."""
    fd = make_file(proc, "/data/f", 2)
    map_at(proc, 0, 2, RW, MAP_PRIVATE, fd)
    proc.load(at(0))
    proc.store(at(1) + 100, b"#")
    for page in range(2):
        proc.pwrite(fd, b"new", page * PAGE)
    assert (proc.load(at(0), 3), proc.load(at(1), 3)) == (b"new", b"000")


AFTER_A_LOAD = {"/tmp/f": NONE, "/dev/shm/f": NONE, "/ram/f": MINOR, "/data/f": MINOR}


@pytest.mark.parametrize("path", AFTER_A_LOAD)
def test_what_if_a_shared_page_is_stored_to_after_a_load(kernel, proc, path):
    """tmpfs has no page_mkwrite, so its pages are writable at once; the others want to hear of the first store."""
    fd = make_file(proc, path, 2)
    map_at(proc, 0, 2, RW, MAP_SHARED, fd)
    proc.load(at(0))
    with kernel.trace() as trace:
        assert faults(proc, proc.store, at(0), b"#") == AFTER_A_LOAD[path]
    asked = ["do_page_mkwrite", "filemap_page_mkwrite", "wp_page_reuse"]
    called = [name for name in trace.functions() if name in asked]
    assert called == (asked if AFTER_A_LOAD[path] == MINOR else [])
    assert faults(proc, proc.store, at(0), b"#") == NONE
    assert proc.pread(fd, 1, 0) == b"#"


def test_what_if_a_shared_store_comes_first(kernel, proc):
    map_at(proc, 0, 2, RW, MAP_SHARED, make_file(proc, "/data/f", 2))
    with kernel.trace() as trace:
        assert faults(proc, proc.store, at(0), b"#") == MINOR
    before = ["do_shared_fault", "filemap_fault", "do_page_mkwrite", "filemap_page_mkwrite", "set_page_dirty"]
    order = [*before, "do_set_pte", "set_page_dirty"]
    assert [name for name in trace.functions() if name in order] == order
    assert present(proc, 2) == "F."


# ── the disk ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_the_file_is_cold(kernel, proc):
    """The first fault is major and reads ahead; the next ones find the pages."""
    map_at(proc, 0, 5, R, MAP_SHARED, proc.open(BOOK, O_RDONLY))
    before = kernel.vmstat()
    assert faults(proc, proc.load, at(2)) == MAJOR
    change = kernel.vmstat() - before
    assert (change["pgfault"], change["pgmajfault"]) == (1, 1)
    assert present(proc, 5) == "FFFFF"
    other = kernel.spawn("second")
    map_at(other, 0, 5, R, MAP_SHARED, other.open(BOOK, O_RDONLY))
    assert faults(other, other.load, at(2)) == MINOR


@pytest.mark.parametrize("kind", [MAP_PRIVATE, MAP_SHARED])
def test_what_if_the_first_access_to_a_cold_file_is_a_store(proc, kind):
    map_at(proc, 0, 5, RW, kind, proc.open(BOOK, O_RDWR))
    assert faults(proc, proc.store, at(2), b"#") == MAJOR
    assert faults(proc, proc.store, at(3), b"#") == MINOR
    assert proc.load(at(2), 5) == b"#age2"


HOLES = {"/tmp/f": (MINOR, 1), "/ram/f": (MAJOR, 1), "/data/f": (MAJOR, 32)}


@pytest.mark.parametrize("path", HOLES)
def test_what_if_the_page_is_a_hole(proc, path):
    """tmpfs makes the page; the others read it, ramfs a page at a time, the disk with read-ahead."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    proc.ftruncate(fd, 64 * PAGE)
    map_at(proc, 0, 64, R, MAP_SHARED, fd)
    cost, pages = HOLES[path]
    assert faults(proc, proc.load, at(32)) == cost
    assert sum(proc.fincore(fd)) == pages
    assert proc.load(at(32), PAGE) == bytes(PAGE)


# ── MAP_POPULATE ────────────────────────────────────────────────────────────────────────────────────────────

POPULATED = {
    "memory": (RW, MEMORY, None, "AAA"),
    "read-only memory": (R, MEMORY, None, "ZZZ"),
    "shared memory": (RW, MAP_SHARED | MAP_ANONYMOUS, None, "FFF"),
    "a private file": (RW, MAP_PRIVATE, "/data/f", "AAA"),
    "a read-only private file": (R, MAP_PRIVATE, "/data/f", "FFF"),
    "a shared file": (RW, MAP_SHARED, "/data/f", "FFF"),
    "PROT_NONE": (PROT_NONE, MEMORY, None, "..."),
    "a cold file": (R, MAP_SHARED, BOOK, "FFF"),
}


@pytest.mark.parametrize("what", POPULATED)
def test_what_if_everything_is_mapped_at_once(proc, what):
    prot, flags, path, mapped = POPULATED[what]
    make_file(proc, "/data/f", 3)
    fd = proc.open(path, O_RDWR) if path else -1
    before = proc.getrusage()
    map_at(proc, 0, 3, prot, flags | MAP_POPULATE, fd)
    assert present(proc, 3) == mapped
    assert proc.getrusage().ru_majflt == before.ru_majflt


def test_what_if_populate_meets_the_end_of_the_file(proc):
    map_at(proc, 0, 4, R, MAP_SHARED | MAP_POPULATE, make_file(proc, "/tmp/f", 2))
    assert present(proc, 4) == "FF.."


def test_what_if_populate_must_not_wait(proc):
    map_at(proc, 0, 2, RW, MEMORY | MAP_POPULATE | MAP_NONBLOCK)
    assert present(proc, 2) == ".."


def test_what_if_populate_still_wants_page_mkwrite(proc):
    map_at(proc, 0, 2, RW, MAP_SHARED | MAP_POPULATE, make_file(proc, "/data/f", 2))
    assert faults(proc, proc.store, at(0), b"#") == MINOR


# ── truncate ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/data/f", "/ram/f", "/tmp/f"])
def test_what_if_the_file_shrinks_under_its_mappings(kernel, proc, path):
    fd = make_file(proc, path, 4)
    map_at(proc, 0, 4, RW, MAP_SHARED, fd)
    map_at(proc, 8, 4, RW, MAP_PRIVATE, fd)
    for page in range(4):
        proc.load(at(page))
        proc.store(at(8 + page), b"mine")
    proc.ftruncate(fd, PAGE + 5)
    assert (present(proc, 4), present(proc, 4, 8)) == ("FF..", "AA..")
    assert proc.load(at(1), 10) == b"00000" + bytes(5)
    for page in (2, 3, 10, 11):
        with pytest.raises(BusError):
            proc.load(at(page))
    proc.ftruncate(fd, 4 * PAGE)
    assert proc.load(at(3), 4) == proc.load(at(11), 4) == bytes(4)


def test_what_if_the_file_is_truncated_from_a_page_that_lies_before_the_vma(proc):
    fd = make_file(proc, "/tmp/f", 6)
    map_at(proc, 0, 2, R, MAP_SHARED, fd, 4)
    proc.load(at(0))
    proc.ftruncate(fd, PAGE)
    assert present(proc, 2) == ".."
