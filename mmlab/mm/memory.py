"""The page fault, and its opposite: mm/memory.c (v4.4).

    handle_mm_fault
        handle_pte_fault
            no PTE, no vm_ops      → do_anonymous_page     a zeroed page (the shared zero page for a load)
            no PTE, load           → do_read_fault         the file's page (first the 16 pages around it, if cached)
            no PTE, store, private → do_cow_fault          a copy of the file's page
            no PTE, store, shared  → do_shared_fault       the file's page, writable
            PTE, store             → do_wp_page            copy it, or find that no copy is needed
"""

from __future__ import annotations

from collections.abc import Iterator

from ..include.errors import KernelBug, OutOfMemory
from ..include.fs import address_space
from ..include.mm import (
    FAULT_FLAG_WRITE, MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, VM_FAULT_ERROR, VM_FAULT_NOPAGE, VM_FAULT_OOM,
    VM_FAULT_RETRY, VM_FAULT_SIGBUS, VM_FAULT_WRITE, VM_LOCKED, VM_MAYWRITE, VM_SHARED, VM_WRITE, vm_fault,
    vma_has_recency,
)
from ..include.mm_types import (
    PageAnon, PG_anon_exclusive, PG_swapbacked, PG_uptodate, mm_struct, page, update_hiwater_rss, vm_area_struct,
    vma_pages,
)
from ..include.mman import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE
from ..include.mmzone import NR_PAGETABLE, PGFAULT
from ..include.pgtable import (
    _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_RW, PMD_SHIFT, PMD_SIZE, PTRS_PER_PTE, pfn_pte, pte_dirty, pte_index, pte_none,
    pte_offset, pte_pfn, pte_table, pte_write, pte_young,
)
from .page_alloc import alloc_page, get_page, put_page
from .page_writeback import set_page_dirty
from .rmap import anon_vma_prepare, page_add_file_rmap, page_add_new_anon_rmap, page_dup_rmap, page_remove_rmap
from .swap import lru_add_drain, mark_page_accessed, mlock_vma_page, munlock_vma_page

ZERO_PFN = 0  # the shared zero page: every load of untouched anonymous memory maps it

# ── page tables ─────────────────────────────────────────────────────────────────────────────────────────────


def pte_alloc_map(mm: mm_struct, address: int) -> pte_table:
    """Give the last-level page table for `address`, making it if there is none: include/linux/mm.h (v4.4)."""
    table = mm.pgd.get(address >> PMD_SHIFT)
    if table is None:
        table = mm.pgd[address >> PMD_SHIFT] = pte_table(address & -PMD_SIZE)
        mm.nr_ptes += 1
        mm.machine.vm_stat[NR_PAGETABLE] += 1
    return table


def pte_tables(mm: mm_struct, start: int, end: int) -> list[pte_table]:
    """Give the last-level page tables that there are for [start, end), in order; most of a large range has none."""
    first, last = start >> PMD_SHIFT, (end - 1) >> PMD_SHIFT
    if last - first < len(mm.pgd):
        return [mm.pgd[index] for index in range(first, last + 1) if index in mm.pgd]
    return [mm.pgd[index] for index in sorted(mm.pgd) if first <= index <= last]


def pte_ranges(mm: mm_struct, start: int, end: int) -> Iterator[tuple[pte_table, int, int]]:
    """Walk the page tables of [start, end): give each with the first and the last-plus-one of its entries concerned."""
    for table in pte_tables(mm, start, end):
        low, high = max(start, table.start), min(end, table.start + PMD_SIZE)
        yield table, pte_index(low), pte_index(low) + ((high - low) >> PAGE_SHIFT)


def free_pgtables(mm: mm_struct, start: int, end: int, floor: int, ceiling: int) -> None:
    """Free the page tables of [start, end) whose whole 2 MiB lie in [floor, ceiling): mm/memory.c (v4.4)."""
    if ceiling - floor < PMD_SIZE:
        return
    for table in pte_tables(mm, start, end):
        if floor <= table.start and table.start + PMD_SIZE <= ceiling:
            del mm.pgd[table.start >> PMD_SHIFT]
            mm.nr_ptes -= 1
            mm.machine.vm_stat[NR_PAGETABLE] -= 1


def vm_normal_page(vma: vm_area_struct, pte: int) -> page | None:
    """Give the page that a PTE maps; None for the shared zero page: mm/memory.c:vm_normal_page (v4.4)."""
    pfn = pte_pfn(pte)
    return None if pfn == ZERO_PFN else vma.vm_mm.machine.mem_map[pfn]


