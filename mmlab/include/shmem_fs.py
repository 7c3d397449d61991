"""What tmpfs knows of a file: include/linux/shmem_fs.h (v4.4)."""

from __future__ import annotations

from .fs import inode
from .mman import F_SEAL_SEAL


class shmem_inode_info:
    """`promised`: how many pages of Committed_AS are the file's. `seals`: F_SEAL_* bits, what nobody may do to it."""

    __slots__ = ("label", "promised", "seals")

    def __init__(self, label: str, promised: int, seals: int) -> None:
        self.label, self.promised, self.seals = label, promised, seals

    @property
    def name(self) -> str:
        """The stable name."""
        return f"shmem:{self.label}"


TMPFS_FILE = shmem_inode_info("tmpfs", 0, F_SEAL_SEAL)  # a file with a name on a tmpfs: nothing is promised or sealed


def SHMEM_I(inode: inode) -> shmem_inode_info:
    """Give what tmpfs knows of its file: include/linux/shmem_fs.h:SHMEM_I (v4.4)."""
    return inode.i_private or TMPFS_FILE
