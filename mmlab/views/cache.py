"""One file: its pages in memory, the PTEs of everybody who maps them, and what the disk has of them.

A row for each page of the file. The page in the cache stands between the PTEs that lead to it and its block on the
disk; what is dirty is lit, and ≠ says that the disk has something else: what a power cut would leave.
"""

from __future__ import annotations

from typing import NamedTuple

from ..check import vmas
from ..fs.namei import path_lookup
from ..fs.task_mmu import get_vma_name
from ..include.fs import address_space
from ..include.highmem import page_bytes
from ..include.mm_types import PageAnon, PG_dirty, PG_uptodate, page, vm_area_struct, vma_pages
from ..include.mman import PAGE_SIZE
from ..include.mmzone import machine
from ..include.pgtable import pte_dirty, pte_none, pte_offset
from ..machine import Kernel
from ..mm.memory import vm_normal_page
from ..trace import show_pte
from .diagram import Canvas, Diagram
from .objects import file_pages
from .style import DANGER_TEXT, KINDS, MUTED, SMALL
from .walk import task_name
from .words import _, many

SHOWN, ROWS = 3, 12  # so many mappings and pages are drawn
LEFT, NUMBER, PTES, GAP, CACHE, DISK = 16, 44, 400, 22, 200, 90  # px; PTES: what all mappings together may fill
TOP, ROW, LEAST = 62, 24, 640
PEEK = 5  # so many bytes of a page are shown


class Cell(NamedTuple):
    """What is in a cell, and its look in style.LOOKS."""

    words: str
    look: str


class Line(NamedTuple):
    """One page of the file: a cell for each mapping (None where a mapping does not reach), the cache, the disk."""

    pgoff: int
    ptes: tuple[Cell | None, ...]
    cache: Cell
    disk: Cell
    differs: bool


# ── what is to be seen ──────────────────────────────────────────────────────────────────────────────────────


def find(machine: machine, path: str) -> address_space:
    """Give the file of that path, or the one that maps calls so: a file that is deleted but mapped."""
    for task in machine.tasks.values():
        for vma in vmas(task.mm):
            if vma.vm_file and get_vma_name(vma) == path:
                return vma.vm_file.f_mapping
    return path_lookup(machine.root, path, "page_cache").d_inode.i_mapping


def mappings(machine: machine, mapping: address_space) -> list[tuple[str, vm_area_struct]]:
    """List the VMAs that map the file, and whose they are: address_space.i_mmap, in the order of their making."""
    names = {task.mm: task_name(task) for task in machine.tasks.values()}
    return [(names[vma.vm_mm], vma) for vma in sorted(mapping.i_mmap, key=lambda vma: vma.number)]


def lines(mapping: address_space, shown: list[vm_area_struct]) -> list[Line]:
    """Look at each page of the file, and at those past its end that somebody maps."""
    count = max([file_pages(mapping), *(vma.vm_pgoff + vma_pages(vma) for vma in shown)])
    return [line(mapping, shown, pgoff) for pgoff in range(min(count, ROWS))]


def line(mapping: address_space, shown: list[vm_area_struct], pgoff: int) -> Line:
    """Look at one page of the file."""
    cached, inside = mapping.page_tree.get(pgoff), pgoff < file_pages(mapping)
    disk, old = disk_of(mapping, pgoff)
    differs = old is not None and cached is not None and bool(cached.flags & PG_uptodate)
    return Line(
        pgoff,
        tuple(pte_of(vma, pgoff, inside) for vma in shown),
        cache_of(cached, inside),
        disk,
        differs and page_bytes(cached, 0, PAGE_SIZE) != old,  # type: ignore[arg-type]
    )


