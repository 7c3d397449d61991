"""What a file's attributes may become: fs/attr.c (v4.4)."""

from __future__ import annotations

from errno import EFBIG

from ..include.errors import failure
from ..include.fs import inode
from ..include.sched import RLIMIT_FSIZE


def inode_newsize_ok(inode: inode, offset: int) -> None:
    """Refuse a new size (bytes) that is too large: v4.4, same name. EFBIG. To shrink a file is always right.

    Over RLIMIT_FSIZE Linux sends SIGXFSZ, too; the programs here block it.
    """
    limit, most = inode.i_sb.machine.current.rlim[RLIMIT_FSIZE], inode.i_sb.s_type.s_maxbytes
    if inode.i_size < offset and offset > min(limit, most):
        raise failure(EFBIG, "inode_newsize_ok", f"{offset} bytes > RLIMIT_FSIZE = {limit} or s_maxbytes = {most}")