def mlocked_pages(mm: mm_struct) -> set[page]:
    """Collect the pages that the process keeps in memory by mlock. (The kernel counts them as they are mapped.)"""
    found: set[page] = set()
    vma = mm.mmap if mm.locked_vm else None
    while vma is not None:
        for table, first, last in pte_ranges(mm, vma.vm_start, vma.vm_end) if vma.vm_flags & VM_LOCKED else ():
            pages = (vm_normal_page(vma, pte) for pte in table[first:last] if not pte_none(pte))
            found.update(page for page in pages if page is not None)
        vma = vma.vm_next
    return found


def mm_counter(page: page) -> str:
    """Say which of the process's counters a mapped page counts in: include/linux/mm.h:mm_counter (v4.5)."""
    return MM_ANONPAGES if PageAnon(page) else mm_counter_file(page)


def mm_counter_file(page: page) -> str:
    """Say which of the process's counters a mapped page of a file counts in: include/linux/mm.h, same name (v4.5)."""
    return MM_SHMEMPAGES if page.flags & PG_swapbacked else MM_FILEPAGES


# ── taking mappings away ────────────────────────────────────────────────────────────────────────────────────


def unmap_vmas(vma: vm_area_struct | None, start: int, end: int) -> None:
    """Clear every PTE of [start, end) in this VMA and those after it: mm/memory.c:unmap_vmas (v4.4)."""
    while vma is not None and vma.vm_start < end:
        zap_page_range(vma, max(start, vma.vm_start), min(end, vma.vm_end))
        vma = vma.vm_next


def zap_page_range(
    vma: vm_area_struct, start: int, end: int, check_mapping: address_space | None = None
) -> None:
    """Clear the PTEs of [start, end), table by table: mm/memory.c:zap_pmd_range (v4.4)."""
    update_hiwater_rss(vma.vm_mm)
    for table, first, last in pte_ranges(vma.vm_mm, start, end):
        zap_pte_range(vma, table, first, last, check_mapping)


def zap_pte_range(
    vma: vm_area_struct, table: pte_table, first: int, last: int, check_mapping: address_space | None
) -> None:
    """Clear entries first … last-1 of one page table, and let go of their pages: mm/memory.c:zap_pte_range (v4.4).

    With `check_mapping`, private copies stay: only that file's own pages go. A dirty PTE hands its dirt to the page,
    or the program's store would be forgotten.
    """
    rss_stat = vma.vm_mm.rss_stat
    for i in range(first, last):
        pte = table[i]
        if pte_none(pte):
            continue
        page = vm_normal_page(vma, pte)
        if check_mapping and (page is None or page.mapping is not check_mapping):
            continue
        table[i] = 0
        if page is None:
            continue
        if PageAnon(page):
            rss_stat[MM_ANONPAGES] -= 1
        else:
            rss_stat[mm_counter_file(page)] -= 1
            if pte_dirty(pte):
                set_page_dirty(page)
            if pte_young(pte) and vma_has_recency(vma):
                mark_page_accessed(page)
        page_remove_rmap(page)
        if vma.vm_flags & VM_LOCKED:
            munlock_vma_page(page)
        put_page(page)


def unmap_mapping_range(mapping: address_space, first: int, even_cows: bool, last: int | None = None) -> None:
    """Unmap the file's pages first … last-1 (None: to the end), everywhere: mm/memory.c:unmap_mapping_range (v4.4).

    With `even_cows` the private copies go too, as truncate wants.
    """
    for vma in list(mapping.i_mmap):
        start = vma.vm_start + max(0, first - vma.vm_pgoff) * PAGE_SIZE
        end = vma.vm_end if last is None else min(vma.vm_end, vma.vm_start + (last - vma.vm_pgoff) * PAGE_SIZE)
        if start < end:
            zap_page_range(vma, start, end, None if even_cows else mapping)
    lru_add_drain(mapping.host.i_sb.machine)


# ── filling one PTE ─────────────────────────────────────────────────────────────────────────────────────────


def maybe_mkwrite(pte: int, vma: vm_area_struct) -> int:
    """Make the PTE writable if the VMA is: include/linux/mm.h:maybe_mkwrite (v4.4)."""
    return pte | _PAGE_RW if vma.vm_flags & VM_WRITE else pte