def pte_of(vma: vm_area_struct, pgoff: int, inside: bool) -> Cell | None:
    """Say what a mapping has for a page of the file."""
    address = vma.vm_start + (pgoff - vma.vm_pgoff) * PAGE_SIZE
    if not vma.vm_start <= address < vma.vm_end:
        return None
    table, i = pte_offset(vma.vm_mm.pgd, address)
    if table is None or pte_none(table[i]):
        return Cell(_("no PTE"), "absent") if inside else Cell("SIGBUS", "danger")
    bits, page = show_pte(table[i]).partition(" ")[2], vm_normal_page(vma, table[i])
    if page is not None and PageAnon(page):
        return Cell(f"{bits} {_('copy')} {peek(page)}", "present")
    return Cell(bits, "changed" if pte_dirty(table[i]) else "present")


def cache_of(cached: page | None, inside: bool) -> Cell:
    """Say what the page cache has."""
    if not inside:
        return Cell(_("past the file's end"), "danger")
    if cached is None:
        return Cell(_("not in memory"), "absent")
    if not cached.flags & PG_uptodate:
        return Cell(f"{cached.name} {_('without contents')}", "absent")
    dirty = bool(cached.flags & PG_dirty)
    return Cell(f"{cached.name} {peek(cached)}" + f" {_('dirty')}" * dirty, "changed" if dirty else "present")


def disk_of(mapping: address_space, pgoff: int) -> tuple[Cell, bytes | None]:
    """Say what the disk has, and give all of it; None where there is no disk, or no such page."""
    if mapping.a_ops.writepage is None:
        return Cell(_("no disk"), "hole"), None
    if pgoff >= file_pages(mapping):
        return Cell("", "hole"), None
    block = bytes((mapping.host.i_private or {}).get(pgoff, b"")).ljust(PAGE_SIZE, b"\0")
    return Cell(spell(block[:PEEK]), "present"), block


def peek(page: page) -> str:
    """Show the first bytes of a page."""
    return spell(page_bytes(page, 0, PEEK))


def spell(data: bytes) -> str:
    """Spell some bytes.

    >>> spell(b"page0"), spell(bytes(5))
    ("'page0'", 'zeros')
    """
    return repr(data)[1:] if any(data) else _("zeros")


