"""What if every kB of /proc/meminfo is to be accounted for?"""

import contextlib

import pytest

from mmlab import MADV_DONTNEED, MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDWR, PROT_READ, Kernel, MemoryFault
from mmlab.include.errors import KernelBug
from mmlab.include.mm_types import PageAnon, page_mapcount
from mmlab.views import Ledger, ledger
from mmlab.views.ledger import Row, frames_of
from tests.differential.compare import Player
from tests.differential.programs import kinds, methods, random_program
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at

from .seen import is_well_drawn, the_twin_says_the_same

NAMES = ("Mapped", "AnonPages", "Shmem", "Cached", "Buffers")


def balanced(kernel):
    """Assert that the ledger's sums are meminfo's, that no page is in two rows, and each has its mappers."""
    book, meminfo, machine = Ledger.of(kernel), kernel.meminfo(), kernel.machine
    assert {name: book.kB(name) for name in NAMES} == {name: meminfo[name] for name in NAMES}
    pages = [pfn for row in book.rows for pfn in row.pages]
    assert len(pages) == len(set(pages))
    for row in book.rows:
        for pfn in row.pages:
            frame = machine.mem_map[pfn]
            assert PageAnon(frame) == (row.kind == "anonymous")
            assert bool(page_mapcount(frame)) == bool(row.mappers) and page_mapcount(frame) >= len(row.mappers)
    return book


def row(kernel, area, name="Cached"):
    """The rows of an area: who maps how much of it."""
    return {each.mappers: each.kB(name) for each in balanced(kernel).rows if each.area == area}


@pytest.fixture
def kernel():
    return Kernel()


def test_a_machine_that_has_just_booted(kernel):
    assert balanced(kernel).rows == ()
    assert ledger(kernel).text == "together: Mapped 0 kB, AnonPages 0 kB, Shmem 0 kB, Cached 0 kB"
    is_well_drawn(ledger(kernel))


def test_a_file_that_two_map_is_counted_once(kernel):
    one, two = kernel.spawn("one"), kernel.spawn("two")
    fds = make_file(one, "/data/file", 4), two.open("/data/file", O_RDWR)
    for proc, fd in zip((one, two), fds, strict=True):
        map_at(proc, 0, 4, PROT_READ, MAP_SHARED, fd)
    one.load(at(0))
    assert row(kernel, "/data/file", "Mapped") == {("one[1]",): 16}
    two.load(at(0))
    assert row(kernel, "/data/file", "Mapped") == {("one[1]", "two[2]"): 16}
    two.munmap(at(0), 2 * PAGE)
    assert row(kernel, "/data/file", "Mapped") == {("one[1]", "two[2]"): 8, ("one[1]",): 8}
    assert row(kernel, "/data/file") == {("one[1]", "two[2]"): 8, ("one[1]",): 8}


def test_a_private_copy_leaves_mapped_and_joins_anonpages(kernel):
    proc = kernel.spawn("one")
    map_at(proc, 0, 1, RW, MAP_PRIVATE, make_file(proc, "/data/file", 1))
    proc.load(at(0))
    proc.store(at(0), b"x")
    assert row(kernel, "/data/file") == {(): 4} and row(kernel, "/data/file", "Mapped") == {(): 0}
    assert row(kernel, "copies of file", "AnonPages") == {("one[1]",): 4}


def test_shared_memory_is_in_three_lines_at_once(kernel):
    proc = kernel.spawn("one")
    map_at(proc, 0, 4, RW, MAP_SHARED | MAP_ANONYMOUS)
    proc.store(at(0), b"x" * 2 * PAGE)
    for name in ("Mapped", "Shmem", "Cached"):
        assert row(kernel, "/dev/zero (deleted)", name) == {("one[1]",): 8}


