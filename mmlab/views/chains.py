"""The anon_vma chains: which VMAs are tied to which anon_vmas, and through which of them a VMA reaches its pages.

A row is a VMA's anon_vma_chain, a column all the VMAs of an anon_vma: a page in it may be mapped by these, and by no
others. A cell that is not empty is one struct anon_vma_chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..include.mm_types import PageAnon, anon_vma, page, vm_area_struct
from ..process import Process
from .diagram import Canvas, Diagram
from .objects import vma_at
from .style import INK, KINDS, MUTED, SMALL
from .walk import present, ranges, task_name
from .words import _

LEFT, TOP, TALL, WIDTH = 178, 62, 46, 836  # px: the row heads, the column heads, a row, the most that there is


class Tied(NamedTuple):
    """A VMA that is tied to an anon_vma: whether it is the VMA's own, and which of its pages the VMA maps."""

    own: bool
    pages: list[page]

    @property
    def words(self) -> str:
        """Name the pages."""
        return f"page#{ranges(page.pfn for page in self.pages)}" if self.pages else _("none of its pages")


def tied(vma: vm_area_struct, anon: anon_vma) -> Tied | None:
    """Say how a VMA is tied to an anon_vma; None if it is not."""
    if anon not in vma.anon_vma_chain:
        return None
    pages = {entry.page for entry in present(vma) if entry.page is not None and PageAnon(entry.page)}
    return Tied(vma.anon_vma is anon, [page for page in pages if page.mapping is anon])


def anon_vma_chains(procs: Process | Iterable[Process], addr: int) -> Diagram:
    """Draw how the VMAs that these processes have at `addr` are tied to anon_vmas. LookupError if one has none."""
    owners = [procs] if isinstance(procs, Process) else list(procs)
    rows = [(task_name(proc.task), vma_at(proc, addr)) for proc in owners]
    anons = list(dict.fromkeys(anon for _owner, vma in rows for anon in vma.anon_vma_chain))
    wide = min(172.0, (WIDTH - LEFT - 16) / max(len(anons), 1))
    canvas = Canvas(max(LEFT + wide * len(anons) + 16, 620), TOP + TALL * len(rows) + 40)
    if not anons:
        canvas.text(LEFT, TOP - 10, _("no anon_vma: nothing was stored here"), color=MUTED, anchor="start")
    for i, anon in enumerate(anons):
        x, kind = LEFT + wide * i, KINDS["address_space"]
        canvas.text(x + wide / 2, 26, f"▲ {anon.name}", bold=True, color=kind.text, room=wide)
        canvas.text(x + wide / 2, 44, made_for(anon, rows), size=SMALL, color=MUTED, room=wide)
    for i, (owner, vma) in enumerate(rows):
        draw_row(canvas, TOP + TALL * i, owner, vma, [(LEFT + wide * j, wide, one) for j, one in enumerate(anons)])
    canvas.key(
        16,
        canvas.height - 14,
        ("address_space", "present", _("tied: the pages that the VMA maps; thick: its own, for new pages")),
        ("address_space", "hole", _("not tied")),
    )
    return canvas.diagram(_("anon_vma chains at {place}").format(place=f"{addr:x}"), tell(rows))


def made_for(anon: anon_vma, rows: list[tuple[str, vm_area_struct]]) -> str:
    """Say whose own anon_vma it is."""
    owners = [vma.name for _owner, vma in rows if vma.anon_vma is anon]
    return _("takes new pages of {names}").format(names=", ".join(owners)) if owners else _("takes no new pages")


def draw_row(
    canvas: Canvas, y: float, owner: str, vma: vm_area_struct, anons: list[tuple[float, float, anon_vma]]
) -> None:
    """Draw one VMA and the cells of its chain."""
    kind = KINDS["vm_area_struct"]
    canvas.text(16, y + 20, owner, bold=True, color=INK, anchor="start", room=LEFT - 20)
    name = f"{kind.marker} {vma.name} {vma.perms}"
    canvas.text(16, y + 36, name, size=SMALL, color=kind.text, anchor="start", room=LEFT - 20)
    for x, wide, anon in anons:
        found = tied(vma, anon)
        words, look = (found.words, "present") if found else ("", "hole")
        canvas.box(x + 4, y + 4, wide - 8, TALL - 8, words, kind="address_space", look=look)
        if found and found.own:
            border = KINDS["address_space"].border
            canvas.rect(x + 4, y + 4, wide - 8, TALL - 8, stroke=border, stroke_width=3.5)


def tell(rows: list[tuple[str, vm_area_struct]]) -> str:
    """Say it in words: one line for each struct anon_vma_chain."""
    lines = []
    for owner, vma in rows:
        head = f"{owner} {vma.name} {vma.perms}"
        for anon in vma.anon_vma_chain:
            found = tied(vma, anon)
            assert found is not None
            own = _(" (its own: takes its new pages)") if found.own else ""
            lines.append(f"{head} – {anon.name}{own}: {found.words}")
        if not vma.anon_vma_chain:
            lines.append(f"{head}: " + _("no anon_vma: nothing was stored here"))
    return "\n".join(lines)
