"""The vm_pgoff picture, to scale: the file lies under the address space, shifted so that links are vertical.

The mapping always begins in the same column; moving vm_pgoff slides the file under it.
"""

from __future__ import annotations

from itertools import islice

from ..include.fs import address_space
from ..include.mm_types import PageAnon, vm_area_struct, vma_pages
from ..include.mman import PAGE_SIZE
from ..mm.vma import find_vma
from ..process import Process
from .diagram import Canvas, Diagram
from .objects import Entry, entries, file_pages, vma_at
from .style import KINDS, LOOKS, MUTED, SMALL

LEFT, CELL, TALL = 122, 70, 40  # px: the margin for the row names; a page's width and height
ABOVE, BELOW = 62, 186  # px from the top: the address space, the file
COLUMNS, BEFORE = 10, 2  # so many pages are drawn, and so many of them before the mapping


def offset_strip(proc: Process, addr: int) -> Diagram:
    """Draw which file page lies under which page of the mapping at `addr`. LookupError unless a file is mapped."""
    vma = vma_at(proc, addr)
    if vma.vm_file is None:
        raise LookupError(f"{vma.name} maps no file: vm_pgoff is only a number there")
    mapping = vma.vm_file.f_mapping
    canvas = Canvas(LEFT + CELL * COLUMNS + 24, BELOW + TALL + 68)
    draw_names(canvas, vma, mapping)
    shown = list(islice(entries(vma), COLUMNS - BEFORE))
    for column in range(COLUMNS):
        x, pgoff = LEFT + column * CELL, vma.vm_pgoff + column - BEFORE
        entry = shown[column - BEFORE] if 0 <= column - BEFORE < len(shown) else None
        draw_address(canvas, x, vma, column, entry)
        if pgoff >= 0:
            draw_file_page(canvas, x, mapping, pgoff)
        if entry:
            draw_link(canvas, x + CELL / 2, entry, mapping)
    draw_size(canvas, vma, mapping)
    canvas.legend(LEFT, BELOW + TALL + 54, "vm_area_struct", ["present", "absent", "hole", "danger"])
    title = f"{vma.name} shows {mapping.host.label} from file page {vma.vm_pgoff} on"
    return Diagram(title, describe(vma, mapping, shown), canvas.diagram(title, "").source)


def draw_names(canvas: Canvas, vma: vm_area_struct, mapping: address_space) -> None:
    """Name the two rows, and say how they are tied."""
    kind, cache = KINDS["vm_area_struct"], KINDS["address_space"]
    canvas.text(12, ABOVE + 17, "address space", bold=True, anchor="start")
    canvas.text(12, ABOVE + 33, vma.vm_mm.owner, size=SMALL, color=MUTED, anchor="start")
    canvas.text(12, BELOW + 17, "file", bold=True, anchor="start")
    canvas.text(12, BELOW + 33, mapping.host.label, size=SMALL, color=MUTED, anchor="start", room=LEFT - 16)
    span = f"{vma.name}  {vma.perms}  {vma.vm_start:x} … {vma.vm_end:x}"
    canvas.text(LEFT, 24, f"{kind.marker} {span}", bold=True, color=kind.text, anchor="start")
    canvas.text(LEFT, BELOW + TALL + 30, f"{cache.marker} file page", size=SMALL, color=cache.text, anchor="end")
    middle = (ABOVE + BELOW + TALL) / 2 + 4
    canvas.text(12, middle, f"vm_pgoff = {vma.vm_pgoff}", bold=True, color=kind.text, anchor="start")


