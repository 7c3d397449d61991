"""Values that a program passes to the system calls: include/uapi/asm-generic/mman*.h, fcntl.h (x86-64)."""

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
PAGE_MASK = ~(PAGE_SIZE - 1)

# prot: what the program may do with the memory
PROT_NONE = 0x0
PROT_READ = 0x1
PROT_WRITE = 0x2
PROT_EXEC = 0x4
PROT_SEM = 0x8
PROT_GROWSDOWN, PROT_GROWSUP = 0x01000000, 0x02000000  # mprotect: as far as the VMA goes in this direction

# flags: what kind of mapping
MAP_SHARED = 0x01
MAP_PRIVATE = 0x02
MAP_SHARED_VALIDATE = 0x03  # since 4.15: MAP_SHARED, but unknown flags are refused
MAP_TYPE = 0x0F
MAP_32BIT = 0x40
MAP_ABOVE4G = 0x80
MAP_FIXED = 0x10
MAP_ANONYMOUS = 0x20
MAP_GROWSDOWN = 0x00100
MAP_DENYWRITE = 0x00800
MAP_EXECUTABLE = 0x01000
MAP_LOCKED = 0x02000
MAP_NORESERVE = 0x04000
MAP_POPULATE = 0x08000
MAP_NONBLOCK = 0x10000
MAP_STACK = 0x20000
MAP_HUGETLB = 0x40000
MAP_SYNC = 0x80000
MAP_FIXED_NOREPLACE = 0x100000  # since 4.17
MAP_UNINITIALIZED = 0x4000000
MAP_HUGE_2MB = 21 << 26
MAP_HUGE_1GB = 30 << 26

MLOCK_ONFAULT = 0x01
MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP = 1, 2, 4
MS_ASYNC, MS_INVALIDATE, MS_SYNC = 1, 2, 4

MADV_NORMAL = 0
MADV_RANDOM = 1
MADV_SEQUENTIAL = 2
MADV_WILLNEED = 3
MADV_DONTNEED = 4
MADV_FREE = 8
MADV_REMOVE = 9
MADV_DONTFORK = 10
MADV_DOFORK = 11
MADV_MERGEABLE = 12
MADV_UNMERGEABLE = 13
MADV_HUGEPAGE = 14
MADV_NOHUGEPAGE = 15
MADV_DONTDUMP = 16
MADV_DODUMP = 17
MADV_WIPEONFORK = 18
MADV_KEEPONFORK = 19
MADV_COLD = 20  # since 5.4
MADV_PAGEOUT = 21
MADV_POPULATE_READ = 22  # since 5.14
MADV_POPULATE_WRITE = 23
MADV_DONTNEED_LOCKED = 24  # since 5.18
MADV_COLLAPSE = 25  # since 6.1

FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2

# memfd_create(2)
MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB = 0x1, 0x2, 0x4
MFD_NOEXEC_SEAL, MFD_EXEC = 0x8, 0x10  # since 6.3
MFD_HUGE_MASK = 0x3F << 26  # which size of huge pages

# fcntl(2)
F_DUPFD, F_GETFL = 0, 3
F_ADD_SEALS, F_GET_SEALS = 1033, 1034
F_SEAL_SEAL = 0x01  # no more seals
F_SEAL_SHRINK = 0x02
F_SEAL_GROW = 0x04
F_SEAL_WRITE = 0x08
F_SEAL_FUTURE_WRITE = 0x10  # since 5.1: no writing, but by mappings that there are already
F_SEAL_EXEC = 0x20  # since 6.3: the mode's x bits stay as they are

# open(2)
O_RDONLY = 0o0
O_WRONLY = 0o1
O_RDWR = 0o2
O_ACCMODE = 0o3
O_CREAT = 0o100
O_EXCL = 0o200
O_TRUNC = 0o1000
O_APPEND = 0o2000
O_NONBLOCK = 0o4000
O_LARGEFILE = 0o100000
O_DIRECTORY = 0o200000
O_CLOEXEC = 0o2000000
O_PATH = 0o10000000

SEEK_SET, SEEK_CUR, SEEK_END = 0, 1, 2

PROT_NAMES = {PROT_READ: "PROT_READ", PROT_WRITE: "PROT_WRITE", PROT_EXEC: "PROT_EXEC"}
MAP_NAMES = {
    MAP_FIXED: "MAP_FIXED",
    MAP_ANONYMOUS: "MAP_ANONYMOUS",
    MAP_GROWSDOWN: "MAP_GROWSDOWN",
    MAP_DENYWRITE: "MAP_DENYWRITE",
    MAP_EXECUTABLE: "MAP_EXECUTABLE",
    MAP_LOCKED: "MAP_LOCKED",
    MAP_NORESERVE: "MAP_NORESERVE",
    MAP_POPULATE: "MAP_POPULATE",
    MAP_NONBLOCK: "MAP_NONBLOCK",
    MAP_STACK: "MAP_STACK",
    MAP_HUGETLB: "MAP_HUGETLB",
    MAP_SYNC: "MAP_SYNC",
    MAP_FIXED_NOREPLACE: "MAP_FIXED_NOREPLACE",
}
MAP_TYPE_NAMES = {MAP_SHARED: "MAP_SHARED", MAP_PRIVATE: "MAP_PRIVATE", MAP_SHARED_VALIDATE: "MAP_SHARED_VALIDATE"}


def PAGE_ALIGN(n: int) -> int:
    """Round `n` bytes up to a whole number of pages.

    >>> PAGE_ALIGN(1), PAGE_ALIGN(4096), PAGE_ALIGN(4097)
    (4096, 4096, 8192)
    """
    return (n + PAGE_SIZE - 1) & PAGE_MASK


def offset_in_page(address: int) -> int:
    """Say how many bytes `address` lies past the start of its page."""
    return address & (PAGE_SIZE - 1)


def flag_names(value: int, names: dict[int, str], none: str = "0") -> str:
    """Spell a word of flags as C does; bits without a name stay a number.

    >>> flag_names(PROT_READ | PROT_WRITE, PROT_NAMES)
    'PROT_READ|PROT_WRITE'
    >>> flag_names(0x40000001, PROT_NAMES)
    'PROT_READ|0x40000000'
    """
    known = [name for bit, name in names.items() if value & bit]
    rest = value & ~sum(names)
    return "|".join(known + ([hex(rest)] if rest else [])) or none


def prot_names(prot: int) -> str:
    """Spell the `prot` argument of mmap as C does."""
    return flag_names(prot, PROT_NAMES, "PROT_NONE")


def map_names(flags: int) -> str:
    """Spell the `flags` argument of mmap as C does.

    >>> map_names(0x22)
    'MAP_PRIVATE|MAP_ANONYMOUS'
    """
    kind, rest = flags & MAP_TYPE, flags & ~MAP_TYPE
    first = [MAP_TYPE_NAMES.get(kind, hex(kind))] if kind else []
    return "|".join(first + ([flag_names(rest, MAP_NAMES)] if rest else [])) or "0"
