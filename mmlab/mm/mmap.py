"""mmap and munmap: how a range of addresses gets a meaning, and loses it: mm/mmap.c (v4.4).

    sys_mmap → do_mmap → get_unmapped_area
                       → mmap_region → vma_merge, or: file->f_op->mmap, vma_link
    sys_munmap → do_munmap → split_vma, detach_vmas_to_be_unmapped, unmap_region, remove_vma_list
"""

from __future__ import annotations

import stat
from errno import EACCES, EEXIST, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM
from typing import Any

from ..arch.sys_x86_64 import arch_get_unmapped_area_topdown
from ..fs.file_table import fget, fput
from ..include.errors import failure
from ..include.fs import (
    FMODE_READ, FMODE_WRITE, MAX_LFS_FILESIZE, allow_write_access, deny_write_access, file, file_inode, get_file,
    mapping_map_writable, mapping_unmap_writable,
)
from ..include.mm import (
    TASK_SIZE, VM_ACCOUNT, VM_DENYWRITE, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE,
    VM_MAYWRITE, VM_NOHUGEPAGE, VM_NORESERVE, VM_READ, VM_SHARED, VM_SYNC, VM_WRITE, is_shared_maywrite,
    vm_get_page_prot,
)
from ..include.mm_types import mm_struct, vm_area_struct, vma_pages
from ..include.mman import (
    MAP_32BIT, MAP_ABOVE4G, MAP_ANONYMOUS, MAP_DENYWRITE, MAP_EXECUTABLE, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_GROWSDOWN,
    MAP_HUGE_1GB, MAP_HUGE_2MB, MAP_HUGETLB, MAP_LOCKED, MAP_NONBLOCK, MAP_NORESERVE, MAP_POPULATE, MAP_PRIVATE,
    MAP_SHARED, MAP_SHARED_VALIDATE, MAP_STACK, MAP_SYNC, MAP_TYPE, MAP_UNINITIALIZED, PAGE_ALIGN, PAGE_MASK,
    PAGE_SHIFT, PAGE_SIZE, PROT_EXEC, PROT_READ, PROT_WRITE, map_names, offset_in_page,
)
from ..include.mmzone import OVERCOMMIT_NEVER
from ..include.pgtable import _PAGE_RW, PMD_SIZE
from ..include.sched import RLIMIT_DATA, task_struct
from .gup import mm_populate
from .huge_memory import thp_get_unmapped_area
from .memfd import memfd_check_seals_mmap
from .memory import free_pgtables, unmap_vmas
from .mlock import can_do_mlock
from .rmap import unlink_anon_vmas
from .shmem import shmem_zero_setup
from .slab import kmem_cache_free, kmem_cache_zalloc, vm_area_cachep
from .swap import lru_add_drain
from .util import vm_enough_memory, vm_unacct_memory
from .vma import (
    __vma_unlink, count_vma_pages_range, find_vma, find_vma_links, may_expand_vm, mlock_future_check, remove_vma,
    split_vma, unlink_file_vma, vm_start_gap, vm_stat_account, vma_below, vma_link, vma_merge,
)

VM_DATA_DEFAULT_FLAGS = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC
VM_STACK_FLAGS = VM_GROWSDOWN | VM_DATA_DEFAULT_FLAGS | VM_ACCOUNT
ULONG_MAX = 2**64 - 1
LEGACY_MAP_MASK = (  # the flags that MAP_SHARED_VALIDATE knows: include/linux/mman.h (4.15)
    (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_UNINITIALIZED)
    | (MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB)
    | (MAP_32BIT | MAP_ABOVE4G | MAP_HUGE_2MB | MAP_HUGE_1GB)
)


class Labels(list[tuple[Any, ...]]):
    """What undoes the steps of mmap_region, as its labels do: (function, its arguments …) for each step."""

    name = "labels"


# ── choosing addresses ──────────────────────────────────────────────────────────────────────────────────────


