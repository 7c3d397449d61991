"""What if memory is used up, and something can be read again? mm/vmscan.c, mm/rmap.c, mm/swap.c."""

import pytest

from mmlab import (
    MADV_FREE,
    MADV_RANDOM,
    MADV_WILLNEED,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_RDONLY,
    PROT_EXEC,
    PROT_READ,
    Kernel,
    OutOfMemory,
)
from mmlab.include.mm_types import PG_active, PG_lru, PG_referenced
from mmlab.include.mmzone import LRU_ACTIVE_FILE, LRU_INACTIVE_FILE

from .helpers import MEMORY, PAGE, RW, at, faults, make_file, map_at, page_text

FRAMES = 4096  # of the smallest machine


@pytest.fixture
def kernel():
    return Kernel(mem=FRAMES * PAGE, overcommit_memory=1)


@pytest.fixture
def proc(kernel):
    return kernel.spawn("reader")


def press(proc, pages=4 * FRAMES):
    """Read so much of the block device that everything which can go has gone."""
    fd = proc.open("/dev/vda", O_RDONLY)
    for page in range(pages):
        proc.pread(fd, 1, page * PAGE)
    proc.close(fd)


def lru(proc, fd, index=0):
    """The state of a file's page: its list, and whether it was referenced."""
    page = proc.task.files[fd].f_mapping.page_tree[index]
    active = "active" if page.flags & PG_active else "inactive"
    return active + (", referenced" if page.flags & PG_referenced else "")


# ── what goes ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_clean_pages_of_a_file_are_in_the_way(kernel, proc):
    fd = make_file(proc, "/data/f", 64)
    proc.fsync(fd)
    press(proc)
    assert proc.fincore(fd) == bytes(64)
    assert kernel.vmstat()["oom_kill"] == 0
    assert b"".join(proc.pread(fd, PAGE, n * PAGE) for n in range(64)) == b"".join(map(page_text, range(64)))


def test_what_if_dirty_pages_are_in_the_way(kernel, proc):
    """They are written back, then they go; so a file may be larger than memory."""
    fd = make_file(proc, "/data/f", 2 * FRAMES)
    assert sum(proc.fincore(fd)) < FRAMES
    for page in range(0, 2 * FRAMES, 97):
        assert proc.pread(fd, PAGE, page * PAGE) == page_text(page)
    press(proc)
    assert (sum(proc.fincore(fd)), kernel.meminfo()["Dirty"]) == (0, 0)


@pytest.mark.parametrize("kind", [MAP_SHARED, MAP_PRIVATE])
def test_what_if_mapped_pages_go(kernel, proc, kind):
    """The next access is a major fault, and finds the same bytes; the page tables stay."""
    fd = make_file(proc, "/data/f", 4)
    map_at(proc, 0, 4, PROT_READ, kind, fd)
    proc.load(at(0), 4 * PAGE)
    tables = proc.task.mm.nr_ptes
    press(proc)
    assert [proc.pagemap(at(n)).present for n in range(4)] == [False] * 4
    assert (proc.mincore(at(0), 4 * PAGE), proc.task.mm.nr_ptes) == (bytes(4), tables)
    assert faults(proc, proc.load, at(0)) == (0, 1)
    assert proc.load(at(0), 4 * PAGE) == b"".join(map(page_text, range(4)))


def test_what_if_a_page_goes_that_was_stored_to(kernel, proc):
    fd = make_file(proc, "/data/f", 2)
    map_at(proc, 0, 2, RW, MAP_SHARED, fd)
    proc.store(at(1), b"stored")
    press(proc)
    assert not proc.pagemap(at(1)).present
    assert proc.task.files[fd].f_mapping.host.i_private[1][:6] == b"stored"  # on the disk
    assert (proc.load(at(1), 6), proc.pread(fd, 6, PAGE)) == (b"stored", b"stored")


