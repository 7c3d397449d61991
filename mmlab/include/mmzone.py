"""Memory as a whole: include/linux/mmzone.h, vmstat.h, gfp.h; and what the kernel keeps in global variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from .array import array
from .mm_types import counters, page
from .mman import PAGE_SHIFT, PAGE_SIZE
from .shm import ipc_ids

if TYPE_CHECKING:
    from .fs import address_space, dentry, super_block
    from .sched import task_struct

# the names are those of /proc/vmstat: what NR_* counts is there now, the others count what has happened
NR_FREE_PAGES = "nr_free_pages"
NR_ANON_PAGES = "nr_anon_pages"
NR_FILE_MAPPED = "nr_mapped"
NR_FILE_PAGES = "nr_file_pages"
NR_FILE_DIRTY = "nr_dirty"
NR_SHMEM = "nr_shmem"
NR_PAGETABLE = "nr_page_table_pages"
PGFAULT = "pgfault"
PGMAJFAULT = "pgmajfault"
PGSCAN_DIRECT = "pgscan_direct"
PGSTEAL_DIRECT = "pgsteal_direct"
OOM_KILL = "oom_kill"  # since 4.13
VM_STAT_ITEMS = (
    NR_FREE_PAGES,
    NR_ANON_PAGES,
    NR_FILE_MAPPED,
    NR_FILE_PAGES,
    NR_FILE_DIRTY,
    NR_SHMEM,
    NR_PAGETABLE,
    PGFAULT,
    PGMAJFAULT,
    PGSCAN_DIRECT,
    PGSTEAL_DIRECT,
    OOM_KILL,
)

LRU_INACTIVE_FILE = "inactive_file"
LRU_ACTIVE_FILE = "active_file"
LRU_UNEVICTABLE = "unevictable"
LRU_LISTS = (LRU_INACTIVE_FILE, LRU_ACTIVE_FILE, LRU_UNEVICTABLE)

GFP_KERNEL = 0  # wait, reclaim, and in the end kill a process
__GFP_NORETRY = 0x1000  # reclaim once, then rather do without

OVERCOMMIT_GUESS, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER = 0, 1, 2


class machine:
    """What the kernel keeps in global variables, as an object: several machines can run side by side.

    `mem_map[pfn]` is the page of frame pfn; frames never used yet have no page object. `fail_nth`: when it counts down
    to 0, an allocation of a kernel object fails (lib/fault-inject.c; /proc/self/fail-nth since 4.14). `current` is the
    process that runs. `lruvec`: the lists of mm_inline.py, each from the oldest page on. What page_alloc.py
    calls when no frame is free, it finds here, for those rooms lie above it.
    """

    __slots__ = (
        "admin_reserve_pages",
        "block_devices",
        "current",
        "fail_nth",
        "fault_around_bytes",
        "free_pfns",
        "lruvec",
        "mem_map",
        "mlock_fbatch",
        "mmap_min_addr",
        "next_pid",
        "out_of_memory",
        "pipe_mnt",
        "root",
        "serials",
        "shm_ids",
        "shm_mnt",
        "slabinfo",
        "sysctl_max_map_count",
        "sysctl_overcommit_memory",
        "tasks",
        "totalram_pages",
        "try_to_free_pages",
        "user_reserve_pages",
        "vm_committed_as",
        "vm_stat",
    )

    def __init__(self, mem: int, max_map_count: int, fault_around: int, min_addr: int, overcommit: int) -> None:
        self.totalram_pages = mem >> PAGE_SHIFT
        self.mem_map: list[page] = []
        self.free_pfns: list[int] = []
        self.vm_stat = counters("vm_stat", VM_STAT_ITEMS)
        self.vm_stat[NR_FREE_PAGES] = self.totalram_pages
        self.lruvec: dict[str, array[page, bool]] = {lru: array(f"lruvec[{lru}]") for lru in LRU_LISTS}
        self.mlock_fbatch: list[page] = []  # soon unevictable, or evictable again
        self.slabinfo = counters("slabinfo", ("vm_area_struct", "anon_vma", "filp", "mm_struct"))
        self.vm_committed_as = 0
        self.admin_reserve_pages = min(self.totalram_pages // 32, (8 << 20) >> PAGE_SHIFT)  # init_admin_reserve (3.10)
        self.user_reserve_pages = min(self.totalram_pages // 32, (128 << 20) >> PAGE_SHIFT)  # init_user_reserve (3.10)
        self.sysctl_max_map_count = max_map_count
        self.sysctl_overcommit_memory = overcommit
        self.fault_around_bytes = max(PAGE_SIZE, 1 << (fault_around.bit_length() - 1))
        self.mmap_min_addr = min_addr
        self.fail_nth = 0
        self.serials: Counter[str] = Counter()
        self.tasks: array[int, task_struct] = array("tasks")
        self.current: task_struct = None  # type: ignore[assignment]  # as long as no process runs
        self.next_pid = 1
        self.root: dentry = None  # type: ignore[assignment]  # mounted at boot
        self.shm_mnt: super_block = None  # type: ignore[assignment]  # the tmpfs behind shared anonymous memory
        self.shm_ids = ipc_ids()
        self.pipe_mnt: super_block = None  # type: ignore[assignment]
        self.block_devices: list[address_space] = []
        self.try_to_free_pages: Callable[[machine], int]  # mm/vmscan.py
        self.out_of_memory: Callable[[machine], None]  # mm/oom_kill.py

    @property
    def name(self) -> str:
        """The machine's name in traces."""
        return "machine"

    def serial(self, kind: str) -> int:
        """Give the next number for the name of an object of this kind: 1, 2, 3, …"""
        self.serials[kind] += 1
        return self.serials[kind]