def get_unmapped_area(
    current: task_struct, file: file | None, addr: int, length: int, pgoff: int, flags: int
) -> int:
    """Choose (or, with MAP_FIXED, check) the address of a mapping of `length` bytes: v4.4, same name.

    Some files have a say in it; private memory in whole 2 MiB is aligned to 2 MiB (6.7).
    ENOMEM if it does not fit below TASK_SIZE; EINVAL for an unaligned, EPERM for a too low fixed address.
    """
    if length > TASK_SIZE:
        raise failure(ENOMEM, "get_unmapped_area", f"len = {length:#x} > TASK_SIZE = {TASK_SIZE:#x}")
    if flags & MAP_FIXED:
        pass
    elif file is not None and file.f_op.get_unmapped_area:
        addr = file.f_op.get_unmapped_area(current, file, addr, length, pgoff, flags)
    elif file is None and not flags & MAP_SHARED and not addr and length % PMD_SIZE == 0:
        addr = thp_get_unmapped_area(current, None, 0, length, 0, flags)
    else:
        addr = arch_get_unmapped_area_topdown(current.mm, addr, length, flags)
    if addr > TASK_SIZE - length:
        raise failure(ENOMEM, "get_unmapped_area", f"{addr:#x} + {length:#x} > TASK_SIZE = {TASK_SIZE:#x}")
    if offset_in_page(addr):
        raise failure(EINVAL, "get_unmapped_area", f"addr = {addr:#x} is not a multiple of {PAGE_SIZE}")
    if addr < current.machine.mmap_min_addr and current.uid != 0:
        raise failure(EPERM, "cap_mmap_addr", f"{addr:#x} < mmap_min_addr = {current.machine.mmap_min_addr:#x}")
    return addr


# ── mmap ────────────────────────────────────────────────────────────────────────────────────────────────────


def sys_mmap(current: task_struct, addr: int, length: int, prot: int, flags: int, fd: int, offset: int) -> int:
    """Map a file or memory; give the address: arch/x86/kernel/sys_x86_64.c:sys_mmap, mm/mmap.c:sys_mmap_pgoff (v4.4).

    `length` and `offset` in bytes. EINVAL for an offset within a page, EBADF for a closed fd.
    """
    if offset_in_page(offset):
        raise failure(EINVAL, "sys_mmap", f"offset = {offset} is not a multiple of {PAGE_SIZE}")
    file = None if flags & MAP_ANONYMOUS else fget(current, fd, "sys_mmap_pgoff")
    if flags & MAP_HUGETLB and file:
        raise failure(EINVAL, "sys_mmap_pgoff", "MAP_HUGETLB, but the file is not of hugetlbfs")
    if flags & MAP_HUGETLB:
        raise failure(ENOMEM, "sys_mmap_pgoff", "MAP_HUGETLB, and no huge pages are reserved")
    flags &= ~(MAP_EXECUTABLE | MAP_DENYWRITE)
    return vm_mmap_pgoff(current, file, addr, length, prot, flags, offset >> PAGE_SHIFT)


def vm_mmap_pgoff(
    current: task_struct, file: file | None, addr: int, length: int, prot: int, flags: int, pgoff: int
) -> int:
    """Call do_mmap and, if asked to, fault the pages in at once: mm/util.c:vm_mmap_pgoff (v4.4)."""
    addr = do_mmap(current, file, addr, length, prot, flags, pgoff)
    if flags & MAP_LOCKED or flags & (MAP_POPULATE | MAP_NONBLOCK) == MAP_POPULATE:
        mm_populate(current, find_vma(current.mm, addr), addr, addr + PAGE_ALIGN(length))
    return addr


