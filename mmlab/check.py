"""Every invariant of the machine, recomputed from scratch: what `kernel.check()` asserts."""

from __future__ import annotations

import stat
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .include.fs import FMODE_READ, FMODE_WRITE, address_space, dentry, file, inode, super_block
from .include.mm import (
    VM_ACCOUNT, VM_DENYWRITE, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_SHARED, VM_WRITE, is_shared_maywrite, vm_flag_names,
    vm_get_page_prot,
)
from .include.mm_inline import page_lru
from .include.mm_types import (
    PageAnon, PG_anon_exclusive, PG_dirty, PG_lru, PG_mlocked, PG_swapbacked, PG_unevictable, PG_uptodate, anon_vma,
    mm_struct, page, vm_area_struct, vma_pages,
)
from .include.mman import F_SEAL_WRITE, PAGE_SHIFT, PAGE_SIZE
from .include.mmzone import (
    NR_ANON_PAGES, NR_FILE_DIRTY, NR_FILE_MAPPED, NR_FILE_PAGES, NR_FREE_PAGES, NR_PAGETABLE, NR_SHMEM, machine,
)
from .include.pgtable import (
    _PAGE_NX, _PAGE_PRESENT, _PAGE_PROTNONE, _PAGE_RW, _PAGE_USER, PMD_SHIFT, PMD_SIZE, pte_none, pte_pfn, pte_write,
)
from .include.pipe_fs_i import pipe_inode_info
from .include.shm import SHM_DEST, shm_file_data
from .include.shmem_fs import SHMEM_I
from .ipc.shm import shm_vm_ops
from .lib.rbtree import rb_first, rb_next
from .mm.memory import ZERO_PFN, mm_counter
from .mm.mmap import vma_wants_writenotify
from .mm.page_writeback import __set_page_dirty_nobuffers
from .mm.rmap import page_mlocked
from .mm.shmem import shmem_aops
from .mm.swap import mapping_unevictable

PROTECTION = _PAGE_PRESENT | _PAGE_PROTNONE | _PAGE_USER | _PAGE_NX  # what every PTE has from its VMA

CODE = VM_EXEC | VM_WRITE | VM_GROWSDOWN, VM_EXEC  # of these vm_flags, exec_vm counts VMAs that have those
STACK = VM_GROWSDOWN, VM_GROWSDOWN
DATA = VM_WRITE | VM_SHARED | VM_GROWSDOWN, VM_WRITE


def expect(what: str, found: Any, wanted: Any) -> None:
    """Assert that the machine holds what was recomputed; the message says both."""
    if found != wanted:
        raise AssertionError(f"{what} is {found!r}, but recomputed it is {wanted!r}")


def vmas(mm: mm_struct) -> Iterator[vm_area_struct]:
    """Walk the list of VMAs, as long as it goes upwards."""
    vma: vm_area_struct | None = mm.mmap
    end = 0
    while vma is not None:
        if not end <= vma.vm_start < vma.vm_end or (vma.vm_start | vma.vm_end) % PAGE_SIZE:
            raise AssertionError(f"{vma!r} is empty, unaligned, or begins before {end:x}, where the last one ends")
        yield vma
        end, vma = vma.vm_end, vma.vm_next


def files_of(machine: machine) -> Counter[file]:
    """Count the references to each open file: descriptors, VMAs, running programs."""
    found: Counter[file] = Counter()
    for task in machine.tasks.values():
        found.update(task.files.values())
        found.update(vma.vm_file for vma in vmas(task.mm) if vma.vm_file)
        found.update([task.mm.exe_file] if task.mm.exe_file else [])
    found.update(shp.shm_file for shp in machine.shm_ids.segments.values())
    found.update([f.private_data.file for f in found if isinstance(f.private_data, shm_file_data)])
    return found


def names_of(machine: machine) -> Counter[inode]:
    """Count the names of each file in the directories."""
    found: Counter[inode] = Counter()
    todo: list[dentry] = [machine.root]
    while todo:
        at = todo.pop()
        found[at.d_inode] += 1
        todo.extend(at.d_children.values())
    return found


