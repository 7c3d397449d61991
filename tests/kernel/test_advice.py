"""What if a program gives newer advice: pages that are cold or go out, huge and mergeable memory; on both kernels."""

import errno

import pytest

from mmlab import (
    MADV_COLD,
    MADV_COLLAPSE,
    MADV_HUGEPAGE,
    MADV_MERGEABLE,
    MADV_NOHUGEPAGE,
    MADV_PAGEOUT,
    MADV_POPULATE_WRITE,
    MADV_RANDOM,
    MADV_UNMERGEABLE,
    MAP_ANONYMOUS,
    MAP_LOCKED,
    MAP_PRIVATE,
    MAP_SHARED,
    PROT_READ,
    BusError,
    Kernel,
)
from tests.kernel.both import errno_of, machine, program, real  # noqa: F401
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, make_file, map_at, present, ranges, unchanged

HWPOISON, SOFT_OFFLINE = 100, 101


def vm_flags(proc, page=0):
    """The VmFlags of the VMA that begins at that page."""
    block = ("\n" + str(proc.smaps())).split(f"\n{at(page):x}-")[1]
    return block.split("VmFlags: ")[1].split("\n")[0].split()


def referenced(proc, page=0):
    block = ("\n" + str(proc.smaps())).split(f"\n{at(page):x}-")[1]
    return int(block.split("Referenced:")[1].split()[0])


def test_what_if_memory_is_cold(program):  # noqa: F811
    map_at(program, 0, 2, RW, MEMORY)
    program.store(at(0), b"#" * 2 * PAGE)
    program.madvise(at(1), PAGE, MADV_COLD)
    assert (present(program, 2), referenced(program), program.load(at(1))) == ("AA", 4, b"#")
    assert referenced(program) == 8


def test_what_if_cold_memory_has_two_owners(program):  # noqa: F811
    """Then it stays as it is: the other may need it."""
    map_at(program, 0, 1, RW, MEMORY)
    program.store(at(0), b"#")
    child = program.fork()
    program.madvise(at(0), PAGE, MADV_COLD)
    assert referenced(program) == 4
    child.exit()
    program.madvise(at(0), PAGE, MADV_COLD)
    assert referenced(program) == 0


def test_what_if_clean_pages_of_a_disk_go_out(program):  # noqa: F811
    """They leave the page cache, and the next load reads the disk: a major fault."""
    fd = make_file(program, "/data/out", 3)
    program.fsync(fd)
    map_at(program, 0, 3, PROT_READ, MAP_SHARED, fd)
    program.madvise(at(0), 3 * PAGE, MADV_RANDOM)
    program.load(at(0), 3 * PAGE)
    program.madvise(at(0), 2 * PAGE, MADV_PAGEOUT)
    assert (present(program, 3), program.fincore(fd)) == ("..F", b"\0\0\1")
    assert faults(program, program.load, at(0))[1] == 1
    program.unlink("/data/out")


def test_what_if_a_locked_page_is_unmapped_twice_at_once(program):  # noqa: F811
    """It counts as used once: it is locked until both mappings are gone, and a locked page does not become active."""
    fd = make_file(program, "/dev/shm/locked", 1)
    map_at(program, 0, 1, RW, MAP_SHARED | MAP_LOCKED, fd)
    map_at(program, 1, 2, RW, MAP_PRIVATE, fd)
    with pytest.raises(BusError):  # there is no such page; but now the VMA has an anon_vma, and fork copies its PTEs
        program.store(at(2), b"#")
    program.load(at(1))
    child = program.fork()
    assert referenced(child, 1) == 0
    program.munmap(at(0), 3 * PAGE)
    assert referenced(child, 1) == 4
    child.exit()
    program.unlink("/dev/shm/locked")


@pytest.mark.parametrize("path", ["/data/out", "/dev/shm/out"])
def test_what_if_dirty_pages_go_out(program, path):  # noqa: F811
    """They are unmapped, but stay in the page cache: there is no swap, and reclaim writes no disk (6.16).

    Those of a disk get a mark that fault-around takes for that of read-ahead: the two share a bit.
    """
    fd = make_file(program, path, 2)
    map_at(program, 0, 2, RW, MAP_SHARED, fd)
    program.store(at(0), b"#" * 2 * PAGE)
    program.madvise(at(0), 2 * PAGE, MADV_PAGEOUT)
    assert (present(program, 2), program.fincore(fd)) == ("..", b"\1\1")
    assert (program.load(at(0)), faults(program, program.load, at(1))) == (b"#", (int("data" in path), 0))
    program.unlink(path)


def test_what_if_what_lives_in_memory_only_goes_out(program):  # noqa: F811
    fd = make_file(program, "/ram/out", 1)
    map_at(program, 0, 1, PROT_READ, MAP_SHARED, fd)
    map_at(program, 1, 1, RW, MEMORY)
    program.load(at(0))
    program.store(at(1), b"#")
    program.madvise(at(0), 2 * PAGE, MADV_PAGEOUT)
    assert (present(program, 2), referenced(program, 1)) == ("FA", 4)
    program.unlink("/ram/out")


