"""What if an argument is anything at all? Linux's errno, or a TypeError that names it; and the kernel stays whole.

Each argument of each method takes each edge below, the others being good; then random pairs do. Where the call is safe
there, the real kernel is asked the same, in a child of one process that ptrace drives.
"""

import errno
import itertools
import os
import platform
import random
import re

import pytest

import mmlab
from mmlab import Kernel, MemoryFault, linux
from tests.kernel.helpers import ARENA, MEMORY, PAGE, RW, at, make_file, map_at

TASK_SIZE = 0x7FFFFFFFF000
STACK = 0x7FFFF0000000  # about here begin the stack and the vDSO
NUMBERS = [0, 1, 2, 7, -1, -PAGE, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 2**31 - 1, 2**31, 2**32, 2**40, TASK_SIZE - PAGE,
           TASK_SIZE, TASK_SIZE + 1, 2**47, 2**48, 2**62, 2**63 - PAGE, 2**63 - 1, 2**63, 2**64 - PAGE, 2**64 - 1,
           2**64, 2**64 + PAGE, 2**70]  # fmt: skip
ADDRESSES = [*NUMBERS, at(0), at(0) + 1, at(2), at(3), at(4), at(8), at(9), at(40), 2**47 + 1, 0xFFFF800000000000]
LENGTHS = [*NUMBERS, 8 * PAGE, 9 * PAGE]
SMALL = [n for n in NUMBERS if n < 2**40 or n >= 2**62]  # no file on a real disk of 2^40 bytes
FDS = [0, 3, 4, 5, 6, 7, 99, -1, -2, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 3, 2**63, 2**64 - 1, 2**64 + 3]
PROTS = [0, 1, 2, 3, 4, 7, 8, 0x10, 0x1000000, 0x2000000, 0x3000000, -1, 2**31, 2**32 + 1, 2**63, 2**64 + 3]
ADVICES = [*range(26), -1, 99, 104, 2**31, 2**32 + 4, 2**63, 2**64]
WORDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 16, -1, 2**31, 2**32 + 1, 2**63, 2**64, 2**64 + 1]
OPEN_FLAGS = [0, 1, 2, 3, 0o100, 0o200, 0o300, 0o1000, 0o1002, 0o2001, 0o200000, 0o10000000, 0o10200001, 2**32, 2**64]
MAP_FLAGS = [0, 1, 2, 3, 4, 5, 15, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x31, 0x32, 0x122, 0x121, 0x102,
             0x103, 0x4022, 0x20022, 0x40022, 0x40002, 0x80003, 0x80001, 0x100022, 0x100001, 0x400003, 0x400001,
             2**32 + 0x22, 2**63 + 0x22, 2**64 + 0x22]  # fmt: skip

HUGETLB = {"memfd_create": 4, "shmget": 0o4000}  # the flag that asks for huge pages
SEGMENT = 555_555  # stands for the number of the System V segment that the process has
SEGMENTS = {}  # by process

