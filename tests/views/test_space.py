"""What if the address space is drawn: whole, in part, with sixty VMAs, with a gigabyte?"""

import re

import pytest

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_RDWR, PROT_READ, Kernel
from mmlab.views import address_space
from mmlab.views.space import CELL_LOOKS
from mmlab.views.style import KINDS, LOOKS
from tests.kernel.helpers import ARENA, MEMORY, PAGE, RW, at, make_file, map_at

from .seen import is_well_drawn, the_twin_says_the_same, written


@pytest.fixture
def proc():
    return Kernel().spawn("reader")


def test_each_vma_of_maps_is_drawn_in_order_with_its_name(proc):
    picture = address_space(proc)
    for line in str(proc.maps()).splitlines():
        start, end, perms = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
        assert f"{start}–{end} {perms}" in picture.text
    drawn = [line for line in written(picture) if re.fullmatch(r"\w+–\w+", line)]
    assert drawn == [line.split()[0].replace("-", "–") for line in str(proc.maps()).splitlines()]
    assert "libc.so.6 from page 38" in picture.text and "[heap]" in picture.text and "[stack]" in picture.text
    the_twin_says_the_same(picture, beside=facts_of_files(picture))
    is_well_drawn(picture)


def facts_of_files(picture):
    """How many of the file's pages lie beneath: in the picture these are cells."""
    return re.findall(r"beneath, (\d+)", picture.text)


def test_a_picture_of_the_same_memory_is_the_same():
    assert address_space(Kernel().spawn("reader")) == address_space(Kernel().spawn("reader"))


def test_each_page_is_what_pagemap_says(proc):
    fd = make_file(proc, "/data/file", 3)
    map_at(proc, 0, 6, RW, MAP_PRIVATE, fd)
    map_at(proc, 8, 4, RW, MEMORY)
    proc.store(at(1), b"x")
    proc.load(at(0))
    proc.load(at(8))
    proc.store(at(9), b"x")
    picture = address_space(proc, at(0), at(12))
    assert picture.text.splitlines()[1:] == [
        "10000000000–10000006000 rw-p vma#22 file from page 0: 6 pages, 2 of the file, 1 copied; "
        "beneath, 3 of the file's pages are in memory, the rest past its end",
        "hole of 8 KiB",
        "10000008000–1000000c000 rw-p vma#23 anonymous: 4 pages, 1 anonymous, 1 zero page",
    ]
    the_twin_says_the_same(picture, beside=facts_of_files(picture))
    assert strips(picture) == [
        "file anon file absent absent absent", "cached cached cached past past past", "zero anon absent absent",
    ]  # fmt: skip


def strips(picture):
    """The cells drawn, strip by strip: what each is, by its looks."""
    looks = {}
    for name, (kind, look, _) in CELL_LOOKS.items():
        owner, seen = KINDS[kind], LOOKS[look]
        looks[seen.fill or owner.tint, seen.border or owner.border, seen.dashed] = name.replace("copy", "anon")
    found = {}
    for rect in is_well_drawn(picture).iter("{http://www.w3.org/2000/svg}rect"):
        if float(rect.get("x")) >= 524 and float(rect.get("width")) > 20:
            look = rect.get("fill"), rect.get("stroke"), rect.get("stroke-dasharray") is not None
            found.setdefault(float(rect.get("y")), []).append(looks[look])
    return [" ".join(cells) for cells in found.values()]


def test_a_range_cuts_the_vmas_at_its_ends(proc):
    fd = make_file(proc, "/data/file", 8)
    map_at(proc, 0, 8, PROT_READ, MAP_SHARED, fd)
    picture = address_space(proc, at(2), at(4))
    assert picture.text.splitlines()[1].startswith("10000002000–10000004000 r--s vma#22 file from page 2: 2 pages")


def test_an_empty_range_says_what_to_give(proc):
    with pytest.raises(ValueError, match="below end"):
        address_space(proc, 8, 8)
    assert address_space(proc, ARENA, ARENA + PAGE).text == "mm:reader\nhole of 4 KiB"


def test_all_is_to_one_scale_but_for_broken_holes(proc):
    map_at(proc, 0, 10, RW, MEMORY)
    map_at(proc, 12, 40, PROT_READ, MEMORY)
    map_at(proc, 9000, 1, RW, MEMORY)
    picture = address_space(proc, at(0), at(9001))
    root = is_well_drawn(picture)
    rects = root.iter("{http://www.w3.org/2000/svg}rect")
    tall = [float(rect.get("height")) for rect in rects if rect.get("x") == "16"]
    scale = tall[0] / 10
    assert tall[:5] == pytest.approx([10 * scale, 2 * scale, 40 * scale, 16, max(scale, 1)], abs=0.02)
    assert picture.text.count("not to scale") == 1


def test_sixty_vmas_stay_legible(proc):
    for n in range(60):
        map_at(proc, 2 * n, 1, RW, MEMORY)
        proc.store(at(2 * n), b"x")
    picture = address_space(proc)
    assert len(re.findall(r"vma#\d+", picture.text)) > 60
    is_well_drawn(picture)


def test_a_gigabyte_is_drawn_in_few_shapes():
    proc = Kernel().spawn("reader")
    addr = proc.mmap(0, 1 << 30, RW, MAP_PRIVATE | MAP_ANONYMOUS)
    for n in range(0, 1000, 7):
        proc.store(addr + n * PAGE, b"x")
    picture = address_space(proc)
    assert "262144 pages, 143 anonymous" in picture.text
    assert len(picture.svg) < 120_000


def test_a_process_that_is_over_is_refused():
    proc = Kernel().spawn("reader")
    proc.exit()
    with pytest.raises(ProcessLookupError, match="is over"):
        address_space(proc)


def test_a_file_without_pages_beneath_is_drawn_as_on_disk(proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    map_at(proc, 0, 2, PROT_READ, MAP_SHARED, fd)
    assert "none present; beneath, 0 of the file's pages are in memory" in address_space(proc, at(0), at(2)).text
