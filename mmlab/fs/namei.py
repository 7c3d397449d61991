"""From a path to a file: fs/namei.c (v4.4). Paths are absolute; a mounted file system's root is an ordinary dentry."""

from __future__ import annotations

import os
import stat
from errno import EACCES, EEXIST, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM

from ..include.errors import failure
from ..include.fs import dentry, file_operations, super_block
from .dcache import d_add, d_delete
from .inode import drop_nlink, new_inode
from .libfs import noop_fsync

directory_fops = file_operations("simple_dir_operations", fsync=noop_fsync)
PATH_MAX, NAME_MAX = 4096, 255  # bytes; the first with the 0 at its end


def getname(path: str, function: str) -> None:
    """Refuse a path that is empty or too long: fs/namei.c:getname_flags (v4.4). ENOENT, ENAMETOOLONG."""
    if not path:
        raise failure(ENOENT, function, "the path is empty")
    if len(os.fsencode(path)) >= PATH_MAX:
        raise failure(ENAMETOOLONG, function, f"the path is longer than {PATH_MAX - 1} bytes")


def check_name(name: str, function: str) -> None:
    """Refuse a name that no directory can hold: fs/libfs.c:simple_lookup (v4.4). ENAMETOOLONG."""
    if len(os.fsencode(name)) > NAME_MAX:
        raise failure(ENAMETOOLONG, function, f"{name[:20]}… is longer than {NAME_MAX} bytes")


def path_lookup(root: dentry, path: str, function: str) -> dentry:
    """Find what `path` names: fs/namei.c:path_lookupat (v4.4). ENOENT, ENOTDIR, in the name of `function`."""
    at = root
    getname(path, function)
    for name in path.split("/"):
        if name in ("", "."):
            continue
        if not stat.S_ISDIR(at.d_inode.i_mode):
            raise failure(ENOTDIR, function, f"{path}: {at.d_name} is not a directory")
        check_name(name, function)
        if name == "..":
            at = at.d_parent or at
            continue
        if name not in at.d_children:
            raise failure(ENOENT, function, f"{path}: there is no {name}")
        at = at.d_children[name]
    return at


def lookup_parent(root: dentry, path: str, function: str) -> tuple[dentry, str]:
    """Split `path` into its directory and the last name: fs/namei.c:path_parentat (v4.4).

    A path that ends in a directory's own name for itself ("/", ".", "..") gives that directory and an empty name.
    """
    getname(path, function)
    directory, _, name = path.rstrip("/").rpartition("/")
    if name in ("", ".", ".."):
        return path_lookup(root, path, function), ""
    parent = path_lookup(root, directory or "/", function)
    if not stat.S_ISDIR(parent.d_inode.i_mode):
        raise failure(ENOTDIR, function, f"{path}: {parent.d_name} is not a directory")
    check_name(name, function)
    return parent, name


def create(parent: dentry, name: str, mode: int) -> dentry:
    """Make an empty regular file, of its file system's kind: fs/namei.c:vfs_create (v4.4). EACCES in /proc."""
    sb = parent.d_inode.i_sb
    if sb.s_type.name == "proc":
        raise failure(EACCES, "vfs_create", f"{name}: only the kernel makes files in /proc")
    return d_add(parent, name, new_inode(sb, stat.S_IFREG | mode, sb.s_type.i_fop, name))


def mkdir(parent: dentry, name: str, sb: super_block | None = None) -> dentry:
    """Make a directory; with `sb`, the root of a file system mounted there: fs/namei.c:vfs_mkdir (v4.4). EEXIST."""
    if not name or name in parent.d_children:
        raise failure(EEXIST, "vfs_mkdir", f"{name or parent.d_name} exists")
    return d_add(parent, name, new_inode(sb or parent.d_inode.i_sb, stat.S_IFDIR | 0o755, directory_fops, name))


def unlink(dentry: dentry) -> None:
    """Take a file's name away; the file lives on while it is open or mapped: fs/namei.c:vfs_unlink (v4.4).

    EISDIR for a directory, EPERM in /proc.
    """
    inode = dentry.d_inode
    if stat.S_ISDIR(inode.i_mode):
        raise failure(EISDIR, "vfs_unlink", f"{dentry.d_name} is a directory")
    if inode.i_sb.s_type.name == "proc":
        raise failure(EPERM, "vfs_unlink", f"{dentry.d_name} belongs to the kernel")
    d_delete(dentry)
    drop_nlink(inode)