def inodes_of(machine: machine) -> list[inode]:
    """Collect every file: those with a name, those only open, and the devices' own."""
    found: dict[inode, None] = {mapping.host: None for mapping in machine.block_devices}
    found |= dict.fromkeys(names_of(machine))
    for f in files_of(machine):
        found[f.f_path.d_inode] = None
    return list(found)


def pipes_of(machine: machine) -> dict[pipe_inode_info, inode]:
    """Collect the pipes, with their inodes."""
    return {n.i_private: n for n in inodes_of(machine) if isinstance(n.i_private, pipe_inode_info)}


def check(machine: machine) -> None:
    """Assert every invariant of the machine: trees, lists, reference counts, counters. A failure carries a dump."""
    try:
        check_machine(machine)
    except AssertionError as error:
        error.add_note(dump(machine))
        raise


def dump(machine: machine) -> str:
    """Say what is in each address space, and what is counted: for whoever reads of a broken invariant."""
    lines = [f"{name} {count}" for name, count in machine.vm_stat.items()]
    for task in machine.tasks.values():
        lines.append(f"{task!r} {task.mm!r} {dict(task.mm.rss_stat)}")
        vma, left = task.mm.mmap, machine.sysctl_max_map_count
        while vma is not None and left:
            anon = f" {vma.anon_vma.name}" if vma.anon_vma else ""
            lines.append(f"    {vma!r} {vm_flag_names(vma.vm_flags)}{anon}")
            vma, left = vma.vm_next, left - 1
    return "\n".join(lines)


def check_machine(machine: machine) -> None:
    """Assert the invariants of each address space, and then of what they share."""
    ptes: Counter[page] = Counter()
    rss: Counter[tuple[mm_struct, str]] = Counter()
    for task in machine.tasks.values():
        check_vmas(task.mm)
        for found in mapped_pages(task.mm):
            ptes[found] += 1
            rss[task.mm, mm_counter(found)] += 1
        for name, count in task.mm.rss_stat.items():
            expect(f"{task.mm.rss_stat.name}[{name}]", count, rss[task.mm, name])
    check_anon_vmas(machine)
    check_files(machine)
    check_segments(machine)
    check_pages(machine, ptes)
    check_lru(machine)
    check_vm_stat(machine, ptes)


def check_vmas(mm: mm_struct) -> None:
    """Assert that list and tree agree, that nothing overlaps, and that each VMA's file and anon_vma know it."""
    in_list, in_tree, node = list(vmas(mm)), [], rb_first(mm.mm_rb)
    while node is not None:
        in_tree.append(node)
        node = rb_next(node)
    expect(f"{mm.name}: the list of VMAs", in_list, in_tree)
    expect(f"{mm.name}.map_count", mm.map_count, len(in_list))
    for name, flags, value in (("total", 0, 0), ("exec", *CODE), ("stack", *STACK), ("data", *DATA)):
        count = sum(vma_pages(vma) for vma in in_list if vma.vm_flags & flags == value)
        expect(f"{mm.name}.{name}_vm", getattr(mm, f"{name}_vm"), count)
    locked = sum(vma_pages(v) for v in in_list if v.vm_flags & VM_LOCKED)
    expect(f"{mm.name}.locked_vm", mm.locked_vm, locked + mm.locked_left)
    check_rb(mm.name, mm.mm_rb.rb_node)
    for vma, prev in zip(in_list, [None, *in_list], strict=False):
        expect(f"{vma.name}.vm_prev", vma.vm_prev, prev)
        expect(f"{vma.name}.vm_mm", vma.vm_mm, mm)
        prot = vm_get_page_prot(vma.vm_flags) & ~(_PAGE_RW if vma_wants_writenotify(vma) else 0)
        expect(f"{vma.name}.vm_page_prot", vma.vm_page_prot, prot)
        if vma.vm_file:
            expect(f"{vma.name} in the i_mmap of its file", vma in vma.vm_file.f_mapping.i_mmap, True)


def check_anon_vmas(machine: machine) -> None:
    """Assert that each VMA knows its anon_vmas, and is known to them."""
    known: dict[anon_vma, set[vm_area_struct]] = {}
    for vma in (vma for task in machine.tasks.values() for vma in vmas(task.mm)):
        expect(f"{vma.name}.anon_vma in its chain", vma.anon_vma in vma.anon_vma_chain, vma.anon_vma is not None)
        expect(f"{vma.name}.anon_vma_chain: each once", len(set(vma.anon_vma_chain)), len(vma.anon_vma_chain))
        for anon in vma.anon_vma_chain:
            known.setdefault(anon, set()).add(vma)
    for anon, users in known.items():
        expect(f"{anon.name}.vmas", set(anon.vmas), users)
    expect("slabinfo[anon_vma]", machine.slabinfo["anon_vma"], len(known))


