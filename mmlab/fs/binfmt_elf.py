"""Starting a program: fs/exec.c, fs/binfmt_elf.c (v4.4).

A program file is not parsed here: its segments are data, measured on /usr/bin/sleep of Debian 12 without address
randomisation (setarch -R). exec maps the program and its loader; libc is then mapped by the loader, from user space.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass

from ..include.array import array
from ..include.fs import allow_write_access, dentry, deny_write_access, file, get_file
from ..include.mm import TASK_SIZE
from ..include.mm_types import mm_struct
from ..include.mman import (
    MAP_DENYWRITE, MAP_FIXED, MAP_PRIVATE, O_RDONLY, PAGE_SHIFT, PAGE_SIZE, PROT_EXEC, PROT_READ, PROT_WRITE,
)
from ..include.mmzone import machine
from ..include.sched import RLIMIT_STACK, task_struct
from ..mm.mmap import VM_STACK_FLAGS, exit_mmap, mmap_region, vm_mmap_pgoff
from .dcache import d_add
from .file_table import fput
from .inode import new_inode
from .namei import path_lookup
from .open import do_filp_open

R, RX, RW = PROT_READ, PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE


@dataclass(frozen=True, slots=True)
class elf_phdr:
    """One PT_LOAD segment: `pages` pages of the file from page `pgoff` on, at the same page past the load address."""

    prot: int
    pgoff: int
    pages: int


PROGRAM = (elf_phdr(R, 0, 2), elf_phdr(RX, 2, 5), elf_phdr(R, 7, 2), elf_phdr(R, 9, 1), elf_phdr(RW, 10, 1))
LD_SO = (elf_phdr(R, 0, 1), elf_phdr(RX, 1, 38), elf_phdr(R, 39, 10), elf_phdr(R, 49, 2), elf_phdr(RW, 51, 2))
LIBC = (elf_phdr(R, 0, 38), elf_phdr(RX, 38, 342), elf_phdr(R, 380, 83), elf_phdr(R, 463, 4), elf_phdr(RW, 467, 2))

LIB = "/usr/lib/x86_64-linux-gnu"
LD_SO_PATH = f"{LIB}/ld-linux-x86-64.so.2"
LIBC_PATH = f"{LIB}/libc.so.6"
ELF_BASE = 0x555555554000  # where a position-independent program goes without randomisation
MMAP_GAP = 128 << 20  # kept free below the stack, so that it can grow
STACK_PAGES = 33


def elf_pages(segments: tuple[elf_phdr, ...]) -> int:
    """Count the pages from the first segment's start to the last one's end."""
    return segments[-1].pgoff + segments[-1].pages


def install_elf(directory: dentry, name: str, segments: tuple[elf_phdr, ...]) -> None:
    """Put a program or library of that shape on the disk; its bytes, but for the first four, are zeros."""
    sb = directory.d_inode.i_sb
    inode = new_inode(sb, stat.S_IFREG | 0o755, sb.s_type.i_fop, name)
    inode.i_size = elf_pages(segments) << PAGE_SHIFT
    inode.i_private = array(f"disk:{name}", [(0, b"\x7fELF".ljust(PAGE_SIZE, b"\0"))])
    d_add(directory, name, inode)


def do_execve(current: task_struct, path: str) -> None:
    """Replace the process's memory by the program at `path`: fs/exec.c:do_execve (v4.4). ENOENT, ETXTBSY."""
    file = do_filp_open(current.machine.root, path, O_RDONLY, 0)
    try:
        exec_mmap(current, mm_alloc(current.machine, current.comm), file)
        setup_arg_pages(current)
        load_elf_binary(current, file)
    finally:
        fput(file)


def exec_mmap(current: task_struct, mm: mm_struct, exe_file: file) -> None:
    """Give the process its new, empty address space in place of the old: fs/exec.c:exec_mmap (v4.4). ETXTBSY.

    The program stays closed to writers as long as it runs: mm->exe_file (5.15; until then its VMAs saw to that).
    """
    old, current.mm = current.mm, mm
    mmput(old)
    deny_write_access(exe_file)
    mm.exe_file = get_file(exe_file)


def mm_alloc(machine: machine, owner: str) -> mm_struct:
    """Make an empty address space: kernel/fork.c:mm_alloc (v4.4)."""
    machine.slabinfo["mm_struct"] += 1
    mm = mm_struct(machine, owner)
    mm.mmap_base = TASK_SIZE - MMAP_GAP
    return mm


def mmput(mm: mm_struct) -> None:
    """Take the address space down: kernel/fork.c:mmput (v4.4)."""
    exit_mmap(mm)
    if mm.exe_file:
        allow_write_access(mm.exe_file)
        fput(mm.exe_file)
    mm.machine.slabinfo["mm_struct"] -= 1


def setup_arg_pages(current: task_struct) -> None:
    """Map the stack: fs/exec.c:setup_arg_pages (v4.4). It may grow down to RLIMIT_STACK."""
    pages = min(STACK_PAGES, current.rlim[RLIMIT_STACK] >> PAGE_SHIFT)
    start = TASK_SIZE - pages * PAGE_SIZE
    mmap_region(current, None, start, pages * PAGE_SIZE, VM_STACK_FLAGS, start >> PAGE_SHIFT)
    current.mm.start_stack = TASK_SIZE - PAGE_SIZE


def load_elf_binary(current: task_struct, file: file) -> None:
    """Map the program and its loader, and put the heap after the program: fs/binfmt_elf.c, same name (v4.4)."""
    end = elf_map(current, file, ELF_BASE, PROGRAM, MAP_DENYWRITE)
    current.mm.start_brk = current.mm.brk = end
    code = next(phdr for phdr in PROGRAM if phdr.prot & PROT_EXEC)
    current.mm.start_code = ELF_BASE + (code.pgoff << PAGE_SHIFT)
    current.mm.end_code = current.mm.start_code + (code.pages << PAGE_SHIFT)
    data = PROGRAM[-1]
    current.mm.start_data = ELF_BASE + (data.pgoff << PAGE_SHIFT)
    current.mm.end_data = current.mm.start_data + (data.pages << PAGE_SHIFT)
    interpreter = do_filp_open(current.machine.root, LD_SO_PATH, O_RDONLY, 0)
    try:
        elf_map(current, interpreter, current.mm.mmap_base - elf_pages(LD_SO) * PAGE_SIZE, LD_SO, 0)
    finally:
        fput(interpreter)


def elf_map(current: task_struct, file: file, base: int, segments: tuple[elf_phdr, ...], flags: int) -> int:
    """Map each segment at its place past `base`; give the address after the last: fs/binfmt_elf.c:elf_map (v4.4)."""
    flags |= MAP_PRIVATE | MAP_FIXED
    for phdr in segments:
        address = base + (phdr.pgoff << PAGE_SHIFT)
        vm_mmap_pgoff(current, file, address, phdr.pages << PAGE_SHIFT, phdr.prot, flags, phdr.pgoff)
    return base + (elf_pages(segments) << PAGE_SHIFT)


def find_program(root: dentry, name: str) -> str:
    """Give the path of a program of that name, installing it in /usr/bin if it is not there yet."""
    directory = path_lookup(root, "/usr/bin", "find_program")
    if name not in directory.d_children:
        install_elf(directory, name, PROGRAM)
    return f"/usr/bin/{name}"
