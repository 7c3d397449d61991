"""What if a file in memory is sealed? What a seal forbids, nobody can do any more, by no road."""

from errno import EACCES, EBADF, EBUSY, EFAULT, EINVAL, EMFILE, ENOSYS, EPERM

import pytest

from mmlab import (
    F_ADD_SEALS,
    F_DUPFD,
    F_GET_SEALS,
    F_GETFL,
    F_SEAL_EXEC,
    F_SEAL_FUTURE_WRITE,
    F_SEAL_GROW,
    F_SEAL_SEAL,
    F_SEAL_SHRINK,
    F_SEAL_WRITE,
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    MADV_REMOVE,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MFD_ALLOW_SEALING,
    MFD_CLOEXEC,
    MFD_EXEC,
    MFD_HUGETLB,
    MFD_NOEXEC_SEAL,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PROT_READ,
    RLIMIT_NOFILE,
    SEEK_SET,
    Kernel,
)
from mmlab.include.mman import O_PATH
from tests.kernel.both import anew, errno_of, machine, program, real  # noqa: F401
from tests.kernel.helpers import MEMORY, PAGE, RW, at, lines, map_at, unchanged

SIZE = PAGE + 100
PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
CONTENTS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE


@pytest.fixture
def fd(program):  # noqa: F811
    """A memfd of a page and 100 bytes, which may be sealed."""
    fd = program.memfd_create("sealed", MFD_ALLOW_SEALING)
    program.pwrite(fd, b"x" * SIZE, 0)
    return fd


def seal(proc, fd, seals):
    assert proc.fcntl(fd, F_ADD_SEALS, seals) == 0


def seals(proc, fd):
    return proc.fcntl(fd, F_GET_SEALS)


# ── memfd_create ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("flags", "mode", "sealed"), [
    (0, 0o777, F_SEAL_SEAL), (MFD_CLOEXEC, 0o777, F_SEAL_SEAL), (MFD_EXEC, 0o777, F_SEAL_SEAL),
    (MFD_ALLOW_SEALING, 0o777, 0), (MFD_ALLOW_SEALING | MFD_EXEC, 0o777, 0),
    (MFD_NOEXEC_SEAL, 0o666, F_SEAL_EXEC), (MFD_NOEXEC_SEAL | MFD_ALLOW_SEALING, 0o666, F_SEAL_EXEC),
])  # fmt: skip
def test_what_if_a_memfd_is_made(program, flags, mode, sealed):  # noqa: F811
    fd = program.memfd_create("f", flags)
    status = program.fstat(fd)
    assert (status.st_size, status.st_mode, status.st_nlink) == (0, 0o100000 | mode, 0)
    assert (seals(program, fd), program.fcntl(fd, F_GETFL) & 3) == (sealed, O_RDWR)


@pytest.mark.parametrize(("name", "flags"), [
    ("f", MFD_EXEC | MFD_NOEXEC_SEAL), ("f", 0x20), ("f", 1 << 31), ("f", 21 << 26), ("n" * 250, 0), ("é" * 125, 0),
])  # fmt: skip
def test_what_if_memfd_create_is_wrong(program, name, flags):  # noqa: F811
    assert errno_of(program.memfd_create, name, flags) == EINVAL
    assert program.memfd_create("n" * 249, 0) == 3


def test_what_if_a_memfd_is_mapped(program, fd):  # noqa: F811
    map_at(program, 0, 2, RW, MAP_SHARED, fd)
    program.store(at(0), b"stored")
    assert program.pread(fd, 7, 0) == b"storedx"
    assert lines(program)[0][73:] == "/memfd:sealed (deleted)"


def test_what_if_the_name_is_two_lines(program):  # noqa: F811
    map_at(program, 0, 1, PROT_READ, MAP_SHARED, program.memfd_create("two\nlines, a\\"))
    assert lines(program)[0][73:] == "/memfd:two\\012lines, a\\ (deleted)"


# ── what each seal forbids ──────────────────────────────────────────────────────────────────────────────────


