"""What if the arguments are wrong? The errno, in the kernel's order, the function that says no, and nothing changed."""

from errno import (
    EACCES,
    EAGAIN,
    EBADF,
    EEXIST,
    EINVAL,
    EIO,
    ENODEV,
    ENOEXEC,
    ENOMEM,
    EOPNOTSUPP,
    EOVERFLOW,
    EPERM,
)

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN,
    MAP_HUGETLB,
    MAP_LOCKED,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    MAP_SYNC,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    Kernel,
)
from mmlab.fs.libfs import simple_write_begin, simple_write_end
from mmlab.fs.ramfs import ramfs_aops, ramfs_file_operations, simple_evict_inode
from mmlab.include.fs import address_space_operations, file_system_type
from tests.kernel.helpers import ARENA, MEMORY, PAGE, RW, at, lines, make_file, map_at, ranges, unchanged

TASK_SIZE = 0x7FFFFFFFF000
NOBODY = 1000
NOEXEC = file_system_type("noexec", ramfs_file_operations, ramfs_aops, simple_evict_inode, noexec=True)
NOREAD_AOPS = address_space_operations(
    "noread_aops", write_begin=simple_write_begin, write_end=simple_write_end
)
NOREAD = file_system_type("noread", ramfs_file_operations, NOREAD_AOPS, simple_evict_inode)

R, W, X = PROT_READ, PROT_WRITE, PROT_EXEC
PRIVATE, SHARED, FIXED, ANON = MAP_PRIVATE, MAP_SHARED, MAP_FIXED, MAP_ANONYMOUS
BOOK, RO, WO = ("/data/f", O_RDWR), ("/data/f", O_RDONLY), ("/data/f", O_WRONLY)
NX, ZERO, NULL = ("/noexec/f", O_RDWR), ("/dev/zero", O_RDWR), ("/dev/null", O_RDWR)
MEMINFO, MAPS, DIR = ("/proc/meminfo", O_RDONLY), ("/proc/self/maps", O_RDONLY), ("/data", O_RDONLY)
UNREADABLE, CLOSED, NONE = ("/noread/f", O_RDWR), 77, -1

