"""The simulated machine: boot it, start processes, look at its memory."""

from __future__ import annotations

import stat
from functools import cache

from . import check, ldso
from .drivers.mem import chr_dev_init
from .fs.binfmt_elf import LD_SO, LD_SO_PATH, LIBC, LIBC_PATH, do_execve, find_program, install_elf, mm_alloc
from .fs.block_dev import add_disk
from .fs.drop_caches import drop_pagecache
from .fs.ext4 import ext4_fs_type
from .fs.inode import new_inode
from .fs.namei import create, directory_fops, lookup_parent, mkdir, path_lookup
from .fs.pipe import pipe_fs_type
from .fs.proc import lru_pages, meminfo, proc_root_init, show_meminfo
from .fs.ramfs import ramfs_fs_type
from .include.array import array
from .include.fs import dentry, file_system_type, super_block
from .include.mman import O_RDWR, PAGE_SHIFT, PAGE_SIZE
from .include.mmzone import OVERCOMMIT_GUESS, OVERCOMMIT_NEVER, machine
from .kernel.fork import create_task
from .mm.oom_kill import out_of_memory
from .mm.page_alloc import alloc_page
from .mm.shmem import tmpfs_fs_type
from .mm.vmscan import try_to_free_pages
from .process import Process, length, number
from .report import CountReport
from .trace import Trace

BOOK_PAGES, BOOK_TAIL = 4, 1638  # /data/book.txt: four whole pages, and part of a fifth
VDA_SIZE = 64 << 20
EXEC_FAILED = 127


@cache
def book_text() -> bytes:
    """Give the text of /data/book.txt: lines of 64 bytes that say where they are.

    >>> book_text()[4096:4096 + 18], len(book_text())
    (b'page1 line00 of th', 18022)
    """
    lines = (f"page{p} line{n:02} of the book".ljust(63, ".") + "\n" for p in range(BOOK_PAGES + 1) for n in range(64))
    return "".join(lines).encode()[: BOOK_PAGES * PAGE_SIZE + BOOK_TAIL]


