"""The decisions of a page fault: `TREE` says which functions a fault may go through, and on what each choice depends.

Each reason is worked out from the values at that moment; a test compares it with what the kernel then did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..include.mm import (
    VM_EXEC,
    VM_FAULT_ERROR,
    VM_FAULT_NAMES,
    VM_FAULT_NOPAGE,
    VM_FAULT_OOM,
    VM_MAYSHARE,
    VM_READ,
    VM_SHARED,
    VM_WRITE,
    vm_operations_struct,
)
from ..include.mm_types import PG_anon_exclusive, PG_readahead, PG_uptodate, anon_vma, page, vm_area_struct
from ..include.mman import PAGE_SHIFT, PAGE_SIZE, flag_names
from ..include.pgtable import pte_index, pte_none, pte_pfn, pte_table, pte_write
from ..include.sched import task_struct
from ..mm.memory import ZERO_PFN
from ..trace import Change, Event, show_pte
from .words import _

# ── the values at that moment ───────────────────────────────────────────────────────────────────────────────


class Then:
    """The machine as it was before the first of these events."""

    def __init__(self, events: list[Event]) -> None:
        self.old: dict[tuple[int, Any], Any] = {}
        for event in events:
            if isinstance(event, Change):
                self.old.setdefault((id(event.owner), event.field), event.old)

    def get(self, owner: Any, field: Any) -> Any:
        """Give a field of an object, or an entry of an array, as it was."""
        if (id(owner), field) in self.old:
            return self.old[id(owner), field]
        if isinstance(owner, dict):
            return owner.get(field)
        return owner[field] if isinstance(owner, list) else getattr(owner, field)


@dataclass
class Facts:
    """What a fault depends on; `results` holds what the functions on its way have given so far."""

    then: Then
    current: task_struct
    address: int
    write: bool
    vma: vm_area_struct | None = None
    above: bool = False  # the VMA that find_vma gave began above the address
    table: pte_table | None = None
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def access(self) -> str:
        """The access, as MemoryFault names it."""
        return "store" if self.write else "load"

    @property
    def covered(self) -> bool:
        """Whether the VMA that find_vma gave holds the address, or has grown down to it, as a stack does."""
        return self.vma is not None and (not self.above or "expand_downwards" in self.results)

    @property
    def pte(self) -> int:
        """The page table entry."""
        entry: int = self.then.get(self.table, pte_index(self.address)) if self.table is not None else 0
        return entry

    @property
    def ops(self) -> vm_operations_struct | None:
        """The VMA's vm_ops."""
        ops: vm_operations_struct | None = self.then.get(self.vma, "vm_ops")
        return ops

    @property
    def shared(self) -> bool:
        """Whether the VMA is VM_SHARED."""
        return bool(self.then.get(self.vma, "vm_flags") & VM_SHARED)

    @property
    def page(self) -> page | None:
        """The page that the entry maps already."""
        pfn = pte_pfn(self.pte)
        return None if pte_none(self.pte) or pfn == ZERO_PFN else self.current.machine.mem_map[pfn]

    @property
    def anon(self) -> bool:
        """Whether that page is anonymous memory."""
        return self.page is not None and isinstance(self.then.get(self.page, "mapping"), anon_vma)

    @property
    def perms(self) -> str:
        """The VMA's permissions, as /proc/PID/maps has them."""
        flags = self.then.get(self.vma, "vm_flags")
        letters = (VM_READ, "r", "-"), (VM_WRITE, "w", "-"), (VM_EXEC, "x", "-"), (VM_MAYSHARE, "s", "p")
        return "".join(yes if flags & flag else no for flag, yes, no in letters)

    @property
    def pgoff(self) -> int:
        """The page of the file at that address."""
        start, pgoff = self.then.get(self.vma, "vm_start"), self.then.get(self.vma, "vm_pgoff")
        return pgoff + ((self.address - start) >> PAGE_SHIFT)

    @property
    def cached(self) -> bool:
        """Whether the file's page is in memory, and so can be mapped at once."""
        mapping = self.then.get(self.vma, "vm_file").f_mapping
        found = self.then.get(mapping.page_tree, self.pgoff)
        here = found is not None and bool(self.then.get(found, "flags") & PG_uptodate)
        return here and self.pgoff * PAGE_SIZE < self.then.get(mapping.host, "i_size")

    @property
    def marked(self) -> bool:
        """Whether the page is in memory, and whoever comes to it is to read on: fault-around leaves it alone."""
        found = self.then.get(self.then.get(self.vma, "vm_file").f_mapping.page_tree, self.pgoff)
        return self.cached and bool(self.then.get(found, "flags") & PG_readahead)


