"""Before and after: a moment is all that the pictures show, as plain values; a difference is what changed between two.

>>> from mmlab import Kernel, MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE
>>> proc = Kernel().spawn("reader")
>>> addr = proc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
>>> before = moment(proc)
>>> proc.store(addr, b"x")
>>> print(*(change for change in changes(before, moment(proc)) if change.kind != "meminfo"), sep="\\n")
/proc/vmstat pgfault: 41 → 42 (+1)
reader[1] task:reader min_flt: 23 → 24 (+1)
reader[1] mm:reader MM_ANONPAGES: 6 → 7 (+1)
reader[1] PTE 7ffff7de7000: new: page#442 rw- AD
page#442: new: anonymous memory, mapcount 1, _count 1, uptodate|anon_exclusive|swapbacked
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..check import files_of
from ..fs.proc import meminfo
from ..include.fs import address_space
from ..include.mm_types import PG_NAMES, page, page_mapcount, vm_area_struct, vma_pages
from ..include.mman import PAGE_SIZE, flag_names
from ..include.mmzone import PGFAULT, PGMAJFAULT, machine
from ..include.sched import task_struct
from ..machine import Kernel
from ..process import Process
from ..trace import show_pte
from .diagram import Canvas, Diagram
from .ledger import file_names
from .style import CHANGED, CHANGED_TEXT, DANGER, DANGER_TEXT, DANGER_TINT, INK, KINDS, MUTED, RULE, SMALL
from .walk import present, shows, task_name, vmas
from .words import _, many

# ── a moment ────────────────────────────────────────────────────────────────────────────────────────────────


class Thing(NamedTuple):
    """One object, or one line of a report, at a moment: its kind, its name, its fields."""

    kind: str
    owner: str
    name: str
    fields: tuple[tuple[str, int | str], ...]


@dataclass(frozen=True)
class Moment:
    """What the machine held: values only, so it stays as it is when the machine goes on."""

    things: tuple[Thing, ...]


def moment(of: Kernel | Process) -> Moment:
    """Take down what the machine holds now; of a process, what it and the machine's pages are."""
    machine = of.machine if isinstance(of, Kernel) else of.current.machine
    tasks = list(machine.tasks.values()) if isinstance(of, Kernel) else [of.current]
    things = [Thing("meminfo", "", "/proc/meminfo", tuple(meminfo(machine).items()))]
    events = tuple((name, machine.vm_stat[name]) for name in (PGFAULT, PGMAJFAULT))
    things.append(Thing("vmstat", "", "/proc/vmstat", events))
    for task in tasks:
        things += process_things(task)
    return Moment((*things, *file_things(machine), *page_things(machine)))


def process_things(task: task_struct) -> Iterator[Thing]:
    """Take down a process: its counters, its VMAs, its PTEs."""
    owner, mm = task_name(task), task.mm
    yield Thing("task_struct", owner, f"task:{task.comm}", (("min_flt", task.min_flt), ("maj_flt", task.maj_flt)))
    counts = (
        ("map_count", mm.map_count),
        ("total_vm", mm.total_vm),
        ("locked_vm", mm.locked_vm),
        ("nr_ptes", mm.nr_ptes),
    )
    yield Thing("mm_struct", owner, mm.name, (*counts, ("brk", f"{mm.brk:x}"), *mm.rss_stat.items()))
    for vma in vmas(mm):
        yield Thing("vm_area_struct", owner, vma.name, vma_fields(vma))
        for entry in present(vma):
            yield Thing("page table", owner, f"{entry.address:x}", (("PTE", show_pte(entry.pte)),))


def vma_fields(vma: vm_area_struct) -> tuple[tuple[str, int | str], ...]:
    """Give what is to be seen of a VMA."""
    pages = many("{n} page", "{n} pages", vma_pages(vma)).format(n=vma_pages(vma))
    return (
        ("span", f"{vma.vm_start:x}–{vma.vm_end:x}"),
        ("size", pages),
        ("perms", vma.perms),
        ("of", shows(vma, vma.vm_start)),
    )


def file_things(machine: machine) -> Iterator[Thing]:
    """Take down the files that are open, mapped, or in memory."""
    names = file_names(machine)
    mappings = {frame.mapping: None for frame in machine.mem_map if isinstance(frame.mapping, address_space)}
    mappings.update((file.f_mapping, None) for file in files_of(machine))
    for mapping in sorted(mappings, key=lambda mapping: names[mapping]):
        counts = ("nrpages", mapping.nrpages), ("i_mmap", len(mapping.i_mmap)), ("i_size", mapping.host.i_size)
        yield Thing("address_space", "", names[mapping], counts)


