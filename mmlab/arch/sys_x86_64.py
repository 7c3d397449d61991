"""Where a mapping goes that asks for no address: arch/x86/kernel/sys_x86_64.c (v4.4; what newer kernels added by name).

    arch_get_unmapped_area_topdown → unmapped_area_topdown       the highest gap below mmap_base
                                   → arch_get_unmapped_area      if there is none: the lowest gap above a third of all
"""

from __future__ import annotations

from errno import ENOMEM

from ..include.errors import failure
from ..include.mm import TASK_SIZE
from ..include.mm_types import mm_struct
from ..include.mman import MAP_32BIT, MAP_ABOVE4G, PAGE_ALIGN, PAGE_MASK, PAGE_SIZE
from ..mm.vma import find_vma, unmapped_area, unmapped_area_topdown, vm_start_gap

TASK_UNMAPPED_BASE = PAGE_ALIGN(TASK_SIZE // 3)  # where the search upwards begins
MAP_32BIT_RANGE = 0x40000000, 0x80000000
SZ_4G = 1 << 32


def hint_is_free(mm: mm_struct, addr: int, length: int) -> bool:
    """Tell whether [addr, addr + length) is free, and no guard gap of a stack: the hint's test in both searches."""
    vma = find_vma(mm, addr)
    return addr + length <= TASK_SIZE and (vma is None or addr + length <= vm_start_gap(vma))


def arch_get_unmapped_area_topdown(mm: mm_struct, addr: int, length: int, flags: int) -> int:
    """Honour the hint if that place is free; else take the highest gap below mmap_base that is large enough.

    v4.4, same name. ENOMEM. MAP_32BIT searches the first 2 GiB upwards; MAP_ABOVE4G leaves the first 4 GiB out (6.6).
    """
    if flags & MAP_32BIT:
        return arch_get_unmapped_area(mm, addr, length, flags)
    if addr and hint_is_free(mm, addr & PAGE_MASK, length):
        return addr & PAGE_MASK
    low = SZ_4G if flags & MAP_ABOVE4G else PAGE_SIZE
    found = unmapped_area_topdown(mm, length, low, mm.mmap_base)
    return arch_get_unmapped_area(mm, addr, length, flags) if found is None else found


def arch_get_unmapped_area(mm: mm_struct, addr: int, length: int, flags: int) -> int:
    """Honour the hint, or take the lowest gap that is large enough: v4.4, same name. ENOMEM."""
    begin, end = MAP_32BIT_RANGE if flags & MAP_32BIT else (TASK_UNMAPPED_BASE, TASK_SIZE)
    if length > end:
        raise failure(ENOMEM, "arch_get_unmapped_area", f"len = {length:#x} > {end:#x}")
    if addr and PAGE_ALIGN(addr) + length <= end and hint_is_free(mm, PAGE_ALIGN(addr), length):
        return PAGE_ALIGN(addr)
    found = unmapped_area(mm, length, begin, end)
    if found is None:
        raise failure(ENOMEM, "arch_get_unmapped_area", f"no gap of {length:#x} bytes in {begin:#x} … {end:#x}")
    return found