def do_mmap(
    current: task_struct, file: file | None, addr: int, length: int, prot: int, flags: int, pgoff: int
) -> int:
    """Check the arguments, choose the address, work out vm_flags, and call mmap_region: v4.4, same name.

    `length` in bytes, `pgoff` in pages. The kernel's caller holds mmap_sem for writing.
    """
    mm = current.mm
    if not length:
        raise failure(EINVAL, "do_mmap", "len = 0")
    if flags & MAP_FIXED_NOREPLACE:
        flags |= MAP_FIXED
    if not flags & MAP_FIXED:
        addr = round_hint_to_min(current, addr)
    length = PAGE_ALIGN(length) & ULONG_MAX
    if not length:
        raise failure(ENOMEM, "do_mmap", "len, rounded up to pages, wraps around to 0")
    if pgoff + (length >> PAGE_SHIFT) >= 2**64:
        raise failure(EOVERFLOW, "do_mmap", f"pgoff = {pgoff:#x} + {length >> PAGE_SHIFT:#x} pages wraps around")
    if mm.map_count > current.machine.sysctl_max_map_count:
        limit = current.machine.sysctl_max_map_count
        raise failure(ENOMEM, "do_mmap", f"map_count = {mm.map_count} > max_map_count = {limit}")
    addr = get_unmapped_area(current, file, addr, length, pgoff, flags)
    if flags & MAP_FIXED_NOREPLACE and find_vma_links(mm, addr, addr + length) is None:
        raise failure(EEXIST, "do_mmap", f"MAP_FIXED_NOREPLACE, and {addr:x}-{addr + length:x} is not free")
    vm_flags = calc_vm_prot_bits(prot) | calc_vm_flag_bits(flags) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC
    if flags & MAP_LOCKED:
        can_do_mlock(current)
    mlock_future_check(current, vm_flags, length)
    if file is not None:
        vm_flags = file_vm_flags(file, prot, flags, vm_flags, pgoff, length)
    else:
        vm_flags, pgoff = anon_vm_flags(flags, vm_flags, addr)
    if flags & MAP_NORESERVE and current.machine.sysctl_overcommit_memory != OVERCOMMIT_NEVER:
        vm_flags |= VM_NORESERVE
    return mmap_region(current, file, addr, length, vm_flags, pgoff)


def round_hint_to_min(current: task_struct, hint: int) -> int:
    """Round a hint down to its page, but not below mmap_min_addr; 0 stays 0, no hint: v4.4, same name."""
    hint &= PAGE_MASK
    return PAGE_ALIGN(current.machine.mmap_min_addr) if 0 < hint < current.machine.mmap_min_addr else hint


def calc_vm_prot_bits(prot: int) -> int:
    """Turn PROT_* into VM_*: include/linux/mman.h:calc_vm_prot_bits (v4.4)."""
    return (
        (VM_READ if prot & PROT_READ else 0)
        | (VM_WRITE if prot & PROT_WRITE else 0)
        | (VM_EXEC if prot & PROT_EXEC else 0)
    )


def calc_vm_flag_bits(flags: int) -> int:
    """Turn MAP_* into VM_*: include/linux/mman.h:calc_vm_flag_bits (v4.4).

    VM_DENYWRITE ended with 5.15; MAP_STACK means VM_NOHUGEPAGE since 6.8, and until then nothing; VM_SYNC is of 4.15.
    """
    return (
        (VM_GROWSDOWN if flags & MAP_GROWSDOWN else 0)
        | (VM_DENYWRITE if flags & MAP_DENYWRITE else 0)
        | (VM_LOCKED if flags & MAP_LOCKED else 0)
        | (VM_NOHUGEPAGE if flags & MAP_STACK else 0)
        | (VM_SYNC if flags & MAP_SYNC else 0)
    )


def file_vm_flags(file: file, prot: int, flags: int, vm_flags: int, pgoff: int, length: int) -> int:
    """Check what the open file allows, and work out vm_flags: the first switch of mm/mmap.c:do_mmap (v4.4)."""
    end = (pgoff << PAGE_SHIFT) + length
    if end > file_mmap_size_max(file):
        raise failure(EOVERFLOW, "file_mmap_ok", f"offset + len = {end:#x} > {file_mmap_size_max(file):#x}")
    kind, writable = flags & MAP_TYPE, file.f_mode & FMODE_WRITE
    if kind not in (MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE):
        raise failure(EINVAL, "do_mmap", f"flags = {map_names(flags)}: neither MAP_SHARED nor MAP_PRIVATE")
    if kind == MAP_SHARED_VALIDATE and flags & ~(LEGACY_MAP_MASK | file.f_op.mmap_supported_flags):
        raise failure(EOPNOTSUPP, "do_mmap", f"MAP_SHARED_VALIDATE with unknown flags: {map_names(flags)}")
    if kind != MAP_PRIVATE:
        if prot & PROT_WRITE and not writable:
            raise failure(EACCES, "do_mmap", "MAP_SHARED with PROT_WRITE, but f_mode has no FMODE_WRITE")
        vm_flags |= VM_MAYSHARE | (VM_SHARED if writable else 0)
        if not writable:
            vm_flags &= ~VM_MAYWRITE
    if not file.f_mode & FMODE_READ:
        raise failure(EACCES, "do_mmap", "f_mode has no FMODE_READ: every mapping must be able to read")
    if file_inode(file).i_sb.s_type.noexec:
        if vm_flags & VM_EXEC:
            raise failure(EPERM, "do_mmap", "PROT_EXEC, but the file system is mounted noexec")
        vm_flags &= ~VM_MAYEXEC
    if file.f_op.mmap is None:
        raise failure(ENODEV, "do_mmap", f"{file.f_op.name}.mmap is NULL: such a file cannot be mapped")
    if vm_flags & VM_GROWSDOWN:
        raise failure(EINVAL, "do_mmap", "MAP_GROWSDOWN with a file")
    return memfd_check_seals_mmap(file, vm_flags)


