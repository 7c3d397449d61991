"""The mmap lab: choose the arguments of one mmap call, and see what the kernel makes of it.

`run` is the whole experiment: a machine is booted, a file opened, mmap called, one byte touched. It depends on the
setting alone, so the same sliders always show the same picture. `MmapLab` puts sliders and menus before it.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, fields
from typing import Any

import ipywidgets as widgets

from ..fs.ramfs import simple_evict_inode, simple_write_begin, simple_write_end
from ..include.errors import MemoryFault
from ..include.fs import address_space_operations, file_operations, file_system_type
from ..include.mman import (
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    map_names,
    prot_names,
)
from ..machine import Kernel, book_text
from ..mm.filemap import generic_file_mmap, generic_file_read_iter, generic_perform_write
from ..process import Process
from .diagram import Diagram, stack
from .objects import object_graph
from .offsets import offset_strip
from .refusal import refusal
from .render import RendererMissing
from .words import _

# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────

barefs = file_system_type(
    "barefs",  # a file system that forgot readpage: generic_file_mmap refuses its files
    file_operations("bare_file_operations", generic_file_read_iter, generic_perform_write, generic_file_mmap),
    address_space_operations("bare_aops", write_begin=simple_write_begin, write_end=simple_write_end),
    simple_evict_inode,
)

FILES = {
    "ext4": "/data/book.txt",
    "ramfs": "/ram/book.txt",
    "tmpfs": "/dev/shm/book.txt",
    "block device": "/dev/vda",
    "/proc": "/proc/self/maps",
    "no readpage": "/bare/book.txt",
}
MODES = {"O_RDONLY": O_RDONLY, "O_RDWR": O_RDWR, "O_WRONLY": O_WRONLY}
PROTS = [PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC]
TYPES = [MAP_SHARED, MAP_PRIVATE, 0]
ACCESSES = ["nothing", "load first page", "store first page", "load last page", "store last page"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One position of the lab's controls; `offset` and `length` in bytes."""

    file: str = "ext4"
    mode: str = "O_RDWR"
    prot: int = PROT_READ
    flags: int = MAP_SHARED
    offset: int = PAGE_SIZE
    length: int = 2 * PAGE_SIZE
    access: str = "load first page"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the calls as the program wrote them, what they gave, and the pictures."""

    calls: str
    verdict: str
    pictures: tuple[Diagram, ...]

    @property
    def text(self) -> str:
        """All of it in words."""
        return "\n\n".join([f"{self.calls}\n{self.verdict}", *(picture.text for picture in self.pictures)])


def run(setting: Setting) -> Outcome:
    """Boot a machine, make the call, touch the page; the same setting gives the same outcome."""
    kernel, proc = boot()
    fd = proc.open(FILES[setting.file], MODES[setting.mode])
    calls = spell(setting, fd)
    with kernel.trace() as trace:
        try:
            addr = proc.mmap(0, setting.length, setting.prot, setting.flags, fd, setting.offset)
        except OSError as error:
            return Outcome(calls, f"→ {type(error).__name__}: {error.strerror}", (refusal(error, trace),))
        verdict = f"→ {addr:#x}" + touch(proc, addr, setting)
    return Outcome(calls, verdict, (offset_strip(proc, addr), object_graph(proc, addr, trace)))


def boot() -> tuple[Kernel, Process]:
    """Boot a machine with the book in each file system, and start the program that wrote it there."""
    kernel = Kernel()
    kernel.mount("/bare", barefs)
    proc = kernel.spawn("reader")
    for path in ("/ram/book.txt", "/dev/shm/book.txt", "/bare/book.txt"):
        fd = proc.open(path, O_CREAT | O_WRONLY)
        proc.write(fd, book_text())
        proc.close(fd)
    return kernel, proc


def touch(proc: Process, addr: int, setting: Setting) -> str:
    """Make the access that the setting asks for; say what came of it."""
    if setting.access == "nothing":
        return _(", and no page is touched")
    what, which, _page = setting.access.split()
    target = addr if which == "first" else addr + (setting.length - 1) // PAGE_SIZE * PAGE_SIZE
    before = proc.getrusage()
    try:
        done = f"{proc.load(target, 5)!r}" if what == "load" else store(proc, target)
    except MemoryFault as fault:
        return f"\n{what} at {target:#x} → {fault.signal} ({fault.si_name}): {fault.reason}"
    after = proc.getrusage()
    faults = f"{after.ru_minflt - before.ru_minflt} minor, {after.ru_majflt - before.ru_majflt} major page faults"
    return f"\n{what} at {target:#x} → {done}: {faults}"


def store(proc: Process, address: int) -> str:
    """Store five bytes."""
    proc.store(address, b"HELLO")
    return "b'HELLO'"


def spell(setting: Setting, fd: int) -> str:
    """Spell the calls as a C program has them."""
    flags = map_names(setting.flags)
    return (
        f'fd = open("{FILES[setting.file]}", {setting.mode});  /* {fd} */\n'
        f"addr = mmap(NULL, {setting.length}, {prot_names(setting.prot)}, {flags}, fd, {setting.offset});"
    )


# ── the controls ────────────────────────────────────────────────────────────────────────────────────────────


def menu(label: str, options: Any, value: Any) -> widgets.Dropdown:
    """Make a drop-down menu."""
    wide, style = widgets.Layout(width="21em"), {"description_width": "5em"}
    return widgets.Dropdown(description=label, options=options, value=value, layout=wide, style=style)


def slider(label: str, value: int, top: int, step: int) -> widgets.IntSlider:
    """Make a slider from 0 to `top` bytes."""
    wide = widgets.Layout(width="32em", max_width="100%")
    style = {"description_width": "8em"}
    return widgets.IntSlider(description=label, value=value, min=0, max=top, step=step, layout=wide, style=style)


class MmapLab(widgets.VBox):
    """Sliders and menus for one mmap call, and what the kernel makes of it. Keywords as in `Setting`.

    Without a live kernel (a saved notebook, a printed page, GitHub) it shows the picture of its setting.
    """

    def __init__(self, **setting: Any) -> None:
        first = Setting(**setting)
        self.controls = {
            "file": menu(_("file"), {f"{kind}: {path}": kind for kind, path in FILES.items()}, first.file),
            "mode": menu(_("open"), list(MODES), first.mode),
            "prot": menu("prot", {prot_names(prot): prot for prot in PROTS}, first.prot),
            "flags": menu("flags", {map_names(flags): flags for flags in TYPES}, first.flags),
            "access": menu(_("then"), {_(access): access for access in ACCESSES}, first.access),
            "offset": slider(_("offset (bytes)"), first.offset, 7 * PAGE_SIZE, PAGE_SIZE),
            "length": slider(_("length (bytes)"), first.length, 6 * PAGE_SIZE, PAGE_SIZE // 4),
        }
        self.view = widgets.HTML()
        for control in self.controls.values():
            control.observe(self._update, "value")
        menus = widgets.HBox([self.controls[n] for n in ("file", "mode", "prot", "flags", "access")])
        menus.layout.flex_flow = "row wrap"
        sliders = widgets.HBox([self.controls["offset"], self.controls["length"]])
        sliders.layout.flex_flow = "row wrap"
        super().__init__([sliders, menus, self.view])
        self._update()

    @property
    def setting(self) -> Setting:
        """The controls' position."""
        return Setting(**{field.name: self.controls[field.name].value for field in fields(Setting)})

    def _update(self, _change: Any = None) -> None:
        """Run the experiment anew and show its outcome."""
        self.outcome = run(self.setting)
        words = html.escape(f"{self.outcome.calls}\n{self.outcome.verdict}")
        pictures = "".join(f"<div>{picture.html()}</div>" for picture in self.outcome.pictures)
        style = "white-space:pre-wrap;line-height:1.4;margin:.5em 0"
        self.view.value = f'<pre role="status" style="{style}">{words}</pre>{pictures}'

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Give the widget, and for readers without one the picture and its twin."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)
        bundle["text/plain"] = self.outcome.text
        try:
            bundle["image/svg+xml"] = stack(self.outcome.verdict.split("\n")[0], *self.outcome.pictures).svg
        except RendererMissing as missing:
            bundle["text/plain"] += f"\n\n{missing}"
        return bundle
