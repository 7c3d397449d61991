"""What if two moments are compared: what is new, gone, grown; what if nothing changed, or very much?"""

import dataclasses

import pytest

from mmlab import MAP_PRIVATE, MAP_SHARED, PROT_READ, Kernel
from mmlab.views import changes, difference, moment
from tests.differential.compare import Player
from tests.differential.programs import kinds, methods, random_program
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at

from .seen import is_well_drawn, the_twin_says_the_same, written


@pytest.fixture
def kernel():
    return Kernel()


@pytest.fixture
def proc(kernel):
    return kernel.spawn("reader")


def told(before, after):
    """The lines of the difference; every one of them is in the picture, and lit."""
    picture = difference(before, after)
    lines = [str(delta) for delta in changes(before, after)]
    assert picture.text == ("\n".join(lines) or "nothing changed")
    root = is_well_drawn(picture)
    lit = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("fill") in ("#FFF3C4", "#FCE8DC")]
    assert len(lit) == min(len(lines), 80) + 2  # and two in the legend
    if len(lines) <= 80:
        the_twin_says_the_same(picture, beside=None)
    return lines


def test_nothing_changed(kernel, proc):
    assert told(moment(kernel), moment(kernel)) == []
    assert moment(kernel) == moment(kernel) and hash(moment(proc)) == hash(moment(proc))


def test_a_moment_stays_as_it_was(kernel, proc):
    before = moment(kernel)
    copy = dataclasses.replace(before)
    map_at(proc, 0, 4, RW, MEMORY)
    proc.store(at(0), b"x")
    assert before == copy and before != moment(kernel)
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.things = ()


def test_a_store_to_new_memory_is_told_whole(kernel, proc):
    map_at(proc, 0, 4, RW, MEMORY)
    before = moment(kernel)
    proc.store(at(0), b"x")
    assert [line for line in told(before, moment(kernel)) if "MemAvailable" not in line] == [
        "/proc/meminfo MemFree: 4192536 → 4192532 kB (-4)",
        "/proc/meminfo AnonPages: 24 → 28 kB (+4)",
        "/proc/meminfo PageTables: 16 → 20 kB (+4)",
        "/proc/vmstat pgfault: 41 → 42 (+1)",
        "reader[1] task:reader min_flt: 23 → 24 (+1)",
        "reader[1] mm:reader nr_ptes: 4 → 5 (+1)",
        "reader[1] mm:reader MM_ANONPAGES: 6 → 7 (+1)",
        "reader[1] PTE 10000000000: new: page#442 rw- AD",
        "page#442: new: anonymous memory, mapcount 1, _count 1, uptodate|anon_exclusive|swapbacked",
    ]


def test_vmas_that_are_new_gone_grown_and_changed(kernel, proc):
    map_at(proc, 0, 4, RW, MEMORY)
    map_at(proc, 9, 1, PROT_READ, MEMORY)
    before = moment(kernel)
    map_at(proc, 4, 2, RW, MEMORY)
    proc.munmap(at(9), PAGE)
    map_at(proc, 20, 1, RW, MEMORY)
    proc.mprotect(at(20), PAGE, PROT_READ)
    lines = told(before, moment(kernel))
    assert [line for line in lines if "vma#" in line] == [
        "reader[1] vma#22 span: 10000000000–10000004000 → 10000000000–10000006000",
        "reader[1] vma#22 size: 4 pages → 6 pages",
        "reader[1] vma#23: gone: 10000009000–1000000a000, 1 page, r--p, anonymous",
        "reader[1] vma#24: new: 10000014000–10000015000, 1 page, r--p, anonymous",
    ]


def test_neighbouring_pages_that_change_alike_are_one_line(kernel, proc):
    fd = make_file(proc, "/data/file", 16)
    map_at(proc, 0, 16, RW, MAP_SHARED, fd)
    before = moment(kernel)
    proc.load(at(3))
    proc.store(at(3), b"x")  # so that one differs
    lines = told(before, moment(kernel))
    assert any(line.startswith(f"reader[1] PTE {at(0):x}–{at(2):x}: new: page#442–444 r--") for line in lines)
    assert any(line.startswith(f"reader[1] PTE {at(3):x}: new: page#445 rw- AD") for line in lines)
    assert "page#442–457: mapcount 0 → 1 (+1), _count 1 → 2 (+1)" in lines


def test_neighbours_whose_frames_do_not_follow_each_other_stay_apart(kernel, proc):
    map_at(proc, 0, 4, RW, MEMORY)
    before = moment(kernel)
    for page in (1, 0, 2, 3):
        proc.store(at(page), b"x")
    lines = told(before, moment(kernel))
    assert [line for line in lines if " PTE " in line] == [
        f"reader[1] PTE {at(0):x}: new: page#443 rw- AD",
        f"reader[1] PTE {at(1):x}: new: page#442 rw- AD",
        f"reader[1] PTE {at(2):x}–{at(3):x}: new: page#444–445 rw- AD",
    ]


def test_a_copy_on_write_is_told_from_both_sides(kernel, proc):
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"x")
    child = proc.fork()
    before = moment(kernel)
    child.store(at(0), b"y")
    lines = told(before, moment(kernel))
    assert f"reader[2] PTE {at(0):x}: page#442 r-- D → page#443 rw- AD" in lines
    assert "page#442: mapcount 2 → 1 (-1), _count 2 → 1 (-1)" in lines
    assert not any(line.startswith("reader[1]") for line in lines)


def test_backwards_what_was_new_is_gone(kernel, proc):
    before = moment(kernel)
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"x")
    there, back = told(before, moment(kernel)), told(moment(kernel), before)
    assert [line.replace("new: ", "gone: ") for line in there if "new: " in line] == [
        line for line in back if "gone: " in line
    ]


def test_a_moment_of_a_process_leaves_the_others_out(kernel, proc):
    other = kernel.spawn("other")
    before = moment(proc)
    map_at(other, 0, 1, RW, MEMORY)
    assert not any("other" in line for line in told(before, moment(proc)))
    assert any("other[2] vma" in line for line in told(before, moment(kernel)))


def test_a_process_that_ends_is_gone(kernel, proc):
    child = proc.fork()
    before = moment(kernel)
    child.exit()
    lines = told(before, moment(kernel))
    assert "reader[2] task:reader: gone: min_flt 0, maj_flt 0" in lines
    with pytest.raises(ProcessLookupError):
        moment(child)


def test_dirty_flags_are_told(kernel, proc):
    map_at(proc, 0, 1, RW, MAP_SHARED, make_file(proc, "/data/file", 1))
    proc.fsync(3)
    before = moment(kernel)
    proc.store(at(0), b"x")
    assert "page#442: mapcount 0 → 1 (+1), _count 1 → 2 (+1), +dirty" in told(before, moment(kernel))


def test_very_many_changes_are_cut_in_the_picture_and_whole_in_the_twin(kernel, proc):
    before = moment(kernel)
    for n in range(100):
        map_at(proc, 2 * n, 1, RW, MAP_PRIVATE, make_file(proc, f"/tmp/{n}", 1))
    lines = told(before, moment(kernel))
    assert f"… and {len(lines) - 80} more changes" in written(difference(before, moment(kernel)))


@pytest.mark.parametrize("seed", range(8))
def test_the_same_program_makes_the_same_difference(seed):
    def play():
        kernel = Kernel()
        player = Player(kernel, random_program(seed, methods(), kinds()))
        before = moment(kernel)
        player.play()
        return difference(before, moment(kernel))

    assert play() == play()
