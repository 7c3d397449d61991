"""Objects as tables of their fields, in columns, with pointers between them: a graph that needs no layout engine.

All boxes of a column are equally wide, so the gutter to the next column is free: pointers run there, and none crosses
a box. Where there is room, a box comes down until its first pointer is level. `dot` is the same graph for Graphviz.

>>> from mmlab.views.columns import Graph
>>> from mmlab.views.diagram import Row
>>> graph = Graph("vm_area_struct", "file")
>>> graph.node(0, "vma", "vm_area_struct", "vma#3", [Row("vm_pgoff", 1, old=0), Row("vm_file")])
>>> graph.node(1, "file", "file", "book.txt", [Row("f_count", 2)])
>>> graph.edge("vma:vm_file", "file")
>>> graph.diagram("vma#3 maps book.txt", "vma#3: vm_pgoff 0 → 1, vm_file → book.txt")
vma#3: vm_pgoff 0 → 1, vm_file → book.txt
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from .diagram import POINTER, Canvas, Cell, Diagram, Row, digraph, edge, table
from .style import CHANGED, EDGE, EDGES, INK, KINDS, MUTED, PAPER, RULE, SMALL, ink, room, visible

ROW, SIDE, PAD, GAP, GUTTER = 24, 8, 8, 22, 50  # px: a line; beside words; the margin; between boxes; between columns
NARROW, WIDE = 110, 340  # px: how wide a column at least and at most is
BASE = 16  # px: from the top of a line to where its letters stand


class Node(NamedTuple):
    """One object, in a column: its fields, and beneath them its pages, if it has any."""

    column: int
    name: str
    kind: str
    title: str
    rows: list[Row]
    strip: list[Cell]

    @property
    def height(self) -> int:
        """How tall it is drawn, in px."""
        return ROW * (1 + len(self.rows) + len(self.strip)) + (SIDE if self.strip else 0)

    @property
    def width(self) -> int:
        """How much room its words need, in px."""
        lines = [room(heading(self.kind), bold=True) + room(self.title)]
        lines += [room(row.field) + room(row.words, bold=row.lit) for row in self.rows]
        lines += [room(str(cell.text), bold=True) for cell in self.strip]
        return round(max(lines)) + 3 * SIDE + 2

    def port(self, name: str) -> tuple[int, int]:
        """Say where a field or a page is, in px from the left and the top; the header has the name ""."""
        lines = ["", *(row.port or row.field for row in self.rows), *(cell.port for cell in self.strip)]
        if name not in lines:
            raise KeyError(f"{self.name!r} has no port {name!r}, only {lines}")
        line = lines.index(name)
        page = line > len(self.rows)
        return (SIDE if page else 0), ROW * line + ROW // 2 + (SIDE // 2 if page else 0)


class Box(NamedTuple):
    """Where an object is drawn, in px."""

    node: Node
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Its lower edge."""
        return self.y + self.height


class Edge(NamedTuple):
    """A pointer, from a field to an object or to one of its pages."""

    tail: str
    port: str
    head: str
    page: str
    label: str
    look: str


