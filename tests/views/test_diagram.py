"""What if a diagram is compared, saved, shown twice, or shown where nothing can draw it?"""
import dataclasses
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmlab.views import render, style
from mmlab.views.diagram import Canvas, Cell, Diagram, Row, cells, digraph, edge, legend, number, table

TWIN = "vma#3 maps <book.txt>\nvm_pgoff 0 → 1"


def objects() -> Diagram:
    """A VMA, its file, and the file's pages."""
    graph = digraph("vm_area_struct", "file", "address_space")
    graph.node("vma", table("vm_area_struct", "vma#3", [Row("vm_pgoff", 1, old=0), Row("vm_file")]))
    graph.node("file", table("file", "book.txt", [Row("f_count", 2, changed=True), Row("f_mapping")]))
    graph.node("as", cells("address_space", "book.txt", [Cell(n, f"p{n}", look) for n, look in enumerate(style.LOOKS)]))
    edge(graph, "vma:vm_file", "file")
    edge(graph, "file:f_mapping", "as", "filemap_fault", look="changed")
    return Diagram("vma#3 maps book.txt", TWIN, graph)


def scene() -> Diagram:
    """Two pages to scale."""
    canvas = Canvas(200, 100)
    canvas.box(10, 10, 64, 46, "page <0>", kind="vm_area_struct", look="danger", id="page0")
    canvas.arrow(42, 60, 42.123456, 90)
    canvas.path("M0,0 L5,5", stroke_width=2)
    canvas.legend(10, 95, "address_space", ["present", "hole"])
    return canvas.diagram("Two pages", TWIN)


@pytest.fixture(params=[objects, scene], ids=["objects", "scene"])
def diagram(request):
    return request.param()


