"""Where a mapping goes that asks for no address: arch/x86/kernel/sys_x86_64.c (v4.4)."""

from __future__ import annotations

from errno import ENOMEM

from ..include.errors import failure
from ..include.mm import TASK_SIZE
from ..include.mm_types import mm_struct
from ..include.mman import PAGE_ALIGN, PAGE_SIZE
from ..mm.vma import find_vma, vma_below


def arch_get_unmapped_area_topdown(mm: mm_struct, addr: int, length: int) -> int:
    """Honour the hint if that place is free; else take the highest gap below mmap_base that is large enough.

    v4.4, same name. ENOMEM. (v4.4 finds the gap in the tree, by rb_subtree_gap.)
    """
    if addr:
        addr = PAGE_ALIGN(addr)
        vma = find_vma(mm, addr)
        if addr <= TASK_SIZE - length and (vma is None or addr + length <= vma.vm_start):
            return addr
    gap_end, below = mm.mmap_base, vma_below(mm, mm.mmap_base)
    while below is not None and gap_end - below.vm_end < length:
        gap_end, below = below.vm_start, below.vm_prev
    if gap_end - length < PAGE_SIZE:
        raise failure(ENOMEM, "arch_get_unmapped_area_topdown", f"no gap of {length:#x} bytes below mmap_base")
    return gap_end - length
