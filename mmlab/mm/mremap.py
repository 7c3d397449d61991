"""mremap: a mapping grows, shrinks or moves, and its pages with it: mm/mremap.c (v4.4; the order of checks of 6.17)."""

from __future__ import annotations

from errno import EAGAIN, EFAULT, EINVAL, ENOMEM

from ..include.errors import failure
from ..include.fs import get_file
from ..include.mm import TASK_SIZE, VM_ACCOUNT, VM_LOCKED, VM_LOCKONFAULT, VM_MAYSHARE, VM_SHARED
from ..include.mm_types import vm_area_struct, vma_pages
from ..include.mman import (
    MAP_FIXED, MAP_SHARED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE, PAGE_ALIGN, PAGE_SHIFT, PAGE_SIZE,
    offset_in_page,
)
from ..include.pgtable import PMD_SIZE, pte_index, pte_none
from ..include.sched import RLIMIT_MEMLOCK, task_struct
from .gup import mm_populate
from .huge_memory import thp_get_unmapped_area
from .memory import pte_alloc_map, pte_tables
from .mmap import do_munmap, get_unmapped_area
from .rmap import anon_vma_clone, unlink_anon_vmas
from .util import vm_enough_memory, vm_unacct_memory
from .vma import (
    Place, find_vma, find_vma_links, may_expand_vm, vm_area_dup, vm_stat_account, vma_adjust, vma_link, vma_merge,
)

FLAGS = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP


def sys_mremap(current: task_struct, addr: int, old_len: int, new_len: int, flags: int, new_addr: int) -> int:
    """Give the mapping at `addr` another length, and with MREMAP_MAYMOVE perhaps another address: v4.4, same name.

    Lengths in bytes. EINVAL; EFAULT where nothing (or not one VMA) is mapped; ENOMEM if it cannot grow here. An
    `old_len` of 0 makes a second mapping of a shared one.
    """
    old_len, new_len = PAGE_ALIGN(old_len), PAGE_ALIGN(new_len)
    check_mremap_params(current, addr, old_len, new_len, flags, new_addr)
    vma = find_vma(current.mm, addr)
    if vma is None or vma.vm_start > addr:
        raise failure(EFAULT, "vma_to_resize", f"nothing is mapped at {addr:#x}")
    if flags & MREMAP_FIXED and old_len == new_len:
        return remap_move(current, vma, addr, old_len, flags, new_addr)
    moves = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)
    if moves or new_len > old_len:
        vma_to_resize(current, vma, addr, old_len, new_len)
    if moves:
        return mremap_to(current, vma, addr, old_len, new_len, flags, new_addr)
    if new_len <= old_len:
        if new_len < old_len:
            do_munmap(current.mm, addr + new_len, old_len - new_len)
        return addr
    if old_len and addr + old_len == vma.vm_end and expand_in_place(current, vma, addr + new_len):
        return addr
    if not flags & MREMAP_MAYMOVE:
        raise failure(ENOMEM, "sys_mremap", f"{vma.name} cannot grow in place, and MREMAP_MAYMOVE is not set")
    return move_vma(current, vma, addr, old_len, new_len, new_place(current, vma, addr, new_len, 0, 0), flags)


def check_mremap_params(
    current: task_struct, addr: int, old_len: int, new_len: int, flags: int, new_addr: int
) -> None:
    """Refuse arguments that cannot be: 6.17, same name. EINVAL; ENOMEM close to max_map_count."""
    fixed = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)
    checks = {
        f"flags = {flags:#x} has unknown bits": flags & ~FLAGS,
        f"addr = {addr:#x} is not page-aligned": offset_in_page(addr),
        f"new_len = {new_len:#x}": not 0 < new_len <= TASK_SIZE,
        f"new_addr = {new_addr:#x}": fixed and (new_addr > TASK_SIZE - new_len or offset_in_page(new_addr)),
        "a new address needs MREMAP_MAYMOVE": fixed and not flags & MREMAP_MAYMOVE,
        "MREMAP_DONTUNMAP, and the lengths differ": flags & MREMAP_DONTUNMAP and old_len != new_len,
        "the old and the new place overlap": fixed
        and addr + old_len > new_addr
        and new_addr + new_len > addr,
    }
    for what, wrong in checks.items():
        if wrong:
            raise failure(EINVAL, "check_mremap_params", what)
    if fixed and current.mm.map_count + 2 >= current.machine.sysctl_max_map_count - 3:
        raise failure(ENOMEM, "check_mremap_params", f"map_count = {current.mm.map_count} is close to max_map_count")