def do_set_pte(vma: vm_area_struct, address: int, page: page, table: pte_table, write: bool, anon: bool) -> None:
    """Map the page at `address`, handing the caller's reference to the PTE: mm/memory.c:do_set_pte (v4.4)."""
    entry = pfn_pte(page.pfn, vma.vm_page_prot)
    if write:
        entry = maybe_mkwrite(entry | _PAGE_DIRTY, vma)
    if anon:
        vma.vm_mm.rss_stat[MM_ANONPAGES] += 1
        page_add_new_anon_rmap(page, vma, address)
    else:
        vma.vm_mm.rss_stat[mm_counter_file(page)] += 1
        page_add_file_rmap(page)
    if vma.vm_flags & VM_LOCKED:
        mlock_vma_page(page)
    table[pte_index(address)] = entry


def do_anonymous_page(vma: vm_area_struct, address: int, table: pte_table, flags: int) -> int:
    """Map a zeroed page; for a load, the zero page that all share: mm/memory.c:do_anonymous_page (v4.4)."""
    if vma.vm_flags & VM_SHARED:  # a file mapping without vm_ops
        return VM_FAULT_SIGBUS
    if not flags & FAULT_FLAG_WRITE:
        table[pte_index(address)] = pfn_pte(ZERO_PFN, vma.vm_page_prot)
        return 0
    page = alloc_page(vma.vm_mm.machine) if anon_vma_prepare(vma) else None
    if page is None:
        return VM_FAULT_OOM
    page.flags |= PG_uptodate
    vma.vm_mm.rss_stat[MM_ANONPAGES] += 1
    page_add_new_anon_rmap(page, vma, address)
    if vma.vm_flags & VM_LOCKED:
        mlock_vma_page(page)
    table[pte_index(address)] = maybe_mkwrite(pfn_pte(page.pfn, vma.vm_page_prot) | _PAGE_DIRTY, vma)
    return 0


def finish_fault(vma: vm_area_struct, address: int, page: page, write: bool, anon: bool) -> None:
    """Map the page that a fault has found, in a page table that is made only now: mm/memory.c:finish_fault (4.10)."""
    do_set_pte(vma, address, page, pte_alloc_map(vma.vm_mm, address), write, anon)


def __do_fault(vma: vm_area_struct, address: int, pgoff: int, flags: int) -> tuple[int, page | None]:
    """Ask the file for the page: vm_ops->fault. Give its answer and the page: mm/memory.c:__do_fault (v4.4)."""
    vmf = vm_fault(virtual_address=address & PAGE_MASK, pgoff=pgoff, flags=flags)
    ret = vma.vm_ops.fault(vma, vmf)  # type: ignore[union-attr, misc]
    return ret, vmf.page


def do_page_mkwrite(vma: vm_area_struct, page: page, address: int) -> int:
    """Tell the file system that a clean page is about to be written: mm/memory.c:do_page_mkwrite (v4.4)."""
    vmf = vm_fault(virtual_address=address & PAGE_MASK, pgoff=page.index, flags=FAULT_FLAG_WRITE, page=page)
    return vma.vm_ops.page_mkwrite(vma, vmf)  # type: ignore[union-attr, misc]


def copy_user_page(to: page, source: page | None) -> None:
    """Copy the 4096 bytes of one frame to another (None: the zero page): include/linux/highmem.h (v4.4)."""
    if source is not None and source.data is not None:
        to.data = bytearray(source.data)
    to.flags |= PG_uptodate


# ── a fault where there is no PTE yet ───────────────────────────────────────────────────────────────────────


def do_fault_around(vma: vm_area_struct, address: int, pgoff: int) -> None:
    """Map what is cached of the (by default) 16 aligned pages around a load: mm/memory.c:do_fault_around (v4.4).

    The window starts at a multiple of its size, or where the VMA starts; it ends with the VMA or the page table.
    """
    nr_pages = vma.vm_mm.machine.fault_around_bytes >> PAGE_SHIFT
    start = max(address & -(nr_pages * PAGE_SIZE), vma.vm_start)
    pgoff -= (address - start) >> PAGE_SHIFT
    max_pgoff = min(
        pgoff + PTRS_PER_PTE - 1 - pte_index(start),
        vma.vm_pgoff + vma_pages(vma) - 1,
        pgoff + nr_pages - 1,
    )
    vma.vm_ops.map_pages(vma, vm_fault(start, pgoff, max_pgoff=max_pgoff))  # type: ignore[union-attr, misc]


