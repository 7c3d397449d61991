"""What if dirty pages are written back, files get holes, or caches are dropped: msync, fsync, fallocate, truncate."""

from errno import EBADF, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP

import pytest

from mmlab import (
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    MS_ASYNC,
    MS_SYNC,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    BusError,
)
from tests.kernel.both import machine, program, real  # noqa: F401
from tests.kernel.helpers import faults, make_file

RW = PROT_READ | PROT_WRITE
PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE


@pytest.fixture
def book(proc):
    return proc.open("/data/book.txt", O_RDWR)


def store_faults(proc, addr):
    before = proc.getrusage().ru_minflt
    proc.store(addr, b"x")
    return proc.getrusage().ru_minflt - before


def test_what_if_a_store_is_synced_and_the_caches_are_dropped(kernel, proc, book):
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, book)
    proc.store(addr, b"PAGE")
    assert kernel.meminfo()["Dirty"] == 4
    proc.msync(addr, PAGE_SIZE, MS_SYNC)
    assert kernel.meminfo()["Dirty"] == 0
    proc.munmap(addr, PAGE_SIZE)
    assert kernel.drop_caches() >= 5
    assert not any(proc.fincore(book))
    assert proc.pread(book, 5, 0) == b"PAGE0"


def test_what_if_a_store_is_not_synced_it_is_not_dropped_either(kernel, proc, book):
    proc.pwrite(book, b"PAGE", 0)
    kernel.drop_caches()
    assert proc.fincore(book) == b"\1\0\0\0\0"
    assert proc.pread(book, 5, 0) == b"PAGE0"


def test_what_if_two_processes_stored_sync_protects_the_page_in_both(proc, book):
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, book)
    proc.store(addr, b"1")
    child = proc.fork()
    child.store(addr, b"2")
    proc.fsync(book)
    assert (store_faults(proc, addr), store_faults(child, addr), store_faults(proc, addr)) == (1, 1, 0)


def test_what_if_the_page_reaches_past_the_end_of_the_file(proc, book):
    """Bytes past the end can be stored, and never reach the file: writing back zeroes them."""
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, book, 4 * PAGE_SIZE)
    proc.store(addr + 1638, b"past the end")
    assert proc.load(addr + 1638, 4) == b"past"
    proc.msync(addr, PAGE_SIZE, MS_SYNC)
    assert proc.load(addr + 1638, 4) == bytes(4)


def test_what_if_ramfs_is_synced_its_pages_stay_dirty_and_writable(proc):
    fd = proc.open("/ram/f", O_RDWR | O_CREAT)
    proc.ftruncate(fd, PAGE_SIZE)
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, fd)
    proc.store(addr, b"x")
    proc.msync(addr, PAGE_SIZE, MS_SYNC)
    proc.fsync(fd)
    assert store_faults(proc, addr) == 0


