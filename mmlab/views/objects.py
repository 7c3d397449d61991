"""The object picture: task → mm → vma → file → address_space → pages ← page table, drawn from live objects.

Each object is a table of its fields; a pointer leaves from the field that holds it. With a trace, what the trace
changed is lit: old → new.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..fs.dcache import d_path
from ..include.fs import FMODE_NAMES, address_space
from ..include.mm import VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE, vm_flag_names
from ..include.mm_types import PageAnon, mm_struct, page, page_mapcount, vm_area_struct, vma_pages
from ..include.mman import PAGE_SHIFT, PAGE_SIZE, flag_names
from ..include.pgtable import pte_none, pte_offset, pte_perms, pte_pfn
from ..mm.memory import ZERO_PFN
from ..mm.vma import find_vma
from ..process import Process
from ..trace import Change, Return, Trace, show, show_pte
from .columns import Graph
from .diagram import POINTER, Cell, Diagram, Row

SHOWN = 8  # so many pages of a mapping are drawn; the others are counted

# ── what is to be seen ──────────────────────────────────────────────────────────────────────────────────────


class Entry(NamedTuple):
    """One page of a mapping: its address, the file page behind it, its PTE, and the page that the PTE maps."""

    address: int
    pgoff: int
    pte: int
    page: page | None


def vma_at(proc: Process, addr: int) -> vm_area_struct:
    """Give the VMA that covers `addr` (bytes); LookupError if none does."""
    vma = find_vma(proc.current.mm, addr)
    if vma is None or vma.vm_start > addr:
        raise LookupError(f"no VMA of {proc!r} covers {addr:#x}: look at proc.maps()")
    return vma


def entries(vma: vm_area_struct) -> Iterator[Entry]:
    """Walk the pages of a mapping, first to last."""
    for address in range(vma.vm_start, vma.vm_end, PAGE_SIZE):
        table_, i = pte_offset(vma.vm_mm.pgd, address)
        pte = 0 if table_ is None else table_[i]
        pgoff = vma.vm_pgoff + ((address - vma.vm_start) >> PAGE_SHIFT)
        mapped = None if pte_none(pte) or pte_pfn(pte) == ZERO_PFN else vma.vm_mm.machine.mem_map[pte_pfn(pte)]
        yield Entry(address, pgoff, pte, mapped)


def file_pages(mapping: address_space) -> int:
    """Count the pages of a file, the last perhaps not whole."""
    return (mapping.host.i_size + PAGE_SIZE - 1) >> PAGE_SHIFT


def mm_of(proc: Process, vma: vm_area_struct) -> mm_struct:
    """Give the address space that a VMA is in, or, before it knows, is being built for."""
    return vma.vm_mm or proc.task.mm


def is_linked(mm: mm_struct, vma: vm_area_struct) -> bool:
    """Tell whether the VMA can be found by its addresses."""
    return find_vma(mm, vma.vm_start) is vma


class Changes:
    """What a trace changed: the first old value of each field, and the objects that are new."""

    def __init__(self, trace: Trace | None) -> None:
        self.first: dict[tuple[int, Any], Change] = {}
        made = [e for e in trace.events if isinstance(e, Return)] if trace else []
        self.new = {id(e.result) for e in made if e.function.__name__ == "kmem_cache_zalloc"}
        for change in trace.changes() if trace else ():
            self.first.setdefault((id(change.owner), change.field), change)

    def row(self, owner: Any, field: str, value: object = None) -> Row:
        """Give the row of a field; `value` is how its value is spelled, if not the usual way."""
        change, now = self.first.get((id(owner), field)), getattr(owner, field)
        spelled = show(now, field) if value is None else value
        if change is None or change.old == now:
            return Row(field, spelled)
        if value is not None or id(owner) in self.new:
            return Row(field, spelled, changed=True)
        return Row(field, spelled, old=show(change.old, field))

    def pointer(self, owner: Any, field: str) -> Row:
        """Give the row of a pointer: lit if the trace set it; its port is the field."""
        target = getattr(owner, field)
        return Row(field, "NULL" if target is None else POINTER, port=field, changed=self.has(owner, field))

    def count(self, counters: dict[str, int], key: str) -> Row:
        """Give the row of a counter."""
        change = self.first.get((id(counters), key))
        return Row(key, counters[key], old=change.old if change and change.old != counters[key] else None)

    def has(self, owner: Any, field: Any) -> bool:
        """Tell whether the trace changed this field."""
        return (id(owner), field) in self.first


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────


def object_graph(proc: Process, addr: int, trace: Trace | None = None) -> Diagram:
    """Draw the objects behind the mapping at `addr`; what `trace` changed is lit. LookupError if nothing is mapped."""
    return vma_graph(proc, vma_at(proc, addr), trace)


def vma_graph(proc: Process, vma: vm_area_struct, trace: Trace | None = None) -> Diagram:
    """Draw a VMA and the objects behind it: also one that no address finds, being built still, or taken out."""
    changes = Changes(trace)
    kinds = ["task_struct", "mm_struct", "vm_area_struct", "page table"]
    kinds += ["file", "address_space"] if vma.vm_file else ["page"]
    graph, mm = Graph(*kinds), mm_of(proc, vma)
    draw_process(graph, proc, mm, changes)
    draw_mapping(graph, mm, vma, changes)
    if vma.vm_file:
        draw_file(graph, vma, changes)
        draw_cache(graph, vma, changes)
    draw_copies(graph, vma)
    return graph.diagram(f"{vma.name} and the objects behind it", describe(proc, vma))


def process_graph(proc: Process, trace: Trace | None = None) -> Diagram:
    """Draw a process and its address space, none of its mappings."""
    mm, graph = proc.task.mm, Graph("task_struct", "mm_struct")
    draw_process(graph, proc, mm, Changes(trace))
    return graph.diagram(f"{proc.task.name} and its address space", describe_process(proc, mm))


def draw_process(graph: Graph, proc: Process, mm: mm_struct, changes: Changes) -> None:
    """Draw the process and its address space."""
    task = proc.task
    faults = [changes.row(task, "min_flt"), changes.row(task, "maj_flt")]
    graph.node(0, "task", "task_struct", task.comm, [Row("pid", task.pid), *faults, changes.pointer(task, "mm")])
    rss = [changes.count(mm.rss_stat, key) for key in mm.rss_stat]
    rows = [changes.row(mm, "map_count"), changes.row(mm, "total_vm"), *rss, Row("mm_rb"), Row("pgd")]
    graph.node(0, "mm", "mm_struct", mm.owner, rows)
    graph.edge("task:mm", "mm")


def draw_mapping(graph: Graph, mm: mm_struct, vma: vm_area_struct, changes: Changes) -> None:
    """Draw the VMA, and the part of the page table that describes it."""
    linked = is_linked(mm, vma)
    if linked:
        graph.edge("mm:mm_rb", "vma", "find_vma")
    graph.edge("mm:pgd", "pgd")
    may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_MAYSHARE
    rows = [
        changes.row(vma, "vm_start", f"{vma.vm_start:x}"),
        changes.row(vma, "vm_end", f"{vma.vm_end:x}"),
        changes.row(vma, "vm_flags", vm_flag_names(vma.vm_flags & ~may)),
        Row("… and may be", vm_flag_names(vma.vm_flags & may).replace("MAY", ""), changed=changes.has(vma, "vm_flags")),
        changes.row(vma, "vm_page_prot"),
        changes.row(vma, "vm_pgoff"),
        changes.pointer(vma, "vm_file"),
        changes.pointer(vma, "vm_ops"),
    ]
    name = f"{vma.name}  {vma.perms}" + ("" if linked else "  (not linked)")
    graph.node(1, "vma", "vm_area_struct", name, rows)
    found = list(entries(vma))
    rows = [pte_row(vma, entry, changes) for entry in found[:SHOWN]]
    if len(found) > SHOWN:
        rows.append(Row(f"… {len(found) - SHOWN} more pages", ""))
    graph.node(1, "pgd", "page table", "address (file page)" if vma.vm_file else "address", rows)


def pte_row(vma: vm_area_struct, entry: Entry, changes: Changes) -> Row:
    """Give the row of one page table entry."""
    table_, i = pte_offset(vma.vm_mm.pgd, entry.address)
    lit = table_ is not None and changes.has(table_, i)
    behind = f" ({entry.pgoff})" if vma.vm_file else ""
    return Row(f"{entry.address:x}{behind}", show_pte(entry.pte), port=f"p{entry.pgoff}", changed=lit)


def draw_file(graph: Graph, vma: vm_area_struct, changes: Changes) -> None:
    """Draw the open file and the operations of the VMA."""
    file = vma.vm_file
    assert file is not None
    mode = flag_names(file.f_mode, FMODE_NAMES).replace("FMODE_", "")
    rows = [Row("f_mode", mode), changes.row(file, "f_count"), Row("f_op", file.f_op.name), Row("f_mapping")]
    graph.node(2, "file", "file", f"{file.name}  {file.f_path.d_name}", rows)
    graph.edge("vma:vm_file", "file", look="changed" if changes.has(vma, "vm_file") else "pointer")
    graph.edge("file:f_mapping", "cache")
    if vma.vm_ops is None:
        return
    calls = ("fault", "map_pages", "page_mkwrite")
    rows = [Row(call, getattr(getattr(vma.vm_ops, call), "__name__", "NULL")) for call in calls]
    graph.node(2, "ops", "ops", vma.vm_ops.name, rows)
    graph.edge("vma:vm_ops", "ops", look="changed" if changes.has(vma, "vm_ops") else "pointer")


def draw_cache(graph: Graph, vma: vm_area_struct, changes: Changes) -> None:
    """Draw the file's pages: which are in memory, and which the page table maps."""
    assert vma.vm_file is not None
    mapping = vma.vm_file.f_mapping
    mappers = f"{len(mapping.i_mmap)} VMA" + "s" * (len(mapping.i_mmap) != 1)
    rows = [
        Row("host", f"{mapping.host.label}, {mapping.host.i_size} bytes"),
        Row("a_ops", mapping.a_ops.name),
        Row("nrpages", mapping.nrpages),
        Row("i_mmap", mappers, changed=changes.has(mapping.i_mmap, vma)),
        changes.row(mapping, "i_mmap_writable"),
    ]
    strip = [page_cell(mapping, pgoff, changes) for pgoff in window(vma, mapping)]
    graph.node(2, "cache", "address_space", mapping.host.label, rows, strip)
    for entry in list(entries(vma))[:SHOWN]:
        if entry.page is not None and entry.page.mapping is mapping:
            graph.edge(f"pgd:p{entry.pgoff}", f"cache:c{entry.pgoff}")