def tail(mapping: address_space) -> str:
    """Say what is in the last page past the end of the file, if there is anything."""
    cached, end = mapping.page_tree.get(mapping.host.i_size // PAGE_SIZE), mapping.host.i_size % PAGE_SIZE
    past = page_bytes(cached, end, PAGE_SIZE).rstrip(b"\0") if cached and end else b""
    words = _("past the end of the file, in its last page: {bytes}")
    return words.format(bytes=spell(past[:16])) if past else ""


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────


def page_cache(kernel: Kernel, path: str) -> Diagram:
    """Draw a file's pages: who maps them, what is in memory, what is on the disk.

    `path`: as a program opens it, or as /proc/PID/maps shows it. FileNotFoundError if there is no such file.
    """
    mapping = find(kernel.machine, path)
    found = mappings(kernel.machine, mapping)
    shown, more = found[:SHOWN], max(0, len(found) - SHOWN)
    rows, notes = lines(mapping, [vma for _owner, vma in shown]), notes_of(mapping, more)
    canvas = Canvas(max(LEAST, columns(len(shown))[-1] + DISK + LEFT), TOP + ROW * len(rows) + 18 * len(notes) + 54)
    draw_heads(canvas, mapping, shown)
    for i, each in enumerate(rows):
        draw_line(canvas, TOP + ROW * i, each, columns(len(shown)))
    y = TOP + ROW * len(rows) + 18
    for i, note in enumerate(notes):
        canvas.text(LEFT, y + 18 * i, note, size=SMALL, color=DANGER_TEXT, bold=True, anchor="start")
    draw_key(canvas, canvas.height - 26)
    return canvas.diagram(_("The pages of {path}").format(path=path), tell(path, mapping, shown, rows, notes))


def notes_of(mapping: address_space, more: int) -> list[str]:
    """Say what the rows cannot."""
    words = many("… and {n} more mapping", "… and {n} more mappings", more).format(n=more) if more else ""
    return [note for note in (tail(mapping), words) if note]


def columns(count: int) -> list[float]:
    """Give the left edge of each mapping's column, of the cache's and of the disk's."""
    wide = pte_width(count) + 8
    cache = LEFT + NUMBER + count * wide + GAP
    return [*(LEFT + NUMBER + i * wide for i in range(count)), cache, cache + CACHE + GAP]


def pte_width(count: int) -> float:
    """Give the width of a mapping's column."""
    return min(170.0, PTES / max(count, 1) - 8)


def draw_heads(canvas: Canvas, mapping: address_space, shown: list[tuple[str, vm_area_struct]]) -> None:
    """Name the columns."""
    *lefts, cache, disk = columns(len(shown))
    vma_kind, cache_kind, disk_kind = (KINDS[kind] for kind in ("vm_area_struct", "address_space", "inode"))
    canvas.text(LEFT, 44, _("page"), size=SMALL, color=MUTED, anchor="start")
    for x, (owner, vma) in zip(lefts, shown, strict=True):
        room = pte_width(len(shown))
        canvas.text(x, 24, owner, bold=True, color=vma_kind.text, anchor="start", room=room)
        words = f"{vma_kind.marker} {vma.name} {vma.perms}"
        canvas.text(x, 44, words, size=SMALL, color=vma_kind.text, anchor="start", room=room)
    named = f"{cache_kind.marker} {_('page cache')}: {mapping.host.label}"
    canvas.text(cache, 24, named, bold=True, color=cache_kind.text, anchor="start", room=CACHE)
    size = _("{n} bytes, {pages} in memory").format(n=mapping.host.i_size, pages=mapping.nrpages)
    canvas.text(cache, 44, size, size=SMALL, color=MUTED, anchor="start", room=CACHE)
    canvas.text(disk, 24, f"{disk_kind.marker} {_('disk')}", bold=True, color=disk_kind.text, anchor="start")


def draw_line(canvas: Canvas, y: float, line: Line, edges: list[float]) -> None:
    """Draw one page of the file."""
    *lefts, cache, disk = edges
    middle, wide = y + ROW / 2, pte_width(len(lefts))
    canvas.text(LEFT + 22, middle + 4, line.pgoff, bold=True, anchor="end")
    for x, cell in zip(lefts, line.ptes, strict=True):
        if cell:
            canvas.box(x, y + 2, wide, ROW - 4, cell.words, kind="page table", look=cell.look)
    canvas.box(cache, y + 2, CACHE, ROW - 4, line.cache.words, kind="address_space", look=line.cache.look)
    if line.differs:
        canvas.text(disk - GAP / 2, middle + 5, "≠", size=15, bold=True, color=DANGER_TEXT)
    canvas.box(disk, y + 2, DISK, ROW - 4, line.disk.words, kind="inode", look=line.disk.look)


def draw_key(canvas: Canvas, y: float) -> None:
    """Say what the cells mean."""
    canvas.key(
        LEFT,
        y,
        ("page table", "present", _("PTE: r may be loaded, w stored; A accessed, D dirty")),
        ("page table", "absent", _("no PTE yet")),
        ("address_space", "present", _("page in the cache")),
        ("address_space", "changed", _("dirty")),
        ("inode", "present", _("on the disk; ≠: not the same as in memory")),
    )


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────


def tell(
    path: str, mapping: address_space, shown: list[tuple[str, vm_area_struct]], rows: list[Line], notes: list[str]
) -> str:
    """Say it in words: a table."""
    size = _("{n} bytes, {pages} in memory").format(n=mapping.host.i_size, pages=mapping.nrpages)
    heads = [f"{owner} {vma.name} {vma.perms}" for owner, vma in shown]
    table = [(_("page"), *heads, _("page cache"), _("disk"))]
    for row in rows:
        ptes = [cell.words if cell else "" for cell in row.ptes]
        table.append((str(row.pgoff), *ptes, row.cache.words, "≠ " * row.differs + row.disk.words))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    said = ["  ".join(words.ljust(wide) for words, wide in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join([f"{path}: {mapping.host.label}, {size}", *said, *notes])
