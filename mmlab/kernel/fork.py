"""A process begins: kernel/fork.c (v4.4)."""

from __future__ import annotations

from ..fs.binfmt_elf import mm_alloc, mmput
from ..fs.proc import proc_pid_instantiate
from ..include.array import array
from ..include.fs import deny_write_access, get_file
from ..include.mm import VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED, VM_LOCKONFAULT, VM_WIPEONFORK
from ..include.mm_types import get_mm_rss, mm_struct, vm_area_struct, vma_pages
from ..include.mmzone import machine
from ..include.sched import task_struct
from ..mm.memory import copy_page_range
from ..mm.rmap import anon_vma_fork
from ..mm.slab import kmem_cache_free, vm_area_cachep
from ..mm.util import vm_enough_memory, vm_unacct_memory
from ..mm.vma import Place, find_vma_links, vm_area_dup, vm_stat_account, vma_link


def create_task(machine: machine, comm: str, mm: mm_struct) -> task_struct:
    """Make a process with this memory, and its /proc/PID: kernel/fork.c:copy_process (v4.4), in part."""
    task = task_struct(machine, comm, mm)
    machine.tasks[task.pid] = task
    proc_pid_instantiate(task)
    return task


def do_fork(current: task_struct) -> task_struct:
    """Make a child with a copy of the process's memory and its open files: v4.4, same name. ENOMEM."""
    child = create_task(current.machine, current.comm, dup_mm(current))
    child.uid = current.uid
    child.rlim = array(f"{child.name}.rlim", current.rlim.items())
    for fd, file in current.files.items():
        child.files[fd] = get_file(file)
    return child


def dup_mm(current: task_struct) -> mm_struct:
    """Copy an address space: v4.4, same name. ENOMEM, and then nothing is left of the copy."""
    old, mm = current.mm, mm_alloc(current.machine, current.comm)
    for field in ("mmap_base", "start_code", "end_code", "start_data", "end_data", "start_brk", "brk", "start_stack"):
        setattr(mm, field, getattr(old, field))
    if old.exe_file:
        mm.exe_file = get_file(old.exe_file)
        deny_write_access(mm.exe_file)
    try:
        dup_mmap(mm, old)
    except OSError:
        mmput(mm)
        raise
    mm.hiwater_vm, mm.hiwater_rss = mm.total_vm, get_mm_rss(mm)
    return mm


def dup_mmap(mm: mm_struct, old: mm_struct) -> None:
    """Copy each VMA, but those that madvise(MADV_DONTFORK) keeps back: v4.4, same name. ENOMEM."""
    vma = old.mmap
    while vma is not None:
        if not vma.vm_flags & VM_DONTCOPY:
            dup_vma(mm, vma)
        vma = vma.vm_next


def dup_vma(mm: mm_struct, vma: vm_area_struct) -> None:
    """Copy one VMA with its PTEs; locks are not inherited: the loop of kernel/fork.c:dup_mmap (v4.4). ENOMEM."""
    charge = vma_pages(vma) if vma.vm_flags & VM_ACCOUNT else 0
    if charge:
        vm_enough_memory(mm.machine, charge)
    try:
        child = vm_area_dup(vma, mm)
        try:
            if not vma.vm_flags & VM_WIPEONFORK:
                anon_vma_fork(child, vma)
        except OSError:
            kmem_cache_free(vm_area_cachep, mm.machine, child)
            raise
    except OSError:
        vm_unacct_memory(mm.machine, charge)
        raise
    child.vm_flags &= ~(VM_LOCKED | VM_LOCKONFAULT)
    if child.vm_file:
        get_file(child.vm_file)
    if child.vm_ops and child.vm_ops.open:
        child.vm_ops.open(child)
    place: Place = find_vma_links(mm, child.vm_start, child.vm_end)  # type: ignore[assignment]
    vma_link(mm, child, place)
    vm_stat_account(mm, child.vm_flags, vma_pages(child))
    if not vma.vm_flags & VM_WIPEONFORK:
        copy_page_range(child, vma)