def check_rb(name: str, node: Any) -> int:
    """Assert the rules of a red-black tree; give its height in black nodes."""
    if node is None:
        return 1
    for child in (node.rb_left, node.rb_right):
        if child is not None:
            expect(f"{name}: {child.name}.rb_parent", child.rb_parent, node)
            if node.rb_red and child.rb_red:
                raise AssertionError(f"{name}: {node.name} and its child {child.name} are both red")
    left, right = check_rb(name, node.rb_left), check_rb(name, node.rb_right)
    expect(f"{name}: the black height under {node.name}", left, right)
    return left + (not node.rb_red)


def mapped_pages(mm: mm_struct) -> Iterator[page]:
    """Walk the page tables; give the page of each PTE but the zero page's. Every PTE must be right for its VMA."""
    in_list = list(vmas(mm))
    ends = [vma.vm_end for vma in in_list]
    expect(f"{mm.name}.nr_ptes", mm.nr_ptes, len(mm.pgd))
    for index, table in mm.pgd.items():
        expect(f"{mm.name}: the address of a page table", table.start, index << PMD_SHIFT)
        nearest = bisect_right(ends, table.start)
        if nearest == len(ends) or in_list[nearest].vm_start >= table.start + PMD_SIZE:
            raise AssertionError(f"{mm.name}: a page table at {table.start:x}, where no VMA is")
        for i, pte in enumerate(table):
            if pte_none(pte):
                continue
            address = table.start + (i << PAGE_SHIFT)
            nearest = bisect_right(ends, address)
            if nearest == len(ends) or in_list[nearest].vm_start > address:
                raise AssertionError(f"{mm.name}: a PTE at {address:x}, where no VMA is")
            check_pte(in_list[nearest], address, pte)
            if pte_pfn(pte) != ZERO_PFN:
                yield mm.machine.mem_map[pte_pfn(pte)]


def check_pte(vma: vm_area_struct, address: int, pte: int) -> None:
    """Assert that the PTE maps the page which the VMA says lies at `address`, and allows no more than the VMA does."""
    where, pgoff = f"{vma.name}: the PTE at {address:x}", vma.vm_pgoff + ((address - vma.vm_start) >> PAGE_SHIFT)
    expect(f"{where}: its protection", pte & PROTECTION, vma.vm_page_prot & PROTECTION)
    if pte_pfn(pte) == ZERO_PFN:
        expect(f"{where} maps the zero page", (vma.vm_ops, pte_write(pte)), (None, False))
        return
    page = vma.vm_mm.machine.mem_map[pte_pfn(pte)]
    expect(f"{where}: the page's index", page.index, pgoff)
    expect(f"{where}: uptodate", bool(page.flags & PG_uptodate), True)
    if isinstance(page.mapping, anon_vma):
        expect(f"{where}: {vma.name} is in {page.mapping.name}", vma in page.mapping.vmas, True)
        needed = VM_WRITE if page.flags & PG_anon_exclusive else 0
    else:
        expect(f"{where}: the page's file", page.mapping, vma.vm_file and vma.vm_file.f_mapping)
        needed = VM_WRITE | VM_SHARED if page.flags & PG_dirty or not vma_wants_writenotify(vma) else 0
    may_write = bool(needed) and vma.vm_flags & needed == needed
    if pte_write(pte) and not may_write:
        raise AssertionError(f"{where} is writable, but {vma!r} or {page!r} does not allow it")