def test_what_if_another_users_file_goes_out(program):  # noqa: F811
    """It stays: who may not write it is not to learn who else uses it. His own copies may go (but to where?)."""
    fd = make_file(program, "/data/out", 2)
    program.fsync(fd)
    map_at(program, 0, 1, PROT_READ, MAP_SHARED, fd)
    map_at(program, 1, 1, RW, MAP_PRIVATE, fd, 1)
    program.load(at(0), 2 * PAGE)
    program.setuid(1000)
    program.madvise(at(0), 2 * PAGE, MADV_PAGEOUT)
    assert present(program, 2) == "FF"


@pytest.mark.parametrize("advice", [MADV_COLD, MADV_PAGEOUT])
def test_what_if_locked_memory_is_cold(program, advice):  # noqa: F811
    map_at(program, 0, 1, RW, MEMORY)
    program.mlock(at(0), PAGE)
    assert errno_of(program.madvise, at(0), PAGE, advice) == errno.EINVAL
    assert (present(program, 1), referenced(program)) == ("A", 4)


@pytest.mark.parametrize(("advice", "undo", "letters"), [
    (MADV_HUGEPAGE, MADV_NOHUGEPAGE, "hg"), (MADV_NOHUGEPAGE, MADV_HUGEPAGE, "nh"),
    (MADV_MERGEABLE, MADV_UNMERGEABLE, "mg"),
])  # fmt: skip
def test_what_if_a_page_in_the_middle_gets_a_flag(program, advice, undo, letters):  # noqa: F811
    map_at(program, 0, 3, RW, MEMORY)
    program.madvise(at(1), PAGE, advice)
    assert [edge for edge, *_ in ranges(program)] == [0, 1, 2]
    assert (letters in vm_flags(program, 1), letters in vm_flags(program, 0)) == (True, False)
    program.madvise(at(0), 3 * PAGE, undo)
    assert len(ranges(program)) == 1


def test_what_if_shared_memory_is_mergeable(program):  # noqa: F811
    """No: but nobody says so."""
    map_at(program, 0, 1, RW, MAP_SHARED | MAP_ANONYMOUS)
    program.madvise(at(0), PAGE, MADV_MERGEABLE)
    assert "mg" not in vm_flags(program)


@pytest.mark.parametrize("advice", [MADV_COLLAPSE, 26, 104])
def test_what_if_there_is_no_such_thing(program, advice):  # noqa: F811
    """Huge pages are off in a program of mmlab.linux, and not there in the simulation."""
    map_at(program, 0, 1, RW, MEMORY)
    assert errno_of(program.madvise, at(0), PAGE, advice) == errno.EINVAL


@pytest.mark.parametrize("advice", [HWPOISON, SOFT_OFFLINE])
def test_what_if_memory_is_to_be_broken(advice):
    """The simulated kernel is one without CONFIG_MEMORY_FAILURE; others would do it, for root."""
    proc = Kernel().spawn("reader")
    assert errno_of(proc.madvise, map_at(proc, 0, 1, RW, MEMORY), PAGE, advice) == errno.EINVAL


def test_what_if_there_is_no_memory_for_advice():
    """A flag that cannot be set is EAGAIN; pages that cannot be had are ENOMEM, and locked ones EAGAIN."""
    kernel = Kernel()
    proc = kernel.spawn("reader")
    map_at(proc, 0, 3, RW, MEMORY)
    with unchanged(kernel):
        kernel.machine.fail_nth = 1
        assert errno_of(proc.madvise, at(1), PAGE, MADV_RANDOM) == errno.EAGAIN
    kernel.machine.fail_nth = 1
    assert errno_of(proc.madvise, at(1), PAGE, MADV_POPULATE_WRITE) == errno.ENOMEM
    kernel.machine.fail_nth = 1
    assert errno_of(proc.mlock, at(0), 3 * PAGE) == errno.EAGAIN
    assert "lo" in vm_flags(proc)  # it is locked, if not there


def test_what_if_cutting_would_make_too_many():
    kernel = Kernel(max_map_count=40)
    proc = kernel.spawn("reader")
    map_at(proc, 0, 3, RW, MEMORY)
    for page in range(100):
        try:
            map_at(proc, 10 + 2 * page, 1, PROT_READ, MEMORY)
        except OSError:
            break
    assert errno_of(proc.madvise, at(1), PAGE, MADV_RANDOM) == errno.EAGAIN
    assert errno_of(proc.mprotect, at(1), PAGE, PROT_READ) == errno.ENOMEM
    assert ranges(proc)[0] == (0, 3, "rw-p", 0)
