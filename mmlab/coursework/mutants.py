"""Kernels with one thing wrong: for each bug hunt, the bugs to draw from.

A bug is a function of a room in which one piece of the text is replaced by another. It is there only while the mutant
runs, so a true kernel may stand beside it.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from mmlab.machine import Kernel
from mmlab.process import Process


class Bug(NamedTuple):
    """What is wrong: in which function ("mm.msync:sys_msync"), what stands there, and what is put in its place."""

    function: str
    right: str
    wrong: str


BUGS: dict[str, dict[str, Bug]] = {
    "ps1-bug": {
        "gap": Bug("arch.sys_x86_64:hint_is_free", "vm_start_gap(vma)", "vma.vm_start"),
        "hint": Bug("arch.sys_x86_64:hint_is_free", "vma is None", "vma is None or addr >= vma.vm_start"),
        "lowest": Bug("arch.sys_x86_64:arch_get_unmapped_area_topdown", "found = unmapped_area_topdown",
                      "found = unmapped_area"),
        "maywrite": Bug("mm.mmap:file_vm_flags", "vm_flags &= ~VM_MAYWRITE", "pass"),
        "noreplace": Bug("mm.mmap:do_mmap", "find_vma_links(mm, addr, addr + length) is None", "False"),
        "offset": Bug("mm.mmap:anon_vm_flags", "return vm_flags, addr >> PAGE_SHIFT", "return vm_flags, 0"),
        "writeonly": Bug("mm.mmap:file_vm_flags", "if not file.f_mode & FMODE_READ:", "if False:"),
        "zero": Bug("mm.mmap:do_mmap", "failure(EINVAL", "failure(ENOMEM"),
    },
    "ps2-bug": {
        "apart": Bug("mm.vma:vma_modify", "vma_merge(mm, prev, start, end, vm_flags, vma.vm_file, pgoff)", "None"),
        "down": Bug("mm.vma:vma_merge", "after.vm_start != end", "True"),
        "inode": Bug("mm.vma:is_mergeable_vma", "vma.vm_file is file",
                     "(vma.vm_file and vma.vm_file.f_mapping) is (file and file.f_mapping)"),
        "keep": Bug("mm.vma:remove_vma", "if vma.vm_file:", "if False:"),
        "mkwrite": Bug("mm.mmap:vma_wants_writenotify", "bool(vma.vm_ops and vma.vm_ops.page_mkwrite)", "False"),
        "promise": Bug("mm.mmap:accountable_mapping", "VM_NORESERVE | VM_SHARED | VM_WRITE", "VM_NORESERVE | VM_WRITE"),
        "split": Bug("mm.vma:split_vma", "upper.vm_pgoff += (addr - lower.vm_start) >> PAGE_SHIFT", "pass"),
        "undo": Bug("mm.mmap:mmap_region", "labels.append((vm_unacct_memory, mm.machine, pages))", "pass"),
    },
    "ps3-bug": {
        "around": Bug("mm.memory:do_fault_around", "max(address & -(nr_pages * PAGE_SIZE), vma.vm_start)",
                      "address & PAGE_MASK"),
        "zero": Bug("mm.memory:do_anonymous_page", "if not flags & FAULT_FLAG_WRITE:", "if False:"),
        "last": Bug("mm.filemap:filemap_fault", "last_page(mapping)", "mapping.host.i_size // PAGE_SIZE"),
        "private": Bug("mm.memory:do_fault", "if not vma.vm_flags & VM_SHARED:", "if False:"),
        "clean": Bug("mm.page_writeback:clear_page_dirty_for_io", "if page_mkclean(page):", "if False:"),
        "async": Bug("mm.msync:sys_msync", "flags & MS_SYNC and vma.vm_file",
                     "flags & (MS_SYNC | MS_ASYNC) and vma.vm_file"),
        "copies": Bug("mm.truncate:truncate_pagecache", "even_cows=True", "even_cows=False"),
        "drop": Bug("mm.truncate:invalidate_mapping_pages", " and not page.flags & PG_dirty", ""),
    },
    "ps4-bug": {
        "copy": Bug("mm.memory:wp_page_copy", "            page_remove_rmap(old_page)\n",
                    "            old_page._mapcount -= PageAnon(old_page)\n"),
        "entries": Bug("mm.rmap:page_add_file_rmap", "if page._mapcount == 0:", "if True:"),
        "fork": Bug("mm.memory:copy_page_range", "if vma.anon_vma is None:", "if False:"),
        "last": Bug("mm.rmap:page_remove_rmap", "if page._mapcount < 0:", "if page._mapcount <= 0:"),
        "nattch": Bug("ipc.shm:shm_detach", "shp.shm_nattch == 0 and shp.mode & SHM_DEST", "shp.shm_nattch == 0"),
        "removed": Bug("ipc.shm:do_shm_rmid", "shp.key = IPC_PRIVATE", "pass"),
        "shrink": Bug("mm.shmem:shmem_setattr", "F_SEAL_SHRINK if newsize < inode.i_size else F_SEAL_GROW",
                      "0 if newsize < inode.i_size else F_SEAL_GROW"),
        "tmpfs": Bug("mm.shmem:shmem_getpage", "        found.flags |= PG_swapbacked\n", ""),
    },
    "ps5-bug": {
        "child": Bug("mm.memory:copy_pte_range", "copy[i] = pte & keep",
                     "copy[i] = (pte | _PAGE_RW * (cow and page is not None and PageAnon(page))) & keep"),
        "every": Bug("mm.memory:copy_page_range", "if vma.anon_vma is None:", "if False:"),
        "leak": Bug("mm.memory:wp_page_copy", "page_remove_rmap(old_page)\n            put_page(old_page)",
                    "page_remove_rmap(old_page)"),
        "never": Bug("mm.rmap:page_dup_rmap", "page.flags &= ~PG_anon_exclusive", "pass"),
        "protect": Bug("mm.memory:copy_pte_range", "pte = table[i] = pte & ~_PAGE_RW", "pte = pte & ~_PAGE_RW"),
        "two": Bug("mm.memory:do_wp_page", "old_page._count == 1", "old_page._count <= 2"),
        "wipe": Bug("kernel.fork:dup_vma", "if not vma.vm_flags & VM_WIPEONFORK:\n        copy_page_range",
                    "if True:\n        copy_page_range"),
        "zeros": Bug("mm.memory:wp_page_copy", "copy_user_page(new_page, old_page)", "copy_user_page(new_page, None)"),
    },
    "ps5-suite": {
        "exit": Bug("mm.memory:zap_pte_range", "munlock_vma_page(page)\n        put_page(page)",
                    "munlock_vma_page(page)"),
        "third": Bug("mm.memory:copy_pte_range", "if page is not None:",
                     "if page is not None and (page._mapcount < 1 or not PageAnon(page)):"),
    },
    "ps6-bug": {
        "border": Bug("mm.vma:vma_adjust", "near.vm_pgoff += (end - near.vm_start) >> PAGE_SHIFT", "pass"),
        "close": Bug("mm.vma:can_merge_remove_vma", "not (vma.vm_ops and vma.vm_ops.close)", "True"),
        "entries": Bug("mm.mprotect:mprotect_fixup", "    change_protection(vma, start, end)\n", ""),
        "grow": Bug("mm.mremap:expand_in_place", "vm_enough_memory(mm.machine, pages)", "pass"),
        "moved": Bug("mm.mremap:copy_vma", "if vma.vm_ops is None and vma.anon_vma is None:", "if vma.vm_ops is None:"),
        "second": Bug("mm.mremap:vma_to_resize", "if not old_len and not vma.vm_flags & (VM_SHARED | VM_MAYSHARE):",
                      "if False:"),
        "stays": Bug("mm.mremap:move_vma", "vma.vm_flags, flags & MREMAP_DONTUNMAP", "vma.vm_flags, 0"),
        "twice": Bug("mm.mprotect:can_change_pte_writable", "bool(page.flags & PG_anon_exclusive)", "False"),
    },
}  # fmt: skip
SEEN = ("child", "leak", "never", "protect", "two", "zeros")  # what a family with one page can see
BUGS["ps5-suite"] |= {name: BUGS["ps5-bug"][name] for name in SEEN}


def drawn_bug(hunt: str, rng: random.Random) -> str:
    """Draw the name of a bug."""
    return rng.choice(sorted(BUGS[hunt]))


def mutant(hunt: str, rng: random.Random, **options: Any) -> Any:
    """Boot a machine with one of the hunt's bugs. It is used as any Kernel."""
    return infected(hunt, drawn_bug(hunt, rng), **options)