def window(vma: vm_area_struct, mapping: address_space) -> range:
    """Choose the file pages to draw: all of a small file, and else those around the mapping."""
    first, last = vma.vm_pgoff, vma.vm_pgoff + min(vma_pages(vma), SHOWN)
    if file_pages(mapping) <= 10:
        return range(max(file_pages(mapping), last))
    return range(max(0, first - 1), last + 1)


def page_cell(mapping: address_space, pgoff: int, changes: Changes) -> Cell:
    """Give the cell of one file page: in memory, not in memory, or past the end of the file."""
    cached = mapping.page_tree.get(pgoff)
    if cached is not None:
        look = "changed" if changes.has(mapping.page_tree, pgoff) else "present"
        return Cell(f"{pgoff}: {cached.name}", f"c{pgoff}", look)
    if pgoff < file_pages(mapping):
        return Cell(f"{pgoff}: not in memory", f"c{pgoff}", "plain")
    return Cell(f"{pgoff}: no such page", f"c{pgoff}", "danger")


def draw_copies(graph: Graph, vma: vm_area_struct) -> None:
    """Draw the pages that are not the file's: anonymous memory, and private copies."""
    for entry in list(entries(vma))[:SHOWN]:
        if entry.page is not None and PageAnon(entry.page):
            rows = [Row("mapping", entry.page.mapping.name), Row("mapcount", page_mapcount(entry.page))]  # type: ignore[union-attr]
            graph.node(2, f"page{entry.page.pfn}", "page", entry.page.name, rows)
            graph.edge(f"pgd:p{entry.pgoff}", f"page{entry.page.pfn}", "private" if vma.vm_file else "")