# ── the decisions ───────────────────────────────────────────────────────────────────────────────────────────

Reason = tuple[bool, str]  # whether a branch is taken, and the values that say so


class Branch(NamedTuple):
    """A function (or a signal) that a fault may come to from the one above it; `when` tells whether, and why."""

    name: str
    when: Callable[[Facts], Reason]
    below: tuple[Branch, ...] = ()


# Each of these says whether a branch is taken, and which values say so.


def always(f: Facts) -> Reason:
    return True, ""


def begins_above(f: Facts) -> Reason:
    if f.vma is None:
        return False, _("no VMA ends above {address:x}").format(address=f.address)
    words = _("{vma}, the next, begins above {address:x}") if f.above else _("{vma} covers {address:x}")
    return f.above, words.format(vma=f.vma.name, address=f.address)


def not_covered(f: Facts) -> Reason:
    words = _("{vma} covers {address:x}") if f.covered else _("no VMA covers {address:x}")
    refusal = f": {f.results['refusal']}" if "refusal" in f.results else ""
    return not f.covered, words.format(vma=f.vma.name if f.vma else "", address=f.address) + refusal


def forbidden(f: Facts) -> Reason:
    if not f.covered or f.vma is None:
        return False, not_covered(f)[1]
    no = bool(f.results["access_error"])
    words = _("{vma} is {perms}: no {access}") if no else _("{vma} is {perms}: a {access} is allowed")
    return no, words.format(vma=f.vma.name, perms=f.perms, access=f.access)


def allowed(f: Facts) -> Reason:
    return f.covered and not forbidden(f)[0], forbidden(f)[1]


def answered(f: Facts, error: int) -> Reason:
    answer = f.results.get("handle_mm_fault")
    if answer is None:
        return False, killed(f)[1] if killed(f)[0] else _("handle_mm_fault was not called")
    words = _("handle_mm_fault gave {answer}").format(answer=flag_names(answer, VM_FAULT_NAMES))
    return bool(answer & error), words


def failed(f: Facts) -> Reason:
    return answered(f, VM_FAULT_ERROR & ~VM_FAULT_OOM)


def out_of_memory(f: Facts) -> Reason:
    return answered(f, VM_FAULT_OOM)


def killed(f: Facts) -> Reason:
    no_page = bool(f.results.get("SIGKILL"))
    return no_page, _("no page was left") if no_page else _("there was memory")


def pte_words(f: Facts) -> str:
    return _("PTE none") if pte_none(f.pte) else _("PTE is {pte}, not none").format(pte=show_pte(f.pte))


def ops_words(f: Facts) -> str:
    return _("vm_ops is NULL") if f.ops is None else _("vm_ops is {ops}, not NULL").format(ops=f.ops.name)


def anonymous(f: Facts) -> Reason:
    none = pte_none(f.pte)
    return none and f.ops is None, f"{pte_words(f)}, {ops_words(f)}" if none else pte_words(f)


def of_file(f: Facts) -> Reason:
    return pte_none(f.pte) and f.ops is not None, anonymous(f)[1]


def protected(f: Facts) -> Reason:
    taken = not pte_none(f.pte) and f.write and not pte_write(f.pte)
    return taken, f"{pte_words(f)}, {access_words(f)}" if not pte_none(f.pte) else pte_words(f)


def access_words(f: Facts) -> str:
    return _("the access is a {access}").format(access=f.access)


def sharing_words(f: Facts) -> str:
    words = _("{vma} is VM_SHARED") if f.shared else _("{vma} is not VM_SHARED")
    return words.format(vma=f.vma.name if f.vma else "")


def load(f: Facts) -> Reason:
    return not f.write, access_words(f)


def new_page(f: Facts) -> Reason:
    if not f.write:
        return False, access_words(f) + _(": the zero page will do")
    if not f.results["anon_vma_prepare"]:
        return False, _("no memory for an anon_vma")
    return True, access_words(f)


def store_private(f: Facts) -> Reason:
    return f.write and not f.shared, f"{access_words(f)}, {sharing_words(f)}" if f.write else access_words(f)


def store_shared(f: Facts) -> Reason:
    return f.write and f.shared, store_private(f)[1]


def around(f: Facts) -> Reason:
    assert f.ops is not None
    size = f.current.machine.fault_around_bytes
    if f.ops.map_pages is None:
        return False, _("{ops}.map_pages is NULL").format(ops=f.ops.name)
    return size > PAGE_SIZE, _("fault_around_bytes is {size}").format(size=size)


