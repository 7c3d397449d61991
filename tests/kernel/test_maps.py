"""What if a mapping is cut, or meets another? Each page keeps its place in the file, and maps tells it."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlab import (
    MAP_ANONYMOUS,
    MAP_LOCKED,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_STACK,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    Kernel,
    SegmentationFault,
)
from mmlab.include.mm import VM_MAYSHARE, VM_MAYWRITE, VM_SHARED
from mmlab.mm.vma import find_vma
from tests.kernel.helpers import MEMORY, PAGE, RW, at, lines, make_file, map_at, page_text, ranges

FILE_PAGES, SHIFT = 24, 3  # the mapping shows the file from page 3 on
LENGTH = FILE_PAGES - SHIFT
BOOK = "/data/book.txt"


# ── vm_pgoff ────────────────────────────────────────────────────────────────────────────────────────────────


def shows(proc, page):
    """Which file page lies at this page of the arena; None if no VMA does."""
    try:
        return int(proc.load(at(page), 7))
    except SegmentationFault:
        return None


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    cuts=st.lists(st.tuples(st.integers(0, LENGTH), st.integers(1, 8)), max_size=8),
    kind=st.sampled_from([MAP_SHARED, MAP_PRIVATE]),
    written=st.sets(st.integers(0, LENGTH - 1)),
)
def test_what_if_a_mapping_is_cut_again_and_again(cuts, kind, written):
    """Every page is touched first: munmap of untouched pages would prove little."""
    kernel = Kernel()
    proc = kernel.spawn("cutter")
    map_at(proc, 0, LENGTH, RW, kind, make_file(proc, "/data/cut", FILE_PAGES), SHIFT)
    for page in range(LENGTH):
        assert shows(proc, page) == page + SHIFT
    for page in written:
        proc.store(at(page) + 8, b"written")
    left = set(range(LENGTH))
    for page, length in cuts:
        proc.munmap(at(page), length * PAGE)
        left -= set(range(page, page + length))
        kernel.check()
    assert [shows(proc, page) for page in range(LENGTH)] == [p + SHIFT if p in left else None for p in range(LENGTH)]
    assert {page for page in left if proc.load(at(page) + 8, 7) == b"written"} == written & left
    for first, end, _, pgoff in ranges(proc):
        assert (pgoff == first + SHIFT) and left.issuperset(range(first, end))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.integers(0, 12)), min_size=1, max_size=8))
def test_what_if_mappings_replace_one_another(mappings):
    """MAP_FIXED over parts of older ones: the last one wins, page by page; and whoever can merge has merged."""
    kernel = Kernel()
    proc = kernel.spawn("replacer")
    fd, wanted = make_file(proc, "/tmp/f", 24), {}
    for page, length, pgoff in mappings:
        map_at(proc, page, length, RW, MAP_SHARED, fd, pgoff)
        wanted |= {page + i: pgoff + i for i in range(length)}
        for touched in wanted:
            shows(proc, touched)
    assert {page: shows(proc, page) for page in wanted} == wanted
    found = ranges(proc)
    assert {page: pgoff + page - first for first, end, _, pgoff in found for page in range(first, end)} == wanted
    for (first, end, _, pgoff), (after, _, _, following) in pairwise(found):
        assert end < after or pgoff + end - first != following


# ── /proc/PID/maps ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_maps_is_read(proc):
    fd = proc.open(BOOK, O_RDONLY)
    map_at(proc, 0, 2, PROT_READ, MAP_SHARED, fd, 1)
    map_at(proc, 4, 1, RW, MEMORY)
    ino = proc.fstat(fd).st_ino
    assert lines(proc) == [
        f"10000000000-10000002000 r--s 00001000 fe:00 {ino} ".ljust(73) + BOOK,
        "10000004000-10000005000 rw-p 00000000 00:00 0 ",
    ]
    text = str(proc.maps())
    assert all(line.index("/") == 73 for line in text.splitlines() if "/" in line)
    assert all(line[73:] == "[heap]" or line[73:] == "[stack]" for line in text.splitlines() if "[" in line)
    assert [text.count(name) for name in ("[heap]", "[stack]")] == [1, 1]
    opened = proc.open("/proc/self/maps", O_RDONLY)
    assert proc.read(opened, 1 << 20).decode() == text
    assert proc.open(f"/proc/{proc.pid}/maps", O_RDONLY) > opened


PERMS = [
    (PROT_NONE, MAP_PRIVATE, "---p"),
    (PROT_READ, MAP_PRIVATE, "r--p"),
    (PROT_WRITE, MAP_PRIVATE, "-w-p"),
    (RW, MAP_SHARED, "rw-s"),
    (RW | 4, MAP_PRIVATE, "rwxp"),
    (4, MAP_SHARED, "--xs"),
]


@pytest.mark.parametrize(("prot", "kind", "perms"), PERMS)
def test_what_if_the_protection_is(proc, prot, kind, perms):
    map_at(proc, 0, 1, prot, kind | MAP_ANONYMOUS)
    assert lines(proc)[0].split()[1] == perms


@pytest.mark.parametrize(("flags", "shared"), [(O_RDONLY, False), (O_RDWR, True)])
def test_what_if_a_shared_mapping_can_never_be_written(proc, flags, shared):
    """It shows as 's' all the same; but the file counts no VM_SHARED mapping."""
    fd = proc.open(BOOK, flags)
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, fd)
    vma = find_vma(proc.task.mm, at(0))
    assert lines(proc)[0].split()[1] == "r--s"
    assert vma.vm_flags & VM_MAYSHARE
    assert (bool(vma.vm_flags & VM_SHARED), bool(vma.vm_flags & VM_MAYWRITE)) == (shared, shared)
    assert proc.task.files[fd].f_mapping.i_mmap_writable == shared


def test_what_if_the_file_is_unlinked(proc):
    fd = make_file(proc, "/tmp/gone", 1)
    map_at(proc, 0, 1, PROT_READ, MAP_PRIVATE, fd)
    proc.close(fd)
    proc.unlink("/tmp/gone")
    assert lines(proc)[0].endswith(" /tmp/gone (deleted)")
    assert proc.load(at(0), 7) == b"0000000"


def test_what_if_memory_is_shared(proc):
    map_at(proc, 0, 1, RW, MAP_SHARED | MAP_ANONYMOUS)
    assert lines(proc)[0][73:] == "/dev/zero (deleted)"
    assert lines(proc)[0].split()[3] == "00:01"


# ── merging ─────────────────────────────────────────────────────────────────────────────────────────────────

# what is mapped at pages 0…1 and then at 2…3: prot, flags, file, file page → do they become one VMA?
A, B, P, S = ("file", O_RDWR), ("again", O_RDWR), MAP_PRIVATE, MAP_SHARED
NEIGHBOURS = {
    "memory": ((RW, P, None, 0), (RW, P, None, 0), True),
    "memory of other protection": ((RW, P, None, 0), (PROT_READ, P, None, 0), False),
    "memory with NORESERVE": ((RW, P, None, 0), (RW, P | MAP_NORESERVE, None, 0), False),
    "memory with LOCKED": ((RW, P, None, 0), (RW, P | MAP_LOCKED, None, 0), False),
    "memory with STACK": ((RW, P, None, 0), (RW, P | MAP_STACK, None, 0), False),
    "read-only memory that is accounted or not": ((PROT_READ, P, None, 0), (PROT_READ, P, None, 0), True),
    "shared memory": ((RW, S, None, 0), (RW, S, None, 0), False),
    "the file goes on": ((RW, S, A, 1), (RW, S, A, 3), True),
    "the file goes on, private": ((RW, P, A, 1), (RW, P, A, 3), True),
    "a file page is left out": ((RW, S, A, 1), (RW, S, A, 4), False),
    "a file page comes twice": ((RW, S, A, 1), (RW, S, A, 2), False),
    "the same file, opened again": ((RW, S, A, 1), (RW, S, B, 3), False),
    "the file, private and shared": ((RW, S, A, 1), (RW, P, A, 3), False),
    "the file, then memory": ((RW, P, A, 0), (RW, P, None, 0), False),
    "the file of other protection": ((RW, S, A, 1), (PROT_READ, S, A, 3), False),
}


@pytest.mark.parametrize("order", ["upwards", "downwards"])
@pytest.mark.parametrize("touch", ["untouched", "touched"])
@pytest.mark.parametrize("what", NEIGHBOURS)
def test_what_if_neighbours_meet(proc, what, touch, order):
    *sides, merged = NEIGHBOURS[what]
    make_file(proc, "/data/f", 8)
    fds = {A: proc.open("/data/f", O_RDWR), B: proc.open("/data/f", O_RDWR)}
    places = [(0, sides[0]), (2, sides[1])]
    for page, (prot, flags, file, pgoff) in places if order == "upwards" else places[::-1]:
        map_at(proc, page, 2, prot, flags | (0 if file else MAP_ANONYMOUS), fds.get(file, -1), pgoff)
        if touch == "touched" and prot & PROT_WRITE:
            proc.store(at(page), b"#")
    # two VMAs whose anonymous pages belong to different anon_vmas stay two: a store came before the neighbour did
    assert len(ranges(proc)) == (1 if merged else 2)


def test_what_if_a_gap_is_filled(proc):
    """The two sides have an anon_vma each: the new pages go to the left one."""
    map_at(proc, 0, 2, RW, MEMORY)
    map_at(proc, 4, 2, RW, MEMORY)
    map_at(proc, 2, 2, RW, MEMORY)
    assert ranges(proc) == [(0, 6, "rw-p", 0)]
    proc.munmap(at(2), 2 * PAGE)
    proc.store(at(0), b"left")
    proc.store(at(4), b"right")
    map_at(proc, 2, 2, RW, MEMORY)
    assert ranges(proc) == [(0, 4, "rw-p", 0), (4, 6, "rw-p", 0)]
    assert (proc.load(at(0), 4), proc.load(at(4), 5)) == (b"left", b"right")


def test_what_if_the_neighbours_share_an_anon_vma(proc):
    map_at(proc, 0, 6, RW, MEMORY)
    proc.store(at(0), b"left")
    proc.store(at(5), b"right")
    proc.munmap(at(2), 2 * PAGE)
    assert len(ranges(proc)) == 2
    map_at(proc, 2, 2, RW, MEMORY)
    assert ranges(proc) == [(0, 6, "rw-p", 0)]


BORROWERS = {  # prot and file of two neighbours → do they share an anon_vma
    "memory of other protection": ((RW, None), (RW | PROT_EXEC, None), True),
    "the file of other protection": ((RW, A), (RW | PROT_EXEC, A), True),
    "the file, opened again": ((RW, A), (RW, B), False),
    "the file, then memory": ((RW, A), (RW, None), False),
}


@pytest.mark.parametrize("first", [0, 2])
@pytest.mark.parametrize("what", BORROWERS)
def test_what_if_neighbours_could_merge_but_for_their_protection(proc, what, first):
    """The one that is stored to later borrows the other's anon_vma, so that mprotect may merge them."""
    *sides, shared = BORROWERS[what]
    make_file(proc, "/data/f", 8)
    fds = {A: proc.open("/data/f", O_RDWR), B: proc.open("/data/f", O_RDWR)}
    for page, (prot, file) in zip((0, 2), sides, strict=True):
        map_at(proc, page, 2, prot, P | (0 if file else MAP_ANONYMOUS), fds.get(file, -1), page)
    for page in (first, 2 - first):
        proc.store(at(page), b"#")
    left, right = (find_vma(proc.task.mm, at(page)).anon_vma for page in (0, 2))
    assert (left is right) == shared


def test_what_if_a_merge_saves_the_call_to_the_file(kernel, proc):
    """A VMA that grows is not set up again: f_op->mmap, and so file_accessed, is not called."""
    fd = proc.open("/data/new", O_RDWR | O_CREAT)
    proc.ftruncate(fd, 4 * PAGE)
    map_at(proc, 0, 2, RW, MAP_SHARED, fd)
    with kernel.trace() as trace:
        map_at(proc, 2, 2, RW, MAP_SHARED, fd, 2)
    assert "vma_merge" in trace.functions()
    assert not {"ext4_file_mmap", "vma_link", "kmem_cache_zalloc"} & set(trace.functions())
    assert proc.task.files[fd].f_mapping.i_mmap_writable == 1


def test_page_text_says_its_number():
    assert int(page_text(12)[:7]) == 12