def check_files(machine: machine) -> None:
    """Assert the reference counts of open files, files and mappings."""
    files, mapped = files_of(machine), [v for task in machine.tasks.values() for v in vmas(task.mm) if v.vm_file]
    for f, references in files.items():
        expect(f"{f.name} ({f.f_path.d_name}).f_count", f.f_count, references)
    expect("slabinfo[filp]", machine.slabinfo["filp"], len(files))
    linked = sum(task.mm.map_count for task in machine.tasks.values())
    expect("slabinfo[vm_area_struct]", machine.slabinfo["vm_area_struct"], linked)
    expect("slabinfo[mm_struct]", machine.slabinfo["mm_struct"], len(machine.tasks))
    names = names_of(machine) + Counter(pipes_of(machine).values())  # Linux counts a pipe as named once
    for node in inodes_of(machine):
        if node.i_mapping not in machine.block_devices or node in names:
            expect(f"{node.name}.i_nlink", node.i_nlink, names[node])
        opened = [f for f in files if f.f_path.d_inode is node]
        expect(f"{node.name}.i_count", node.i_count, len(opened))
        of_inode = [v for v in mapped if v.vm_file.f_path.d_inode is node]  # type: ignore[union-attr]
        denials = sum(bool(v.vm_flags & VM_DENYWRITE) for v in of_inode)
        denials += sum(task.mm.exe_file in opened for task in machine.tasks.values())
        writers = sum(bool(f.f_mode & FMODE_WRITE) for f in opened)
        expect(f"{node.name}.i_writecount", node.i_writecount, writers - denials)
    for mapping in {node.i_mapping: None for node in inodes_of(machine)}:
        vmas_of = [v for v in mapped if v.vm_file.f_mapping is mapping]  # type: ignore[union-attr]
        expect(f"{mapping.name}.i_mmap", set(mapping.i_mmap), set(vmas_of))
        shared = sum(is_shared_maywrite(v.vm_flags) for v in vmas_of)
        expect(f"{mapping.name}.i_mmap_writable", max(mapping.i_mmap_writable, 0), shared)
        if mapping.a_ops is shmem_aops and SHMEM_I(mapping.host).seals & F_SEAL_WRITE:
            expect(f"{mapping.name}.i_mmap_writable, sealed,", mapping.i_mmap_writable, -1)
    for pipe, node in pipes_of(machine).items():
        ends = [f for f in files if f.f_path.d_inode is node]
        expect(f"{pipe.name}: the numbers of its pages", sorted(pipe.bufs), list(range(pipe.tail, pipe.head)))
        expect(f"{pipe.name}.readers", pipe.readers, sum(bool(f.f_mode & FMODE_READ) for f in ends))
        expect(f"{pipe.name}.writers", pipe.writers, sum(bool(f.f_mode & FMODE_WRITE) for f in ends))


def check_segments(machine: machine) -> None:
    """Assert that each System V segment is attached as often as VMAs map it, and has the tmpfs file they show."""
    attached: Counter[int] = Counter()
    for task in machine.tasks.values():
        for vma in vmas(task.mm):
            if vma.vm_ops is shm_vm_ops:
                sfd = vma.vm_file.private_data  # type: ignore[union-attr]
                attached[sfd.id] += 1
                expect(f"{vma.name}: its segment's file", machine.shm_ids.segments[sfd.id].shm_file, sfd.file)
    for id, shp in machine.shm_ids.segments.items():
        expect(f"the number of {shp.name}", (shp.id, shp.shm_file.f_path.d_inode.i_ino), (id, id))
        expect(f"{shp.name}.shm_nattch", shp.shm_nattch, attached[id])
        expect(f"{shp.name} is removed only while attached", bool(shp.mode & SHM_DEST) <= bool(attached[id]), True)


def check_pages(machine: machine, ptes: Counter[page]) -> None:
    """Assert each frame's reference count and mapcount, and that the free frames are just the unused ones."""
    cached = {p: (m, i) for n in inodes_of(machine) for m in [n.i_mapping] for i, p in m.page_tree.items()}
    piped = {buf.page for pipe in pipes_of(machine) for buf in pipe.bufs.values()}
    free = set(machine.free_pfns)
    expect("free_pfns: each once", len(machine.free_pfns), len(free))
    zero = machine.mem_map[ZERO_PFN]
    expect("the zero page", (zero._count, zero._mapcount, zero.flags, zero.data), (1, -1, 0, None))
    for frame in machine.mem_map[ZERO_PFN + 1 :]:
        expect(f"{frame.name}._count", frame._count, ptes[frame] + (frame in cached) + (frame in piped))
        expect(f"{frame.name} is free", frame.pfn in free, frame._count == 0)
        expect(f"{frame.name} is in a file", isinstance(frame.mapping, address_space), frame in cached)
        expect(f"{frame.name}._mapcount + 1", frame._mapcount + 1, ptes[frame])
        if not frame._count:
            expect(f"{frame.name}, free, holds", (frame.mapping, frame.data, frame.flags), (None, None, 0))
        if frame.flags & PG_anon_exclusive:
            expect(f"{frame.name}, exclusive, is anonymous and mapped", (PageAnon(frame), ptes[frame]), (True, 1))
        if frame in cached:
            expect(f"{frame.name}: (mapping, index)", (frame.mapping, frame.index), cached[frame])
            in_shmem = frame.mapping.a_ops is shmem_aops  # type: ignore[union-attr]
            expect(f"{frame.name} is swapbacked", bool(frame.flags & PG_swapbacked), in_shmem)


