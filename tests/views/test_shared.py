"""What if two processes share memory in both ways, in one, in none?"""

import re

import pytest

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDWR, PROT_READ, Kernel, Process
from mmlab.views import shared_memory
from tests.kernel.helpers import PAGE, RW, at, make_file, map_at

from .seen import is_well_drawn, written


@pytest.fixture
def proc():
    return Kernel().spawn("parent")


def halves(picture):
    """The words of each kind."""
    left, right = picture.text.split("A nameless tmpfs file: ")
    return left, right


def says_the_same(picture):
    """In the picture's narrow columns only the last digits of an address are drawn, and pages without the word."""
    is_well_drawn(picture)
    for line in picture.text.splitlines():
        if match := re.match(r"PTE: +(\w+) → (.*) \((\w+\[\d+\])\)", line):
            address, pte, owner = match.groups()
            assert {f"…{int(address, 16) & 0xFFFFF:05x}", pte.replace("page#", "#"), owner} <= set(written(picture))
        if match := re.match(r"Filemap: .*:0x(\w+) → (.*)", line):
            page = match[2].replace("page#", "#").replace("not in memory", "–").replace("past its end", "–")
            assert f"{int(match[1], 16) // PAGE}: {page}" in written(picture)


def test_both_kinds_side_by_side(proc):
    map_at(proc, 0, 2, RW, MAP_SHARED, make_file(proc, "/data/file", 2))
    map_at(proc, 8, 2, RW, MAP_SHARED | MAP_ANONYMOUS)
    proc.store(at(0), b"x")
    proc.store(at(8), b"x")
    child = proc.fork()
    child.load(at(0))
    child.load(at(8))
    picture = shared_memory(proc, child)
    left, right = halves(picture)
    assert "/data/file; open, mmap(MAP_SHARED); fault = filemap_fault; counts in Mapped, Cached" in left
    assert "/dev/zero (deleted); mmap(MAP_SHARED|MAP_ANONYMOUS), fork; fault = shmem_fault; " in right
    assert "counts in Mapped, Shmem, Cached" in right
    for half, page in ((left, at(0)), (right, at(8))):
        frames = re.findall(rf"{page:x} → (page#\d+) .*\(parent\[([12])\]\)", half)
        assert [owner for _, owner in frames] == ["1", "2"] and frames[0][0] == frames[1][0]
    says_the_same(picture)
    assert picture == shared_memory(proc, child)


def test_what_one_stores_the_other_has_at_once_in_the_picture(proc):
    map_at(proc, 0, 1, RW, MAP_SHARED | MAP_ANONYMOUS)
    child = proc.fork()
    child.store(at(0), b"x")
    right = halves(shared_memory(proc, child))[1]
    assert f"{at(0):x} → none (parent[1])" in right
    assert re.search(rf"{at(0):x} → page#\d+ rw- AD \(parent\[2\]\)", right)


def test_a_tmpfs_file_has_a_name_but_counts_as_shmem(proc):
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, make_file(proc, "/dev/shm/file", 1))
    left, _ = halves(shared_memory(proc))
    assert "/dev/shm/file; open, mmap(MAP_SHARED); fault = shmem_fault; counts in Mapped, Shmem, Cached" in left


FACES = {
    "mmap": ("/dev/zero (deleted)", lambda p: map_at(p, 0, 1, RW, MAP_SHARED, p.open("/dev/zero", O_RDWR))),
    "memfd_create": ("/memfd:face", lambda p: map_at(p, 0, 1, RW, MAP_SHARED, sized(p, p.memfd_create("face")))),
    "shmget": ("/SYSV", lambda p: p.shmat(p.shmget(77, PAGE, 0o1600), at(0))),
}


@pytest.mark.parametrize("call", [call for call in FACES if hasattr(Process, call)])
def test_each_face_of_the_second_kind(proc, call):
    name, make = FACES[call]
    make(proc)
    assert f"\n{name}" in halves(shared_memory(proc))[1]


def sized(proc, fd):
    proc.ftruncate(fd, PAGE)
    return fd


def test_private_memory_is_not_shared(proc):
    map_at(proc, 0, 1, RW, MAP_PRIVATE, make_file(proc, "/data/file", 1))
    picture = shared_memory(proc, proc.fork())
    assert picture.text.splitlines() == [
        "A file, by its name: do_mmap, f_op->mmap",
        "none yet: map a file with MAP_SHARED",
        "A nameless tmpfs file: shmem_zero_setup, shmem_file_setup",
        "none yet: mmap(MAP_SHARED|MAP_ANONYMOUS), fork",
    ]
    says_the_same(picture)


def test_no_process_is_an_error_that_says_what_to_give():
    with pytest.raises(TypeError, match=r"shared_memory\(parent, child\)"):
        shared_memory()


def test_many_shared_files_stay_legible(proc):
    for n in range(5):
        map_at(proc, 10 * n, 6, RW, MAP_SHARED, proc.open(f"/tmp/{n}", O_RDWR | O_CREAT))
        map_at(proc, 100 + 10 * n, 6, RW, MAP_SHARED | MAP_ANONYMOUS)
        proc.store(at(100 + 10 * n), b"x")
    says_the_same(shared_memory(proc, proc.fork()))
