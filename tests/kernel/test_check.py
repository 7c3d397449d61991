"""What if one thing in the machine is wrong? kernel.check() sees it, and its message names the object."""

from types import SimpleNamespace

import pytest

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_RDONLY, O_RDWR, PROT_READ
from mmlab.include.mm_types import PG_anon_exclusive, PG_dirty, PG_swapbacked, PG_uptodate, anon_vma
from mmlab.include.pgtable import _PAGE_NX, _PAGE_PRESENT, _PAGE_RW, pte_offset, pte_pfn
from mmlab.mm.page_alloc import alloc_page, put_page
from mmlab.mm.vma import find_vma
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at


class Machine(SimpleNamespace):
    """A machine with a VMA of each kind, and names for its parts."""

    def __init__(self, kernel, proc):
        self.kernel, self.machine, self.task, self.mm = kernel, kernel.machine, proc.task, proc.task.mm
        fd = make_file(proc, "/data/f", 4)
        map_at(proc, 0, 2, RW, MEMORY)  # one page stored to, one loaded: the zero page
        map_at(proc, 4, 2, RW, MAP_SHARED, fd)
        map_at(proc, 8, 2, RW, MAP_PRIVATE, fd)
        map_at(proc, 12, 1, RW, MAP_SHARED | MAP_ANONYMOUS)
        map_at(proc, 16, 1, PROT_READ, MEMORY)
        for page in (0, 5, 12):
            proc.store(at(page), b"#")
        for page in (1, 4, 8):
            proc.load(at(page))
        proc.fsync(fd)
        proc.load(at(4))
        self.anon, self.shared, self.private, self.shmem, self.last = (
            find_vma(self.mm, at(page)) for page in (0, 4, 8, 12, 16)
        )
        self.file = proc.task.files[fd]
        self.inode, self.mapping = self.file.f_path.d_inode, self.file.f_mapping
        self.page, self.clean = self.frame(0), self.frame(4)
        self.free = alloc_page(self.machine)
        put_page(self.free)

    def pte(self, page):
        return pte_offset(self.mm.pgd, at(page))

    def frame(self, page):
        table, i = self.pte(page)
        return self.machine.mem_map[pte_pfn(table[i])]

    def change(self, page, flip=0, add=0):
        """Flip bits of a PTE, or let it map another frame."""
        table, i = self.pte(page)
        table[i] = (table[i] ^ flip) + add * PAGE


def swap(m):
    """Exchange two neighbours in the list only."""
    m.mm.mmap, m.shared.vm_next, m.anon.vm_next = m.shared, m.anon, m.private


def add(owner, field, n=1):
    """A way to change one field by n."""

    def change(m):
        for name in owner.split("."):
            m = getattr(m, name)
        if isinstance(m, dict):
            m[field] += n
        else:
            setattr(m, field, getattr(m, field) + n)

    return change


def put(owner, field, value=None):
    """A way to set one field."""

    def change(m):
        setattr(getattr(m, owner), field, value(m) if callable(value) else value)

    return change


