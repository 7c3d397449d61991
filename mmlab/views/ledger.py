"""The ledger of /proc/meminfo: every kB of Mapped, AnonPages, Shmem and Cached, with its pages and who maps them.

>>> from mmlab import Kernel
>>> kernel = Kernel()
>>> proc = kernel.spawn("reader")
>>> book = Ledger.of(kernel)
>>> book.kB("Mapped") == kernel.meminfo()["Mapped"], book.kB("AnonPages") == kernel.meminfo()["AnonPages"]
(True, True)
>>> [(row.area, row.mappers, row.kB("AnonPages")) for row in book.rows if row.area == "[stack]"]
[('[stack]', ('reader[1]',), 8)]
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from ..check import files_of
from ..fs.dcache import d_path
from ..include.errors import KernelBug
from ..include.fs import address_space, dentry
from ..include.mm_types import PG_swapbacked, page, vm_area_struct
from ..include.mman import PAGE_SHIFT
from ..include.mmzone import machine
from ..machine import Kernel
from .diagram import Canvas, Diagram
from .style import INK, KINDS, MUTED, PAPER, RULE, SMALL, room
from .walk import called, present, ranges, task_name, vmas
from .words import _, many

COUNTERS = {  # the kinds of pages, and the lines of /proc/meminfo that each counts in; Mapped only if it is mapped
    "file": ("Mapped", "Cached"),
    "device": ("Mapped", "Buffers"),
    "shmem": ("Mapped", "Shmem", "Cached"),
    "anonymous": ("AnonPages",),
}
NAMES = ("Mapped", "AnonPages", "Shmem", "Cached", "Buffers")


class Row(NamedTuple):
    """Pages of one file, or of one place in anonymous memory, that the same processes map."""

    area: str  # the file's path, or what the memory is: "[heap]", "copies of libc.so.6", …
    kind: str  # a key of COUNTERS
    mappers: tuple[str, ...]  # comm[pid] of each process that maps them
    pages: tuple[int, ...]  # their frame numbers

    def kB(self, name: str) -> int:
        """Say how much of this line of /proc/meminfo these pages are."""
        counted = name in COUNTERS[self.kind] and (name != "Mapped" or bool(self.mappers))
        return len(self.pages) << PAGE_SHIFT - 10 if counted else 0


@dataclass(frozen=True)
class Ledger:
    """All pages that /proc/meminfo counts in NAMES, in rows."""

    rows: tuple[Row, ...]

    @classmethod
    def of(cls, kernel: Kernel) -> Ledger:
        """Look at every page in use, and at every PTE of every process."""
        names, mapped = file_names(kernel.machine), mapped_by(kernel.machine)
        groups: dict[tuple[address_space | None, str, str, tuple[str, ...]], list[int]] = defaultdict(list)
        for frame in kernel.machine.mem_map:
            at = mapped.get(frame, {})
            if isinstance(frame.mapping, address_space):
                groups[frame.mapping, names[frame.mapping], kind_of(frame), tuple(at)].append(frame.pfn)
            elif at:
                groups[None, area_of(next(iter(at.values()))), "anonymous", tuple(at)].append(frame.pfn)
        rows = [Row(area, kind, mappers, tuple(pages)) for (_mapping, area, kind, mappers), pages in groups.items()]
        return cls(tuple(sorted(rows, key=lambda row: (list(COUNTERS).index(row.kind), row.area, row.mappers))))

    def kB(self, name: str) -> int:
        """Add a line of /proc/meminfo up."""
        return sum(row.kB(name) for row in self.rows)

    def __str__(self) -> str:
        return "\n".join([*(tell(row) for row in self.rows), totals(self)])

    __repr__ = __str__


def file_names(machine: machine) -> dict[address_space, str]:
    """Give the path of each file: the first that a walk of the directories finds, or that it was opened by."""
    found: dict[address_space, str] = {mapping: f"/dev/{mapping.host.label}" for mapping in machine.block_devices}
    todo: list[dentry] = [machine.root]
    while todo:
        at = todo.pop(0)
        found.setdefault(at.d_inode.i_mapping, d_path(at))
        todo.extend(at.d_children.values())
    for file in files_of(machine):
        found.setdefault(file.f_mapping, d_path(file.f_path))
    return found


def mapped_by(machine: machine) -> dict[page, dict[str, vm_area_struct]]:
    """Say of each mapped page which processes map it, and through which VMA."""
    found: dict[page, dict[str, vm_area_struct]] = defaultdict(dict)
    for task in machine.tasks.values():
        for vma in vmas(task.mm):
            for entry in present(vma):
                if entry.page is not None:
                    found[entry.page].setdefault(task_name(task), vma)
    return found


def kind_of(frame: page) -> str:
    """Say what kind of page of a file it is."""
    if frame.mapping in frame.machine.block_devices:
        return "device"
    return "shmem" if frame.flags & PG_swapbacked else "file"


def area_of(vma: vm_area_struct) -> str:
    """Say where in a process an anonymous page is."""
    if vma.vm_file:
        return _("copies of {file}").format(file=called(vma))
    name = called(vma)
    return name if name.startswith("[") else _("anonymous at {start:x}").format(start=vma.vm_start)


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────


def mappers_of(row: Row) -> str:
    """Name who maps the pages."""
    return ", ".join(row.mappers) or _("nobody")


def frames_of(row: Row, width: float) -> str:
    """Name the pages' frames; where `width` px have no room for all runs, the first ones and the last."""
    runs = ranges(row.pages).split(", ")
    shorter = ([*runs[:kept], "…", runs[-1]] for kept in range(len(runs) - 2, -1, -1))
    spelt = ["#" + ", ".join(some) for some in (runs, *shorter)]
    return next((words for words in spelt if room(words, size=SMALL) <= width), spelt[-1])


