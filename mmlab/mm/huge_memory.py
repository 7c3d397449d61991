"""Addresses at which 2 MiB of memory could be one huge page: mm/huge_memory.c (6.18).

The simulated machine has no huge pages; but where large mappings go, a program sees.
"""

from __future__ import annotations

from ..arch.sys_x86_64 import arch_get_unmapped_area_topdown
from ..include.fs import file
from ..include.mman import PAGE_SHIFT
from ..include.pgtable import PMD_SIZE
from ..include.sched import task_struct


def thp_get_unmapped_area(
    current: task_struct, file: file | None, addr: int, length: int, pgoff: int, flags: int
) -> int:
    """Choose an address that lies in its 2 MiB as the file offset does in its own, if 2 MiB of the file fit: 4.10.

    Same name; anonymous memory (offset 0) since 6.7.
    """
    offset = pgoff << PAGE_SHIFT
    if offset + length - (offset + PMD_SIZE - 1) // PMD_SIZE * PMD_SIZE >= PMD_SIZE:
        try:
            found = arch_get_unmapped_area_topdown(current.mm, addr, length + PMD_SIZE, flags)
        except OSError:
            found = 0  # there may still be room without the padding
        if found:
            shift = (offset - found) % PMD_SIZE
            return found if found == addr else found + (shift or PMD_SIZE)
    return arch_get_unmapped_area_topdown(current.mm, addr, length, flags)
