"""The surgery lab: a mapping of four pages, to be cut, protected, stretched and moved, call by call.

`run_surgery` is the whole experiment and depends on the setting alone. The picture shows the VMAs before and after the
last call, as in the merging lab, and beneath them which page of memory each of their pages is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..include.errors import MemoryFault
from ..include.mm_types import vma_pages
from ..include.mman import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    O_RDWR,
    PAGE_SHIFT,
    PAGE_SIZE,
    PROT_NONE,
    PROT_READ,
    map_names,
    prot_names,
)
from ..include.shm import IPC_PRIVATE
from ..machine import Kernel
from ..process import Process
from .controls import Moves, Outcome, button, menu, observe, refused, row, slider
from .diagram import Canvas, Diagram
from .merging import HOME, LEFT, PAGES, RW, WIDE, Box, apart, draw, here
from .style import MUTED, SMALL
from .walk import present
from .words import _, many

LONG = 4  # pages of the mapping to begin with
KINDS = {
    "memory": MAP_PRIVATE | MAP_ANONYMOUS, "memory, MAP_SHARED": MAP_SHARED | MAP_ANONYMOUS,
    "the book": MAP_PRIVATE, "the book, MAP_SHARED": MAP_SHARED, "System V": 0,
}  # fmt: skip
ACTS = {
    "store": "store", "munmap": "munmap", "read": "mprotect r--", "write": "mprotect rw-",
    "longer": "mremap + 1 page", "shorter": "mremap − 1 page", "move": "mremap to page …",
}  # fmt: skip

# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SurgerySetting:
    """One position of the controls. A move is "munmap 1 1" (from page 1 on, one page), or "move 1 1 6" (to page 6)."""

    kind: str = "memory"
    moves: tuple[str, ...] = ("munmap 1 1",)


def run_surgery(setting: SurgerySetting) -> Outcome:
    """Map four pages, then make all moves; the same setting gives the same outcome."""
    proc = Kernel().spawn("surgeon")
    calls, verdict = [lay(proc, setting.kind)], ""
    before = boxes(proc), frames(proc)
    for move in setting.moves:
        before = boxes(proc), frames(proc)
        call, verdict = make(proc, move)
        calls.append(call)
    after = boxes(proc), frames(proc)
    count = many("{n} VMA", "{n} VMAs", len(after[0])).format(n=len(after[0]))
    picture = draw(before[0], after[0], list(apart(proc)), _("VMAs before and after the last call"))
    words = f"{verdict or _('nothing done yet')}; {count}"
    return Outcome((("C", "\n".join(calls)),), words, (picture, draw_frames(before[1], after[1])))


def lay(proc: Process, kind: str) -> str:
    """Map four pages, and close the place behind the picture; give the call."""
    length, flags = LONG * PAGE_SIZE, KINDS[kind] | MAP_FIXED
    proc.mmap(HOME + PAGES * PAGE_SIZE, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    if kind == "System V":
        proc.shmat(proc.shmget(IPC_PRIVATE, length, 0o600), HOME)
        return f"shmat(shmget(IPC_PRIVATE, {length}, 0600), {HOME:#x}, 0);"
    fd = -1 if flags & MAP_ANONYMOUS else proc.open("/data/book.txt", O_RDWR)
    proc.mmap(HOME, length, RW, flags, fd)
    return f"mmap({HOME:#x}, {length}, {prot_names(RW)}, {map_names(flags)}, {fd}, 0);"


def make(proc: Process, move: str) -> tuple[str, str]:
    """Make a move; give the call as a C program has it, and what came of it."""
    act, page, count, *to = move.split()
    addr, length = HOME + int(page) * PAGE_SIZE, int(count) * PAGE_SIZE
    place = HOME + int(to[0]) * PAGE_SIZE if to else 0
    moving, size = MREMAP_MAYMOVE | MREMAP_FIXED, length + {"longer": PAGE_SIZE, "shorter": -PAGE_SIZE}.get(act, 0)
    calls: dict[str, tuple[str, Callable[[], int | None]]] = {
        "store": (f"memset({addr:#x}, 'x', {length});", partial(proc.store, addr, b"x" * length)),
        "munmap": (f"munmap({addr:#x}, {length});", partial(proc.munmap, addr, length)),
        "read": (f"mprotect({addr:#x}, {length}, PROT_READ);", partial(proc.mprotect, addr, length, PROT_READ)),
        "write": (f"mprotect({addr:#x}, {length}, {prot_names(RW)});", partial(proc.mprotect, addr, length, RW)),
        "longer": (f"mremap({addr:#x}, {length}, {size}, 0);", partial(proc.mremap, addr, length, size)),
        "shorter": (f"mremap({addr:#x}, {length}, {size}, 0);", partial(proc.mremap, addr, length, size)),
        "move": (f"mremap({addr:#x}, {length}, {length}, MREMAP_MAYMOVE|MREMAP_FIXED, {place:#x});",
                 partial(proc.mremap, addr, length, length, moving, place)),
    }  # fmt: skip
    call, act_on = calls[act]
    try:
        given = act_on()
        return call, f"→ {given:#x}" if given is not None else _("→ done")
    except MemoryFault as fault:
        return call, f"→ {fault.signal} ({fault.si_name}): {fault.reason}"
    except OSError as error:
        return call, refused(error)


def boxes(proc: Process) -> list[Box]:
    """Take down the VMAs as they are now; the vm_pgoff of memory by its last two digits, so that it fits."""
    found = []
    for vma in here(proc):
        what, pgoff = ("", f"…{vma.vm_pgoff & 0xFF:02x}")
        if vma.vm_file:
            what, pgoff = f" {vma.vm_file.name}", f"{vma.vm_pgoff}"
        page = (vma.vm_start - HOME) >> PAGE_SHIFT
        found.append(Box(vma.name, page, vma_pages(vma), vma.perms + what, f"vm_pgoff {pgoff}"))
    return found


def frames(proc: Process) -> dict[int, str]:
    """Take down which page of memory is behind each page of the picture."""
    found = {}
    for vma in here(proc):
        for entry in present(vma):
            found[(entry.address - HOME) >> PAGE_SHIFT] = entry.page.name if entry.page else _("zero page")
    return found


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────


def draw_frames(before: dict[int, str], after: dict[int, str]) -> Diagram:
    """Draw the page table before and after, to the scale of the VMAs; what changed is lit."""
    canvas = Canvas(2 * LEFT + PAGES * WIDE, 112)
    words = []
    for y, title, found in ((24, _("page table before"), before), (76, _("after"), after)):
        canvas.text(LEFT, y - 8, title, bold=True, color=MUTED, size=SMALL, anchor="start")
        for page in range(PAGES):
            changed = found is after and before.get(page) != after.get(page)
            look = "changed" if changed else "present" if page in found else "hole"
            name = found.get(page, _("none") if changed else "")
            canvas.box(LEFT + page * WIDE, y, WIDE, 26, name, kind="page", look=look)
        told = ", ".join(f"{page} = {name}" for page, name in sorted(found.items())) or _("none")
        words.append(f"{title}: {told}")
    return canvas.diagram(_("The page table before and after the last call"), "\n".join(words))


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class SurgeryLab(Moves):
    """Cut, protect, stretch and move a mapping of four pages. Keywords as in `SurgerySetting`.

    Without a live kernel it shows what came of its moves.
    """

    def __init__(self, kind: str = "memory", moves: Sequence[str] = ("munmap 1 1",)) -> None:
        self.kind = menu(_("mapping"), {_(name): name for name in KINDS}, kind)
        self.page = slider(_("from page"), 1, PAGES - 1, 1)
        self.count = slider(_("pages"), 1, LONG, 1, low=1)
        self.to = slider(_("to page …"), 6, PAGES - 1, 1)
        self.acts = [button(_(words), _("make this call"), partial(self.act, act)) for act, words in ACTS.items()]
        observe((self.kind,), self._update)
        super().__init__(moves, row(self.kind, self.page, self.count, self.to), row(*self.acts).add_class("mm-strip"))

    def act(self, act: str) -> None:
        """Make a call with the chosen pages, as far as the picture goes."""
        page, to = self.page.value, self.to.value if act == "move" else 0
        count = min(self.count.value, PAGES - page, PAGES - to)
        self.move(f"{act} {page} {count}" + (f" {to}" if act == "move" else ""))

    @property
    def setting(self) -> SurgerySetting:
        """The controls' position."""
        return SurgerySetting(self.kind.value, self.made)

    def _run(self) -> Outcome:
        """Make all moves anew."""
        return run_surgery(self.setting)