def page_things(machine: machine) -> Iterator[Thing]:
    """Take down the frames in use."""
    for frame in machine.mem_map[1:]:
        if frame._count:
            flags = flag_names(frame.flags, PG_NAMES)
            counts = ("mapcount", page_mapcount(frame)), ("_count", frame._count), ("flags", flags)
            yield Thing("page", "", frame.name, (("holds", holds(frame)), *counts))


def holds(frame: page) -> str:
    """Say what is in a frame."""
    if isinstance(frame.mapping, address_space):
        return _("page {n} of {file}").format(n=frame.index, file=frame.mapping.host.label)
    return _("anonymous memory")


# ── what changed ────────────────────────────────────────────────────────────────────────────────────────────

LINES = (
    "meminfo",
    "vmstat",
    "task_struct",
    "mm_struct",
    "vm_area_struct",
    "address_space",
)  # each of their fields changes for itself
BARE = "holds", "flags", "span", "PTE"  # fields that need no name
NONE = Thing("", "", "", ())
ORDER = "meminfo", "vmstat", "task_struct", "mm_struct", "vm_area_struct", "page table", "address_space", "page"


class Delta(NamedTuple):
    """One change of a thing, or of one of its fields: "old → new", "new: …" or "gone: …"."""

    kind: str
    owner: str
    name: str
    field: str
    words: str

    @property
    def label(self) -> str:
        """Name the thing."""
        return f"PTE {self.name}" if self.kind == "page table" else self.name

    def __str__(self) -> str:
        return " ".join(word for word in (self.owner, self.label, self.field) if word) + f": {self.words}"


def changes(before: Moment, after: Moment) -> list[Delta]:
    """List what changed from one moment to another, kind by kind; neighbours that changed alike are one change."""
    old, new = ({thing[:3]: thing for thing in one.things} for one in (before, after))
    found = [delta for key in sorted({**old, **new}, key=rank) for delta in deltas(old.get(key), new.get(key))]
    runs: list[list[Delta]] = []
    for delta in found:
        if runs and alike(runs[-1][0], delta, len(runs[-1])):
            runs[-1].append(delta)
        else:
            runs.append([delta])
    return [merged(run[0], run[-1]) for run in runs]


def rank(key: tuple[str, str, str]) -> tuple[int, str, int, str]:
    """Sort by kind, process and number."""
    kind, owner, name = key
    number = name if kind == "page table" else name.partition("#")[2]
    return ORDER.index(kind), owner, int(number or "0", 16 if kind == "page table" else 10), name


def deltas(old: Thing | None, new: Thing | None) -> Iterator[Delta]:
    """Compare one thing with what it became: counters line by line, all else in one line."""
    if old is None or new is None:
        words = (
            _("new: {what}").format(what=summary(new)) if new else _("gone: {what}").format(what=summary(old or NONE))
        )
        yield Delta(*(new or old or NONE)[:3], "", words)
        return
    pairs = zip(old.fields, new.fields, strict=True)
    unit = " kB" if new.kind == "meminfo" else ""
    found = {field: became(field, a, b, unit) for (field, a), (_field, b) in pairs if a != b}
    if new.kind in LINES:
        yield from (Delta(*new[:3], field, words) for field, words in found.items())
    elif found:
        told = (words if field in BARE else f"{field} {words}" for field, words in found.items())
        yield Delta(*new[:3], "", ", ".join(told))


def became(field: str, old: int | str, new: int | str, unit: str) -> str:
    """Say what a field was and is: of numbers also the difference, of flags only that."""
    if field == "flags":
        was, now = str(old).split("|"), str(new).split("|")
        return " ".join(
            [f"+{flag}" for flag in now if flag not in was] + [f"−{flag}" for flag in was if flag not in now]
        )
    more = f"{unit} ({new - old:+})" if isinstance(old, int) and isinstance(new, int) else ""
    return f"{old} → {new}{more}"


def summary(thing: Thing) -> str:
    """Say a whole thing in a line."""
    bare = thing.kind in ("vm_area_struct", "page table")
    return ", ".join(str(value) if bare or name in BARE else f"{name} {value}" for name, value in thing.fields)