def infected(hunt: str, name: str, **options: Any) -> Any:
    """Boot a machine with the bug of that name."""
    return Mutant(Sick(**options), BUGS[hunt][name])


class Sick(Kernel):
    """A machine that will have a bug: it breaks rules, and does not tell which."""

    def check(self) -> None:
        """Tell nothing."""


class Mutant:
    """A Kernel, or one of its processes, that has a bug while it runs."""

    def __init__(self, target: Any, bug: Bug) -> None:
        self._target, self._bug = target, bug

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            with present(self._bug):
                result = found(*arguments, **named)
            return Mutant(result, self._bug) if isinstance(result, Process) else result

        return call

    def __repr__(self) -> str:
        return repr(self._target)


@contextmanager
def present(bug: Bug) -> Iterator[None]:
    """Let the bug be there."""
    function, code = mutated(bug)
    true, function.__code__ = function.__code__, code
    try:
        yield
    finally:
        function.__code__ = true


@cache
def mutated(bug: Bug) -> tuple[FunctionType, CodeType]:
    """Give the function, and its code with the bug in it."""
    module, name = bug.function.split(":")
    room = import_module(f"mmlab.{module}")
    function = getattr(room, name)
    source = inspect.getsource(function)
    if source.count(bug.right) != 1:
        raise ValueError(f"{bug.function} holds {bug.right!r} {source.count(bug.right)} times, not once")
    text, names = source.replace(bug.right, bug.wrong), dict(vars(room))
    exec(compile(text, function.__code__.co_filename, "exec", annotations.compiler_flag, dont_inherit=True), names)
    return function, names[name].__code__.replace(co_firstlineno=function.__code__.co_firstlineno)
