"""The address space to scale: VMAs and holes, and beneath each VMA of a file that file's pages.

At the left all is to one scale; from there each VMA fans out to a line of its own. Holes that would leave no room for
the rest are broken.
"""

from __future__ import annotations

from typing import NamedTuple

from ..include.mm import TASK_SIZE
from ..include.mm_types import vm_area_struct
from ..include.mman import PAGE_SHIFT
from ..process import Process
from .diagram import Canvas, Diagram, number
from .objects import file_pages
from .style import HOLE, INK, KINDS, MUTED, SMALL
from .walk import Entry, place, present, shows, size, state, vmas
from .words import _, many

WIDTH, TOP, ROW, GAP = 880, 48, 42, 22  # px: the picture; where lines begin; a line; a line that is a hole
RIBBON, BOX, STRIP = (16, 30), (84, 424), (524, 340)  # x and width: all to scale; the VMA in words; its pages
CELLS = 170  # so many cells a strip may have; of a larger VMA several pages share one, filled if any is there
CELL_LOOKS = {  # what a cell is: how it looks, and what it means
    "file": ("vm_area_struct", "present", _("maps the file's page")),
    "anon": ("page", "present", _("anonymous or copied")),
    "copy": ("page", "present", ""),
    "zero": ("page", "plain", _("zero page")),
    "absent": ("vm_area_struct", "absent", _("no PTE yet")),
    "cached": ("address_space", "present", _("file page in memory")),
    "disk": ("address_space", "plain", _("on disk only")),
    "past": ("address_space", "danger", _("past its end")),
}


class Part(NamedTuple):
    """A piece of the address space: a VMA, or what of it lies in the range drawn; without a VMA, a hole."""

    start: int
    end: int
    vma: vm_area_struct | None
    found: tuple[Entry, ...] = ()  # its pages that are present

    @property
    def pages(self) -> int:
        """How many pages long it is."""
        return (self.end - self.start) >> PAGE_SHIFT


def address_space(proc: Process, start: int | None = None, end: int | None = None) -> Diagram:
    """Draw the address space, or the part [start, end) of it (bytes). ValueError if that is empty."""
    parts = parts_of(proc, 0 if start is None else start, TASK_SIZE if end is None else end)
    if start is None and end is None:
        parts = parts[not parts[0].vma : len(parts) - (not parts[-1].vma)]  # what lies outside all VMAs says nothing
    heights = [ROW if part.vma else GAP for part in parts]
    canvas = Canvas(WIDTH, TOP + sum(heights) + 40)
    canvas.text(BOX[0], 20, f"mm:{proc.current.mm.owner}", bold=True, color=KINDS["mm_struct"].text, anchor="start")
    heads = (RIBBON, _("to scale")), (BOX, _("each VMA")), (STRIP, _("its pages, and the file's beneath"))
    for (x, _width), words in heads:
        canvas.text(x, 40, words, size=SMALL, color=MUTED, anchor="start")
    y = float(TOP)
    for part, height, ribbon in zip(parts, heights, to_scale(parts, float(sum(heights))), strict=True):
        draw_fan(canvas, part, ribbon, (y + 2, y + height - 2))
        if part.vma:
            draw_vma(canvas, y + 3, part, part.vma)
        else:
            canvas.text(BOX[0] + 8, y + 15, hole(part, parts), size=SMALL, color=MUTED, anchor="start")
        y += height
    canvas.key(16, y + 26, *(look for look in CELL_LOOKS.values() if look[2]))
    title = _("The address space of {name}").format(name=proc.task.comm)
    lines = [words_of(part) if part.vma else hole(part, parts) for part in parts]
    return canvas.diagram(title, "\n".join([f"mm:{proc.current.mm.owner}", *lines]))


def parts_of(proc: Process, start: int, end: int) -> list[Part]:
    """Cut [start, end) into VMAs and the holes between them."""
    if not 0 <= start < end:
        raise ValueError(
            f"start {start:#x} must be below end {end:#x}: give the first address and the one after the last"
        )
    parts, at = [], start
    for vma in vmas(proc.current.mm):
        low, high = max(vma.vm_start, start), min(vma.vm_end, end)
        if low < high:
            parts += [Part(at, low, None)] * (at < low) + [Part(low, high, vma, tuple(present(vma, low, high)))]
            at = high
    return parts + [Part(at, end, None)] * (at < end)


def is_broken(part: Part, parts: list[Part]) -> bool:
    """Tell whether a hole is too large to be drawn to scale."""
    mapped = sum(other.pages for other in parts if other.vma)
    return part.vma is None and 0 < mapped / 2 < part.pages


def to_scale(parts: list[Part], height: float) -> list[tuple[float, float]]:
    """Give top and bottom of each part, all to one scale but for the holes that are too large."""
    broken = [is_broken(part, parts) for part in parts]
    length = sum(part.pages for part, cut in zip(parts, broken, strict=True) if not cut)
    scale = (height - 16 * sum(broken)) / max(length, 1)
    found, y = [], float(TOP)
    for part, cut in zip(parts, broken, strict=True):
        found.append((y, y + (16 if cut else part.pages * scale)))
        y = found[-1][1]
    return found


