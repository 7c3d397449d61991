"""mmap: errno in order, what is ignored, and where a mapping goes. (More rows: see test_rows.py.)"""

from errno import EACCES, EBADF, EEXIST, EINVAL, ENODEV, ENOMEM, EOVERFLOW, EPERM

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
)
from tests.kernel.helpers import ARENA, MEMORY, PAGE, RW, at, make_file, map_at
from tests.kernel.semantics.seen import areas, fails, smaps

O_PATH = 0o10000000
TASK_SIZE = 0x7FFFFFFFF000
BAD_OFFSET, LARGE_OFFSET = 1, 2**63 - PAGE


def test_what_if_everything_is_wrong_and_one_mistake_is_mended_at_a_time(proc):
    """Each check stands before those below it."""
    make_file(proc, "/data/f", 1)
    read_only = proc.open("/data/f", O_RDONLY)
    map_at(proc, 0, 1, PROT_READ, MEMORY)
    shared = MAP_SHARED | MAP_FIXED_NOREPLACE
    for errno, addr, length, prot, flags, fd, offset in [
        (EINVAL, at(0) + 1, 0, RW, shared, 77, BAD_OFFSET),  # 1 the offset
        (EBADF, at(0) + 1, 0, RW, shared, 77, LARGE_OFFSET),  # 2 the fd
        (EINVAL, at(0) + 1, 0, RW, shared, read_only, LARGE_OFFSET),  # 3 the length
        (EINVAL, at(0) + 1, PAGE, RW, shared, read_only, LARGE_OFFSET),  # 5 the address
        (EEXIST, at(0), PAGE, RW, shared, read_only, LARGE_OFFSET),  # 6 what is there
        (EOVERFLOW, at(1), PAGE, RW, shared, read_only, LARGE_OFFSET),  # 7 the end of the file range
        (EACCES, at(1), PAGE, RW, shared, read_only, 0),  # 8 what the fd allows
    ]:
        with fails(proc, errno):
            proc.mmap(addr, length, prot, flags, fd, offset)
    assert proc.mmap(at(1), PAGE, PROT_READ, shared, read_only, 0) == at(1)


def test_what_if_the_kind_is_wrong_too(proc):
    """8 before 11, 10 before 11: a file that cannot be mapped says so, before the kind of mapping is looked at."""
    null = proc.open("/dev/null", O_RDWR)
    with fails(proc, ENODEV):
        proc.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, null)
    with fails(proc, EINVAL):  # but without any kind at all, that comes first
        proc.mmap(0, PAGE, PROT_READ, 0, null)
    write_only = proc.open("/data/w", O_WRONLY | O_CREAT)
    for kind in (MAP_PRIVATE, MAP_SHARED):
        with fails(proc, EACCES):
            proc.mmap(0, PAGE, PROT_WRITE, kind, write_only)


@pytest.mark.parametrize("length", [2**64 - 1, 2**64 - PAGE + 1, 2**47, TASK_SIZE + 1, 2**63])
def test_what_if_the_length_wraps_or_is_too_large(proc, length):
    with fails(proc, ENOMEM):
        proc.mmap(0, length, PROT_READ, MEMORY)


def test_what_if_the_last_page_of_all_is_mapped(proc):
    """It may be; the stack lies there, and MAP_FIXED takes its place."""
    last = TASK_SIZE - PAGE
    assert proc.mmap(last, PAGE, RW, MEMORY | MAP_FIXED) == last
    assert proc.load(last) == b"\0"
    with fails(proc, ENOMEM):
        proc.mmap(TASK_SIZE, PAGE, RW, MEMORY | MAP_FIXED)


def test_what_if_the_fd_is_only_a_path(proc):
    with fails(proc, EBADF):
        proc.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, proc.open("/data/book.txt", O_PATH))


def test_what_if_an_unprivileged_program_maps_below_mmap_min_addr(proc):
    proc.setuid(65534)
    with fails(proc, EPERM):
        proc.mmap(0, PAGE, PROT_READ, MEMORY | MAP_FIXED)
    with fails(proc, EPERM):
        proc.mmap(0, PAGE, PROT_READ, MEMORY | MAP_FIXED_NOREPLACE)


def test_what_if_code_is_on_a_noexec_mount(proc):
    """EPERM comes before ENODEV: the same file without PROT_EXEC says ENODEV."""
    maps = proc.open("/proc/self/maps", O_RDONLY)
    with fails(proc, EPERM):
        proc.mmap(0, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, maps)
    with fails(proc, ENODEV):
        proc.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, maps)


def test_what_if_memory_is_asked_for_with_an_fd_and_an_offset(proc):
    """MAP_ANONYMOUS ignores both; but an offset within a page is refused before."""
    proc.mmap(at(0), PAGE, RW, MEMORY | MAP_FIXED, 77, 5 * PAGE)
    proc.mmap(at(2), PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 77, 5 * PAGE)
    assert areas(proc) == [(0, 1, "rw-p", 0), (2, 3, "rw-s", 0)]


def test_what_if_prot_has_unknown_bits(proc):
    """mmap ignores them, mprotect does not."""
    map_at(proc, 0, 1, RW | 0x4000, MEMORY)
    with fails(proc, EINVAL):
        proc.mprotect(at(0), PAGE, RW | 0x4000)


def test_what_if_a_read_only_file_is_mapped_shared(proc):
    """It shows 's', but the VMA has neither VM_SHARED nor VM_MAYWRITE."""
    make_file(proc, "/data/f", 1)
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, proc.open("/data/f", O_RDONLY))
    map_at(proc, 2, 1, PROT_READ, MAP_SHARED, proc.open("/data/f", O_RDWR))
    assert [area[2] for area in areas(proc)] == ["r--s", "r--s"]
    assert smaps(proc, 0)["VmFlags"] & {"sh", "mw", "ms"} == {"ms"}
    assert smaps(proc, 2)["VmFlags"] & {"sh", "mw", "ms"} == {"sh", "mw", "ms"}
    with fails(proc, EACCES):
        proc.mprotect(at(0), PAGE, RW)


def test_what_if_the_address_is_only_a_hint(proc):
    """An aligned free hint is honoured; otherwise the highest gap that fits is taken, from the top down."""
    assert proc.mmap(at(5), PAGE, PROT_READ, MEMORY) == at(5)
    first = proc.mmap(at(5), PAGE, PROT_READ, MEMORY)
    assert first > ARENA + 1024 * PAGE
    assert proc.mmap(0, 2 * PAGE, RW, MEMORY) == first - 2 * PAGE
    proc.munmap(first, PAGE)
    assert proc.mmap(0, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS) == first
    assert proc.mmap(TASK_SIZE, PAGE, PROT_READ, MEMORY) < TASK_SIZE


def test_what_if_there_are_as_many_vmas_as_may_be(proc):
    """65,531 fit with a max_map_count of 65,530; the check comes before merging, so that even that is refused."""
    count = len([line for line in str(proc.maps()).splitlines() if "[vsyscall]" not in line])
    for number in range(65531 - count):
        proc.mmap(at(1000 + 2 * number), PAGE, PROT_READ, MEMORY | MAP_FIXED)
    for page in (0, 1001):  # the second would fill a gap, and make one VMA of two
        with pytest.raises(OSError) as raised:
            proc.mmap(at(page), PAGE, PROT_READ, MEMORY | MAP_FIXED)
        assert raised.value.errno == ENOMEM
