"""What if memory is mapped, dirtied and given back? What /proc/meminfo counts, and what is left at the end."""

import contextlib
from errno import EBADF, EINVAL, EMFILE, ESRCH, ETXTBSY

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    O_TRUNC,
    O_WRONLY,
    PROT_EXEC,
    PROT_READ,
    Kernel,
)
from mmlab.include.mm_types import PG_dirty
from tests.kernel.helpers import (
    MEMORY,
    PAGE,
    RW,
    Snapshot,
    at,
    changes,
    lines,
    make_file,
    map_at,
    present,
    unchanged,
)

VDA = "/dev/vda"
VDA_SIZE = 64 << 20


# ── Mapped ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_two_processes_map_the_same_pages(kernel, proc):
    make_file(proc, "/data/f", 8)
    other = kernel.spawn("other")
    before = kernel.meminfo()
    for process in (proc, other):
        map_at(process, 0, 8, PROT_READ, MAP_SHARED, process.open("/data/f", O_RDONLY))
        process.load(at(0))
        assert (kernel.meminfo() - before)["Mapped"] == 32
    assert proc.pagemap(at(0)).mapcount == 2
    proc.munmap(at(0), 8 * PAGE)
    assert (kernel.meminfo() - before)["Mapped"] == 32
    other.munmap(at(0), 8 * PAGE)
    assert "Mapped" not in kernel.meminfo() - before


def test_what_if_a_second_process_starts():
    """It maps the library pages that are in memory already: Mapped hardly grows."""
    kernel = Kernel()
    running, grown = [], []
    for name in ("sleep", "sleep", "sleep", "other"):
        before = kernel.meminfo().get("Mapped", 0)
        running.append(kernel.spawn(name))
        grown.append(kernel.meminfo()["Mapped"] - before)
    assert grown[0] > 1000
    assert 0 < grown[1] < 200  # pages that were not in memory yet when the first process faulted beside them
    assert grown[2] == 0
    assert 0 < grown[3] < 100  # its own program file
    assert [process.getrusage().ru_majflt > 0 for process in running] == [True, False, False, True]
    for process in running:
        process.exit()
    assert kernel.meminfo()["Mapped"] == 0


def test_what_if_the_source_of_a_copy_is_never_unmapped(kernel, proc):
    """The copy program of the notes: both files are mapped whole, and only the copy is unmapped."""
    size = 64 * PAGE
    source, copy = make_file(proc, "/data/source", 64), proc.open("/data/copy", O_RDWR | O_CREAT)
    proc.ftruncate(copy, size)
    before = kernel.meminfo()["Mapped"]
    src = proc.mmap(0, size, PROT_READ, MAP_SHARED, source)
    dst = proc.mmap(0, size, RW, MAP_SHARED, copy)
    proc.memcpy(dst, src, size)
    assert kernel.meminfo()["Mapped"] - before == 2 * size >> 10
    proc.munmap(dst, size)
    assert kernel.meminfo()["Mapped"] - before == size >> 10
    assert proc.pread(copy, size, 0) == proc.pread(source, size, 0)


# ── a disk as one file ──────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_copy_is_sized_by_fstat(proc):
    fd = proc.open(VDA, O_RDONLY)
    assert proc.fstat(fd).st_size == 0
    with pytest.raises(OSError, match="len = 0") as raised:
        proc.mmap(0, proc.fstat(fd).st_size, PROT_READ, MAP_SHARED, fd)
    assert raised.value.errno == EINVAL
    assert proc.lseek(fd, 0, 2) == VDA_SIZE


def test_what_if_the_length_of_the_disk_is_known(kernel, proc):
    """Then its pages are mapped as any file's, and count in Buffers instead of Cached."""
    fd, before = proc.open(VDA, O_RDONLY), kernel.meminfo()
    last = VDA_SIZE // PAGE - 1
    map_at(proc, 0, last + 1, PROT_READ, MAP_SHARED, fd)
    assert proc.load(at(last), 17) == b"vda sector 131064"
    change = kernel.meminfo() - before
    assert (change["Mapped"], change["Buffers"], "Cached" in change) == (64, 68, False)


def test_what_if_the_disk_is_written(proc):
    fd = proc.open(VDA, O_RDWR)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    proc.store(at(0), b"written")
    assert proc.pread(fd, 7, 0) == b"written"
    assert proc.pwrite(fd, b"abcdef", VDA_SIZE - 3) == 3
    with pytest.raises(OSError, match="blkdev_write_iter"):
        proc.pwrite(fd, b"#", VDA_SIZE)


def test_what_if_the_name_of_the_disk_goes(kernel, proc):
    """What was written to it is still there for whoever has it open later; the name was only a name."""
    fd = proc.open(VDA, O_RDWR)
    proc.pwrite(fd, b"kept", 0)
    proc.close(fd)
    before = kernel.meminfo()
    proc.unlink(VDA)
    assert kernel.meminfo() - before == {}


