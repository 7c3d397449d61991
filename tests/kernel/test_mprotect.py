"""What if protection changes, memory is locked, or a program asks what is in memory: mprotect, mlock, mincore."""

from contextlib import suppress
from errno import EACCES, EAGAIN, EINVAL, ENOMEM, EPERM

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_LOCKED,
    MAP_PRIVATE,
    MAP_SHARED,
    MLOCK_ONFAULT,
    O_RDONLY,
    O_RDWR,
    PAGE_SIZE,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    RLIMIT_MEMLOCK,
    SegmentationFault,
)
from mmlab.include.mm import VM_LOCKED
from mmlab.mm.vma import find_vma
from tests.kernel.both import errno_of, machine, program, real  # noqa: F401

RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS


def areas(proc, addr, pages):
    """Give (first page, end page, permissions) of each VMA in the range."""
    found = []
    for line in proc.maps().splitlines():
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        if start < addr + pages * PAGE_SIZE and end > addr:
            found.append(((start - addr) // PAGE_SIZE, (end - addr) // PAGE_SIZE, line.split()[1]))
    return found


@pytest.fixture
def four(proc):
    """Four pages of anonymous memory, the first two touched, with a hole on each side."""
    addr = proc.mmap(0, 6 * PAGE_SIZE, RW, ANON)
    proc.munmap(addr, PAGE_SIZE)
    proc.munmap(addr + 5 * PAGE_SIZE, PAGE_SIZE)
    proc.store(addr + PAGE_SIZE, b"x" * (PAGE_SIZE + 1))
    return addr + PAGE_SIZE


def test_what_if_the_middle_becomes_read_only_and_writable_again(proc, four):
    proc.mprotect(four + PAGE_SIZE, PAGE_SIZE, PROT_READ)
    assert areas(proc, four, 4) == [(0, 1, "rw-p"), (1, 2, "r--p"), (2, 4, "rw-p")]
    with pytest.raises(SegmentationFault):
        proc.store(four + PAGE_SIZE, b"y")
    proc.mprotect(four + PAGE_SIZE, PAGE_SIZE, RW)
    assert areas(proc, four, 4) == [(0, 4, "rw-p")]
    before = proc.getrusage()
    proc.store(four + PAGE_SIZE, b"y")
    assert proc.getrusage() == before  # its own anonymous page: the PTE was made writable at once


def test_what_if_a_private_file_page_becomes_writable(proc):
    fd = proc.open("/data/book.txt", O_RDONLY)
    addr = proc.mmap(0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd)
    proc.load(addr)
    proc.mprotect(addr, PAGE_SIZE, RW)
    before = proc.getrusage().ru_minflt
    proc.store(addr, b"P")
    assert proc.getrusage().ru_minflt == before + 1  # it must be copied
    assert proc.pread(fd, 1, 0) == b"p"


def test_what_if_there_is_a_hole(proc, four):
    with pytest.raises(OSError, match="nothing is mapped") as refused:
        proc.mprotect(four + 2 * PAGE_SIZE, 3 * PAGE_SIZE, PROT_READ)
    assert refused.value.errno == ENOMEM
    assert areas(proc, four, 4) == [(0, 2, "rw-p"), (2, 4, "r--p")]  # what precedes the hole is changed


@pytest.mark.parametrize(
    ("offset", "length", "prot", "errno"),
    [(1, PAGE_SIZE, PROT_READ, EINVAL), (0, PAGE_SIZE, 0x100, EINVAL), (0, 2**64 - PAGE_SIZE, PROT_READ, ENOMEM)],
)
def test_what_if_the_arguments_are_wrong(proc, four, offset, length, prot, errno):
    before = proc.maps()
    with pytest.raises(OSError, match="mprotect") as refused:
        proc.mprotect(four + offset, length, prot)
    assert (refused.value.errno, proc.maps()) == (errno, before)


def test_what_if_a_shared_mapping_of_a_read_only_file_is_to_be_written(proc):
    addr = proc.mmap(0, PAGE_SIZE, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY))
    with pytest.raises(PermissionError, match="VM_MAY") as refused:
        proc.mprotect(addr, PAGE_SIZE, RW)
    assert refused.value.errno == EACCES


def test_what_if_nothing_may_be_done_with_memory(proc, four):
    proc.mprotect(four, PAGE_SIZE, PROT_NONE)
    with pytest.raises(SegmentationFault):
        proc.load(four)
    assert proc.pagemap(four).present  # the page stays
    proc.mprotect(four, PAGE_SIZE, PROT_READ)
    assert proc.load(four) == b"x"


def test_what_if_memory_becomes_writable_it_is_promised(kernel, proc):
    addr = proc.mmap(0, 4 * PAGE_SIZE, PROT_READ, ANON)
    before = kernel.meminfo()["Committed_AS"]
    proc.mprotect(addr, 2 * PAGE_SIZE, RW)
    assert kernel.meminfo()["Committed_AS"] == before + 8
    proc.mprotect(addr, 2 * PAGE_SIZE, PROT_READ)  # untouched: the promise is taken back, and the VMAs merge
    assert kernel.meminfo()["Committed_AS"] == before
    assert areas(proc, addr, 4) == [(0, 4, "r--p")]


def test_what_if_memory_is_locked_and_unlocked(proc, four):
    proc.mlock(four + PAGE_SIZE, 2 * PAGE_SIZE)
    assert proc.mincore(four, 4 * PAGE_SIZE) == b"\1\1\1\0"  # locking faults pages in
    assert [area[:2] for area in areas(proc, four, 4)] == [(0, 1), (1, 3), (3, 4)]
    assert proc.task.mm.locked_vm == 2
    proc.munlock(four, 4 * PAGE_SIZE)
    assert (proc.task.mm.locked_vm, areas(proc, four, 4)) == (0, [(0, 4, "rw-p")])


def test_what_if_memory_is_locked_on_fault(proc, four):
    proc.mlock(four, 4 * PAGE_SIZE, MLOCK_ONFAULT)
    assert proc.mincore(four, 4 * PAGE_SIZE) == b"\1\1\0\0"
    assert find_vma(proc.task.mm, four).vm_flags & VM_LOCKED


def test_what_if_a_user_may_lock_no_more(proc, four):
    proc.setrlimit(RLIMIT_MEMLOCK, 2 * PAGE_SIZE)
    proc.setuid(1000)
    proc.mlock(four, 2 * PAGE_SIZE)
    proc.mlock(four, 2 * PAGE_SIZE)  # the same pages again
    with pytest.raises(OSError, match="RLIMIT_MEMLOCK") as refused:
        proc.mlock(four, 3 * PAGE_SIZE)
    assert (refused.value.errno, proc.task.mm.locked_vm) == (ENOMEM, 2)


@pytest.mark.parametrize(("limit", "of_mmap", "of_mlock"), [(0, EPERM, EPERM), (1, EAGAIN, ENOMEM)])
def test_what_if_a_user_may_lock_nothing(program, limit, of_mmap, of_mlock):  # noqa: F811
    """No memory at all is another errno than too much; and each is found before what is wrong with the file."""
    fd = program.open("/data/book.txt", O_RDWR)
    addr = program.mmap(0, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS)
    program.setrlimit(RLIMIT_MEMLOCK, limit)
    with suppress(OSError):  # in a user namespace there is no other user, nor the right to lock more
        program.setuid(1000)
    before = str(program.maps())
    locked = MAP_PRIVATE | MAP_LOCKED
    assert errno_of(program.mmap, 0, PAGE_SIZE, PROT_READ, locked | MAP_ANONYMOUS) == of_mmap
    assert errno_of(program.mmap, 0, PAGE_SIZE, PROT_READ, locked, fd, 2**63 - PAGE_SIZE) == of_mmap
    assert errno_of(program.mlock, addr, PAGE_SIZE) == of_mlock
    assert str(program.maps()) == before


def test_what_if_locking_meets_a_hole(proc, four):
    with pytest.raises(OSError, match="nothing is mapped") as refused:
        proc.mlock(four + 3 * PAGE_SIZE, 2 * PAGE_SIZE)
    assert (refused.value.errno, proc.task.mm.locked_vm) == (ENOMEM, 1)


def test_what_if_a_file_page_is_cached_but_not_mapped(proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, 6 * PAGE_SIZE, PROT_READ, MAP_SHARED, fd)
    assert proc.mincore(addr, 6 * PAGE_SIZE) == bytes(6)
    proc.read(fd, 1)
    assert proc.mincore(addr, 6 * PAGE_SIZE) == b"\1\1\1\1\0\0"
    with pytest.raises(OSError, match="mincore") as refused:
        proc.mincore(addr, 2**47)
    assert refused.value.errno == ENOMEM
