"""mmlab: what really happens when a program calls mmap.

A simulated machine whose kernel behaves like Linux, to step through, see and break:

>>> from mmlab import Kernel, PROT_READ, MAP_SHARED, O_RDONLY
>>> kernel = Kernel()
>>> proc = kernel.spawn("reader")
>>> fd = proc.open("/data/book.txt", O_RDONLY)
>>> addr = proc.mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 4096)
>>> proc.load(addr, 5)
b'page1'
>>> kernel.check()
"""

from .include.errors import (
    BUS_ADRERR,
    SEGV_ACCERR,
    SEGV_MAPERR,
    BusError,
    KernelBug,
    MemoryFault,
    OutOfMemory,
    SegmentationFault,
)
from .include.mman import (
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    MADV_DODUMP,
    MADV_DOFORK,
    MADV_DONTDUMP,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_DONTNEED_LOCKED,
    MADV_FREE,
    MADV_KEEPONFORK,
    MADV_NORMAL,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_RANDOM,
    MADV_REMOVE,
    MADV_SEQUENTIAL,
    MADV_WILLNEED,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_DENYWRITE,
    MAP_EXECUTABLE,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN,
    MAP_HUGETLB,
    MAP_LOCKED,
    MAP_NONBLOCK,
    MAP_NORESERVE,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    MAP_STACK,
    MAP_SYNC,
    MLOCK_ONFAULT,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    MS_ASYNC,
    MS_INVALIDATE,
    MS_SYNC,
    O_APPEND,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_RDONLY,
    O_RDWR,
    O_TRUNC,
    O_WRONLY,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    SEEK_CUR,
    SEEK_END,
    SEEK_SET,
    map_names,
    prot_names,
)
from .include.sched import RLIMIT_AS, RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_STACK
from .include.shm import (
    IPC_CREAT,
    IPC_EXCL,
    IPC_PRIVATE,
    IPC_RMID,
    IPC_STAT,
    SHM_DEST,
    SHM_EXEC,
    SHM_HUGETLB,
    SHM_LOCK,
    SHM_LOCKED,
    SHM_NORESERVE,
    SHM_RDONLY,
    SHM_REMAP,
    SHM_RND,
    SHM_UNLOCK,
)
from .machine import Kernel
from .process import Process
from .trace import Trace

__version__ = "0.1.0"
__all__ = [
    "Kernel",
    "Process",
    "Trace",
    "BusError", "KernelBug", "MemoryFault", "OutOfMemory", "SegmentationFault",
    "BUS_ADRERR", "SEGV_ACCERR", "SEGV_MAPERR",
    "PROT_EXEC", "PROT_NONE", "PROT_READ", "PROT_WRITE",
    "MAP_ANONYMOUS", "MAP_DENYWRITE", "MAP_EXECUTABLE", "MAP_FIXED", "MAP_FIXED_NOREPLACE", "MAP_GROWSDOWN",
    "MAP_HUGETLB", "MAP_LOCKED", "MAP_NONBLOCK", "MAP_NORESERVE", "MAP_POPULATE", "MAP_PRIVATE", "MAP_SHARED",
    "MAP_SHARED_VALIDATE", "MAP_STACK", "MAP_SYNC", "MLOCK_ONFAULT",
    "MREMAP_DONTUNMAP", "MREMAP_FIXED", "MREMAP_MAYMOVE",
    "RLIMIT_AS", "RLIMIT_MEMLOCK", "RLIMIT_NOFILE", "RLIMIT_STACK",
    "MADV_NORMAL", "MADV_RANDOM", "MADV_SEQUENTIAL", "MADV_WILLNEED", "MADV_DONTNEED", "MADV_FREE", "MADV_REMOVE",
    "MADV_DONTFORK", "MADV_DOFORK", "MADV_DONTDUMP", "MADV_DODUMP", "MADV_WIPEONFORK", "MADV_KEEPONFORK",
    "MADV_POPULATE_READ", "MADV_POPULATE_WRITE", "MADV_DONTNEED_LOCKED", "MS_ASYNC", "MS_INVALIDATE", "MS_SYNC",
    "FALLOC_FL_KEEP_SIZE", "FALLOC_FL_PUNCH_HOLE",
    "IPC_CREAT", "IPC_EXCL", "IPC_PRIVATE", "IPC_RMID", "IPC_STAT", "SHM_DEST", "SHM_EXEC", "SHM_HUGETLB", "SHM_LOCK",
    "SHM_LOCKED", "SHM_NORESERVE", "SHM_RDONLY", "SHM_REMAP", "SHM_RND", "SHM_UNLOCK",
    "O_APPEND", "O_CLOEXEC", "O_CREAT", "O_DIRECTORY", "O_EXCL", "O_RDONLY", "O_RDWR", "O_TRUNC", "O_WRONLY",
    "SEEK_CUR", "SEEK_END", "SEEK_SET",
    "PAGE_SIZE", "map_names", "prot_names",
]