# each method: its good arguments, and the edges of each; those in UNSAFE are asked of the simulation alone
CALLS = {
    "close": {"fd": (3, FDS)},
    "dup": {"fd": (3, FDS)},
    "pread": {"fd": (3, FDS), "count": (10, [0, 1, PAGE, 2**15]), "offset": (0, NUMBERS)},
    "pwrite": {"fd": (3, FDS), "data": (b"#", [b"", b"##"]), "offset": (0, SMALL)},
    "read": {"fd": (3, FDS), "count": (10, [0, 1, PAGE, 2**15])},
    "write": {"fd": (3, FDS), "data": (b"#", [b"", b"##"])},
    "lseek": {"fd": (3, FDS), "offset": (0, NUMBERS),
              "whence": (0, [0, 1, 2, 5, 99, -1, 2**32, 2**32 + 1, 2**64])},
    "fstat": {"fd": (3, FDS)},
    "ftruncate": {"fd": (3, FDS), "length": (PAGE, NUMBERS)},
    "fallocate": {"fd": (3, FDS), "mode": (3, [0, 1, 2, 3, -1, 2**32 + 3]), "offset": (0, SMALL),
                  "length": (PAGE, [n for n in SMALL if n < 2**20 or n > 2**47])},
    "fsync": {"fd": (3, FDS)},
    "open": {"path": ("/data/f", ["", "/", "/data", "/data/none", "/data/f/", "/data/f/x", "/none/x", "/data/../data/f",
                                  "x" * 300, "/" + "x" * 5000, "/data/" + "é" * 100]),
             "flags": (2, OPEN_FLAGS)},
    "mkdir": {"path": ("/data/d", ["", "/", "/data", "/data/f", "/data/f/x", "/none/x", "/data/" + "x" * 300])},
    "unlink": {"path": ("/data/f", ["", "/", "/data", "/data/none", "/data/f/x", "/none/x"])},
    "mmap": {"addr": (0, ADDRESSES), "length": (PAGE, LENGTHS), "prot": (RW, PROTS), "flags": (MEMORY, MAP_FLAGS),
             "fd": (3, FDS), "offset": (0, NUMBERS)},
    "munmap": {"addr": (at(0), ADDRESSES), "length": (PAGE, LENGTHS)},
    "mprotect": {"addr": (at(0), ADDRESSES), "length": (PAGE, LENGTHS), "prot": (1, PROTS)},
    "mremap": {"old_addr": (at(0), ADDRESSES), "old_size": (PAGE, LENGTHS), "new_size": (2 * PAGE, LENGTHS),
               "flags": (1, WORDS), "new_addr": (at(20), ADDRESSES)},
    "madvise": {"addr": (at(0), ADDRESSES), "length": (PAGE, LENGTHS), "advice": (0, ADVICES)},
    "msync": {"addr": (at(0), ADDRESSES), "length": (PAGE, LENGTHS), "flags": (4, WORDS)},
    "mincore": {"addr": (at(0), ADDRESSES), "length": (PAGE, LENGTHS)},
    "mlock": {"addr": (at(0), ADDRESSES), "length": (PAGE, LENGTHS), "flags": (0, WORDS)},
    "munlock": {"addr": (at(0), ADDRESSES), "length": (PAGE, LENGTHS)},
    "brk": {"addr": (0, ADDRESSES)},
    "load": {"addr": (at(0), ADDRESSES), "n": (1, [0, PAGE, 9 * PAGE, 2**40, 2**62])},
    "store": {"addr": (at(0), ADDRESSES), "data": (b"#", [b"", b"#" * PAGE, b"#" * 9 * PAGE])},
    "memcpy": {"dst": (at(0), ADDRESSES), "src": (at(1), ADDRESSES), "n": (1, [0, PAGE, 9 * PAGE, 2**40, 2**62])},
    "sys_read": {"fd": (3, FDS), "addr": (at(0), ADDRESSES), "count": (10, NUMBERS)},
    "sys_write": {"fd": (4, FDS), "addr": (at(0), ADDRESSES), "count": (10, NUMBERS)},
    "memfd_create": {"name": ("m", ["", "/", "x" * 249, "x" * 250]),
                     "flags": (1, [*WORDS, 0x18, 0x40, 0x80, 0x54000004, 0x54000000, -4])},
    "pagemap": {"addr": (at(0), ADDRESSES)},
    "fincore": {"fd": (3, FDS)},
    "setuid": {"uid": (0, [0, 1000, -1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64])},
    "setrlimit": {"resource": (9, [*range(17), -1, 2**31, 2**32 + 7, 2**63, 2**64]),
                  "soft": (2**40, [*NUMBERS, 4096, 4097, 8 << 20])},
    "fcntl": {"fd": (3, FDS), "cmd": (1034, [0, 3, 1033, 1034, -1, 99, 2**31, 2**32 + 3, 2**63, 2**64]),
              "arg": (0, [0, 1, 2, 5, 7, 63, 64, 1023, 1024, -1, 2**31, 2**32, 2**32 + 5, 2**63, 2**64])},
    "shmget": {"key": (0, [0, 77, 78, -1, 2**31, 2**32, 2**32 + 77, 2**63, 2**64]),
               "size": (PAGE, [0, 1, PAGE - 1, PAGE + 1, 4 * PAGE, 5 * PAGE, 2**62, 2**63, 2**64 - PAGE, 2**64 - 1]),
               "flags": (0o1600, [0, 0o600, 0o3600, 0o2600, 0o5600, 0o11600, -1, 2**31, 2**32 + 0o1600, 2**64])},
    "shmat": {"id": (SEGMENT, [-1, 2**31 - 1, 2**31, 2**32, 2**63, 2**64]),
              "addr": (at(20), [*ADDRESSES, at(20) + 1, at(20) + PAGE - 1]),
              "flags": (0, [0, 0o10000, 0o20000, 0o40000, 0o60000, 0o70000, 0o100000, -1, 2**31, 2**32, 2**63, 2**64])},
    "shmdt": {"addr": (at(10), [*ADDRESSES, at(10), at(10) + 1, at(11)])},
    "shmctl": {"id": (SEGMENT, [-1, 2**31 - 1, 2**31, 2**32, 2**63, 2**64]),
               "cmd": (2, [0, 2, 11, 12, -1, 99, 2**31, 2**32 + 2, 2**63, 2**64])},
    "pipe": {},
}  # fmt: skip
SIMULATED_ONLY = {"pagemap", "fincore", "brk"}
PAIRS = int(os.environ.get("MMLAB_FUZZ", 40))
WRONG_TYPES = [None, 1.5, "1", b"1", [], {}, object()]