def file_mmap_size_max(file: file) -> int:
    """Say how far (bytes) such a file could be mapped; a device uses offsets as it likes: v4.18, same name."""
    mode = file_inode(file).i_mode
    return MAX_LFS_FILESIZE if stat.S_ISREG(mode) or stat.S_ISBLK(mode) else ULONG_MAX


def anon_vm_flags(flags: int, vm_flags: int, addr: int) -> tuple[int, int]:
    """Work out vm_flags and vm_pgoff without a file: the second switch of mm/mmap.c:do_mmap (v4.4).

    Private anonymous memory takes addr >> 12 as its offset: neighbours then continue each other and can merge.
    """
    if flags & MAP_TYPE == MAP_PRIVATE:
        return vm_flags, addr >> PAGE_SHIFT
    if flags & MAP_TYPE != MAP_SHARED or vm_flags & VM_GROWSDOWN:
        raise failure(EINVAL, "do_mmap", f"flags = {map_names(flags)}: neither MAP_SHARED nor MAP_PRIVATE memory")
    return vm_flags | VM_SHARED | VM_MAYSHARE, 0


def accountable_mapping(vm_flags: int) -> bool:
    """Tell whether the mapping may need memory of its own: private and writable: v4.4, same name."""
    return vm_flags & (VM_NORESERVE | VM_SHARED | VM_WRITE) == VM_WRITE


def mmap_region(
    current: task_struct, file: file | None, addr: int, length: int, vm_flags: int, pgoff: int
) -> int:
    """Build the VMA for [addr, addr + length) and link it; give its address: v4.4, same name.

    Every step that must be undone when a later one fails leaves its undoing on `labels`; on failure they run in
    reverse. They are the kernel's labels: unmap_and_free_vma, allow_write_and_free_vma, free_vma, unacct_error.
    """
    mm, pages = current.mm, length >> PAGE_SHIFT
    labels = Labels()
    place = find_vma_links(mm, addr, addr + length)
    if place is None:  # since 6.12 the old maps are cut first, and stay so if the new one is refused
        vms_gather_munmap_vmas(mm, find_vma(mm, addr), addr, addr + length)  # type: ignore[arg-type]
    may_expand_vm(current, addr, length, vm_flags)
    try:
        if accountable_mapping(vm_flags):  # since 6.12 this comes before the old maps go
            replaced = 0 if place else count_vma_pages_range(mm, addr, addr + length, VM_ACCOUNT)
            vm_enough_memory(mm.machine, pages, replaced)
            labels.append((vm_unacct_memory, mm.machine, pages))  # unacct_error:
            vm_flags |= VM_ACCOUNT
        while place is None:  # clear old maps
            do_munmap(mm, addr, length)
            place = find_vma_links(mm, addr, addr + length)
        vma = vma_merge(mm, place[0], addr, addr + length, vm_flags, file, pgoff)
        if vma is None:
            vma = build_vma(mm, file, addr, length, vm_flags, pgoff, labels)
            vma_link(mm, vma, place)
            if file is not None:
                undo_temporary_denial(file, vm_flags)
    except BaseException:
        for undo, *arguments in reversed(labels):
            undo(*arguments)
        raise
    vm_stat_account(mm, vm_flags, pages)
    if vm_flags & VM_LOCKED:
        mm.locked_vm += pages
    vma_set_page_prot(vma)
    return addr


