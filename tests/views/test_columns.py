"""What if a picture in columns has many objects, wild pointers, long names, or a reader who wants it as DOT?"""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlab import MAP_PRIVATE, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE, Kernel
from mmlab.views import object_graph, render, style
from mmlab.views.columns import WIDE, Graph, ends, lay_out
from mmlab.views.diagram import Cell, Row

from .seen import is_well_drawn, written

KINDS = ["mm_struct", "vm_area_struct", "file", "address_space"]


def sixty() -> Graph:
    """A process's memory, and behind it many VMAs, their files and the files' pages: 60 objects, 66 pointers."""
    graph = Graph(*KINDS)
    graph.node(0, "mm", "mm_struct", "reader", [Row(f"vma#{n}", port=f"v{n}") for n in range(27)])
    for n in range(27):
        graph.node(1, f"vma{n}", "vm_area_struct", f"vma#{n}", [Row("vm_pgoff", n), Row("vm_file")])
        graph.edge(f"mm:v{n}", f"vma{n}")
    for n in range(16):
        graph.node(2, f"file{n}", "file", f"file#{n}", [Row("f_count", 2), Row("f_mapping")])
        graph.node(3, f"as{n}", "address_space", f"book{n}.txt", [], [Cell(f"0: page#{n}", "c0", "present")])
        graph.edge(f"file{n}:f_mapping", f"as{n}", look="implied")
    for n in range(23):
        graph.edge(f"vma{n}:vm_file", f"file{n * 16 // 23}", look="changed" if n == 5 else "pointer")
    return graph


def curves(svg):
    """Give the pointers of a picture, each as points along its curve."""
    paths = [path for path in ET.fromstring(svg).iter(f"{{{render.SVG}}}path") if "C" in path.get("d")]
    for path in paths:
        x1, y1, *rest = (float(part) for part in re.findall(r"-?[\d.]+", path.get("d")))
        (x2, y2), (x3, y3), (x4, y4) = zip(rest[::2], rest[1::2], strict=True)
        for i in range(41):
            t, u = i / 40, 1 - i / 40
            weights = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
            across, down = (x1, x2, x3, x4), (y1, y2, y3, y4)
            yield tuple(sum(w * at for w, at in zip(weights, four, strict=True)) for four in (across, down))


def no_pointer_crosses_a_box(graph):
    """Assert that pointers stay in the gutters, but for the 8 px from a box's border to a page in it."""
    boxes = lay_out(graph.columns, graph.edges).values()
    for x, y in curves(graph.diagram("t", "x").svg):
        assert not any(b.x + 9 < x < b.right - 1 and b.y < y < b.bottom for b in boxes), (x, y)


def no_box_covers_another(graph):
    """Assert that the boxes of a column stand apart, and that columns do."""
    boxes = list(lay_out(graph.columns, graph.edges).values())
    for one in boxes:
        for other in boxes:
            beside = one.right + 16 <= other.x or other.right + 16 <= one.x
            assert one is other or beside or one.bottom + 16 <= other.y or other.bottom + 16 <= one.y


def test_sixty_objects_stay_legible():
    graph = sixty()
    assert len(graph.nodes) == 60
    picture = graph.diagram("60 objects", "x")
    is_well_drawn(picture, width=940)
    drawn = written(picture)
    assert all(f"vma#{n}" in drawn for n in range(27)) and all(f"0: page#{n}" in drawn for n in range(16))
    no_pointer_crosses_a_box(graph)
    no_box_covers_another(graph)


def test_the_same_graph_is_had_as_dot():
    graph = sixty()
    picture = graph.diagram("60 objects", "x")
    assert picture.dot.startswith("digraph") and picture.dot.count(" -> ") >= 66
    svg = render.draw(picture.dot)
    assert svg.count('class="node"') == 60 and svg.count('class="edge"') >= 66


def test_a_pointer_from_a_page_table_to_the_page_is_level():
    proc = Kernel().spawn("reader")
    fd = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE_SIZE)
    proc.load(addr)
    graph = object_graph(proc, addr).graph
    boxes = lay_out(graph.columns, graph.edges)
    links = [ends(boxes, edge) for edge in graph.edges if edge.tail == "pgd"]
    assert len(links) == 4 and all(y1 == y2 for _, y1, _, y2 in links)
    proc.store(addr, b"x")
    no_pointer_crosses_a_box(object_graph(proc, addr).graph)
    is_well_drawn(object_graph(proc, addr), width=930)


def test_a_label_has_room_between_the_boxes():
    graph = Graph()
    for column, name in enumerate("ab"):
        graph.node(column, name, "file", name, [Row("f_mapping")])
    graph.edge("a:f_mapping", "b", "unmapped_area_topdown")
    boxes = lay_out(graph.columns, graph.edges)
    assert boxes["b"].x - boxes["a"].right > style.room("unmapped_area_topdown", size=style.SMALL)


@pytest.mark.parametrize(("tail", "head"), [(0, 2), (1, 0), (2, 0)])
def test_a_pointer_that_would_cross_a_column_is_refused(tail, head):
    graph = Graph()
    for n in range(3):
        graph.node(n, f"n{n}", "file", f"file#{n}", [Row("next")])
    graph.edge(f"n{tail}:next", f"n{head}")
    with pytest.raises(ValueError, match=f"n{tail} → n{head}"):
        graph.diagram("t", "x")


def test_a_field_that_is_not_there_is_named():
    graph = Graph()
    graph.node(0, "vma", "vm_area_struct", "vma#1", [Row("vm_file")])
    graph.node(1, "file", "file", "file#1")
    graph.edge("vma:vm_flie", "file")
    with pytest.raises(KeyError, match="vm_flie"):
        graph.diagram("t", "x")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_wild_pointers_cross_no_box_and_hostile_names_are_only_text(data):
    names = st.text(max_size=60)
    graph = Graph(*data.draw(st.lists(st.sampled_from(list(style.KINDS)), unique=True)))
    columns = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    for column, count in enumerate(columns):
        for n in range(count):
            kind = data.draw(st.sampled_from(list(style.KINDS)))
            strip = [Cell(data.draw(names), "p0")] * data.draw(st.integers(0, 1))
            graph.node(column, f"{column}.{n}", kind, data.draw(names), [Row("next"), Row(data.draw(names), 1)], strip)
    for _ in range(data.draw(st.integers(0, 12))):
        tail = data.draw(st.sampled_from(graph.nodes))
        near = [node for node in graph.nodes if node.column - tail.column in (0, 1)]
        graph.edge(f"{tail.name}:next", data.draw(st.sampled_from(near)).name, data.draw(st.sampled_from(["", "why"])))
    svg = graph.diagram("t", "x").svg
    ET.fromstring(svg)
    no_pointer_crosses_a_box(graph)
    no_box_covers_another(graph)
    assert max(box.width for box in lay_out(graph.columns, graph.edges).values()) <= WIDE
