"""From a page back to its mappings: mm/rmap.c (v4.4)."""

from __future__ import annotations

from ..include.mm import VM_EXEC, VM_READ, VM_WRITE
from ..include.mm_types import PageAnon, PG_swapbacked, anon_vma, page, vm_area_struct, vma_pages
from ..include.mman import PAGE_SHIFT
from ..include.mmzone import NR_ANON_PAGES, NR_FILE_MAPPED
from .slab import anon_vma_cachep, kmem_cache_free, kmem_cache_zalloc


def anon_vma_prepare(vma: vm_area_struct) -> bool:
    """Give the VMA an anon_vma before its first anonymous page; False if there is no memory for one.

    mm/rmap.c:anon_vma_prepare (v4.4). A neighbour's is used where the two could be one VMA.
    """
    if vma.anon_vma is None:
        anon_vma_link(vma, find_mergeable_anon_vma(vma) or kmem_cache_zalloc(anon_vma_cachep, vma.vm_mm.machine))
    return vma.anon_vma is not None


def find_mergeable_anon_vma(vma: vm_area_struct) -> anon_vma | None:
    """Borrow a neighbour's anon_vma, so that the two may merge later: mm/mmap.c:find_mergeable_anon_vma (v4.4)."""
    if vma.vm_next and vma.vm_next.anon_vma and anon_vma_compatible(vma, vma.vm_next):
        return vma.vm_next.anon_vma
    if vma.vm_prev and vma.vm_prev.anon_vma and anon_vma_compatible(vma.vm_prev, vma):
        return vma.vm_prev.anon_vma
    return None


def anon_vma_compatible(a: vm_area_struct, b: vm_area_struct) -> bool:
    """Tell whether a and b, side by side, differ in nothing but protection: mm/mmap.c:anon_vma_compatible (v4.4)."""
    return (
        a.vm_end == b.vm_start
        and a.vm_file is b.vm_file
        and not (a.vm_flags ^ b.vm_flags) & ~(VM_READ | VM_WRITE | VM_EXEC)
        and b.vm_pgoff == a.vm_pgoff + vma_pages(a)
    )


def anon_vma_link(vma: vm_area_struct, anon: anon_vma | None) -> None:
    """Tie the VMA to an anon_vma (None: to none): mm/rmap.c:anon_vma_chain_link (v4.4)."""
    vma.anon_vma = anon
    if anon is not None:
        anon.vmas[vma] = None


def unlink_anon_vmas(vma: vm_area_struct) -> None:
    """Untie the VMA from its anon_vma; the last one to go frees it: mm/rmap.c:unlink_anon_vmas (v4.4)."""
    anon, vma.anon_vma = vma.anon_vma, None
    if anon is not None:
        del anon.vmas[vma]
        if not anon.vmas:
            kmem_cache_free(anon_vma_cachep, vma.vm_mm.machine, anon)


def page_add_new_anon_rmap(page: page, vma: vm_area_struct, address: int) -> None:
    """Make the new page anonymous memory of the VMA, mapped once: mm/rmap.c:page_add_new_anon_rmap (v4.4)."""
    page.mapping = vma.anon_vma
    page.index = ((address - vma.vm_start) >> PAGE_SHIFT) + vma.vm_pgoff
    page.flags |= PG_swapbacked
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
