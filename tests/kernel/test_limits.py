"""What if a limit is met: RLIMIT_AS, _DATA, _FSIZE, _MEMLOCK, and setrlimit's own refusals; on both kernels."""

import errno

import pytest

from mmlab import (
    FALLOC_FL_KEEP_SIZE,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_LOCKED,
    MAP_PRIVATE,
    MAP_SHARED,
    O_APPEND,
    O_CREAT,
    O_RDWR,
    PROT_READ,
    PROT_WRITE,
    RLIMIT_AS,
    RLIMIT_DATA,
    RLIMIT_FSIZE,
    RLIMIT_MEMLOCK,
    RLIMIT_NOFILE,
    RLIMIT_STACK,
    Kernel,
)
from tests.kernel.both import errno_of, machine, program, real  # noqa: F401
from tests.kernel.helpers import MEMORY, PAGE, RW, at, map_at, ranges, unchanged

INFINITY = 2**64 - 1


def data_bytes(proc):
    """VmData, in bytes."""
    fd = proc.open("/proc/self/status", 0)
    text = proc.pread(fd, 1 << 15, 0).decode()
    proc.close(fd)
    return int(text.split("VmData:")[1].split()[0]) << 10


@pytest.mark.parametrize(("resource", "soft", "wanted"), [
    (16, 1, errno.EINVAL), (-1, 1, errno.EINVAL), (RLIMIT_MEMLOCK, (8 << 20) + 1, errno.EINVAL),
    (RLIMIT_NOFILE, 4097, errno.EINVAL),
])  # fmt: skip
def test_what_if_a_limit_cannot_be(program, resource, soft, wanted):  # noqa: F811
    assert errno_of(program.setrlimit, resource, soft) == wanted
    for _ in range(2):
        program.setrlimit(RLIMIT_NOFILE, 4096)


@pytest.mark.parametrize("resource", [0, 4, 5, 10])
def test_what_if_a_limit_is_set_that_nothing_asks_for(program, resource):  # noqa: F811
    program.setrlimit(resource, INFINITY)
    program.setrlimit(2**32 + RLIMIT_STACK, 1 << 20)  # an unsigned int


def test_what_if_private_memory_would_be_more_data_than_allowed(program):  # noqa: F811
    program.setrlimit(RLIMIT_DATA, data_bytes(program) + 2 * PAGE)
    map_at(program, 0, 9, PROT_READ, MEMORY)
    map_at(program, 9, 9, RW, MAP_SHARED | MAP_ANONYMOUS)
    assert errno_of(map_at, program, 20, 3, RW, MEMORY) == errno.ENOMEM
    map_at(program, 20, 2, RW, MEMORY)
    map_at(program, 20, 2, RW, MEMORY)  # what it replaces does not count
    assert errno_of(program.mprotect, at(0), PAGE, RW) == errno.ENOMEM
    assert errno_of(program.mremap, at(20), 2 * PAGE, 3 * PAGE, 1) == errno.ENOMEM
    assert ranges(program) == [(0, 9, "r--p", 0), (9, 18, "rw-s", 0), (20, 22, "rw-p", 0)]
    program.setrlimit(RLIMIT_DATA, 0)  # which is as good as none, but for brk (4.7)
    map_at(program, 30, 3, RW, MEMORY)
    top = program.brk(0)
    assert program.brk(top + PAGE) == top


def test_what_if_the_heap_would_be_too_large(program):  # noqa: F811
    start = program.brk(0)
    program.setrlimit(RLIMIT_DATA, data_bytes(program) + 64 * PAGE)
    assert program.brk(start + PAGE) == start + PAGE
    program.setrlimit(RLIMIT_DATA, 2 * PAGE)  # of which the program's own data takes a part
    assert program.brk(start + 2 * PAGE) == start + PAGE
    program.setrlimit(RLIMIT_DATA, INFINITY)
    assert program.brk(start + 2 * PAGE) == start + 2 * PAGE


def test_what_if_a_refused_mapping_was_to_replace_others(program):  # noqa: F811
    """Since 6.12 what is in the way is cut before the limit is looked at, and stays cut."""
    map_at(program, 0, 4, PROT_READ, MEMORY)
    program.setrlimit(RLIMIT_AS, PAGE)
    assert errno_of(map_at, program, 1, 1, RW, MEMORY) == errno.ENOMEM
    assert ranges(program) == [(0, 1, "r--p", 0), (1, 2, "r--p", 0), (2, 4, "r--p", 0)]


@pytest.mark.parametrize("path", ["/data/limited", "/dev/shm/limited", "/ram/limited"])
def test_what_if_a_file_would_be_too_large(program, path):  # noqa: F811
    fd = program.open(path, O_RDWR | O_CREAT)
    program.setrlimit(RLIMIT_FSIZE, PAGE + 100)
    assert errno_of(program.ftruncate, fd, PAGE + 101) == errno.EFBIG
    assert program.pwrite(fd, b"x" * 200, PAGE) == 100  # as much as fits
    assert errno_of(program.pwrite, fd, b"x", PAGE + 100) == errno.EFBIG
    assert program.pwrite(fd, b"", PAGE + 100) == 0
    end = program.open(path, O_RDWR | O_APPEND)
    assert errno_of(program.write, end, b"x") == errno.EFBIG
    if not path.startswith("/ram"):
        keeping = errno_of(program.fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE) if "shm" in path else errno.EFBIG
        assert (errno_of(program.fallocate, fd, 0, 0, 2 * PAGE), keeping) == (errno.EFBIG, errno.EFBIG)
    assert program.fstat(fd).st_size == PAGE + 100
    program.setrlimit(RLIMIT_FSIZE, 1)
    program.ftruncate(fd, PAGE)  # smaller is always right
    addr = program.mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd)
    program.store(addr + 99, b"a store is no write(2)")
    program.unlink(path)


def test_what_if_nothing_may_be_locked(program):  # noqa: F811
    program.setrlimit(RLIMIT_MEMLOCK, 0)
    program.setuid(1000)
    assert errno_of(map_at, program, 0, 1, RW, MEMORY | MAP_LOCKED) == errno.EPERM
    map_at(program, 0, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    assert errno_of(program.mlock, at(0), PAGE) == errno.EPERM


def test_what_if_a_limit_is_refused_nothing_changes():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    with unchanged(kernel), pytest.raises(OSError, match="do_prlimit: rlim_cur") as raised:
        proc.setrlimit(RLIMIT_MEMLOCK, INFINITY)
    assert raised.value.errno == errno.EINVAL
