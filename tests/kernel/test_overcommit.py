"""What if more memory is promised than there is? mm/util.c:__vm_enough_memory, and who asks it."""

from errno import ENOMEM, ENOSPC

import pytest

from mmlab import (
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    MAP_ANONYMOUS,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    PROT_READ,
    BusError,
    Kernel,
)

from .helpers import MEMORY, PAGE, RW, at, make_file, map_at, unchanged

FRAMES = 16384  # 64 MiB
LIMIT = FRAMES // 2  # CommitLimit: vm.overcommit_ratio is 50 %
ADMIN = FRAMES // 32  # vm.admin_reserve_kbytes: 3 % of memory, 8 MiB at most
ALICE = 1000


@pytest.fixture
def kernel():
    return Kernel(mem=FRAMES * PAGE, overcommit_memory=2)


@pytest.fixture
def proc(kernel):
    return kernel.spawn("greedy")


def room(kernel, proc):
    """How many pages the process can still be promised: less than allowed, not as many."""
    mm = proc.task.mm
    allowed = LIMIT - min(mm.total_vm // 32, FRAMES // 32) - (ADMIN if proc.task.uid else 0)
    return allowed - 1 - kernel.machine.vm_committed_as


def refused(kernel, call, *args):
    with unchanged(kernel), pytest.raises(OSError, match="__vm_enough_memory") as raised:
        call(*args)
    assert raised.value.errno == ENOMEM


# ── how much ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("uid", [0, ALICE])
@pytest.mark.parametrize("flags", [MEMORY, MAP_SHARED | MAP_ANONYMOUS, MEMORY | MAP_NORESERVE])
def test_what_if_the_last_page_is_promised(kernel, proc, uid, flags):
    """A user gets 3 % less than root, and each process the less the larger it is."""
    proc.setuid(uid)
    pages = room(kernel, proc)
    refused(kernel, map_at, proc, 0, pages + 1, RW, flags)
    map_at(proc, 0, pages, RW, flags)
    assert room(kernel, proc) < 0
    refused(kernel, map_at, proc, pages, 1, RW, flags)
    map_at(proc, pages, 1, PROT_READ, MEMORY)  # what cannot be written needs no promise


def test_what_if_root_goes_on_where_a_user_may_not(kernel, proc):
    user = kernel.spawn("user")
    user.setuid(ALICE)
    map_at(user, 0, room(kernel, user), RW, MEMORY)
    refused(kernel, map_at, user, FRAMES, 1, RW, MEMORY)
    assert room(kernel, proc) > ADMIN // 2
    map_at(proc, 0, room(kernel, proc), RW, MEMORY)


def test_what_if_the_machine_is_large():
    """8 MiB are kept for root, 128 MiB at most from a process, however much memory there is."""
    kernel = Kernel(mem=64 << 30, overcommit_memory=2)
    user = kernel.spawn("user")
    user.setuid(ALICE)
    map_at(user, 0, (8 << 30) // PAGE, PROT_READ, MEMORY)  # total_vm / 32 is more than 128 MiB
    allowed = (32 << 30) // PAGE - ((128 << 20) + (8 << 20)) // PAGE - kernel.machine.vm_committed_as
    user.mmap(0, (allowed - 1) * PAGE, RW, MEMORY)
    refused(kernel, user.mmap, 0, PAGE, RW, MEMORY)


@pytest.mark.parametrize("uid", [0, ALICE])
def test_what_if_the_kernel_guesses(uid):
    """It refuses only what is larger than all memory, whatever was promised before."""
    kernel = Kernel(mem=FRAMES * PAGE)
    proc = kernel.spawn("greedy")
    proc.setuid(uid)
    for _ in range(3):
        proc.mmap(0, FRAMES * PAGE, RW, MEMORY)
    refused(kernel, proc.mmap, 0, (FRAMES + 1) * PAGE, RW, MEMORY)
    proc.mmap(0, (FRAMES + 1) * PAGE, RW, MEMORY | MAP_NORESERVE)
    proc.mmap(0, (FRAMES + 1) * PAGE, PROT_READ, MEMORY)


def test_what_if_the_kernel_always_says_yes():
    kernel = Kernel(mem=FRAMES * PAGE, overcommit_memory=1)
    kernel.spawn("greedy").mmap(0, 1 << 46, RW, MEMORY)
    assert kernel.meminfo()["Committed_AS"] > 1 << 36


# ── who asks ────────────────────────────────────────────────────────────────────────────────────────────────


def leave(kernel, proc, pages):
    """Leave so many pages to be promised, to a process so large that it cannot be kept from more."""
    map_at(proc, 5000, FRAMES, PROT_READ, MEMORY)
    proc.mprotect(at(5000), (room(kernel, proc) - pages) * PAGE, RW)
    assert room(kernel, proc) == pages


def test_what_if_a_mapping_replaces_another(kernel, proc):
    """What it replaces counts for it (6.12)."""
    map_at(proc, 0, 100, RW, MEMORY)
    leave(kernel, proc, 5)
    refused(kernel, map_at, proc, 0, 106, RW, MEMORY)
    map_at(proc, 0, 105, RW, MEMORY)
    map_at(proc, 0, 105, RW, MEMORY)


def test_what_if_the_heap_grows(kernel, proc):
    leave(kernel, proc, 5)
    end = proc.brk(0)
    with unchanged(kernel):
        assert proc.brk(end + 6 * PAGE) == end
    assert proc.brk(end + 5 * PAGE) == end + 5 * PAGE


@pytest.mark.parametrize("moves", [False, True])
def test_what_if_a_mapping_grows(kernel, proc, moves):
    map_at(proc, 0, 10, RW, MEMORY)
    if moves:
        map_at(proc, 10, 1, PROT_READ, MEMORY)
    leave(kernel, proc, 5)
    refused(kernel, proc.mremap, at(0), 10 * PAGE, 16 * PAGE, MREMAP_MAYMOVE)
    proc.mremap(at(0), 10 * PAGE, 15 * PAGE, MREMAP_MAYMOVE)


def test_what_if_a_mapping_becomes_writable(kernel, proc):
    for first, pages in ((0, 6), (10, 5)):
        map_at(proc, first, pages, PROT_READ, MEMORY)
    leave(kernel, proc, 5)
    refused(kernel, proc.mprotect, at(0), 6 * PAGE, RW)
    proc.mprotect(at(10), 5 * PAGE, RW)


def test_what_if_a_private_file_mapping_is_made(kernel, proc):
    fd = make_file(proc, "/data/f", 8)
    leave(kernel, proc, 5)
    refused(kernel, map_at, proc, 0, 6, RW, MAP_PRIVATE, fd)
    map_at(proc, 0, 6, RW, MAP_SHARED, fd)
    map_at(proc, 10, 5, RW, MAP_PRIVATE, fd)


def test_what_if_a_process_forks(kernel, proc):
    """The child is promised all of it once more."""
    map_at(proc, 0, 100, RW, MEMORY)
    proc.fork().exit()
    leave(kernel, proc, 150)
    with pytest.raises(OSError, match="__vm_enough_memory") as raised:
        proc.fork()
    assert raised.value.errno == ENOMEM
    proc.munmap(at(5000), FRAMES * PAGE)
    proc.fork().exit()


def test_what_if_a_mapping_moves_when_nothing_more_is_promised(kernel, proc):
    """Even a move that needs no more asks, and a user who is over his limit is refused: 6.17, vrm_calc_charge."""
    map_at(proc, 0, 10, RW, MEMORY)
    leave(kernel, proc, 0)
    proc.mremap(at(0), 10 * PAGE, 10 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(100))
    proc.setuid(ALICE)
    refused(kernel, proc.mremap, at(100), 10 * PAGE, 10 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(0))


# ── tmpfs ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_file_of_tmpfs_grows_and_shrinks(kernel, proc):
    """Each of its pages is promised as it is made. (Seen on 6.18: 32 MiB written to a memfd raise Committed_AS so.)"""
    before = kernel.machine.vm_committed_as
    fd = make_file(proc, "/tmp/f", 8)
    counts = [kernel.machine.vm_committed_as - before]
    for change in (
        lambda: proc.ftruncate(fd, 20 * PAGE),
        lambda: proc.ftruncate(fd, 6 * PAGE),
        lambda: proc.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * PAGE),
        lambda: proc.fallocate(fd, 0, 0, 9 * PAGE),
        lambda: (proc.unlink("/tmp/f"), proc.close(fd)),
    ):
        change()
        counts.append(kernel.machine.vm_committed_as - before)
    assert counts == [8, 8, 6, 4, 9, 0]


def test_what_if_shared_memory_is_touched(kernel, proc):
    """All of it was promised when it was made; with MAP_NORESERVE under vm.overcommit_memory=0, page by page."""
    for guess, flags, counts in ((2, 0, (8, 8)), (0, MAP_NORESERVE, (0, 3))):
        kernel.machine.sysctl_overcommit_memory = guess
        before = kernel.machine.vm_committed_as
        map_at(proc, 0, 8, RW, MAP_SHARED | MAP_ANONYMOUS | flags)
        seen = [kernel.machine.vm_committed_as - before]
        proc.store(at(0), bytes(3 * PAGE))
        assert (*seen, kernel.machine.vm_committed_as - before) == counts
        proc.munmap(at(0), 8 * PAGE)
        assert kernel.machine.vm_committed_as == before


def test_what_if_tmpfs_is_promised_too_much(kernel, proc):
    """write(2) gives what fitted, then ENOSPC; so does fallocate, at once; a store is SIGBUS."""
    fd = make_file(proc, "/tmp/f", 1)
    map_at(proc, 0, 50, RW, MAP_SHARED, fd)
    leave(kernel, proc, 5)
    assert proc.pwrite(fd, bytes(10 * PAGE), PAGE) == 5 * PAGE
    proc.ftruncate(fd, PAGE)
    for call in (
        lambda: proc.fallocate(fd, 0, 0, 10 * PAGE),
        lambda: proc.fallocate(fd, 0, 2 * PAGE, 6 * PAGE),
    ):
        with unchanged(kernel), pytest.raises(OSError, match="shmem_acct_block") as raised:
            call()
        assert raised.value.errno == ENOSPC
    proc.fallocate(fd, 0, 0, 6 * PAGE)
    with unchanged(kernel), pytest.raises(OSError, match="shmem_acct_block"):
        proc.pwrite(fd, b"#", 6 * PAGE)
    proc.ftruncate(fd, 20 * PAGE)
    with pytest.raises(BusError, match="no block for this page"):
        proc.store(at(6), b"#")
    proc.store(at(5), b"#")


def test_what_if_tmpfs_is_full():
    """It has blocks for half of all memory, and what shares memory without a name has no such limit."""
    kernel = Kernel(mem=FRAMES * PAGE, overcommit_memory=1)
    proc = kernel.spawn("greedy")
    fds = [make_file(proc, f"{path}/f", 1) for path in ("/tmp", "/dev/shm")]
    assert proc.pwrite(fds[0], bytes(FRAMES * PAGE), 0) == FRAMES // 2 * PAGE
    with unchanged(kernel), pytest.raises(OSError, match="shmem_acct_block") as raised:
        proc.pwrite(fds[0], b"#", FRAMES // 2 * PAGE)
    assert raised.value.errno == ENOSPC
    assert proc.pwrite(fds[1], b"#", PAGE) == 1  # another mount, with blocks of its own
    proc.ftruncate(fds[0], 0)
    map_at(proc, 0, FRAMES, RW, MAP_SHARED | MAP_ANONYMOUS)
    for page in range(FRAMES // 2 + 100):
        proc.store(at(page), b"#")