def prepare(kernel):
    """A process with memory at pages 0…3 and 8, a file at 4…7, and open: 3 on the disk, 4 on tmpfs, 5 to read, …"""
    proc = kernel.spawn("fuzzed")
    make_file(proc, "/data/f", 3)
    make_file(proc, "/dev/shm/f", 3)
    for path, flags in (("/data/f", 0), ("/data/f", 1), ("/data", 0)):
        proc.open(path, flags)
    map_at(proc, 0, 4, RW, MEMORY)
    map_at(proc, 4, 4, RW, mmlab.MAP_SHARED, 3)
    map_at(proc, 8, 1, 1, MEMORY)
    segment = proc.shmget(77, 4 * PAGE, 0o1600)
    SEGMENTS[proc.pid] = segment
    proc.shmat(segment, at(10), 0o40000)
    proc.store(at(0), b"#" * 6 * PAGE)
    return proc


def outcome(proc, method, arguments):
    """Make the call in a child; give what came of it."""
    child = proc.fork()
    arguments = [SEGMENTS[proc.pid] if argument == SEGMENT else argument for argument in arguments]
    try:
        result = getattr(child, method)(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    except MemoryFault as fault:
        return f"{fault.signal} {fault.si_name} at {fault.address:#x}"
    finally:
        child.exit()
    return result if method in ("lseek", "dup", "mincore") else "ok"


def single(method):
    """Each argument at each of its edges, the others being good."""
    table = CALLS[method]
    good = [value for value, _ in table.values()]
    yield tuple(good)
    for place, (_, edges) in enumerate(table.values()):
        for edge in edges:
            yield (*good[:place], edge, *good[place + 1 :])


def pairs(method, count):
    """Every argument at a random one of its edges."""
    rng, table = random.Random(method), CALLS[method]
    for _ in range(count):
        yield tuple(rng.choice([good, *edges]) for good, edges in table.values())


def safe(method, arguments):
    """Tell whether the real machine may be asked: not to fill its memory, nor about its vDSO, which ours lacks."""
    if method == "setrlimit" and arguments[0] % 2**32 not in (1, 2, 3, 7, 9, 16):  # others vary from machine to machine
        return False
    if method in HUGETLB and arguments[-1] & HUGETLB[method]:  # this machine may have huge pages
        return False
    if method == "madvise" and arguments[0] + arguments[1] > STACK:
        return False
    return method not in SIMULATED_ONLY and not (method == "mmap" and arguments[3] & 0xA000)


def wanted(method):
    """The calls to make."""
    return list(itertools.chain(single(method), pairs(method, PAIRS if len(CALLS[method]) > 1 else 0)))


@pytest.fixture
def real():
    try:
        kernel = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    if tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < (6, 17):
        pytest.skip("compares with Linux 6.17 and newer")
    with kernel:
        yield prepare(kernel)


@pytest.mark.parametrize("method", CALLS)
def test_what_if_an_argument_is_at_an_edge(method):
    kernel = Kernel(mem=64 << 30)
    proc = prepare(kernel)
    for arguments in wanted(method):
        outcome(proc, method, arguments)  # nothing but an OSError or a signal
        kernel.check()


@pytest.mark.parametrize("method", CALLS)
def test_what_if_the_real_kernel_is_asked_the_same(real, method):
    proc = prepare(Kernel(mem=64 << 30))
    differences = []
    for arguments in filter(lambda each: safe(method, each), wanted(method)):
        here, there = outcome(proc, method, arguments), outcome(real, method, arguments)
        if here != there:
            differences.append((arguments, here, there))
    assert differences == []


@pytest.mark.parametrize("wrong", WRONG_TYPES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("method", CALLS)
def test_what_if_an_argument_has_the_wrong_type(proc, method, wrong):
    table = CALLS[method]
    for place, (name, (value, _)) in enumerate(table.items()):
        if isinstance(wrong, type(value)):
            continue
        arguments = [good for good, _ in table.values()]
        arguments[place] = wrong
        with pytest.raises(TypeError, match=f"^{name} must be "):
            getattr(proc, method)(*arguments)


@pytest.mark.parametrize("path", ["/data/f\0", "\0", "/data/\0x"])
@pytest.mark.parametrize("method", ["open", "mkdir", "unlink"])
def test_what_if_a_path_has_a_nul(proc, method, path):
    """Linux cannot receive it, and so cannot answer: ValueError."""
    arguments = (path, 0) if method == "open" else (path,)
    with pytest.raises(ValueError, match="NUL"):
        getattr(proc, method)(*arguments)


def test_what_if_a_boolean_is_passed(proc):
    """It is 0 or 1, as C has it."""
    assert proc.fstat(False).st_ino == proc.fstat(0).st_ino
    assert proc.mmap(False, True, True, MEMORY) % PAGE == 0


def test_what_if_more_is_asked_for_than_there_can_be(proc):
    """It is answered at once, and takes no memory."""
    fd = make_file(proc, "/data/f", 1)
    assert len(proc.pread(fd, 2**62, 0)) == PAGE
    assert len(proc.read(fd, 2**62)) == PAGE
    proc.mmap(ARENA, 2**46, RW, MEMORY | 0x4010)
    with pytest.raises(OSError) as raised:
        proc.mincore(ARENA, 2**47 - ARENA)
    assert raised.value.errno == errno.ENOMEM
    with pytest.raises(OSError) as raised:
        proc.mincore(ARENA, 2**46)
    assert raised.value.errno == errno.EFAULT
    for call in (proc.madvise, proc.msync, proc.mprotect):
        call(ARENA, 2**46, {"madvise": 4, "msync": 4, "mprotect": 1}[call.__name__])
    proc.munmap(ARENA, 2**46)
    proc.ftruncate(fd, 2**43)
    with pytest.raises(OSError) as raised:
        proc.fincore(fd)
    assert raised.value.errno == errno.ENOMEM
