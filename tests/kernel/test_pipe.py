"""What if programs talk through a pipe? It holds 16 pages; it never waits, for nobody here can sleep."""

import stat
from errno import EACCES, EAGAIN, EBADF, EFAULT, EINVAL, EMFILE, ENODEV, EPERM, EPIPE, ESPIPE

import pytest

from mmlab import (
    F_GETFL,
    MAP_PRIVATE,
    MAP_SHARED,
    O_NONBLOCK,
    O_RDONLY,
    O_WRONLY,
    PROT_EXEC,
    PROT_READ,
    RLIMIT_NOFILE,
    SEEK_SET,
    Kernel,
)
from tests.kernel.both import errno_of, machine, program, real  # noqa: F401
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, map_at, unchanged

CAPACITY = 16 * PAGE
HOLE = at(40)


@pytest.fixture
def ends(program):  # noqa: F811
    return program.pipe()


def test_what_if_bytes_go_through(program, ends):  # noqa: F811
    read, write = ends
    assert (read, write) == (3, 4)
    assert [program.write(write, data) for data in (b"one", b"two", b"")] == [3, 3, 0]
    assert [program.read(read, count) for count in (0, 4, 9)] == [b"", b"onet", b"wo"]
    assert errno_of(program.read, read, 1) == EAGAIN


def test_what_if_it_is_filled(program, ends):  # noqa: F811
    read, write = ends
    map_at(program, 0, 20, RW, MEMORY)
    assert program.sys_write(write, at(0), 20 * PAGE) == CAPACITY
    assert errno_of(program.write, write, b"#") == EAGAIN
    assert program.read(read, 1) == b"\0"
    assert errno_of(program.write, write, b"#") == EAGAIN  # no page has become free yet
    assert (len(program.read(read, PAGE - 1)), program.write(write, b"#")) == (PAGE - 1, 1)
    assert program.read(read, 1 << 20) == bytes(15 * PAGE) + b"#"


def test_what_if_writes_do_not_fill_their_pages(program, ends):  # noqa: F811
    """A write goes on in the last page only where what is over a number of pages fits there: so room is lost."""
    read, write = ends
    assert [program.write(write, b"#" * 4000) for _ in range(16)] == [4000] * 16
    assert errno_of(program.write, write, b"#" * 97) == EAGAIN
    assert program.write(write, b"#" * 96) == 96
    assert len(program.read(read, CAPACITY)) == 16 * 4000 + 96


def test_what_if_nobody_writes_any_more(program, ends):  # noqa: F811
    read, write = ends
    program.write(write, b"last")
    copy = program.dup(write)
    program.close(write)
    assert (program.read(read, 3), program.close(copy)) == (b"las", None)
    assert [program.read(read, 9), program.read(read, 9), program.sys_read(read, HOLE, 9)] == [b"t", b"", 0]


def test_what_if_nobody_reads_any_more(program, ends):  # noqa: F811
    read, write = ends
    program.close(read)
    assert (errno_of(program.write, write, b"#"), program.write(write, b"")) == (EPIPE, 0)
    assert errno_of(program.sys_write, write, HOLE, 1) == EPIPE


def test_what_if_a_child_has_the_ends_too(program, ends):  # noqa: F811
    read, write = ends
    child = program.fork()
    program.close(write)
    child.write(write, b"from the child")
    child.exit()
    assert [program.read(read, 99), program.read(read, 99)] == [b"from the child", b""]


def test_what_if_a_wrong_end_is_used(program, ends):  # noqa: F811
    read, write = ends
    assert (errno_of(program.read, write, 1), errno_of(program.write, read, b"#")) == (EBADF, EBADF)
    assert errno_of(program.read, read, 1) == EAGAIN


def test_what_if_the_memory_is_bad(program, ends):  # noqa: F811
    read, write = ends
    map_at(program, 0, 2, RW, MEMORY)
    assert errno_of(program.sys_write, write, HOLE, 5) == EFAULT
    assert errno_of(program.sys_write, write, at(2) - 10, 30) == EFAULT  # a page goes in whole or not at all
    assert errno_of(program.read, read, 1) == EAGAIN
    assert program.sys_write(write, at(1) - 4, 2 * PAGE) == PAGE
    assert errno_of(program.sys_read, read, at(2) - 10, 30) == EFAULT
    assert len(program.read(read, CAPACITY)) == PAGE


def test_what_if_the_memory_is_untouched(program, ends):  # noqa: F811
    read, write = ends
    map_at(program, 0, 2, RW, MEMORY)
    assert faults(program, program.sys_write, write, at(1) - 5, 10) == (2, 0)
    assert faults(program, program.sys_read, read, at(1) - 5, 10) == (2, 0)  # two zero pages become two of its own


@pytest.mark.parametrize(("end", "prot", "flags", "errno"), [
    (0, PROT_READ, MAP_SHARED, ENODEV), (0, RW, MAP_PRIVATE, ENODEV), (0, RW, MAP_SHARED, EACCES),
    (0, PROT_READ | PROT_EXEC, MAP_SHARED, EPERM), (0, PROT_READ, 0, EINVAL),
    (1, PROT_READ, MAP_SHARED, EACCES), (1, RW, MAP_PRIVATE, EACCES),
])  # fmt: skip
def test_what_if_it_is_mapped(program, ends, end, prot, flags, errno):  # noqa: F811
    assert errno_of(program.mmap, 0, PAGE, prot, flags, ends[end]) == errno


def test_what_if_it_is_used_as_a_file_with_places(program, ends):  # noqa: F811
    read, write = ends
    status = program.fstat(read)
    assert (status.st_mode, status.st_size, status.st_nlink) == (stat.S_IFIFO | 0o600, 0, 1)
    assert status == program.fstat(write)
    assert [errno_of(program.lseek, fd, 0, SEEK_SET) for fd in ends] == [ESPIPE, ESPIPE]
    assert (errno_of(program.pread, read, 1, 0), errno_of(program.pwrite, write, b"#", 0)) == (ESPIPE, ESPIPE)
    assert errno_of(program.pread, read, 1, -1) == EINVAL
    assert [errno_of(program.ftruncate, fd, 0) for fd in ends] == [EINVAL, EINVAL]
    assert [errno_of(program.fallocate, fd, 0, 0, 1) for fd in ends] == [EBADF, ESPIPE]
    assert (errno_of(program.fsync, read), program.fincore(read)) == (EINVAL, b"")
    assert [program.fcntl(fd, F_GETFL) for fd in ends] == [O_RDONLY | O_NONBLOCK, O_WRONLY | O_NONBLOCK]


def test_what_if_there_is_one_number_left():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    proc.setrlimit(RLIMIT_NOFILE, 4)
    with unchanged(kernel):
        assert errno_of(proc.pipe) == EMFILE
    assert proc.dup(0) == 3


def test_what_if_its_pages_are_counted():
    """They are memory, too, and are free again when both ends are closed."""
    kernel = Kernel()
    proc = kernel.spawn("reader")
    free = kernel.meminfo()["MemFree"]
    read, write = proc.pipe()
    proc.write(write, b"#" * 10000)
    assert kernel.meminfo()["MemFree"] == free - 12
    proc.close(write)
    kernel.check()
    proc.close(read)
    assert kernel.meminfo()["MemFree"] == free


def test_what_if_check_meets_a_wrong_count():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    read, _ = proc.pipe()
    pipe = proc.task.files[read].f_path.d_inode.i_private
    pipe.readers += 1
    with pytest.raises(AssertionError, match=r"pipe#1.readers is 2, but recomputed it is 1"):
        kernel.check()
    pipe.readers -= 1