BROKEN = {  # what is wrong → how to break it, and what the message names
    # an address space
    "a VMA is empty": (lambda m: setattr(m.anon, "vm_end", m.anon.vm_start), "vma#.* is empty"),
    "a VMA is unaligned": (add("anon", "vm_end"), "vma#.* is empty, unaligned"),
    "two VMAs overlap": (add("anon", "vm_end", 3 * PAGE), "begins before"),
    "the list goes in a circle": (lambda m: setattr(m.last, "vm_next", m.anon), "vma#.* begins before"),
    "the list is in disorder": (swap, "vma#.* begins before"),
    "the list leaves a VMA out": (lambda m: setattr(m.anon, "vm_next", m.private), "mm:reader: the list of VMAs"),
    "vm_prev points elsewhere": (put("private", "vm_prev"), r"vma#\d+.vm_prev"),
    "vm_mm points elsewhere": (put("private", "vm_mm"), r"vma#\d+.vm_mm"),
    "the tree leaves a VMA out": (lambda m: setattr(m.mm.mm_rb.rb_node, "rb_left", None), "the list of VMAs"),
    "rb_parent points elsewhere":
        (lambda m: setattr(m.mm.mm_rb.rb_node.rb_left.rb_left, "rb_parent", m.mm.mm_rb.rb_node), "vma#|rb_parent"),
    "a red node has a red child":
        (lambda m: [setattr(n, "rb_red", True) for n in (m.mm.mm_rb.rb_node, m.mm.mm_rb.rb_node.rb_left)],
         "both red|black height"),
    "a path has one black node more":
        (lambda m: setattr(m.mm.mm_rb.rb_node.rb_left, "rb_red", not m.mm.mm_rb.rb_node.rb_left.rb_red),
         "black height|both red"),
    "map_count": (add("mm", "map_count"), "mm:reader.map_count"),
    "total_vm": (add("mm", "total_vm"), "mm:reader.total_vm"),
    "locked_vm": (add("mm", "locked_vm"), "mm:reader.locked_vm"),
    "nr_ptes": (add("mm", "nr_ptes"), "mm:reader.nr_ptes"),
    "vm_page_prot": (add("shared", "vm_page_prot", _PAGE_RW), r"vma#\d+.vm_page_prot"),
    "RssFile": (add("mm.rss_stat", "MM_FILEPAGES"), r"mm:reader.rss_stat\[MM_FILEPAGES\]"),
    "RssAnon": (add("mm.rss_stat", "MM_ANONPAGES"), r"mm:reader.rss_stat\[MM_ANONPAGES\]"),
    "RssShmem": (add("mm.rss_stat", "MM_SHMEMPAGES"), r"mm:reader.rss_stat\[MM_SHMEMPAGES\]"),
    # page tables
    "a page table lies where no VMA is":
        (lambda m: m.mm.pgd.__setitem__(5, type(m.pte(0)[0])(5 << 21)) or add("mm", "nr_ptes")(m), "a page table at"),
    "a page table says another address": (lambda m: setattr(m.pte(0)[0], "start", 0), "address of a page table"),
    "a PTE lies where no VMA is": (lambda m: m.pte(0)[0].__setitem__(3, m.pte(0)[0][0]), "a PTE at 10000003000"),
    "a PTE maps another page of the file": (lambda m: m.pte(4)[0].__setitem__(4, m.pte(4)[0][5]), "the page's index"),
    "a PTE maps a page of no file": (put("clean", "mapping"), "the page's file|is in a file"),
    "a PTE is executable": (lambda m: m.change(0, _PAGE_NX), "its protection"),
    "a PTE is not present": (lambda m: m.change(0, _PAGE_PRESENT), "its protection"),
    "the zero page can be written": (lambda m: m.change(1, _PAGE_RW), "zero page"),
    "a shared page of a clean file can be written": (lambda m: m.change(4, _PAGE_RW), r"10000004000 is writable"),
    "a private page of a file can be written": (lambda m: m.change(8, _PAGE_RW), r"10000008000 is writable"),
    "a page that the VMA forbids can be written":
        (lambda m: m.pte(16)[0].__setitem__(16, m.pte(16)[0][0]), "10000010000: the page's index"),
    "an anonymous page that is not exclusive can be written":
        (lambda m: setattr(m.page, "flags", m.page.flags & ~PG_anon_exclusive), "10000000000 is writable"),
    "a page without contents is mapped":
        (lambda m: setattr(m.page, "flags", m.page.flags & ~PG_uptodate), "10000000000: uptodate"),
    # anon_vmas
    "a VMA's anon_vma is not in its chain": (put("anon", "anon_vma_chain", ()), r"vma#\d+.anon_vma in its chain"),
    "an anon_vma does not know its VMA": (lambda m: m.anon.anon_vma.vmas.clear(), r"anon_vma#\d+"),
    "an anon_vma knows a VMA that is gone": (lambda m: m.anon.anon_vma.vmas.update({m.last: None}), r"anon_vma#\d+"),
    "an anon_vma is in a chain twice":
        (lambda m: setattr(m.anon, "anon_vma_chain", m.anon.anon_vma_chain * 2), "anon_vma_chain: each once"),
    "an anonymous page is of another anon_vma": (put("page", "mapping", lambda _: anon_vma(99)), "is in anon_vma#99"),
    # files
    "a file does not know its VMA": (lambda m: m.mapping.i_mmap.pop(m.shared), "in the i_mmap of its file"),
    "a file knows a VMA that is gone": (lambda m: m.mapping.i_mmap.update({m.last: True}), "mapping:f.i_mmap"),
    "i_mmap_writable": (add("mapping", "i_mmap_writable"), "mapping:f.i_mmap_writable"),
    "f_count": (add("file", "f_count"), r"file#\d+ \(f\).f_count"),
    "i_count": (add("inode", "i_count"), "inode:f.i_count"),
    "i_nlink": (add("inode", "i_nlink"), "inode:f.i_nlink"),
    "i_writecount": (add("inode", "i_writecount"), "inode:f.i_writecount"),
    # pages
    "a page's references": (add("page", "_count"), r"page#\d+._count"),
    "a page's PTEs": (add("page", "_mapcount"), r"page#\d+._mapcount"),
    "an exclusive page is mapped by nobody":
        (lambda m: setattr(m.free, "flags", PG_anon_exclusive), r"page#\d+, (free|exclusive)"),
    "a page's place in its file": (add("clean", "index"), "the page's index"),
    "a page that nobody maps is in another place":
        (lambda m: setattr(m.mapping.page_tree[3], "index", 9), r"page#\d+: \(mapping, index\)|index"),
    "a page of the disk is swapbacked":
        (lambda m: setattr(m.clean, "flags", m.clean.flags | PG_swapbacked), r"rss_stat|swapbacked"),
    "a page of shmem is not":
        (lambda m: setattr(m.frame(12), "flags", m.frame(12).flags & ~PG_swapbacked), r"rss_stat|swapbacked"),
    "a free frame has contents": (put("free", "data", b"secret"), r"page#\d+, free, holds"),
    "a free frame has a file": (put("free", "mapping", lambda m: m.mapping), r"page#\d+ is in a file"),
    "a frame is free twice": (lambda m: m.machine.free_pfns.append(m.free.pfn), "free_pfns: each once"),
    "a frame is in use and free": (lambda m: m.machine.free_pfns.append(m.page.pfn), r"page#\d+ is free"),
    "a frame is lost": (lambda m: m.machine.free_pfns.remove(m.free.pfn), r"page#\d+ is free"),
    "the zero page is written to": (lambda m: setattr(m.machine.mem_map[0], "data", b"#"), "the zero page"),
    # counters of the machine
    "Committed_AS": (add("machine", "vm_committed_as"), "vm_committed_as"),
    "a page is dirty and not counted":
        (lambda m: setattr(m.clean, "flags", m.clean.flags | PG_dirty), r"vm_stat\[nr_dirty\]"),
    **{name: (add("machine.vm_stat", name), rf"vm_stat\[{name}\]") for name in (
        "nr_free_pages", "nr_anon_pages", "nr_mapped", "nr_file_pages", "nr_dirty", "nr_shmem",
        "nr_page_table_pages")},
    **{name: (add("machine.slabinfo", name), rf"slabinfo\[{name}\]") for name in (
        "vm_area_struct", "anon_vma", "filp", "mm_struct")},
}  # fmt: skip


