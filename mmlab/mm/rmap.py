"""From a page back to its mappings: mm/rmap.c (v4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from errno import ENOMEM

from ..include.errors import failure
from ..include.mm import (
    MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, VM_EXEC, VM_LOCKED, VM_READ, VM_SHARED, VM_WRITE, vma_has_recency,
)
from ..include.mm_types import (
    PageAnon, PG_anon_exclusive, PG_dirty, PG_swapbacked, anon_vma, page, page_mapcount, vm_area_struct, vma_pages,
)
from ..include.mman import PAGE_SHIFT
from ..include.mmzone import NR_ANON_PAGES, NR_FILE_MAPPED
from ..include.pgtable import (
    _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_RW, pte_dirty, pte_offset, pte_pfn, pte_table, pte_young,
)
from .page_alloc import put_page
from .slab import anon_vma_cachep, kmem_cache_free, kmem_cache_zalloc


def anon_vma_prepare(vma: vm_area_struct) -> bool:
    """Give the VMA an anon_vma before its first anonymous page; False if there is no memory for one.

    mm/rmap.c:anon_vma_prepare (v4.4). A neighbour's is used where the two could be one VMA.
    """
    if vma.anon_vma is None:
        vma.anon_vma = find_mergeable_anon_vma(vma) or kmem_cache_zalloc(anon_vma_cachep, vma.vm_mm.machine)
        if vma.anon_vma is not None:
            anon_vma_chain_link(vma, vma.anon_vma)
    return vma.anon_vma is not None


def find_mergeable_anon_vma(vma: vm_area_struct) -> anon_vma | None:
    """Borrow a neighbour's anon_vma, so that the two may merge later: mm/mmap.c:find_mergeable_anon_vma (v4.4)."""
    for near, a, b in ((vma.vm_next, vma, vma.vm_next), (vma.vm_prev, vma.vm_prev, vma)):
        if near and a and b and len(near.anon_vma_chain) == 1 and anon_vma_compatible(a, b):
            return near.anon_vma
    return None


def anon_vma_compatible(a: vm_area_struct, b: vm_area_struct) -> bool:
    """Tell whether a and b, side by side, differ in nothing but protection: mm/mmap.c:anon_vma_compatible (v4.4)."""
    return (
        a.vm_end == b.vm_start
        and a.vm_file is b.vm_file
        and not (a.vm_flags ^ b.vm_flags) & ~(VM_READ | VM_WRITE | VM_EXEC)
        and b.vm_pgoff == a.vm_pgoff + vma_pages(a)
    )


def anon_vma_chain_link(vma: vm_area_struct, anon: anon_vma) -> None:
    """Tie the VMA to an anon_vma, one of whose pages it may map: mm/rmap.c:anon_vma_chain_link (v4.4)."""
    vma.anon_vma_chain += (anon,)
    anon.vmas[vma] = True


def anon_vma_clone(vma: vm_area_struct, source: vm_area_struct) -> None:
    """Tie the VMA to all that `source` is tied to, since it maps the same pages: mm/rmap.c:anon_vma_clone (v4.4)."""
    for anon in source.anon_vma_chain:
        anon_vma_chain_link(vma, anon)


def anon_vma_fork(vma: vm_area_struct, parent: vm_area_struct) -> None:
    """Tie a child's VMA to its parent's anon_vmas, and to one of its own for new pages: mm/rmap.c, same name (v4.4).

    ENOMEM.
    """
    if parent.anon_vma is None:
        return
    anon_vma_clone(vma, parent)
    vma.anon_vma = kmem_cache_zalloc(anon_vma_cachep, vma.vm_mm.machine)
    if vma.anon_vma is None:
        unlink_anon_vmas(vma)
        raise failure(ENOMEM, "anon_vma_fork", "no memory for an anon_vma")
    anon_vma_chain_link(vma, vma.anon_vma)


def unlink_anon_vmas(vma: vm_area_struct) -> None:
    """Untie the VMA from its anon_vmas; the last one to go frees each: mm/rmap.c:unlink_anon_vmas (v4.4)."""
    chain, vma.anon_vma_chain, vma.anon_vma = vma.anon_vma_chain, (), None
    for anon in chain:
        del anon.vmas[vma]
        if not anon.vmas:
            kmem_cache_free(anon_vma_cachep, vma.vm_mm.machine, anon)


def page_add_new_anon_rmap(page: page, vma: vm_area_struct, address: int) -> None:
    """Make the new page anonymous memory of the VMA, mapped once: mm/rmap.c:page_add_new_anon_rmap (v4.4)."""
    page.mapping = vma.anon_vma
    page.index = ((address - vma.vm_start) >> PAGE_SHIFT) + vma.vm_pgoff
    page.flags |= PG_swapbacked | PG_anon_exclusive
    page._mapcount = 0
    page.machine.vm_stat[NR_ANON_PAGES] += 1