def build_vma(
    mm: mm_struct, file: file | None, addr: int, length: int, vm_flags: int, pgoff: int, labels: Labels
) -> vm_area_struct:
    """Make a VMA and let its file (or shared memory) set it up: the middle of mm/mmap.c:mmap_region (v4.4).

    ENOMEM without memory for it; ETXTBSY of deny_write_access; EPERM of mapping_map_writable; what f_op->mmap says.
    """
    vma: vm_area_struct | None = kmem_cache_zalloc(vm_area_cachep, mm.machine)
    if vma is None:
        raise failure(ENOMEM, "mmap_region", "no memory for a vm_area_struct")
    labels.append((kmem_cache_free, vm_area_cachep, mm.machine, vma))  # free_vma:
    vma.vm_mm = mm
    vma.vm_start = addr
    vma.vm_end = addr + length
    vma.vm_flags = vm_flags
    vma.vm_page_prot = vm_get_page_prot(vm_flags)
    vma.vm_pgoff = pgoff
    if file is not None:
        if vm_flags & VM_DENYWRITE:
            deny_write_access(file)
            labels.append((allow_write_access, file))  # allow_write_and_free_vma:
        if is_shared_maywrite(vm_flags):
            mapping_map_writable(file.f_mapping)
            labels.append((mapping_unmap_writable, file.f_mapping))
        vma.vm_file = get_file(file)
        labels.append((unmap_and_free_vma, vma, file))  # unmap_and_free_vma:
        file.f_op.mmap(file, vma)  # type: ignore[misc]
    elif vm_flags & VM_SHARED:
        shmem_zero_setup(vma)
    return vma


def unmap_and_free_vma(vma: vm_area_struct, file: file) -> None:
    """Undo what a failed f_op->mmap has left: the label of this name in mm/mmap.c:mmap_region (v4.4)."""
    vma.vm_file = None
    fput(file)
    unmap_region(vma.vm_mm, [vma], vma.vm_start, vma.vm_end, vma_below(vma.vm_mm, vma.vm_start))


def undo_temporary_denial(file: file, vm_flags: int) -> None:
    """Drop the counts that guarded the build: vma_link took the VMA's own: mm/mmap.c:mmap_region (v4.4)."""
    if is_shared_maywrite(vm_flags):
        mapping_unmap_writable(file.f_mapping)
    if vm_flags & VM_DENYWRITE:
        allow_write_access(file)


def vma_wants_writenotify(vma: vm_area_struct) -> bool:
    """Tell whether the file wants to hear of the first store to each page: v4.4, same name."""
    shared_writable = vma.vm_flags & (VM_WRITE | VM_SHARED) == VM_WRITE | VM_SHARED
    return shared_writable and bool(vma.vm_ops and vma.vm_ops.page_mkwrite)


def vma_set_page_prot(vma: vm_area_struct) -> None:
    """Start PTEs read-only where the first store must fault: v4.4, same name."""
    vma.vm_page_prot = vm_get_page_prot(vma.vm_flags)
    if vma_wants_writenotify(vma):
        vma.vm_page_prot &= ~_PAGE_RW


# ── munmap and exit ─────────────────────────────────────────────────────────────────────────────────────────


def sys_munmap(current: task_struct, addr: int, length: int) -> None:
    """Unmap [addr, addr + length): mm/mmap.c:sys_munmap, vm_munmap (v4.4). EINVAL, ENOMEM. Holes are fine."""
    do_munmap(current.mm, addr, length)


def do_munmap(mm: mm_struct, start: int, length: int) -> None:
    """Unmap [start, start + length), cutting the VMAs at its ends: v4.4, same name.

    EINVAL for an unaligned start, length 0 or past TASK_SIZE; ENOMEM when cutting would make one VMA too many.
    """
    if offset_in_page(start) or start > TASK_SIZE or length > TASK_SIZE - start or not PAGE_ALIGN(length):
        raise failure(EINVAL, "do_munmap", f"start = {start:#x}, len = {length:#x}")
    end = start + PAGE_ALIGN(length)
    vma = find_vma(mm, start)
    if vma is None or vma.vm_start >= end:
        return
    prev = vms_gather_munmap_vmas(mm, vma, start, end)
    detached = detach_vmas_to_be_unmapped(mm, prev.vm_next if prev else mm.mmap, end)
    unmap_region(mm, detached, start, end, prev)
    for vma in detached:
        remove_vma_accounted(mm, vma)