def do_read_fault(vma: vm_area_struct, address: int, pgoff: int, flags: int) -> int:
    """Map the file's page for a load: mm/memory.c:do_read_fault (v4.4)."""
    if vma.vm_ops.map_pages and vma.vm_mm.machine.fault_around_bytes > PAGE_SIZE:  # type: ignore[union-attr]
        do_fault_around(vma, address, pgoff)
        table, i = pte_offset(vma.vm_mm.pgd, address)
        if table is not None and not pte_none(table[i]):
            return 0
    ret, fault_page = __do_fault(vma, address, pgoff, flags)
    if fault_page is not None:
        finish_fault(vma, address, fault_page, write=False, anon=False)
    return ret


def do_cow_fault(vma: vm_area_struct, address: int, pgoff: int, flags: int) -> int:
    """Map a private copy of the file's page for a store: mm/memory.c:do_cow_fault (v4.4)."""
    if not anon_vma_prepare(vma):
        return VM_FAULT_OOM
    new_page = alloc_page(vma.vm_mm.machine)
    if new_page is None:
        return VM_FAULT_OOM
    try:
        ret, fault_page = __do_fault(vma, address, pgoff, flags)
    except OutOfMemory:
        put_page(new_page)
        raise
    if fault_page is None:
        put_page(new_page)
        return ret
    copy_user_page(new_page, fault_page)
    finish_fault(vma, address, new_page, write=True, anon=True)
    put_page(fault_page)
    return ret


def do_shared_fault(vma: vm_area_struct, address: int, pgoff: int, flags: int) -> int:
    """Map the file's own page for a store: mm/memory.c:do_shared_fault (v4.4)."""
    ret, fault_page = __do_fault(vma, address, pgoff, flags)
    if fault_page is None:
        return ret
    if vma.vm_ops.page_mkwrite:  # type: ignore[union-attr]
        tmp = do_page_mkwrite(vma, fault_page, address)
        if tmp & (VM_FAULT_ERROR | VM_FAULT_NOPAGE):
            put_page(fault_page)
            return tmp
    finish_fault(vma, address, fault_page, write=True, anon=False)
    set_page_dirty(fault_page)
    return ret


def do_fault(vma: vm_area_struct, address: int, flags: int) -> int:
    """Fault on a file page that has no PTE: choose by access and sharing: mm/memory.c:do_fault (v4.4)."""
    pgoff = (((address & PAGE_MASK) - vma.vm_start) >> PAGE_SHIFT) + vma.vm_pgoff
    if not flags & FAULT_FLAG_WRITE:
        return do_read_fault(vma, address, pgoff, flags)
    if not vma.vm_flags & VM_SHARED:
        return do_cow_fault(vma, address, pgoff, flags)
    return do_shared_fault(vma, address, pgoff, flags)


# ── a store where there is a read-only PTE ──────────────────────────────────────────────────────────────────


def do_wp_page(vma: vm_area_struct, address: int, table: pte_table, pte: int) -> int:
    """Decide what a store through a write-protected PTE gets: mm/memory.c:do_wp_page (v4.4)."""
    old_page = vm_normal_page(vma, pte)
    if old_page is not None and PageAnon(old_page):
        if old_page.flags & PG_anon_exclusive or old_page._count == 1:  # nobody else has it
            old_page.flags |= PG_anon_exclusive
            return wp_page_reuse(vma, address, table, pte)
    elif old_page is not None and vma.vm_flags & VM_SHARED:
        return wp_page_shared(vma, address, table, pte, old_page)
    return wp_page_copy(vma, address, table, old_page)


def wp_page_reuse(vma: vm_area_struct, address: int, table: pte_table, pte: int) -> int:
    """Make the PTE writable; no copy is needed: mm/memory.c:wp_page_reuse (v4.4)."""
    table[pte_index(address)] = maybe_mkwrite(pte | _PAGE_DIRTY | _PAGE_ACCESSED, vma)
    return VM_FAULT_WRITE


def wp_page_shared(vma: vm_area_struct, address: int, table: pte_table, pte: int, page: page) -> int:
    """Let a shared file page be written, once its file system agrees: mm/memory.c:wp_page_shared (v4.4)."""
    if vma.vm_ops and vma.vm_ops.page_mkwrite:
        tmp = do_page_mkwrite(vma, page, address)
        if tmp & (VM_FAULT_ERROR | VM_FAULT_NOPAGE):
            return tmp
    wp_page_reuse(vma, address, table, pte)
    set_page_dirty(page)
    return VM_FAULT_WRITE


