"""Files themselves: fs/inode.c (v4.4)."""

from __future__ import annotations

from ..include.fs import file_operations, inode, super_block


def new_inode(sb: super_block, mode: int, fop: file_operations, label: str) -> inode:
    """Make a file of this file system; `label` is for its stable name only: fs/inode.c:new_inode (v4.4)."""
    return inode(sb, mode, fop, label)


def ihold(inode: inode) -> None:
    """Count one more open file of the inode: fs/inode.c:ihold (v4.4)."""
    inode.i_count += 1


def iput(inode: inode) -> None:
    """Uncount an open file; a file with no opener and no name is over: fs/inode.c:iput (v4.4)."""
    inode.i_count -= 1
    evict_if_unused(inode)


def drop_nlink(inode: inode) -> None:
    """Uncount a name of the file: fs/inode.c:drop_nlink (v4.4), and the iput that d_delete ends in."""
    inode.i_nlink -= 1
    evict_if_unused(inode)


def evict_if_unused(inode: inode) -> None:
    """End a file that nobody can reach any more: fs/inode.c:iput_final (v4.4).

    A block device's pages are not its name's, and stay.
    """
    if inode.i_count == 0 and inode.i_nlink == 0 and inode.i_mapping.host is inode:
        inode.i_sb.s_type.evict_inode(inode)
