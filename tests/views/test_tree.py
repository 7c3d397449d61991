"""What if the red-black tree is drawn: whole, while it is searched, with sixty VMAs, with none?"""

import re

import pytest

from mmlab import Kernel
from mmlab.check import vmas
from mmlab.mm.vma import find_vma
from mmlab.views import vma_tree
from tests.kernel.helpers import MEMORY, PAGE, RW, at, map_at

from .seen import is_well_drawn, the_twin_says_the_same, written


@pytest.fixture
def proc():
    return Kernel().spawn("reader")


def test_the_twin_tells_the_whole_tree(proc):
    picture = vma_tree(proc)
    for vma in vmas(proc.task.mm):
        colour = "red" if vma.rb_red else "black"
        left = vma.rb_parent and vma.rb_parent.rb_left is vma
        where = f"{vma.rb_parent.name}.rb_{'left' if left else 'right'}" if vma.rb_parent else "rb_node"
        assert f"{vma.name} ({colour}, {where})" in picture.text
    assert picture == vma_tree(proc)
    assert picture == vma_tree(Kernel().spawn("reader"))
    the_twin_says_the_same(picture, beside=re.findall(r"rb_node|vma#\d+\.rb_\w+", picture.text))


def test_nodes_are_told_apart_by_shape_and_letter_too(proc):
    root = is_well_drawn(vma_tree(proc))
    colours = [vma.rb_red for vma in vmas(proc.task.mm)]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == sum(colours) + 1  # and one in the legend
    letters = [word for word in written(vma_tree(proc)) if word in ("B", "R")]
    assert letters == ["R" if red else "B" for red in colours] + ["B", "R"]


@pytest.mark.parametrize("page", [-1, 0, 1, 5, 22, 59, 60, 4000])
@pytest.mark.parametrize("offset", [0, 8, PAGE - 1])
def test_what_find_vma_compares_is_lit(page, offset):
    kernel = Kernel()
    proc = kernel.spawn("reader")
    for n in range(0, 60, 2):
        map_at(proc, n, 1, RW, MEMORY)
    addr, mm = at(page) + offset, proc.task.mm
    picture, found = vma_tree(proc, addr), find_vma(mm, addr)
    assert f"find_vma(mm, {addr:x}) = {found.name}" in picture.text
    steps = re.findall(r"^  \S+ (vma#\d+): (.*)", picture.text, re.M)
    node, walked = mm.mm_rb.rb_node, []
    while node is not None:
        walked.append(node)
        down = vma_step(node, addr)
        node = getattr(node, down) if down else None
    assert [name for name, _ in steps] == [vma.name for vma in walked]
    for (_, words), vma in zip(steps, walked, strict=True):
        assert words in written(picture)
        assert words.split()[-1] == {"rb_left": "left", "rb_right": "right"}.get(vma_step(vma, addr), f"{addr:x}")
    lit = [rect for rect in is_well_drawn(picture).iter("{http://www.w3.org/2000/svg}rect") if rect.get("rx")]
    assert len(lit) == len(walked)


def vma_step(vma, addr):
    """Which way find_vma goes."""
    if vma.vm_end <= addr:
        return "rb_right"
    return "rb_left" if vma.vm_start > addr else None


def test_an_address_above_all_vmas_finds_null(proc):
    assert "= NULL" in vma_tree(proc, (1 << 47) - PAGE).text


def test_sixty_vmas_stay_legible(proc):
    for n in range(60):
        map_at(proc, 2 * n, 1, RW, MEMORY)
    picture = vma_tree(proc, at(30))
    is_well_drawn(picture)
    assert sum(word.startswith("▬") for word in written(picture)) == proc.task.mm.map_count
    the_twin_says_the_same(picture, beside=re.findall(r"rb_node|vma#\d+\.rb_\w+", picture.text))


def test_memory_without_a_vma_is_an_empty_tree(proc):
    for vma in list(vmas(proc.task.mm)):
        proc.munmap(vma.vm_start, vma.vm_end - vma.vm_start)
    picture = vma_tree(proc, 4096)
    assert picture.text == "mm:reader mm_rb, map_count 0\nfind_vma(mm, 1000) = NULL"
    is_well_drawn(picture)