@pytest.mark.parametrize(
    ("offset", "length", "flags", "errno"),
    [(0, PAGE_SIZE, MS_SYNC | MS_ASYNC, EINVAL), (0, PAGE_SIZE, 8, EINVAL), (1, PAGE_SIZE, MS_SYNC, EINVAL),
     (0, 3 * PAGE_SIZE, MS_SYNC, ENOMEM)],
)  # fmt: skip
def test_what_if_msync_is_asked_nonsense(proc, offset, length, flags, errno):
    addr = proc.mmap(0, 4 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.munmap(addr + PAGE_SIZE, PAGE_SIZE)
    with pytest.raises(OSError, match="msync") as refused:
        proc.msync(addr + offset, length, flags)
    assert refused.value.errno == errno


def test_what_if_there_is_nothing_to_sync_to(proc):
    with pytest.raises(OSError, match="null_fops.fsync is NULL") as refused:
        proc.fsync(0)
    assert refused.value.errno == EINVAL


@pytest.mark.parametrize("path", ["/data/book.txt", "/dev/shm/f"])
def test_what_if_a_hole_is_punched_under_mappings(proc, path):
    fd = proc.open(path, O_RDWR | O_CREAT)
    proc.pwrite(fd, b"0" * PAGE_SIZE + b"1" * PAGE_SIZE + b"2" * PAGE_SIZE, 0)
    shared = proc.mmap(0, 3 * PAGE_SIZE, RW, MAP_SHARED, fd)
    private = proc.mmap(0, 3 * PAGE_SIZE, RW, MAP_PRIVATE, fd)
    proc.load(shared, 3 * PAGE_SIZE)
    proc.store(private + PAGE_SIZE, b"mine")
    proc.fallocate(fd, PUNCH, PAGE_SIZE - 8, PAGE_SIZE + 16)
    assert proc.load(shared + PAGE_SIZE - 9, 3) == b"0\0\0"
    assert proc.load(shared + PAGE_SIZE, 4) == bytes(4)
    assert proc.load(shared + 2 * PAGE_SIZE + 7, 2) == b"\0" + b"2"
    assert proc.load(private + PAGE_SIZE, 5) == b"mine1"  # a copied private page is spared


def test_what_if_a_hole_in_a_disk_file_is_read_again_from_the_disk(kernel, proc, book):
    proc.fallocate(book, PUNCH, 100, PAGE_SIZE)
    kernel.drop_caches()
    assert proc.pread(book, PAGE_SIZE + 200, 0) == (
        proc.pread(book, 100, 0) + bytes(PAGE_SIZE) + proc.pread(book, 100, PAGE_SIZE + 100)
    )


def test_what_if_room_is_reserved(proc):
    fd = proc.open("/dev/shm/f", O_RDWR | O_CREAT)
    proc.fallocate(fd, 0, 0, 3 * PAGE_SIZE)
    assert (proc.fstat(fd).st_size, proc.fincore(fd)) == (3 * PAGE_SIZE, b"\0\0\0")  # reserved, not used yet
    proc.fallocate(fd, FALLOC_FL_KEEP_SIZE, 3 * PAGE_SIZE, PAGE_SIZE)
    assert proc.fstat(fd).st_size == 3 * PAGE_SIZE


@pytest.mark.parametrize(
    ("path", "flags", "arguments", "errno"),
    [("/data/book.txt", O_RDWR, (0, -1, 1), EINVAL), ("/data/book.txt", O_RDWR, (0, 0, 0), EINVAL),
     ("/data/book.txt", O_RDWR, (FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP),
     ("/data/book.txt", O_RDONLY, (0, 0, 1), EBADF), ("/dev/zero", O_RDWR, (0, 0, 1), ENODEV),
     ("/ram/f", O_RDWR | O_CREAT, (0, 0, 1), EOPNOTSUPP)],
)  # fmt: skip
def test_what_if_room_cannot_be_reserved(proc, path, flags, arguments, errno):
    fd = proc.open(path, flags)
    with pytest.raises(OSError, match="vfs_fallocate") as refused:
        proc.fallocate(fd, *arguments)
    assert refused.value.errno == errno


def test_what_if_a_file_is_cut_and_grows_again_nothing_of_the_old_comes_back(kernel, proc, book):
    proc.ftruncate(book, PAGE_SIZE + 10)
    proc.ftruncate(book, 3 * PAGE_SIZE)
    proc.fsync(book)
    kernel.drop_caches()
    assert proc.pread(book, 16, PAGE_SIZE) == b"page1 line" + bytes(6)
    assert proc.pread(book, 8, 2 * PAGE_SIZE) == bytes(8)


def test_what_if_a_mapped_file_is_cut(proc, book):
    addr = proc.mmap(0, 2 * PAGE_SIZE, RW, MAP_PRIVATE, book)
    proc.store(addr + PAGE_SIZE, b"mine")
    proc.ftruncate(book, PAGE_SIZE)
    with pytest.raises(BusError):
        proc.load(addr + PAGE_SIZE)  # truncate takes private copies, too


@pytest.mark.parametrize(("offset", "length"), [(100, 100), (PAGE_SIZE - 1, 2), (0, PAGE_SIZE + 904)])
def test_what_if_a_hole_is_punched_between_two_stores(program, offset, length):  # noqa: F811
    """Nothing is written back for it: what stays mapped can still be stored to without a fault."""
    fd = make_file(program, "/data/hole", 3)
    addr = program.mmap(0, 3 * PAGE_SIZE, RW, MAP_SHARED, fd)
    program.store(addr, b"x" * 3 * PAGE_SIZE)
    program.fallocate(fd, PUNCH, offset, length)
    kept = [page for page in range(3) if program.pagemap(addr + page * PAGE_SIZE).present]
    assert 0 < len(kept) < 4
    assert faults(program, lambda: [program.store(addr + page * PAGE_SIZE, b"y") for page in kept]) == (0, 0)
    program.unlink("/data/hole")


@pytest.mark.parametrize(("offset", "left"), [(0, b"\0"), (1, b"x"), (100, b"x"), (PAGE_SIZE - 1, b"x")])
def test_what_if_a_hole_is_punched_past_the_end(program, offset, left):  # noqa: F811
    """There is nothing to punch: what was stored past the end stays, until it is written back."""
    fd = make_file(program, "/data/hole", 0, 1)
    addr = program.mmap(0, PAGE_SIZE, RW, MAP_SHARED, fd)
    program.store(addr, b"x" * 200)
    program.fallocate(fd, PUNCH, offset, PAGE_SIZE)
    assert program.load(addr + 150) == left
    program.unlink("/data/hole")