def test_what_if_it_may_not_shrink(program, fd):  # noqa: F811
    seal(program, fd, F_SEAL_SHRINK)
    assert errno_of(program.ftruncate, fd, SIZE - 1) == EPERM
    assert program.pread(fd, 1 << 20, 0) == b"x" * SIZE
    program.ftruncate(fd, SIZE)
    program.ftruncate(fd, SIZE + 1)
    program.fallocate(fd, PUNCH, 0, PAGE)
    assert program.pread(fd, 1 << 20, 0) == bytes(PAGE) + b"x" * 100 + b"\0"


def test_what_if_it_may_not_grow(program, fd):  # noqa: F811
    seal(program, fd, F_SEAL_GROW)
    assert [errno_of(program.ftruncate, fd, SIZE + 1), errno_of(program.pwrite, fd, b"#", SIZE)] == [EPERM, EPERM]
    assert errno_of(program.pwrite, fd, b"##", SIZE - 1) == EPERM
    assert [errno_of(program.fallocate, fd, mode, 0, SIZE + 1) for mode in (0, FALLOC_FL_KEEP_SIZE)] == [EPERM, EPERM]
    assert program.pread(fd, 1 << 20, 0) == b"x" * SIZE
    map_at(program, 0, 1, RW, MEMORY)
    program.lseek(fd, PAGE - 10, SEEK_SET)
    assert program.sys_write(fd, at(0), 200) == 10  # page by page: the first one does not grow it
    program.fallocate(fd, 0, 0, SIZE)
    program.ftruncate(fd, 7)
    assert program.pread(fd, 1 << 20, 0) == b"x" * 7


def test_what_if_it_may_not_grow_and_the_address_is_bad_too(program, fd):  # noqa: F811
    seal(program, fd, F_SEAL_GROW)
    program.lseek(fd, 9 * PAGE, SEEK_SET)
    assert errno_of(program.sys_write, fd, at(40), 1) == EPERM
    program.lseek(fd, 0, SEEK_SET)
    assert errno_of(program.sys_write, fd, at(40), 1) == EFAULT
    assert program.fstat(fd).st_size == SIZE


def test_what_if_it_may_not_be_written(program, fd):  # noqa: F811
    seal(program, fd, F_SEAL_WRITE)
    assert [errno_of(program.pwrite, fd, b"#", 0), errno_of(program.fallocate, fd, PUNCH, 0, PAGE)] == [EPERM, EPERM]
    assert errno_of(program.mmap, 0, PAGE, RW, MAP_SHARED, fd) == EPERM
    assert (program.pwrite(fd, b"", 0), program.pread(fd, 1 << 20, 0)) == (0, b"x" * SIZE)
    map_at(program, 0, 1, RW, MAP_PRIVATE, fd)
    program.store(at(0), b"mine")
    assert program.pread(fd, 4, 0) == b"xxxx"
    program.fallocate(fd, 0, 0, SIZE + 1)
    program.ftruncate(fd, 1)
    assert program.fstat(fd).st_size == 1


def test_what_if_it_is_sealed_and_mapped_to_be_read(program, fd):  # noqa: F811
    """Since 6.7 it may; but mprotect cannot make it writable, nor can anything else reach the file through it."""
    seal(program, fd, F_SEAL_WRITE)
    map_at(program, 0, 1, PROT_READ, MAP_SHARED, fd)
    flags = str(program.smaps()).partition("memfd:sealed")[2].partition("VmFlags: ")[2].split("\n")[0].split()
    assert ("mr" in flags, "mw" in flags, "sh" in flags) == (True, False, True)
    assert errno_of(program.mprotect, at(0), PAGE, RW) == EACCES
    assert errno_of(program.madvise, at(0), PAGE, MADV_REMOVE) == EACCES
    assert errno_of(program.sys_read, fd, at(0), 1) == EFAULT
    assert program.mremap(at(0), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(8)) == at(8)
    assert errno_of(program.mprotect, at(8), PAGE, RW) == EACCES
    assert program.load(at(8), 4) == b"xxxx"


