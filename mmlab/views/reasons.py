"""The one sentence that a step is explained by.

Of a call it is the first sentence of the function's docstring, of a failure the check that failed. Of a change it is
what the field says, whoever sets it, and the docstring of the function that set it here.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from typing import Any

from ..include.errors import MemoryFault
from ..include.pgtable import pgd_t, pte_table
from ..trace import TREE_LINKS, Change, Failure, Return, show, show_change
from .history import Step
from .words import _

# what follows the sentence: where it is in Linux, or the next sentence
SOURCE = re.compile(
    r":\s+(?:the [a-z ]+ )?(?=(?:[\w-]+/)+[\w.-]+\.[chS]\b|v?\d+\.\d+\b|(?:in )?\w+ (?:and on )?\(v?\d)|\. |\.$"
)
MEANINGS = {
    "vm_area_struct": {
        "vm_mm": "the address space that the VMA belongs to",
        "vm_start": "the first address that the VMA covers",
        "vm_end": "the first address after the VMA",
        "vm_flags": "what the program may do here, and how the mapping behaves",
        "vm_page_prot": "the permission bits that a new PTE of the VMA starts with",
        "vm_pgoff": "the file page that lies under vm_start: the link to a place in the file",
        "vm_file": "the open file that is mapped: the link to the file",
        "vm_ops": "the functions that a page fault here calls: the link to the file system",
        "anon_vma": "where the VMA's anonymous pages find the VMAs that may map them",
        "anon_vma_chain": "every anon_vma whose pages the VMA may map: its own and, after a fork, its parents'",
        "vm_next": "the next VMA by address",
        "vm_prev": "the VMA before, by address",
    },
    "mm_struct": {
        "mmap": "the first VMA of the list",
        "map_count": "how many VMAs the address space has",
        "total_vm": "how many pages all its VMAs cover, in memory or not",
        "locked_vm": "how many pages its locked VMAs cover",
        "nr_ptes": "how many last-level page tables it has",
        "brk": "where the heap ends",
        "start_brk": "where the heap begins",
        "start_data": "where the data of the program begins",
        "end_data": "where the data of the program ends",
        "exe_file": "the program that runs in it",
        "owner": "whose address space it is",
        "start_stack": "where the stack begins, at its upper end",
        "data_vm": "how many pages its private, writable VMAs cover",
        "exec_vm": "how many pages its executable VMAs cover that nobody may write",
        "stack_vm": "how many pages its stack covers",
        "hiwater_rss": "the most pages it has had in memory at once, as last noted",
        "hiwater_vm": "the most pages its VMAs have covered at once, as last noted",
        "start_code": "where the program's code begins",
        "end_code": "where the program's code ends",
        "mmap_base": "below which address new mappings are placed",
        "task_size": "the first address that no program may use",
    },
    "page": {
        "_count": "how many references hold the frame: each PTE is one, the page cache is one",
        "_mapcount": "how many PTEs map the page, counted from -1",
        "mapping": "what the page belongs to: a file's address_space, or an anon_vma",
        "index": "which page of it this is",
        "flags": "the page's state",
        "data": "the bytes in the page",
    },
    "file": {
        "f_count": "how many hold the open file: descriptors, VMAs",
        "f_pos": "where the next read or write begins",
        "f_ra_start": "the first page of the read-ahead window",
        "f_ra_size": "how many pages the read-ahead window has",
        "f_ra_async_size": "how many of them are read before they are asked for",
        "f_ra_order": "how large the pages of the next window may be",
        "f_ra_prev_pos": "where the last read ended, for read-ahead",
        "f_mode": "what the file was opened for",
    },
    "inode": {
        "i_size": "how long the file is, in bytes",
        "i_count": "how many open files there are of it",
        "i_nlink": "how many names it has",
        "i_atime": "when it was last accessed",
        "i_writecount": "how many have it open for writing; below 0, how many forbid that",
        "i_private": "what the file system keeps of the file",
    },
    "address_space": {"i_mmap_writable": "how many shared mappings may become writable; below 0 they are forbidden"},
    "task_struct": {
        "min_flt": "the process's minor page faults: what was needed was in memory",
        "maj_flt": "the process's major page faults: a page had to be filled first",
        "mm": "the process's address space",
        "uid": "whose process it is",
        "rlim": "the limits of the process",
        "exit_code": "what the process ended with",
    },
    "machine": {
        "vm_committed_as": "how many pages have been promised to programs",
        "next_pid": "the number of the next process",
    },
    "vm_stat": {
        "nr_free_pages": "frames that nobody uses: MemFree",
        "nr_anon_pages": "anonymous pages that are mapped: AnonPages",
        "nr_mapped": "page-cache pages that at least one PTE maps: Mapped",
        "nr_file_pages": "pages in the page cache: Cached and Buffers",
        "nr_dirty": "page-cache pages that the disk does not have yet: Dirty",
        "nr_shmem": "pages of tmpfs and of shared anonymous memory: Shmem",
        "nr_page_table_pages": "frames that hold page tables: PageTables",
        "pgfault": "page faults of all processes so far",
        "pgmajfault": "major page faults so far: a page had to be filled first",
    },
}
KINDS = {  # the arrays, by the end of their names
    "rss_stat": "how many pages of that kind the process has in memory",
    "slabinfo": "how many kernel objects of that kind are allocated",
    "page_tree": "the page cache: which frame holds that page of the file",
    "i_mmap": "the VMAs that map the file",
    "rb_root": "the VMAs that may map the pages of the anon_vma",
    "files": "the open file that the descriptor stands for",
    "rlim": "a limit of the process",
    "d_children": "the names in the directory",
    "ipc_ids": "the segments of System V shared memory, by number",
    "tasks": "the processes of the machine, by pid",
}


def summary(function: Callable[..., Any]) -> str:
    """Give the first sentence of a kernel function's docstring, without where it is in Linux."""
    words = " ".join((function.__doc__ or "").split())
    return SOURCE.split(words, maxsplit=1)[0]