# what is wrong: address, length, prot, flags, file, offset → errno, Python's class, the function that says so
REFUSALS = {
    "1 offset within a page": (0, PAGE, R, SHARED, BOOK, 1, EINVAL, OSError, "sys_mmap"),
    "1 before a closed fd": (0, PAGE, R, SHARED, CLOSED, 1, EINVAL, OSError, "sys_mmap"),
    "1 also for memory": (0, PAGE, R, MEMORY, NONE, 4095, EINVAL, OSError, "sys_mmap"),
    "2 closed fd": (0, PAGE, R, SHARED, CLOSED, 0, EBADF, OSError, "sys_mmap_pgoff"),
    "2 fd -1": (0, PAGE, R, SHARED, NONE, 0, EBADF, OSError, "sys_mmap_pgoff"),
    "2 before length 0": (0, 0, R, SHARED, CLOSED, 0, EBADF, OSError, "sys_mmap_pgoff"),
    "2 huge pages of a file": (0, PAGE, R, SHARED | MAP_HUGETLB, BOOK, 0, EINVAL, OSError, "sys_mmap_pgoff"),
    "2 huge pages, and none reserved": (0, PAGE, R, MEMORY | MAP_HUGETLB, NONE, 0, ENOMEM, OSError, "sys_mmap_pgoff"),
    "3 length 0": (0, 0, R, MEMORY, NONE, 0, EINVAL, OSError, "do_mmap"),
    "3 before an unaligned fixed address": (1, 0, R, MEMORY | FIXED, NONE, 0, EINVAL, OSError, "do_mmap: len"),
    "3 length wraps to 0": (0, 2**64 - 1, R, MEMORY, NONE, 0, ENOMEM, OSError, "do_mmap"),
    "3 length -1": (0, -1, R, MEMORY, NONE, 0, ENOMEM, OSError, "do_mmap"),
    "3 length past TASK_SIZE": (0, 2**47, R, MEMORY, NONE, 0, ENOMEM, OSError, "get_unmapped_area"),
    "3 no gap so large": (0, 2**46 + 2**45, R, MEMORY, NONE, 0, ENOMEM, OSError, "arch_get_unmapped_area"),
    "5 unaligned fixed address": (ARENA + 1, PAGE, R, MEMORY | FIXED, NONE, 0, EINVAL, OSError, "get_unmapped_area"),
    "5 unaligned with NOREPLACE": (
        ARENA + 1, PAGE, R, MEMORY | MAP_FIXED_NOREPLACE, NONE, 0, EINVAL, OSError, "get_unmapped_area"),
    "5 past TASK_SIZE": (TASK_SIZE, PAGE, R, MEMORY | FIXED, NONE, 0, ENOMEM, OSError, "get_unmapped_area"),
    "5 past TASK_SIZE in part": (
        TASK_SIZE - PAGE, 2 * PAGE, R, MEMORY | FIXED, NONE, 0, ENOMEM, OSError, "get_unmapped_area"),
    "5 past TASK_SIZE, unaligned": (
        TASK_SIZE + 1, PAGE, R, MEMORY | FIXED, NONE, 0, ENOMEM, OSError, "get_unmapped_area"),
    "5 address -4096": (-PAGE, PAGE, R, MEMORY | FIXED, NONE, 0, ENOMEM, OSError, "get_unmapped_area"),
    "5 below mmap_min_addr": (0, PAGE, R, MEMORY | FIXED, NONE, 0, EPERM, PermissionError, "cap_mmap_addr"),
    "6 NOREPLACE over a mapping": (
        at(99), 2 * PAGE, R, MEMORY | MAP_FIXED_NOREPLACE, NONE, 0, EEXIST, FileExistsError, "do_mmap"),
    "6 before a read-only fd": (
        at(99), 2 * PAGE, RW, SHARED | MAP_FIXED_NOREPLACE, RO, 0, EEXIST, FileExistsError, "do_mmap"),
    "6 locks more than allowed": (
        0, 9 << 20, R, MEMORY | MAP_LOCKED, NONE, 0, EAGAIN, BlockingIOError, "mlock_future_check"),
    "7 offset + length over 2^63": (0, PAGE, R, SHARED, BOOK, 2**63 - PAGE, EOVERFLOW, OSError, "file_mmap_ok"),
    "7 offset -4096": (0, PAGE, R, SHARED, BOOK, -PAGE, EOVERFLOW, OSError, "file_mmap_ok"),
    "7 before a read-only fd": (0, PAGE, RW, SHARED, RO, 2**63 - PAGE, EOVERFLOW, OSError, "file_mmap_ok"),
    "8 SHARED and writable, read-only fd": (0, PAGE, RW, SHARED, RO, 0, EACCES, PermissionError, "do_mmap"),
    "8 VALIDATE and writable, read-only fd": (
        0, PAGE, W, MAP_SHARED_VALIDATE, RO, 0, EACCES, PermissionError, "do_mmap"),
    "8 SHARED and writable directory": (0, PAGE, RW, SHARED, DIR, 0, EACCES, PermissionError, "do_mmap"),
    "8 write-only fd, PRIVATE": (0, PAGE, R, PRIVATE, WO, 0, EACCES, PermissionError, "do_mmap"),
    "8 write-only fd, SHARED": (0, PAGE, W, SHARED, WO, 0, EACCES, PermissionError, "do_mmap"),
    "8 write-only fd, PROT_NONE": (0, PAGE, PROT_NONE, PRIVATE, WO, 0, EACCES, PermissionError, "do_mmap"),
    "9 PROT_EXEC on noexec": (0, PAGE, R | X, PRIVATE, NX, 0, EPERM, PermissionError, "do_mmap"),
    "9 before no mmap": (0, PAGE, X, PRIVATE, MAPS, 0, EPERM, PermissionError, "do_mmap"),
    "10 directory": (0, PAGE, R, PRIVATE, DIR, 0, ENODEV, OSError, "do_mmap"),
    "10 /proc/self/maps": (0, PAGE, R, PRIVATE, MAPS, 0, ENODEV, OSError, "do_mmap"),
    "10 /dev/null": (0, PAGE, R, PRIVATE, NULL, 0, ENODEV, OSError, "do_mmap"),
    "10 before GROWSDOWN": (0, PAGE, R, PRIVATE | MAP_GROWSDOWN, NULL, 0, ENODEV, OSError, "do_mmap"),
    "11 neither kind, file": (0, PAGE, R, 0, BOOK, 0, EINVAL, OSError, "do_mmap"),
    "11 unknown kind, file": (0, PAGE, R, 5, BOOK, 0, EINVAL, OSError, "do_mmap"),
    "11 neither kind, memory": (0, PAGE, R, ANON, NONE, 0, EINVAL, OSError, "do_mmap"),
    "11 VALIDATE, memory": (0, PAGE, R, ANON | MAP_SHARED_VALIDATE, NONE, 0, EINVAL, OSError, "do_mmap"),
    "11 VALIDATE, unknown flag": (
        0, PAGE, R, MAP_SHARED_VALIDATE | 0x400000, BOOK, 0, EOPNOTSUPP, OSError, "do_mmap"),
    "11 GROWSDOWN, file": (0, PAGE, R, PRIVATE | MAP_GROWSDOWN, BOOK, 0, EINVAL, OSError, "do_mmap"),
    "11 GROWSDOWN, shared": (0, PAGE, R, SHARED | ANON | MAP_GROWSDOWN, NONE, 0, EINVAL, OSError, "do_mmap"),
    "12 what the file says: /proc/meminfo": (0, PAGE, R, PRIVATE, MEMINFO, 0, EIO, OSError, "proc_reg_mmap"),
    "12 what the file says: no readpage": (0, PAGE, R, PRIVATE, UNREADABLE, 0, ENOEXEC, OSError, "generic_file_mmap"),
    "12 what the file says: MAP_SYNC on a disk": (
        0, PAGE, R, SHARED | MAP_SYNC, BOOK, 0, EOPNOTSUPP, OSError, "ext4_file_mmap"),
    "12 VALIDATE and MAP_SYNC on a disk": (
        0, PAGE, R, MAP_SHARED_VALIDATE | MAP_SYNC, BOOK, 0, EOPNOTSUPP, OSError, "ext4_file_mmap"),
    "8 VALIDATE and MAP_SYNC, writable, read-only fd": (
        0, PAGE, W, MAP_SHARED_VALIDATE | MAP_SYNC, RO, 0, EACCES, PermissionError, "do_mmap"),
    "12 more than all memory": (0, 5 << 30, RW, MEMORY, NONE, 0, ENOMEM, OSError, "__vm_enough_memory"),
    "12 more than all memory, shared": (0, 5 << 30, R, SHARED | ANON, NONE, 0, ENOMEM, OSError, "__vm_enough_memory"),
}  # fmt: skip


