"""Page tables, page cache and file offsets: which page each address of some mappings reaches.

In the middle are the pages: those of the files, by their place in the file, and anonymous ones; the mappings are at
both sides. Its words are the three-line notation: VMA: addresses → file:offset, Filemap: file:offset → page,
PTE: address → page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..fs.task_mmu import get_vma_name
from ..include.fs import address_space
from ..include.mm_types import PageAnon, page_mapcount, vm_area_struct, vma_pages
from ..include.mman import PAGE_SIZE
from ..include.pgtable import pte_none, pte_offset
from ..mm.memory import ZERO_PFN, vm_normal_page
from ..process import Process
from ..trace import show_pte
from .diagram import Canvas, Diagram, number
from .objects import file_pages, vma_at
from .style import KINDS, LOOKS, MUTED, SMALL
from .walk import place, shows, task_name, vmas
from .words import _, many

SHOWN = 12  # so many pages of a mapping are drawn
ROW, HEAD = 22, 46  # px: a page; the words above some
Target = tuple[str, object, int]  # ("file", its address_space, the page's place) or ("page", None, frame number)


class Line(NamedTuple):
    """One page of a mapping, its PTE, and where an access leads: None if that is an error."""

    address: int
    pgoff: int
    pte: int
    target: Target | None


class Mapping(NamedTuple):
    """A VMA of a process, and those of its pages that are drawn."""

    owner: str
    vma: vm_area_struct
    lines: list[Line]


class Layout(NamedTuple):
    """Widths and places, in px; of the mappings at the right, the mirror image."""

    left: float = 16
    vma: float = 104
    pte: float = 132
    gap: float = 70
    middle: float = 192
    short: bool = False  # only the last digits of addresses, and pages without the word

    @property
    def width(self) -> float:
        """How wide all of it is."""
        return 2 * (self.vma + self.pte + self.gap) + self.middle


# ── what is to be seen ──────────────────────────────────────────────────────────────────────────────────────


def mapping_of(proc: Process, vma: vm_area_struct, addr: int | None = None, shown: int = SHOWN) -> Mapping:
    """Take the first pages of a VMA, or those around `addr`."""
    count, at = vma_pages(vma), 0 if addr is None else (addr - vma.vm_start) // PAGE_SIZE
    first = max(0, min(at - shown // 2, count - shown))
    pages = range(first, min(first + shown, count))
    return Mapping(task_name(proc.task), vma, [line_of(vma, vma.vm_start + n * PAGE_SIZE) for n in pages])


def line_of(vma: vm_area_struct, address: int) -> Line:
    """Look at one page of a VMA."""
    table, i = pte_offset(vma.vm_mm.pgd, address)
    pte, pgoff = 0 if table is None else table[i], place(vma, address)
    return Line(address, pgoff, pte, target_of(vma, pgoff, pte))


def target_of(vma: vm_area_struct, pgoff: int, pte: int) -> Target | None:
    """Say where a PTE leads; where there is none yet, which page of the file a fault would find."""
    mapping = vma.vm_file.f_mapping if vma.vm_file else None
    if pte_none(pte):
        return ("file", mapping, pgoff) if mapping and pgoff < file_pages(mapping) else None
    page = vm_normal_page(vma, pte)
    if page is None:
        return "page", None, ZERO_PFN
    return ("page", None, page.pfn) if PageAnon(page) else ("file", mapping, pgoff)


def files(shown: Iterable[Mapping]) -> dict[address_space, list[int]]:
    """Collect the pages of each file that the mappings show."""
    found: dict[address_space, set[int]] = {}
    for one in shown:
        if one.vma.vm_file:
            found.setdefault(one.vma.vm_file.f_mapping, set()).update(line.pgoff for line in one.lines)
    return {mapping: sorted(pages) for mapping, pages in found.items()}


def frames(shown: Iterable[Mapping]) -> list[int]:
    """Collect the anonymous pages."""
    return sorted({line.target[2] for one in shown for line in one.lines if line.target and line.target[0] == "page"})


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────


def page_tables(procs: Process | Iterable[Process], at: int | str) -> Diagram:
    """Draw the page tables of one or more processes for the VMA at an address, or for all VMAs of a file's path.

    LookupError if none of them maps that.
    """
    shown = find([procs] if isinstance(procs, Process) else list(procs), at)
    layout = Layout()
    half = len(shown) == 1  # then nothing is at the right
    wide = layout.width - half * (layout.vma + layout.pte + layout.gap)
    canvas = Canvas(wide + 32, height(shown) + 74)
    draw(canvas, layout, 6, shown)
    draw_key(canvas, 16, canvas.height - 34)
    what = f"{at:x}" if isinstance(at, int) else at
    return canvas.diagram(_("The page tables at {place}").format(place=what), tell(shown))


def find(procs: list[Process], at: int | str) -> list[Mapping]:
    """Give the mappings at that address, or of that path."""
    if isinstance(at, int):
        return [mapping_of(proc, vma_at(proc, at), at) for proc in procs]
    found = [mapping_of(p, v) for p in procs for v in vmas(p.current.mm) if get_vma_name(v) == at]
    if not found:
        raise LookupError(f"none of {procs!r} maps {at!r}: look at proc.maps() for what they map")
    return found


def height(shown: list[Mapping]) -> float:
    """Give the height of the highest of the three columns, in px."""
    sides = [sum(HEAD + 14 + ROW * (len(one.lines) + bool(rest(one))) for one in shown[side::2]) for side in (0, 1)]
    middle = sum(HEAD + 14 + ROW * len(pages) for pages in files(shown).values())
    return max(*sides, middle + (HEAD + ROW * len(frames(shown)) if frames(shown) else 0))


def rest(one: Mapping) -> int:
    """Count the pages that are not drawn."""
    return vma_pages(one.vma) - len(one.lines)


def draw(canvas: Canvas, layout: Layout, top: float, shown: list[Mapping]) -> None:
    """Draw mappings at both sides of their pages."""
    y = draw_pages(canvas, layout, top, shown)
    for side in (0, 1):
        at = top
        for one in shown[side::2]:
            draw_head(canvas, layout, at, one, side)
            for i, line in enumerate(one.lines):
                draw_line(canvas, layout, at + HEAD + ROW * i, line, side, y)
            at += HEAD + 14 + ROW * len(one.lines)
            if rest(one):
                words = many("… {n} more page", "… {n} more pages", rest(one)).format(n=rest(one))
                anchor_x, anchor = ends(layout, side)
                canvas.text(anchor_x, at, words, size=SMALL, color=MUTED, anchor=anchor)
                at += ROW


def ends(layout: Layout, side: int) -> tuple[float, str]:
    """Give the outer edge of a side, and how text is set there."""
    return (layout.left + layout.width, "end") if side else (layout.left, "start")


def draw_head(canvas: Canvas, layout: Layout, y: float, one: Mapping, side: int) -> None:
    """Name a mapping: whose it is, and what it maps."""
    (x, anchor), kind, room = ends(layout, side), KINDS["vm_area_struct"], layout.vma + layout.pte
    name = f"{kind.marker} {one.vma.name}  {one.vma.perms}"
    above, below = (one.owner, name) if layout.short else (f"{one.owner}  {name}", shows(one.vma, one.vma.vm_start))
    canvas.text(x, y + 16, above, bold=True, color=kind.text, anchor=anchor, room=room)
    canvas.text(x, y + 34, below, size=SMALL, color=MUTED, anchor=anchor, room=room)


def draw_line(canvas: Canvas, layout: Layout, y: float, line: Line, side: int, places: dict[Target, float]) -> None:
    """Draw one page of a mapping, its PTE, and the link to the page."""
    outer = layout.left + (layout.width - layout.vma if side else 0)
    inner = layout.left + (layout.width - layout.vma - layout.pte if side else layout.vma)
    none = pte_none(line.pte)
    address = f"…{line.address & 0xFFFFF:05x}" if layout.short else f"{line.address:x}"
    words = show_pte(line.pte).replace("page#", "#") if layout.short else show_pte(line.pte)
    look = "absent" if none else "present"
    canvas.box(outer, y, layout.vma, ROW, address, kind="vm_area_struct", look=look)
    canvas.box(inner, y, layout.pte, ROW, words, kind="page table", look=look)
    if line.target is None:
        return
    start, end = (inner, middle(layout) + layout.middle) if side else (inner + layout.pte, middle(layout))
    link(canvas, (start, y + ROW / 2), (end, places[line.target] + ROW / 2), none)


def middle(layout: Layout) -> float:
    """Give the left edge of the pages."""
    return layout.left + layout.vma + layout.pte + layout.gap


def link(canvas: Canvas, start: tuple[float, float], end: tuple[float, float], none: bool) -> None:
    """Draw the link from a PTE to a page: broken where there is no PTE yet."""
    (x1, y1), (x2, y2) = start, end
    bend = (x2 - x1) / 2
    color = LOOKS["hole"].border if none else KINDS["page table"].text
    bends = f"{number(x1 + bend)},{number(y1)} {number(x2 - bend)},{number(y2)}"
    curve = f"M{number(x1)},{number(y1)} C{bends} {number(x2)},{number(y2)}"
    canvas.path(curve, stroke=color, stroke_width=1.6, stroke_dasharray="4 4" if none else None)
    canvas.shape("circle", cx=x2, cy=y2, r=3, fill=color)


def draw_pages(canvas: Canvas, layout: Layout, top: float, shown: list[Mapping]) -> dict[Target, float]:
    """Draw the pages of each file, and the anonymous ones; say where."""
    found: dict[Target, float] = {}
    x = middle(layout)
    for mapping, pages in files(shown).items():
        head(canvas, layout, top, "address_space", mapping.host.label, f"{mapping.host.i_size} bytes")
        for pgoff in pages:
            found["file", mapping, pgoff] = y = top + HEAD + ROW * pages.index(pgoff)
            draw_file_page(canvas, layout, x, y, mapping, pgoff)
        top += HEAD + 14 + ROW * len(pages)
    if frames(shown):
        head(canvas, layout, top, "page", _("anonymous"), _("of no file"))
    for i, pfn in enumerate(frames(shown)):
        found["page", None, pfn] = y = top + HEAD + ROW * i
        canvas.box(x, y, layout.middle, ROW, frame_words(shown, pfn), kind="page", look="present")
    return found


def head(canvas: Canvas, layout: Layout, y: float, kind: str, name: str, more: str) -> None:
    """Name what is in the middle."""
    look, x, room = KINDS[kind], middle(layout) + layout.middle / 2, layout.middle + 2 * layout.gap + 4
    canvas.text(x, y + 16, f"{look.marker} {name}", bold=True, color=look.text, room=room)
    canvas.text(x, y + 34, more, size=SMALL, color=MUTED, room=room)


def draw_file_page(canvas: Canvas, layout: Layout, x: float, y: float, mapping: address_space, pgoff: int) -> None:
    """Draw a page of a file: where in the file, and in which frame."""
    cached, inside = mapping.page_tree.get(pgoff), pgoff < file_pages(mapping)
    look = "present" if cached else "plain" if inside else "danger"
    words = page_words(mapping, pgoff) if not layout.short else f"{pgoff}: #{cached.pfn}" if cached else f"{pgoff}: –"
    canvas.box(x, y, layout.middle, ROW, words, kind="address_space", look=look)


def page_words(mapping: address_space, pgoff: int) -> str:
    """Say what a page of a file is: its place, in bytes and hex, and its frame."""
    cached, inside = mapping.page_tree.get(pgoff), pgoff < file_pages(mapping)
    return f"{pgoff * PAGE_SIZE:#x}: " + (
        cached.name if cached else _("not in memory") if inside else _("past its end")
    )


def frame_words(shown: list[Mapping], pfn: int) -> str:
    """Say what an anonymous page is."""
    if pfn == ZERO_PFN:
        return _("zero page")
    page = shown[0].vma.vm_mm.machine.mem_map[pfn]
    return f"{page.name}, mapcount {page_mapcount(page)}"


def draw_key(canvas: Canvas, x: float, y: float) -> None:
    """Say what the cells mean."""
    canvas.key(
        x,
        y,
        ("vm_area_struct", "present", _("address")),
        ("page table", "present", "PTE"),
        ("page table", "absent", _("no PTE yet; the link: what a fault would find")),
        ("address_space", "present", _("page in the cache")),
        ("address_space", "danger", _("past the file's end")),
        ("page", "present", _("anonymous page")),
    )


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────


def tell(shown: list[Mapping]) -> str:
    """Say it in the three-line notation."""
    lines = [vma_line(one) for one in shown]
    for mapping, pages in files(shown).items():
        lines.append(f"         {mapping.host.label}, {mapping.host.i_size} bytes")
        words = [page_words(mapping, pgoff).replace(": ", " → ") for pgoff in pages]
        lines += [f"Filemap: {mapping.host.label}:{line}" for line in words]
    lines += [f"         {frame_words(shown, pfn)}" for pfn in frames(shown)]
    return "\n".join([*lines, *(line for one in shown for line in pte_lines(one))])


def vma_line(one: Mapping) -> str:
    """Say which addresses map which part of a file."""
    vma = one.vma
    where = f"{vma.vm_file.f_mapping.host.label}:{vma.vm_pgoff * PAGE_SIZE:#x}" if vma.vm_file else _("anonymous")
    more = f" ({shows(vma, vma.vm_start)})" if vma.vm_file else ""
    return f"VMA:     {vma.vm_start:x}–{vma.vm_end:x} → {where}{more}: {one.owner} {vma.name} {vma.perms}"


def pte_lines(one: Mapping) -> Iterator[str]:
    """Say which page each address reaches."""
    for line in one.lines:
        lost = _(": an access is an error") if line.target is None and one.vma.vm_file else ""
        yield f"PTE:     {line.address:x} → {show_pte(line.pte)} ({one.owner}){lost}"
    if rest(one):
        yield "         " + many("… {n} more page", "… {n} more pages", rest(one)).format(n=rest(one))