@pytest.mark.parametrize("prot", [RW, PROT_READ])
def test_what_if_it_is_to_be_sealed_while_it_is_mapped(program, fd, prot):  # noqa: F811
    """A shared mapping that could be written counts, whether it is writable now or not, and whosever it is."""
    map_at(program, 0, 2, prot, MAP_SHARED, fd)
    child = program.fork()
    assert (errno_of(program.fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE), seals(program, fd)) == (EBUSY, 0)
    program.munmap(at(0), PAGE)
    child.munmap(at(0), 2 * PAGE)
    assert errno_of(program.fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) == EBUSY
    program.munmap(at(1), PAGE)
    map_at(program, 0, 2, RW, MAP_PRIVATE, fd)
    seal(program, fd, F_SEAL_WRITE)
    assert errno_of(child.pwrite, fd, b"#", 0) == EPERM
    child.exit()


def test_what_if_only_mappings_there_are_may_write(program, fd):  # noqa: F811
    map_at(program, 0, 1, RW, MAP_SHARED, fd)
    seal(program, fd, F_SEAL_FUTURE_WRITE)
    program.store(at(0), b"stored")
    assert [errno_of(program.pwrite, fd, b"#", 0), errno_of(program.fallocate, fd, PUNCH, 0, PAGE)] == [EPERM, EPERM]
    assert errno_of(program.mmap, at(4), PAGE, RW, MAP_SHARED | MAP_FIXED, fd) == EPERM
    map_at(program, 4, 1, PROT_READ, MAP_SHARED, fd)
    assert (errno_of(program.mprotect, at(4), PAGE, RW), program.load(at(4), 7)) == (EACCES, b"storedx")
    program.mprotect(at(0), PAGE, PROT_READ)
    program.mprotect(at(0), PAGE, RW)
    assert errno_of(program.fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE) == EBUSY
    program.munmap(at(0), PAGE)
    seal(program, fd, F_SEAL_WRITE)  # the mapping at page 4 can never be written: it does not count
    assert seals(program, fd) == F_SEAL_FUTURE_WRITE | F_SEAL_WRITE


def test_what_if_its_x_bits_are_sealed(program, fd):  # noqa: F811
    """Where the file may be executed, its contents are sealed with them."""
    map_at(program, 0, 1, RW, MAP_SHARED, fd)
    assert (errno_of(program.fcntl, fd, F_ADD_SEALS, F_SEAL_EXEC), seals(program, fd)) == (EBUSY, 0)
    program.munmap(at(0), PAGE)
    seal(program, fd, F_SEAL_EXEC)
    assert seals(program, fd) == F_SEAL_EXEC | CONTENTS
    other = program.memfd_create("f", MFD_NOEXEC_SEAL)
    seal(program, other, F_SEAL_EXEC)
    assert seals(program, other) == F_SEAL_EXEC


# ── adding seals ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_seals_are_sealed(program, fd):  # noqa: F811
    seal(program, fd, F_SEAL_SEAL | F_SEAL_GROW)
    assert errno_of(program.fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE) == EPERM
    assert errno_of(program.fcntl, fd, F_ADD_SEALS, 0) == EPERM
    assert errno_of(program.fcntl, fd, F_ADD_SEALS, 0x40) == EINVAL
    assert seals(program, fd) == F_SEAL_SEAL | F_SEAL_GROW


def test_what_if_it_is_not_a_memfd(program):  # noqa: F811
    named = anew(program, "/dev/shm/f", O_RDWR | O_CREAT)
    assert (seals(program, named), errno_of(program.fcntl, named, F_ADD_SEALS, F_SEAL_GROW)) == (F_SEAL_SEAL, EPERM)
    read, write = program.pipe()
    for fd in (program.open("/data/book.txt", O_RDWR), program.open("/dev/zero", O_RDWR), write):
        assert errno_of(program.fcntl, fd, F_ADD_SEALS, 0) == EINVAL
        assert errno_of(program.fcntl, fd, F_GET_SEALS) == EINVAL
    for fd in (read, program.open("/dev/shm/f", O_RDONLY)):
        assert errno_of(program.fcntl, fd, F_ADD_SEALS, 0x40) == EPERM


