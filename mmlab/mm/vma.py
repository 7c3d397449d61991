"""VMAs: finding, counting, growing, merging, cutting them: mm/mmap.c (v4.4; the kernel made it mm/vma.c in 6.12)."""

from __future__ import annotations

from errno import EAGAIN, EFAULT, ENOMEM, EPERM

from ..fs.file_table import fput
from ..include.errors import failure
from ..include.fs import file, file_inode, get_file
from ..include.mm import (
    TASK_SIZE, VM_ACCOUNT, VM_DENYWRITE, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_READ, VM_SHARED, VM_WRITE,
    is_shared_maywrite,
)
from ..include.mm_types import mm_struct, vm_area_struct, vma_pages
from ..include.mman import PAGE_ALIGN, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE
from ..include.sched import RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK, task_struct
from ..lib.rbtree import rb_erase, rb_insert_color, rb_link_node
from .rmap import anon_vma_clone, anon_vma_prepare, unlink_anon_vmas
from .slab import kmem_cache_free, kmem_cache_zalloc, vm_area_cachep
from .util import vm_enough_memory, vm_unacct_memory

stack_guard_gap = 256 * PAGE_SIZE  # bytes kept free below a stack, so that two of them never meet (4.12)

Place = tuple[vm_area_struct | None, vm_area_struct | None, bool]  # where a VMA goes: prev, rb_parent, is left child

# ── finding, linking and unlinking ──────────────────────────────────────────────────────────────────────────


def find_vma(mm: mm_struct, addr: int) -> vm_area_struct | None:
    """Find the first VMA that ends after `addr` (it may also start after it): v4.4, same name."""
    vma, found = mm.mm_rb.rb_node, None
    while vma is not None:
        if vma.vm_end > addr:
            found = vma
            if vma.vm_start <= addr:
                break
            vma = vma.rb_left
        else:
            vma = vma.rb_right
    return found


def find_vma_links(mm: mm_struct, addr: int, end: int) -> Place | None:
    """Find where a VMA for [addr, end) goes; None if something is mapped there already: v4.4, same name."""
    vma, parent, prev, left = mm.mm_rb.rb_node, None, None, False
    while vma is not None:
        parent = vma
        left = vma.vm_end > addr
        if left:
            if vma.vm_start < end:
                return None
            vma = vma.rb_left
        else:
            prev, vma = vma, vma.rb_right
    return prev, parent, left


def vma_below(mm: mm_struct, addr: int) -> vm_area_struct | None:
    """Give the last VMA that begins below `addr`."""
    vma = find_vma(mm, addr - 1)
    if vma is None:
        return last_vma(mm)
    return vma if vma.vm_start < addr else vma.vm_prev


def last_vma(mm: mm_struct) -> vm_area_struct | None:
    """Give the VMA with the highest addresses."""
    vma = mm.mm_rb.rb_node
    while vma is not None and vma.rb_right is not None:
        vma = vma.rb_right
    return vma


def vma_link(mm: mm_struct, vma: vm_area_struct, place: Place) -> None:
    """Make the VMA part of the address space: the list, the tree, and its file's i_mmap: v4.4, same name."""
    prev, rb_parent, left = place
    __vma_link_list(mm, vma, prev)
    rb_link_node(vma, rb_parent, left, mm.mm_rb)
    rb_insert_color(vma, mm.mm_rb)
    __vma_link_file(vma)
    mm.map_count += 1


def __vma_link_list(mm: mm_struct, vma: vm_area_struct, prev: vm_area_struct | None) -> None:
    """Put the VMA into the sorted list, after `prev` (None: first): mm/util.c (v4.4), same name."""
    following = prev.vm_next if prev else mm.mmap
    vma.vm_prev, vma.vm_next = prev, following
    if prev:
        prev.vm_next = vma
    else:
        mm.mmap = vma
    if following:
        following.vm_prev = vma


def __vma_link_file(vma: vm_area_struct) -> None:
    """Tell the file who maps it: i_mmap, and what the mapping denies or counts: v4.4, same name."""
    file = vma.vm_file
    if file is None:
        return
    if vma.vm_flags & VM_DENYWRITE:
        file_inode(file).i_writecount -= 1
    if is_shared_maywrite(vma.vm_flags):
        file.f_mapping.i_mmap_writable += 1
    file.f_mapping.i_mmap[vma] = True


