"""/proc/PID/maps, smaps, status and statm: an address space, as text: fs/proc/task_mmu.c, array.c (v4.4)."""

from __future__ import annotations

from collections import Counter

from ..include.fs import file_inode
from ..include.mm import (
    MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, VM_ACCOUNT, VM_DENYWRITE, VM_DONTCOPY, VM_DONTDUMP, VM_EXEC,
    VM_GROWSDOWN, VM_HUGEPAGE, VM_LOCKED, VM_LOCKONFAULT, VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE,
    VM_MERGEABLE, VM_NOHUGEPAGE, VM_NORESERVE, VM_RAND_READ, VM_READ, VM_SEQ_READ, VM_SHARED, VM_SYNC, VM_WIPEONFORK,
    VM_WRITE,
)
from ..include.mm_types import (
    PageAnon, PG_dirty, PG_referenced, PG_swapbacked, get_mm_rss, mm_struct, page, page_mapcount, vm_area_struct,
)
from ..include.mman import PAGE_ALIGN, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE
from ..include.pgtable import pte_dirty, pte_none, pte_young
from ..include.sched import task_struct
from ..mm.memory import pte_ranges, vm_normal_page
from .dcache import d_path

PSS_SHIFT = 12  # shares of a page are added up in 4096ths of a byte
MNEMONICS = {  # VmFlags
    VM_READ: "rd",
    VM_WRITE: "wr",
    VM_EXEC: "ex",
    VM_SHARED: "sh",
    VM_MAYREAD: "mr",
    VM_MAYWRITE: "mw",
    VM_MAYEXEC: "me",
    VM_MAYSHARE: "ms",
    VM_GROWSDOWN: "gd",
    VM_DENYWRITE: "dw",
    VM_LOCKED: "lo",
    VM_SEQ_READ: "sr",
    VM_RAND_READ: "rr",
    VM_DONTCOPY: "dc",
    VM_LOCKONFAULT: "lf",
    VM_ACCOUNT: "ac",
    VM_NORESERVE: "nr",
    VM_SYNC: "sf",
    VM_WIPEONFORK: "wf",
    VM_DONTDUMP: "dd",
    VM_HUGEPAGE: "hg",
    VM_NOHUGEPAGE: "nh",
    VM_MERGEABLE: "mg",
}

# ── status and statm ────────────────────────────────────────────────────────────────────────────────────────


def task_mem(mm: mm_struct) -> str:
    """Give the lines about memory of /proc/PID/status, in kB: fs/proc/task_mmu.c:task_mem (v4.4; Rss* 4.5).

    VmPeak and VmHWM: the most that VmSize and VmRSS have been. VmPTE: page tables, here only those of the last level.
    """
    text = (PAGE_ALIGN(mm.end_code) - (mm.start_code & PAGE_MASK)) >> PAGE_SHIFT
    pages = {
        "VmPeak": max(mm.hiwater_vm, mm.total_vm),
        "VmSize": mm.total_vm,
        "VmLck": mm.locked_vm,
        "VmPin": 0,
        "VmHWM": max(mm.hiwater_rss, get_mm_rss(mm)),
        "VmRSS": get_mm_rss(mm),
        "RssAnon": mm.rss_stat[MM_ANONPAGES],
        "RssFile": mm.rss_stat[MM_FILEPAGES],
        "RssShmem": mm.rss_stat[MM_SHMEMPAGES],
        "VmData": mm.data_vm,
        "VmStk": mm.stack_vm,
        "VmExe": min(text, mm.exec_vm),
        "VmLib": max(mm.exec_vm - text, 0),
        "VmPTE": mm.nr_ptes,
        "VmSwap": 0,
    }
    return "".join(f"{name}:\t{count << PAGE_SHIFT - 10:8} kB\n" for name, count in pages.items())


def proc_pid_status(task: task_struct) -> str:
    """Give the text of /proc/PID/status, as far as this machine knows: fs/proc/array.c:proc_pid_status (v4.4)."""
    uids = "\t".join([str(task.uid)] * 4)
    return f"Name:\t{task.comm}\nState:\tR (running)\nPid:\t{task.pid}\nUid:\t{uids}\n{task_mem(task.mm)}"


def proc_pid_statm(task: task_struct) -> str:
    """Give the text of /proc/PID/statm, in pages: size, resident, shared, text, lib, data, dt: fs/proc/array.c (v4.4).

    Same name. lib and dt are 0 since 2.6.
    """
    mm = task.mm
    text = (PAGE_ALIGN(mm.end_code) - (mm.start_code & PAGE_MASK)) >> PAGE_SHIFT
    shared = mm.rss_stat[MM_FILEPAGES] + mm.rss_stat[MM_SHMEMPAGES]
    return f"{mm.total_vm} {get_mm_rss(mm)} {shared} {text} 0 {mm.data_vm + mm.stack_vm} 0\n"


