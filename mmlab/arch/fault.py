"""A page fault, from the exception to handle_mm_fault or a signal: arch/x86/mm/fault.c (v4.4)."""

from __future__ import annotations

from ..include.errors import BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, BusError, SegmentationFault
from ..include.mm import (
    FAULT_FLAG_ALLOW_RETRY, FAULT_FLAG_TRIED, FAULT_FLAG_WRITE, VM_EXEC, VM_FAULT_ERROR, VM_FAULT_MAJOR, VM_FAULT_OOM,
    VM_FAULT_RETRY, VM_READ, VM_WRITE,
)
from ..include.mm_types import vm_area_struct
from ..include.mman import PAGE_SHIFT
from ..include.sched import task_struct
from ..mm.memory import handle_mm_fault
from ..mm.swap import lru_add_drain
from ..mm.vma import expand_downwards, find_vma

LOADABLE = VM_READ | VM_WRITE | VM_EXEC


def access_error(vma: vm_area_struct, write: bool) -> bool:
    """Tell whether the VMA forbids the access; any of r, w, x lets x86 load: arch/x86/mm/fault.c, same name (v4.4)."""
    return not vma.vm_flags & (VM_WRITE if write else LOADABLE)


def lock_mm_and_find_vma(current: task_struct, address: int, access: str) -> vm_area_struct:
    """Find the VMA of the address, or let the stack above it grow down to it: mm/memory.c (6.5), same name.

    SegmentationFault (SEGV_MAPERR) if neither is possible.
    """
    vma = find_vma(current.mm, address)
    if vma is None:
        raise SegmentationFault(address, access, SEGV_MAPERR, "no VMA covers this address")
    if vma.vm_start > address:
        try:
            expand_downwards(current, vma, address)
        except OSError as refusal:
            reason = f"no VMA covers this address: {refusal.strerror}"
            raise SegmentationFault(address, access, SEGV_MAPERR, reason) from None
    return vma


def do_page_fault(current: task_struct, address: int, write: bool, user: bool) -> None:
    """Mend the fault, or raise the signal it earns: arch/x86/mm/fault.c:__do_page_fault (v4.4).

    SegmentationFault without a VMA (SEGV_MAPERR) or against its permissions (SEGV_ACCERR); BusError past the file.
    A fault that waited for the disk is tried once more; it counts once, as a major one. (A `user` access is tried first
    under the VMA's own lock, since 6.4. So of those tried again, only the kernel's own all count as major.)
    """
    mm, access = current.mm, "store" if write else "load"
    vma = lock_mm_and_find_vma(current, address, access)
    if access_error(vma, write):
        raise SegmentationFault(address, access, SEGV_ACCERR, f"{vma.name} is {vma.perms}")
    flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_WRITE if write else FAULT_FLAG_ALLOW_RETRY
    fault = major = handle_mm_fault(mm, vma, address, flags)
    if fault & VM_FAULT_RETRY:
        flags = flags & ~FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED
        fault = handle_mm_fault(mm, vma, address, flags)
        major |= fault if user else VM_FAULT_MAJOR
    if mm.machine.mlock_fbatch:
        lru_add_drain(mm.machine)
    if fault & VM_FAULT_OOM:
        return pagefault_out_of_memory()
    if fault & VM_FAULT_ERROR:
        mm_fault_error(vma, address, access)
    if major & VM_FAULT_MAJOR:
        current.maj_flt += 1
    else:
        current.min_flt += 1


def pagefault_out_of_memory() -> None:
    """Have the access tried again: mm/oom_kill.c, same name (5.16).

    Some small object could not be had. Whoever lacked a frame has seen to it that one became free, or is dead. (Until
    5.15 this killed a process, too.)
    """


def mm_fault_error(vma: vm_area_struct, address: int, access: str) -> None:
    """Raise the signal for a fault that cannot be mended: arch/x86/mm/fault.c:mm_fault_error (v4.4)."""
    size = vma.vm_file.f_mapping.host.i_size if vma.vm_file else 0
    reason = f"{vma.name} goes on past the last page of its file ({size} bytes)"
    if vma.vm_ops is None:
        reason = f"{vma.name} is shared, but its file has given it no vm_ops"
    elif (vma.vm_pgoff << PAGE_SHIFT) + address - vma.vm_start < size:
        reason = f"no block for this page of the file of {vma.name}"
    raise BusError(address, access, BUS_ADRERR, reason)