# ── the same in words ───────────────────────────────────────────────────────────────────────────────────────


def describe(proc: Process, vma: vm_area_struct) -> str:
    """Say what the picture shows, in the three-line notation: VMA, address_space, PTE."""
    mm = mm_of(proc, vma)
    link = f" → {vma.name}" if is_linked(mm, vma) else f"; {vma.name} is not linked: no address finds it"
    lines = [
        describe_process(proc, mm) + link,
        f"{vma.name}: {vma.vm_start:x}-{vma.vm_end:x} {vma.perms}, vm_flags {vm_flag_names(vma.vm_flags)}, "
        f"new PTEs {pte_perms(vma.vm_page_prot)}",
    ]
    if vma.vm_file:
        file, mapping = vma.vm_file, vma.vm_file.f_mapping
        mode = flag_names(file.f_mode, FMODE_NAMES)
        cached = [(pgoff, mapping.page_tree.get(pgoff)) for pgoff in window(vma, mapping)]
        in_memory = ", ".join(f"{pgoff} = {page.name}" for pgoff, page in cached if page)
        lines += [
            f"VMA:           {vma.vm_start:x}-{vma.vm_end:x} → {d_path(file.f_path)}, file page {vma.vm_pgoff} on "
            f"(vm_pgoff = {vma.vm_pgoff}, vm_file = {file.name} {mode}, f_count {file.f_count}, "
            f"vm_ops = {vma.vm_ops.name if vma.vm_ops else 'NULL'})",
            f"address_space: {mapping.host.label}, {mapping.host.i_size} bytes, {mapping.nrpages} pages in memory: "
            f"{in_memory or 'none here'}",
        ]
    lines += [describe_pte(vma, entry) for entry in list(entries(vma))[:SHOWN]]
    more = vma_pages(vma) - SHOWN
    return "\n".join(lines + ([f"               … {more} more pages"] if more > 0 else []))


def describe_process(proc: Process, mm: mm_struct) -> str:
    """Say what the process and its address space are."""
    rss = ", ".join(f"{key} {count}" for key, count in mm.rss_stat.items())
    return f"{proc.task.name} (pid {proc.pid}) → {mm.name} ({mm.map_count} VMAs, {mm.total_vm} pages; {rss})"


def describe_pte(vma: vm_area_struct, entry: Entry) -> str:
    """Say what one page of the mapping is."""
    line = f"PTE:           {entry.address:x} → {show_pte(entry.pte)}"
    if not vma.vm_file:
        return line
    if entry.page is not None and PageAnon(entry.page):
        return f"{line}, a private copy of file page {entry.pgoff}"
    past = entry.pgoff >= file_pages(vma.vm_file.f_mapping)
    return f"{line}, file page {entry.pgoff}" + (": past the end of the file" if past else "")
