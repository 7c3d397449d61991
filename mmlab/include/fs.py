"""The objects of files: include/linux/fs.h, dcache.h (v4.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from errno import EBUSY, EPERM, ETXTBSY
from typing import TYPE_CHECKING, Any

from .array import array
from .errors import failure
from .mm_types import page, vm_area_struct

if TYPE_CHECKING:
    from .mmzone import machine
    from .sched import task_struct
    from .uio import iov_iter

MAX_LFS_FILESIZE = 2**63 - 1  # bytes
FMODE_READ = 0x1
FMODE_WRITE = 0x2
FMODE_PATH = 0x4000  # only a name for the file: O_PATH
FMODE_NAMES = {FMODE_READ: "FMODE_READ", FMODE_WRITE: "FMODE_WRITE", FMODE_PATH: "FMODE_PATH"}


@dataclass(slots=True, eq=False)
class file_operations:
    """What an open file of some kind can do; what is None is not possible: include/linux/fs.h.

    read_iter(file, pos, to) and write_iter(file, pos, source) give how many bytes they moved · mmap(file, vma) ·
    fsync(file, start, end) in bytes · fallocate(file, mode, offset, length) ·
    get_unmapped_area(current, file, addr, length, pgoff, flags) → address · release(file) when it is closed ·
    llseek(file, offset, whence) → position, where it is not the usual one
    """

    name: str
    read_iter: Callable[[file, int, iov_iter], int] | None = None
    write_iter: Callable[[file, int, iov_iter], int] | None = None
    mmap: Callable[[file, vm_area_struct], None] | None = None
    fsync: Callable[[file, int, int], None] | None = None
    fallocate: Callable[[file, int, int, int], None] | None = None
    release: Callable[[file], None] | None = None
    get_unmapped_area: Callable[[task_struct, file, int, int, int, int], int] | None = None
    llseek: Callable[[file, int, int], int] | None = None
    mmap_supported_flags: int = 0  # MAP_SYNC, where the file system knows it: 4.15 (6.18: FOP_MMAP_SYNC)

    def __repr__(self) -> str:
        return self.name


@dataclass(slots=True, eq=False)
class address_space_operations:
    """How pages move between the page cache and where the file is kept: include/linux/fs.h.

    write_begin(mapping, pos, length) gives the page that write(2) is about to fill, write_end(mapping, pos, length,
    copied, page) hears how much of it was filled, and says how much of that counts.
    """

    name: str
    readpage: Callable[[page], None] | None = None
    writepage: Callable[[page], None] | None = None
    set_page_dirty: Callable[[page], None] | None = None
    freepage: Callable[[page], None] | None = None
    write_begin: Callable[[address_space, int, int], page] | None = None
    write_end: Callable[[address_space, int, int, int, page], int] | None = None

    def __repr__(self) -> str:
        return self.name


@dataclass(slots=True, eq=False)
class file_system_type:
    """A kind of file system, and what its regular files can do: include/linux/fs.h:struct file_system_type.

    `evict_inode(inode)` (the kernel keeps it in s_op) lets go of a file's pages when the file is over.
    `extend(inode, start, end)` hears that truncate(2) moves the file's end on from byte `start` to `end`,
    `truncate(inode)` that it has moved it back to i_size. `setattr(inode, newsize)` (the kernel's i_op->setattr) stands
    in for truncate_setsize.
    `ra_pages`: how many pages one read of the disk brings (/sys/block/*/queue/read_ahead_kb). `s_maxbytes`: how large a
    file may be.
    """

    name: str
    i_fop: file_operations
    a_ops: address_space_operations
    evict_inode: Callable[[inode], None]
    extend: Callable[[inode, int, int], None] | None = None
    truncate: Callable[[inode], None] | None = None
    setattr: Callable[[inode, int], None] | None = None
    noexec: bool = False
    ra_pages: int = 0
    s_maxbytes: int = MAX_LFS_FILESIZE

    def __repr__(self) -> str:
        return self.name


class super_block:
    """One mounted file system; `s_dev` is (major, minor), `used_blocks` the pages of a tmpfs (in shmem_sb_info)."""

    __slots__ = ("machine", "next_ino", "s_dev", "s_type", "used_blocks")

    def __init__(self, machine: machine, s_type: file_system_type, s_dev: tuple[int, int]) -> None:
        self.machine, self.s_type, self.s_dev = machine, s_type, s_dev
        self.next_ino = 1
        self.used_blocks = 0

    @property
    def name(self) -> str:
        """The file system's stable name."""
        return f"super_block:{self.s_type.name}#{self.s_dev[1]}"


class radix_tree(dict[int, page]):
    """The pages of one file that are in memory: file page number → page."""

    __slots__ = ("mapping",)

    def __init__(self, mapping: address_space) -> None:
        super().__init__()
        self.mapping = mapping


class interval_tree(dict[vm_area_struct, bool]):
    """The VMAs that map one file."""

    __slots__ = ("mapping",)

    def __init__(self, mapping: address_space) -> None:
        super().__init__()
        self.mapping = mapping


class address_space:
    """A file's pages in memory, and who maps them: include/linux/fs.h:struct address_space.

    `i_mmap_writable` counts the shared mappings that may become writable (until 6.7: all VM_SHARED ones); below 0 it
    forbids new ones (mapping_deny_writable).
    """

    __slots__ = ("a_ops", "host", "i_mmap", "i_mmap_writable", "page_tree")

    def __init__(self, host: inode, a_ops: address_space_operations) -> None:
        self.host = host
        self.a_ops = a_ops
        self.page_tree = radix_tree(self)
        self.i_mmap = interval_tree(self)
        self.i_mmap_writable = 0

    @property
    def nrpages(self) -> int:
        """How many pages of the file are in memory."""
        return len(self.page_tree)

    @property
    def name(self) -> str:
        """The address_space's stable name."""
        return f"mapping:{self.host.label}"

    def __repr__(self) -> str:
        return f"<{self.name} {self.nrpages} pages>"


class inode:
    """A file itself, however many names and openers it has: include/linux/fs.h:struct inode.

    `i_size` in bytes. `i_count`: open files of it. `i_nlink`: names of it. `i_writecount`: openers for writing; below 0
    they are denied (deny_write_access). `i_private` is what the file system keeps: the blocks of a disk file, …
    """

    __slots__ = (
        "i_atime",
        "i_count",
        "i_fop",
        "i_ino",
        "i_mapping",
        "i_mode",
        "i_nlink",
        "i_private",
        "i_rdev",
        "i_sb",
        "i_size",
        "i_writecount",
        "label",
    )

    def __init__(self, sb: super_block, mode: int, fop: file_operations, label: str) -> None:
        self.i_sb = sb
        self.i_ino = sb.next_ino
        sb.next_ino += 1
        self.i_mode = mode
        self.i_fop = fop
        self.i_size = 0
        self.i_count = 0
        self.i_nlink = 1
        self.i_atime = 0  # the machine counts accesses instead of seconds, so that every run is the same
        self.i_writecount = 0
        self.i_rdev = (0, 0)
        self.i_mapping = address_space(self, sb.s_type.a_ops)
        self.i_private: Any = None
        self.label = label

    @property
    def name(self) -> str:
        """The inode's stable name."""
        return f"inode:{self.label}"

    def __repr__(self) -> str:
        return f"<{self.name} ino={self.i_ino} size={self.i_size}>"


class dentry:
    """A name in a directory: include/linux/dcache.h:struct dentry. A name unlinked has `d_unlinked` set."""

    __slots__ = ("d_children", "d_inode", "d_name", "d_parent", "d_unlinked")

    def __init__(self, name: str, parent: dentry | None, inode: inode) -> None:
        self.d_name, self.d_parent, self.d_inode = name, parent, inode
        self.d_children: array[str, dentry] = array(f"{self.name}.d_children")
        self.d_unlinked = False

    @property
    def machine(self) -> machine:
        """The machine it is on, for traces."""
        return self.d_inode.i_sb.machine

    @property
    def name(self) -> str:
        """The dentry's stable name."""
        return f"dentry:{self.d_name}"

    def __repr__(self) -> str:
        return f"<{self.name}>"


class file:
    """An inode, opened: include/linux/fs.h:struct file. One open makes one; dup and mmap share it (f_count)."""

    __slots__ = (
        *("f_count", "f_flags", "f_mapping", "f_mode", "f_op", "f_path", "f_pos", "number", "private_data"),
        *("f_ra_async_size", "f_ra_order", "f_ra_prev_pos", "f_ra_size", "f_ra_start"),  # struct file_ra_state f_ra
    )

    def __init__(self, path: dentry, flags: int, mode: int, number: int) -> None:
        self.f_path = path
        self.f_mapping = path.d_inode.i_mapping
        self.f_op = path.d_inode.i_fop
        self.f_flags, self.f_mode = flags, mode
        self.f_pos = 0
        self.f_ra_start = self.f_ra_size = self.f_ra_async_size = self.f_ra_order = 0  # the window (pages)
        self.f_ra_prev_pos = -1  # where the last read ended (bytes); -1 before the first
        self.f_count = 1
        self.private_data: Any = None  # what f_op keeps with the open file
        self.number = number

    @property
    def name(self) -> str:
        """The open file's stable name."""
        return f"file#{self.number}"

    def __repr__(self) -> str:
        return f"<{self.name} {self.f_path.d_name} count={self.f_count}>"


def file_inode(file: file) -> inode:
    """Give the inode that was opened: include/linux/fs.h:file_inode (v4.4).

    A block device's pages belong to another inode, the device's own: `file.f_mapping.host`.
    """
    return file.f_path.d_inode


def get_file(file: file) -> file:
    """Take a reference to an open file: include/linux/fs.h:get_file (v4.4)."""
    file.f_count += 1
    return file


def get_write_access(inode: inode) -> None:
    """Count an opener for writing: include/linux/fs.h:get_write_access (v4.4). ETXTBSY while writers are denied."""
    if inode.i_writecount < 0:
        raise failure(ETXTBSY, "get_write_access", f"{inode.label} is running: i_writecount = {inode.i_writecount}")
    inode.i_writecount += 1


def put_write_access(inode: inode) -> None:
    """Uncount an opener for writing: include/linux/fs.h:put_write_access (v4.4)."""
    inode.i_writecount -= 1


def deny_write_access(file: file) -> None:
    """Forbid opening for writing: include/linux/fs.h:deny_write_access (v4.4). ETXTBSY while there are writers."""
    inode = file_inode(file)
    if inode.i_writecount > 0:
        check = f"{inode.label} is open for writing: i_writecount = {inode.i_writecount}"
        raise failure(ETXTBSY, "deny_write_access", check)
    inode.i_writecount -= 1


def allow_write_access(file: file) -> None:
    """Undo one deny_write_access: include/linux/fs.h:allow_write_access (v4.4)."""
    file_inode(file).i_writecount += 1


def mapping_map_writable(mapping: address_space) -> None:
    """Count a shared mapping that may be written: include/linux/fs.h, same name (v4.4). EPERM where none may be."""
    if mapping.i_mmap_writable < 0:
        raise failure(EPERM, "mapping_map_writable", f"i_mmap_writable = {mapping.i_mmap_writable}: sealed against it")
    mapping.i_mmap_writable += 1


def mapping_unmap_writable(mapping: address_space) -> None:
    """Undo mapping_map_writable: include/linux/fs.h:mapping_unmap_writable (v4.4)."""
    mapping.i_mmap_writable -= 1


def mapping_deny_writable(mapping: address_space) -> None:
    """Forbid such mappings for good: include/linux/fs.h:mapping_deny_writable (v4.4). EBUSY while there are any."""
    if mapping.i_mmap_writable > 0:
        raise failure(EBUSY, "mapping_deny_writable", f"i_mmap_writable = {mapping.i_mmap_writable}")
    mapping.i_mmap_writable -= 1
