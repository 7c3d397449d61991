"""The objects of memory: include/linux/mm_types.h, rbtree.h, rmap.h (v4.4).

Three-line notation:    VMA: addresses → file:offset    address_space: file:offset → page    PTE: address → page
Every object has a stable short name (`vma#3`, `page#17`); a page's number is its frame number (pfn).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .array import array
from .mm import TASK_SIZE, VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE, vm_operations_struct
from .mman import PAGE_SHIFT
from .pgtable import pgd_t

if TYPE_CHECKING:
    from .fs import address_space, file
    from .mmzone import machine


PG_referenced = 1 << 2  # used again since it was last looked at
PG_uptodate = 1 << 3
PG_dirty = 1 << 4
PG_lru = 1 << 5  # on a list of machine.lruvec
PG_active = 1 << 8  # on the active one, or going there
PG_readahead = 1 << 16  # whoever comes here wants the next pages read, too
PG_tail = 1 << 20  # on Linux in one large page with the page before it: the two have one mark for read-ahead
PG_anon_exclusive = 1 << 17  # anonymous, and no fork shares it: a store needs no copy (5.19)
PG_swapbacked = 1 << 18  # backed by swap, not by a file: anonymous and shmem pages
PG_unevictable = 1 << 19  # of a file that lives in memory only
PG_mlocked = 1 << 21  # a locked VMA maps it: unevictable too, but left on its list here
PG_NAMES = {
    PG_referenced: "referenced",
    PG_readahead: "readahead",
    PG_tail: "tail",
    PG_uptodate: "uptodate",
    PG_dirty: "dirty",
    PG_lru: "lru",
    PG_active: "active",
    PG_anon_exclusive: "anon_exclusive",
    PG_swapbacked: "swapbacked",
    PG_unevictable: "unevictable",
    PG_mlocked: "mlocked",
}


class page:
    """One frame of memory: include/linux/mm_types.h:struct page.

    `_count`: references (each PTE is one, the page cache is one). `_mapcount`: PTEs that map it, counted from -1.
    `mapping` and `index` say what the frame holds: page `index` of a file (an address_space), or anonymous memory
    (an anon_vma). `data` is its 4096 bytes, as far as they were ever written; the rest reads as zeros. None: nothing
    was; bytes are still what the disk gave; a bytearray was written to.
    """

    __slots__ = ("_count", "_mapcount", "data", "flags", "index", "machine", "mapping", "pfn")

    def __init__(self, machine: machine, pfn: int) -> None:
        self.machine = machine
        self.pfn = pfn
        self.flags = 0
        self._count = 0
        self._mapcount = -1
        self.mapping: address_space | anon_vma | None = None
        self.index = 0
        self.data: bytearray | bytes | None = None

    @property
    def name(self) -> str:
        """The page's stable name."""
        return f"page#{self.pfn}"

    def __repr__(self) -> str:
        return f"<{self.name} index={self.index} mapcount={self._mapcount + 1} count={self._count}>"


class anon_vma:
    """Where the anonymous pages of some VMAs find the VMAs that may map them: include/linux/rmap.h:struct anon_vma."""

    __slots__ = ("number", "vmas")

    def __init__(self, number: int) -> None:
        self.number = number
        self.vmas: array[vm_area_struct, bool] = array(f"{self.name}.rb_root")

    @property
    def name(self) -> str:
        """The anon_vma's stable name."""
        return f"anon_vma#{self.number}"

    def __repr__(self) -> str:
        return f"<{self.name} {len(self.vmas)} VMAs>"


class rb_node:
    """A node of a red-black tree, embedded in the object it links: include/linux/rbtree.h:struct rb_node."""

    __slots__ = ("rb_left", "rb_parent", "rb_red", "rb_right")


class rb_root:
    """The root pointer of a red-black tree: include/linux/rbtree.h:struct rb_root."""

    __slots__ = ("rb_node",)

    def __init__(self) -> None:
        self.rb_node: vm_area_struct | None = None


