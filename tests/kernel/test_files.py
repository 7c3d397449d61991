"""What if files are opened, read and written in odd ways? As far as mmap needs them, they do as Linux does."""

from errno import EACCES, EBADF, EEXIST, EFBIG, EINVAL, EISDIR, ENOENT, ENOTDIR, EPERM

import pytest

from mmlab import (
    O_APPEND,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_RDONLY,
    O_RDWR,
    O_TRUNC,
    O_WRONLY,
    SEEK_CUR,
    SEEK_END,
    SEEK_SET,
)
from tests.kernel.helpers import PAGE, make_file, page_text, unchanged

BOOK = "/data/book.txt"

WRONG_PATHS = {
    "no such file": ("/data/none", O_RDONLY, ENOENT),
    "no such directory": ("/none/f", O_RDWR | O_CREAT, ENOENT),
    "an empty path": ("", O_RDONLY, ENOENT),
    "a file as a directory": (f"{BOOK}/f", O_RDWR | O_CREAT, ENOTDIR),
    "O_DIRECTORY of a file": (BOOK, O_DIRECTORY, ENOTDIR),
    "a directory for writing": ("/data", O_RDWR, EISDIR),
    "a directory with O_CREAT": ("/data", O_CREAT, EISDIR),
    "the root with O_CREAT": ("/", O_CREAT, EISDIR),
    "a dot with O_CREAT": ("/data/.", O_CREAT, EISDIR),
    "O_EXCL of a file that exists": (BOOK, O_RDWR | O_CREAT | O_EXCL, EEXIST),
    "a new file in /proc": ("/proc/new", O_RDWR | O_CREAT, EACCES),
}


@pytest.mark.parametrize("what", WRONG_PATHS)
def test_what_if_open_is_wrong(kernel, proc, what):
    path, flags, errno = WRONG_PATHS[what]
    with unchanged(kernel), pytest.raises(OSError) as raised:
        proc.open(path, flags)
    assert raised.value.errno == errno


@pytest.mark.parametrize("path", ["/data/book.txt", "/data/./book.txt", "/data/../data//book.txt", "/../data/book.txt"])
def test_what_if_the_path_goes_round_about(proc, path):
    assert proc.read(proc.open(path, O_RDONLY), 5) == b"page0"


@pytest.mark.parametrize(("call", "path", "errno"), [
    ("mkdir", "/data", EEXIST), ("mkdir", "/", EEXIST), ("mkdir", "/none/d", ENOENT), ("mkdir", f"{BOOK}/d", ENOTDIR),
    ("unlink", "/data", EISDIR), ("unlink", "/data/none", ENOENT), ("unlink", "/proc/meminfo", EPERM),
])  # fmt: skip
def test_what_if_a_name_is_wrong(kernel, proc, call, path, errno):
    with unchanged(kernel), pytest.raises(OSError) as raised:
        getattr(proc, call)(path)
    assert raised.value.errno == errno


def test_what_if_a_directory_is_made(proc):
    proc.mkdir("/tmp/d")
    proc.close(make_file(proc, "/tmp/d/f", 1))
    assert proc.read(proc.open("/tmp/d/f", O_RDONLY), 7) == b"0000000"


@pytest.mark.parametrize("path", ["/data/f", "/ram/f", "/tmp/f"])
def test_what_if_a_file_is_written_and_read(proc, path):
    fd = make_file(proc, path, 2, extra=3)
    assert proc.pread(fd, 1 << 40, 4000) == page_text(0)[4000:] + page_text(1) + b"eee"
    assert (proc.lseek(fd, -3, SEEK_END), proc.read(fd, 9), proc.read(fd, 9)) == (2 * PAGE, b"eee", b"")
    proc.pwrite(fd, b"far", 5 * PAGE + 1)
    assert proc.pread(fd, 8, 2 * PAGE) == b"eee" + bytes(5)
    assert (proc.fstat(fd).st_size, proc.pread(fd, 4, 5 * PAGE)) == (5 * PAGE + 4, b"\0far")
    assert [proc.lseek(fd, 7, SEEK_SET), proc.lseek(fd, 2, SEEK_CUR), proc.write(fd, b"xy")] == [7, 9, 2]
    assert proc.lseek(fd, 0, SEEK_CUR) == 11
    proc.ftruncate(fd, 3)
    assert proc.pread(fd, 100, 0) == b"000"


def test_what_if_a_file_is_opened_to_append(proc):
    """Every write goes to the end, pwrite's too, as Linux has it."""
    fd = make_file(proc, "/tmp/f", 1)
    end = proc.open("/tmp/f", O_WRONLY | O_APPEND)
    proc.write(end, b"one")
    proc.pwrite(end, b"two", 0)
    assert proc.pread(fd, 100, PAGE) == b"onetwo"


