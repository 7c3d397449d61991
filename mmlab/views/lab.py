"""The mmap lab: choose the arguments of one mmap call, and see what the kernel makes of it.

`run` is the whole experiment: a machine is booted, a file opened, mmap called, one byte touched. It depends on the
setting alone, so the same sliders always show the same picture. `MmapLab` puts sliders and menus before it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import ipywidgets as widgets

from ..fs.libfs import simple_write_begin, simple_write_end
from ..fs.ramfs import simple_evict_inode
from ..include.errors import MemoryFault
from ..include.fs import address_space_operations, file_operations, file_system_type
from ..include.mman import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_POPULATE,
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
from .controls import Lab, Outcome, menu, observe, refused, remembered, row, slider
from .mappings import page_tables
from .objects import object_graph
from .offsets import offset_strip
from .refusal import refusal
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
BESIDE = 0x10003000  # two pages there are mapped already when the program asks for an address
ADDRESSES = [0, 0x1000, *(BESIDE + n * PAGE_SIZE for n in range(-3, 4)), BESIDE + 0x800, 0x7FFFFFFFE000, 1 << 47]
EXTRA = {"fixed": MAP_FIXED, "anonymous": MAP_ANONYMOUS, "populate": MAP_POPULATE}


@dataclass(frozen=True, slots=True)
class Setting:
    """One position of the lab's controls; `address`, `offset` and `length` in bytes."""

    file: str = "ext4"
    mode: str = "O_RDWR"
    prot: int = PROT_READ
    flags: int = MAP_SHARED
    offset: int = PAGE_SIZE
    length: int = 2 * PAGE_SIZE
    access: str = "load first page"
    address: int = 0
    fixed: bool = False
    anonymous: bool = False
    populate: bool = False

    @property
    def all_flags(self) -> int:
        """The flags as mmap takes them."""
        return self.flags | sum(flag for name, flag in EXTRA.items() if getattr(self, name))


@remembered
def run(setting: Setting) -> Outcome:
    """Boot a machine, make the call, touch the page; the same setting gives the same outcome."""
    kernel, proc = boot()
    fd = -1 if setting.anonymous else proc.open(FILES[setting.file], MODES[setting.mode])
    if setting.address:
        proc.mmap(BESIDE, 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    calls = ("C", spell_c(setting, fd)), ("Python", spell_python(setting, fd))
    with kernel.trace() as trace:
        try:
            flags = setting.all_flags
            addr = proc.mmap(setting.address, setting.length, setting.prot, flags, fd, setting.offset)
        except OSError as error:
            return Outcome(calls, refused(error), (refusal(error, trace),))
        verdict = f"→ {addr:#x}" + placed(setting, addr) + touch(proc, addr, setting)
    strip = page_tables(proc, addr) if no_file(setting) else offset_strip(proc, addr)
    return Outcome(calls, verdict, (strip, object_graph(proc, addr, trace)))


def no_file(setting: Setting) -> bool:
    """Say whether there is no file behind the mapping: shared anonymous memory has one."""
    return setting.anonymous and setting.flags == MAP_PRIVATE


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


def placed(setting: Setting, addr: int) -> str:
    """Say what became of the address that was asked for."""
    if not setting.address:
        return ""
    end = addr + setting.length
    if setting.fixed and addr < BESIDE + 2 * PAGE_SIZE and end > BESIDE:
        return _(", and what was mapped there is no more")
    return "" if addr == setting.address else _(", not where it was asked for: the address is only a hint")


def spell_c(setting: Setting, fd: int) -> str:
    """Spell the calls as a C program has them."""
    flags, prot = map_names(setting.all_flags), prot_names(setting.prot)
    address = f"(void *) {setting.address:#x}" if setting.address else "NULL"
    rest = "-1" if setting.anonymous else "fd"
    lines = [f"addr = mmap({address}, {setting.length}, {prot}, {flags}, {rest}, {setting.offset});"]
    if not setting.anonymous:
        lines.insert(0, f'fd = open("{FILES[setting.file]}", {setting.mode});  /* {fd} */')
    if setting.address:
        lines.insert(0, "/* " + _("at {address:#x} two pages are mapped already").format(address=BESIDE) + " */")
    return "\n".join(lines)


def spell_python(setting: Setting, fd: int) -> str:
    """Spell the calls as a lesson has them."""
    flags, prot = map_names(setting.all_flags), prot_names(setting.prot)
    address = f"{setting.address:#x}" if setting.address else "0"
    rest = "-1" if setting.anonymous else "fd"
    lines = [f"addr = proc.mmap({address}, {setting.length}, {prot}, {flags}, {rest}, {setting.offset})"]
    if not setting.anonymous:
        lines.insert(0, f'fd = proc.open("{FILES[setting.file]}", {setting.mode})  # {fd}')
    if setting.address:
        lines.insert(0, "# " + _("at {address:#x} two pages are mapped already").format(address=BESIDE))
    return "\n".join(lines)


# ── the controls ────────────────────────────────────────────────────────────────────────────────────────────


def address_slider(value: int) -> widgets.SelectionSlider:
    """Make a slider over the addresses that a program may ask for."""
    names = [(f"{address:#x}" if address else "NULL", address) for address in ADDRESSES]
    wide, style = widgets.Layout(width="32em", max_width="100%"), {"description_width": "8em"}
    return widgets.SelectionSlider(description=_("address"), options=names, value=value, layout=wide, style=style)


def box(label: str, value: bool) -> widgets.Checkbox:
    """Make a box to tick."""
    return widgets.Checkbox(description=label, value=value, indent=False, layout=widgets.Layout(width="auto"))


class MmapLab(Lab):
    """Sliders and menus for one mmap call, and what the kernel makes of it. Keywords as in `Setting`.

    Without a live kernel (a saved notebook, a printed page, GitHub) it shows the picture of its setting.
    """

    def __init__(self, **setting: Any) -> None:
        first = Setting(**setting)
        self.controls = {
            "offset": slider(_("offset (bytes)"), first.offset, 7 * PAGE_SIZE, PAGE_SIZE),
            "length": slider(_("length (bytes)"), first.length, 6 * PAGE_SIZE, PAGE_SIZE // 4),
            "address": address_slider(first.address),
            "fixed": box("MAP_FIXED", first.fixed),
            "anonymous": box("MAP_ANONYMOUS", first.anonymous),
            "populate": box("MAP_POPULATE", first.populate),
            "file": menu(_("file"), {f"{kind}: {path}": kind for kind, path in FILES.items()}, first.file),
            "mode": menu(_("open"), list(MODES), first.mode),
            "prot": menu("prot", {prot_names(prot): prot for prot in PROTS}, first.prot),
            "flags": menu("flags", {map_names(flags): flags for flags in TYPES}, first.flags),
            "access": menu(_("then"), {_(access): access for access in ACCESSES}, first.access),
        }
        observe(self.controls.values(), self._update)
        made = list(self.controls.values())
        ticks = row(*made[3:6])
        super().__init__(row(*made[:3], ticks), row(*made[6:]))

    @property
    def setting(self) -> Setting:
        """The controls' position."""
        return Setting(**{field.name: self.controls[field.name].value for field in fields(Setting)})

    def _run(self) -> Outcome:
        return run(self.setting)
