"""The lab of kinds of file: whom the kernel asks at each step of a mapping's life, file by file.

`run_kinds` is the whole experiment and depends on the setting alone. The picture has the three tables of functions that
decide: f_op of the open file, vm_ops of the VMA, a_ops of the file's pages. What the last step called is lit.
"""

from __future__ import annotations

import stat
from collections import Counter
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import ipywidgets as widgets

from ..include.errors import MemoryFault
from ..include.fs import file
from ..include.mm_types import vm_area_struct
from ..include.mman import (
    MAP_PRIVATE,
    MAP_SHARED,
    MS_SYNC,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    map_names,
    prot_names,
)
from ..include.pgtable import pte_none, pte_perms
from ..machine import BOOK_PAGES
from ..mm.vma import find_vma
from ..process import Process
from ..trace import Trace
from .controls import Lab, Outcome, menu, observe, refused, row
from .diagram import Canvas, Diagram
from .lab import boot
from .objects import entries
from .refusal import refusal
from .style import INK, KINDS, MUTED, SMALL
from .walk import state
from .words import _

FILES = {
    "/data/book.txt": _("ext4, on the disk"),
    "/data/hole": _("ext4, a hole"),
    "/ram/book.txt": _("ramfs, written"),
    "/ram/hole": _("ramfs, a hole"),
    "/dev/shm/book.txt": _("tmpfs, written"),
    "/dev/shm/hole": _("tmpfs, a hole"),
    "/dev/vda": _("block device"),
    "/dev/zero": _("zeros"),
    "/dev/null": _("nothing"),
    "/proc/meminfo": "/proc",
    "/proc/self/maps": "/proc",
    "/bare/book.txt": _("no readpage"),
}
HOLES = [path for path in FILES if path.endswith("/hole")]
STEPS = ["open", "mmap", "load", "store", "msync", "store again"]
LENGTH = 2 * PAGE_SIZE
COUNTED = ("Cached", "Buffers", "Shmem", "Mapped", "AnonPages", "Dirty")
CHOOSING = ("shmem_zero_setup", "do_anonymous_page", "do_read_fault", "do_cow_fault", "do_shared_fault", "do_wp_page")
LEFT, WIDE, GAP, TALL, TOP = 16, 274, 16, 30, 54  # px: the first table; a table, and between two; a row; the first row

# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class KindSetting:
    """One position of the controls: which file, mapped how, and how far the program has come."""

    path: str = "/data/book.txt"
    flags: int = MAP_SHARED
    step: str = "load"


def run_kinds(setting: KindSetting) -> Outcome:
    """Boot a machine and go up to the step; the same setting gives the same outcome."""
    kernel, proc = boot()
    for path in HOLES:
        proc.ftruncate(proc.open(path, O_CREAT | O_RDWR), (BOOK_PAGES + 1) * PAGE_SIZE)
    mode = O_RDONLY if setting.path.startswith("/proc") else O_RDWR
    prot = PROT_READ if mode == O_RDONLY else PROT_READ | PROT_WRITE
    with kernel.trace() as trace:
        fd = proc.open(setting.path, mode)
    opened, addr = proc.task.files[fd], 0
    said = _("open → {n}: the file brings its f_op along").format(n=fd)
    steps = STEPS[: STEPS.index(setting.step) + 1]
    for step in steps[1:]:
        before, used = kernel.meminfo(), proc.getrusage()
        with kernel.trace() as trace:
            try:
                addr = addr or proc.mmap(0, LENGTH, prot, setting.flags, fd)
            except OSError as error:
                told = ("C", spell(setting, steps[:2], prot))
                return Outcome((told,), refused(error), (draw(opened, None, trace), refusal(error, trace)))
            said = f"{step} → {hex(addr) if step == 'mmap' else take(proc, addr, step)}"
        now, kb = proc.getrusage(), kernel.meminfo() - before
        if step in ("load", "store", "store again"):
            minor, major = now.ru_minflt - used.ru_minflt, now.ru_majflt - used.ru_majflt
            said += f": {minor} minor, {major} major page faults"
        said += "".join(f", {name} {kb[name]:+} kB" for name in COUNTED if kb.get(name))
    vma = find_vma(proc.task.mm, addr) if addr else None
    return Outcome((("C", spell(setting, steps, prot)),), said, (draw(opened, vma, trace),))


