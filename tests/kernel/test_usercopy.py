"""What if read(2) and write(2) meet memory that is not there? The kernel's copy faults pages in, or ends early."""

import time
from errno import EBADF, EFAULT, EINVAL, EISDIR

import pytest

from mmlab import (
    MADV_PAGEOUT,
    MADV_RANDOM,
    MAP_PRIVATE,
    MAP_SHARED,
    O_APPEND,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    PROT_NONE,
    PROT_READ,
    SEEK_CUR,
    SEEK_END,
    SEEK_SET,
    Kernel,
    OutOfMemory,
)
from tests.kernel.both import anew, errno_of, machine, program, real  # noqa: F401
from tests.kernel.helpers import (
    ARENA,
    MEMORY,
    PAGE,
    RW,
    at,
    faults,
    make_file,
    map_at,
    page_text,
    present,
    ranges,
    unchanged,
)

END = 0x7FFFFFFFF000  # of a program's addresses
FOLDERS = ["/dev/shm", "/ram", "/data"]  # tmpfs, ramfs, a disk
HOLE = at(40)  # nothing is mapped here


@pytest.fixture(params=FOLDERS)
def fd(program, request):  # noqa: F811
    """A file of three numbered pages and 100 bytes."""
    fd = anew(program, f"{request.param}/f", O_RDWR | O_CREAT)
    for number in range(3):
        program.pwrite(fd, page_text(number), number * PAGE)
    program.pwrite(fd, b"e" * 100, 3 * PAGE)
    return fd


def place(proc, fd):
    return proc.lseek(fd, 0, SEEK_CUR)


# ── what is faulted in ──────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_file_is_read_into_untouched_memory(program, fd):  # noqa: F811
    map_at(program, 0, 8, RW, MEMORY)
    program.store(at(7), b"x")  # so that the page table is there
    assert faults(program, program.sys_read, fd, at(0) + 4090, 20) == (2, 0)
    assert (program.load(at(0) + 4090, 20), place(program, fd)) == (page_text(0)[:20], 20)
    assert present(program, 8) == "AA.....A"
    assert faults(program, program.sys_read, fd, at(0) + 4090, 20) == (0, 0)


def test_what_if_untouched_memory_is_written_to_a_file(program, fd):  # noqa: F811
    map_at(program, 0, 8, RW, MEMORY)
    assert faults(program, program.sys_write, fd, at(0) + 4090, 20) == (2, 0)
    assert (program.pread(fd, 30, 0), place(program, fd)) == (bytes(20) + page_text(0)[20:30], 20)
    assert present(program, 8) == "ZZ......"  # a write(2) only loads


def test_what_if_a_file_is_copied_through_its_own_mappings(program, fd):  # noqa: F811
    map_at(program, 0, 4, RW, MAP_SHARED, fd)
    map_at(program, 8, 4, RW, MAP_PRIVATE, fd)
    assert program.sys_read(fd, at(1), PAGE) == PAGE  # page 0 of the file to its page 1
    assert program.pread(fd, PAGE, PAGE) == page_text(0)
    assert program.sys_read(fd, at(8), PAGE) == PAGE  # page 1, which is page 0's text now, to a private copy
    assert (program.load(at(8), 8), present(program, 1, first=8)) == (page_text(0)[:8], "A")
    assert program.sys_write(fd, at(11), 100) == 100
    assert program.pread(fd, 101, 2 * PAGE) == b"e" * 100 + page_text(2)[100:101]


def test_what_if_read_meets_a_page_that_fork_shares(program, fd):  # noqa: F811
    map_at(program, 0, 1, RW, MEMORY)
    program.store(at(0), b"mine")
    child = program.fork()
    assert faults(child, child.sys_read, fd, at(0), 4) == (1, 0)
    assert (child.load(at(0), 4), program.load(at(0), 4)) == (page_text(0)[:4], b"mine")
    child.exit()


# ── what is not there ───────────────────────────────────────────────────────────────────────────────────────


def test_what_if_the_memory_ends_within_a_read(program, fd):  # noqa: F811
    map_at(program, 0, 1, RW, MEMORY)
    assert program.sys_read(fd, at(1) - 10, 30) == 10
    assert (program.load(at(1) - 10, 10), place(program, fd)) == (page_text(0)[:10], 10)
    assert (errno_of(program.sys_read, fd, at(1), 30), place(program, fd)) == (EFAULT, 10)