def unlink_file_vma(vma: vm_area_struct) -> None:
    """Undo __vma_link_file: v4.4, same name."""
    file = vma.vm_file
    if file is None:
        return
    if vma.vm_flags & VM_DENYWRITE:
        file_inode(file).i_writecount += 1
    if is_shared_maywrite(vma.vm_flags):
        file.f_mapping.i_mmap_writable -= 1
    del file.f_mapping.i_mmap[vma]


def __vma_unlink(mm: mm_struct, vma: vm_area_struct) -> None:
    """Take the VMA out of the list and the tree: v4.4, same name."""
    rb_erase(vma, mm.mm_rb)
    if vma.vm_prev:
        vma.vm_prev.vm_next = vma.vm_next
    else:
        mm.mmap = vma.vm_next
    if vma.vm_next:
        vma.vm_next.vm_prev = vma.vm_prev
    mm.map_count -= 1


def remove_vma(vma: vm_area_struct) -> None:
    """Close the VMA, let go of its file, and free it: v4.4, same name."""
    if vma.vm_ops and vma.vm_ops.close:
        vma.vm_ops.close(vma)
    if vma.vm_file:
        fput(vma.vm_file)
    kmem_cache_free(vm_area_cachep, vma.vm_mm.machine, vma)


# ── gaps ────────────────────────────────────────────────────────────────────────────────────────────────────


def vm_start_gap(vma: vm_area_struct) -> int:
    """Say where others must end: at the VMA's start, or a stack's guard gap before it: include/linux/mm.h (4.12).

    v4.4 had a guard page instead: the lowest page of the stack itself, which /proc/PID/maps left out.
    """
    return max(0, vma.vm_start - stack_guard_gap) if vma.vm_flags & VM_GROWSDOWN else vma.vm_start


def unmapped_area_topdown(mm: mm_struct, length: int, low: int, high: int) -> int | None:
    """Give the highest free place for `length` bytes in [low, high); None if there is none: v4.4, same name.

    Never below mmap_min_addr. Once a hole has met a stack's guard gap, the whole gap is left out (6.1). (v4.4 finds the
    place in the tree, by rb_subtree_gap.)
    """
    low, below = max(low, PAGE_ALIGN(mm.machine.mmap_min_addr)), vma_below(mm, high)
    above = below.vm_next if below else mm.mmap
    while True:
        end = min(high, above.vm_start) if above else high
        if end - max(low, below.vm_end if below else 0) >= length:
            if above is None or end <= vm_start_gap(above):
                return end - length
            high = vm_start_gap(above)
        elif below is None or end < low:
            return None
        else:
            above, below = below, below.vm_prev


def unmapped_area(mm: mm_struct, length: int, low: int, high: int) -> int | None:
    """Give the lowest free place for `length` bytes in [low, high); None if there is none: v4.4, same name."""
    start = max(low, PAGE_ALIGN(mm.machine.mmap_min_addr))
    above = find_vma(mm, start)
    while above is not None and min(high, vm_start_gap(above)) - start < length and above.vm_end < high:
        start, above = max(start, above.vm_end), above.vm_next
    return start if (min(high, vm_start_gap(above)) if above else high) - start >= length else None


# ── counts and limits ───────────────────────────────────────────────────────────────────────────────────────


def count_vma_pages_range(mm: mm_struct, addr: int, end: int, vm_flags: int = 0) -> int:
    """Count the mapped pages of [addr, end); with `vm_flags`, those of such VMAs only: v4.4, same name."""
    pages, vma = 0, find_vma(mm, addr)
    while vma is not None and vma.vm_start < end:
        if vma.vm_flags & vm_flags == vm_flags:
            pages += (min(vma.vm_end, end) - max(vma.vm_start, addr)) >> PAGE_SHIFT
        vma = vma.vm_next
    return pages


