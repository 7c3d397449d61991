"""What if processes shared memory by number? Each test that takes `proc` asks the real kernel, too."""

from errno import EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM

import pytest

from mmlab import (
    IPC_CREAT,
    IPC_EXCL,
    IPC_PRIVATE,
    IPC_RMID,
    IPC_STAT,
    PROT_EXEC,
    PROT_READ,
    RLIMIT_MEMLOCK,
    SHM_DEST,
    SHM_EXEC,
    SHM_HUGETLB,
    SHM_LOCK,
    SHM_LOCKED,
    SHM_NORESERVE,
    SHM_RDONLY,
    SHM_REMAP,
    SHM_RND,
    SHM_UNLOCK,
    Kernel,
    SegmentationFault,
    linux,
)
from tests.kernel.helpers import MEMORY, PAGE, RW, at, faults, lines, map_at, ranges, unchanged

KEY = 0x1234


@pytest.fixture(params=["simulated", "real"])
def proc(request):
    if request.param == "simulated":
        kernel = Kernel()
        yield kernel.spawn("reader")
        kernel.check()
        return
    try:
        real = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    if real.forbidden:
        pytest.skip(real.forbidden)
    with real:
        yield real.spawn("reader")


def code(call, *arguments):
    """The errno of a call that must fail."""
    with pytest.raises(OSError) as info:
        call(*arguments)
    return info.value.errno


def attached(proc, pages=4, page=0, flags=0):
    """A new segment, attached there; give its number."""
    id = proc.shmget(IPC_PRIVATE, pages * PAGE, 0o600)
    assert proc.shmat(id, at(page), flags) == at(page)
    return id


def stat(proc, id):
    found = proc.shmctl(id, IPC_STAT)
    return found.shm_segsz, found.shm_nattch, found.mode


# ── shmget ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_the_key_were_asked_for_again(proc):
    assert code(proc.shmget, KEY, PAGE, 0o600) == ENOENT
    assert code(proc.shmget, KEY, PAGE, 0o600 | IPC_EXCL) == ENOENT
    id = proc.shmget(KEY, PAGE, 0o600 | IPC_CREAT)
    assert [proc.shmget(KEY, size, flags) for size in (0, 1, PAGE) for flags in (0, IPC_CREAT, IPC_EXCL)] == [id] * 9
    assert code(proc.shmget, KEY, PAGE + 1, 0o600) == EINVAL
    assert code(proc.shmget, KEY, PAGE + 1, IPC_CREAT | IPC_EXCL) == EEXIST
    assert proc.shmget(IPC_PRIVATE, PAGE, 0o600) != proc.shmget(IPC_PRIVATE, PAGE, 0o600)


@pytest.mark.parametrize("size", [0, 2**64 - 2**24, 2**63, 2**64 - 1])
def test_what_if_no_segment_could_have_the_size(proc, size):
    assert code(proc.shmget, IPC_PRIVATE, size, 0o600) == EINVAL
    assert code(proc.shmget, KEY, size, 0o600) == ENOENT


def test_what_if_all_memory_were_not_enough(proc):
    assert code(proc.shmget, IPC_PRIVATE, 1 << 50, 0o600) == ENOMEM
    id = proc.shmget(IPC_PRIVATE, 1 << 50, 0o600 | SHM_NORESERVE)
    assert stat(proc, id) == (1 << 50, 0, 0o600)
    assert code(proc.shmat, id) == ENOMEM
    assert code(proc.shmget, IPC_PRIVATE, PAGE, 0o600 | SHM_HUGETLB) == ENOMEM


def test_what_if_a_number_were_used_again(proc):
    first, second = (proc.shmget(IPC_PRIVATE, PAGE, 0o600) for _ in range(2))
    assert (first, second) == (0, 1)
    proc.shmctl(first, IPC_RMID)
    for id in range(2, 64):
        assert proc.shmget(IPC_PRIVATE, PAGE, 0o600) == id
        proc.shmctl(id, IPC_RMID)
    assert code(proc.shmctl, first, IPC_STAT) == EINVAL
    assert proc.shmget(IPC_PRIVATE, PAGE, 0o600) == 1 << 15  # slot 0, for the second time
    assert proc.shmget(IPC_PRIVATE, PAGE, 0o600) == 1 << 15 | 2