NUMBER = re.compile(r"(\d+)")


def alike(first: Delta, delta: Delta, step: int) -> bool:
    """Tell whether a page or PTE changed as the one `step` places before it: each number the same, or `step` more."""
    if first.kind not in ("page", "page table") or first[:2] != delta[:2]:
        return False
    texts = [one.words if one.kind == "page table" else f"{one.name} {one.words}" for one in (first, delta)]
    if first.kind == "page table" and int(delta.name, 16) != int(first.name, 16) + step * PAGE_SIZE:
        return False
    one, other = (NUMBER.split(text) for text in texts)
    return len(one) == len(other) and all(
        a == b or (i % 2 == 1 and int(b) == int(a) + step) for i, (a, b) in enumerate(zip(one, other, strict=True))
    )


def merged(first: Delta, last: Delta) -> Delta:
    """Say a run of changes as one."""
    if first == last:
        return first
    name = f"{first.name}–{last.name}" if first.kind == "page table" else spread(first.name, last.name)
    return first._replace(name=name, words=spread(first.words, last.words))


def spread(first: str, last: str) -> str:
    """Say two texts that differ in numbers as one.

    >>> spread("page#3 r--", "page#9 r--")
    'page#3–9 r--'
    """
    pairs = zip(NUMBER.split(first), NUMBER.split(last), strict=True)
    return "".join(a if a == b else f"{a}–{b}" for a, b in pairs)


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────

WIDTH, TOP, LINE, SHOWN = 880, 44, 24, 80  # px; and so many changes are drawn, the others counted
LOOK = {"meminfo": "ops", "vmstat": "ops"}


def difference(before: Moment, after: Moment) -> Diagram:
    """Draw what changed between two moments: old → new, new things, and things that are gone."""
    found = changes(before, after)
    rows = found[:SHOWN]
    canvas = Canvas(WIDTH, TOP + LINE * max(len(rows) + (len(found) > SHOWN), 1) + 40)
    canvas.text(16, 26, _("What changed"), bold=True, size=14, anchor="start")
    for i, delta in enumerate(rows):
        draw_delta(canvas, TOP + LINE * i, delta, i > 0 and rows[i - 1].kind == delta.kind)
    if len(found) != len(rows):
        more = many("… and {n} more change", "… and {n} more changes", len(found) - SHOWN).format(n=len(found) - SHOWN)
        canvas.text(22, TOP + LINE * SHOWN + 16, more, color=MUTED, anchor="start")
    if not found:
        canvas.text(16, TOP + 16, _("nothing"), color=MUTED, anchor="start")
    canvas.key(16, canvas.height - 12, ("ops", "changed", _("old → new, or new")), ("ops", "danger", _("gone")))
    return canvas.diagram(_("What changed"), "\n".join(map(str, found)) or _("nothing changed"))


def draw_delta(canvas: Canvas, y: float, delta: Delta, goes_on: bool) -> None:
    """Draw one change."""
    look = KINDS[LOOK.get(delta.kind, delta.kind)]
    gone = delta.words.startswith(_("gone: {what}").partition("{")[0])
    canvas.line(12, y, WIDTH - 12, y, stroke=RULE if goes_on else MUTED, stroke_width=0.5 if goes_on else 1)
    canvas.rect(12, y + 1, 4, LINE - 2, fill=look.border)
    name = f"{look.marker} {delta.label}"
    canvas.text(22, y + 16, name, size=SMALL, bold=True, color=look.text, anchor="start", room=250)
    canvas.text(278, y + 16, delta.owner, size=SMALL, color=MUTED, anchor="start", room=70)
    x = 456 if delta.field else 352
    canvas.text(352, y + 16, delta.field, size=SMALL, anchor="start", room=110)
    fill, edge, color = (DANGER_TINT, DANGER, DANGER_TEXT) if gone else (CHANGED, CHANGED_TEXT, INK)
    canvas.rect(
        x,
        y + 3,
        WIDTH - 12 - x,
        LINE - 6,
        fill=fill,
        stroke=edge,
        stroke_width=0.5,
        stroke_dasharray="4 3" if gone else None,
    )
    canvas.text(
        x + 8,
        y + 16,
        delta.words,
        size=SMALL,
        bold=bool(delta.field),
        color=color,
        anchor="start",
        room=(WIDTH - 28 - x) * 1.06,
    )