def vma_to_resize(current: task_struct, vma: vm_area_struct, addr: int, old_len: int, new_len: int) -> None:
    """Refuse what such a VMA cannot do: v4.4, same name. EINVAL, EFAULT, EAGAIN, ENOMEM."""
    if not old_len and not vma.vm_flags & (VM_SHARED | VM_MAYSHARE):
        raise failure(EINVAL, "vma_to_resize", f"old_len = 0, and {vma.name} is not shared")
    if min(old_len, new_len) > vma.vm_end - addr:
        raise failure(EFAULT, "vma_to_resize", f"old_len = {old_len:#x} goes on past {vma.name}")
    if new_len <= old_len:
        return
    grown = (new_len - old_len) >> PAGE_SHIFT
    locked, limit = current.mm.locked_vm + grown, current.rlim[RLIMIT_MEMLOCK] >> PAGE_SHIFT
    if vma.vm_flags & VM_LOCKED and locked > limit and current.uid != 0:
        raise failure(EAGAIN, "mlock_future_check", f"{locked} locked pages > RLIMIT_MEMLOCK = {limit} pages")
    may_expand_vm(current, TASK_SIZE, new_len - old_len, vma.vm_flags)


def expand_in_place(current: task_struct, vma: vm_area_struct, end: int) -> bool:
    """Let the VMA grow to `end`, if that is free (and merge with what then follows): vma_expandable and on (v4.4)."""
    mm, start, pages = current.mm, vma.vm_end, (end - vma.vm_end) >> PAGE_SHIFT
    if end > TASK_SIZE or find_vma_links(mm, start, end) is None:
        return False
    if vma.vm_flags & VM_ACCOUNT:
        vm_enough_memory(mm.machine, pages)
    pgoff = vma.vm_pgoff + vma_pages(vma)
    if vma_merge(mm, vma, start, end, vma.vm_flags, vma.vm_file, pgoff, vma) is None:
        vma_adjust(vma, vma.vm_start, end, vma.vm_pgoff)  # a VMA that never merges may still grow
    vm_stat_account(mm, vma.vm_flags, pages)
    if vma.vm_flags & VM_LOCKED:
        mm.locked_vm += pages
        mm_populate(current, vma, start, end)
    return True


def remap_move(
    current: task_struct, vma: vm_area_struct | None, addr: int, length: int, flags: int, new_addr: int
) -> int:
    """Move all that [addr, addr + length) maps, with the gaps between, to `new_addr`: 6.17, same name.

    Until then one VMA at a time, and EFAULT past its end; so still where files choose their addresses themselves.
    """
    done, end = addr, addr + length
    while vma is not None and max(vma.vm_start, done) < end:
        start, upto = max(vma.vm_start, done), min(vma.vm_end, end)
        if not vma_multi_allowed(vma) and (start > addr or upto < end):
            raise failure(EFAULT, "remap_move", f"{vma.name} is not all of the range, and moves only alone")
        vma_to_resize(current, vma, start, upto - start, upto - start)
        mremap_to(current, vma, start, upto - start, upto - start, flags, new_addr + start - addr)
        done, vma = upto, find_vma(current.mm, upto)
    return new_addr


def vma_multi_allowed(vma: vm_area_struct) -> bool:
    """Tell whether such a VMA may move together with others: 6.17, same name. Not where its file may say otherwise."""
    choose = vma.vm_file.f_op.get_unmapped_area if vma.vm_file else None
    return choose in (None, thp_get_unmapped_area)


def mremap_to(
    current: task_struct, vma: vm_area_struct, addr: int, old_len: int, new_len: int, flags: int, new_addr: int
) -> int:
    """Move the mapping to `new_addr`, over what is there: v4.4, same name."""
    if flags & MREMAP_FIXED:
        do_munmap(current.mm, new_addr, new_len)
    if old_len > new_len:
        do_munmap(current.mm, addr + new_len, old_len - new_len)
        old_len = new_len
    if flags & MREMAP_DONTUNMAP:
        may_expand_vm(current, TASK_SIZE, new_len, vma.vm_flags)
    new_addr = new_place(current, vma, addr, new_len, new_addr, MAP_FIXED if flags & MREMAP_FIXED else 0)
    left = find_vma(current.mm, addr)
    if left is None or left.vm_start > addr:
        raise failure(EFAULT, "mremap_to", f"{vma.name} was unmapped to make room for itself")
    return move_vma(current, left, addr, old_len, new_len, new_addr, flags)


def new_place(
    current: task_struct, vma: vm_area_struct, addr: int, length: int, new_addr: int, map_flags: int
) -> int:
    """Choose (or, with MAP_FIXED, check) where the mapping goes: vrm_set_new_addr (6.17)."""
    pgoff = vma.vm_pgoff + ((addr - vma.vm_start) >> PAGE_SHIFT)
    map_flags |= MAP_SHARED if vma.vm_flags & VM_MAYSHARE else 0
    return get_unmapped_area(current, vma.vm_file, new_addr, length, pgoff, map_flags)


