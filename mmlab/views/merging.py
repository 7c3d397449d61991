"""The merging lab: a mapping below a hole, one above it, and a new one to be put beside or between them.

`run_merging` is the whole experiment and depends on the setting alone. The picture shows the VMAs before and after the
call, to scale; between two that touch and stayed apart it says which field keeps them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from ..include.mm import vm_flag_names
from ..include.mm_types import vm_area_struct, vma_pages
from ..include.mman import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    O_RDWR,
    PAGE_SHIFT,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    map_names,
    prot_names,
)
from ..machine import Kernel
from ..mm.vma import find_vma
from ..process import Process
from .controls import Lab, Outcome, menu, observe, remembered, row, slider
from .diagram import Canvas, Diagram
from .style import DANGER, DANGER_TEXT, MUTED, SMALL
from .words import _

HOME = 0x10000000000  # far from all that the program has mapped
PAGES, LOWER, UPPER, BESIDE = 8, 0, 4, 2  # pages: the picture; where the neighbours begin; how long each is
RW = PROT_READ | PROT_WRITE
WHAT = ["memory", "the book", "the book, opened again"]
STORES = ["nothing", "the lower one", "both"]
LEFT, WIDE, TALL = 20, 105, 52  # px: the first page; a page, across and down

# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class MergeSetting:
    """One position of the controls: what the neighbours are, which were written to, and the new mapping, in pages."""

    around: str = "the book"
    stored: str = "nothing"
    new: str = "the book"
    prot: int = RW
    flags: int = MAP_PRIVATE
    page: int = LOWER + BESIDE
    length: int = 2
    pgoff: int = LOWER + BESIDE


@remembered
def run_merging(setting: MergeSetting) -> Outcome:
    """Map the neighbours, then the new mapping; the same setting gives the same outcome."""
    proc = Kernel().spawn("builder")
    book = proc.open("/data/book.txt", O_RDWR)
    fds = dict(zip(WHAT, (-1, book, proc.open("/data/book.txt", O_RDWR)), strict=True))
    for number, page in enumerate((LOWER, UPPER)):
        map_pages(proc, page, BESIDE, RW, MAP_PRIVATE, fds[setting.around], page)
        if number < STORES.index(setting.stored):
            proc.store(HOME + page * PAGE_SIZE, b"x")
    before = boxes(proc)
    fd = fds[setting.new]
    map_pages(proc, setting.page, setting.length, setting.prot, setting.flags, fd, setting.pgoff)
    after = boxes(proc)
    vma = find_vma(proc.task.mm, HOME + setting.page * PAGE_SIZE)
    grown = [box for box in before if vma and box.name == vma.name]
    result = _("{vma} has grown") if grown else _("a new VMA was made: {vma}")
    words = [spell(setting, fd), "→ " + result.format(vma=vma.name if vma else ""), "", *lines(proc)]
    return Outcome((), "\n".join(words), (draw(before, after, list(apart(proc))),))


def map_pages(proc: Process, page: int, length: int, prot: int, flags: int, fd: int, pgoff: int) -> None:
    """Map `length` pages at page `page` of the picture: file pages from `pgoff` on, or memory."""
    flags |= MAP_FIXED | (MAP_ANONYMOUS if fd < 0 else 0)
    offset = 0 if fd < 0 else pgoff * PAGE_SIZE
    proc.mmap(HOME + page * PAGE_SIZE, length * PAGE_SIZE, prot, flags, fd, offset)


def spell(setting: MergeSetting, fd: int) -> str:
    """Spell the call as a C program has it."""
    flags = map_names(setting.flags | MAP_FIXED | (MAP_ANONYMOUS if fd < 0 else 0))
    offset = 0 if fd < 0 else setting.pgoff * PAGE_SIZE
    address = HOME + setting.page * PAGE_SIZE
    return f"mmap({address:#x}, {setting.length * PAGE_SIZE}, {prot_names(setting.prot)}, {flags}, {fd}, {offset});"


def here(proc: Process) -> Iterator[vm_area_struct]:
    """Give the VMAs of the picture."""
    vma = find_vma(proc.task.mm, HOME)
    while vma is not None and vma.vm_start < HOME + PAGES * PAGE_SIZE:
        yield vma
        vma = vma.vm_next


def lines(proc: Process) -> list[str]:
    """Give their lines of /proc/PID/maps."""
    starts = tuple(f"{vma.vm_start:x}-" for vma in here(proc))
    return [" ".join(line.split()) for line in proc.maps().splitlines() if line.startswith(starts)]


def apart(proc: Process) -> Iterator[tuple[int, str]]:
    """Say at which page two VMAs touch that are not one, and why they are not."""
    for lower, upper in pairwise(here(proc)):
        if lower.vm_end == upper.vm_start:
            yield (upper.vm_start - HOME) >> PAGE_SHIFT, difference(lower, upper)


def difference(lower: vm_area_struct, upper: vm_area_struct) -> str:
    """Name the first field by which two VMAs side by side cannot be one."""
    if lower.vm_file is not upper.vm_file:
        files = [vma.vm_file.name if vma.vm_file else "NULL" for vma in (lower, upper)]
        return f"vm_file: {files[0]}, {files[1]}"
    if lower.vm_flags != upper.vm_flags:
        return f"vm_flags: {vm_flag_names(lower.vm_flags ^ upper.vm_flags)}"
    if upper.vm_pgoff != lower.vm_pgoff + vma_pages(lower):
        return f"vm_pgoff: {spell_pgoff(upper.vm_pgoff)}, not {spell_pgoff(lower.vm_pgoff + vma_pages(lower))}"
    if lower.anon_vma and upper.anon_vma and lower.anon_vma is not upper.anon_vma:
        return f"anon_vma: {lower.anon_vma.name}, {upper.anon_vma.name}"
    if lower.vm_ops and lower.vm_ops.close:
        return f"vm_ops->close: {lower.vm_ops.close.__name__}"
    return ""


def spell_pgoff(pgoff: int) -> str:
    """Spell a page number: of a file as it is, of an address in hex."""
    return str(pgoff) if pgoff < HOME >> PAGE_SHIFT else f"{pgoff:#x}"


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Box:
    """A VMA as it was: its name, its first page in the picture, its pages, what it maps, from where on."""

    name: str
    page: int
    pages: int
    what: str
    where: str

    def __str__(self) -> str:
        pages = _("pages {first}–{last}").format(first=self.page, last=self.page + self.pages - 1)
        return f"{self.name} {pages}: {self.what} {self.where}"


def boxes(proc: Process) -> list[Box]:
    """Take down the VMAs as they are now."""
    found = []
    for vma in here(proc):
        what, where = (f" {vma.vm_file.name}", f"vm_pgoff {vma.vm_pgoff}") if vma.vm_file else ("", _("memory"))
        page = (vma.vm_start - HOME) >> PAGE_SHIFT
        found.append(Box(vma.name, page, vma_pages(vma), vma.perms + what, where))
    return found


def draw(before: list[Box], after: list[Box], why: list[tuple[int, str]], title: str = "") -> Diagram:
    """Draw the VMAs before and after the call; what is new or has grown is lit."""
    canvas = Canvas(2 * LEFT + PAGES * WIDE, 218)
    for page in range(PAGES):
        words = _("page {n}").format(n=page)
        canvas.text(LEFT + (page + 0.5) * WIDE, 14, words, size=SMALL, color=MUTED)
    for y, title, vmas in ((40, _("before"), before), (126, _("after"), after)):
        canvas.text(LEFT, y - 8, title, bold=True, color=MUTED, anchor="start")
        for page in range(PAGES):
            canvas.box(LEFT + page * WIDE, y, WIDE, TALL, kind="vm_area_struct", look="hole")
        for box in vmas:
            look = "present" if box in before else "changed"
            canvas.box(LEFT + box.page * WIDE, y, box.pages * WIDE, TALL, kind="vm_area_struct", look=look)
            room, x = box.pages * WIDE - 8, LEFT + (box.page + box.pages / 2) * WIDE
            canvas.text(x, y + 16, f"▬ {box.name}", bold=True, room=room)
            canvas.text(x, y + 31, box.what, size=SMALL, room=room)
            canvas.text(x, y + 45, box.where, size=SMALL, room=room)
    for number, (page, words) in enumerate(why):
        x, y = LEFT + page * WIDE, 194 + 16 * (number % 2)
        canvas.line(x, 122, x, y - 12, stroke=DANGER, stroke_width=3)
        canvas.text(x, y, words, size=SMALL, bold=True, color=DANGER_TEXT, anchor="start" if page < 5 else "end")
    return canvas.diagram(title or _("VMAs before and after mmap"), describe(before, after, why))


def describe(before: list[Box], after: list[Box], why: list[tuple[int, str]]) -> str:
    """Say what the picture shows."""
    told = []
    for title, vmas in ((_("before"), before), (_("after"), after)):
        told += [f"{title}:", *(f"  {box}" for box in vmas)]
    return "\n".join([*told, *(_("apart at page {page}: {why}").format(page=page, why=words) for page, words in why)])


# ── the controls ────────────────────────────────────────────────────────────────────────────────────────────


class MergeLab(Lab):
    """Two neighbours and a new mapping; which of them become one VMA. Keywords as in `MergeSetting`.

    Without a live kernel it shows the picture of its setting.
    """

    def __init__(self, **setting: Any) -> None:
        first = MergeSetting(**setting)
        self.controls = {
            "page": slider(_("from page"), first.page, PAGES - 2, 1),
            "length": slider(_("pages"), first.length, 2, 1, low=1),
            "pgoff": slider(_("file page"), first.pgoff, PAGES - 1, 1),
            "around": menu(_("around it"), WHAT[:2], first.around),
            "stored": menu(_("stores to"), STORES, first.stored),
            "new": menu(_("new one"), WHAT, first.new),
            "prot": menu("prot", {prot_names(prot): prot for prot in (PROT_READ, RW)}, first.prot),
            "flags": menu("flags", {map_names(flags): flags for flags in (MAP_PRIVATE, MAP_SHARED)}, first.flags),
        }
        observe(self.controls.values(), self._update)
        made = list(self.controls.values())
        super().__init__(row(*made[:3]), row(*made[3:]))

    @property
    def setting(self) -> MergeSetting:
        """The controls' position."""
        return MergeSetting(**{field.name: self.controls[field.name].value for field in fields(MergeSetting)})

    def _run(self) -> Outcome:
        """Map the neighbours and the new mapping."""
        return run_merging(self.setting)
