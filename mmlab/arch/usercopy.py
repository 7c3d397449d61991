"""The kernel's own accesses to a program's memory: arch/x86/lib/copy_user_64.S, usercopy_64.c (v4.4).

They fault as the program's own do, and count as its own. Where the program would get a signal, the kernel looks up in a
table where to go on (arch/x86/mm/extable.c:fixup_exception), and the copy is short. Python's `except` is that table.
"""

from __future__ import annotations

from ..include.errors import MemoryFault
from ..include.mm import TASK_SIZE
from ..include.mman import PAGE_SIZE, offset_in_page
from ..include.pgtable import _PAGE_PRESENT, pte_offset
from ..include.sched import task_struct
from .cpu import load, store


def access_ok(address: int, size: int) -> bool:
    """Tell whether [address, address + size) can be a program's at all: arch/x86/include/asm/uaccess.h (v4.4)."""
    return address + size <= TASK_SIZE


def copy_to_user(current: task_struct, to: int, data: bytes) -> int:
    """Copy `data` to the program's memory at `to`, page by page; give how many bytes got there: v4.4, same name."""
    done = 0
    try:
        while done < len(data):
            chunk = data[done : done + PAGE_SIZE - offset_in_page(to + done)]
            store(current, to + done, chunk, user=False)
            done += len(chunk)
    except MemoryFault:
        pass
    return done


def copy_from_user(current: task_struct, source: int, count: int) -> bytes:
    """Copy `count` bytes of the program's memory, or as many as there are: v4.4, same name."""
    data = bytearray()
    try:
        while len(data) < count:
            at = source + len(data)
            data += load(current, at, min(count - len(data), PAGE_SIZE - offset_in_page(at)), user=False)
    except MemoryFault:
        pass
    return bytes(data)


def __copy_from_user_inatomic(current: task_struct, source: int, count: int) -> bytes:
    """Copy as copy_from_user does, but only what needs no page fault: v4.4, same name."""
    mapped = 0
    while mapped < count:
        table, i = pte_offset(current.mm.pgd, source + mapped)
        if table is None or not table[i] & _PAGE_PRESENT:
            break
        mapped += PAGE_SIZE - offset_in_page(source + mapped)
    return load(current, source, min(count, mapped))


def fault_in_readable(current: task_struct, address: int, size: int) -> int:
    """Read a byte of each page, so that all are in memory; give how many bytes cannot be: mm/gup.c (5.16)."""
    touched = 0
    try:
        while touched < size:
            load(current, address + touched, 1, user=False)
            touched += PAGE_SIZE - offset_in_page(address + touched)
    except MemoryFault:
        pass
    return max(0, size - touched)