@pytest.fixture(scope="module")
def machine():
    """One kernel for the whole table, for no row changes it."""
    kernel = Kernel()
    kernel.mount("/noexec", NOEXEC)
    kernel.mount("/noread", NOREAD)
    proc = kernel.spawn("reader")
    proc.task.uid = NOBODY
    map_at(proc, 100, 1, R, MEMORY)
    fds = {CLOSED: CLOSED, NONE: NONE}
    for file in (BOOK, NX, UNREADABLE):
        make_file(proc, file[0], 1)
    for file in (BOOK, RO, WO, NX, ZERO, NULL, MEMINFO, MAPS, DIR, UNREADABLE):
        fds[file] = proc.open(*file)
    return kernel, proc, fds


@pytest.mark.parametrize("what", REFUSALS)
def test_what_if_an_argument_is_wrong(machine, what):
    kernel, proc, fds = machine
    addr, length, prot, flags, file, offset, errno, kind, function = REFUSALS[what]
    with unchanged(kernel), pytest.raises(OSError) as raised:
        proc.mmap(addr, length, prot, flags, fds[file], offset)
    assert (raised.value.errno, type(raised.value)) == (errno, kind)
    assert raised.value.strerror.startswith(function)
    kernel.check()


ALLOWED = {
    "PRIVATE and writable on a read-only fd": (RW, PRIVATE, RO),
    "SHARED on a read-only fd": (R, SHARED, RO),
    "PROT_NONE": (PROT_NONE, SHARED, RO),
    "SHARED_VALIDATE of a file": (RW, MAP_SHARED_VALIDATE, BOOK),
    "SHARED with a flag that nobody knows": (RW, SHARED | 0x400000, BOOK),
    "SHARED with MAP_SYNC, in memory": (RW, SHARED | MAP_SYNC, NX),
    "memory with a closed fd": (R, MEMORY, CLOSED),
    "noexec without PROT_EXEC": (R, PRIVATE, NX),
    "bits of prot that nobody knows": (R | 0x40, MEMORY, NONE),
    "memory that grows down": (RW, MEMORY | MAP_GROWSDOWN, NONE),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_what_if_it_only_looks_wrong(machine, what):
    _, proc, fds = machine
    prot, flags, file = ALLOWED[what]
    proc.munmap(proc.mmap(0, PAGE, prot, flags, fds[file]), PAGE)


def test_what_if_a_device_is_mapped_at_the_largest_offset(machine):
    _, proc, fds = machine
    proc.munmap(proc.mmap(0, PAGE, RW, PRIVATE, fds[ZERO], 2**64 - 2 * PAGE), PAGE)


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_root_maps_address_0(proc):
    assert proc.mmap(0, PAGE, RW, MEMORY | MAP_FIXED) == 0
    proc.store(0, b"not so null")
    assert proc.load(0, 11) == b"not so null"


HINTS = {  # page and byte of the hint, pages → page and byte of the answer; pages 10 and 11 are taken
    "free": (5, 0, 2, 5),
    "within a page": (5, 7, 2, 5),
    "just below a mapping": (8, 0, 2, 8),
    "just above a mapping": (12, 0, 2, 12),
    "into a mapping": (9, 0, 2, None),
    "on a mapping": (10, 0, 1, None),
    "over a mapping": (9, 0, 4, None),
}


@pytest.mark.parametrize("what", HINTS)
def test_what_if_there_is_a_hint(proc, what):
    page, byte, length, answer = HINTS[what]
    map_at(proc, 10, 2, R, MEMORY)
    highest = proc.mmap(0, length * PAGE, PROT_NONE, MEMORY)
    proc.munmap(highest, length * PAGE)
    assert proc.mmap(at(page) + byte, length * PAGE, R, MEMORY) == (highest if answer is None else at(answer))


def test_what_if_the_hint_is_below_mmap_min_addr(proc):
    proc.task.uid = NOBODY
    assert proc.mmap(PAGE, PAGE, R, MEMORY) == 65536


def test_what_if_the_hint_is_past_task_size(proc):
    assert proc.mmap(2**63, PAGE, R, MEMORY) < TASK_SIZE


def test_what_if_nothing_is_asked_for(proc):
    """Mappings go down from mmap_base, each just below the last; a gap is used again as soon as it is large enough."""
    first = proc.mmap(0, 4 * PAGE, R, MEMORY)
    second = proc.mmap(0, 2 * PAGE, R, MEMORY)
    assert second == first - 2 * PAGE
    proc.munmap(first + PAGE, 2 * PAGE)
    assert proc.mmap(0, 3 * PAGE, R, MEMORY) == second - 3 * PAGE
    assert proc.mmap(0, 2 * PAGE, R, MEMORY) == first + PAGE
    assert proc.mmap(0, PAGE, R, MEMORY) == second - 4 * PAGE


def test_what_if_noreplace_finds_room(proc):
    map_at(proc, 10, 2, R, MEMORY)
    assert proc.mmap(at(8), 2 * PAGE, RW, MEMORY | MAP_FIXED_NOREPLACE) == at(8)
    assert proc.mmap(at(12), PAGE, RW, MEMORY | MAP_FIXED_NOREPLACE) == at(12)
    assert ranges(proc) == [(8, 10, "rw-p", 0), (10, 12, "r--p", 0), (12, 13, "rw-p", 0)]


# ── max_map_count ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_there_are_too_many_vmas():
    """65,531 fit, for the check is made before a VMA is added; a mapping that would merge is refused, too."""
    kernel = Kernel()
    proc = kernel.spawn("many")
    room = 65531 - len(str(proc.maps()).splitlines())
    for page in range(room):
        map_at(proc, 2 * page, 1, R, MEMORY)
    assert len(str(proc.maps()).splitlines()) == 65531
    for page in (2 * room, 2 * room - 1):
        with pytest.raises(OSError, match="do_mmap: map_count = 65531 > max_map_count = 65530") as raised:
            map_at(proc, page, 1, R, MEMORY)
        assert raised.value.errno == ENOMEM


def test_what_if_a_hole_would_make_one_vma_too_many():
    kernel = Kernel(max_map_count=40)
    proc = kernel.spawn("few")
    map_at(proc, 0, 4, R, MEMORY)
    while len(str(proc.maps()).splitlines()) < 40:
        map_at(proc, 1000 - 2 * len(lines(proc)), 1, R, MEMORY)
    with unchanged(kernel), pytest.raises(OSError, match="do_munmap: a hole") as raised:
        proc.munmap(at(1), PAGE)
    assert raised.value.errno == ENOMEM
    proc.munmap(at(3), PAGE)
    proc.munmap(at(0), PAGE)
    assert ranges(proc)[0] == (1, 3, "r--p", 0)


# ── munmap ──────────────────────────────────────────────────────────────────────────────────────────────────

WRONG_MUNMAPS = {
    "unaligned": (at(0) + 1, PAGE),
    "length 0": (at(0), 0),
    "past TASK_SIZE": (TASK_SIZE - PAGE, 2 * PAGE),
    "length -1": (at(0), -1),
    "address -4096": (-PAGE, PAGE),
}


@pytest.mark.parametrize("what", WRONG_MUNMAPS)
def test_what_if_munmap_is_wrong(kernel, proc, what):
    map_at(proc, 0, 2, R, MEMORY)
    with unchanged(kernel), pytest.raises(OSError, match="do_munmap: start = ") as raised:
        proc.munmap(*WRONG_MUNMAPS[what])
    assert raised.value.errno == EINVAL


def test_what_if_munmap_finds_nothing(kernel, proc):
    map_at(proc, 5, 1, R, MEMORY)
    with unchanged(kernel):
        proc.munmap(at(0), 5 * PAGE)
        proc.munmap(at(6), PAGE)
        proc.munmap(0, PAGE)


@pytest.mark.parametrize(("nth", "left"), [(1, [(0, 6)]), (2, [(0, 2), (2, 6)])])
def test_what_if_munmap_cannot_split(kernel, proc, nth, left):
    """The second cut fails: the first one stays, as on Linux, but nothing is unmapped."""
    map_at(proc, 0, 6, RW, MEMORY)
    for page in range(6):
        proc.store(at(page), b"x")
    kernel.machine.fail_nth = nth
    with pytest.raises(OSError, match="vm_area_dup") as raised:
        proc.munmap(at(2), 2 * PAGE)
    assert raised.value.errno == ENOMEM
    assert [(first, end) for first, end, *_ in ranges(proc)] == left
    assert all(proc.load(at(page)) == b"x" for page in range(6))
