"""The find_vma lab: slide an address over the address space; see which VMA find_vma gives, and how an access ends."""

from __future__ import annotations

import ipywidgets as widgets

from ..include.errors import MemoryFault
from ..include.mm import TASK_SIZE
from ..include.mman import MAP_ANONYMOUS, MAP_PRIVATE, PAGE_SIZE, PROT_NONE, PROT_READ
from ..machine import Kernel
from ..process import Process
from .controls import Lab, Outcome, menu, observe, remembered
from .space import parts_of
from .tree import found, search, vma_tree
from .words import _


def boot(more: int) -> Process:
    """Start a program with a page that nobody may touch, and `more` that it may only read: each is a VMA."""
    proc = Kernel().spawn("cat")
    for n in range(more + 1):
        two = proc.mmap(0, 2 * PAGE_SIZE, PROT_READ if n else PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS)
        proc.munmap(two + PAGE_SIZE, PAGE_SIZE)
    return proc


def ends(proc: Process) -> list[int]:
    """Give the first and the last address of each VMA and of each hole."""
    return [addr for part in parts_of(proc, 0, TASK_SIZE) for addr in (part.start, part.end - 1)]


def touch(proc: Process, addr: int, access: str) -> str:
    """Load a byte, or store one."""
    if access == "load":
        return repr(proc.load(addr))
    proc.store(addr, b"!")
    return _("done")


@remembered
def look(addr: int, access: str = "load", more: int = 0) -> Outcome:
    """Boot a machine, search for `addr` (bytes), then make the access; the same arguments give the same outcome."""
    proc = boot(more)
    mm = proc.current.mm
    stack, picture = mm.stack_vm, vma_tree(proc, addr)
    words = _("find_vma(mm, {addr:x}) = {found}; it looked at {n} of {all} VMAs")
    searched = words.format(addr=addr, found=found(mm, addr), n=len(search(mm, addr)), all=mm.map_count)
    try:
        ended = touch(proc, addr, access)
    except MemoryFault as fault:
        ended = f"{fault.signal} ({fault.si_name}): {fault.reason}"
    grown = _(", and the stack has grown down to this page") if mm.stack_vm > stack else ""
    return Outcome((), f"{searched}\n{access} → {ended}{grown}", (picture,))


class FindVmaLab(Lab):
    """A slider over the ends of all VMAs and holes, from address `addr` on; `more` VMAs make the tree grow."""

    def __init__(self, addr: int = 0, access: str = "load", more: int = 0) -> None:
        wide, style = widgets.Layout(width="40em", max_width="100%"), {"description_width": "5em"}
        options = [(f"{end:x}", end) for end in ends(boot(more))]
        self.addr = widgets.SelectionSlider(description="addr", options=options, value=addr, layout=wide, style=style)
        self.access, self.more = menu(_("access"), ["load", "store"], access), more
        observe((self.addr, self.access), self._update)
        super().__init__(self.addr, self.access)

    def _run(self) -> Outcome:
        """Search and touch."""
        return look(self.addr.value, self.access.value, self.more)