def vm_stat_account(mm: mm_struct, vm_flags: int, pages: int) -> None:
    """Count pages of such a VMA, as /proc/PID/status shows them: v4.4, same name (data_vm: 4.5).

    What only runs is code, what grows is stack, what is private and writable is data; much else is none of them.
    """
    mm.total_vm += pages
    if vm_flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN) == VM_EXEC:
        mm.exec_vm += pages
    elif vm_flags & VM_GROWSDOWN:
        mm.stack_vm += pages
    elif is_data_mapping(vm_flags):
        mm.data_vm += pages


def is_data_mapping(vm_flags: int) -> bool:
    """Tell whether such a VMA is data, which RLIMIT_DATA limits: private, writable, no stack: 4.5, same name."""
    return vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN) == VM_WRITE


def may_expand_vm(current: task_struct, addr: int, length: int, vm_flags: int) -> None:
    """Keep total_vm within RLIMIT_AS, and data_vm within RLIMIT_DATA (4.7): v4.4, same name. ENOMEM.

    What the mapping replaces does not count.
    """
    pages = length >> PAGE_SHIFT
    if over_limit(current, vm_flags, pages):
        over = over_limit(current, vm_flags, pages - count_vma_pages_range(current.mm, addr, addr + length))
        if over:
            raise failure(ENOMEM, "may_expand_vm", over)


def over_limit(current: task_struct, vm_flags: int, pages: int) -> str:
    """Say which limit `pages` more of such a VMA would exceed; nothing if none. RLIMIT_DATA = 0 forbids only brk."""
    mm, rlim = current.mm, current.rlim
    if mm.total_vm + pages > rlim[RLIMIT_AS] >> PAGE_SHIFT:
        return f"total_vm = {mm.total_vm} + {pages} pages > RLIMIT_AS = {rlim[RLIMIT_AS] >> PAGE_SHIFT}"
    data = is_data_mapping(vm_flags) and rlim[RLIMIT_DATA]
    if data and mm.data_vm + pages > data >> PAGE_SHIFT:
        return f"data_vm = {mm.data_vm} + {pages} pages > RLIMIT_DATA = {data >> PAGE_SHIFT}"
    return ""


def mlock_future_check(current: task_struct, vm_flags: int, length: int) -> None:
    """Refuse to lock more than RLIMIT_MEMLOCK allows: v4.4, same name. EAGAIN; root may."""
    locked = (length >> PAGE_SHIFT) + current.mm.locked_vm
    limit = current.rlim[RLIMIT_MEMLOCK] >> PAGE_SHIFT
    if vm_flags & VM_LOCKED and locked > limit and current.uid != 0:
        raise failure(EAGAIN, "mlock_future_check", f"{locked} locked pages > RLIMIT_MEMLOCK = {limit} pages")


# ── a stack grows ───────────────────────────────────────────────────────────────────────────────────────────


def expand_downwards(current: task_struct, vma: vm_area_struct, address: int) -> None:
    """Let a stack begin at the page of `address`: v4.4, same name. OSError if it may not; nobody sees which.

    stack_guard_gap bytes stay free between it and memory that a program can reach, unless that is a stack, too (4.12;
    v4.4 kept the lowest page of each stack as a guard page instead, and grew when that was touched).
    """
    mm, address, prev = current.mm, address & PAGE_MASK, vma.vm_prev
    if not vma.vm_flags & VM_GROWSDOWN:
        raise failure(EFAULT, "expand_downwards", f"{vma.name}, the next above, is no stack")
    if address < mm.machine.mmap_min_addr:
        raise failure(EPERM, "expand_downwards", f"{address:#x} < mmap_min_addr = {mm.machine.mmap_min_addr:#x}")
    guarded = prev is not None and not prev.vm_flags & VM_GROWSDOWN and prev.vm_flags & (VM_READ | VM_WRITE | VM_EXEC)
    if prev is not None and guarded and address - prev.vm_end < stack_guard_gap:
        raise failure(ENOMEM, "expand_downwards", f"{prev.name} ends within stack_guard_gap below {address:#x}")
    if not anon_vma_prepare(vma):
        raise failure(ENOMEM, "expand_downwards", "no memory for an anon_vma")
    grow = (vma.vm_start - address) >> PAGE_SHIFT
    if grow > vma.vm_pgoff:
        raise failure(ENOMEM, "expand_downwards", f"vm_pgoff = {vma.vm_pgoff:#x} < {grow} pages")
    acct_stack_growth(current, vma, vma.vm_end - address, grow)
    if vma.vm_flags & VM_LOCKED:
        mm.locked_vm += grow
    vm_stat_account(mm, vma.vm_flags, grow)
    vma.vm_start = address
    vma.vm_pgoff -= grow


