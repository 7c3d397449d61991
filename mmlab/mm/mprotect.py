"""mprotect: what a program may do with its memory: mm/mprotect.c (v4.4)."""

from __future__ import annotations

from errno import EACCES, EINVAL, ENOMEM

from ..include.errors import failure
from ..include.mm import VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_NORESERVE, VM_READ, VM_SHARED, VM_WRITE
from ..include.mm_types import PageAnon, PG_anon_exclusive, vm_area_struct
from ..include.mman import (
    PAGE_ALIGN, PAGE_SHIFT, PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE, offset_in_page,
)
from ..include.pgtable import _PAGE_RW, pte_dirty, pte_modify, pte_none, pte_table
from ..include.sched import task_struct
from .gup import populate_vma_page_range
from .memory import pte_ranges, vm_normal_page
from .mmap import calc_vm_prot_bits, vma_set_page_prot, vma_wants_writenotify
from .util import vm_enough_memory, vm_unacct_memory
from .vma import find_vma, over_limit, vm_stat_account, vma_modify

RWX = VM_READ | VM_WRITE | VM_EXEC


def sys_mprotect(current: task_struct, start: int, length: int, prot: int) -> None:
    """Change the protection of [start, start + length), VMA by VMA: v4.4, same name.

    EINVAL unaligned or with an unknown prot; ENOMEM at a hole, EACCES where a VMA may not: what precedes is changed.
    """
    grows, prot = prot & (PROT_GROWSDOWN | PROT_GROWSUP), prot & ~(PROT_GROWSDOWN | PROT_GROWSUP)
    if grows == PROT_GROWSDOWN | PROT_GROWSUP:
        raise failure(EINVAL, "sys_mprotect", "PROT_GROWSDOWN and PROT_GROWSUP")
    if offset_in_page(start):
        raise failure(EINVAL, "sys_mprotect", f"start = {start:#x} is not page-aligned")
    end = start + (PAGE_ALIGN(length) & 2**64 - 1)
    if length and not start < end < 2**64:
        raise failure(ENOMEM, "sys_mprotect", f"start = {start:#x} + len = {length:#x} wraps around")
    if length and prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM):
        raise failure(EINVAL, "sys_mprotect", f"prot = {prot:#x} has unknown bits")
    vma = find_vma(current.mm, start)
    if grows and start < end:
        start = stack_start(vma, start, end, grows)
    while start < end:
        if vma is None or vma.vm_start > start:
            raise failure(ENOMEM, "sys_mprotect", f"nothing is mapped at {start:#x}")
        newflags = calc_vm_prot_bits(prot) | vma.vm_flags & ~RWX
        if newflags & ~(newflags >> 4) & RWX:  # VM_READ asks for VM_MAYREAD, and so on: the bits are 4 apart
            raise failure(EACCES, "sys_mprotect", f"{vma.name} may not become so: a VM_MAY* bit is missing")
        upto = min(vma.vm_end, end)
        vma = mprotect_fixup(current, vma, start, upto, newflags)
        start, vma = upto, vma if vma.vm_end > upto else vma.vm_next


def stack_start(vma: vm_area_struct | None, start: int, end: int, grows: int) -> int:
    """Say where the stack begins that PROT_GROWSDOWN means; PROT_GROWSUP finds none on x86: in sys_mprotect (v4.4).

    ENOMEM at a hole, EINVAL where there is no stack.
    """
    if vma is None or vma.vm_start >= (end if grows == PROT_GROWSDOWN else start + 1):
        raise failure(ENOMEM, "sys_mprotect", f"nothing is mapped at {start:#x}")
    if grows != PROT_GROWSDOWN or not vma.vm_flags & VM_GROWSDOWN:
        raise failure(EINVAL, "sys_mprotect", f"{vma.name} does not grow that way")
    return vma.vm_start


def mprotect_fixup(
    current: task_struct, vma: vm_area_struct, start: int, end: int, newflags: int
) -> vm_area_struct:
    """Give [start, end), within one VMA, new flags; give the VMA that holds it now: v4.4, same name. ENOMEM.

    Memory that becomes private and writable is promised now; that of untouched anonymous memory that no longer is, is
    taken back (6.7).
    """
    oldflags, pages = vma.vm_flags, (end - start) >> PAGE_SHIFT
    if newflags == oldflags:
        return vma
    over = over_limit(current, newflags, pages) if newflags & VM_WRITE else ""
    if over and not over_limit(current, oldflags, pages):  # it becomes data
        raise failure(ENOMEM, "mprotect_fixup", over)
    charged = newflags & VM_WRITE and not oldflags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE)
    if charged:
        vm_enough_memory(current.machine, pages)
        newflags |= VM_ACCOUNT
    elif oldflags & VM_ACCOUNT and not newflags & VM_WRITE and vma.vm_ops is None and vma.anon_vma is None:
        newflags &= ~VM_ACCOUNT
    try:
        vma = vma_modify(current.mm, vma, start, end, newflags)
    except OSError:
        vm_unacct_memory(current.machine, pages if charged else 0)
        raise
    vm_stat_account(vma.vm_mm, oldflags, -pages)
    vm_stat_account(vma.vm_mm, newflags, pages)
    vma_set_page_prot(vma)
    change_protection(vma, start, end)
    if oldflags & ~newflags & VM_ACCOUNT:
        vm_unacct_memory(current.machine, pages)
    if oldflags & (VM_WRITE | VM_SHARED | VM_LOCKED) == VM_LOCKED and newflags & VM_WRITE:
        populate_vma_page_range(current, vma, start, end, retry=0)  # locked memory is copied now, not at a store
    return vma


def change_protection(vma: vm_area_struct, start: int, end: int) -> None:
    """Give the PTEs of [start, end) the VMA's protection: v4.4, same name."""
    for table, first, last in pte_ranges(vma.vm_mm, start, end):
        change_pte_range(vma, table, first, last)


def change_pte_range(vma: vm_area_struct, table: pte_table, first: int, last: int) -> None:
    """Give entries first … last-1 of one page table the VMA's protection: v4.4, same name."""
    for i in range(first, last):
        if not pte_none(table[i]):
            pte = pte_modify(table[i], vma.vm_page_prot)
            table[i] = pte | _PAGE_RW if can_change_pte_writable(vma, pte) else pte


def can_change_pte_writable(vma: vm_area_struct, pte: int) -> bool:
    """Tell whether the next store would only find that no copy is needed, so that it need not fault: 6.0, same name.

    A private page may be writable if it is anonymous and nobody else's; a shared one if it is dirty already.
    """
    if not vma.vm_flags & VM_WRITE:
        return False
    if vma.vm_flags & VM_SHARED:
        return vma_wants_writenotify(vma) and pte_dirty(pte)
    page = vm_normal_page(vma, pte)
    return page is not None and PageAnon(page) and bool(page.flags & PG_anon_exclusive)
