"""Pipes: up to 16 pages in the kernel, written at one end and read at the other: fs/pipe.c (v4.4).

A process of this machine never sleeps: both ends are O_NONBLOCK, and where a call would wait it fails with EAGAIN.
"""

from __future__ import annotations

import stat
from errno import EAGAIN, EFAULT, ENOMEM, EPIPE

from ..include.errors import OutOfMemory, failure
from ..include.fs import (
    FMODE_READ, FMODE_WRITE, address_space_operations, file, file_inode, file_operations, file_system_type,
)
from ..include.mman import O_NONBLOCK, O_RDONLY, O_WRONLY, PAGE_SIZE
from ..include.mmzone import machine
from ..include.pipe_fs_i import pipe_buffer, pipe_empty, pipe_full, pipe_inode_info
from ..include.sched import task_struct
from ..include.uio import iov_iter
from ..lib.iov_iter import copy_page_from_iter, copy_page_to_iter
from ..mm.page_alloc import alloc_page, put_page
from .dcache import d_alloc_unlinked
from .file_table import alloc_file, fd_install, fput, get_unused_fd
from .inode import new_inode
from .ramfs import simple_evict_inode

# ── reading and writing ─────────────────────────────────────────────────────────────────────────────────────


def pipe_read(file: file, pos: int, to: iov_iter) -> int:
    """Take the oldest bytes out: v4.4, same name. 0 once it is empty and nobody can write; EAGAIN, EFAULT.

    A page whose bytes cannot all be stored stays as it was.
    """
    pipe, done, wanted = file_inode(file).i_private, 0, to.count
    while to.count and not pipe_empty(pipe):
        buf = pipe.bufs[pipe.tail]
        chars = min(buf.len, to.count)
        if copy_page_to_iter(buf.page, buf.offset, chars, to) < chars:
            if done:
                return done
            raise failure(EFAULT, "pipe_read", f"the program cannot store {chars} bytes")
        buf.offset, buf.len, done = buf.offset + chars, buf.len - chars, done + chars
        if not buf.len:
            pipe_drop_tail(pipe)
    if wanted and not done and pipe.writers:
        raise failure(EAGAIN, "pipe_read", f"{pipe.name} is empty, and has writers")
    return done


def pipe_write(file: file, pos: int, source: iov_iter) -> int:
    """Put bytes in, a page at a time: v4.4, same name. EPIPE if nobody can read; EAGAIN, EFAULT, ENOMEM.

    What went in before a failure counts. (With EPIPE comes a signal, SIGPIPE, which programs here ignore.)
    """
    pipe, done, wanted = file_inode(file).i_private, 0, source.count
    if wanted and not pipe.readers:
        raise failure(EPIPE, "pipe_write", f"{pipe.name} has no readers")
    try:
        if wanted % PAGE_SIZE and not pipe_empty(pipe):
            done = pipe_merge(pipe.bufs[pipe.head - 1], wanted % PAGE_SIZE, source)
        while source.count:
            done += pipe_append(pipe, source)
    except OSError:
        if not done:
            raise
    return done


def pipe_merge(buf: pipe_buffer, chars: int, source: iov_iter) -> int:
    """Put the first `chars` bytes into the last page, if they fit; give how many: the start of fs/pipe.c:pipe_write.

    That is what is over a whole number of pages. EFAULT.
    """
    end = buf.offset + buf.len
    if end + chars > PAGE_SIZE:
        return 0
    if copy_page_from_iter(buf.page, end, chars, source) < chars:
        raise failure(EFAULT, "pipe_write", f"the program cannot load {chars} bytes")
    buf.len += chars
    return chars


def pipe_append(pipe: pipe_inode_info, source: iov_iter) -> int:
    """Put up to a page into a new page; give how many bytes: the loop of fs/pipe.c:pipe_write.

    EAGAIN if the pipe is full, ENOMEM, EFAULT. (Until 6.15 an empty page stayed in the pipe after EFAULT.)
    """
    if pipe_full(pipe):
        raise failure(EAGAIN, "pipe_write", f"{pipe.name} is full")
    page = alloc_page(pipe.machine)
    if page is None:
        raise failure(ENOMEM, "pipe_write", "no free page")
    try:
        copied = copy_page_from_iter(page, 0, PAGE_SIZE, source)
    except OutOfMemory:
        put_page(page)
        raise
    if copied < PAGE_SIZE and source.count:
        put_page(page)
        raise failure(EFAULT, "pipe_write", f"the program cannot load from {source.ubuf:#x}")
    pipe.bufs[pipe.head] = pipe_buffer(page, copied)
    pipe.head += 1
    return copied


def pipe_drop_tail(pipe: pipe_inode_info) -> None:
    """Let go of the oldest page: fs/pipe.c:pipe_update_tail (5.13)."""
    put_page(pipe.bufs[pipe.tail].page)
    del pipe.bufs[pipe.tail]
    pipe.tail += 1


# ── beginning and end ───────────────────────────────────────────────────────────────────────────────────────


def pipe_release(file: file) -> None:
    """Uncount a closed end; after the last the pipe's pages go: v4.4, same name."""
    pipe: pipe_inode_info = file_inode(file).i_private
    pipe.readers -= bool(file.f_mode & FMODE_READ)
    pipe.writers -= bool(file.f_mode & FMODE_WRITE)
    while not pipe.readers and not pipe.writers and not pipe_empty(pipe):
        pipe_drop_tail(pipe)


pipefifo_fops = file_operations(
    "pipefifo_fops", read_iter=pipe_read, write_iter=pipe_write, release=pipe_release
)
pipe_fs_type = file_system_type(
    "pipefs", pipefifo_fops, address_space_operations("pipefs_aops"), simple_evict_inode, noexec=True
)


def create_pipe_files(machine: machine) -> tuple[file, file]:
    """Make a pipe; give its read end and its write end: v4.4, same name."""
    inode = new_inode(machine.pipe_mnt, stat.S_IFIFO | 0o600, pipefifo_fops, "pipe")
    inode.i_private = pipe_inode_info(machine)
    dentry = d_alloc_unlinked(f"pipe:[{inode.i_ino}]", inode)
    write_end = alloc_file(dentry, O_WRONLY | O_NONBLOCK, FMODE_WRITE)
    return alloc_file(dentry, O_RDONLY | O_NONBLOCK, FMODE_READ), write_end


def sys_pipe(current: task_struct) -> tuple[int, int]:
    """Make a pipe; give the numbers of its read end and its write end: fs/pipe.c:sys_pipe2 (v4.4). EMFILE."""
    ends, numbers = create_pipe_files(current.machine), []
    try:
        for end in ends:
            numbers.append(get_unused_fd(current))
            fd_install(current, numbers[-1], end)
    except OSError:
        for fd in numbers:
            del current.files[fd]
        for end in ends:
            fput(end)
        raise
    return numbers[0], numbers[1]