def acct_stack_growth(current: task_struct, vma: vm_area_struct, size: int, grow: int) -> None:
    """Refuse a stack of `size` bytes, grown by `grow` pages, that is over a limit: v4.4, same name. ENOMEM, EAGAIN."""
    may_expand_vm(current, TASK_SIZE, grow << PAGE_SHIFT, vma.vm_flags)
    if size > current.rlim[RLIMIT_STACK]:
        raise failure(ENOMEM, "acct_stack_growth", f"{size} bytes > RLIMIT_STACK = {current.rlim[RLIMIT_STACK]}")
    mlock_future_check(current, vma.vm_flags, grow << PAGE_SHIFT)
    vm_enough_memory(current.machine, grow)
    if not vma.vm_flags & VM_ACCOUNT:
        vm_unacct_memory(current.machine, grow)  # Linux does not, and its Committed_AS stays too high


# ── merging and splitting ───────────────────────────────────────────────────────────────────────────────────


def is_mergeable_vma(vma: vm_area_struct, file: file | None, vm_flags: int, pgoff: int) -> bool:
    """Tell whether the VMA maps the same open file in the same way, and would have this vm_pgoff: v4.4, same name."""
    return vma.vm_flags == vm_flags and vma.vm_file is file and vma.vm_pgoff == pgoff


def can_merge_remove_vma(vma: vm_area_struct) -> bool:
    """Tell whether the VMA may go in a merge, which calls no vm_ops->close: mm/vma.c (6.12), same name.

    Before 6.4 a VMA with `close` took part in no merge at all; since then it may grow or shrink.
    """
    return not (vma.vm_ops and vma.vm_ops.close)


def is_mergeable_anon_vma(vma: vm_area_struct, area: vm_area_struct | None) -> bool:
    """Tell whether `vma` may take over addresses of `area` (None: free ones) with their pages: v4.4, same name.

    Both have the same anon_vma; or only one has any, and does not share its pages with a parent: the chain of the
    VMA that results would grow too long.
    """
    anon, chains = (area.anon_vma, area.anon_vma_chain) if area else (None, ())
    if anon is None or vma.anon_vma is None:
        return max(len(chains), len(vma.anon_vma_chain)) < 2
    return anon is vma.anon_vma


def vma_merge(
    mm: mm_struct,
    prev: vm_area_struct | None,
    addr: int,
    end: int,
    vm_flags: int,
    file: file | None,
    pgoff: int,
    source: vm_area_struct | None = None,
) -> vm_area_struct | None:
    """Let a neighbour grow over [addr, end), instead of making a VMA of it; None if none fits: v4.4, same name.

    The range is free, or within one VMA, which then shrinks or goes; `prev` is the last VMA that begins before it. A
    neighbour fits if it maps the same file in the same way, the file pages go on without a gap, and the anonymous
    pages (those of `source`, if they come from there) may be one VMA's.
    """
    after = prev.vm_next if prev else mm.mmap
    area = after if after and after.vm_start < end else prev if prev and prev.vm_end > addr else None
    if area is not None:
        after = area.vm_next if area.vm_end == end else None
        if area.vm_start == addr and area.vm_end == end and not can_merge_remove_vma(area):
            return None
    if prev is not None and (
        prev.vm_end != addr
        or not is_mergeable_vma(prev, file, vm_flags, pgoff - vma_pages(prev))
        or not is_mergeable_anon_vma(prev, source or area)
    ):
        prev = None
    if after is not None and (
        after.vm_start != end
        or not is_mergeable_vma(after, file, vm_flags, pgoff + ((end - addr) >> PAGE_SHIFT))
        or not is_mergeable_anon_vma(after, source or area)
    ):
        after = None
    if prev is not None:
        both = after is not None and is_mergeable_anon_vma(prev, after) and can_merge_remove_vma(after)
        vma_adjust(prev, prev.vm_start, after.vm_end if after and both else end, prev.vm_pgoff)
    elif after is not None:
        vma_adjust(after, addr, after.vm_end, pgoff)
    return prev or after