def linear(channel: int) -> float:
    return channel / 255 / 12.92 if channel <= 10 else ((channel / 255 + 0.055) / 1.055) ** 2.4


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio, written here once more so that the table is not checked by itself."""
    weights = (0.2126, 0.7152, 0.0722)
    light = [sum(w * linear(c) for w, c in zip(weights, bytes.fromhex(color[1:]), strict=True))
             for color in (one, other)]
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize("kind", style.KINDS.values(), ids=list(style.KINDS))
def test_every_text_of_a_kind_is_legible(kind):
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast(style.ink(kind.head), kind.head) >= 4.5
    for ground in (style.PAPER, kind.tint, style.CHANGED):
        assert contrast(kind.text, ground) >= 4.5
    if kind.line == "rounded":                  # such a box is filled with its header's colour
        assert min(contrast(text, kind.head) for text in (kind.text, style.INK, style.MUTED)) >= 4.5


def test_every_other_text_is_legible():
    pairs = [(look.text, look.fill) for look in style.LOOKS.values() if look.fill]
    pairs += [(style.INK, kind.tint) for kind in style.KINDS.values()]
    pairs += [(text, ground) for text in (style.INK, style.MUTED, style.CHANGED_TEXT)
              for ground in (style.PAPER, style.CHANGED)]
    pairs += [(kind.get("fontcolor", style.MUTED), style.PAPER) for kind in style.EDGES.values()]
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_colour_is_never_the_only_cue():
    kinds = style.KINDS.values()
    assert len({kind.marker for kind in kinds}) == len({kind.type for kind in kinds}) == len(kinds)
    assert len({(look.bold, look.dashed, look.text) for look in style.LOOKS.values()}) >= len(style.LOOKS) - 2
    label = table("file", "book.txt", [Row("f_count", 2, old=1)])
    assert "◊ <B>file</B>" in label and "<B>1 → 2</B>" in label and style.CHANGED in label


def test_a_diagram_is_an_immutable_value(diagram):
    with pytest.raises(dataclasses.FrozenInstanceError):
        diagram.text = "other"
    same, other = dataclasses.replace(diagram), dataclasses.replace(diagram, text="other")
    assert same == diagram and hash(same) == hash(diagram) and other != diagram
    assert isinstance(diagram.source, str) and not hasattr(diagram, "__dict__")


def test_a_notebook_gets_the_twin_and_the_picture(diagram):
    assert diagram._repr_mimebundle_() == {"text/plain": TWIN, "image/svg+xml": diagram.svg}
    assert repr(diagram) == str(diagram) == TWIN
    root = ET.fromstring(diagram.svg)
    assert root[0].text == diagram.title and root[1].text == TWIN
    assert re.findall(r"https?://[^\"]*", diagram.svg) == [render.SVG]


def test_without_a_renderer_the_twin_and_one_sentence_remain(monkeypatch):
    monkeypatch.setattr(render, "ENGINES", [])
    render.picture.cache_clear()
    assert objects()._repr_mimebundle_() == {"text/plain": f"{TWIN}\n\n{render.MISSING}"}
    assert objects().html().startswith("<pre>vma#3 maps &lt;book.txt&gt;") and "pip install" in objects().html()
    assert scene()._repr_mimebundle_()["image/svg+xml"].startswith("<svg ")     # to scale: needs no engine


def test_a_picture_shown_twice_on_a_page_shares_no_id(diagram):
    first, second = (set(re.findall(r'\sid="([^"]*)"', diagram.html(slot))) for slot in ("", "b"))
    assert first and not first & second
    assert {re.search(r'aria-labelledby="([^"]*)"', diagram.html("b"))[1]} <= second


def test_a_diagram_is_saved_as_its_suffix_says(diagram, tmp_path):
    for suffix, content in {".svg": diagram.svg, ".txt": TWIN + "\n", ".dot": diagram.source}.items():
        assert diagram.save(tmp_path / f"picture{suffix}").read_bytes().decode() == content
    with pytest.raises(ValueError, match=r"picture\.png.*use \.svg"):
        diagram.save(tmp_path / "picture.png")
    assert not (tmp_path / "picture.png").exists()


def test_an_edge_leaves_from_the_field_that_holds_the_pointer():
    source = objects().source
    assert "vma:vm_file:e -> file:h:w" in source and 'PORT="vm_file"' in source
    assert 'PORT="f_count"' not in source
    with pytest.raises(render.DotError, match="nowhere"):
        graph = digraph()
        graph.node("vma", table("vm_area_struct", "vma#3"))
        edge(graph, "vma:nowhere", "vma")
        Diagram("t", "x", graph).svg


def test_a_strip_goes_on_in_a_new_line():
    assert table("address_space", "f", (), [Cell(n) for n in range(20)], per_row=8).count("<TR>") == 2 + 3


def test_plain_tuples_are_rows_and_cells_too():
    assert table("file", "f", [("f_count", 2)], [(1, "p1")]) == table("file", "f", [Row("f_count", 2)], [Cell(1, "p1")])


def test_the_legend_names_each_kind_and_the_highlight():
    words = legend(*style.KINDS)
    assert all(f"{kind.marker} {kind.type}" in words for kind in style.KINDS.values()) and "old → new" in words


def test_a_canvas_writes_numbers_and_names_safely():
    canvas = Canvas(100.0, 50)
    canvas.text(1 / 3, 2.0, "a<b>\"&'\n", id="\"><script>")
    svg = canvas.diagram("t", "x").svg
    text = ET.fromstring(svg)[-1]
    assert (text.get("x"), text.get("y"), text.text) == ("0.33", "2", "a<b>\"&'\\n")
    assert "<script" not in svg and 'width="100"' in svg


@pytest.mark.parametrize(("words", "kept"), [("a b", None), ("a  b", "preserve"), (" a", "preserve")])
def test_blanks_that_would_be_lost_are_kept(words, kept):
    canvas = Canvas(100, 50)
    canvas.text(10, 10, words)
    root = ET.fromstring(canvas.diagram("t", "x").svg)
    assert (root[-1].text, root[-1].get("{http://www.w3.org/XML/1998/namespace}space")) == (words, kept)
    assert float(root[-1].get("font-size", root.get("font-size"))) == style.SIZE


def test_text_that_does_not_fit_its_box_is_shortened():
    canvas = Canvas(100, 50)
    canvas.box(0, 0, 64, 20, "n" * 60, kind="page")
    text = ET.fromstring(canvas.diagram("t", "x").svg)[-1].text
    assert "…" in text and len(text) * 0.62 * style.SMALL <= 64


@given(st.text(max_size=60), st.floats(20, 400), st.booleans())
def test_what_fits_is_no_wider_and_begins_alike(words, width, bold):
    line = style.fit(words, width, bold=bold)
    whole = style.visible(words)
    assert style.room(line, bold=bold) <= width or len(line) <= 2
    assert (line == whole) == (style.room(whole, bold=bold) <= width or len(whole) <= 2)
    assert line[:1] == whole[:1]


@given(st.floats(-1e6, 1e6))
def test_a_number_is_short_and_near(value):
    assert float(number(value)) == pytest.approx(value, abs=0.0051) and number(value) != "-0"
    assert "e" not in number(value) and len(number(value).partition(".")[2]) <= 2
