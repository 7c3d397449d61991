"""Names of files: fs/dcache.c (v4.4)."""

from __future__ import annotations

from ..include.fs import dentry, inode


def d_add(parent: dentry, name: str, inode: inode) -> dentry:
    """Give the inode a name in a directory: fs/dcache.c:d_add (v4.4)."""
    child = dentry(name, parent, inode)
    parent.d_children[name] = child
    return child


def d_alloc_unlinked(name: str, inode: inode) -> dentry:
    """Make a name that is in no directory, for an inode that is only ever open: fs/dcache.c:d_alloc_pseudo (v4.4)."""
    child = dentry(name, None, inode)
    child.d_unlinked = True
    return child


def d_delete(dentry: dentry) -> None:
    """Take the name out of its directory; files already open keep it: fs/dcache.c:d_delete (v4.4)."""
    if dentry.d_parent is not None:
        del dentry.d_parent.d_children[dentry.d_name]
    dentry.d_unlinked = True


def d_path(dentry: dentry) -> str:
    """Spell the whole path; ' (deleted)' follows a name that is gone: fs/dcache.c:d_path (v4.4)."""
    path, at = "", dentry
    while at.d_parent is not None:
        path, at = f"/{at.d_name}{path}", at.d_parent
    if dentry.d_parent is None and dentry.d_unlinked:
        path = f"/{dentry.d_name}"
    return (path or "/") + (" (deleted)" if dentry.d_unlinked else "")
