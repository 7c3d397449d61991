"""What if the anon_vma chains of a process are drawn: before its first store, after a fork, after a fork of that?"""

import pytest

from mmlab import MAP_PRIVATE, Kernel
from mmlab.include.mm_types import anon_vma
from mmlab.mm.rmap import rmap_walk
from mmlab.views import anon_vma_chains
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at

from .seen import is_well_drawn, the_twin_says_the_same, written


@pytest.fixture
def proc():
    return Kernel().spawn("parent")


def lines(procs):
    """The words of a picture that is drawn well and says the same."""
    picture = anon_vma_chains(procs, at(0))
    is_well_drawn(picture)
    the_twin_says_the_same(picture)
    return picture.text.splitlines()


def test_before_the_first_store(proc):
    map_at(proc, 0, 2, RW, MEMORY)
    proc.load(at(0))
    assert lines(proc) == ["parent[1] vma#22 rw-p: no anon_vma: nothing was stored here"]


def test_a_child_is_tied_to_its_parents_and_to_one_of_its_own(proc):
    map_at(proc, 0, 3, RW, MEMORY)
    proc.store(at(0), b"x" * 3 * PAGE)
    child = proc.fork()
    child.store(at(0), b"c")
    grandchild = child.fork()
    grandchild.store(at(1), b"g")
    first, *rest = lines([proc, child, grandchild])
    assert first.endswith("(its own: takes its new pages): page#442–444")
    assert [line.rpartition("page#")[2] for line in rest] == ["443–444", "445", "444", "445", "446"]
    assert [" (its own" in line for line in rest] == [False, True, False, False, True]


def test_the_column_of_a_page_holds_all_who_map_it(proc):
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"x")
    procs = [proc, proc.fork(), proc.fork()]
    page = proc.task.machine.mem_map[442]
    column = [line for line in lines(procs) if f"{page.mapping.name}" in line and line.endswith("page#442")]
    assert [line.split()[1] for line in column] == [vma.name for vma, _table, _i in rmap_walk(page)]


def test_pages_of_the_file_are_in_no_column(proc):
    map_at(proc, 0, 2, RW, MAP_PRIVATE, make_file(proc, "/data/file", 2))
    proc.load(at(1))
    proc.store(at(0), b"x")
    assert proc.pagemap(at(1)).file
    copy = next(page for page in proc.task.machine.mem_map if isinstance(page.mapping, anon_vma) and page.index == 0)
    assert [line.rpartition(": ")[2] for line in lines(proc)] == [copy.name]


def test_a_process_that_has_gone_takes_its_column_along_only_if_nobody_needs_it(proc):
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"x")
    child = proc.fork()
    proc.exit()
    inherited, own = lines(child)
    assert inherited.endswith(": page#442") and own.endswith("none of its pages")
    assert "takes no new pages" in written(anon_vma_chains(child, at(0)))


def test_an_address_that_nobody_maps(proc):
    with pytest.raises(LookupError, match="covers"):
        anon_vma_chains(proc, at(0))