def wp_page_copy(vma: vm_area_struct, address: int, table: pte_table, old_page: page | None) -> int:
    """Copy the page and map the copy, writable: mm/memory.c:wp_page_copy (v4.4).

    The old page is held meanwhile: making room for the copy may have taken it out of the page table. Then the access is
    tried again.
    """
    if not anon_vma_prepare(vma):
        return VM_FAULT_OOM
    pte = table[pte_index(address)]
    if old_page is not None:
        get_page(old_page)
    try:
        new_page = alloc_page(vma.vm_mm.machine)
        if new_page is None:
            return VM_FAULT_OOM
        if table[pte_index(address)] != pte:
            put_page(new_page)
            return 0
        copy_user_page(new_page, old_page)
        if old_page is not None:
            vma.vm_mm.rss_stat[mm_counter(old_page)] -= 1
            page_remove_rmap(old_page)
            put_page(old_page)
        do_set_pte(vma, address, new_page, table, write=True, anon=True)
        if old_page is not None and vma.vm_flags & VM_LOCKED:
            munlock_vma_page(old_page)
        return VM_FAULT_WRITE
    finally:
        if old_page is not None:
            put_page(old_page)


# ── fork ────────────────────────────────────────────────────────────────────────────────────────────────────


def copy_page_range(child: vm_area_struct, vma: vm_area_struct) -> None:
    """Give a child's VMA its parent's PTEs, write-protecting what both will see: mm/memory.c, same name (v4.4).

    Where the VMA has no anonymous pages nothing is copied: faults find the file's pages again.
    """
    if vma.anon_vma is None:
        return
    for table, first, last in pte_ranges(vma.vm_mm, vma.vm_start, vma.vm_end):
        copy_pte_range(child, vma, table, first, last)


def copy_pte_range(child: vm_area_struct, vma: vm_area_struct, table: pte_table, first: int, last: int) -> None:
    """Copy what there is of entries first … last-1 of one page table: mm/memory.c:copy_pte_range (v4.4).

    A private writable page becomes read-only in both: the first of the two to store will copy it.
    """
    copy, rss_stat = None, child.vm_mm.rss_stat
    cow = vma.vm_flags & (VM_SHARED | VM_MAYWRITE) == VM_MAYWRITE
    keep = ~(_PAGE_ACCESSED | _PAGE_DIRTY if vma.vm_flags & VM_SHARED else _PAGE_ACCESSED)
    for i in range(first, last):
        pte = table[i]
        if pte_none(pte):
            continue
        if copy is None:
            copy = pte_alloc_map(child.vm_mm, table.start)
        if cow and pte & _PAGE_RW:
            pte = table[i] = pte & ~_PAGE_RW
        page = vm_normal_page(vma, pte)
        if page is not None:
            get_page(page)
            page_dup_rmap(page)
            rss_stat[MM_ANONPAGES if PageAnon(page) else mm_counter_file(page)] += 1
        copy[i] = pte & keep


# ── the entrance ────────────────────────────────────────────────────────────────────────────────────────────


def handle_pte_fault(vma: vm_area_struct, address: int, table: pte_table | None, flags: int) -> int:
    """Mend what the PTE lacks: a page, or leave to write: mm/memory.c:handle_pte_fault (v4.4).

    A file's fault makes the page table (None: there is none) only when it has a page (4.10; until then at once).
    """
    pte = 0 if table is None else table[pte_index(address)]
    if table is None or pte_none(pte):
        if vma.vm_ops is None:
            return do_anonymous_page(vma, address, pte_alloc_map(vma.vm_mm, address), flags)
        return do_fault(vma, address, flags)
    if flags & FAULT_FLAG_WRITE and not pte_write(pte):
        return do_wp_page(vma, address, table, pte)
    raise KernelBug(f"handle_pte_fault: {pte:#x} at {address:#x} already allows the access")


def handle_mm_fault(mm: mm_struct, vma: vm_area_struct, address: int, flags: int) -> int:
    """Mend a page fault that the VMA allows; give VM_FAULT_* bits: mm/memory.c:handle_mm_fault (v4.4).

    /proc/vmstat's pgfault counts it, mended or not, but for a fault that is to be tried again (5.9; until then, too).
    """
    ret = handle_pte_fault(vma, address, mm.pgd.get(address >> PMD_SHIFT), flags)
    if not ret & VM_FAULT_RETRY:
        mm.machine.vm_stat[PGFAULT] += 1
    return ret