class Kernel:
    """A machine with a Linux kernel, simulated: a disk on /, ramfs on /ram, tmpfs on /dev/shm and /tmp, /proc, /dev.

    mem: bytes of memory · max_map_count: VMAs a process may have · fault_around_bytes: how much a load maps at once ·
    mmap_min_addr: the lowest address (bytes) for programs that are not root · overcommit_memory: 0 guess, 1 always,
    2 never. The names are those of the boot parameter mem= and of /proc/sys/vm/*. ValueError for what cannot be.

    >>> kernel = Kernel()
    >>> proc = kernel.spawn("reader")
    >>> kernel.meminfo()["Mapped"]
    1604
    """

    def __init__(
        self,
        *,
        mem: int = 4 << 30,
        max_map_count: int = 65530,
        fault_around_bytes: int = 65536,
        mmap_min_addr: int = 65536,
        overcommit_memory: int = OVERCOMMIT_GUESS,
    ) -> None:
        mem, max_map_count = length("mem", mem), length("max_map_count", max_map_count)
        fault_around_bytes = length("fault_around_bytes", fault_around_bytes)
        mmap_min_addr = length("mmap_min_addr", mmap_min_addr)
        overcommit_memory = number("overcommit_memory", overcommit_memory)
        if mem < 16 << 20:
            raise ValueError(f"mem = {mem} bytes: a machine needs 16 MiB (mem=16 << 20) or more")
        if not PAGE_SIZE <= fault_around_bytes <= 512 * PAGE_SIZE:
            raise ValueError(f"fault_around_bytes = {fault_around_bytes}: must be from 4096 (off) to 2097152")
        if not OVERCOMMIT_GUESS <= overcommit_memory <= OVERCOMMIT_NEVER:
            raise ValueError(f"overcommit_memory = {overcommit_memory}: must be 0, 1 or 2")
        self.machine = machine(mem, max_map_count, fault_around_bytes, mmap_min_addr, overcommit_memory)
        self.machine.try_to_free_pages = lambda machine: try_to_free_pages(machine)  # so that a trace sees the call
        self.machine.out_of_memory = lambda machine: out_of_memory(machine)
        alloc_page(self.machine)  # page#0 is the zero page: every load of untouched anonymous memory maps it
        self._mount_root()
        self._fill_dev()
        self._fill_disk()

    def _mount_root(self) -> None:
        """Mount the disk on /, and the other file systems on their directories."""
        sb = super_block(self.machine, ext4_fs_type, (254, 0))
        self.machine.root = dentry("", None, new_inode(sb, stat.S_IFDIR | 0o755, directory_fops, "/"))
        self.machine.shm_mnt = super_block(self.machine, tmpfs_fs_type, (0, 1))
        self.machine.pipe_mnt = super_block(self.machine, pipe_fs_type, (0, 15))
        proc_root_init(self.machine.root, self.machine)
        for path in ("/data", "/usr", "/usr/bin", "/usr/lib", "/usr/lib/x86_64-linux-gnu"):
            mkdir(*lookup_parent(self.machine.root, path, "boot"))
        self.mount("/dev", tmpfs_fs_type)
        self.mount("/dev/shm", tmpfs_fs_type)
        self.mount("/tmp", tmpfs_fs_type)
        self.mount("/ram", ramfs_fs_type)

    def _fill_dev(self) -> None:
        """Make /dev/null, /dev/zero and the disk /dev/vda."""
        dev = path_lookup(self.machine.root, "/dev", "boot")
        chr_dev_init(dev)
        add_disk(dev, "vda", (254, 0), VDA_SIZE)

    def _fill_disk(self) -> None:
        """Put the loader, libc and /data/book.txt on the disk; none of it is in memory yet."""
        for path, segments in ((LD_SO_PATH, LD_SO), (LIBC_PATH, LIBC)):
            install_elf(*lookup_parent(self.machine.root, path, "boot"), segments)
        text = book_text()
        book = create(path_lookup(self.machine.root, "/data", "boot"), "book.txt", 0o644).d_inode
        book.i_size = len(text)
        blocks = (text[at : at + PAGE_SIZE] for at in range(0, len(text), PAGE_SIZE))
        book.i_private = array("disk:book.txt", enumerate(block.ljust(PAGE_SIZE, b"\0") for block in blocks))

    def mount(self, path: str, fs_type: file_system_type) -> None:
        """Mount a new, empty file system of this type on a new directory: fs/namespace.c:do_mount (v4.4)."""
        sb = super_block(self.machine, fs_type, (0, 20 + self.machine.serial("s_dev")))
        mkdir(*lookup_parent(self.machine.root, path, "do_mount"), sb)

    def spawn(self, name: str) -> Process:
        """Start the program `name`: exec maps it, its loader, libc, heap and stack; it then waits for orders.

        OSError if the program cannot be mapped, ETXTBSY for one; OutOfMemory if it cannot have the pages it touches.
        """
        path = find_program(self.machine.root, name)
        process = Process(create_task(self.machine, name, mm_alloc(self.machine, name)))
        try:
            do_execve(process.current, path)
            process.dup(process.dup(process.open("/dev/null", O_RDWR)))  # standard input, output and error
            ldso.start(process)
        except OSError:
            process.exit(EXEC_FAILED)
            raise
        return process

    def drop_caches(self) -> int:
        """Drop the clean pages that nobody maps and the disk can give again; give how many: vm.drop_caches."""
        return drop_pagecache(self.machine)

    def meminfo(self) -> CountReport:
        """Give /proc/meminfo: name → kB; its str() is the file's text. Only what this machine counts is in it."""
        return CountReport(meminfo(self.machine), show_meminfo(self.machine))

    def vmstat(self) -> CountReport:
        """Give /proc/vmstat: name → count; its str() is the file's text. Only what this machine counts is in it."""
        counts = {**self.machine.vm_stat, **lru_pages(self.machine)}
        return CountReport(counts, "".join(f"{k} {v}\n" for k, v in counts.items()))

    def trace(self) -> Trace:
        """Record what the kernel does while the returned context manager is entered."""
        return Trace(self.machine)

    def check(self) -> None:
        """Assert every invariant of the machine; AssertionError says which object breaks which."""
        check.check(self.machine)

    def __repr__(self) -> str:
        names = ", ".join(f"{task.comm}[{pid}]" for pid, task in self.machine.tasks.items()) or "no process"
        return f"<Kernel {self.machine.totalram_pages >> 20 - PAGE_SHIFT} MiB: {names}>"