def test_what_if_two_processes_map_the_page(kernel, proc):
    """It goes from both. (Used by two it would be active, and outlive the stream: so neither use counts here.)"""
    fd = make_file(proc, "/data/f", 1)
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, fd)
    child = proc.fork()
    for each in (proc, child):
        each.madvise(at(0), PAGE, MADV_RANDOM)
        each.load(at(0))
    assert proc.pagemap(at(0)).mapcount == 2
    press(proc)
    assert not proc.pagemap(at(0)).present and not child.pagemap(at(0)).present
    assert faults(proc, proc.load, at(0)) == (0, 1)
    assert faults(child, child.load, at(0)) == (1, 0)


def test_what_if_memory_was_given_up(kernel, proc):
    """MADV_FREE: untouched or only read since, it may become zeros; written since, it stays. As a memory cgroup of the
    real kernel showed: of 1,024 pages the 512 that were written again were kept, the rest read as zeros."""
    map_at(proc, 0, 300, RW, MEMORY)
    for page in range(300):
        proc.store(at(page), b"old")
    proc.madvise(at(0), 300 * PAGE, MADV_FREE)
    for page in range(100):
        proc.store(at(page), b"new")
    assert proc.load(at(100), 3) == b"old"
    press(proc)
    assert [proc.load(at(page), 3) for page in (0, 99, 100, 299)] == [b"new", b"new", bytes(3), bytes(3)]
    assert proc.pagemap(at(299)).zero
    assert "LazyFree:              0 kB" in proc.smaps()


def test_what_if_given_up_memory_is_shared_with_a_child(kernel, proc):
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"old")
    child = proc.fork()
    proc.madvise(at(0), PAGE, MADV_FREE)
    press(proc)
    assert (proc.load(at(0), 3), child.load(at(0), 3)) == (bytes(3), b"old")  # the child has given up nothing


# ── what stays ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_nothing_else_can_go(kernel, proc):
    """What programs wrote to memory of any kind has nowhere to go, for there is no swap."""
    shared = map_at(proc, 0, 64, RW, MAP_SHARED | MAP_ANONYMOUS)
    private = map_at(proc, 100, 64, RW, MEMORY)
    for address in (shared, private):
        for page in range(64):
            proc.store(address + page * PAGE, b"%d" % page)
    fds = [make_file(proc, f"{path}/f", 64) for path in ("/ram", "/tmp")]
    press(proc)
    assert [sum(proc.fincore(fd)) for fd in fds] == [64, 64]
    assert proc.load(private + 63 * PAGE, 2) == proc.load(shared + 63 * PAGE, 2) == b"63"
    assert proc.pread(fds[0], PAGE, 63 * PAGE) == page_text(63)


@pytest.mark.parametrize("how", ["clean", "stored to"])
def test_what_if_a_page_is_locked(kernel, proc, how):
    fd = make_file(proc, "/data/f", 8)
    map_at(proc, 0, 4, RW, MAP_SHARED, fd)
    proc.mlock(at(0), 4 * PAGE)
    if how == "stored to":
        proc.store(at(0), b"#")
    press(proc)
    assert proc.fincore(fd) == bytes([1] * 4 + [0] * 4)
    assert faults(proc, proc.load, at(0), 4 * PAGE) == (0, 0)
    assert (kernel.meminfo()["Mlocked"], kernel.meminfo()["Unevictable"]) == (16, 16)
    proc.munlock(at(0), 4 * PAGE)
    press(proc)
    assert (proc.fincore(fd), kernel.meminfo()["Mlocked"]) == (bytes(8), 0)


def test_what_if_given_up_memory_is_locked_then(kernel, proc):
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"old")
    proc.madvise(at(0), PAGE, MADV_FREE)
    proc.mlock(at(0), PAGE)
    press(proc)
    assert proc.load(at(0), 3) == b"old"


def test_what_if_somebody_holds_the_page(kernel, proc):
    fd = make_file(proc, "/data/f", 1)
    page = proc.task.files[fd].f_mapping.page_tree[0]
    page._count += 1
    press(proc)
    assert proc.fincore(fd) == b"\1"
    page._count -= 1


# ── which go first ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_page_is_read_twice(kernel, proc):
    """Used once, it is on trial; used again, it is active; used again, referenced too. Writing is no use (4.7)."""
    fd = make_file(proc, "/data/f", 1)
    seen = [lru(proc, fd)]
    for _ in range(4):
        proc.pread(proc.open("/data/f", O_RDONLY), 1, 0)
        seen.append(lru(proc, fd))
    assert seen == ["inactive", "inactive, referenced", "active", "active, referenced", "active, referenced"]