@pytest.fixture
def machine(kernel, proc):
    machine = Machine(kernel, proc)
    kernel.check()
    return machine


@pytest.mark.parametrize("what", BROKEN)
def test_what_if_one_thing_is_wrong(machine, what):
    change, message = BROKEN[what]
    change(machine)
    with pytest.raises(AssertionError, match=message):
        machine.kernel.check()
    machine.kernel.check = lambda: None  # it stays broken


def test_what_if_one_reads_of_a_failure(machine):
    """The exception carries each address space and the counters, beside its message."""
    machine.mm.map_count += 1
    with pytest.raises(AssertionError) as raised:
        machine.kernel.check()
    machine.mm.map_count -= 1
    (dump,) = raised.value.__notes__
    assert f"<task:reader pid={machine.task.pid}> <mm:reader" in dump
    assert f"    {machine.anon!r} READ|WRITE|MAYREAD|MAYWRITE|MAYEXEC|ACCOUNT {machine.anon.anon_vma.name}" in dump
    assert "nr_mapped " in dump


def test_what_if_the_list_goes_in_a_circle_the_dump_ends(machine):
    machine.last.vm_next, following = machine.anon, machine.last.vm_next
    machine.machine.sysctl_max_map_count, usual = 50, machine.machine.sysctl_max_map_count
    with pytest.raises(AssertionError):
        machine.kernel.check()
    machine.last.vm_next, machine.machine.sysctl_max_map_count = following, usual


def test_what_if_a_program_file_is_only_open(kernel, proc):
    """O_PATH counts no writer."""
    proc.open("/data/book.txt", 0o10000000 | O_RDWR)
    assert proc.task.files[proc.open("/data/book.txt", O_RDONLY)].f_path.d_inode.i_writecount == 0
    kernel.check()