def test_what_if_fcntl_is_asked_for_something_else(program, fd):  # noqa: F811
    assert errno_of(program.fcntl, 99, F_GET_SEALS) == EBADF
    assert errno_of(program.fcntl, fd, 12345) == EINVAL
    path = program.open("/data/book.txt", O_PATH)
    assert (program.fcntl(path, F_GETFL), errno_of(program.fcntl, path, F_GET_SEALS)) == (O_PATH, EBADF)
    copy = program.fcntl(fd, F_DUPFD, 50)
    assert (copy, program.fcntl(fd, F_DUPFD, 50), program.pread(copy, 1, 0)) == (50, 51, b"x")
    assert [errno_of(program.fcntl, fd, F_DUPFD, start) for start in (1024, -1)] == [EINVAL, EINVAL]
    seal(program, copy, (1 << 32) | F_SEAL_GROW)  # the argument is an unsigned int
    assert seals(program, fd) == F_SEAL_GROW


# ── only simulated ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_it_is_counted(kernel, proc):
    before = kernel.meminfo()
    fd = proc.memfd_create("f")
    proc.pwrite(fd, b"#" * (2 * PAGE), 0)
    map_at(proc, 0, 2, PROT_READ, MAP_SHARED, fd)
    proc.load(at(0))
    now = kernel.meminfo()
    assert [now[name] - before[name] for name in ("Shmem", "Cached", "Mapped", "Dirty")] == [8, 8, 8, 0]
    assert proc.task.mm.rss_stat["MM_SHMEMPAGES"] == 2
    proc.close(fd)
    assert kernel.meminfo()["Shmem"] - before["Shmem"] == 8
    proc.munmap(at(0), 2 * PAGE)
    assert kernel.meminfo()["Shmem"] == before["Shmem"]


@pytest.mark.parametrize(("name", "flags", "limit", "errno"), [
    ("f", MFD_HUGETLB, 99, ENOSYS), ("f", MFD_HUGETLB | 21 << 26, 99, ENOSYS), ("f", 0, 3, EMFILE),
    ("f", MFD_HUGETLB, 3, EMFILE), ("n" * 250, 0, 3, EINVAL), ("n" * 250, 0x20, 3, EINVAL),
])  # fmt: skip
def test_what_if_memfd_create_fails(kernel, proc, name, flags, limit, errno):
    proc.setrlimit(RLIMIT_NOFILE, limit)
    with unchanged(kernel):
        assert errno_of(proc.memfd_create, name, flags) == errno


def test_what_if_a_seal_is_refused(kernel, proc):
    fd = proc.memfd_create("f", MFD_ALLOW_SEALING)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    sealed = proc.memfd_create("sealed", MFD_ALLOW_SEALING)
    seal(proc, sealed, CONTENTS)
    with unchanged(kernel):
        assert errno_of(proc.fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) == EBUSY
        assert errno_of(proc.mmap, 0, PAGE, RW, MAP_SHARED, sealed) == EPERM
        assert errno_of(proc.pwrite, sealed, b"#", 0) == EPERM
        assert errno_of(proc.ftruncate, sealed, PAGE) == EPERM
        assert errno_of(proc.fallocate, sealed, 0, 0, PAGE) == EPERM


def test_what_if_check_meets_a_mapping_that_breaks_a_seal():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    fd = proc.memfd_create("f", MFD_ALLOW_SEALING)
    seal(proc, fd, F_SEAL_WRITE)
    mapping = proc.task.files[fd].f_mapping
    assert mapping.i_mmap_writable == -1
    mapping.i_mmap_writable = 0
    with pytest.raises(AssertionError, match=r"mapping:memfd:f.i_mmap_writable, sealed, is 0, but recomputed it is -1"):
        kernel.check()
    mapping.i_mmap_writable = -1