# ── dirty pages ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("path", "counted"), [("/data/f", 4), ("/ram/f", 0), ("/tmp/f", 0)])
def test_what_if_a_shared_page_is_dirtied(kernel, proc, path, counted):
    """Only a file system that writes back counts in Dirty; and each page once."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    proc.ftruncate(fd, 2 * PAGE)
    before = kernel.meminfo()["Dirty"]
    map_at(proc, 0, 2, RW, MAP_SHARED, fd)
    proc.load(at(0))
    assert kernel.meminfo()["Dirty"] == before
    proc.store(at(0), b"#")
    proc.store(at(0) + 8, b"#")
    proc.pwrite(fd, b"#", 0)
    assert kernel.meminfo()["Dirty"] - before == counted
    proc.munmap(at(0), 2 * PAGE)
    assert kernel.meminfo()["Dirty"] - before == counted
    proc.ftruncate(fd, 0)
    assert kernel.meminfo()["Dirty"] == before


def test_what_if_only_the_pte_knows_of_a_store(proc):
    """On tmpfs no fault tells of it: the dirty bit of the PTE does, when the PTE goes."""
    fd = proc.open("/tmp/f", O_RDWR | O_CREAT)
    proc.ftruncate(fd, PAGE)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    proc.load(at(0))
    proc.store(at(0), b"#")
    (page,) = proc.task.files[fd].f_mapping.page_tree.values()
    assert not page.flags & PG_dirty
    proc.munmap(at(0), PAGE)
    assert page.flags & PG_dirty


# ── promises ────────────────────────────────────────────────────────────────────────────────────────────────

PROMISED = {  # prot, flags, file → is it promised memory
    "private and writable": (RW, MEMORY, None, True),
    "private and read-only": (PROT_READ, MEMORY, None, False),
    "private, writable, NORESERVE": (RW, MEMORY | MAP_NORESERVE, None, False),
    "shared": (PROT_READ, MAP_SHARED | MAP_ANONYMOUS, None, True),
    "shared, NORESERVE": (RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, None, False),
    "a shared file": (RW, MAP_SHARED, "/data/f", False),
    "a private writable file": (RW, MAP_PRIVATE, "/data/f", True),
    "a private read-only file": (PROT_READ | PROT_EXEC, MAP_PRIVATE, "/data/f", False),
}


@pytest.mark.parametrize("what", PROMISED)
def test_what_if_memory_is_promised(kernel, proc, what):
    prot, flags, path, promised = PROMISED[what]
    make_file(proc, "/data/f", 8)
    before = kernel.meminfo()
    map_at(proc, 0, 8, prot, flags, proc.open(path, O_RDWR) if path else -1)
    assert kernel.meminfo() - before == ({"Committed_AS": 32} if promised else {})
    proc.munmap(at(2), PAGE)
    private = flags & MAP_PRIVATE
    assert kernel.meminfo() - before == ({"Committed_AS": 28 if private else 32} if promised else {})
    proc.munmap(at(0), 8 * PAGE)
    assert kernel.meminfo() - before == {}


@pytest.mark.parametrize(("overcommit", "pages", "allowed"), [
    (0, 4096, True), (0, 4097, False), (1, 1 << 20, True), (2, 1800, True), (2, 2049, False),
])  # fmt: skip
def test_what_if_overcommit_memory_is(overcommit, pages, allowed):
    kernel = Kernel(mem=16 << 20, overcommit_memory=overcommit)
    proc = kernel.spawn("greedy")
    if allowed:
        proc.munmap(proc.mmap(0, pages * PAGE, RW, MEMORY), pages * PAGE)
        return
    with unchanged(kernel), pytest.raises(OSError, match="__vm_enough_memory"):
        proc.mmap(0, pages * PAGE, RW, MEMORY)


def test_what_if_noreserve_meets_a_kernel_that_promises_exactly():
    kernel = Kernel(overcommit_memory=2)
    proc = kernel.spawn("exact")
    before = kernel.meminfo()
    proc.mmap(0, PAGE, RW, MEMORY | MAP_NORESERVE)
    assert kernel.meminfo() - before == {"Committed_AS": 4}


# ── programs ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_running_program_is_opened_for_writing(kernel, proc):
    for flags in (O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC):
        with unchanged(kernel), pytest.raises(OSError, match="get_write_access: reader is running") as raised:
            proc.open("/usr/bin/reader", flags)
        assert raised.value.errno == ETXTBSY
    proc.exit()
    other = kernel.spawn("other")
    other.close(other.open("/usr/bin/reader", O_RDWR))


def test_what_if_a_program_that_is_being_written_is_started(kernel, proc):
    kernel.spawn("other").exit()
    fd = proc.open("/usr/bin/other", O_RDWR)
    with unchanged(kernel), pytest.raises(OSError, match="deny_write_access") as raised:
        kernel.spawn("other")
    assert raised.value.errno == ETXTBSY
    proc.close(fd)
    assert kernel.spawn("other").pid not in (proc.pid, fd)


@pytest.mark.parametrize("nth", range(1, 20))
def test_what_if_exec_runs_out_of_kernel_memory(kernel, proc, nth):
    """A system call fails, and nothing of the new program stays; a fault is only tried again."""
    kernel.spawn("other").exit()
    before = Snapshot(kernel)
    kernel.machine.fail_nth = nth
    with contextlib.suppress(OSError):
        kernel.spawn("other").exit()
    assert kernel.machine.fail_nth == 0
    left = [c for c in changes(before, Snapshot(kernel)) if "pgfault" not in c and "i_atime" not in c]
    assert left == []


def test_what_if_a_process_ends(kernel):
    """Nothing of it is left: the pages it touched are in the page cache, and nowhere else."""
    kernel.spawn("warm").exit()
    make_files = kernel.spawn("maker")
    make_file(make_files, "/data/f", 8)
    make_files.exit()
    before = Snapshot(kernel)
    proc = kernel.spawn("warm")
    fd = proc.open("/data/f", O_RDWR)
    for page, (prot, flags, file) in enumerate(
        [(RW, MEMORY, -1), (RW, MAP_PRIVATE, fd), (PROT_READ, MAP_SHARED, fd), (RW, MAP_SHARED | MAP_ANONYMOUS, -1)]
    ):
        map_at(proc, 8 * page, 8, prot, flags, file)
        proc.load(at(8 * page))
        if prot == RW:
            proc.store(at(8 * page + 3), b"#")
    proc.munmap(at(4), 8 * PAGE)
    proc.exit(3)
    assert [c for c in changes(before, Snapshot(kernel)) if "pgfault" not in c and "i_atime" not in c] == []


def test_what_if_a_process_that_has_ended_is_asked(kernel, proc):
    proc.exit(3)
    assert proc.task.exit_code == 3
    for call in (lambda: proc.mmap(0, PAGE, RW, MEMORY), proc.maps, proc.exit, lambda: proc.load(0)):
        with pytest.raises(ProcessLookupError) as raised:
            call()
        assert raised.value.errno == ESRCH
    assert proc.getrusage().ru_minflt > 0


# ── open files ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_the_file_is_closed_before_its_mapping(proc):
    fd = make_file(proc, "/data/f", 2)
    file = proc.task.files[fd]
    map_at(proc, 0, 2, PROT_READ, MAP_SHARED, fd)
    assert file.f_count == 2
    proc.close(fd)
    assert file.f_count == 1
    proc.munmap(at(0), PAGE)
    assert (file.f_count, proc.load(at(1), 7)) == (1, b"0000001")
    proc.munmap(at(1), PAGE)
    assert file.f_count == 0


def test_what_if_an_unlinked_file_is_let_go(kernel, proc):
    """Its pages stay until the last mapping goes."""
    before = kernel.meminfo()["Cached"]
    fd = make_file(proc, "/tmp/f", 8)
    map_at(proc, 0, 8, PROT_READ, MAP_SHARED, fd)
    proc.load(at(0))
    proc.unlink("/tmp/f")
    proc.close(fd)
    assert kernel.meminfo()["Cached"] - before == 32
    assert present(proc, 8) == "FFFFFFFF"
    proc.munmap(at(0), 8 * PAGE)
    assert kernel.meminfo()["Cached"] == before


def test_what_if_there_are_too_many_open_files(kernel, proc):
    while len(proc.task.files) < 1024:
        proc.open("/dev/null", O_RDONLY)
    for call in (lambda: proc.open("/data/new", O_RDWR | O_CREAT), lambda: proc.dup(0),
                 lambda: proc.open("/data/book.txt", O_RDWR | O_TRUNC)):  # fmt: skip
        with unchanged(kernel), pytest.raises(OSError, match="RLIMIT_NOFILE") as raised:
            call()
        assert raised.value.errno == EMFILE


def test_what_if_a_file_is_dupped(proc):
    """Two numbers, one open file: so mappings through both can merge."""
    fd = make_file(proc, "/data/f", 4)
    again = proc.dup(fd)
    map_at(proc, 0, 2, PROT_READ, MAP_SHARED, fd)
    map_at(proc, 2, 2, PROT_READ, MAP_SHARED, again, 2)
    assert len(lines(proc)) == 1
    proc.close(fd)
    with pytest.raises(OSError, match="is not open") as raised:
        proc.dup(fd)
    assert raised.value.errno == EBADF