def test_what_if_there_were_too_many_segments(kernel, monkeypatch):
    monkeypatch.setattr("mmlab.ipc.shm.SHMMNI", 3)
    proc = kernel.spawn("reader")
    for _ in range(3):
        proc.shmget(IPC_PRIVATE, PAGE, 0o600)
    with unchanged(kernel):
        assert code(proc.shmget, IPC_PRIVATE, PAGE, 0o600) == ENOSPC


def test_what_if_the_segment_were_of_another_user(proc):
    id = proc.shmget(KEY, PAGE, 0o640 | IPC_CREAT)
    other = proc.shmget(IPC_PRIVATE, PAGE, 0o604)
    proc.setuid(1000)  # and still of root's group
    assert proc.shmget(KEY, PAGE, 0o400) == id
    assert code(proc.shmget, KEY, PAGE, 0o600) == EACCES
    assert code(proc.shmat, id) == EACCES
    assert code(proc.shmat, id, 0, SHM_RDONLY | SHM_EXEC) == EACCES
    proc.shmdt(proc.shmat(id, 0, SHM_RDONLY))
    assert stat(proc, id) == (PAGE, 0, 0o640)
    assert code(proc.shmctl, other, IPC_STAT) == EACCES
    assert code(proc.shmctl, id, IPC_RMID) == code(proc.shmctl, id, SHM_LOCK) == EPERM
    assert code(proc.shmctl, id, SHM_UNLOCK) == EPERM
    mine = proc.shmget(IPC_PRIVATE, PAGE, 0o600)
    proc.shmctl(mine, SHM_LOCK)
    proc.setrlimit(RLIMIT_MEMLOCK, PAGE)
    mine = proc.shmget(IPC_PRIVATE, 2 * PAGE, 0)
    assert code(proc.shmat, mine) == code(proc.shmctl, mine, IPC_STAT) == EACCES
    assert code(proc.shmctl, mine, SHM_LOCK) == ENOMEM
    proc.setrlimit(RLIMIT_MEMLOCK, 0)
    assert code(proc.shmctl, mine, SHM_LOCK) == EPERM
    proc.shmctl(mine, SHM_UNLOCK)


# ── shmat ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_the_address_were_not_good(proc):
    id = attached(proc, 4)
    assert code(proc.shmat, id + 1, at(8)) == code(proc.shmat, -1, at(8)) == EINVAL
    assert code(proc.shmat, id, at(8) + 1) == EINVAL
    assert code(proc.shmat, id, 0, SHM_REMAP) == code(proc.shmat, id, 5, SHM_REMAP | SHM_RND) == EINVAL
    assert code(proc.shmat, id, at(3)) == EINVAL
    assert code(proc.shmat, id, 2**64 - PAGE) == EINVAL
    assert code(proc.shmat, id, 2**47) == ENOMEM
    assert stat(proc, id) == (4 * PAGE, 1, 0o600)
    assert proc.shmat(id, at(8) + 4095, SHM_RND) == at(8)
    assert proc.shmat(id, at(3), SHM_REMAP) == at(3)
    assert ranges(proc) == [(0, 3, "rw-s", 0), (3, 7, "rw-s", 0), (8, 12, "rw-s", 0)]
    assert stat(proc, id) == (4 * PAGE, 3, 0o600)


def test_what_if_it_were_attached_only_to_read(proc):
    attached(proc, 1, 0, SHM_RDONLY)
    attached(proc, 1, 2, SHM_EXEC)
    assert [perms for _, _, perms, _ in ranges(proc)] == ["r--s", "rwxs"]
    assert code(proc.mprotect, at(0), PAGE, RW) == EACCES
    proc.mprotect(at(0), PAGE, PROT_READ | PROT_EXEC)
    with pytest.raises(SegmentationFault):
        proc.store(at(0), b"x")


def test_what_if_two_processes_attached_it(proc):
    id = attached(proc)
    child = proc.fork()
    assert stat(proc, id)[1] == 2
    child.store(at(1), b"seen")
    assert proc.load(at(1), 4) == b"seen"
    proc.shmdt(at(0))
    assert proc.shmat(id, at(8)) == at(8)
    assert proc.load(at(9), 4) == b"seen"
    child.exit()
    assert stat(proc, id)[1] == 1