def still_none(f: Facts) -> Reason:
    words = _("file page {n} is in memory") if f.cached else _("file page {n} is not in memory")
    if f.marked:
        words = _("file page {n} is marked for read-ahead, and do_fault_around passes it by")
    mapped = f.cached and not f.marked and around(f)[0]
    return not mapped, words.format(n=f.pgoff) + (_(", do_fault_around mapped it") if mapped else "")


def allocated(f: Facts) -> Reason:
    found = f.results.get("alloc_page")
    return found is not None, _("alloc_page gave {page}").format(page=found.name if found else "NULL")


def mkwrite(f: Facts) -> Reason:
    assert f.ops is not None
    name = getattr(f.ops.page_mkwrite, "__name__", "NULL")
    words = _("{ops}.page_mkwrite is {name}").format(ops=f.ops.name, name=name)
    return f.ops.page_mkwrite is not None, words


def given_and_mkwrite(f: Facts) -> Reason:
    if killed(f)[0]:
        return False, killed(f)[1]
    answer, found = f.results["__do_fault"]
    words = _("__do_fault gave {answer}").format(answer=flag_names(answer, VM_FAULT_NAMES))
    return found is not None and mkwrite(f)[0], mkwrite(f)[1] if found is not None else words


def agreed(f: Facts) -> Reason:
    answer = f.results.get("do_page_mkwrite", 0)
    words = _("do_page_mkwrite gave {answer}").format(answer=flag_names(answer, VM_FAULT_NAMES))
    return not answer & (VM_FAULT_ERROR | VM_FAULT_NOPAGE), words if answer else mkwrite(f)[1]


def page_words(f: Facts) -> str:
    if f.page is None:
        return _("the PTE maps the zero page")
    kind = _("anonymous") if f.anon else _("a page of the file")
    words = _("{page} is {kind}, _count {count}")
    return words.format(page=f.page.name, kind=kind, count=f.then.get(f.page, "_count"))


def own(f: Facts) -> Reason:
    if not f.anon or f.page is None:
        return False, page_words(f)
    exclusive = bool(f.then.get(f.page, "flags") & PG_anon_exclusive)
    return exclusive or f.then.get(f.page, "_count") == 1, page_words(f) + ", anon_exclusive" * exclusive


def of_shared_file(f: Facts) -> Reason:
    file_page = f.page is not None and not f.anon
    return file_page and f.shared, f"{page_words(f)}, {sharing_words(f)}" if file_page else own(f)[1]


def must_copy(f: Facts) -> Reason:
    return not own(f)[0] and not of_shared_file(f)[0], of_shared_file(f)[1]


FAULT = Branch("vm_ops->fault", always)
MKWRITE = Branch("vm_ops->page_mkwrite", always)
WP_SHARED = Branch("do_page_mkwrite", mkwrite, (MKWRITE,)), Branch("wp_page_reuse", agreed)
DO_FAULT = (
    Branch("do_read_fault", load, (
        Branch("do_fault_around", around, (Branch("vm_ops->map_pages", always),)),
        Branch("__do_fault", still_none, (FAULT,)))),
    Branch("do_cow_fault", store_private, (Branch("__do_fault", allocated, (FAULT,)),)),
    Branch("do_shared_fault", store_shared, (
        Branch("__do_fault", always, (FAULT,)),
        Branch("do_page_mkwrite", given_and_mkwrite, (MKWRITE,)))),
)  # fmt: skip
HANDLE_PTE_FAULT = (
    Branch("do_anonymous_page", anonymous, (Branch("alloc_page", new_page),)),
    Branch("do_fault", of_file, DO_FAULT),
    Branch("do_wp_page", protected, (
        Branch("wp_page_reuse", own),
        Branch("wp_page_shared", of_shared_file, WP_SHARED),
        Branch("wp_page_copy", must_copy))),
)  # fmt: skip
TREE = Branch("do_page_fault", always, (
    Branch("lock_mm_and_find_vma", always, (
        Branch("expand_downwards", begins_above),
        Branch("SIGSEGV SEGV_MAPERR", not_covered))),
    Branch("SIGSEGV SEGV_ACCERR", forbidden),
    Branch("handle_mm_fault", allowed, (Branch("handle_pte_fault", always, HANDLE_PTE_FAULT),)),
    Branch("pagefault_out_of_memory", out_of_memory),
    Branch("mm_fault_error", failed, (Branch("SIGBUS BUS_ADRERR", failed),)),
    Branch("SIGKILL", killed),
))  # fmt: skip
