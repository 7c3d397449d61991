"""msync: what was stored to a shared mapping goes to the disk: mm/msync.c (v4.4)."""

from __future__ import annotations

from errno import EBUSY, EINVAL, ENOMEM

from ..fs.sync import vfs_fsync_range
from ..include.errors import failure
from ..include.mm import VM_LOCKED, VM_SHARED
from ..include.mman import MS_ASYNC, MS_INVALIDATE, MS_SYNC, PAGE_ALIGN, PAGE_SHIFT, offset_in_page
from ..include.sched import task_struct
from .vma import find_vma

MS_FLAGS = MS_ASYNC | MS_INVALIDATE | MS_SYNC


def sys_msync(current: task_struct, start: int, length: int, flags: int) -> None:
    """Write back what [start, start + length) shows of files, with MS_SYNC; MS_ASYNC does nothing: v4.4, same name.

    EINVAL; EBUSY for MS_INVALIDATE of locked memory; ENOMEM if there was a hole (the rest is done).
    """
    if flags & ~MS_FLAGS or (flags & MS_ASYNC and flags & MS_SYNC):
        raise failure(EINVAL, "sys_msync", f"flags = {flags:#x}")
    if offset_in_page(start):
        raise failure(EINVAL, "sys_msync", f"start = {start:#x} is not page-aligned")
    end, hole = start + (PAGE_ALIGN(length) & 2**64 - 1), False
    if end >= 2**64:
        raise failure(ENOMEM, "sys_msync", f"start = {start:#x} + len = {length:#x} wraps around")
    while start < end:
        vma = find_vma(current.mm, start)
        if vma is None or vma.vm_start > start:
            hole = True
            if vma is None or vma.vm_start >= end:
                break
            start = vma.vm_start
        if flags & MS_INVALIDATE and vma.vm_flags & VM_LOCKED:
            raise failure(EBUSY, "sys_msync", f"MS_INVALIDATE, and {vma.name} is locked")
        if flags & MS_SYNC and vma.vm_file and vma.vm_flags & VM_SHARED:
            at = (vma.vm_pgoff << PAGE_SHIFT) + start - vma.vm_start
            vfs_fsync_range(vma.vm_file, at, at + min(vma.vm_end, end) - start)
        start = vma.vm_end
    if hole:
        raise failure(ENOMEM, "sys_msync", "a part of the range is not mapped")