def test_what_if_maps_were_read(proc):
    attached(proc)
    id = attached(proc, 1, 8)
    assert lines(proc)[1].split()[4:] == [str(id), "/SYSV00000000", "(deleted)"]
    proc.shmat(proc.shmget(0xAB12, 5000, 0o600 | IPC_CREAT), at(16))
    assert lines(proc)[2].split()[5] == "/SYSV0000ab12"
    assert ranges(proc)[2][:2] == (16, 18)


def test_what_if_its_pages_were_touched(proc):
    attached(proc, 20)
    touched = [faults(proc, proc.load, at(page)) for page in range(3)]
    assert touched == [(1, 0)] * 3  # nothing is mapped around a fault
    assert faults(proc, proc.store, at(0), b"x") == (0, 0)


# ── cutting attachments up ──────────────────────────────────────────────────────────────────────────────────


def test_what_if_an_attachment_were_cut(proc):
    id = attached(proc, 8)
    proc.mprotect(at(2), 2 * PAGE, PROT_READ)
    assert stat(proc, id)[1] == 3
    proc.mprotect(at(1), PAGE, PROT_READ)  # since 6.5 a neighbour may take part of it
    assert ranges(proc) == [(0, 1, "rw-s", 0), (1, 4, "r--s", 1), (4, 8, "rw-s", 4)]
    proc.mprotect(at(0), 8 * PAGE, RW)  # none of them may go: shm_close would be owed
    assert ranges(proc) == [(0, 1, "rw-s", 0), (1, 4, "rw-s", 1), (4, 8, "rw-s", 4)]
    assert stat(proc, id)[1] == 3
    proc.munmap(at(2), PAGE)
    assert stat(proc, id)[1] == 4
    proc.shmdt(at(0))
    assert (ranges(proc), stat(proc, id)[1]) == ([], 0)


def test_what_if_shmdt_met_parts_elsewhere(proc):
    id = attached(proc, 8)
    proc.munmap(at(0), PAGE)
    assert code(proc.shmdt, at(1)) == code(proc.shmdt, at(0) + 1) == EINVAL
    proc.mremap(at(6), 2 * PAGE, 2 * PAGE, 3, at(20))
    proc.shmat(id, at(0), SHM_REMAP)
    proc.munmap(at(0), PAGE)
    proc.munmap(at(3), PAGE)
    proc.mremap(at(20), 2 * PAGE, 2 * PAGE, 3, at(6))  # of the first attachment, where the second has its own
    proc.shmdt(at(0))
    assert ranges(proc) == [(6, 8, "rw-s", 6)]
    assert stat(proc, id)[1] == 1
    proc.shmdt(at(0))
    assert ranges(proc) == []
    assert code(proc.shmdt, at(0)) == EINVAL


def test_what_if_mremap_made_it_larger_than_the_segment(proc):
    id = attached(proc, 2)
    assert proc.mremap(at(0), 2 * PAGE, 4 * PAGE) == at(0)
    map_at(proc, 4, 1, RW, MEMORY)
    assert (ranges(proc)[0][:2], stat(proc, id)[1]) == ((0, 4), 1)
    proc.shmdt(at(0))
    assert [line[:2] for line in ranges(proc)] == [(4, 5)]


def test_what_if_several_attachments_were_to_move_at_once(proc):
    attached(proc, 2)
    attached(proc, 2, 2)
    with pytest.raises(OSError) as info:
        proc.mremap(at(0), 4 * PAGE, 4 * PAGE, 3, at(16))
    assert info.value.errno == 14
    assert [line[:2] for line in ranges(proc)] == [(0, 2), (2, 4)]


# ── the end of a segment ────────────────────────────────────────────────────────────────────────────────────


def test_what_if_it_were_removed_while_attached(proc):
    id = proc.shmget(KEY, PAGE, 0o600 | IPC_CREAT)
    proc.shmat(id, at(0))
    proc.store(at(0), b"still here")
    proc.shmctl(id, IPC_RMID)
    assert stat(proc, id) == (PAGE, 1, 0o600 | SHM_DEST)
    assert code(proc.shmget, KEY, PAGE, 0o600) == ENOENT
    assert proc.shmat(id, at(8)) == at(8)
    assert proc.load(at(8), 10) == b"still here"
    assert proc.shmat(id, at(8), SHM_REMAP) == at(8)
    proc.shmdt(at(0))
    assert proc.shmat(id, at(8), SHM_REMAP) == at(8)  # over its last attachment
    proc.shmdt(at(8))
    assert code(proc.shmctl, id, IPC_STAT) == code(proc.shmat, id) == EINVAL


