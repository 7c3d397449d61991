"""memfd, pipes, System V memory, and the kernel's own accesses to a program's memory."""

from errno import EACCES, EFAULT, EINVAL, ENODEV

import pytest

import mmlab
from mmlab import MAP_PRIVATE, MAP_SHARED, MREMAP_FIXED, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, map_at, page_text, present
from tests.kernel.semantics.seen import fails, name, spans

NONE, MINOR = (0, 0), (1, 0)
IPC_RMID, IPC_STAT, SHM_REMAP = 0, 2, 0o40000


@pytest.fixture
def needs(proc):
    """A function that gives methods of the process; the test is skipped where the simulation has none yet."""

    def methods(*names):
        for method in names:
            if not hasattr(proc, method):
                pytest.skip(f"mmlab.Process has no {method} yet")
        return [getattr(proc, method) for method in names]

    return methods


@pytest.fixture
def memfd(needs, proc):
    """A memfd of three numbered pages."""
    (memfd_create,) = needs("memfd_create")
    fd = memfd_create("notes")
    for page in range(3):
        proc.pwrite(fd, page_text(page), page * PAGE)
    return fd


# ── memfd ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_memfd_is_mapped(proc, memfd):
    map_at(proc, 0, 3, RW, MAP_SHARED, memfd)
    assert name(proc, 0) == "/memfd:notes (deleted)"
    assert faults(proc, proc.load, at(0)) == MINOR
    assert faults(proc, proc.store, at(1), b"#") == NONE  # no page_mkwrite, and mapped around the load


def test_what_if_a_memfd_has_a_hole(proc, memfd):
    proc.ftruncate(memfd, 8 * PAGE)
    map_at(proc, 0, 8, PROT_READ, MAP_SHARED, memfd)
    assert faults(proc, proc.load, at(7)) == MINOR
    assert present(proc, 8) == "FFF....F"


def test_what_if_a_memfd_grows_over_what_was_stored_past_its_end(proc, memfd):
    proc.ftruncate(memfd, 2 * PAGE + 5)
    map_at(proc, 0, 3, RW, MAP_SHARED, memfd)
    proc.store(at(2) + 100, b"past")
    proc.ftruncate(memfd, 3 * PAGE)
    assert proc.pread(memfd, 4, 2 * PAGE + 100) == b"past"


# ── pipes ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_pipe_is_mapped(needs, proc):
    (pipe,) = needs("pipe")
    read_end, write_end = pipe()
    with fails(proc, ENODEV):
        proc.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, read_end)
    with fails(proc, EACCES):
        proc.mmap(0, PAGE, PROT_WRITE, MAP_PRIVATE, write_end)


# ── System V ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def segment(needs, proc):
    shmget, shmctl, *_ = needs("shmget", "shmctl", "shmat", "shmdt")
    try:
        number = shmget(0x51, 2 * PAGE, 0o1600)
    except mmlab.linux.Unavailable as reason:
        pytest.skip(str(reason))
    yield number
    shmctl(number, IPC_RMID)


def nattch(proc, segment):
    return proc.shmctl(segment, IPC_STAT).shm_nattch


def test_what_if_a_segment_is_attached(proc, segment):
    proc.shmat(segment, at(0))
    assert (name(proc, 0), nattch(proc, segment)) == ("/SYSV00000051 (deleted)", 1)
    proc.store(at(0), b"kept")
    proc.shmdt(at(0))
    assert (spans(proc), nattch(proc, segment)) == ([], 0)
    proc.shmat(segment, at(4))
    assert proc.load(at(4), 4) == b"kept"
    proc.shmdt(at(4))


def test_what_if_an_attached_segment_is_cut_and_mended(proc, segment):
    """A VMA whose vm_ops has close is never deleted by a merge: nattch stays balanced."""
    proc.shmat(segment, at(0))
    proc.mprotect(at(1), PAGE, PROT_READ)
    proc.mprotect(at(1), PAGE, RW)
    assert (spans(proc), nattch(proc, segment)) == ([(0, 1), (1, 2)], 2)
    child = proc.fork()
    assert nattch(proc, segment) == 4
    child.exit()
    proc.munmap(at(0), PAGE)
    assert nattch(proc, segment) == 1
    proc.shmdt(at(0))
    assert nattch(proc, segment) == 0


def test_what_if_an_attached_segment_moves(proc, segment):
    proc.shmat(segment, at(0))
    proc.mremap(at(0), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(8))
    assert (spans(proc), nattch(proc, segment)) == ([(8, 10)], 1)
    with fails(proc, EINVAL):
        proc.shmdt(at(0))
    proc.shmdt(at(8))


def test_what_if_something_is_mapped_where_a_segment_is_to_go(proc, segment):
    map_at(proc, 0, 1, RW, MEMORY)
    with fails(proc, EINVAL):
        proc.shmat(segment, at(0))
    proc.shmat(segment, at(0), SHM_REMAP)
    assert (spans(proc), nattch(proc, segment)) == ([(0, 2)], 1)
    proc.shmdt(at(0))


# ── the kernel reads and writes a program's memory ──────────────────────────────────────────────────────────


def test_what_if_a_file_is_read_into_memory(needs, proc):
    """The copy faults pages in; where it cannot, it is EFAULT instead of a signal."""
    sys_read, sys_write = needs("sys_read", "sys_write")
    fd = proc.open("/data/book.txt", 2)
    map_at(proc, 0, 2, RW, MEMORY)
    assert sys_read(fd, at(0), 5) == 5
    assert (proc.load(at(0), 5), present(proc, 2)) == (b"page0", "A.")
    with fails(proc, EFAULT):
        sys_read(fd, at(9), 5)
    with fails(proc, EFAULT):
        sys_write(fd, at(9), 5)
    map_at(proc, 4, 1, PROT_READ, MEMORY)
    with fails(proc, EFAULT):
        sys_read(fd, at(4), 5)