def test_after_fork_both_map_one_page_until_one_stores(kernel):
    parent = kernel.spawn("one")
    map_at(parent, 0, 2, RW, MEMORY)
    parent.store(at(0), b"x" * 2 * PAGE)
    child, area = parent.fork(), f"anonymous at {at(0):x}"
    assert row(kernel, area, "AnonPages") == {("one[1]", "one[2]"): 8}
    child.store(at(0), b"y")
    assert row(kernel, area, "AnonPages") == {("one[1]", "one[2]"): 4, ("one[1]",): 4, ("one[2]",): 4}
    child.exit()
    assert row(kernel, area, "AnonPages") == {("one[1]",): 8}


def test_the_disk_itself_is_in_buffers(kernel):
    proc = kernel.spawn("one")
    fd = proc.open("/dev/vda", O_RDWR)
    map_at(proc, 0, 4, PROT_READ, MAP_SHARED, fd)
    proc.load(at(0))
    assert row(kernel, "/dev/vda", "Buffers").keys() == {(), ("one[1]",)}
    assert "Buffers" in ledger(kernel).text


def test_a_deleted_file_is_still_someones(kernel):
    proc = kernel.spawn("one")
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, make_file(proc, "/dev/shm/file", 1))
    proc.load(at(0))
    proc.unlink("/dev/shm/file")
    assert row(kernel, "/dev/shm/file (deleted)", "Shmem") == {("one[1]",): 4}


def test_pages_given_back_are_gone(kernel):
    proc = kernel.spawn("one")
    map_at(proc, 0, 4, RW, MEMORY)
    proc.store(at(0), b"x" * 4 * PAGE)
    proc.madvise(at(0), 4 * PAGE, MADV_DONTNEED)
    assert row(kernel, f"anonymous at {at(0):x}") == {}


def test_the_picture_says_what_the_ledger_says(kernel):
    proc = kernel.spawn("reader")
    map_at(proc, 0, 3, RW, MAP_PRIVATE, make_file(proc, "/tmp/file", 3))
    proc.store(at(0), b"x")
    picture = ledger(kernel)
    assert picture.text == str(Ledger.of(kernel)) == repr(Ledger.of(kernel))
    is_well_drawn(picture)
    the_twin_says_the_same(picture, beside=None)
    for each in Ledger.of(kernel).rows:
        assert f"{each.area}: {len(each.pages)} page" in picture.text
    again = Kernel()
    other = again.spawn("reader")
    map_at(other, 0, 3, RW, MAP_PRIVATE, make_file(other, "/tmp/file", 3))
    other.store(at(0), b"x")
    assert ledger(again) == picture


def test_sixty_rows_stay_legible(kernel):
    for n in range(12):
        proc = kernel.spawn(f"program{n}")
        map_at(proc, 0, 1, RW, MAP_SHARED, proc.open(f"/tmp/{n}", O_RDWR | O_CREAT))
    assert len(Ledger.of(kernel).rows) > 60
    is_well_drawn(ledger(kernel))


@pytest.mark.parametrize(
    ("width", "words"), [(900, "#1–2, 4, 6–8, 10"), (80, "#1–2, 4, …, 10"), (70, "#1–2, …, 10"), (1, "#…, 10")]
)
def test_frames_are_shortened_by_whole_runs(width, words):
    assert frames_of(Row("f", "file", (), (1, 2, 4, 6, 7, 8, 10)), width) == words


def test_a_ledger_that_does_not_balance_is_a_bug(kernel):
    kernel.spawn("one")
    kernel.machine.vm_stat["nr_mapped"] += 1
    with pytest.raises(KernelBug, match="Mapped is .* kB in /proc/meminfo, and its pages are"):
        ledger(kernel)
    kernel.machine.vm_stat["nr_mapped"] -= 1


@pytest.mark.parametrize("seed", range(40))
def test_the_ledger_of_a_random_program_balances(seed):
    kernel = Kernel()
    player = Player(kernel, random_program(seed, methods(), kinds()))
    for step in player.program["steps"]:
        with contextlib.suppress(MemoryFault):
            player.call(*step)
        balanced(kernel)
    ledger(kernel)