class Graph:
    """Objects in columns, from left to right, with pointers down a column or to the next; a legend of `kinds`."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []

    def node(
        self, column: int, name: str, kind: str, title: object, rows: Iterable[Row] = (), strip: Iterable[Cell] = ()
    ) -> None:
        """Put an object beneath those that its column has already."""
        self.nodes.append(Node(column, name, kind, visible(title), list(rows), list(strip)))

    def edge(self, tail: str, head: str, label: str = "", look: str = "pointer") -> None:
        """Point from `tail`, a "node:field", to `head`, a "node" or "node:page"; `look` is a name in style.EDGES."""
        (tail, _, port), (head, _, page) = tail.partition(":"), head.partition(":")
        self.edges.append(Edge(tail, port, head, page, label, look))

    def diagram(self, title: str, text: str) -> Diagram:
        """Return the picture; ValueError if a pointer leads neither down its column nor to the next one."""
        boxes = lay_out(self.columns, self.edges)
        width = max(box.right for box in boxes.values()) + GAP
        bottom = max(box.bottom for box in boxes.values()) + GAP
        chips = list(legend(self.kinds, bottom, width))
        canvas = Canvas(max(width, *(chip.right for chip in chips)), chips[-1].y + ROW + SIDE)
        for box in boxes.values():
            draw_box(canvas, box)
        for pointer in self.edges:
            draw_edge(canvas, boxes, pointer)
        for chip in chips:
            canvas.rect(chip.x, chip.y, chip.width, ROW - 4, fill=chip.ground)
            canvas.text(chip.x + chip.width / 2, chip.y + 14, chip.words, size=SMALL, color=ink(chip.ground))
        return canvas.diagram(title, text, self)

    @property
    def columns(self) -> list[list[Node]]:
        """The objects, column by column."""
        return [[node for node in self.nodes if node.column == n] for n in sorted({node.column for node in self.nodes})]

    @property
    def dot(self) -> str:
        """The same graph in Graphviz's language."""
        made = digraph(*self.kinds)
        for node in self.nodes:
            made.node(node.name, table(node.kind, node.title, node.rows, node.strip, per_row=1))
        place = {node.name: node.column for node in self.nodes}
        for tail, port, head, page, label, look in self.edges:
            side = "e" if place[tail] == place[head] else "w"
            edge(made, f"{tail}:{port}", f"{head}:{page or 'h'}:{side}", label, look)
        for left, right in pairwise(self.columns):  # columns begin at one height
            made.edge(f"{left[0].name}:h:e", f"{right[0].name}:h:w", style="invis", weight="20")
        for column in [nodes for nodes in self.columns if len(nodes) > 1]:
            made.body.append(f"\t{{ rank=same; {' -> '.join(node.name for node in column)} [style=invis] }}\n")
        return str(made.source)


# ── where things are ────────────────────────────────────────────────────────────────────────────────────────


def heading(kind: str) -> str:
    """Say what kind of object it is: its marker and its type."""
    return f"{KINDS[kind].marker} {KINDS[kind].type}"


def lay_out(columns: list[list[Node]], edges: list[Edge]) -> dict[str, Box]:
    """Give each object its place: beneath each other in each column, the columns side by side."""
    boxes: dict[str, Box] = {}
    x = PAD
    for column in columns:
        y, width = PAD, min(max(NARROW, *(node.width for node in column)), WIDE)
        for node in column:
            boxes[node.name] = Box(node, x, y, width, node.height)
            y += node.height + GAP
        x += width + gutter(column, edges)
    floor = max(box.bottom for box in boxes.values())
    for column in reversed(columns):
        settle(column, boxes, edges, floor)
    return boxes


def gutter(column: list[Node], edges: list[Edge]) -> int:
    """Give the px to the next column: its pointers' labels stand there."""
    names = {node.name for node in column}
    return max([GUTTER, *(round(room(edge.label, size=SMALL)) + 12 for edge in edges if edge.tail in names)])


def settle(column: list[Node], boxes: dict[str, Box], edges: list[Edge], floor: int) -> None:
    """Let the boxes of a column come down to where their pointers are level, as far as there is room."""
    for node in reversed(column):
        box = boxes[node.name]
        out = [ends(boxes, edge) for edge in edges if edge.tail == node.name and boxes[edge.head].x > box.x]
        down = max(min((y2 - y1 for _, y1, _, y2 in out), default=0), 0)
        boxes[node.name] = box = box._replace(y=min(box.y + down, floor - box.height))
        floor = box.y - GAP


def ends(boxes: dict[str, Box], edge: Edge) -> tuple[int, int, int, int]:
    """Say where a pointer leaves, and where it enters: x1, y1, x2, y2."""
    tail, head = boxes[edge.tail], boxes[edge.head]
    step = head.node.column - tail.node.column
    if step not in (0, 1):
        raise ValueError(f"{edge.tail} → {edge.head}: a pointer leads down its column or to the next one")
    inset, down = head.node.port(edge.page)
    return tail.right, tail.y + tail.node.port(edge.port)[1], head.x + inset if step else head.right, head.y + down


class Chip(NamedTuple):
    """One entry of the legend."""

    x: int
    y: int
    width: int
    words: str
    ground: str

    @property
    def right(self) -> int:
        """Where the picture must not end yet."""
        return self.x + self.width + PAD


