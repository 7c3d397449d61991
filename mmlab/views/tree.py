"""The red-black tree of an address space, lying on its side: read downwards, it is the list of VMAs.

The root is at the left; each line is one VMA, so the links of the list (vm_next) lead from each line to the next. What
a search compares on its way from the root is lit.
"""

from __future__ import annotations

from typing import NamedTuple

from ..include.mm_types import mm_struct, vm_area_struct
from ..mm.vma import find_vma
from ..process import Process
from .diagram import Canvas, Diagram, number
from .style import CHANGED, CHANGED_TEXT, DANGER, DANGER_TEXT, DANGER_TINT, INK, KINDS, MUTED, PAPER, RULE, SMALL
from .walk import called, vmas
from .words import _

TOP, ROW, LEFT, WIDTH = 62, 26, 44, 880  # px: the first line; a line; the root; the picture
STEP, ROOM = 44, 250  # px: a level of the tree, and what all levels may take


class Layout(NamedTuple):
    """Where things are, in px: the line of each VMA, the levels of the tree, the list."""

    rows: dict[vm_area_struct, float]
    step: float
    list_x: float

    def at(self, vma: vm_area_struct) -> tuple[float, float]:
        """Give the middle of a node."""
        return LEFT + self.step * depth(vma), self.rows[vma]


def lay_out(lines: list[vm_area_struct]) -> Layout:
    """Give each VMA a line, and the tree as much room as it needs."""
    deepest = max((depth(vma) for vma in lines), default=0)
    step = min(STEP, ROOM / max(deepest, 1))
    return Layout({vma: TOP + ROW * (i + 0.5) for i, vma in enumerate(lines)}, step, LEFT + step * deepest + 40)


def vma_tree(proc: Process, addr: int | None = None) -> Diagram:
    """Draw the tree and the list of VMAs; with `addr` (bytes), the way that find_vma(mm, addr) takes is lit."""
    mm = proc.current.mm
    lines, way = list(vmas(mm)), search(mm, addr)
    layout, height = lay_out(lines), TOP + ROW * max(len(lines), 1)
    canvas = Canvas(WIDTH, height + 44)
    draw_heads(canvas, mm, addr, layout.list_x)
    for vma in lines:
        draw_links(canvas, layout, vma, vma in way)
    for vma in lines:
        draw_node(canvas, layout, vma, vma in way)
        draw_line(canvas, layout, vma, way.get(vma, ""))
    draw_key(canvas, height + 28, addr is not None)
    return canvas.diagram(_("The VMAs of {name}: tree and list").format(name=mm.name), describe(mm, lines, addr, way))


def depth(vma: vm_area_struct) -> int:
    """Count the nodes above this one."""
    above, node = 0, vma.rb_parent
    while node is not None:
        above, node = above + 1, node.rb_parent
    return above


def search(mm: mm_struct, addr: int | None) -> dict[vm_area_struct, str]:
    """Follow find_vma through the tree: each VMA that it looks at, with what it compares there."""
    way: dict[vm_area_struct, str] = {}
    vma = mm.mm_rb.rb_node if addr is not None else None
    while vma is not None and addr is not None:
        if vma.vm_end <= addr:
            way[vma], vma = _("vm_end ≤ {addr:x}: right").format(addr=addr), vma.rb_right
        elif vma.vm_start > addr:
            way[vma], vma = _("{addr:x} < vm_start: left").format(addr=addr), vma.rb_left
        else:
            way[vma], vma = _("covers {addr:x}").format(addr=addr), None
    return way


def found(mm: mm_struct, addr: int) -> str:
    """Say what find_vma gives."""
    vma = find_vma(mm, addr)
    if vma is None:
        return "NULL"
    return vma.name if vma.vm_start <= addr else _("{vma}, which begins after it").format(vma=vma.name)


def draw_heads(canvas: Canvas, mm: mm_struct, addr: int | None, x: float) -> None:
    """Name the process's memory, and what is searched."""
    canvas.text(16, 22, f"{mm.name}  mm_rb", bold=True, color=KINDS["mm_struct"].text, anchor="start")
    canvas.text(16, 42, f"map_count {mm.map_count}", size=SMALL, color=MUTED, anchor="start")
    if addr is not None:
        words = f"find_vma(mm, {addr:x}) = {found(mm, addr)}"
        canvas.text(x, 22, words, bold=True, color=CHANGED_TEXT, anchor="start", room=WIDTH - 16 - x)
    canvas.text(x, 46, "vm_next ↓" if mm.mmap else "", size=SMALL, color=MUTED, anchor="start")