def reference(function: Callable[..., Any]) -> str:
    """Say where the function is in Linux, if its docstring does: `mm/mmap.c:do_mmap (v4.4)`."""
    found = re.search(r"(?:[\w-]+/)+[\w.-]+\.[chS]:\w+(?: \(v?[\d.]+\))?", function.__doc__ or "")
    return found[0] if found else ""


def meaning(change: Change) -> str:
    """Say what the field is that changed; "" if there is no sentence for it."""
    owner, field = change.owner, change.field
    if isinstance(owner, pte_table):
        return _("the page table entry: which frame the address reaches, and what the processor may do there")
    if isinstance(owner, pgd_t):
        return _("the page tables of the address space")
    if isinstance(field, range):
        return _("the bytes in the page")
    if isinstance(owner, dict):
        name = show(owner)
        if name.startswith("disk:"):
            return _("the block of the disk that keeps that page of the file")
        found = MEANINGS.get(name, {}).get(field) or KINDS.get(re.split(r"[.:]", name)[-1], "")
        return _(found) if found else ""
    if field in TREE_LINKS:
        return _("a link of the red-black tree in which addresses are looked up")
    found = MEANINGS.get(type(owner).__name__, {}).get(field, "")
    return _(found) if found else ""


def reason(step: Step) -> str:
    """Explain a step in one sentence."""
    event = step.event
    if isinstance(event, Change):
        what = meaning(event)
        said = [f"{place(event)}: {what}."] if what else []
        said += [f"In {step.caller.function.__name__}: {summary(step.caller.function)}."] if step.caller else []
        return " ".join(said)
    name = event.function.__name__
    if isinstance(event, Failure):
        return failure_reason(name, event.error)
    return f"{name}: {summary(event.function)}."


def failure_reason(name: str, error: BaseException) -> str:
    """Say which check failed."""
    if isinstance(error, OSError) and error.errno:
        return _("{name} fails with {errno}. {check}").format(
            name=name, errno=errno.errorcode[error.errno], check=error.strerror
        )
    if isinstance(error, MemoryFault):
        return _("{name} ends in {signal}: {check}").format(name=name, signal=error.signal, check=error.reason)
    return f"{name}: {type(error).__name__}: {error}"


def place(change: Change) -> str:
    """Name what changed: `vma#3.vm_pgoff`, `pte[7ffff7de6000]`, `vm_stat[nr_mapped]`."""
    return show_change(change).partition(": ")[0]


def function_of(step: Step) -> Callable[..., Any] | None:
    """Give the function that a step is about, or, of a change, in which it is made."""
    if isinstance(step.event, Change):
        return step.caller.function if step.caller else None
    return step.event.function


def name_of(step: Step) -> str:
    """Name what a step is found by: the field that changes, or the function that is called."""
    if isinstance(step.event, Change):
        return place(step.event)
    return "" if step.text.startswith("}") else f"{step.event.function.__name__}()"


def spell_step(step: Step) -> str:
    """Spell a step on its own: a closing brace alone would not say whose it is."""
    function = function_of(step)
    if function and step.text.startswith("}"):
        return f"{function.__name__}(){step.text[1:]}"
    return step.text.removeprefix("· ").removesuffix(" {")


def what_happens(step: Step) -> str:
    """Say in a word or two what kind of step it is."""
    event = step.event
    if isinstance(event, Change):
        return _("changes")
    if isinstance(event, Failure):
        return _("fails")
    return _("returns") if isinstance(event, Return) else _("is called")
