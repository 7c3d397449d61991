"""A Diagram: an immutable picture with a text twin that says the same in words.

Build one from DOT, whose nodes are tables of fields, or from a Canvas where things are drawn to scale:

>>> from mmlab.views.diagram import Diagram, Row, digraph, edge, table
>>> graph = digraph("vm_area_struct", "file")
>>> graph.node("vma", table("vm_area_struct", "vma#3", [Row("vm_pgoff", 1, old=0), Row("vm_file")]))
>>> graph.node("file", table("file", "book.txt", [Row("f_count", 2)]))
>>> edge(graph, "vma:vm_file", "file")
>>> Diagram("vma#3 maps book.txt", "vma#3: vm_pgoff 0 → 1, vm_file → book.txt", graph)
vma#3: vm_pgoff 0 → 1, vm_file → book.txt
"""
import html
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from mmlab.views import render, style
from mmlab.views.style import CHANGED, INK, KINDS, LOOKS, MUTED, PAPER, RULE, SIZE, SMALL, Kind, ink, shorten

POINTER = "●"


@dataclass(frozen=True, slots=True, repr=False)
class Diagram:
    """A picture as a value: its `source` is DOT (text, or a graphviz.Digraph) or the <svg> of a Canvas."""

    title: str
    text: str
    source: str
    graph: Any = field(default=None, compare=False, kw_only=True)  # a columns.Graph, if it drew this

    def __post_init__(self) -> None:
        """Take the DOT text out of a graphviz.Digraph, so that equal pictures are equal values."""
        object.__setattr__(self, "source", getattr(self.source, "source", self.source))

    @property
    def dot(self) -> str:
        """Return the picture in Graphviz's language; where it is to scale, and has none, its source."""
        return str(self.graph.dot) if self.graph else self.source

    @property
    def svg(self) -> str:
        """Return the SVG; of DOT it is drawn at first use, or RendererMissing where no Graphviz is."""
        what = self.source, self.title, self.text
        return render.named(*what, render.key(*what)) if self.source.startswith("<svg") else render.picture(*what)

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return the twin and the SVG; where no Graphviz is, the twin and a sentence that says what to do."""
        try:
            return {"text/plain": self.text, "image/svg+xml": self.svg}
        except render.RendererMissing as missing:
            return {"text/plain": f"{self.text}\n\n{missing}"}

    def html(self, slot: str = "") -> str:
        """Return inline SVG for widgets.HTML; a page that shows a picture twice gives each its own `slot`."""
        try:
            key = render.key(self.source, self.title, self.text)
            return self.svg.replace(f"{key}-", f"{key}{slot}-")
        except render.RendererMissing as missing:
            return f"<pre>{html.escape(self.text)}\n\n{html.escape(str(missing))}</pre>"

    def save(self, path: str | Path) -> Path:
        """Write the SVG, the twin or the source, as the suffix says: .svg, .txt or .dot."""
        path = Path(path)
        if path.suffix not in (".svg", ".txt", ".dot"):
            raise ValueError(f"cannot save a diagram as {path.name!r}: use .svg, .txt or .dot")
        words = self.dot if path.suffix == ".dot" else self.text + "\n"
        path.write_text(self.svg if path.suffix == ".svg" else words, encoding="utf-8", newline="\n")
        return path


# 1. Graphs of objects: DOT, each node a table


class Row(NamedTuple):
    """One field. Without a value it is a pointer whose port is the field; `changed` or `old` lights it."""

    field: str
    value: object = POINTER
    port: str = ""
    changed: bool = False
    old: object = None

    @property
    def lit(self) -> bool:
        """Tell whether it is to be seen as changed."""
        return self.changed or self.old is not None

    @property
    def words(self) -> str:
        """Its value, with what it was if that is known."""
        return str(self.value) if self.old is None else f"{self.old} → {self.value}"


class Cell(NamedTuple):
    """One page, or one entry, in a strip; `look` is a name in style.LOOKS."""

    text: object
    port: str = ""
    look: str = "plain"


def digraph(*kinds: str) -> Any:
    """Return an empty graphviz.Digraph in the house style, with a legend of `kinds` beneath it."""
    from graphviz import Digraph

    label = {"label": legend(*kinds)} if kinds else {}
    return Digraph("mmlab", graph_attr=style.GRAPH | label, node_attr=style.NODE, edge_attr=style.EDGE)


def edge(graph: Any, tail: str, head: str, label: str = "", look: str = "pointer", **more: str) -> None:
    """Draw `tail` → `head`: "node:field" leaves from that field's row; a bare head is entered at its header.

    `look` is a name in style.EDGES. The label stands on its own ground, so it is legible where edges cross.
    """
    tail = f"{tail}:e" if tail.count(":") == 1 else tail
    head = head if ":" in head else f"{head}:h:w"
    ground = _tag("TR", _td(_text(label), BGCOLOR=CHANGED if look == "changed" else PAPER))
    words = {"label": f"<{_table(ground, CELLBORDER=0, CELLPADDING=2)}>"} if label else {}
    graph.edge(tail, head, **{**style.EDGES[look], **words, **more})


def table(kind: str, name: object, rows: Iterable[Row] = (), strip: Iterable[Cell] = (), *,
          type_name: str = "", per_row: int = 8) -> str:
    """Return the label of one object: a header (port "h"), a row per field, then a strip of cells."""
    look, items = KINDS[kind], [Cell(*cell) for cell in strip]
    lines = [_header(look, type_name or look.type, name), *(_row(Row(*row), look) for row in rows)]
    if items:
        lines.append(f"<TR>{_td(_strip(items, look, per_row), COLSPAN=2, SIDES='T', COLOR=RULE)}</TR>")
    return f"<{_frame(look, ''.join(lines))}>"


def cells(kind: str, name: object, strip: Iterable[Cell], **options: Any) -> str:
    """Return the label of an object that is only a strip: a page cache, a row of page table entries."""
    return table(kind, name, (), strip, **options)


def legend(*kinds: str) -> str:
    """Return a one-line label naming each kind by its marker and colour, and what a highlight means."""
    looks = [KINDS[kind] for kind in kinds]
    items = [_td(_font(f"{k.marker} {_text(k.type)}", ink(k.head)), BGCOLOR=k.head) for k in looks]
    items += [_td("<B>old → new</B>", BGCOLOR=CHANGED), _td(f"{POINTER} pointer")]
    return f"<{_table(_tag('TR', ''.join(items)), CELLBORDER=0, CELLSPACING=4, CELLPADDING=3)}>"


def _header(look: Kind, type_name: str, name: object) -> str:
    words = _font(f"{look.marker} <B>{_text(type_name)}</B>  {_text(name)}", ink(look.head))
    fill = None if look.line == "rounded" else look.head        # a square fill would cut round corners
    return f"<TR>{_td(words, COLSPAN=2, PORT='h', BORDER=0, ALIGN='LEFT', BGCOLOR=fill)}</TR>"


def _row(row: Row, look: Kind) -> str:
    """Return one field: its name at the left, its value at the right, lit if it changed."""
    pointer = row.value == POINTER
    words = _text(row.value) if row.old is None else f"{_text(row.old)} → {_text(row.value)}"
    value = _font(f"<B>{words}</B>" if row.lit else words, look.text if pointer else INK)
    both = {"SIDES": "T", "COLOR": RULE, "BGCOLOR": CHANGED if row.lit else None}
    port = row.port or (row.field if pointer else None)
    return (f"<TR>{_td(_font(_text(row.field), MUTED), ALIGN='LEFT', **both)}"
            f"{_td(value + _font(render.END, MUTED), ALIGN='RIGHT', PORT=port, **both)}</TR>")


def _strip(items: list[Cell], look: Kind, per_row: int) -> str:
    """Return the cells as a table of their own, `per_row` in a line."""
    drawn = [_cell(cell, look) for cell in items]
    lines = (_tag("TR", "".join(drawn[i:i + per_row])) for i in range(0, len(drawn), per_row))
    return _table("".join(lines), CELLBORDER=1, CELLSPACING=2, CELLPADDING=5)


def _cell(cell: Cell, owner: Kind) -> str:
    look = LOOKS[cell.look]
    words = _font(_text(cell.text, 16), look.text)
    return _td(f"<B>{words}</B>" if look.bold else words, PORT=cell.port or None,
               BGCOLOR=look.fill or owner.tint, COLOR=look.border or owner.border,
               STYLE="DASHED" if look.dashed else None)


def _frame(look: Kind, body: str) -> str:
    """Return the box of an object, with the border of its kind."""
    lines = {"rounded": {"STYLE": "ROUNDED", "BGCOLOR": look.head}, "dashed": {"STYLE": "DASHED"}}
    box = {"BORDER": 2, "CELLBORDER": 1, "CELLPADDING": 4, "COLOR": look.border}
    inner = _table(body, **box, **lines.get(look.line, {}))
    if look.line != "double":
        return inner
    return _table(f"<TR>{_td(inner)}</TR>", BORDER=1, CELLBORDER=0, CELLPADDING=2, COLOR=look.border)


def _table(body: str, **attributes: object) -> str:
    return _tag("TABLE", body, **{"BORDER": 0, "CELLSPACING": 0, **attributes})


def _td(content: str, **attributes: object) -> str:
    return _tag("TD", content, **attributes)


def _font(content: str, color: str) -> str:
    return _tag("FONT", content, COLOR=color)


def _text(value: object, limit: int = 40) -> str:
    """Return `value` escaped, on one line; never blank, since Graphviz refuses empty text.

    Graphviz reads \\N and its like even here, unless something stands between: a space of no width.
    """
    line = shorten(value, limit)
    return re.sub(r"\\(?=[EGHLNT\\])", "\\\\\u200b", html.escape(line)) if line.strip() else "&#160;" * 2


def _tag(name: str, content: str, **attributes: object) -> str:
    """Return an element around ready `content`; `stroke_width=2` is stroke-width="2", None is left out."""
    return (_short_tag if len(content) < 200 else _short_tag.__wrapped__)(name, content, **attributes)


@lru_cache(maxsize=2048, typed=True)  # from one drawing to the next most of a picture is the same, but never all of it
def _short_tag(name: str, content: str, **attributes: object) -> str:
    given = ((key.replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    pairs = "".join(f' {key}="{html.escape(number(value))}"' for key, value in given)
    return f"<{name}{pairs}>{content}</{name}>" if content else f"<{name}{pairs} />"


# 2. Pictures to scale: a Canvas


class Canvas:
    """Collect shapes, in px from the top left, for a picture that needs no layout engine."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.shapes: list[str] = []
        self.rect(0, 0, width, height, fill=PAPER)

    def shape(self, tag: str, content: str = "", /, **attributes: object) -> None:
        """Add any SVG element; `stroke_width=2` is written stroke-width="2", and None is left out."""
        self.shapes.append(_tag(tag, html.escape(content) if content else "", **attributes))

    def rect(self, x: float, y: float, width: float, height: float, **more: object) -> None:
        """Add a box."""
        self.shape("rect", x=x, y=y, width=width, height=height, **{"fill": "none", **more})

    def line(self, x1: float, y1: float, x2: float, y2: float, **more: object) -> None:
        """Add a straight line."""
        self.shape("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"stroke": MUTED, "stroke_width": 1.3, **more})

    def path(self, d: str, **more: object) -> None:
        """Add a path, given as SVG's own `d`."""
        self.shape("path", d=d, **{"fill": "none", "stroke": MUTED, "stroke_width": 1.3, **more})

    def arrow(self, x1: float, y1: float, x2: float, y2: float, stroke: str = MUTED, **more: object) -> None:
        """Add a straight line with a filled head at its end."""
        turn = math.atan2(y2 - y1, x2 - x1)
        wings = ((x2 - 8 * math.cos(turn + side), y2 - 8 * math.sin(turn + side)) for side in (0.4, -0.4))
        points = " ".join(f"{number(x)},{number(y)}" for x, y in ((x2, y2), *wings))
        self.line(x1, y1, x2 - 6 * math.cos(turn), y2 - 6 * math.sin(turn), stroke=stroke, **more)
        self.shape("polygon", points=points, fill=stroke)

    def text(self, x: float, y: float, words: object, *, room: float = 2000.0, size: float = SIZE,
             color: str = INK, bold: bool = False, anchor: str = "middle", **more: object) -> None:
        """Add one line of text; `room` px is all it may fill: what does not fit is shortened."""
        fits = style.fit(str(words), room, bold=bold, size=size)
        whole = " ".join(fits.split()) == fits          # else SVG would draw one blank of two
        self.shape("text", fits, x=x, y=y, font_size=None if size == SIZE else size, fill=color,
                   text_anchor=None if anchor == "start" else anchor, font_weight="bold" if bold else None,
                   **{"xml:space": None if whole else "preserve", **more})

    def box(self, x: float, y: float, width: float, height: float, words: object = "", *, kind: str,
            look: str = "plain", **more: object) -> None:
        """Add one cell of an object of `kind`, as style.LOOKS says, with `words` in the middle."""
        seen, owner = LOOKS[look], KINDS[kind]
        self.rect(x, y, width, height, fill=seen.fill or owner.tint, stroke=seen.border or owner.border,
                  stroke_width=1.3, stroke_dasharray="4 3" if seen.dashed else None, **more)
        self.text(x + width / 2, y + height / 2 + 0.36 * SMALL, words, room=width - 4, size=SMALL,
                  color=seen.text, bold=seen.bold)

    def legend(self, x: float, y: float, kind: str, looks: Iterable[str]) -> None:
        """Add one line that shows each look of `kind`'s cells and says what it means."""
        for look in looks:
            self.box(x, y - 10, 16, 12, kind=kind, look=look)
            self.text(x + 22, y, LOOKS[look].legend, size=SMALL, color=MUTED, anchor="start")
            x += 42 + style.room(LOOKS[look].legend, size=SMALL)

    def key(self, x: float, y: float, *items: tuple[str, str, str]) -> None:
        """Add a legend of (kind, look, what it means), going on in new lines where there is no more room."""
        left = x
        for kind, look, words in items:
            wide = 40 + style.room(words, size=SMALL)
            if x + wide > self.width and x > left:
                x, y = left, y + 18
            self.box(x, y - 10, 16, 12, kind=kind, look=look)
            self.text(x + 22, y, words, size=SMALL, color=MUTED, anchor="start")
            x += wide

    def diagram(self, title: str, text: str, graph: Any = None) -> Diagram:
        """Return what was drawn so far as a Diagram; `graph` can say it as DOT."""
        box = f"0 0 {number(self.width)} {number(self.height)}"
        return Diagram(title, text, _tag("svg", "".join(self.shapes), xmlns=render.SVG, viewBox=box), graph=graph)


def number(value: object) -> str:
    """Return a float in at most two decimals, alike on every machine; anything else as its str.

    >>> number(2.0), number(1 / 3), number(-0.001), number("middle")
    ('2', '0.33', '0', 'middle')
    """
    if not isinstance(value, float):
        return str(value)
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


# 3. Several pictures as one

GAP = 16


def stack(title: str, *diagrams: Diagram) -> Diagram:
    """Return one Diagram of several, beneath each other; RendererMissing where no Graphviz is."""
    shapes, y, widest = [], 0.0, 0.0
    for diagram in diagrams:
        box, body = render.opened(diagram.svg)
        width, height = (float(part) for part in box.split()[2:])
        shapes.append(f'<svg x="0" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
                      f'viewBox="{box}">{body.partition("</desc>")[2]}')
        y, widest = y + height + GAP, max(widest, width)
    canvas = Canvas(widest, y - GAP)
    canvas.shapes += shapes
    return canvas.diagram(title, "\n\n".join(diagram.text for diagram in diagrams))