def page_add_file_rmap(page: page) -> None:
    """Count one more PTE of a file's page; the first one counts in Mapped: mm/rmap.c:page_add_file_rmap (v4.4)."""
    page._mapcount += 1
    if page._mapcount == 0:
        page.machine.vm_stat[NR_FILE_MAPPED] += 1


def page_remove_rmap(page: page) -> None:
    """Uncount a PTE; the last one leaves Mapped or AnonPages: mm/rmap.c:page_remove_rmap (v4.4)."""
    page._mapcount -= 1
    if page._mapcount < 0:
        page.machine.vm_stat[NR_ANON_PAGES if PageAnon(page) else NR_FILE_MAPPED] -= 1


def page_dup_rmap(page: page) -> None:
    """Count one more PTE of a page that is mapped already, as fork does: include/linux/rmap.h:page_dup_rmap (v4.4).

    An anonymous page is nobody's own from here on: the next store to it copies.
    """
    page._mapcount += 1
    page.flags &= ~PG_anon_exclusive


def page_mkclean(page: page) -> bool:
    """Take the dirty bit and the right to store from every shared PTE of a file's page; True if one was dirty.

    mm/rmap.c:page_mkclean (v4.4). The next store to it will fault, and be heard of (page_mkwrite).
    """
    cleaned = False
    for vma in page.mapping.i_mmap:  # type: ignore[union-attr]
        address = vma.vm_start + ((page.index - vma.vm_pgoff) << PAGE_SHIFT)
        if not vma.vm_flags & VM_SHARED or not vma.vm_start <= address < vma.vm_end:
            continue
        table, i = pte_offset(vma.vm_mm.pgd, address)
        if table is not None and table[i] & (_PAGE_DIRTY | _PAGE_RW):
            cleaned = cleaned or pte_dirty(table[i])
            table[i] &= ~(_PAGE_DIRTY | _PAGE_RW)
    return cleaned


# ── what reclaim asks ───────────────────────────────────────────────────────────────────────────────────────


def rmap_walk(page: page) -> Iterator[tuple[vm_area_struct, pte_table, int]]:
    """Give each PTE that maps the page: its VMA, its table, its index: v4.4, same name.

    A file knows the VMAs that map it, an anon_vma those that may map its pages; each VMA knows where page `index` is.
    """
    for vma in tuple(page.mapping.vmas if isinstance(page.mapping, anon_vma) else page.mapping.i_mmap):  # type: ignore[union-attr]
        address = vma.vm_start + ((page.index - vma.vm_pgoff) << PAGE_SHIFT)
        if vma.vm_start <= address < vma.vm_end:
            table, i = pte_offset(vma.vm_mm.pgd, address)
            if table is not None and pte_pfn(table[i]) == page.pfn:
                yield vma, table, i


def page_mlocked(page: page) -> bool:
    """Tell whether a locked VMA maps the page: what its flag PG_mlocked says, once lru_add_drain has noted it there."""
    if page._mapcount < 0 or not any(task.mm.locked_vm for task in page.machine.tasks.values()):
        return False
    return any(vma.vm_flags & VM_LOCKED for vma, _, _ in rmap_walk(page))


def page_referenced(page: page) -> tuple[int, int]:
    """Count the PTEs through which the page was used since the last time, and forget it: v4.4, same name.

    Give with it the flags of their VMAs. Use through a VMA that is read once only does not count (6.3).
    """
    referenced = vm_flags = 0
    for vma, table, i in rmap_walk(page):
        if vma.vm_flags & VM_LOCKED:
            return 1, VM_LOCKED
        if pte_young(table[i]) and vma_has_recency(vma):
            table[i] &= ~_PAGE_ACCESSED
            referenced, vm_flags = referenced + 1, vm_flags | vma.vm_flags
    return referenced, vm_flags


def try_to_unmap(page: page) -> bool:
    """Take the page out of every page table; False if one must keep it: v4.4, same name."""
    return all(try_to_unmap_one(page, vma, table, i) for vma, table, i in rmap_walk(page))


def try_to_unmap_one(page: page, vma: vm_area_struct, table: pte_table, i: int) -> bool:
    """Clear one PTE of the page, and hand its dirt to the page: v4.4, same name. False if it must stay.

    Given-up anonymous memory (MADV_FREE) that was written since then stays, and is like any other from now on.
    """
    if vma.vm_flags & VM_LOCKED:
        return False
    if pte_dirty(table[i]):
        if PageAnon(page):
            page.flags |= PG_dirty
        else:
            page.mapping.a_ops.set_page_dirty(page)  # type: ignore[union-attr, misc]
    if PageAnon(page) and page.flags & PG_dirty:
        page.flags |= PG_swapbacked
        return False
    if PageAnon(page) and page._count != page_mapcount(page) + 1:
        return False
    table[i] = 0
    of_a_file = MM_SHMEMPAGES if page.flags & PG_swapbacked else MM_FILEPAGES
    vma.vm_mm.rss_stat[MM_ANONPAGES if PageAnon(page) else of_a_file] -= 1
    page_remove_rmap(page)
    put_page(page)
    return True