def test_what_if_a_locked_page_is_read_twice(kernel, proc):
    """It is not made active; the page itself says that it is locked, so nobody walks its mappings to find out."""
    fd = make_file(proc, "/data/f", 2)
    with kernel.trace() as trace:
        for _ in range(2):
            proc.pread(proc.open("/data/f", O_RDONLY), 1, 0)
    assert (lru(proc, fd), "rmap_walk" in trace.functions()) == ("active", False)
    other = kernel.spawn("other")
    map_at(other, 1, 1, PROT_READ, MAP_SHARED, other.open("/data/f", O_RDONLY), 1)
    other.mlock(at(1), PAGE)
    with kernel.trace() as trace:
        for _ in range(2):
            proc.pread(proc.open("/data/f", O_RDONLY), 1, PAGE)
    assert (lru(proc, fd, 1), "rmap_walk" in trace.functions()) == ("inactive, referenced", False)


def test_what_if_a_page_is_read_piece_by_piece(kernel, proc):
    fd = make_file(proc, "/data/f", 1)
    for at_byte in range(8):
        proc.pread(fd, 1, at_byte)
    assert lru(proc, fd) == "inactive, referenced"


def test_what_if_a_file_is_used_and_another_only_passes_through(kernel, proc):
    """The active pages outlive a stream that is larger than all memory."""
    used = make_file(proc, "/data/used", 64)
    for _ in range(3):
        proc.pread(used, 1, 63 * PAGE)
        for page in range(64):
            proc.pread(used, 1, page * PAGE)
    press(proc, FRAMES + 64)
    assert sum(proc.fincore(used)) == 64


def test_what_if_code_runs(kernel, proc):
    """Its pages become active after their first use; those of data that is only mapped need a second."""
    files = [make_file(proc, f"/data/{name}", 1) for name in "cd"]
    for page, (fd, prot) in enumerate(zip(files, (PROT_READ | PROT_EXEC, PROT_READ), strict=True)):
        map_at(proc, page, 1, prot, MAP_PRIVATE, fd)
        proc.load(at(page))
    kernel.machine.try_to_free_pages(kernel.machine)
    assert [lru(proc, fd) for fd in files] == ["active, referenced", "inactive, referenced"]


def test_what_if_the_mapping_is_read_once_only(kernel, proc):
    """Use through a VMA with MADV_RANDOM counts for nothing (6.3): neither at reclaim nor when it is unmapped."""
    fd = make_file(proc, "/data/f", 1)
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, fd)
    proc.madvise(at(0), PAGE, MADV_RANDOM)
    proc.load(at(0))
    proc.munmap(at(0), PAGE)
    assert lru(proc, fd) == "inactive"
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, fd)
    proc.load(at(0))
    proc.munmap(at(0), PAGE)
    assert lru(proc, fd) == "inactive, referenced"


# ── how it is asked for, and what is left ───────────────────────────────────────────────────────────────────


def test_what_if_a_copy_needs_the_frame_that_it_copies(kernel, proc):
    """The store to a private page of a file: making room for the copy may take the original. Nothing gets lost."""
    fd = make_file(proc, "/data/f", 3000)
    map_at(proc, 0, 3000, RW, MAP_PRIVATE, fd)
    for page in range(3000):
        proc.load(at(page))
        proc.store(at(page), b"%d!" % page)
        if page % 500 == 0:
            kernel.check()
    for page in range(0, 3000, 7):
        assert proc.load(at(page), PAGE) == b"%d!" % page + page_text(page)[len(b"%d!" % page) :]


def test_what_if_making_room_for_a_copy_unmaps_the_original(kernel, proc):
    """Then the access is tried again: the page is still there, for whoever copies it holds it."""
    original, other = make_file(proc, "/data/original", 1), make_file(proc, "/data/other", 4)
    proc.fsync(other)
    map_at(proc, 0, 1, RW, MAP_PRIVATE, original)
    proc.madvise(at(0), PAGE, MADV_RANDOM)
    proc.load(at(0))
    map_at(proc, 100, FRAMES, RW, MEMORY)
    page = 100
    while kernel.machine.vm_stat["nr_free_pages"]:
        proc.store(at(page), b"#")
        page += 1
    assert (proc.fincore(original), proc.fincore(other)) == (b"\1", b"\1" * 4)
    assert faults(proc, proc.store, at(0), b"#") == (2, 0)
    assert proc.load(at(0), PAGE) == b"#" + page_text(0)[1:]
    assert proc.pread(original, PAGE, 0) == page_text(0)