def legend(kinds: Iterable[str], y: int, width: int) -> Iterator[Chip]:
    """Give the legend, in as many lines as it needs."""
    x = PAD
    chips = [(heading(kind), KINDS[kind].head) for kind in kinds]
    for words, ground in [*chips, ("old → new", CHANGED), (f"{POINTER} pointer", PAPER)]:
        wide = round(room(words, size=SMALL)) + 12
        if x + wide + PAD > width and x > PAD:
            x, y = PAD, y + ROW
        yield Chip(x, y, wide, words, ground)
        x += wide + SIDE // 2


# ── drawing ─────────────────────────────────────────────────────────────────────────────────────────────────


def draw_box(canvas: Canvas, box: Box) -> None:
    """Draw an object: its header, its fields, its pages, and the border of its kind."""
    (node, x, y, width, height), look = box, KINDS[box.node.kind]
    corner = 9 if look.line == "rounded" else None
    canvas.rect(x, y, width, height, fill=look.head if corner else PAPER, rx=corner)
    if not corner:
        canvas.rect(x, y, width, ROW, fill=look.head)
    canvas.text(x + SIDE, y + BASE, heading(node.kind), bold=True, color=ink(look.head), anchor="start")
    free = width - 3 * SIDE - room(heading(node.kind), bold=True)
    canvas.text(box.right - SIDE, y + BASE, node.title, room=free, color=ink(look.head), anchor="end")
    for line, row in enumerate(node.rows, 1):
        draw_row(canvas, box, y + ROW * line, row)
    rules = [f"M{x},{y + ROW * line} h{width}" for line in range(2, len(node.rows) + 1)]
    if rules:
        canvas.path(" ".join(rules), stroke=RULE, stroke_width=1)
    for line, cell in enumerate(node.strip, 1 + len(node.rows)):
        top = y + ROW * line + SIDE // 2 + 2
        canvas.box(x + SIDE, top, width - 2 * SIDE, ROW - 4, cell.text, kind=node.kind, look=cell.look)
    dashes = "6 3" if look.line == "dashed" else None
    canvas.rect(x, y, width, height, stroke=look.border, stroke_width=2, rx=corner, stroke_dasharray=dashes)
    if look.line == "double":
        canvas.rect(x - 3, y - 3, width + 6, height + 6, stroke=look.border, stroke_width=1)


def draw_row(canvas: Canvas, box: Box, y: int, row: Row) -> None:
    """Draw a field: its name at the left, its value at the right, lit if it has changed."""
    if row.lit:
        canvas.rect(box.x, y, box.width, ROW, fill=CHANGED)
    color = KINDS[box.node.kind].text if row.value == POINTER else INK
    free = box.width - 3 * SIDE - room(row.field)
    canvas.text(box.x + SIDE, y + BASE, row.field, room=box.width - 2 * SIDE, color=MUTED, anchor="start")
    canvas.text(box.right - SIDE, y + BASE, row.words, room=free, color=color, bold=row.lit, anchor="end")


def draw_edge(canvas: Canvas, boxes: dict[str, Box], edge: Edge) -> None:
    """Draw a pointer in the gutter: a curve to the next column, or a bow down its own."""
    look, (x1, y1, x2, y2) = {**EDGE, **EDGES[edge.look]}, ends(boxes, edge)
    same = boxes[edge.tail].x == boxes[edge.head].x
    bend, turn = (GUTTER // 2, -1) if same else (round(0.7 * (x2 - x1)), 1)
    wide, dashes = float(look["penwidth"]), "5 4" if "style" in look else None
    curve = f"M{x1},{y1} C{x1 + bend},{y1} {x2 - turn * bend},{y2} {x2 - turn * 6},{y2}"
    canvas.path(curve, stroke=look["color"], stroke_width=wide, stroke_dasharray=dashes)
    back = x2 - turn * 8
    canvas.shape("polygon", points=f"{x2},{y2} {back},{y2 - 3.5} {back},{y2 + 3.5}", fill=look["color"])
    if edge.label:
        wide, x, y = room(edge.label, size=SMALL) + 4, (x1 + x2 + 3) / 2, y1 + 0.75 * (y2 - y1)
        canvas.rect(x - wide / 2, y - 8, wide, 16, fill=PAPER)
        canvas.text(x, y + 4, edge.label, size=SMALL, color=look["fontcolor"])