def move_vma(
    current: task_struct, vma: vm_area_struct, addr: int, old_len: int, new_len: int, new_addr: int, flags: int
) -> int:
    """Make the VMA anew at `new_addr`, move its PTEs there, and unmap the old place: v4.4, same name. ENOMEM."""
    mm, pages, vm_flags, stays = current.mm, new_len >> PAGE_SHIFT, vma.vm_flags, flags & MREMAP_DONTUNMAP
    if mm.map_count >= mm.machine.sysctl_max_map_count - 3:
        raise failure(ENOMEM, "move_vma", f"map_count = {mm.map_count} is close to max_map_count")
    charge, going = (pages, 0 if stays else old_len >> PAGE_SHIFT) if vm_flags & VM_ACCOUNT else (0, 0)
    if vm_flags & VM_ACCOUNT:
        vm_enough_memory(mm.machine, charge - going)
        mm.machine.vm_committed_as += going
    try:
        new = copy_vma(vma, addr, new_addr, new_len)
    except OSError:
        vm_unacct_memory(mm.machine, charge)
        raise
    move_page_tables(vma, addr, new, new_addr, old_len)
    hiwater_vm = mm.hiwater_vm
    vm_stat_account(mm, vm_flags, pages)
    if vm_flags & VM_LOCKED:
        mm.locked_vm += pages
    if stays:
        dontunmap_complete(new if new.vm_start <= addr < new.vm_end else vma, addr, old_len)
    elif old_len:
        do_munmap(mm, addr, old_len)
    mm.hiwater_vm = hiwater_vm  # that both places counted for a moment does not count
    if vm_flags & VM_LOCKED and new_len > old_len:
        mm_populate(current, find_vma(mm, new_addr + old_len), new_addr + old_len, new_addr + new_len)
    return new_addr


def copy_vma(vma: vm_area_struct, addr: int, new_addr: int, length: int) -> vm_area_struct:
    """Make a VMA of `length` bytes at `new_addr` that goes on as `vma` does from `addr`: mm/mmap.c:copy_vma (v4.4).

    Private anonymous memory keeps its vm_pgoff, unless it was never touched: then that is its address again, so that
    it can merge with its new neighbours. ENOMEM.
    """
    mm, pgoff = vma.vm_mm, vma.vm_pgoff + ((addr - vma.vm_start) >> PAGE_SHIFT)
    if vma.vm_ops is None and vma.anon_vma is None:
        pgoff = new_addr >> PAGE_SHIFT
    place: Place = find_vma_links(mm, new_addr, new_addr + length)  # type: ignore[assignment]
    new = vma_merge(mm, place[0], new_addr, new_addr + length, vma.vm_flags, vma.vm_file, pgoff, vma)
    if new is not None:
        if new.anon_vma is None and vma.anon_vma is not None:
            anon_vma_clone(new, vma)
            new.anon_vma = vma.anon_vma
        return new
    new = vm_area_dup(vma, mm)
    new.vm_start, new.vm_end, new.vm_pgoff = new_addr, new_addr + length, pgoff
    anon_vma_clone(new, vma)
    new.anon_vma = vma.anon_vma
    if new.vm_file:
        get_file(new.vm_file)
    if new.vm_ops and new.vm_ops.open:
        new.vm_ops.open(new)
    vma_link(mm, new, place)
    return new


def move_page_tables(vma: vm_area_struct, addr: int, new: vm_area_struct, new_addr: int, length: int) -> None:
    """Move the PTEs of `length` bytes; the pages stay where they are in memory: v4.4, same name."""
    mm = vma.vm_mm
    for table in pte_tables(mm, addr, addr + length) if length else ():
        first, end = max(addr, table.start), min(addr + length, table.start + PMD_SIZE)
        for there in (first, end - 1):  # even if there is nothing to move
            pte_alloc_map(mm, new_addr + there - addr)
        for address in range(first, end, PAGE_SIZE):
            i, there = pte_index(address), new_addr + address - addr
            if not pte_none(table[i]):
                pte, table[i] = table[i], 0
                pte_alloc_map(mm, there)[pte_index(there)] = pte


def dontunmap_complete(vma: vm_area_struct, addr: int, length: int) -> None:
    """Leave the old VMA behind, empty and unlocked: MREMAP_DONTUNMAP (5.7), this name since 6.15.

    Where the new VMA has merged with the old one, all of it is unlocked. Linux forgets to uncount the pages: VmLck of
    /proc/PID/status stays too high, and RLIMIT_MEMLOCK is met sooner.
    """
    if vma.vm_flags & VM_LOCKED:
        vma.vm_mm.locked_left += vma_pages(vma)
        vma.vm_flags &= ~(VM_LOCKED | VM_LOCKONFAULT)
    if (vma.vm_start, vma.vm_end) == (addr, addr + length):
        unlink_anon_vmas(vma)
