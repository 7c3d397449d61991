"""What has changed since Linux 4.4: each change with its release, what came before, what comes today, and the source.

`CHANGES` has two kinds of rows. A row with a `probe` is a question that a program can ask; the probe asks it, of a
process of the simulation or of mmlab.linux, and gives today's answer in a word. A row without one says it in words.
`release_table()` shows the rows, `ReleaseLab()` slides through the releases.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import ipywidgets as widgets

from ..include.errors import MemoryFault
from ..include.mman import (
    F_ADD_SEALS,
    F_GET_SEALS,
    F_SEAL_EXEC,
    F_SEAL_FUTURE_WRITE,
    MADV_COLD,
    MADV_FREE,
    MADV_POPULATE_WRITE,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    MAP_STACK,
    MFD_ALLOW_SEALING,
    MFD_NOEXEC_SEAL,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    O_RDONLY,
    O_RDWR,
    PAGE_SIZE,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
)  # fmt: skip
from ..include.sched import RLIMIT_DATA
from ..machine import Kernel
from .controls import Lab, Outcome
from .diagram import Canvas, Diagram
from .style import CHANGED, CHANGED_TEXT, INK, KINDS, MUTED, RULE, SMALL
from .two_kernels import told
from .words import _

RW, MEMORY = PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS
LOADER = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
OLDEST, NEWEST = "4.4", "6.18"

# ── the questions ───────────────────────────────────────────────────────────────────────────────────────────


def answer(done: str, call: Callable[..., Any], *args: Any) -> str:
    """Make the call: give `done`, or the error or the signal by its name."""
    try:
        call(*args)
    except (OSError, MemoryFault) as error:
        return told(error)
    return done


def memory(proc: Any, pages: int = 1, prot: int = RW) -> int:
    """Map private memory; store to its first page if that may be."""
    addr: int = proc.mmap(0, pages * PAGE_SIZE, prot, MEMORY)
    if prot & PROT_WRITE:
        proc.store(addr, b"x")
    return addr


def rss_lines(proc: Any) -> str:
    """Which lines of /proc/self/status tell the resident pages apart?"""
    lines = proc.read(proc.open("/proc/self/status", O_RDONLY), 4096).decode().splitlines()
    return ", ".join(line.partition(":")[0] for line in lines if line.startswith("Rss"))


def free(proc: Any) -> str:
    """May the kernel take memory back, if it needs it, until it is stored to again?"""
    return answer("accepted", proc.madvise, memory(proc), PAGE_SIZE, MADV_FREE)


def data_limit(proc: Any) -> str:
    """Does RLIMIT_DATA limit what mmap gives?"""
    proc.setrlimit(RLIMIT_DATA, 1 << 20)
    return answer("mapped", proc.mmap, 0, 4 << 20, RW, MEMORY)


def below_the_stack(proc: Any) -> str:
    """Does the stack grow when another mapping lies 100 pages below it?"""
    low = int(next(line for line in proc.maps().splitlines() if "[stack]" in line).partition("-")[0], 16)
    proc.mmap(low - 100 * PAGE_SIZE, PAGE_SIZE, RW, MEMORY | MAP_FIXED)
    return answer("it grows", proc.store, low - PAGE_SIZE, b"x")


def nothing_moved(proc: Any) -> str:
    """What does mremap make of 0 bytes of private memory?"""
    return answer("a new mapping", proc.mremap, memory(proc), 0, PAGE_SIZE, MREMAP_MAYMOVE)


def wipe_on_fork(proc: Any) -> str:
    """May a child be given zeros instead of the parent's memory?"""
    addr = memory(proc)
    said = answer("", proc.madvise, addr, PAGE_SIZE, MADV_WIPEONFORK)
    return said or f"the child loads {proc.fork().load(addr)[0]}"


def shared_validate(proc: Any) -> str:
    """May a mapping say that unknown flags are to be refused?"""
    book = proc.open("/data/book.txt", O_RDONLY)
    return answer("mapped", proc.mmap, 0, PAGE_SIZE, PROT_READ, MAP_SHARED_VALIDATE, book)


def fixed_noreplace(proc: Any) -> str:
    """Is a mapping kept when another is asked for at its place?"""
    return answer("mapped elsewhere", proc.mmap, memory(proc), PAGE_SIZE, RW, MEMORY | MAP_FIXED_NOREPLACE)


def future_write(proc: Any) -> str:
    """May a memfd be closed to all writing but through one mapping that there is?"""
    fd = proc.memfd_create("sealed", MFD_ALLOW_SEALING)
    proc.ftruncate(fd, PAGE_SIZE)
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, fd)
    if said := answer("", proc.fcntl, fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE):
        return said
    new, old = answer("mapped", proc.mmap, 0, PAGE_SIZE, RW, MAP_SHARED, fd), answer("stored", proc.store, addr, b"x")
    return f"{old}; a new mapping: {new}"