def vms_gather_munmap_vmas(mm: mm_struct, vma: vm_area_struct, start: int, end: int) -> vm_area_struct | None:
    """Cut the VMAs at the ends of [start, end), `vma` being the first; give the one before: in do_munmap (v4.4).

    This name since 6.12. ENOMEM when cutting would make one VMA too many.
    """
    prev = vma.vm_prev
    if start > vma.vm_start:
        if end < vma.vm_end and mm.map_count >= mm.machine.sysctl_max_map_count:
            raise failure(ENOMEM, "do_munmap", f"a hole in {vma.name} would make more than max_map_count VMAs")
        split_vma(mm, vma, start, new_below=False)
        prev = vma
    last = find_vma(mm, end)
    if last is not None and last.vm_start < end:
        split_vma(mm, last, end, new_below=True)
    return prev


def detach_vmas_to_be_unmapped(mm: mm_struct, vma: vm_area_struct | None, end: int) -> list[vm_area_struct]:
    """Take the VMAs below `end` out of the list and the tree: v4.4, same name."""
    detached = []
    while vma is not None and vma.vm_start < end:
        __vma_unlink(mm, vma)
        detached.append(vma)
        vma = vma.vm_next
    detached[-1].vm_next = None
    return detached


def unmap_region(
    mm: mm_struct, vmas: list[vm_area_struct], start: int, end: int, prev: vm_area_struct | None
) -> None:
    """Clear the PTEs of detached VMAs, tell their files, and free the page tables nobody needs: v4.4, same name."""
    unmap_vmas(vmas[0], start, end)
    lru_add_drain(mm.machine)
    for vma in vmas:
        unlink_anon_vmas(vma)
        unlink_file_vma(vma)
    following = prev.vm_next if prev else mm.mmap
    free_pgtables(mm, start, end, prev.vm_end if prev else 0, following.vm_start if following else 2**64)


def remove_vma_accounted(mm: mm_struct, vma: vm_area_struct) -> None:
    """Uncount the VMA's pages and let it go: mm/mmap.c:remove_vma_list (v4.4)."""
    mm.hiwater_vm = max(mm.hiwater_vm, mm.total_vm)
    vm_stat_account(mm, vma.vm_flags, -vma_pages(vma))
    if vma.vm_flags & VM_LOCKED:
        mm.locked_vm -= vma_pages(vma)
    if vma.vm_flags & VM_ACCOUNT:
        vm_unacct_memory(mm.machine, vma_pages(vma))
    remove_vma(vma)


def exit_mmap(mm: mm_struct) -> None:
    """Unmap everything, at the end of the process: v4.4, same name. (It may be killed while pages are being locked.)"""
    if mm.machine.mlock_fbatch:
        lru_add_drain(mm.machine)
    if mm.mmap is not None:
        do_munmap(mm, 0, TASK_SIZE)


# ── brk ─────────────────────────────────────────────────────────────────────────────────────────────────────


def sys_brk(current: task_struct, brk: int) -> int:
    """Move the end of the heap to `brk`; give the new end, or the old one if that cannot be: v4.4, same name."""
    mm = current.mm
    old, new = PAGE_ALIGN(mm.brk), PAGE_ALIGN(brk)
    following = find_vma(mm, old)
    if brk < mm.start_brk or brk - mm.start_brk + mm.end_data - mm.start_data > current.rlim[RLIMIT_DATA]:
        return mm.brk
    if new > old and following and new + PAGE_SIZE > vm_start_gap(following):
        return mm.brk
    if new < old and find_vma_links(mm, new, old) is not None:  # nothing is there to unmap (6.1; before: no matter)
        return mm.brk
    try:
        if new < old:
            do_munmap(mm, new, old - new)
        elif new > old:
            get_unmapped_area(current, None, old, new - old, 0, MAP_FIXED)
            mmap_region(current, None, old, new - old, VM_DATA_DEFAULT_FLAGS, old >> PAGE_SHIFT)
    except OSError:
        return mm.brk
    mm.brk = brk
    return brk
