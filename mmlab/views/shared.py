"""The two kinds of shared memory, side by side: a file that has a name, and one that the kernel makes for the purpose.

The second kind has many faces (MAP_SHARED|MAP_ANONYMOUS, /dev/zero, memfd, System V), and one function behind them
all: shmem_file_setup, for mmap through shmem_zero_setup. Both kinds are one page cache that several page tables map.
"""

from __future__ import annotations

from ..fs.task_mmu import get_vma_name
from ..include.fs import address_space
from ..include.mm import VM_MAYSHARE
from ..mm.shmem import shmem_aops
from ..process import Process
from .diagram import Canvas, Diagram
from .ledger import COUNTERS
from .mappings import Layout, Mapping, draw, draw_key, height, mapping_of, tell
from .style import INK, KINDS, MUTED, RULE, SMALL
from .walk import vmas
from .words import _

WIDTH, TOP, TITLE, PAGES = 880, 54, 58, 6  # px: the picture; the two titles; a title of one file. Pages of a mapping
PANEL = {"left": 16.0, "vma": 58, "pte": 88, "gap": 24, "middle": 78, "short": True}
TITLES = (  # of each kind: what it is, which functions make it, how to get it
    (_("A file, by its name"), "do_mmap, f_op->mmap", _("map a file with MAP_SHARED")),
    (_("A nameless tmpfs file"), "shmem_zero_setup, shmem_file_setup", "mmap(MAP_SHARED|MAP_ANONYMOUS), fork"),
)
FACES = (  # how the name in /proc/PID/maps begins, and how a program gets such memory
    ("/dev/zero (deleted)", "mmap(MAP_SHARED|MAP_ANONYMOUS), fork"),
    ("/memfd:", "memfd_create, mmap(MAP_SHARED)"),
    ("/SYSV", "shmget, shmat"),
    ("", "open, mmap(MAP_SHARED)"),
)


def shared_memory(*procs: Process) -> Diagram:
    """Draw all that these processes map shared: files with a name at the left, those that the kernel made at the right.

    TypeError without a process.
    """
    if not procs:
        raise TypeError("shared_memory needs the processes to draw: shared_memory(parent, child)")
    kinds = grouped(procs)
    layouts = Layout(**PANEL), Layout(**{**PANEL, "left": WIDTH - 8 - Layout(**PANEL).width})  # type: ignore[arg-type]
    tall = max(sum(TITLE + 20 + height(one) for one in kind) for kind in kinds)
    canvas = Canvas(WIDTH, TOP + max(tall, 40) + 40)
    text = []
    for layout, (title, calls, wanted), kind in zip(layouts, TITLES, kinds, strict=True):
        canvas.text(layout.left, 22, title, bold=True, size=14, anchor="start", room=layout.width)
        canvas.text(layout.left, 40, calls, size=SMALL, color=MUTED, anchor="start", room=layout.width)
        text += [f"{title}: {calls}", *(f"{describe(one)}\n{tell(one)}" for one in kind)]
        if not kind:
            text.append(_("none yet: {how}").format(how=wanted))
            canvas.text(layout.left, TOP + 24, text[-1], color=MUTED, anchor="start")
        y = float(TOP)
        for one in kind:
            draw_group(canvas, layout, y, one)
            y += TITLE + 20 + height(one)
    draw_key(canvas, 16, canvas.height - 14)
    return canvas.diagram(_("The two kinds of shared memory"), "\n".join(text))


def grouped(procs: tuple[Process, ...]) -> tuple[list[list[Mapping]], list[list[Mapping]]]:
    """Collect the shared mappings, file by file: of files with a name, and of the kernel's own."""
    found: dict[address_space, list[Mapping]] = {}
    for proc in procs:
        for vma in vmas(proc.current.mm):
            if vma.vm_file and vma.vm_flags & VM_MAYSHARE:
                found.setdefault(vma.vm_file.f_mapping, []).append(mapping_of(proc, vma, shown=PAGES))
    nameless = {mapping: mapping.host.i_sb is mapping.host.i_sb.machine.shm_mnt for mapping in found}
    return [found[m] for m in found if not nameless[m]], [found[m] for m in found if nameless[m]]


def describe(group: list[Mapping]) -> str:
    """Say what a file is, how a program gets it, and where its pages count."""
    return "; ".join(described(group))


def described(group: list[Mapping]) -> tuple[str, str, str]:
    """Say it in three lines."""
    vma = group[0].vma
    assert vma.vm_file is not None
    name, mapping = get_vma_name(vma), vma.vm_file.f_mapping
    face = next(face for start, face in FACES if name.startswith(start))
    kind = (
        "shmem"
        if mapping.a_ops is shmem_aops
        else "device"
        if mapping in mapping.host.i_sb.machine.block_devices
        else "file"
    )
    counts = _("counts in {names}").format(names=", ".join(COUNTERS[kind]))
    fault = getattr(vma.vm_ops and vma.vm_ops.fault, "__name__", "NULL")
    return name, face, f"fault = {fault}; {counts}"


def draw_group(canvas: Canvas, layout: Layout, y: float, group: list[Mapping]) -> None:
    """Draw one file with all that map it."""
    name, face, more = described(group)
    canvas.line(layout.left, y + 2, layout.left + layout.width, y + 2, stroke=RULE)
    canvas.text(layout.left, y + 20, name, bold=True, color=KINDS["file"].text, anchor="start", room=layout.width)
    canvas.text(layout.left, y + 36, face, size=SMALL, color=INK, anchor="start", room=layout.width)
    canvas.text(layout.left, y + 50, more, size=SMALL, color=MUTED, anchor="start", room=layout.width)
    draw(canvas, layout, y + TITLE, group)
