"""System V shared memory, the values and objects of it: include/uapi/linux/ipc.h, shm.h, include/linux/shm.h (v4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .array import array

if TYPE_CHECKING:
    from .fs import file
    from .mm import vm_operations_struct

IPC_PRIVATE = 0  # the key of a segment that only its number finds
IPC_CREAT, IPC_EXCL = 0o1000, 0o2000
IPC_RMID, IPC_SET, IPC_STAT, SHM_LOCK, SHM_UNLOCK = 0, 1, 2, 11, 12
SHM_HUGETLB, SHM_NORESERVE = 0o4000, 0o10000  # of shmget
SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC = 0o10000, 0o20000, 0o40000, 0o100000  # of shmat
SHM_DEST, SHM_LOCKED = 0o1000, 0o2000  # in a segment's mode: to be destroyed with the last detach; locked in memory

SHMMIN, SHMMAX = 1, 2**64 - 2**24 - 1  # bytes a segment may have
SHMMNI = 4096  # segments there may be
IPCMNI_SHIFT = 15  # a number is seq << 15 | slot: a slot that is used again gives another number
IPC_MIN_CYCLE = 64


@dataclass(frozen=True, slots=True)
class shmid_ds:
    """What shmctl(IPC_STAT) tells of a System V segment: its size (bytes), how often it is attached, permissions."""

    shm_segsz: int
    shm_nattch: int
    mode: int


@dataclass(slots=True, eq=False)
class shmid_kernel:
    """A segment: a tmpfs file (`shm_file`) with a number: include/linux/shm.h:struct shmid_kernel.

    `shm_nattch`: VMAs that map it, of all processes. `uid`: who made it.
    """

    id: int
    key: int
    mode: int
    uid: int
    shm_segsz: int
    shm_file: file
    shm_nattch: int = 0

    @property
    def name(self) -> str:
        """The segment's stable name."""
        return f"shm#{self.id}"


@dataclass(slots=True, eq=False)
class shm_file_data:
    """What one attachment's open file stands for: segment `id`, and its tmpfs file: ipc/shm.c:struct shm_file_data."""

    id: int
    file: file
    vm_ops: vm_operations_struct | None = None


class ipc_ids:
    """All segments, by number: ipc/util.h:struct ipc_ids."""

    __slots__ = ("last_idx", "segments", "seq")

    def __init__(self) -> None:
        self.segments: array[int, shmid_kernel] = array("ipc_ids")
        self.seq, self.last_idx = 0, -1