class vm_area_struct(rb_node):
    """One range of addresses [vm_start, vm_end) (bytes) that is mapped in one way: struct vm_area_struct.

    The three links of a file mapping: `vm_pgoff` (the file page under vm_start), `vm_file`, `vm_ops`. `anon_vma` takes
    new anonymous pages; `anon_vma_chain` is that one and, after a fork, those of the parents, whose pages it maps too.
    """

    __slots__ = (
        "anon_vma",
        "anon_vma_chain",
        "number",
        "vm_end",
        "vm_file",
        "vm_flags",
        "vm_mm",
        "vm_next",
        "vm_ops",
        "vm_page_prot",
        "vm_pgoff",
        "vm_prev",
        "vm_start",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.vm_mm: mm_struct = None  # type: ignore[assignment]  # set before anybody sees the VMA
        self.vm_start = self.vm_end = 0
        self.vm_next: vm_area_struct | None = None
        self.vm_prev: vm_area_struct | None = None
        self.rb_parent: vm_area_struct | None = None
        self.rb_left: vm_area_struct | None = None
        self.rb_right: vm_area_struct | None = None
        self.rb_red = False
        self.vm_flags = 0
        self.vm_page_prot = 0
        self.vm_pgoff = 0
        self.vm_file: file | None = None
        self.vm_ops: vm_operations_struct | None = None
        self.anon_vma: anon_vma | None = None
        self.anon_vma_chain: tuple[anon_vma, ...] = ()

    @property
    def name(self) -> str:
        """The VMA's stable name."""
        return f"vma#{self.number}"

    @property
    def perms(self) -> str:
        """The four letters of /proc/PID/maps; 's' is MAP_SHARED as the program asked, even on a read-only file."""
        flags = self.vm_flags
        return (
            ("r" if flags & VM_READ else "-")
            + ("w" if flags & VM_WRITE else "-")
            + ("x" if flags & VM_EXEC else "-")
            + ("s" if flags & VM_MAYSHARE else "p")
        )

    def __repr__(self) -> str:
        what = f" {self.vm_file.f_path.d_name}:{self.vm_pgoff:#x}" if self.vm_file else ""
        return f"<{self.name} {self.vm_start:x}-{self.vm_end:x} {self.perms}{what}>"


class counters(dict[str, int]):
    """An array of counters, indexed by the kernel's names for them; `name` says whose they are."""

    __slots__ = ("name",)

    def __init__(self, name: str, keys: tuple[str, ...]) -> None:
        super().__init__(dict.fromkeys(keys, 0))
        self.name = name


class mm_struct:
    """One address space: include/linux/mm_types.h:struct mm_struct.

    The VMAs are linked twice: a list sorted by address (`mmap` is its head) and a red-black tree (`mm_rb`).
    """

    __slots__ = (
        "brk",
        "data_vm",
        "end_code",
        "end_data",
        "exe_file",
        "exec_vm",
        "hiwater_rss",
        "hiwater_vm",
        "locked_left",
        "locked_vm",
        "machine",
        "map_count",
        "mm_rb",
        "mmap",
        "mmap_base",
        "nr_ptes",
        "owner",
        "pgd",
        "rss_stat",
        "stack_vm",
        "start_brk",
        "start_code",
        "start_data",
        "start_stack",
        "task_size",
        "total_vm",
    )

    def __init__(self, machine: machine, owner: str) -> None:
        self.machine = machine
        self.owner = owner
        self.mmap: vm_area_struct | None = None
        self.mm_rb = rb_root()
        self.map_count = 0
        self.total_vm = self.data_vm = self.exec_vm = self.stack_vm = self.locked_vm = 0  # pages
        self.locked_left = 0  # of locked_vm, what no VMA locks any more (dontunmap_complete); not in the kernel
        self.hiwater_vm = self.hiwater_rss = 0  # the most there was so far, as far as it went down again (pages)
        self.pgd = pgd_t()
        self.nr_ptes = 0  # last-level page tables
        self.rss_stat = counters(f"{self.name}.rss_stat", ("MM_FILEPAGES", "MM_ANONPAGES", "MM_SHMEMPAGES"))
        self.task_size = TASK_SIZE
        self.mmap_base = TASK_SIZE
        self.start_code = self.end_code = self.start_data = self.end_data = 0
        self.start_brk = self.brk = self.start_stack = 0
        self.exe_file: file | None = None

    @property
    def name(self) -> str:
        """The address space's stable name."""
        return f"mm:{self.owner}"

    def __repr__(self) -> str:
        return f"<{self.name} {self.map_count} VMAs, {self.total_vm} pages>"


def get_mm_rss(mm: mm_struct) -> int:
    """Count the pages that the address space maps: include/linux/mm.h:get_mm_rss (v4.4)."""
    return sum(mm.rss_stat.values())


def update_hiwater_rss(mm: mm_struct) -> None:
    """Remember how much was mapped, before some of it goes: include/linux/mm.h:update_hiwater_rss (v4.4)."""
    mm.hiwater_rss = max(mm.hiwater_rss, get_mm_rss(mm))


def vma_pages(vma: vm_area_struct) -> int:
    """Count the pages of a VMA: include/linux/mm.h:vma_pages (v4.4)."""
    return (vma.vm_end - vma.vm_start) >> PAGE_SHIFT


def PageAnon(page: page) -> bool:
    """Tell whether the page is anonymous memory (a copied page of a private file mapping is, too)."""
    return isinstance(page.mapping, anon_vma)


def page_mapcount(page: page) -> int:
    """Count the PTEs that map the page: include/linux/mm.h:page_mapcount (v4.4)."""
    return page._mapcount + 1