# ── maps ────────────────────────────────────────────────────────────────────────────────────────────────────


def get_vma_name(vma: vm_area_struct) -> str:
    """Name the VMA as /proc/PID/maps does: its file's path, [heap], [stack] or nothing: fs/proc/task_mmu.c (6.9)."""
    mm = vma.vm_mm
    if vma.vm_file:
        return d_path(vma.vm_file.f_path)
    if vma.vm_start < mm.brk and vma.vm_end > mm.start_brk:
        return "[heap]"
    return "[stack]" if vma.vm_start <= mm.start_stack <= vma.vm_end else ""


def show_map_vma(vma: vm_area_struct) -> str:
    """Give one line of /proc/PID/maps: fs/proc/task_mmu.c:show_map_vma (v4.4). Anonymous memory has offset 0."""
    major = minor = ino = pgoff = 0
    if vma.vm_file:
        inode = file_inode(vma.vm_file)
        (major, minor), ino, pgoff = inode.i_sb.s_dev, inode.i_ino, vma.vm_pgoff << PAGE_SHIFT
    line = f"{vma.vm_start:08x}-{vma.vm_end:08x} {vma.perms} {pgoff:08x} {major:02x}:{minor:02x} {ino} "
    name = get_vma_name(vma)
    return line.ljust(73) + name.replace("\n", "\\012") if name else line


def show_maps(mm: mm_struct) -> str:
    """Give the text of /proc/PID/maps: fs/proc/task_mmu.c:show_pid_map (v4.4)."""
    lines, vma = [], mm.mmap
    while vma is not None:
        lines.append(show_map_vma(vma) + "\n")
        vma = vma.vm_next
    return "".join(lines)


# ── smaps ───────────────────────────────────────────────────────────────────────────────────────────────────


def show_smaps(mm: mm_struct) -> str:
    """Give the text of /proc/PID/smaps: fs/proc/task_mmu.c:show_smap (v4.4)."""
    lines, vma = [], mm.mmap
    while vma is not None:
        lines.append(show_map_vma(vma))
        fields = {"Size": vma.vm_end - vma.vm_start, "KernelPageSize": PAGE_SIZE, "MMUPageSize": PAGE_SIZE}
        lines += [f"{name + ':':<16}{count >> 10:8} kB" for name, count in {**fields, **smap_gather_stats(vma)}.items()]
        lines.append("VmFlags: " + "".join(f"{word} " for flag, word in MNEMONICS.items() if vma.vm_flags & flag))
        vma = vma.vm_next
    return "".join(line + "\n" for line in lines)


def smap_gather_stats(vma: vm_area_struct) -> dict[str, int]:
    """Add up what the VMA's present pages are, in bytes: fs/proc/task_mmu.c, same name (4.19)."""
    stats: Counter[str] = Counter()
    for table, first, last in pte_ranges(vma.vm_mm, vma.vm_start, vma.vm_end):
        for i in range(first, last):
            page = None if pte_none(table[i]) else vm_normal_page(vma, table[i])
            if page is not None:
                smaps_account(stats, page, table[i])
    names = ("Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty")
    found = {name: stats[name] for name in (*names, "Referenced", "Anonymous", "LazyFree")}
    for share in ("Pss", "Pss_Dirty"):
        found[share] >>= PSS_SHIFT
    return {**found, "Locked": found["Pss"] if vma.vm_flags & VM_LOCKED else 0}


def smaps_account(stats: Counter[str], page: page, pte: int) -> None:
    """Add one page: to whom it counts, and what it is: fs/proc/task_mmu.c:smaps_account (v4.4).

    'Shared' is a page that several PTEs map, whatever the VMA says; each gets its part of it in Pss.
    """
    dirty = pte_dirty(pte) or bool(page.flags & PG_dirty)
    share = (PAGE_SIZE << PSS_SHIFT) // page_mapcount(page)
    kind = ("Shared" if page_mapcount(page) > 1 else "Private") + ("_Dirty" if dirty else "_Clean")
    stats.update({"Rss": PAGE_SIZE, "Pss": share, "Pss_Dirty": share * dirty, kind: PAGE_SIZE})
    stats["Referenced"] += PAGE_SIZE * (pte_young(pte) or bool(page.flags & PG_referenced))
    if PageAnon(page):
        stats["Anonymous"] += PAGE_SIZE
        stats["LazyFree"] += PAGE_SIZE * (not dirty and not page.flags & PG_swapbacked)