def draw_fan(canvas: Canvas, part: Part, ribbon: tuple[float, float], line: tuple[float, float]) -> None:
    """Draw a part to scale, and lead from there to its line."""
    (top, bottom), (x, width), kind = ribbon, RIBBON, KINDS["vm_area_struct"]
    if part.vma is None:
        canvas.rect(x, top, width, bottom - top, fill=HOLE, stroke="#8D949E", stroke_dasharray="3 3")
        return
    corners = ((x + width, top), (BOX[0], line[0]), (BOX[0], line[1]), (x + width, bottom))
    points = " ".join(f"{number(a)},{number(float(b))}" for a, b in corners)
    canvas.shape("polygon", points=points, fill=kind.tint, stroke=kind.border, stroke_width=0.3)
    canvas.rect(x, top, width, max(bottom - top, 1.0), fill=kind.border, stroke="#FFFFFF", stroke_width=0.5)


def draw_vma(canvas: Canvas, y: float, part: Part, vma: vm_area_struct) -> None:
    """Draw one VMA: in words, and its pages over the file's."""
    kind, (x, width) = KINDS["vm_area_struct"], BOX
    canvas.rect(x, y, width, ROW - 6, fill="#FFFFFF", stroke=kind.border, stroke_width=1.3)
    canvas.text(x + 8, y + 15, f"{kind.marker} {vma.name}  {vma.perms}", bold=True, color=kind.text, anchor="start")
    canvas.text(x + width - 8, y + 15, shows(vma, part.start), bold=True, anchor="end", room=width - 140)
    span, there = f"{part.start:x}–{part.end:x}", counted(part)
    canvas.text(x + 8, y + 30, span, size=SMALL, color=INK, anchor="start")
    canvas.text(x + width - 8, y + 30, there, size=SMALL, color=MUTED, anchor="end", room=width - 170)
    tall = (ROW - 6) / 2
    cells = ["absent"] * min(part.pages, CELLS)
    for entry in part.found:
        cells[cell_of(part, entry.address)] = state(vma, entry)
    draw_strip(canvas, y, tall, cells)
    if vma.vm_file:
        draw_strip(canvas, y + tall, tall, file_cells(part, vma))


def cell_of(part: Part, address: int) -> int:
    """Say in which cell of the strip an address lies."""
    return ((address - part.start) >> PAGE_SHIFT) * min(part.pages, CELLS) // part.pages


def file_cells(part: Part, vma: vm_area_struct) -> list[str]:
    """Say of each cell whether the file's pages there are in memory, on the disk only, or past the end."""
    assert vma.vm_file is not None
    mapping, count = vma.vm_file.f_mapping, min(part.pages, CELLS)
    first = place(vma, part.start)
    inside = file_pages(mapping) - first
    cells = ["disk" if cell * part.pages // count < inside else "past" for cell in range(count)]
    for pgoff in mapping.page_tree:
        if first <= pgoff < first + part.pages:
            cells[(pgoff - first) * count // part.pages] = "cached"
    return cells


def draw_strip(canvas: Canvas, y: float, tall: float, cells: list[str]) -> None:
    """Draw a row of cells: one by one if there is room, else runs of one kind as one."""
    x, width = STRIP[0], min(26.0, STRIP[1] / len(cells))
    start = 0
    for i, cell in enumerate(cells):
        if width < 5 and i + 1 < len(cells) and cells[i + 1] == cell:
            continue
        kind, look, _meaning = CELL_LOOKS[cell]
        canvas.box(x + start * width, y, (i + 1 - start) * width, tall, kind=kind, look=look)
        start = i + 1


def counted(part: Part) -> str:
    """Count the pages of a part, and what its PTEs map."""
    assert part.vma is not None
    kinds = [state(part.vma, entry) for entry in part.found]
    names = {"file": _("of the file"), "anon": _("anonymous"), "copy": _("copied"), "zero": _("zero page")}
    there = [f"{kinds.count(kind)} {words}" for kind, words in names.items() if kind in kinds]
    pages = many("{n} page", "{n} pages", part.pages).format(n=part.pages)
    return ", ".join([pages, *(there or [_("none present")])])


def hole(part: Part, parts: list[Part]) -> str:
    """Say how large a hole is, and whether it is drawn so."""
    words = _("hole of {size}, not to scale") if is_broken(part, parts) else _("hole of {size}")
    return words.format(size=size(part.end - part.start))


def words_of(part: Part) -> str:
    """Say what a VMA is, as the picture does."""
    assert part.vma is not None
    name = f"{part.start:x}–{part.end:x} {part.vma.perms} {part.vma.name} {shows(part.vma, part.start)}"
    line = f"{name}: {counted(part)}"
    if part.vma.vm_file is None:
        return line
    cells = file_cells(part, part.vma)
    first = place(part.vma, part.start)
    cached = sum(first <= pgoff < first + part.pages for pgoff in part.vma.vm_file.f_mapping.page_tree)
    past = _(", the rest past its end") if "past" in cells else ""
    return line + _("; beneath, {n} of the file's pages are in memory").format(n=cached) + past