def cold(proc: Any) -> str:
    """May a program say what it will not need soon?"""
    return answer("accepted", proc.madvise, memory(proc), PAGE_SIZE, MADV_COLD)


def dont_unmap(proc: Any) -> str:
    """May the pages move and leave their VMA behind?"""
    addr = memory(proc)
    said = answer("", proc.mremap, addr, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP)
    return said or f"the old address loads {proc.load(addr)[0]}"


def populate(proc: Any) -> str:
    """May a program have all page faults at once, and an errno instead of a signal?"""
    book = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, 8 * PAGE_SIZE, RW, MAP_SHARED, book)
    return answer("populated", proc.madvise, addr, 8 * PAGE_SIZE, MADV_POPULATE_WRITE)


def write_loader(proc: Any) -> str:
    """May the loader's file be opened for writing while a program runs that it has loaded?"""
    return answer("opened", proc.open, LOADER, O_RDWR)


def made_writable(proc: Any) -> str:
    """How many faults does a store cost after mprotect to PROT_READ and back?"""
    addr = memory(proc)
    proc.mprotect(addr, PAGE_SIZE, PROT_READ)
    proc.mprotect(addr, PAGE_SIZE, RW)
    before = proc.getrusage().ru_minflt
    proc.store(addr, b"y")
    return f"faults: {proc.getrusage().ru_minflt - before}"


def noexec_seal(proc: Any) -> str:
    """May a memfd be made that nobody can ever execute?"""
    try:
        fd = proc.memfd_create("data", MFD_NOEXEC_SEAL)
    except OSError as error:
        return told(error)
    sealed = proc.fcntl(fd, F_GET_SEALS) & F_SEAL_EXEC
    return f"mode {proc.fstat(fd).st_mode & 0o777:o}{', F_SEAL_EXEC' if sealed else ''}"


def stack_flag(proc: Any) -> str:
    """Does MAP_STACK do anything?"""
    addr = proc.mmap(0, PAGE_SIZE, RW, MEMORY | MAP_STACK)
    block = proc.smaps().partition(f"{addr:x}-")[2]
    flags = next(line for line in block.splitlines() if line.startswith("VmFlags:"))
    return "nh: no huge pages" if " nh" in flags else "nothing"


def several_moved(proc: Any) -> str:
    """May one mremap move two VMAs?"""
    two, room = memory(proc, 2), memory(proc, 4, PROT_NONE)
    proc.mprotect(two, PAGE_SIZE, PROT_READ)
    both = 2 * PAGE_SIZE
    return answer("moved", proc.mremap, two, both, both, MREMAP_MAYMOVE | MREMAP_FIXED, room + PAGE_SIZE)


# ── the rows ────────────────────────────────────────────────────────────────────────────────────────────────


class Change(NamedTuple):
    """One change; `before` and `today` are answers where there is a `probe`, which gives today's. `lesson` is its."""

    release: str
    name: str
    lesson: int
    before: str
    source: str
    probe: Callable[[Any], str] | None = None
    today: str = ""


