"""What a program does in user space before its main runs: elf/rtld.c of the GNU C library, as far as pages see it.

The loader maps libc with the system calls of any other program, and start-up touches code and data. Which pages is
data: seen in /proc/PID/pagemap of a /usr/bin/sleep on Debian 12. What one process of the machine has touched is in
the page cache; so a second one maps the same pages, and adds only its own.
"""

from __future__ import annotations

from .fs.binfmt_elf import ELF_BASE, LD_SO, LIBC, LIBC_PATH, PROGRAM, RW, elf_pages, elf_phdr
from .include.mm import TASK_SIZE
from .include.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, O_CLOEXEC, O_RDONLY, PAGE_SHIFT, PAGE_SIZE
from .process import Process

LIBC_BSS = 13  # pages of libc's zero-initialised data, after its file pages
HEAP_PAGES = 33
STACK_TOUCHED = 2
WINDOW = 16  # one load maps the 16 pages around it; touching one page in each window reaches them all

# (first, last + 1) of the pages that start-up reaches, by their number in the file
LIBC_TOUCHED = ((0, 38), (38, 91), (107, 187), (203, 219), (235, 267), (315, 363), (380, 428))
LD_SO_TOUCHED = ((0, 1), (1, 38), (39, 49))
PROGRAM_TOUCHED = ((0, 2), (2, 7), (7, 9))


def start(proc: Process) -> None:
    """Map libc, make the heap, and touch what start-up touches."""
    ld_so = proc.task.mm.mmap_base - elf_pages(LD_SO) * PAGE_SIZE
    libc = map_library(proc, LIBC_PATH, LIBC, LIBC_BSS)
    touch(proc, ELF_BASE, PROGRAM, PROGRAM_TOUCHED)
    touch(proc, ld_so, LD_SO, LD_SO_TOUCHED)
    touch(proc, libc, LIBC, LIBC_TOUCHED)
    proc.brk(proc.brk(0) + HEAP_PAGES * PAGE_SIZE)
    proc.store(proc.task.mm.start_brk, b"\1")
    for page in range(1, STACK_TOUCHED + 1):
        proc.store(TASK_SIZE - page * PAGE_SIZE, b"\1")


def map_library(proc: Process, path: str, segments: tuple[elf_phdr, ...], bss: int) -> int:
    """Map a library as the loader does: the whole of it once, then each further segment over it; give its address."""
    fd = proc.open(path, O_RDONLY | O_CLOEXEC)
    size = (elf_pages(segments) + bss) << PAGE_SHIFT
    base = proc.mmap(0, size, segments[0].prot, MAP_PRIVATE, fd, 0)
    for phdr in segments[1:]:
        address, offset = base + (phdr.pgoff << PAGE_SHIFT), phdr.pgoff << PAGE_SHIFT
        proc.mmap(address, phdr.pages << PAGE_SHIFT, phdr.prot, MAP_PRIVATE | MAP_FIXED, fd, offset)
    end = base + (elf_pages(segments) << PAGE_SHIFT)
    proc.mmap(end, bss << PAGE_SHIFT, RW, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS)
    proc.close(fd)
    return base


def touch(proc: Process, base: int, segments: tuple[elf_phdr, ...], ranges: tuple[tuple[int, int], ...]) -> None:
    """Load from one page in each window of the ranges, and store to the first page of writable data."""
    for first, end in ranges:
        for page in (*range(first, end, WINDOW), end - 1):
            proc.load(base + (page << PAGE_SHIFT))
    proc.store(base + (segments[-1].pgoff << PAGE_SHIFT), b"\1")
