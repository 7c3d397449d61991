"""What if memory is used up, and nothing can be taken back? mm/oom_kill.c, mm/page_alloc.c."""

from errno import ESRCH

import pytest

from mmlab import (
    MADV_POPULATE_WRITE,
    MAP_ANONYMOUS,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PROT_READ,
    SEEK_SET,
    Kernel,
    KernelBug,
    OutOfMemory,
)
from mmlab.include.mmzone import __GFP_NORETRY
from mmlab.mm.oom_kill import oom_badness
from mmlab.mm.page_alloc import alloc_page, put_page

from .helpers import MEMORY, PAGE, RW, at, make_file, map_at

FRAMES = 4096  # of the smallest machine


@pytest.fixture
def kernel():
    return Kernel(mem=FRAMES * PAGE, overcommit_memory=1)


@pytest.fixture
def proc(kernel):
    return kernel.spawn("small")


def eat(proc, pages, first=0):
    """Store to so many pages of new memory."""
    map_at(proc, first, pages, RW, MEMORY)
    for page in range(first, first + pages):
        proc.store(at(page), b"#")


def gone(kernel, proc):
    """Assert that a process was killed, says so, and left nothing."""
    assert proc.exit_code == 137
    assert proc.pid not in kernel.machine.tasks and not proc.task.files
    with pytest.raises(ProcessLookupError, match=r"was killed by the OOM killer") as raised:
        proc.load(at(0))
    assert raised.value.errno == ESRCH
    kernel.check()


# ── who goes ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [MAP_PRIVATE, MAP_SHARED])
def test_what_if_a_process_uses_all_memory(kernel, proc, kind):
    hungry = kernel.spawn("hungry")
    map_at(hungry, 0, 5000, RW, kind | MAP_ANONYMOUS)
    with pytest.raises(OutOfMemory, match=r"Killed process 2 \(hungry\): SIGKILL"):
        for page in range(5000):
            hungry.store(at(page), b"#")
    gone(kernel, hungry)
    assert kernel.vmstat()["oom_kill"] == 1
    assert kernel.meminfo()["MemFree"] > 15 << 10
    eat(proc, 3000)  # another can have all that


def test_what_if_another_process_is_larger(kernel, proc):
    """The one that asks for the last frame goes on; the large one is over, without having done anything."""
    large, other = kernel.spawn("large"), kernel.spawn("other")
    eat(large, 2500)
    eat(other, 1000)
    eat(proc, 900)
    gone(kernel, large)
    assert (proc.exit_code, other.exit_code) == (None, None)
    assert proc.load(at(899)) == other.load(at(999)) == b"#"


def test_what_if_two_are_equally_large(kernel, proc):
    """The younger one goes: so a memory cgroup of the real kernel showed (4.4: the older one)."""
    twins = [kernel.spawn("twin") for _ in range(2)]
    for twin in twins:
        eat(twin, 1500)
    assert oom_badness(twins[0].task) == oom_badness(twins[1].task)
    eat(proc, 1200)
    gone(kernel, twins[1])
    assert twins[0].exit_code is None


def test_what_counts(kernel, proc):
    """Resident pages and page tables; not what is mapped and never touched."""
    before = oom_badness(proc.task)
    map_at(proc, 0, 1000, RW, MEMORY)
    assert oom_badness(proc.task) == before
    proc.store(at(0), b"#")
    assert oom_badness(proc.task) == before + 2
    fd = make_file(proc, "/dev/shm/f", 1)
    map_at(proc, 1, 1, PROT_READ, MAP_SHARED, fd)
    proc.load(at(1))
    assert oom_badness(proc.task) == before + 3


def test_what_if_the_large_one_s_memory_is_shared(kernel, proc):
    """Its end frees little; so others must follow, until a frame is free."""
    parent = kernel.spawn("parent")
    eat(parent, 2500)
    child = parent.fork()
    eat(proc, 2000)
    gone(kernel, child)
    gone(kernel, parent)
    assert proc.load(at(1999)) == b"#"


def test_what_if_a_file_uses_all_memory(kernel, proc):
    """A file of ramfs belongs to nobody: everybody is killed, and it is still there."""
    second = kernel.spawn("second")
    fd = proc.open("/ram/f", O_RDWR | O_CREAT)
    with pytest.raises(OutOfMemory):
        proc.write(fd, bytes(2 * FRAMES * PAGE))
    gone(kernel, second)
    gone(kernel, proc)
    assert kernel.meminfo()["Cached"] > 15 << 10


def test_what_if_there_is_nobody_to_kill(kernel):
    with pytest.raises(KernelBug, match="no killable processes"):
        kernel.machine.out_of_memory(kernel.machine)


# ── in the middle of what ───────────────────────────────────────────────────────────────────────────────────


def nearly_full(kernel, proc, leave=3):
    """Let the process use all memory but for a few frames; nothing of it can be reclaimed."""
    proc.munmap(at(0), 5000 * PAGE)
    map_at(proc, 0, 5000, RW, MEMORY)
    kernel.drop_caches()
    page = 0
    while kernel.machine.vm_stat["nr_free_pages"] > leave or kernel.machine.try_to_free_pages(kernel.machine):
        proc.store(at(page), b"#")
        page += 1


def fault(proc):
    map_at(proc, 8000, 100, RW, MEMORY)
    for page in range(100):
        proc.store(at(8000 + page), b"#")


def memcpy(proc):
    map_at(proc, 8000, 100, RW, MEMORY)
    proc.memcpy(at(8000), at(0), 100 * PAGE)