CHANGES = (
    Change("4.5", "RssAnon, RssFile, RssShmem", 1, "VmRSS alone", "proc(5)", rss_lines),
    Change("4.5", "MADV_FREE", 10, "EINVAL", "madvise(2)", free),
    Change("4.7", "RLIMIT_DATA", 2, "mapped", "getrlimit(2)", data_limit),
    Change("4.12", "stack guard gap", 1, "it grows", "1be7107fbe18, “mm: larger stack guard gap, between vmas”",
           below_the_stack),
    Change("4.14", "mremap of 0 bytes", 11, "a new mapping", "mremap(2)", nothing_moved),
    Change("4.14", "MADV_WIPEONFORK", 10, "EINVAL", "madvise(2)", wipe_on_fork),
    Change("4.15", "MAP_SHARED_VALIDATE", 2, "EINVAL", "mmap(2)", shared_validate),
    Change("4.17", "MAP_FIXED_NOREPLACE", 2, "mapped elsewhere", "mmap(2)", fixed_noreplace),
    Change("5.1", "F_SEAL_FUTURE_WRITE", 9, "EINVAL", "fcntl(2)", future_write),
    Change("5.4", "MADV_COLD, MADV_PAGEOUT", 7, "EINVAL", "madvise(2)", cold),
    Change("5.7", "MREMAP_DONTUNMAP", 11, "EINVAL", "mremap(2)", dont_unmap),
    Change("5.8", "mmap_lock", 3, "one semaphore, mmap_sem",
           "da1c55f1b272, “mmap locking API: rename mmap_sem to mmap_lock”",
           today="the same lock, behind functions of its own: mmap_write_lock(mm) …"),
    Change("5.14", "MADV_POPULATE_READ, _WRITE", 6, "EINVAL", "madvise(2)", populate),
    Change("5.15", "the end of VM_DENYWRITE", 3, "ETXTBSY", "merge of denywrite-for-5.15, 49624efa65ac", write_loader),
    Change("5.16", "folios", 7, "struct page: 4 KiB, or a part of something larger",
           "7b230db3b8d3, “mm: Introduce struct folio”",
           today="struct folio: one page or a power of two of them, and never a part"),
    Change("5.19", "read_folio", 5, "a_ops->readpage", "merge of folio-5.19, fdaf9a5840ac",
           today="a_ops->read_folio"),
    Change("5.19", "PG_anon_exclusive", 10, "a store copies unless page_mapcount says 1",
           "78fbe906cc90, “mm/page-flags: reuse PG_mappedtodisk as PG_anon_exclusive for PageAnon() pages”",
           today="a flag of the page says that no copy is needed"),
    Change("6.0", "mprotect and back", 11, "faults: 1",
           "64fe24a3e05e, “mm/mprotect: try avoiding write faults for exclusive anonymous pages …”",
           made_writable),
    Change("6.1", "maple tree", 1, "a list and a red-black tree of VMAs",
           "524e00b36e8c, “mm: remove rb tree”; 763ecb035029, “mm: remove the vma linked list”",
           today="one tree of wide nodes, mm_mt"),
    Change("6.3", "MFD_NOEXEC_SEAL, F_SEAL_EXEC", 9, "EINVAL",
           "105ff5339f49, “mm/memfd: add MFD_NOEXEC_SEAL and MFD_EXEC”", noexec_seal),
    Change("6.4", "per-VMA locks", 6, "a page fault takes mmap_sem for reading",
           "0bff0aaea03e, “x86/mm: try VMA lock-based page fault handling first”",
           today="it takes the lock of one VMA, and mmap_lock if that fails"),
    Change("6.8", "MAP_STACK", 2, "nothing", "c4608d1bf7c6, “mm: mmap: map MAP_STACK to VM_NOHUGEPAGE”", stack_flag),
    Change("6.10", "mseal", 11, "ENOSYS", "8be7258aad44, “mseal: add mseal syscall”",
           today="munmap, mprotect and mremap of the sealed range: EPERM"),
    Change("6.13", "guard pages", 11, "EINVAL",
           "662df3e5c376, “mm: madvise: implement lightweight guard page mechanism”",
           today="madvise(MADV_GUARD_INSTALL): an access is SIGSEGV, and no VMA is split"),
    Change("6.16", "mmap_prepare", 5, "f_op->mmap gets the new VMA and may change it",
           "c84bf6dd2b83, “mm: introduce new .mmap_prepare() file callback”",
           today="f_op->mmap_prepare gets a description of it, before there is one"),
    Change("6.16", "large folios on ext4", 6, "a fault on a cached file maps 16 pages at most",
           "7ac67301e82f, “ext4: enable large folio for regular file”",
           today="more, where the file lies in larger folios"),
    Change("6.17", "mremap of several VMAs", 11, "EFAULT",
           "d23cb648e365, “mm/mremap: permit mremap() move of multiple VMAs”", several_moved),
)  # fmt: skip


def key(release: str) -> tuple[int, ...]:
    """Order releases.

    >>> sorted(["6.10", "4.4", "6.4"], key=key)
    ['4.4', '6.4', '6.10']
    """
    return tuple(map(int, release.split(".")))


@cache
def today(change: Change) -> str:
    """Give today's answer: the simulation's, where it can be asked."""
    return change.probe(Kernel().spawn("asker")) if change.probe else change.today


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────


