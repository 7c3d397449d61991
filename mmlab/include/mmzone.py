"""Memory as a whole: include/linux/mmzone.h, vmstat.h; and what the kernel keeps in global variables."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .array import array
from .mm_types import counters, page
from .mman import PAGE_SHIFT, PAGE_SIZE
from .shm import ipc_ids

if TYPE_CHECKING:
    from .fs import address_space, dentry, super_block
    from .sched import task_struct

# the names are those of /proc/vmstat; all count pages, but for the last two, which count events
NR_FREE_PAGES = "nr_free_pages"
NR_ANON_PAGES = "nr_anon_pages"
NR_FILE_MAPPED = "nr_mapped"
NR_FILE_PAGES = "nr_file_pages"
NR_FILE_DIRTY = "nr_dirty"
NR_SHMEM = "nr_shmem"
NR_PAGETABLE = "nr_page_table_pages"
PGFAULT = "pgfault"
PGMAJFAULT = "pgmajfault"
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
)

OVERCOMMIT_GUESS, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER = 0, 1, 2


class machine:
    """What the kernel keeps in global variables, as an object: several machines can run side by side.

    `mem_map[pfn]` is the page of frame pfn; frames never used yet have no page object. `fail_nth`: when it counts down
    to 0, an allocation of a kernel object fails (lib/fault-inject.c; /proc/self/fail-nth since 4.14).
    """

    __slots__ = (
        "block_devices",
        "fail_nth",
        "fault_around_bytes",
        "free_pfns",
        "mem_map",
        "mmap_min_addr",
        "next_pid",
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
        "vm_committed_as",
        "vm_stat",
    )

    def __init__(self, mem: int, max_map_count: int, fault_around: int, min_addr: int, overcommit: int) -> None:
        self.totalram_pages = mem >> PAGE_SHIFT
        self.mem_map: list[page] = []
        self.free_pfns: list[int] = []
        self.vm_stat = counters("vm_stat", VM_STAT_ITEMS)
        self.vm_stat[NR_FREE_PAGES] = self.totalram_pages
        self.slabinfo = counters("slabinfo", ("vm_area_struct", "anon_vma", "filp", "mm_struct"))
        self.vm_committed_as = 0
        self.sysctl_max_map_count = max_map_count
        self.sysctl_overcommit_memory = overcommit
        self.fault_around_bytes = max(PAGE_SIZE, 1 << (fault_around.bit_length() - 1))
        self.mmap_min_addr = min_addr
        self.fail_nth = 0
        self.serials: Counter[str] = Counter()
        self.tasks: array[int, task_struct] = array("tasks")
        self.next_pid = 1
        self.root: dentry = None  # type: ignore[assignment]  # mounted at boot
        self.shm_mnt: super_block = None  # type: ignore[assignment]  # the tmpfs behind shared anonymous memory
        self.shm_ids = ipc_ids()
        self.pipe_mnt: super_block = None  # type: ignore[assignment]
        self.block_devices: list[address_space] = []

    @property
    def name(self) -> str:
        """The machine's name in traces."""
        return "machine"

    def serial(self, kind: str) -> int:
        """Give the next number for the name of an object of this kind: 1, 2, 3, …"""
        self.serials[kind] += 1
        return self.serials[kind]