def test_what_if_a_read_that_fails_at_once_is_followed_by_a_page_without_contents(program):  # noqa: F811
    """That page, a hole cut by the file's end, is not read: the read has not come to it."""
    fd = program.open("/data/cut", O_RDWR | O_CREAT)
    for size in (4 * PAGE, 2 * PAGE - 1):
        program.ftruncate(fd, size)
    assert errno_of(program.sys_read, fd, HOLE, PAGE + 1) == EFAULT
    assert program.fincore(fd) == b"\1\0"
    assert program.pread(fd, PAGE, PAGE) == bytes(PAGE - 1)
    assert program.fincore(fd) == b"\1\1"
    program.unlink("/data/cut")


def test_what_if_a_read_that_fails_at_once_comes_to_the_mark_of_read_ahead(program):  # noqa: F811
    """Read-ahead goes on: the kernel asks the disk for the next pages before it copies the first."""
    fd = uncached_file(program, "/data/ahead", 12)
    program.pread(fd, 1, 0)
    assert soon_cached(program, fd, 4)  # and page 1 is marked
    assert errno_of(program.sys_read, fd, HOLE, PAGE) == EFAULT
    assert program.fincore(fd) == bytes([1] * 4 + [0] * 8)
    assert errno_of(program.sys_read, fd, HOLE, 2 * PAGE) == EFAULT
    assert soon_cached(program, fd, 12)
    assert place(program, fd) == 0
    program.unlink("/data/ahead")


def test_what_if_a_page_is_marked_because_the_next_ones_are_read(program):  # noqa: F811
    """Fault-around passes it by: its own fault has the window after it read."""
    fd = uncached_file(program, "/data/ahead", 5)
    program.pread(fd, 1, 0)
    assert soon_cached(program, fd, 4)
    map_at(program, 0, 5, PROT_READ, MAP_SHARED, fd)
    program.load(at(0))
    assert present(program, 5) == "F.FF."
    program.load(at(1))
    assert soon_cached(program, fd, 5)
    assert present(program, 5) == "FFFF."  # page 4 is marked in turn
    assert faults(program, program.load, at(4)) == (1, 0)
    program.unlink("/data/ahead")


def test_what_if_a_page_that_could_not_go_out_is_read(program):  # noqa: F811
    """PG_reclaim and PG_readahead are one bit, but there is no window after it, so nothing is read."""
    fd = make_file(program, "/data/ahead", 1)
    program.pwrite(fd, b"x", 2 * PAGE)
    map_at(program, 0, 1, RW, MAP_PRIVATE, fd)
    program.load(at(0))
    program.madvise(at(0), PAGE, MADV_PAGEOUT)
    program.pread(fd, 1, 0)
    assert program.fincore(fd) == b"\1\0\1"
    program.unlink("/data/ahead")


def soon_cached(proc, fd, pages):
    """Tell whether so many pages of the file are cached, the first ones; the disk may need a moment."""
    wanted = bytes(n < pages for n in range(len(proc.fincore(fd))))
    return any(proc.fincore(fd) == wanted or time.sleep(0.01) for _ in range(500))


def uncached_file(proc, path, pages):
    """Make a file of so many numbered pages, none of them cached."""
    fd = make_file(proc, path, pages)
    proc.fsync(fd)
    map_at(proc, 0, pages, PROT_READ, MAP_SHARED, fd)
    proc.madvise(at(0), pages * PAGE, MADV_RANDOM)
    proc.load(at(0), pages * PAGE)
    proc.madvise(at(0), pages * PAGE, MADV_PAGEOUT)
    proc.munmap(at(0), pages * PAGE)
    assert proc.fincore(fd) == bytes(pages)
    return fd


def test_what_if_the_memory_ends_within_a_write(program, fd):  # noqa: F811
    map_at(program, 0, 1, RW, MEMORY)
    program.store(at(1) - 10, b"#" * 10)
    assert program.sys_write(fd, at(1) - 10, 30) == 10
    assert (program.pread(fd, 11, 0), place(program, fd)) == (b"#" * 10 + page_text(0)[10:11], 10)
    assert (errno_of(program.sys_write, fd, at(1), 30), place(program, fd)) == (EFAULT, 10)
    assert program.fstat(fd).st_size == 3 * PAGE + 100


def test_what_if_read_is_forbidden_to_store(program, fd):  # noqa: F811
    map_at(program, 0, 1, PROT_READ, MEMORY)
    map_at(program, 1, 1, PROT_NONE, MEMORY)
    assert [errno_of(program.sys_read, fd, at(page), 1) for page in (0, 1)] == [EFAULT, EFAULT]
    assert (program.sys_write(fd, at(0), 1), errno_of(program.sys_write, fd, at(1), 1)) == (1, EFAULT)
    assert present(program, 2) == "Z."