def test_what_if_a_file_is_opened_to_be_truncated(proc):
    fd = make_file(proc, "/data/f", 2)
    proc.open("/data/f", O_RDWR | O_TRUNC)
    assert (proc.fstat(fd).st_size, proc.fincore(fd)) == (0, b"")


def test_what_if_the_book_is_read_from_the_disk(kernel, proc):
    fd = proc.open(BOOK, O_RDONLY)
    assert proc.fincore(fd) == bytes(5)
    assert proc.pread(fd, 12, 2 * PAGE) == b"page2 line00"
    assert proc.fincore(fd) == b"\0\0\1\0\0"  # a single read: no more than it asked for
    assert proc.pread(fd, 1, 0) == b"p"
    assert proc.fincore(fd) == b"\1\1\1\1\0"  # the start of a file: a stream may follow
    assert kernel.meminfo()["Dirty"] == 0


WRONG_CALLS = {
    "read of a closed fd": (lambda p, fd: p.read(99, 1), EBADF),
    "read of fd -1": (lambda p, fd: p.read(-1, 1), EBADF),
    "read of a write-only fd": (lambda p, fd: p.read(p.open("/tmp/f", O_WRONLY), 1), EBADF),
    "write to a read-only fd": (lambda p, fd: p.write(p.open("/tmp/f", O_RDONLY), b"#"), EBADF),
    "read of a directory": (lambda p, fd: p.read(p.open("/tmp", O_RDONLY), 1), EISDIR),
    "read of -1 bytes": (lambda p, fd: p.read(fd, -1), EINVAL),
    "pread at -1": (lambda p, fd: p.pread(fd, 1, -1), EINVAL),
    "pread at 2^63": (lambda p, fd: p.pread(fd, 1, 2**63), EINVAL),
    "pwrite at -1": (lambda p, fd: p.pwrite(fd, b"#", -1), EINVAL),
    "pwrite past the largest file": (lambda p, fd: p.pwrite(p.open(BOOK, O_RDWR), b"#", 2**44), EFBIG),
    "lseek to -1": (lambda p, fd: p.lseek(fd, -1, SEEK_SET), EINVAL),
    "lseek to 2^63": (lambda p, fd: p.lseek(fd, 2**63, SEEK_SET), EINVAL),
    "lseek from nowhere": (lambda p, fd: p.lseek(fd, 0, 9), EINVAL),
    "ftruncate to -1": (lambda p, fd: p.ftruncate(fd, -1), EINVAL),
    "ftruncate of a read-only fd": (lambda p, fd: p.ftruncate(p.open("/tmp/f", O_RDONLY), 0), EINVAL),
    "ftruncate past the largest file": (lambda p, fd: p.ftruncate(p.open(BOOK, O_RDWR), 2**44), EFBIG),
    "ftruncate of /dev/zero": (lambda p, fd: p.ftruncate(p.open("/dev/zero", O_RDWR), 0), EINVAL),
    "close of a closed fd": (lambda p, fd: p.close(99), EBADF),
    "fstat of a closed fd": (lambda p, fd: p.fstat(99), EBADF),
    "fincore of a closed fd": (lambda p, fd: p.fincore(99), EBADF),
}


@pytest.mark.parametrize("what", WRONG_CALLS)
def test_what_if_a_call_on_a_file_is_wrong(kernel, proc, what):
    call, errno = WRONG_CALLS[what]
    fd = make_file(proc, "/tmp/f", 1)
    with pytest.raises(OSError) as raised:
        call(proc, fd)
    assert raised.value.errno == errno
    assert proc.pread(fd, 7, 0) == b"0000000"


def test_what_if_devices_are_read_and_written(proc):
    zero, null = proc.open("/dev/zero", O_RDWR), proc.open("/dev/null", O_RDWR)
    assert (proc.read(zero, 3), proc.read(null, 3)) == (bytes(3), b"")
    assert (proc.write(zero, b"abc"), proc.write(null, b"abc")) == (3, 3)


def test_what_if_meminfo_is_read(kernel, proc):
    fd = proc.open("/proc/meminfo", O_RDONLY)
    assert proc.read(fd, 1 << 20).decode() == str(kernel.meminfo())
    assert dict(line.split(":") for line in str(kernel.meminfo()).splitlines())["Mapped"].split() == [
        str(kernel.meminfo()["Mapped"]),
        "kB",
    ]