def copy_of_a_file_page(proc):
    map_at(proc, 8000, 100, RW, MAP_PRIVATE, proc.file)
    for page in range(100):
        proc.store(at(8000 + page), b"#")


def copy_after_fork(proc):
    child = proc.fork()
    for page in range(100):
        proc.store(at(page), b"#")
    assert child


def populate(proc):
    map_at(proc, 8000, 100, RW, MEMORY | MAP_POPULATE)


def madvise(proc):
    map_at(proc, 8000, 100, RW, MEMORY)
    proc.madvise(at(8000), 100 * PAGE, MADV_POPULATE_WRITE)


def mlock(proc):
    map_at(proc, 8000, 100, RW, MEMORY)
    proc.mlock(at(8000), 100 * PAGE)


def mremap(proc):
    map_at(proc, 8000, 1, RW, MEMORY)
    proc.mlock(at(8000), PAGE)
    proc.mremap(at(8000), PAGE, 100 * PAGE)


def write(proc):
    proc.pwrite(proc.open("/ram/g", O_RDWR | O_CREAT), b"#" * 100 * PAGE, 0)


def fallocate(proc):
    proc.fallocate(proc.open("/dev/shm/g", O_RDWR | O_CREAT), 0, 0, 100 * PAGE)


def copy_of_a_hole(proc):
    """Each store takes two frames: one for the copy, one for the file's page."""
    fd = proc.open("/ram/g", O_RDWR | O_CREAT)
    proc.ftruncate(fd, 100 * PAGE)
    map_at(proc, 8000, 100, RW, MAP_PRIVATE, fd)
    for page in range(100):
        proc.store(at(8000 + page), b"#")


def read_into_new_memory(proc):
    map_at(proc, 8000, 100, RW, MEMORY)
    proc.lseek(proc.file, 0, SEEK_SET)
    proc.sys_read(proc.file, at(8000), 100 * PAGE)


def read_of_tmpfs(proc):
    map_at(proc, 8000, 100, RW, MEMORY)
    proc.lseek(proc.shared, 0, SEEK_SET)
    for page in range(100):
        proc.sys_read(proc.shared, at(8000 + page), PAGE)
        proc.lseek(proc.shared, 0, SEEK_SET)


def write_to_a_pipe(proc):
    """From memory whose pages must be brought in, after the pipe has taken a page for them."""
    fd = make_file(proc, "/data/g", 40)
    proc.fsync(fd)
    map_at(proc, 8000, 40, RW, MAP_PRIVATE, fd)
    read_end, write_end = proc.pipe()
    for page in range(40):
        proc.sys_write(write_end, at(8000 + page), PAGE)
        proc.store(at(8000 + page), proc.read(read_end, PAGE))


MIDDLES = [
    *(fault, memcpy, copy_of_a_file_page, copy_after_fork, populate, madvise, mlock, mremap, write, fallocate),
    *(copy_of_a_hole, read_into_new_memory, read_of_tmpfs, write_to_a_pipe),
]


@pytest.mark.parametrize("leave", range(3))
@pytest.mark.parametrize("middle", MIDDLES)
def test_what_if_the_process_is_killed_in_the_middle_of(kernel, proc, middle, leave):
    """It does not come back, and nothing of it stays: every other process goes on, and memory is free again."""
    hungry = kernel.spawn("hungry")
    hungry.file, hungry.shared = make_file(hungry, "/ram/f", 100), make_file(hungry, "/dev/shm/f", 1)
    nearly_full(kernel, hungry, leave)
    with pytest.raises(OutOfMemory):
        middle(hungry)
    for pid in [pid for pid in kernel.machine.tasks if pid != proc.pid]:
        assert pid != hungry.pid
        kernel.machine.tasks[pid].machine.out_of_memory(kernel.machine)  # its child, if it has one
    gone(kernel, hungry)
    assert kernel.meminfo()["AnonPages"] < 100
    eat(proc, 3000)
    proc.exit()
    kernel.check()


@pytest.mark.parametrize("leave", range(3))
@pytest.mark.parametrize("middle", MIDDLES)
def test_what_if_somebody_else_is_killed_in_the_middle_of(kernel, proc, middle, leave):
    """The call goes on where it was, and ends as if there had always been enough."""
    proc.file, proc.shared = make_file(proc, "/ram/f", 100), make_file(proc, "/dev/shm/f", 1)
    eat(proc, 200)
    large = kernel.spawn("large")
    nearly_full(kernel, large, leave)
    middle(proc)
    gone(kernel, large)
    assert proc.exit_code is None
    assert proc.load(at(0)) == b"#"


def test_what_if_a_program_is_started_without_memory(kernel):
    """It is killed before it has begun, and nothing of it stays."""
    kernel.spawn("first").exit()
    kernel.drop_caches()
    held = list(iter(lambda: alloc_page(kernel.machine, __GFP_NORETRY), None))  # as a driver would
    with pytest.raises(OutOfMemory, match="third"):
        kernel.spawn("third")
    assert kernel.machine.tasks == {}
    for page in held:
        put_page(page)
    assert kernel.spawn("fourth").exit_code is None


def test_what_if_a_small_object_cannot_be_had(kernel, proc):
    """The fault is tried again (5.16); until then this killed a process."""
    map_at(proc, 0, 1, RW, MEMORY)
    kernel.machine.fail_nth = 1
    proc.store(at(0), b"#")
    assert (proc.load(at(0)), kernel.machine.fail_nth, kernel.vmstat()["oom_kill"]) == (b"#", 0, 0)