def tell(row: Row) -> str:
    """Say a row in a line."""
    sums = ", ".join(f"{name} {row.kB(name)} kB" for name in NAMES if row.kB(name))
    count = many("{n} page", "{n} pages", len(row.pages)).format(n=len(row.pages))
    return f"{row.area}: {count} (#{ranges(row.pages)}), {mappers_of(row)}: {sums}"


def totals(book: Ledger) -> str:
    """Say the sums in a line."""
    return _("together: ") + ", ".join(f"{name} {book.kB(name)} kB" for name in shown(book))


def shown(book: Ledger) -> list[str]:
    """Leave Buffers out where no block device is in memory."""
    return [name for name in NAMES if name != "Buffers" or book.kB(name)]


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────

WIDTH, TOP, LINE, COLUMN = 840, 66, 24, 71  # px; a column is one line of /proc/meminfo
KIND = {"file": "address_space", "device": "address_space", "shmem": "file", "anonymous": "page"}


def ledger(kernel: Kernel) -> Diagram:
    """Draw where each kB of Mapped, AnonPages, Shmem and Cached is. Its twin names every page; as data: Ledger.of."""
    book, meminfo = Ledger.of(kernel), kernel.meminfo()
    for name in NAMES:
        if book.kB(name) != meminfo[name]:
            raise KernelBug(f"{name} is {meminfo[name]} kB in /proc/meminfo, and its pages are {book.kB(name)} kB")
    canvas = Canvas(WIDTH, TOP + LINE * (len(book.rows) + 1) + 44)
    columns = {name: WIDTH - 12 - COLUMN * (len(shown(book)) - i) for i, name in enumerate(shown(book))}
    draw_head(canvas, columns)
    for i, row in enumerate(book.rows):
        draw_row(canvas, TOP + LINE * i, row, book, columns)
    draw_totals(canvas, TOP + LINE * len(book.rows), book, columns)
    canvas.key(
        16,
        canvas.height - 14,
        ("address_space", "present", _("page of a file")),
        ("file", "present", _("shmem: tmpfs and shared memory")),
        ("page", "present", _("anonymous page")),
    )
    return canvas.diagram(_("Every kB of /proc/meminfo, and who maps it"), str(book))


def draw_head(canvas: Canvas, columns: dict[str, int]) -> None:
    """Name the columns."""
    canvas.text(16, 24, _("/proc/meminfo, in kB, and who maps it"), bold=True, size=14, anchor="start")
    for x, words in ((16, _("file or memory")), (244, _("mapped by")), (404, _("frames"))):
        canvas.text(x, TOP - 12, words, size=SMALL, color=MUTED, anchor="start")
    for name, x in columns.items():
        canvas.text(x + COLUMN - 8, TOP - 12, name, size=SMALL, bold=True, anchor="end")
    canvas.line(12, TOP - 4, WIDTH - 12, TOP - 4, stroke=INK)


def draw_row(canvas: Canvas, y: float, row: Row, book: Ledger, columns: dict[str, int]) -> None:
    """Draw one row; under each sum, how much of its column it is."""
    look = KINDS[KIND[row.kind]]
    canvas.rect(12, y + 1, 4, LINE - 2, fill=look.border)
    first = min(columns.values())
    canvas.text(22, y + 16, f"{look.marker} {row.area}", bold=True, color=look.text, anchor="start", room=210)
    canvas.text(244, y + 16, mappers_of(row), size=SMALL, anchor="start", room=156)
    canvas.text(404, y + 16, frames_of(row, first - 410), size=SMALL, color=MUTED, anchor="start")
    for name, x in columns.items():
        if row.kB(name):
            wide = max((COLUMN - 14) * row.kB(name) / book.kB(name), 1.0)
            canvas.rect(x + COLUMN - 8 - wide, y + LINE - 4, wide, 3, fill=look.border)
            canvas.text(x + COLUMN - 8, y + 15, row.kB(name), anchor="end")
    canvas.line(12, y + LINE, WIDTH - 12, y + LINE, stroke=RULE, stroke_width=0.5)


def draw_totals(canvas: Canvas, y: float, book: Ledger, columns: dict[str, int]) -> None:
    """Draw the sums, which are those of /proc/meminfo."""
    canvas.line(12, y, WIDTH - 12, y, stroke=INK)
    canvas.text(22, y + 17, _("together, in kB, as /proc/meminfo has it"), bold=True, anchor="start")
    for name, x in columns.items():
        canvas.rect(x + 2, y + 3, COLUMN - 6, LINE - 4, fill=PAPER)
        canvas.text(x + COLUMN - 8, y + 17, book.kB(name), bold=True, anchor="end")