def draw_links(canvas: Canvas, layout: Layout, vma: vm_area_struct, lit: bool) -> None:
    """Draw the edge from the parent, the thread from the node to its line, and vm_next."""
    (x, y), list_x = layout.at(vma), layout.list_x
    canvas.line(x, y, list_x, y, stroke=RULE, stroke_width=1)
    if vma.rb_parent is None:
        canvas.arrow(8, y, x - 17, y)
    else:
        left, above = layout.at(vma.rb_parent)
        color, wide = (CHANGED_TEXT, 3) if lit else (MUTED, 1.3)
        canvas.path(f"M{number(left)},{number(above)} V{number(y)} H{number(x)}", stroke=color, stroke_width=wide)
    if vma.vm_next:
        below = layout.rows[vma.vm_next]
        canvas.arrow(list_x - 8, y + 3, list_x - 8, below - 3, stroke=KINDS["vm_area_struct"].border)


def draw_node(canvas: Canvas, layout: Layout, vma: vm_area_struct, lit: bool) -> None:
    """Draw the node of a VMA, on a bright ground if the search looked at it."""
    x, y = layout.at(vma)
    if lit:
        canvas.rect(x - 16, y - 12, 32, 24, fill=CHANGED, stroke=CHANGED_TEXT, stroke_width=1.5, rx=4)
    node(canvas, x, y, vma.rb_red)


def node(canvas: Canvas, x: float, y: float, red: bool) -> None:
    """Draw a node: a black square with B, or a red circle with R."""
    if red:
        canvas.shape("circle", cx=x, cy=y, r=9, fill=DANGER_TINT, stroke=DANGER, stroke_width=2)
    else:
        canvas.rect(x - 9, y - 9, 18, 18, fill=INK)
    color, letter = (DANGER_TEXT, "R") if red else (PAPER, "B")
    canvas.text(x, y + 4, letter, size=SMALL, bold=True, color=color)


def draw_line(canvas: Canvas, layout: Layout, vma: vm_area_struct, compared: str) -> None:
    """Draw one VMA of the list, and what the search compared there."""
    kind, x, y = KINDS["vm_area_struct"], layout.list_x, layout.rows[vma]
    room = WIDTH - 16 - x
    canvas.rect(x, y - 11, room, 22, fill=CHANGED if compared else kind.tint, stroke=kind.border, stroke_width=1)
    words = f"{kind.marker} {vma.name}  {vma.perms}"
    canvas.text(x + 8, y + 4, words, bold=True, color=kind.text, anchor="start", room=120)
    canvas.text(x + 128, y + 4, f"{vma.vm_start:x}–{vma.vm_end:x}", anchor="start", room=210)
    right, color = (compared, CHANGED_TEXT) if compared else (called(vma), MUTED)
    canvas.text(WIDTH - 24, y + 4, right, size=SMALL, bold=bool(compared), color=color, anchor="end", room=room - 340)


def draw_key(canvas: Canvas, y: float, searched: bool) -> None:
    """Say what the shapes mean."""
    node(canvas, 28, y - 4, False)
    canvas.text(44, y, _("black node"), size=SMALL, color=MUTED, anchor="start")
    node(canvas, 130, y - 4, True)
    canvas.text(146, y, _("red node: its children are black"), size=SMALL, color=MUTED, anchor="start")
    if searched:
        canvas.rect(346, y - 13, 20, 18, fill=CHANGED, stroke=CHANGED_TEXT, stroke_width=1.5, ry=4)
        canvas.text(374, y, _("looked at by find_vma"), size=SMALL, color=MUTED, anchor="start")
    words = _("above a node's line: its left child; below: its right")
    canvas.text(WIDTH - 24, y, words, size=SMALL, color=MUTED, anchor="end")


def describe(mm: mm_struct, lines: list[vm_area_struct], addr: int | None, way: dict[vm_area_struct, str]) -> str:
    """Say what the picture shows: the tree as an indented list, and the search."""
    text = [f"{mm.name} mm_rb, map_count {mm.map_count}"]
    if addr is not None:
        text.append(f"find_vma(mm, {addr:x}) = {found(mm, addr)}")
        text += [f"  {vma.vm_start:x}–{vma.vm_end:x} {vma.name}: {compared}" for vma, compared in way.items()]
    text += ["vm_next ↓"] * bool(lines)
    for vma in lines:
        node_ = f"{vma.name} ({_('red') if vma.rb_red else _('black')}, {hangs(vma)}) {called(vma)}"
        text.append(f"{vma.vm_start:x}–{vma.vm_end:x} {vma.perms} {'  ' * depth(vma)}{node_}")
    return "\n".join(text)


def hangs(vma: vm_area_struct) -> str:
    """Say which pointer leads to the node."""
    above = vma.rb_parent
    return "rb_node" if above is None else f"{above.name}.{'rb_left' if vma is above.rb_left else 'rb_right'}"