def vma_adjust(vma: vm_area_struct, start: int, end: int, pgoff: int) -> None:
    """Let the VMA grow to [start, end); VMAs that it now covers are over, those it overlaps shrink: v4.4, same name.

    The PTEs stay as they are; a VMA that gets anonymous pages so gets their anon_vma too.
    """
    while (near := overlapped(vma, start, end)) is not None:
        if vma.anon_vma is None and near.anon_vma is not None:
            anon_vma_clone(vma, near)
            vma.anon_vma = near.anon_vma
        if start <= near.vm_start and near.vm_end <= end:
            __vma_unlink(vma.vm_mm, near)
            unlink_anon_vmas(near)
            unlink_file_vma(near)
            remove_vma(near)
        elif near.vm_start < start:
            near.vm_end = start
        else:
            near.vm_pgoff += (end - near.vm_start) >> PAGE_SHIFT
            near.vm_start = end
    vma.vm_start, vma.vm_end, vma.vm_pgoff = start, end, pgoff


def overlapped(vma: vm_area_struct, start: int, end: int) -> vm_area_struct | None:
    """Give a neighbour of the VMA that has addresses in [start, end)."""
    if vma.vm_next and vma.vm_next.vm_start < end:
        return vma.vm_next
    return vma.vm_prev if vma.vm_prev and vma.vm_prev.vm_end > start else None


def vma_modify(mm: mm_struct, vma: vm_area_struct, start: int, end: int, vm_flags: int) -> vm_area_struct:
    """Give [start, end), within one VMA, other flags, merging or cutting as it takes; give the VMA that holds it.

    mm/vma.c:vma_modify (6.7; until then in each caller). ENOMEM.
    """
    prev = vma.vm_prev if start == vma.vm_start else vma
    pgoff = vma.vm_pgoff + ((start - vma.vm_start) >> PAGE_SHIFT)
    merged = vma_merge(mm, prev, start, end, vm_flags, vma.vm_file, pgoff)
    if merged is not None:
        return merged
    for at, new_below in ((start, True), (end, False)):
        if vma.vm_start < at < vma.vm_end:
            if mm.map_count >= mm.machine.sysctl_max_map_count:
                raise failure(ENOMEM, "split_vma", f"to cut {vma.name} would make more than max_map_count VMAs")
            split_vma(mm, vma, at, new_below)
    vma.vm_flags = vm_flags
    return vma


def vm_area_dup(vma: vm_area_struct, mm: mm_struct) -> vm_area_struct:
    """Make a VMA of `mm` that is like this one, but linked nowhere: kernel/fork.c:vm_area_dup (4.18). ENOMEM."""
    new: vm_area_struct | None = kmem_cache_zalloc(vm_area_cachep, mm.machine)
    if new is None:
        raise failure(ENOMEM, "vm_area_dup", "no memory for a vm_area_struct")
    new.vm_mm, new.vm_start, new.vm_end, new.vm_pgoff = mm, vma.vm_start, vma.vm_end, vma.vm_pgoff
    new.vm_flags, new.vm_page_prot, new.vm_file, new.vm_ops = vma.vm_flags, vma.vm_page_prot, vma.vm_file, vma.vm_ops
    return new


def split_vma(mm: mm_struct, vma: vm_area_struct, addr: int, new_below: bool) -> None:
    """Cut the VMA in two at `addr`; the new one is below or above: v4.4, same name (__split_vma). ENOMEM.

    vm_pgoff of the upper part moves on by the pages of the lower: each page keeps its place in the file.
    """
    new = vm_area_dup(vma, mm)
    anon_vma_clone(new, vma)
    new.anon_vma = vma.anon_vma
    lower, upper = (new, vma) if new_below else (vma, new)
    upper.vm_pgoff += (addr - lower.vm_start) >> PAGE_SHIFT
    lower.vm_end = upper.vm_start = addr
    if new.vm_file:
        get_file(new.vm_file)
    if new.vm_ops and new.vm_ops.open:
        new.vm_ops.open(new)
    vma_link(mm, new, find_vma_links(mm, new.vm_start, new.vm_end))  # type: ignore[arg-type]
