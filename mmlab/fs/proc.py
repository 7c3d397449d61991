"""/proc: fs/proc/base.c, meminfo.c, inode.c (v4.4)."""

from __future__ import annotations

import stat
from collections.abc import Callable
from errno import EFAULT, EIO

from ..include.errors import failure
from ..include.fs import (
    address_space_operations, dentry, file, file_inode, file_operations, file_system_type, super_block,
)
from ..include.mm_types import vm_area_struct
from ..include.mman import PAGE_SHIFT
from ..include.mmzone import (
    LRU_UNEVICTABLE, NR_ANON_PAGES, NR_FILE_DIRTY, NR_FILE_MAPPED, NR_FILE_PAGES, NR_FREE_PAGES, NR_PAGETABLE, NR_SHMEM,
    machine,
)
from ..include.sched import task_struct
from ..include.uio import iov_iter
from ..lib.iov_iter import copy_to_iter
from ..mm.memory import mlocked_pages
from ..mm.util import vm_commit_limit
from .dcache import d_add
from .inode import new_inode
from .namei import mkdir
from .ramfs import simple_evict_inode
from .task_mmu import proc_pid_statm, proc_pid_status, show_maps, show_smaps

# ── what the files say ──────────────────────────────────────────────────────────────────────────────────────


def meminfo(machine: machine) -> dict[str, int]:
    """Work /proc/meminfo out, in kB: fs/proc/meminfo.c:meminfo_proc_show (v4.4).

    A block device's pages are Buffers; those of all other files are Cached, those of tmpfs among them.
    """
    stat, lru = machine.vm_stat, lru_pages(machine)
    buffers = sum(mapping.nrpages for mapping in machine.block_devices)
    pages = {
        "MemTotal": machine.totalram_pages,
        "MemFree": stat[NR_FREE_PAGES],
        "MemAvailable": stat[NR_FREE_PAGES] + lru["nr_active_file"] + lru["nr_inactive_file"],
        "Buffers": buffers,
        "Cached": stat[NR_FILE_PAGES] - buffers,
        "Active(file)": lru["nr_active_file"],
        "Inactive(file)": lru["nr_inactive_file"],
        "Unevictable": lru["nr_unevictable"],
        "Mlocked": lru["nr_mlock"],
        "Dirty": stat[NR_FILE_DIRTY],
        "AnonPages": stat[NR_ANON_PAGES],
        "Mapped": stat[NR_FILE_MAPPED],
        "Shmem": stat[NR_SHMEM],
        "PageTables": stat[NR_PAGETABLE],
        "CommitLimit": vm_commit_limit(machine),
        "Committed_AS": machine.vm_committed_as,
    }
    return {name: count << PAGE_SHIFT - 10 for name, count in pages.items()}


def lru_pages(machine: machine) -> dict[str, int]:
    """Count the pages of each list, and those that are locked: mm/vmstat.c (v4.4). Locked pages are unevictable."""
    mlocked = set().union(*(mlocked_pages(task.mm) for task in machine.tasks.values()))
    counts = {lru: len(pages) - len(mlocked & pages.keys()) for lru, pages in machine.lruvec.items()}
    counts[LRU_UNEVICTABLE] += len(mlocked)
    return {**{f"nr_{lru}": count for lru, count in counts.items()}, "nr_mlock": len(mlocked)}


def show_meminfo(machine: machine) -> str:
    """Give the text of /proc/meminfo: fs/proc/meminfo.c:meminfo_proc_show (v4.4)."""
    return "".join(f"{name + ':':<16}{kb:8} kB\n" for name, kb in meminfo(machine).items())


# ── the files ───────────────────────────────────────────────────────────────────────────────────────────────


def seq_read_iter(file: file, pos: int, to: iov_iter) -> int:
    """Give the text as it is at this moment: fs/seq_file.c:seq_read_iter (5.10). EFAULT."""
    show: Callable[[], str] = file_inode(file).i_private
    text = show().encode()[pos : pos + to.count]
    copied = copy_to_iter(text, to)
    if text and not copied:
        raise failure(EFAULT, "seq_read_iter", f"the program cannot store at {to.ubuf:#x}")
    return copied


def proc_reg_mmap(file: file, vma: vm_area_struct) -> None:
    """Refuse: what backs the file has no mmap of its own: fs/proc/inode.c:proc_reg_mmap (v4.4). EIO."""
    raise failure(EIO, "proc_reg_mmap", f"/proc/{file.f_path.d_name} has text to read, and no pages to map")


proc_pid_maps_operations = file_operations("proc_pid_maps_operations", read_iter=seq_read_iter)
proc_single_file_operations = file_operations("proc_single_file_operations", read_iter=seq_read_iter)
proc_reg_file_ops = file_operations("proc_reg_file_ops", read_iter=seq_read_iter, mmap=proc_reg_mmap)
proc_fs_type = file_system_type(
    "proc", proc_reg_file_ops, address_space_operations("proc_aops"), simple_evict_inode, noexec=True
)


def proc_create(directory: dentry, name: str, fops: file_operations, show: Callable[[], str]) -> None:
    """Make a file whose text `show()` gives: fs/proc/generic.c:proc_create (v4.4)."""
    inode = new_inode(directory.d_inode.i_sb, stat.S_IFREG | 0o444, fops, name)
    inode.i_private = show
    d_add(directory, name, inode)


def proc_root_init(root: dentry, machine: machine) -> None:
    """Mount /proc: fs/proc/root.c:proc_root_init (v4.4)."""
    proc = mkdir(root, "proc", super_block(machine, proc_fs_type, (0, 20)))
    proc_create(proc, "meminfo", proc_reg_file_ops, lambda: show_meminfo(machine))


def proc_pid_instantiate(current: task_struct) -> None:
    """Make /proc/PID for a new process: fs/proc/base.c:proc_pid_instantiate (v4.4)."""
    directory = mkdir(current.machine.root.d_children["proc"], str(current.pid))
    proc_create(directory, "maps", proc_pid_maps_operations, lambda: show_maps(current.mm))
    proc_create(directory, "smaps", proc_pid_maps_operations, lambda: show_smaps(current.mm))
    proc_create(directory, "status", proc_single_file_operations, lambda: proc_pid_status(current))
    proc_create(directory, "statm", proc_single_file_operations, lambda: proc_pid_statm(current))


def proc_flush_task(current: task_struct) -> None:
    """Take /proc/PID away when the process is over: fs/proc/base.c:proc_flush_task (v4.4)."""
    del current.machine.root.d_children["proc"].d_children[str(current.pid)]


def proc_self_get_link(current: task_struct, path: str) -> str:
    """Follow /proc/self to /proc/PID: fs/proc/self.c:proc_self_follow_link (v4.4)."""
    return path.replace("/proc/self/", f"/proc/{current.pid}/", 1) if path.startswith("/proc/self/") else path