def test_what_if_all_processes_ended(kernel):
    before = kernel.meminfo()["Shmem"], kernel.meminfo()["Committed_AS"]
    proc, other = kernel.spawn("writer"), kernel.spawn("reader")
    kept, removed = attached(proc, 4, 0), attached(proc, 4, 4)
    for page in range(6):
        proc.store(at(page), b"left")
    proc.shmctl(removed, IPC_RMID)
    proc.exit()
    assert kernel.meminfo()["Shmem"] == before[0] + 16
    kernel.check()
    assert code(other.shmctl, removed, IPC_STAT) == EINVAL
    other.shmat(kept, at(0))
    assert other.load(at(3), 4) == b"left"
    other.shmdt(at(0))
    other.shmctl(kept, IPC_RMID)
    other.exit()
    assert (kernel.meminfo()["Shmem"], kernel.meminfo()["Committed_AS"]) == before


def test_what_if_it_were_locked(proc):
    id = proc.shmget(IPC_PRIVATE, PAGE, 0o600)
    proc.shmctl(id, SHM_LOCK)
    assert stat(proc, id)[2] == 0o600 | SHM_LOCKED
    proc.shmctl(id, SHM_UNLOCK)
    assert stat(proc, id)[2] == 0o600
    assert code(proc.shmctl, id, 99) == code(proc.shmctl, id, -1) == EINVAL


def test_what_if_a_segment_promised_memory(kernel):
    proc, before = kernel.spawn("reader"), kernel.meminfo()["Committed_AS"]
    id = attached(proc, 100)
    assert kernel.meminfo()["Committed_AS"] == before + 400
    proc.shmat(proc.shmget(IPC_PRIVATE, PAGE << 8, 0o600 | SHM_NORESERVE))
    proc.fork()
    proc.shmdt(at(0))
    assert kernel.meminfo()["Committed_AS"] - before == 400 + stack_kb(proc)
    assert proc.shmctl(id, IPC_STAT).shm_nattch == 1


def stack_kb(proc):
    """What a fork promises: the private writable memory of the program."""
    return sum(
        int(line.split()[1]) * ("ac" in flags)
        for line, flags in zip(
            [line for line in str(proc.smaps()).splitlines() if line.startswith("Size")],
            [line.split() for line in str(proc.smaps()).splitlines() if line.startswith("VmFlags")],
            strict=True,
        )
    )


@pytest.mark.parametrize(
    ("call", "errno"),
    [
        (lambda proc, id: proc.shmget(KEY, PAGE, 0), ENOENT),
        (lambda proc, id: proc.shmget(IPC_PRIVATE, 0, 0o600), EINVAL),
        (lambda proc, id: proc.shmget(IPC_PRIVATE, 1 << 50, 0o600), ENOMEM),
        (lambda proc, id: proc.shmat(id, at(0)), EINVAL),
        (lambda proc, id: proc.shmat(id, 2**47), ENOMEM),
        (lambda proc, id: proc.shmat(77), EINVAL),
        (lambda proc, id: proc.shmdt(at(1)), EINVAL),
        (lambda proc, id: proc.shmctl(77, IPC_RMID), EINVAL),
    ],
)
def test_what_if_a_call_failed(kernel, call, errno):
    proc = kernel.spawn("reader")
    id = attached(proc)
    proc.store(at(0), b"x")
    with unchanged(kernel):
        assert code(call, proc, id) == errno


@pytest.mark.parametrize("broken", ["nattch", "file", "removed"])
def test_what_if_the_counts_of_a_segment_were_wrong(broken):
    kernel = Kernel()
    proc = kernel.spawn("reader")
    shp = kernel.machine.shm_ids.segments[attached(proc)]
    owner, field, value = {
        "nattch": (shp, "shm_nattch", 2),
        "file": (shp.shm_file, "f_count", 3),
        "removed": (shp, "id", 5),
    }[broken]
    right = getattr(owner, field)
    setattr(owner, field, value)
    with pytest.raises(AssertionError):
        kernel.check()
    setattr(owner, field, right)