def draw_address(canvas: Canvas, x: float, vma: vm_area_struct, column: int, entry: Entry | None) -> None:
    """Draw one page of addresses: of this VMA, of another one, or a hole."""
    if entry is None:
        address = vma.vm_start + (column - BEFORE) * PAGE_SIZE
        other = find_vma(vma.vm_mm, address)
        taken = other is not None and other.vm_start <= address
        words, look = (other.name, "plain") if other and taken else ("hole", "hole")
        canvas.box(x, ABOVE, CELL, TALL, words, kind="mm_struct", look=look)
        return
    canvas.text(x + CELL / 2, ABOVE - 8, f"…{entry.address & 0xFFFFFF:06x}", size=SMALL, color=MUTED, room=CELL)
    copied = entry.page is not None and PageAnon(entry.page)
    words = f"{'copy ' if copied else ''}#{entry.page.pfn}" if entry.page else "no PTE"
    inside = vma.vm_file and entry.pgoff < file_pages(vma.vm_file.f_mapping)
    look = "present" if entry.page else "absent" if inside else "danger"
    canvas.box(x, ABOVE, CELL, TALL, words, kind="vm_area_struct", look=look)


def draw_file_page(canvas: Canvas, x: float, mapping: address_space, pgoff: int) -> None:
    """Draw one page of the file: in memory, only on disk, or past its end."""
    cached, inside = mapping.page_tree.get(pgoff), pgoff < file_pages(mapping)
    words = f"#{cached.pfn}" if cached else "not cached" if inside else "past EOF"
    look = "present" if cached else "plain" if inside else "hole"
    canvas.box(x, BELOW, CELL, TALL, words, kind="address_space", look=look)
    canvas.text(x + CELL / 2, BELOW + TALL + 30, pgoff, size=SMALL, color=MUTED)


def draw_link(canvas: Canvas, x: float, entry: Entry, mapping: address_space) -> None:
    """Tie a page of the VMA to its file page: solid if the PTE maps it, dashed if a fault would; else say why not."""
    top, bottom = ABOVE + TALL + 4, BELOW - 4
    if entry.page is not None and entry.page.mapping is mapping:
        canvas.arrow(x, top, x, bottom, stroke=KINDS["vm_area_struct"].border, stroke_width=2.4)
    elif entry.page is not None:
        canvas.line(x, top + 18, x, bottom, stroke_dasharray="2 4")
        canvas.text(x, top + 14, "copied", size=SMALL, color=MUTED)
    elif entry.pgoff < file_pages(mapping):
        canvas.arrow(x, top, x, bottom, stroke_dasharray="5 4")
    else:
        canvas.line(x, top, x, top + 26, stroke=LOOKS["danger"].border, stroke_dasharray="5 4")
        canvas.text(x, top + 42, "SIGBUS", size=SMALL, color=LOOKS["danger"].text, bold=True)


def draw_size(canvas: Canvas, vma: vm_area_struct, mapping: address_space) -> None:
    """Mark where the file ends, if that is to be seen."""
    size = mapping.host.i_size
    x = LEFT + (size / PAGE_SIZE - vma.vm_pgoff + BEFORE) * CELL
    if LEFT <= x <= LEFT + CELL * (COLUMNS - 1):
        color = KINDS["address_space"].text
        canvas.line(x, BELOW + TALL - 8, x, BELOW + TALL + 13, stroke=color, stroke_width=2)
        canvas.text(x + 4, BELOW + TALL + 12, f"EOF at {size}", size=SMALL, color=color, anchor="start")


def describe(vma: vm_area_struct, mapping: address_space, shown: list[Entry]) -> str:
    """Say what the picture shows, page by page."""
    lines = [
        f"{vma.name} {vma.vm_start:x}-{vma.vm_end:x} {vma.perms}: vm_pgoff = {vma.vm_pgoff}; "
        f"{mapping.host.label} has {mapping.host.i_size} bytes, {file_pages(mapping)} pages"
    ]
    for entry in shown:
        lines.append(f"  {entry.address:x} shows file page {entry.pgoff}: {state(entry, mapping)}")
    more = vma_pages(vma) - len(shown)
    return "\n".join(lines + ([f"  … {more} more pages"] if more else []))


def state(entry: Entry, mapping: address_space) -> str:
    """Say what an access to this page would find."""
    if entry.page is not None:
        return entry.page.name + ("" if entry.page.mapping is mapping else ", a private copy")
    if entry.pgoff >= file_pages(mapping):
        return "past the last page of the file, SIGBUS"
    return "no PTE yet, an access will fault" + (" and find it cached" if entry.pgoff in mapping.page_tree else "")