def test_what_if_the_memory_maps_past_the_end_of_its_file(program, fd):  # noqa: F811
    map_at(program, 0, 8, RW, MAP_SHARED, fd)
    assert errno_of(program.sys_read, fd, at(4), 1) == EFAULT  # a store there would be SIGBUS
    assert program.lseek(fd, 0, SEEK_CUR) == 0
    assert program.sys_write(fd, at(4) - 5, 10) == 5  # the bytes between the end and the page's end are there
    assert program.pread(fd, 5, 0) == bytes(5)


def test_what_if_nothing_is_to_be_copied(program, fd):  # noqa: F811
    program.lseek(fd, 0, SEEK_END)
    assert program.sys_read(fd, HOLE, 10) == 0  # at the end of the file nobody looks at the address
    assert (program.sys_read(fd, HOLE, 0), program.sys_write(fd, HOLE, 0)) == (0, 0)


def test_what_if_a_bad_address_is_written_past_the_end(program, fd):  # noqa: F811
    """Linux makes the page, and lets the file grow up to it, before it looks for the bytes (since 6.14)."""
    program.lseek(fd, 5 * PAGE + 50, SEEK_SET)
    assert errno_of(program.sys_write, fd, HOLE, 10) == EFAULT
    assert (program.fstat(fd).st_size, place(program, fd)) == (5 * PAGE + 50, 5 * PAGE + 50)
    assert program.fincore(fd) == b"\1\1\1\1\0\1"
    assert program.pread(fd, PAGE, 5 * PAGE) == bytes(50)


@pytest.mark.parametrize(
    ("folder", "at_byte", "left"),
    [("/data", 100, b"......after"), ("/data", 5000, b"..........."),
     *((folder, at_byte, b"beforeafter") for folder in ("/dev/shm", "/ram") for at_byte in (100, 5000))],
)  # fmt: skip
def test_what_if_a_write_leaves_a_hole_where_something_was_stored_past_the_end(program, folder, at_byte, left):  # noqa: F811
    """A disk's file system zeroes the hole, up to the new bytes and no farther; in memory nobody does."""
    fd = anew(program, f"{folder}/hole", O_RDWR | O_CREAT)
    program.write(fd, b"x")
    map_at(program, 0, 2, RW, MAP_SHARED, fd)
    program.store(at(0) + 50, b"before")
    program.store(at(0) + 3000, b"after")
    program.pwrite(fd, b"y", at_byte)
    assert program.load(at(0) + 50, 6) + program.load(at(0) + 3000, 5) == left.replace(b".", b"\0")
    program.unlink(f"{folder}/hole")


def test_what_if_a_bad_address_is_appended(program, fd):  # noqa: F811
    end = program.open("/data/f", O_WRONLY | O_APPEND | O_CREAT)
    size = program.fstat(end).st_size
    assert errno_of(program.sys_write, end, HOLE, 10) == EFAULT
    assert (program.fstat(end).st_size, place(program, end)) == (size, 0)


@pytest.mark.parametrize(("address", "count", "errno"), [
    (END - 10, 10, None), (END - 10, 11, EFAULT), (END, 0, None), (END + 1, 0, EFAULT), (1 << 63, 1, EFAULT),
    (ARENA, 1 << 63, EFAULT), (ARENA, (1 << 64) - 1, EFAULT), (ARENA, END - ARENA, None),
    (ARENA, END - ARENA + 1, EFAULT),
])  # fmt: skip
def test_what_if_no_program_could_have_such_memory(program, fd, address, count, errno):  # noqa: F811
    """The range is checked before anything is read, so that it fails at the end of the file, too."""
    program.lseek(fd, 0, SEEK_END)
    if errno:
        assert errno_of(program.sys_read, fd, address, count) == errno
        assert errno_of(program.sys_write, fd, address, count) == errno
    else:
        assert program.sys_read(fd, address, count) == 0
    assert program.fstat(fd).st_size == 3 * PAGE + 100


def test_which_failure_comes_first(program, fd):  # noqa: F811
    directory = program.open("/data", O_RDONLY)
    assert errno_of(program.sys_read, 99, 1 << 63, 1) == EBADF
    assert errno_of(program.sys_read, program.open("/data/w", O_WRONLY | O_CREAT), 1 << 63, 1) == EBADF
    assert errno_of(program.sys_write, directory, 1 << 63, 1) == EBADF
    assert [errno_of(program.sys_read, directory, address, 1) for address in (1 << 63, HOLE)] == [EFAULT, EISDIR]


# ── what is no file of pages ────────────────────────────────────────────────────────────────────────────────