def take(proc: Process, addr: int, step: str) -> str:
    """Take a step after mmap; say what it gave."""
    try:
        if step == "load":
            return repr(proc.load(addr, 5))
        if step == "msync":
            proc.msync(addr, LENGTH, MS_SYNC)
            return "0"
        proc.store(addr, b"HELLO")
    except MemoryFault as fault:
        return f"{fault.signal} ({fault.si_name})"
    return "b'HELLO'"


def spell(setting: KindSetting, steps: list[str], prot: int) -> str:
    """Spell what the program has done, in C."""
    mode = "O_RDWR" if prot & PROT_WRITE else "O_RDONLY"
    lines = {
        "open": f'fd = open("{setting.path}", {mode});',
        "mmap": f"addr = mmap(NULL, {LENGTH}, {prot_names(prot)}, {map_names(setting.flags)}, fd, 0);",
        "load": "memcpy(buf, addr, 5);",
        "store": 'memcpy(addr, "HELLO", 5);',
        "msync": f"msync(addr, {LENGTH}, MS_SYNC);",
        "store again": 'memcpy(addr, "HELLO", 5);',
    }
    return "\n".join(lines[step] for step in steps)


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────


class Slot(NamedTuple):
    """One entry of a table of functions: its field, the function, and how often the step called it."""

    field: str
    function: str
    times: int

    def __str__(self) -> str:
        return f"{self.field} = {self.function}" + (f" (×{self.times})" if self.times else "")


class Table(NamedTuple):
    """A table of functions: the kind of its owner, the pointers to it, its name or why there is none, its entries."""

    kind: str
    pointer: str
    name: str
    slots: tuple[Slot, ...]

    def __str__(self) -> str:
        return f"{self.pointer} = {self.name}" + "".join(f"\n  {slot}" for slot in self.slots)


def tables(opened: file, vma: vm_area_struct | None, trace: Trace) -> list[Table]:
    """Give the three tables, as they are for this file and this VMA, and what of them the trace called."""
    called = Counter(trace.functions())
    shown = [Table("file", "file → f_op", opened.f_op.name, slots(opened.f_op, ["mmap"], called))]
    if vma is None or vma.vm_ops is None:
        words = _("there is no VMA") if vma is None else _("NULL: anonymous memory")
        shown.append(Table("vm_area_struct", "vma → vm_ops", words, ()))
    else:
        asked = slots(vma.vm_ops, ["map_pages", "fault", "page_mkwrite"], called)
        shown.append(Table("vm_area_struct", "vma → vm_ops", vma.vm_ops.name, asked))
    mapping = (vma.vm_file if vma and vma.vm_file else opened).f_mapping
    paged = stat.S_ISREG(mapping.host.i_mode) and mapping.host.i_sb.s_type.name != "proc"
    if paged or stat.S_ISBLK(mapping.host.i_mode):
        asked = slots(mapping.a_ops, ["readpage", "writepage"], called)
        return [*shown, Table("address_space", "f_mapping → a_ops", mapping.a_ops.name, asked)]
    return [*shown, Table("address_space", "f_mapping → a_ops", _("it keeps no pages"), ())]


def slots(table: object, names: list[str], called: Counter[str]) -> tuple[Slot, ...]:
    """Give some entries of a table of functions."""
    functions = {name: getattr(getattr(table, name), "__name__", "NULL") for name in names}
    return tuple(Slot(name, function, called[function]) for name, function in functions.items())


def way(shown: list[Table], trace: Trace) -> str:
    """Name, in the order in which they were first called, the functions of the tables and those that choose them."""
    held = {slot.function for table in shown for slot in table.slots}
    names = dict.fromkeys(name for name in trace.functions() if name in held or name in CHOOSING)
    return " → ".join(names) or _("none of these functions")