def check_lru(machine: machine) -> None:
    """Assert that pages without swap, and no others, are each on the list that their flags name."""
    for lru, pages in machine.lruvec.items():
        for frame in pages:
            expect(f"{frame.name} in lruvec[{lru}]: its list", page_lru(frame), lru)
    for frame in machine.mem_map[ZERO_PFN + 1 :]:
        listed = frame.mapping is not None and not frame.flags & PG_swapbacked  # a pipe's pages have no mapping
        expect(f"{frame.name}: PG_lru", bool(frame.flags & PG_lru), listed)
        expect(f"{frame.name} is on its list", frame in machine.lruvec[page_lru(frame)], listed)
        memory_only = listed and mapping_unevictable(frame.mapping)
        expect(f"{frame.name}: PG_unevictable", bool(frame.flags & PG_unevictable), memory_only)
        expect(f"{frame.name}: PG_mlocked", bool(frame.flags & PG_mlocked), page_mlocked(frame))


def check_vm_stat(machine: machine, ptes: Counter[page]) -> None:
    """Assert the counters of /proc/vmstat and Committed_AS."""
    pages = [frame for frame in machine.mem_map[ZERO_PFN + 1 :] if frame._count]
    cached = [frame for frame in pages if isinstance(frame.mapping, address_space)]
    accounted = sum(
        vma_pages(v) for task in machine.tasks.values() for v in vmas(task.mm) if v.vm_flags & VM_ACCOUNT
    )
    shmem = [n for n in inodes_of(machine) if n.i_mapping.a_ops is shmem_aops]
    promised = sum(shmem_promised(n) for n in shmem)
    for sb, blocks in blocks_of(shmem).items():
        expect(f"used_blocks of {sb.s_dev}", sb.used_blocks, blocks)
    tables = sum(len(task.mm.pgd) for task in machine.tasks.values())
    wanted = {
        NR_FREE_PAGES: machine.totalram_pages - 1 - len(pages),
        NR_ANON_PAGES: sum(PageAnon(frame) for frame in ptes),
        NR_FILE_MAPPED: sum(not PageAnon(frame) for frame in ptes),
        NR_FILE_PAGES: len(cached),
        NR_SHMEM: sum(bool(frame.flags & PG_swapbacked) for frame in cached),
        NR_FILE_DIRTY: sum(is_counted_dirty(frame) for frame in cached),
        NR_PAGETABLE: tables,
    }
    for name, count in wanted.items():
        expect(f"vm_stat[{name}]", machine.vm_stat[name], count)
    expect("vm_committed_as", machine.vm_committed_as, accounted + promised)


def shmem_promised(node: inode) -> int:
    """Count what was promised for a file of tmpfs: all of it at once, or the pages it has."""
    return SHMEM_I(node).promised or node.i_mapping.nrpages if stat.S_ISREG(node.i_mode) else 0


def blocks_of(files: list[inode]) -> Counter[super_block]:
    """Count the pages of the files of each file system."""
    found: Counter[super_block] = Counter()
    for node in files:
        found[node.i_sb] += node.i_mapping.nrpages
    return found


def is_counted_dirty(frame: page) -> bool:
    """Tell whether the page is dirty and its file system writes pages back."""
    writes_back = frame.mapping.a_ops.set_page_dirty is __set_page_dirty_nobuffers  # type: ignore[union-attr]
    return bool(frame.flags & PG_dirty) and writes_back