class ReleaseTable:
    """All changes, as a table with the sources; in text, a line for each."""

    def __repr__(self) -> str:
        lines = []
        for change in CHANGES:
            said = _("today") if change.probe else _("today, not asked here")
            first = f"{change.release:>5}  {change.name} ({change.lesson:02}): {OLDEST}: {change.before}"
            lines += [f"{first}; {said}: {today(change)}", f"       {change.source}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = (_("since"), _("what"), _("lesson"), _("Linux 4.4"), _("today"), _("where it is written"))
        rows = ["".join(f'<th style="text-align:left">{html.escape(head)}</th>' for head in heads)]
        for change in CHANGES:
            now = html.escape(today(change))
            cells = (change.release, change.name, f"{change.lesson:02}", change.before, "", change.source)
            escaped = [html.escape(cell) for cell in cells]
            escaped[4] = f"<b>{now}</b>" if change.probe else now
            rows.append("".join(f'<td style="text-align:left">{cell}</td>' for cell in escaped))
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def release_table() -> ReleaseTable:
    """Give the table of all changes since 4.4; what is bold in it, the simulation has just answered."""
    return ReleaseTable()


# ── the lab ─────────────────────────────────────────────────────────────────────────────────────────────────

WIDTH, TOP, LINE = 880, 54, 38  # px: the picture, its head, a row
NAME, LEFT, STEP, SAYS = 16, 262, 15, 580  # px: the name; the first release; from one to the next; the answer


def releases() -> list[str]:
    """Give the releases in which something changed, from 4.4 to today."""
    return sorted({OLDEST, NEWEST, *(change.release for change in CHANGES if change.probe)}, key=key)


def at_release(change: Change, release: str) -> str:
    """Give the answer of the kernel of that release."""
    return today(change) if key(change.release) <= key(release) else change.before


def show_release(release: str) -> Outcome:
    """Answer all questions as that release does."""
    asked = [change for change in CHANGES if change.probe]
    new = [change for change in asked if key(change.release) <= key(release)]
    words = _("Linux {release}: {new} of {all} answers are today's, the others those of {oldest}")
    title = words.format(release=release, new=len(new), all=len(asked), oldest=OLDEST)
    return Outcome((), title, (draw(title, release, asked),))


def draw(title: str, release: str, asked: list[Change]) -> Diagram:
    """Draw a line for each question, from 4.4 to today, and what is answered at `release`."""
    every = releases()
    places = {one: LEFT + STEP * number for number, one in enumerate(every)}
    bottom = TOP + LINE * len(asked)
    canvas = Canvas(WIDTH, bottom + 26)
    canvas.text(NAME, 24, title, bold=True, size=14, anchor="start", room=WIDTH - 32)
    canvas.text(places[release], 42, release, bold=True, color=CHANGED_TEXT)
    for end in (OLDEST, NEWEST):
        canvas.text(places[end], bottom + 16, end, size=SMALL, color=MUTED)
    for number, change in enumerate(asked):
        draw_change(canvas, TOP + LINE * number, change, release, places)
    lines = [f"{OLDEST} … {NEWEST}", *(tell(change, release) for change in asked)]
    return canvas.diagram(title, "\n".join([title, *lines]))


def draw_change(canvas: Canvas, y: float, change: Change, release: str, places: dict[str, int]) -> None:
    """Draw one question: since when the answer is today's, and what it is at `release`."""
    new, since, line = key(change.release) <= key(release), places[change.release], y + 16
    canvas.line(NAME, y + LINE, WIDTH - 12, y + LINE, stroke=RULE, stroke_width=0.7)
    canvas.rect(places[release] - 5, y + 6, 10, 15, fill=CHANGED, stroke=CHANGED_TEXT)
    canvas.line(LEFT, line, since, line, stroke=MUTED, stroke_dasharray="2 3")
    canvas.line(since, line, places[NEWEST], line, stroke=KINDS["vm_area_struct"].border, stroke_width=4)
    canvas.text(NAME, y + 15, change.name, bold=True, anchor="start", room=LEFT - NAME - 8)
    canvas.text(NAME, y + 31, question(change), size=SMALL, color=MUTED, anchor="start", room=WIDTH - 32)
    canvas.text(SAYS - 10, line + 4, change.release, size=SMALL, color=MUTED, anchor="end")
    said, color = at_release(change, release), INK if new else MUTED
    canvas.text(SAYS, line + 4, said, bold=new, color=color, anchor="start", room=WIDTH - 16 - SAYS)


def question(change: Change) -> str:
    """Give the question that the change is an answer to."""
    return (change.probe.__doc__ or "") if change.probe else ""


def tell(change: Change, release: str) -> str:
    """Say what is answered at `release`."""
    mark = "●" if key(change.release) <= key(release) else "○"
    return f"{mark} {change.release} {change.name}: {question(change)} {at_release(change, release)}"


class ReleaseLab(Lab):
    """A slider through the releases: what a program is answered by each of them."""

    def __init__(self, release: str = OLDEST) -> None:
        wide, style = widgets.Layout(width="40em", max_width="100%"), {"description_width": "5em"}
        self.release = widgets.SelectionSlider(
            description="Linux", options=releases(), value=release, layout=wide, style=style
        )
        self.release.observe(self._update, "value")
        super().__init__(self.release)

    def _run(self) -> Outcome:
        """Answer as the release that is chosen."""
        return show_release(self.release.value)