def first_pte(vma: vm_area_struct | None) -> str:
    """Say what the page table has for the first page of the mapping."""
    if vma is None:
        return _("none: nothing is mapped")
    first = next(iter(entries(vma)))
    if pte_none(first.pte):
        return _("none")
    kinds = {"zero": _("the zero page"), "file": _("of the file"), "copy": _("a private copy"), "anon": _("anonymous")}
    what = kinds[state(vma, first)] if vma.vm_ops or first.page is None else kinds["anon"]
    return f"{first.page.name + ', ' if first.page else ''}{what}, {pte_perms(first.pte)}"


def draw(opened: file, vma: vm_area_struct | None, trace: Trace) -> Diagram:
    """Draw the tables side by side, and under them the way that was taken and the PTE that came of it."""
    shown = tables(opened, vma, trace)
    canvas = Canvas(2 * LEFT + 3 * WIDE + 2 * GAP, TOP + 3 * TALL + 62)
    for number, table in enumerate(shown):
        draw_table(canvas, LEFT + number * (WIDE + GAP), table)
    words = [(_("called"), way(shown, trace)), (_("first PTE"), first_pte(vma))]
    for number, (what, line) in enumerate(words):
        y = TOP + 3 * TALL + 26 + 20 * number
        canvas.text(LEFT, y, what, size=SMALL, color=MUTED, anchor="start")
        canvas.text(LEFT + 66, y, line, bold=True, anchor="start", room=3 * WIDE)
    told = [*map(str, shown), *(f"{what}: {line}" for what, line in words)]
    return canvas.diagram(_("Whom the kernel asks"), "\n".join(told))


def draw_table(canvas: Canvas, x: float, table: Table) -> None:
    """Draw one table of functions; what was called is lit."""
    look = KINDS[table.kind]
    canvas.text(x, 20, f"{look.marker} {table.pointer}", bold=True, color=look.text, anchor="start")
    canvas.text(x, 40, table.name, anchor="start", room=WIDE)
    if not table.slots:
        canvas.box(x, TOP, WIDE, TALL, kind=table.kind, look="hole")
    for number, slot in enumerate(table.slots):
        y = TOP + number * TALL
        canvas.box(x, y, WIDE, TALL, kind=table.kind, look="changed" if slot.times else "plain")
        canvas.text(x + 8, y + 20, slot.field, size=SMALL, color=MUTED, anchor="start")
        times = f"  ×{slot.times}" if slot.times else ""
        color = MUTED if slot.function == "NULL" else INK
        canvas.text(x + WIDE - 8, y + 20, slot.function + times, bold=bool(times), color=color, anchor="end")


# ── the controls ────────────────────────────────────────────────────────────────────────────────────────────


class KindLab(Lab):
    """A file, a way to map it, and a slider for how far the program has come. Keywords as in `KindSetting`.

    Without a live kernel it shows the picture of its setting.
    """

    def __init__(self, **setting: Any) -> None:
        first = KindSetting(**setting)
        wide, style = widgets.Layout(width="32em", max_width="100%"), {"description_width": "5em"}
        paths = {f"{kind}: {path}": path for path, kind in FILES.items()}
        self.controls = {
            "path": menu(_("file"), paths, first.path),
            "flags": menu("flags", {map_names(flags): flags for flags in (MAP_SHARED, MAP_PRIVATE)}, first.flags),
            "step": widgets.SelectionSlider(
                description=_("up to"), options=[(_(step), step) for step in STEPS], value=first.step, layout=wide,
                style=style,
            ),
        }  # fmt: skip
        observe(self.controls.values(), self._update)
        made = list(self.controls.values())
        super().__init__(row(*made[:2]), row(made[2]))

    @property
    def setting(self) -> KindSetting:
        """The controls' position."""
        return KindSetting(**{field.name: self.controls[field.name].value for field in fields(KindSetting)})

    def _run(self) -> Outcome:
        return run_kinds(self.setting)