def test_what_if_readahead_finds_no_memory(kernel, proc):
    """It gives up: nobody is killed for what nobody asked for."""
    fd = proc.open("/data/book.txt", O_RDONLY)
    fill(kernel, proc, leave=0)
    proc.madvise(proc.mmap(0, 5 * PAGE, PROT_READ, MAP_SHARED, fd), 5 * PAGE, MADV_WILLNEED)
    assert proc.fincore(fd) == bytes(5)
    assert proc.exit_code is None


def fill(kernel, proc, leave):
    """Use all memory for anonymous pages, but for so many frames; nothing of it can be reclaimed."""
    press(proc, 8)
    kernel.drop_caches()
    start = proc.mmap(0, FRAMES * PAGE, RW, MEMORY)
    page = 0
    while kernel.machine.vm_stat["nr_free_pages"] > leave or kernel.machine.try_to_free_pages(kernel.machine):
        proc.store(start + page * PAGE, b"#")
        page += 1


def test_what_if_the_caches_are_dropped(kernel, proc):
    """drop_caches takes what is clean, unmapped and on a disk, and the lists know."""
    fd = make_file(proc, "/data/f", 8)
    map_at(proc, 0, 2, PROT_READ, MAP_SHARED, fd)
    proc.load(at(0), 2 * PAGE)
    assert kernel.drop_caches() >= 0 and sum(proc.fincore(fd)) == 8  # all dirty
    proc.fsync(fd)
    proc.pwrite(fd, b"#", 7 * PAGE)
    kernel.drop_caches()
    assert proc.fincore(fd) == bytes([1, 1, 0, 0, 0, 0, 0, 1])


def test_what_if_pages_come_and_go(kernel, proc):
    """The lists count in meminfo: what can be reclaimed is available."""
    kernel.drop_caches()
    before = kernel.meminfo()
    fd = make_file(proc, "/data/f", 8)
    assert kernel.meminfo() - before == {"MemFree": -32, "Cached": 32, "Inactive(file)": 32, "Dirty": 32}
    for _ in range(2):
        proc.pread(fd, 8 * PAGE, 0)
    assert (kernel.meminfo() - before)["Active(file)"] == 32
    ram = make_file(proc, "/ram/f", 8)
    change = kernel.meminfo() - before
    assert (change["Unevictable"], change["MemAvailable"]) == (32, -32)
    for each in (fd, ram):
        proc.close(each)
    proc.unlink("/data/f")
    proc.unlink("/ram/f")
    assert kernel.meminfo() - before == {}


def test_what_if_the_lists_were_wrong(kernel, proc):
    fd = make_file(proc, "/data/f", 1)
    page = proc.task.files[fd].f_mapping.page_tree[0]
    page.flags &= ~PG_lru
    with pytest.raises(AssertionError, match="PG_lru"):
        kernel.check()
    page.flags |= PG_lru | PG_active
    with pytest.raises(AssertionError, match="lruvec"):
        kernel.check()
    page.flags &= ~PG_active
    lists = kernel.machine.lruvec
    del lists[LRU_INACTIVE_FILE][page]
    with pytest.raises(AssertionError, match="on its list"):
        kernel.check()
    lists[LRU_INACTIVE_FILE][page] = True
    assert page not in lists[LRU_ACTIVE_FILE]


def test_what_if_there_is_no_page_to_read_a_file_into(kernel, proc):
    """The kernel kills for it: here the reader itself, for nobody else has memory."""
    fd = proc.open("/data/book.txt", O_RDONLY)
    fill(kernel, proc, leave=0)
    with pytest.raises(OutOfMemory):
        proc.pread(fd, 100, 0)
    assert (proc.exit_code, kernel.check()) == (137, None)