def test_what_if_devices_meet_bad_memory(program):  # noqa: F811
    map_at(program, 0, 1, RW, MEMORY)
    zero, null = program.open("/dev/zero", O_RDWR), program.open("/dev/null", O_RDWR)
    program.store(at(0), b"#" * PAGE)
    assert (program.sys_read(zero, at(1) - 10, 30), program.load(at(1) - 11, 11)) == (10, b"#" + bytes(10))
    assert errno_of(program.sys_read, zero, HOLE, 5) == EFAULT
    assert [program.sys_write(fd, HOLE, 5) for fd in (zero, null)] == [5, 5]  # they never look
    assert program.sys_read(null, HOLE, 5) == 0
    assert errno_of(program.sys_write, null, 1 << 63, 5) == EFAULT


def test_what_if_a_text_of_proc_meets_bad_memory(program):  # noqa: F811
    map_at(program, 0, 1, RW, MEMORY)
    fd = program.open("/proc/self/maps", O_RDONLY)
    assert (program.sys_read(fd, at(1) - 10, 30), place(program, fd)) == (10, 10)
    assert (errno_of(program.sys_read, fd, HOLE, 30), place(program, fd)) == (EFAULT, 10)


# ── only simulated ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_disk_of_blocks_is_read_and_written(kernel, proc):
    fd = proc.open("/dev/vda", O_RDWR)
    map_at(proc, 0, 2, RW, MEMORY)
    assert proc.sys_read(fd, at(2) - 12, 20) == 12
    assert proc.load(at(2) - 12, 12) == b"vda sector 0"
    proc.lseek(fd, PAGE, SEEK_SET)
    assert errno_of(proc.sys_write, fd, HOLE, PAGE) == EFAULT
    assert proc.pread(fd, 12, PAGE) == b"vda sector 8"  # a page that was to be written as a whole is not lost
    kernel.check()


@pytest.mark.parametrize("count", [PAGE, 100])
def test_what_if_a_page_that_is_not_in_memory_is_to_be_written_from_a_bad_address(kernel, proc, count):
    fd = proc.open("/data/book.txt", O_RDWR)
    assert errno_of(proc.sys_write, fd, HOLE, count) == EFAULT
    assert kernel.meminfo()["Dirty"] == 0
    assert proc.pread(fd, 6, 0) == b"page0 "


def test_what_if_the_first_half_of_a_whole_page_is_in_memory(kernel, proc):
    """The copy that may not fault is short, and would leave a page half filled: it is tried with what there is."""
    fd = proc.open("/data/book.txt", O_RDWR)
    map_at(proc, 0, 2, RW, MEMORY)
    proc.store(at(0) + 2048, b"#" * 2048)
    proc.munmap(at(1), PAGE)
    assert proc.sys_write(fd, at(0) + 2048, PAGE) == 2048
    assert proc.pread(fd, 2054, 0)[2046:] == b"##" + proc.pread(fd, 6, 2048)
    assert b"page0" in proc.pread(fd, 100, 2048)
    map_at(proc, 1, 1, RW, MEMORY)
    assert proc.sys_write(fd, at(0) + 2048, PAGE) == PAGE


def test_what_if_there_is_no_page_left_for_the_copy():
    """The kernel asks for a page in the program's name: it is the program that is killed."""
    kernel = Kernel(mem=16 << 20)
    proc = kernel.spawn("reader")
    fd = proc.open("/dev/zero", O_RDWR)
    map_at(proc, 0, 4096, RW, MEMORY)
    with pytest.raises(OutOfMemory):
        proc.sys_read(fd, at(0), 4096 * PAGE)
    assert proc.exit_code == 137


@pytest.mark.parametrize(("method", "errno"), [("sys_read", EFAULT), ("sys_write", EFAULT)])
def test_what_if_a_copy_that_fails_is_looked_at_closely(kernel, proc, method, errno):
    fd = proc.open("/tmp/f", O_RDWR | O_CREAT)
    proc.pwrite(fd, b"abc", 0)
    with unchanged(kernel):
        assert errno_of(getattr(proc, method), fd, 1 << 63, 1) == errno
        assert errno_of(proc.pread, fd, -1, 0) == EINVAL
    assert ranges(proc) == []


def test_what_if_the_trace_of_a_read_is_looked_at(kernel, proc):
    fd = proc.open("/data/book.txt", O_RDONLY)
    map_at(proc, 0, 1, RW, MEMORY)
    with kernel.trace() as trace:
        proc.sys_read(fd, at(0), 5)
    wanted = ["sys_read", "vfs_read", "generic_file_read_iter", "copy_page_to_iter", "copy_to_user", "do_page_fault"]
    assert [name for name in trace.functions() if name in wanted] == wanted
    assert "generic_file_read_iter(file#5, 0, iov_iter) {" in str(trace)
