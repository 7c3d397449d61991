"""What the memory manager says to itself: VM_* flags, fault flags, operations: include/linux/mm.h (v4.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .mman import flag_names
from .pgtable import PAGE_NONE, PAGE_READONLY, PAGE_READONLY_EXEC, PAGE_SHARED, PAGE_SHARED_EXEC

if TYPE_CHECKING:
    from .mm_types import page, vm_area_struct

TASK_SIZE = 0x7FFFFFFFF000  # the end of a program's addresses (bytes)

VM_READ = 0x00000001
VM_WRITE = 0x00000002
VM_EXEC = 0x00000004
VM_SHARED = 0x00000008
VM_MAYREAD = 0x00000010
VM_MAYWRITE = 0x00000020
VM_MAYEXEC = 0x00000040
VM_MAYSHARE = 0x00000080
VM_GROWSDOWN = 0x00000100
VM_DENYWRITE = 0x00000800
VM_LOCKED = 0x00002000
VM_SEQ_READ = 0x00008000
VM_RAND_READ = 0x00010000
VM_DONTCOPY = 0x00020000
VM_LOCKONFAULT = 0x00080000
VM_ACCOUNT = 0x00100000
VM_NORESERVE = 0x00200000
VM_SYNC = 0x00800000
VM_WIPEONFORK = 0x02000000
VM_DONTDUMP = 0x04000000
VM_HUGEPAGE = 0x20000000
VM_NOHUGEPAGE = 0x40000000
VM_MERGEABLE = 0x80000000

VM_NAMES = {
    VM_READ: "READ",
    VM_WRITE: "WRITE",
    VM_EXEC: "EXEC",
    VM_SHARED: "SHARED",
    VM_MAYREAD: "MAYREAD",
    VM_MAYWRITE: "MAYWRITE",
    VM_MAYEXEC: "MAYEXEC",
    VM_MAYSHARE: "MAYSHARE",
    VM_GROWSDOWN: "GROWSDOWN",
    VM_DENYWRITE: "DENYWRITE",
    VM_LOCKED: "LOCKED",
    VM_SEQ_READ: "SEQ_READ",
    VM_RAND_READ: "RAND_READ",
    VM_DONTCOPY: "DONTCOPY",
    VM_LOCKONFAULT: "LOCKONFAULT",
    VM_ACCOUNT: "ACCOUNT",
    VM_NORESERVE: "NORESERVE",
    VM_SYNC: "SYNC",
    VM_WIPEONFORK: "WIPEONFORK",
    VM_DONTDUMP: "DONTDUMP",
    VM_HUGEPAGE: "HUGEPAGE",
    VM_NOHUGEPAGE: "NOHUGEPAGE",
    VM_MERGEABLE: "MERGEABLE",
}

FAULT_FLAG_WRITE = 0x01
FAULT_FLAG_ALLOW_RETRY = 0x04
FAULT_FLAG_TRIED = 0x20

VM_FAULT_OOM = 0x0001
VM_FAULT_SIGBUS = 0x0002
VM_FAULT_MAJOR = 0x0004
VM_FAULT_WRITE = 0x0008
VM_FAULT_NOPAGE = 0x0100
VM_FAULT_LOCKED = 0x0200
VM_FAULT_RETRY = 0x0400
VM_FAULT_ERROR = VM_FAULT_OOM | VM_FAULT_SIGBUS

VM_FAULT_NAMES = {
    VM_FAULT_OOM: "VM_FAULT_OOM",
    VM_FAULT_SIGBUS: "VM_FAULT_SIGBUS",
    VM_FAULT_MAJOR: "VM_FAULT_MAJOR",
    VM_FAULT_WRITE: "VM_FAULT_WRITE",
    VM_FAULT_NOPAGE: "VM_FAULT_NOPAGE",
    VM_FAULT_LOCKED: "VM_FAULT_LOCKED",
    VM_FAULT_RETRY: "VM_FAULT_RETRY",
}

MM_FILEPAGES = "MM_FILEPAGES"
MM_ANONPAGES = "MM_ANONPAGES"
MM_SHMEMPAGES = "MM_SHMEMPAGES"  # since 4.5; 4.4 counted shmem pages in MM_FILEPAGES


@dataclass(slots=True)
class vm_fault:
    """What a fault handler is told, and where it puts its answer (`page`): include/linux/mm.h:struct vm_fault."""

    virtual_address: int
    pgoff: int
    flags: int = 0
    page: page | None = None
    max_pgoff: int = 0

    @property
    def name(self) -> str:
        """The fault's name in traces."""
        return f"vmf:{self.pgoff}…{self.max_pgoff}" if self.max_pgoff else f"vmf:{self.pgoff}"


@dataclass(slots=True, eq=False)
class vm_operations_struct:
    """What a page fault (or the end of a VMA) will call: include/linux/mm.h:struct vm_operations_struct."""

    name: str
    open: Callable[[vm_area_struct], None] | None = None
    close: Callable[[vm_area_struct], None] | None = None
    fault: Callable[[vm_area_struct, vm_fault], int] | None = None
    map_pages: Callable[[vm_area_struct, vm_fault], None] | None = None
    page_mkwrite: Callable[[vm_area_struct, vm_fault], int] | None = None

    def __repr__(self) -> str:
        return self.name


def is_shared_maywrite(vm_flags: int) -> bool:
    """Tell whether the mapping's stores go to its file, now or after an mprotect: include/linux/mm.h (6.7)."""
    return vm_flags & (VM_SHARED | VM_MAYWRITE) == VM_SHARED | VM_MAYWRITE


def vm_flag_names(vm_flags: int) -> str:
    """Spell vm_flags without the VM_ prefix.

    >>> vm_flag_names(VM_READ | VM_MAYREAD | VM_SHARED)
    'READ|SHARED|MAYREAD'
    """
    return flag_names(vm_flags, VM_NAMES)


def vma_has_recency(vma: vm_area_struct) -> bool:
    """Tell whether the use of a page through this VMA promises more; not if it is read once: mm_inline.h (6.3)."""
    return not vma.vm_flags & (VM_SEQ_READ | VM_RAND_READ)


def vm_get_page_prot(vm_flags: int) -> int:
    """Say which PTE bits a page of such a VMA starts with: mm/mmap.c:vm_get_page_prot (v4.4).

    A private writable page starts read-only: the first store faults, and do_wp_page or do_cow_fault copies.
    """
    if not vm_flags & (VM_READ | VM_WRITE | VM_EXEC):
        return PAGE_NONE
    if vm_flags & VM_WRITE and vm_flags & VM_SHARED:
        return PAGE_SHARED_EXEC if vm_flags & VM_EXEC else PAGE_SHARED
    return PAGE_READONLY_EXEC if vm_flags & VM_EXEC else PAGE_READONLY
