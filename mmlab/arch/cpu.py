"""Loads and stores: what the hardware does before and after a page fault.

The processor knows nothing of VMAs. It walks the page table; an entry that is present and allows the access is used,
and marked accessed (and dirty); any other raises a page fault, after which the access is tried again.
"""

from __future__ import annotations

from ..include.highmem import page_bytes, write_page_bytes
from ..include.mm_types import page
from ..include.mman import PAGE_SIZE
from ..include.pgtable import _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_PRESENT, _PAGE_RW, PMD_SHIFT, pte_index, pte_pfn
from ..include.sched import task_struct
from .fault import do_page_fault

# what the PTE of such an access must have, and what the access marks it with
LOAD = _PAGE_PRESENT, _PAGE_ACCESSED
STORE = _PAGE_PRESENT | _PAGE_RW, _PAGE_ACCESSED | _PAGE_DIRTY


def translate(current: task_struct, address: int, write: bool, user: bool = True) -> page:
    """Give the page that an access by the program (`user`) or by the kernel reaches, faulting as often as it takes."""
    needed, marks = STORE if write else LOAD
    while True:
        table = current.mm.pgd.get(address >> PMD_SHIFT)
        if table is not None:
            pte = table[pte_index(address)]
            if pte & needed == needed:
                if pte & marks != marks:
                    table[pte_index(address)] = pte | marks
                return current.machine.mem_map[pte_pfn(pte)]
        do_page_fault(current, address, write, user)


def load(current: task_struct, address: int, count: int, user: bool = True) -> bytes:
    """Read `count` bytes of the process's memory, page by page."""
    out, end = [], address + count
    while address < end:
        start = address % PAGE_SIZE
        upto = min(start + end - address, PAGE_SIZE)
        out.append(page_bytes(translate(current, address, False, user), start, upto))
        address += upto - start
    return b"".join(out)


def store(current: task_struct, address: int, data: bytes, user: bool = True) -> None:
    """Write `data` to the process's memory, page by page; what precedes a fault stays written."""
    done = 0
    while done < len(data):
        start = address % PAGE_SIZE
        chunk = data[done : done + PAGE_SIZE - start]
        write_page_bytes(translate(current, address, True, user), start, chunk)
        done += len(chunk)
        address += len(chunk)
