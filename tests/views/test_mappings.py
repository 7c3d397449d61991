"""What if page tables are drawn over the page cache: of one process, of many, of a file, of anonymous memory?"""

import re

import pytest

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_RDONLY, PROT_READ, Kernel
from mmlab.check import vmas
from mmlab.include.pgtable import pte_offset
from mmlab.trace import show_pte
from mmlab.views import page_tables
from tests.differential.compare import Player
from tests.differential.programs import kinds, methods, random_program
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at

from .seen import is_well_drawn, the_twin_says_the_same

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def kernel():
    return Kernel()


@pytest.fixture
def proc(kernel):
    return kernel.spawn("reader")


def links(picture):
    """The links drawn: solid ones lead from a PTE, broken ones are what a fault would find."""
    paths = list(is_well_drawn(picture).iter(f"{SVG}path"))
    broken = sum(path.get("stroke-dasharray") is not None for path in paths)
    return len(paths) - broken, broken


def pte(proc, page):
    """What the page table has for a page of the arena."""
    table, i = pte_offset(proc.task.mm.pgd, at(page))
    return show_pte(table[i])


def drawn(picture):
    the_twin_says_the_same(picture, beside=None)
    return links(picture)


def test_the_three_lines(proc):
    fd = make_file(proc, "/data/file", 3)
    map_at(proc, 0, 4, PROT_READ, MAP_SHARED, fd, 1)
    proc.load(at(0))
    picture = page_tables(proc, at(0))
    assert picture.text.splitlines() == [
        "VMA:     10000000000–10000004000 → file:0x1000 (file from page 1): reader[1] vma#22 r--s",
        "         file, 12288 bytes",
        "Filemap: file:0x1000 → page#443",
        "Filemap: file:0x2000 → page#444",
        "Filemap: file:0x3000 → past its end",
        "Filemap: file:0x4000 → past its end",
        f"PTE:     10000000000 → {pte(proc, 0)} (reader[1])",
        f"PTE:     10000001000 → {pte(proc, 1)} (reader[1])",
        "PTE:     10000002000 → none (reader[1]): an access is an error",
        "PTE:     10000003000 → none (reader[1]): an access is an error",
    ]
    assert drawn(picture) == (2, 0)
    assert picture == page_tables(proc, at(0)) and picture.source == page_tables(proc, "/data/file").source


def test_a_page_not_mapped_yet_has_a_broken_link(proc):
    map_at(proc, 0, 3, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY))
    picture = page_tables(proc, at(0))
    assert "file:0x0" not in picture.text and "book.txt:0x0 → not in memory" in picture.text
    assert drawn(picture) == (0, 3)


def test_two_processes_reach_one_page_by_two_addresses(kernel, proc):
    fd, other = make_file(proc, "/data/file", 4), kernel.spawn("writer")
    map_at(proc, 0, 4, PROT_READ, MAP_SHARED, fd)
    map_at(other, 8, 2, RW, MAP_SHARED, other.open("/data/file", 2), 2)
    proc.load(at(2))
    other.store(at(8), b"x")
    picture = page_tables([proc, other], "/data/file")
    assert pte(proc, 2).startswith("page#444 r-- A") and pte(other, 8).startswith("page#444 rw- AD")
    assert f"{at(2):x} → {pte(proc, 2)} (reader[1])" in picture.text
    assert f"{at(8):x} → {pte(other, 8)} (writer[2])" in picture.text
    assert drawn(picture) == (5, 1)


def test_a_private_copy_leads_away_from_the_file(proc):
    map_at(proc, 0, 1, RW, MAP_PRIVATE, make_file(proc, "/data/file", 1))
    proc.store(at(0), b"x")
    picture = page_tables(proc, at(0))
    assert "Filemap: file:0x0 → page#442" in picture.text
    assert f"{at(0):x} → page#443 rw- AD" in picture.text and "page#443, mapcount 1" in picture.text
    assert drawn(picture) == (1, 0)


def test_after_fork_two_ptes_lead_to_one_anonymous_page(proc):
    map_at(proc, 0, 3, RW, MEMORY)
    proc.store(at(0), b"x" * 2 * PAGE)
    proc.load(at(2))
    child = proc.fork()
    child.store(at(0), b"y")
    picture = page_tables([proc, child], at(0))
    for words in ("page#442, mapcount 1", "page#443, mapcount 2", "page#444, mapcount 1", "zero page"):
        assert words in picture.text
    assert drawn(picture) == (6, 0)


def test_of_a_large_mapping_the_pages_around_the_address_are_drawn(proc):
    addr = proc.mmap(0, 1 << 30, RW, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.store(addr + 1000 * PAGE, b"x")
    picture = page_tables(proc, addr + 1000 * PAGE)
    assert f"{addr + 1000 * PAGE:x} → page#442" in picture.text
    assert picture.text.count("PTE:") == 12 and "… 262132 more pages" in picture.text
    assert drawn(picture) == (1, 0)


def test_where_nothing_is_mapped_the_error_says_where_to_look(kernel, proc):
    with pytest.raises(LookupError, match="proc.maps"):
        page_tables(proc, 4096)
    with pytest.raises(LookupError, match="maps '/data/none': look at proc.maps"):
        page_tables([proc, kernel.spawn("other")], "/data/none")
    with pytest.raises(LookupError):
        page_tables([], "/data/book.txt")


def test_sixty_objects_stay_legible(kernel):
    procs = [kernel.spawn(f"p{n}") for n in range(6)]
    for n, proc in enumerate(procs):
        fd = make_file(proc, "/data/file", 8) if n == 0 else proc.open("/data/file", 2)
        map_at(proc, 0, 8, RW, MAP_PRIVATE, fd)
        proc.load(at(0))
        proc.store(at(n), b"x")
    assert drawn(page_tables(procs, "/data/file")) == (48, 0)


@pytest.mark.parametrize("seed", range(12))
def test_every_vma_of_a_random_program_can_be_drawn(seed):
    kernel = Kernel()
    player = Player(kernel, random_program(seed, methods(), kinds()))
    for step in player.program["steps"]:
        player.call(*step)
    for proc in player.alive.values():
        for vma in vmas(proc.task.mm):
            picture = page_tables(proc, vma.vm_start)
            solid, _ = links(picture)
            assert solid == len(re.findall(r"^PTE: .* → (?!none)", picture.text, re.M))
            for address, pfn in re.findall(r"^PTE: +(\w+) → page#(\d+)", picture.text, re.M):
                table = vma.vm_mm.pgd[int(address, 16) >> 21]
                assert table[int(address, 16) >> 12 & 511] >> 12 & (1 << 40) - 1 == int(pfn)
