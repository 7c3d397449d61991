"""Small programs that run on the simulated kernel and on the real one; what both answer must be the same.

A program is a list of steps; a step is a tuple of a call and its arguments. Addresses are bytes past the start of an
arena of 64 pages, where nothing else is mapped; files go by the names below. After each step a program sees its result
(or errno, or signal), the lines of /proc/self/maps in the arena, and the state of the arena's page table.

    disk tmpfs     a file of 6 pages and 100 bytes; every page is cached
    big            a file of 40 pages on tmpfs, cached; sparse: one of 40 pages on the disk, all holes
    dir null zero maps   a directory, /dev/null, /dev/zero, /proc/self/maps
"""

import errno
import json

PAGE = 4096
PAGES = 64
R, W, X = 1, 2, 4
SHARED, PRIVATE, VALIDATE, FIXED, ANON, GROWSDOWN = 1, 2, 3, 0x10, 0x20, 0x100
LOCKED, NORESERVE, POPULATE, NONBLOCK, STACK = 0x2000, 0x4000, 0x8000, 0x10000, 0x20000
HUGETLB, SYNC, NOREPLACE = 0x40000, 0x80000, 0x100000
RDONLY, WRONLY, RDWR = 0, 1, 2
TASK_SIZE = 0x7FFFFFFFF000

FILE_BYTES = b"".join(b"page%d" % index + bytes(PAGE - 5) for index in range(6)) + b"tail".ljust(100, b"t")
BIG_BYTES = b"".join(b"page%02d" % index + bytes(PAGE - 6) for index in range(40))
SPARSE_SIZE = 40 * PAGE


def at(page, length, prot, flags, file=None, pgoff=0):
    """Map `length` pages at that page of the arena."""
    return ("mmap", page * PAGE, length * PAGE, prot, flags | FIXED, file, pgoff * PAGE)


def anon(page, length, prot=R | W, flags=PRIVATE):
    """Map `length` pages of memory at that page of the arena."""
    return at(page, length, prot, flags | ANON)


def unmap(page, length):
    return ("munmap", page * PAGE, length * PAGE)


def load(page, byte=0):
    return ("load", page * PAGE + byte)


def store(page, byte=0):
    return ("store", page * PAGE + byte, 0x5A)


def opened(*names, flags=RDWR):
    return [("open", name, flags) for name in names]


def every(call, pages):
    return [call(page) for page in pages]


DISK, TMPFS, BIG, SPARSE = opened("disk"), opened("tmpfs"), opened("big"), opened("sparse")
READ_ONLY = opened("disk", flags=RDONLY)
WRITE_ONLY = opened("disk", flags=WRONLY)

PROGRAMS = {
    # the arguments of mmap, one refusal after the other
    "an offset within a page": [*DISK, ("mmap", 0, PAGE, R, SHARED | FIXED, "disk", 100)],
    "an offset within a page, and no fd": [("mmap", 0, PAGE, R, SHARED | FIXED, 77, 100)],
    "a closed fd": [("mmap", 0, PAGE, R, SHARED | FIXED, 77, 0)],
    "a closed fd, and length 0": [("mmap", 0, 0, R, SHARED | FIXED, 77, 0)],
    "MAP_ANONYMOUS with a closed fd": [("mmap", 0, PAGE, R, PRIVATE | ANON | FIXED, 77, PAGE)],
    "length 0": [("mmap", 0, 0, R | W, PRIVATE | ANON | FIXED, None, 0)],
    "length 1": [("mmap", 0, 1, R | W, PRIVATE | ANON | FIXED, None, 0)],
    "a length that wraps to 0": [("mmap", 0, 2**64 - 1, R, PRIVATE | ANON, None, 0)],
    "a length past TASK_SIZE": [("mmap", 0, 2**47, R, PRIVATE | ANON | NORESERVE, None, 0)],
    "a fixed address within a page": [("mmap", 100, PAGE, R, PRIVATE | ANON | FIXED, None, 0)],
    "a fixed address within a page, NOREPLACE": [("mmap", 100, PAGE, R, PRIVATE | ANON | NOREPLACE, None, 0)],
    "a fixed range past TASK_SIZE": [("mmap", ["abs", TASK_SIZE - PAGE], 2 * PAGE, R, PRIVATE | ANON | FIXED, None, 0)],
    "a fixed address past TASK_SIZE, unaligned": [
        ("mmap", ["abs", TASK_SIZE + 1], PAGE, R, PRIVATE | ANON | FIXED, None, 0)],
    "NOREPLACE over a mapping": [anon(3, 2), ("mmap", 4 * PAGE, 2 * PAGE, R, PRIVATE | ANON | NOREPLACE, None, 0)],
    "NOREPLACE beside a mapping": [anon(3, 2), ("mmap", 5 * PAGE, 2 * PAGE, R, PRIVATE | ANON | NOREPLACE, None, 0)],
    "an offset that overflows": [*DISK, ("mmap", 0, 2 * PAGE, R, SHARED | FIXED, "disk", 2**63 - PAGE)],
    "the last offset that fits": [*DISK, ("mmap", 0, PAGE, R, SHARED | FIXED, "disk", 2**63 - 2 * PAGE)],
    "the last offset of all": [*DISK, ("mmap", 0, PAGE, R, SHARED | FIXED, "disk", 2**64 - PAGE)],
    "/dev/zero at the last offset of all": [
        *opened("zero"), ("mmap", 0, PAGE, R | W, PRIVATE | FIXED, "zero", 2**64 - 2 * PAGE)],
    "SHARED and writable on a read-only fd": [*READ_ONLY, at(0, 1, R | W, SHARED, "disk")],
    "PRIVATE and writable on a read-only fd": [*READ_ONLY, at(0, 1, R | W, PRIVATE, "disk")],
    "a write-only fd, SHARED": [*WRITE_ONLY, at(0, 1, W, SHARED, "disk")],
    "a write-only fd, PRIVATE": [*WRITE_ONLY, at(0, 1, R, PRIVATE, "disk")],
    "a directory": [*opened("dir", flags=RDONLY), at(0, 1, R, PRIVATE, "dir")],
    "a directory, SHARED and writable": [*opened("dir", flags=RDONLY), at(0, 1, R | W, SHARED, "dir")],
    "/dev/null": [*opened("null"), at(0, 1, R, PRIVATE, "null")],
    "/proc/self/maps": [*opened("maps", flags=RDONLY), at(0, 1, R, PRIVATE, "maps")],
    "neither SHARED nor PRIVATE, a file": [*DISK, at(0, 1, R, 0, "disk")],
    "neither SHARED nor PRIVATE, memory": [at(0, 1, R, ANON)],
    "an unknown type, memory": [at(0, 1, R, ANON | 5)],
    "an unknown type, a file": [*DISK, at(0, 1, R, 5, "disk")],
    "VALIDATE, memory": [at(0, 1, R, ANON | VALIDATE)],
    "VALIDATE, a file": [*DISK, at(0, 1, R, VALIDATE, "disk")],
    "VALIDATE with an unknown flag": [*DISK, at(0, 1, R, VALIDATE | 0x400000, "disk")],
    "SHARED with an unknown flag": [*DISK, at(0, 1, R, SHARED | 0x400000, "disk")],
    "VALIDATE with MAP_SYNC, tmpfs": [*TMPFS, at(0, 1, R, VALIDATE | SYNC, "tmpfs")],
    "VALIDATE with MAP_SYNC, a read-only fd": [*READ_ONLY, at(0, 1, R | W, VALIDATE | SYNC, "disk")],
    "VALIDATE with MAP_SYNC, in the place of memory": [
        *DISK, at(0, 3, R | W, PRIVATE | ANON), at(1, 1, R, VALIDATE | SYNC | FIXED, "disk")],
    "VALIDATE with a read-only fd": [*READ_ONLY, at(0, 1, R | W, VALIDATE, "disk")],
    "GROWSDOWN with a file": [*DISK, at(0, 1, R | W, PRIVATE | GROWSDOWN, "disk")],
    "GROWSDOWN with shared memory": [at(0, 1, R | W, SHARED | ANON | GROWSDOWN)],
    "HUGETLB with a file": [*DISK, at(0, 1, R | W, PRIVATE | HUGETLB, "disk")],
    "unknown prot bits": [anon(0, 1, R | 0x40), load(0)],
    "the wrong fd before a wrong length": [*READ_ONLY, ("mmap", 0, 0, R | W, SHARED | FIXED, "disk", 0)],
    "NOREPLACE overlap before a wrong fd": [*READ_ONLY, anon(0, 1), at(0, 1, R | W, SHARED | NOREPLACE, "disk")],
    "memory larger than the machine, over a mapping": [
        anon(0, 1), store(0), ("mmap", 0, 2**46, R | W, PRIVATE | ANON | FIXED, None, 0), load(0)],
    # hints
    "a free hint": [("mmap", 5 * PAGE, PAGE, R, PRIVATE | ANON, None, 0)],
    "a free hint within a page": [("mmap", 5 * PAGE + 7, PAGE, R, PRIVATE | ANON, None, 0)],
    "a taken hint": [anon(5, 1), ("mmap", 5 * PAGE, PAGE, R, PRIVATE | ANON, None, 0)],
    "a hint whose end is taken": [anon(6, 1), ("mmap", 5 * PAGE, 2 * PAGE, R, PRIVATE | ANON, None, 0)],
    # munmap
    "munmap of length 0": [anon(0, 1), ("munmap", 0, 0)],
    "munmap within a page": [anon(0, 1), ("munmap", 1, PAGE)],
    "munmap of a length within a page": [anon(0, 2), store(0), store(1), ("munmap", 0, 1)],
    "munmap past TASK_SIZE": [("munmap", ["abs", TASK_SIZE - PAGE], 2 * PAGE)],
    "munmap of 2^64 - 1 bytes": [("munmap", 0, 2**64 - 1)],
    "munmap of a hole": [unmap(5, 3)],
    "munmap of a start": [
        *DISK, at(0, 6, R, SHARED, "disk"), *every(load, range(6)), unmap(0, 2), *every(load, range(6))],
    "munmap of an end": [
        *DISK, at(0, 6, R, SHARED, "disk"), *every(load, range(6)), unmap(4, 2), *every(load, range(6))],
    "munmap of a middle": [
        *DISK, at(0, 6, R, SHARED, "disk"), *every(load, range(6)), unmap(2, 2), *every(load, range(6))],
    "munmap of a middle at an offset": [
        *DISK, at(3, 5, R, PRIVATE, "disk", 1), load(4), unmap(4, 1), *every(load, range(3, 8))],
    "munmap across VMAs and holes": [
        anon(0, 3), anon(5, 3, R), *TMPFS, at(9, 4, R, SHARED, "tmpfs"), unmap(2, 8), load(11)],
    "munmap of a middle and mapping it again": [
        anon(0, 6), *every(store, range(6)), unmap(2, 2), anon(2, 2), load(3), store(1)],
    # MAP_FIXED over what is there
    "a file over memory": [
        anon(0, 6), *every(store, range(6)), *DISK, at(2, 2, R, SHARED, "disk", 3), *every(load, range(6))],
    "a file over itself": [*DISK, at(0, 6, R, SHARED, "disk"), load(3), at(2, 2, R, SHARED, "disk", 2), load(3)],
    "a file over itself, shifted": [
        *DISK, at(0, 6, R, SHARED, "disk"), load(3), at(2, 2, R, SHARED, "disk", 0), load(3)],
    # maps and merging
    "memory beside memory": [anon(2, 2), anon(4, 2), anon(0, 2)],
    "memory of other protection": [anon(0, 2), anon(2, 2, R), anon(4, 2, 0)],
    "memory with NORESERVE": [anon(0, 2), anon(2, 2, R | W, PRIVATE | NORESERVE)],
    "memory with LOCKED": [anon(0, 2), anon(2, 2, R | W, PRIVATE | LOCKED)],
    "memory with STACK and unknown flags": [anon(0, 2), anon(2, 2, R | W, PRIVATE | STACK | 0x4000000)],
    "memory that fills a gap": [anon(0, 2), anon(4, 2), store(0), anon(2, 2)],
    "memory that fills a gap between touched ones": [anon(0, 2), anon(4, 2), store(0), store(4), anon(2, 2), store(2)],
    "a borrowed anon_vma": [anon(0, 2), store(0), unmap(1, 1), anon(2, 1), store(2), anon(1, 1)],
    "shared memory beside shared memory": [anon(0, 2, R | W, SHARED), anon(2, 2, R | W, SHARED), store(1), load(2)],
    "a file in two pieces": [*DISK, at(0, 2, R, SHARED, "disk"), at(2, 2, R, SHARED, "disk", 2), load(3)],
    "a file in two pieces with a gap": [*DISK, at(0, 2, R, SHARED, "disk"), at(2, 2, R, SHARED, "disk", 3), load(3)],
    "a file in two pieces, backwards": [*DISK, at(2, 2, R, SHARED, "disk", 2), at(0, 2, R, SHARED, "disk"), load(3)],
    "a file opened twice": [*DISK, at(0, 2, R, SHARED, "disk"), *DISK, at(2, 2, R, SHARED, "disk", 2)],
    "a file, closed": [*DISK, at(0, 2, R, SHARED, "disk"), ("close", "disk"), load(1)],
    "a file, unlinked": [*DISK, at(0, 2, R, SHARED, "disk"), ("unlink", "disk"), load(1)],
    "a private file written between": [
        *DISK, at(0, 2, R | W, PRIVATE, "disk"), store(1), at(2, 2, R | W, PRIVATE, "disk", 2), store(2)],
    "SHARED read-only on a read-only fd": [*READ_ONLY, at(0, 2, R, SHARED, "disk"), load(0), store(0)],
    "SHARED read-only fd beside SHARED": [*READ_ONLY, at(0, 2, R, SHARED, "disk"), at(2, 2, R, PRIVATE, "disk", 2)],
    "all protections": [anon(n * 2, 1, n & 7) for n in range(8)],
    "all protections of a shared file": [*DISK, *(at(n * 2, 1, n & 7, SHARED, "disk") for n in range(8))],
    "/dev/zero, shared": [*opened("zero"), at(0, 2, R | W, SHARED, "zero", 3), load(0), store(0), store(1), load(1)],
    "/dev/zero, private": [*opened("zero"), at(0, 2, R | W, PRIVATE, "zero", 3), load(0), store(0), store(1)],
    "/dev/zero, private, twice": [
        *opened("zero"), at(0, 2, R | W, PRIVATE, "zero"), at(2, 2, R | W, PRIVATE, "zero", 2)],
    # faults
    "no VMA": [load(0), store(0), anon(1, 1), load(0), load(2)],
    "each access to each protection": [
        step for n in range(8) for step in (anon(n * 2, 1, n & 7), load(n * 2), store(n * 2))],
    "a load and then a store, memory": [anon(0, 3), load(1), store(1), load(1), store(2), load(2)],
    "a load and then a store, shared memory": [
        anon(0, 3, R | W, SHARED), load(1), store(1), store(2), load(2), store(2)],
    "a load and then a store, shared disk": [
        *DISK, at(0, 4, R | W, SHARED, "disk"), load(1), store(1), store(2), store(1), load(3)],
    "a load and then a store, shared tmpfs": [
        *TMPFS, at(0, 4, R | W, SHARED, "tmpfs"), load(1), store(1), store(2), load(3)],
    "a load and then a store, private disk": [
        *DISK, at(0, 4, R | W, PRIVATE, "disk"), load(1), store(1), store(2), load(2), load(3)],
    "a load and then a store, private tmpfs": [
        *TMPFS, at(0, 4, R | W, PRIVATE, "tmpfs"), load(1), store(1), store(2), load(3)],
    "a store, and then its neighbours": [
        *DISK, at(0, 6, R | W, PRIVATE, "disk"), store(2), load(0), store(0), store(5)],
    "past the end of a file": [
        *DISK, at(0, 10, R | W, SHARED, "disk", 2), load(4), load(4, 4000), load(5), store(5), store(4),
        load(9)],
    "past the end of a private file": [
        *DISK, at(0, 10, R | W, PRIVATE, "disk", 2), store(5), load(5), store(4, 200), load(4, 200)],
    "past the end alone": [*DISK, at(0, 4, R | W, SHARED, "disk", 7), load(0), store(1)],
    "the end just before a page": [
        *TMPFS, ("ftruncate", "tmpfs", 2 * PAGE), at(0, 4, R, SHARED, "tmpfs"), load(1, 4095), load(2)],
    "the end just after a page": [
        *TMPFS, ("ftruncate", "tmpfs", 2 * PAGE + 1), at(0, 4, R, SHARED, "tmpfs"), load(2, 4095), load(3)],
    "fault-around in the middle": [*BIG, at(0, 40, R, SHARED, "big"), load(20), load(15), load(39)],
    "fault-around clipped by the VMA's start": [*BIG, at(5, 35, R, SHARED, "big", 5), load(7), load(30)],
    "fault-around of a window that runs past 64 KiB": [*BIG, at(5, 40, R, SHARED, "big"), load(5), load(17), load(22)],
    "fault-around clipped by the VMA's end": [*BIG, at(0, 20, R, SHARED, "big"), load(18)],
    "fault-around clipped by the file's end": [*BIG, at(0, 45, R, SHARED, "big"), load(41), load(33)],
    "fault-around at another offset": [*BIG, at(3, 30, R, SHARED, "big", 9), load(18), load(3)],
    "fault-around beside a written page": [*BIG, at(0, 40, R | W, PRIVATE, "big"), store(3), store(9), load(5)],
    "fault-around of a shared writable mapping": [
        *BIG, at(0, 40, R | W, SHARED, "big"), load(5), store(6), store(20), load(21)],
    "fault-around of a tmpfs with holes": [
        *TMPFS, ("ftruncate", "tmpfs", 0), ("ftruncate", "tmpfs", 10 * PAGE), ("pwrite", "tmpfs", 2 * PAGE),
        at(0, 10, R | W, SHARED, "tmpfs"), load(0), load(2), load(5), store(7)],
    "holes of a disk file": [*SPARSE, at(0, 3, R, SHARED, "sparse"), load(0), load(2)],
    "POPULATE of memory": [anon(0, 3, R | W, PRIVATE | POPULATE), anon(4, 3, R, PRIVATE | POPULATE), load(1), load(5)],
    "POPULATE of PROT_NONE": [anon(0, 3, 0, PRIVATE | POPULATE), *DISK, at(4, 3, 0, SHARED | POPULATE, "disk")],
    "POPULATE of shared memory": [anon(0, 3, R | W, SHARED | POPULATE), store(1)],
    "POPULATE of a shared file": [*DISK, at(0, 4, R | W, SHARED | POPULATE, "disk"), load(1), store(1), store(3)],
    "POPULATE of a private file": [
        *DISK, at(0, 4, R | W, PRIVATE | POPULATE, "disk"), store(1), at(8, 4, R, PRIVATE | POPULATE, "disk")],
    "POPULATE past the end": [*DISK, at(0, 9, R, SHARED | POPULATE, "disk", 3), load(8)],
    "POPULATE of holes": [*SPARSE, at(0, 3, R, SHARED | POPULATE, "sparse"), load(1)],
    "POPULATE with NONBLOCK": [anon(0, 3, R | W, PRIVATE | POPULATE | NONBLOCK), store(1)],
    "LOCKED memory": [anon(0, 3, R | W, PRIVATE | LOCKED), store(1)],
    # what is seen
    "a private mapping follows the file until it is written": [
        *DISK, at(0, 2, R | W, PRIVATE, "disk"), load(0), load(1), store(1), ("pwrite", "disk", 0),
        ("pwrite", "disk", PAGE), load(0), load(1)],
    "a shared store is seen by read": [
        *DISK, at(0, 2, R | W, SHARED, "disk"), store(1, 7), ("pread", "disk", PAGE + 7)],
    "a private store is not": [*DISK, at(0, 2, R | W, PRIVATE, "disk"), store(1, 7), ("pread", "disk", PAGE + 7)],
    "two mappings of one file": [
        *DISK, at(0, 2, R | W, SHARED, "disk"), at(4, 2, R, PRIVATE, "disk"), load(5), store(1), load(5)],
    "bytes past the end never reach the file": [
        *TMPFS, at(0, 7, R | W, SHARED, "tmpfs"), store(6, 99), store(6, 200), load(6, 200),
        ("pread", "tmpfs", 6 * PAGE + 99),
        ("pread", "tmpfs", 6 * PAGE + 200)],
    # truncate
    "truncate under a mapping": [
        *DISK, at(0, 6, R | W, SHARED, "disk"), *every(load, range(6)), store(2, 50),
        ("ftruncate", "disk", 2 * PAGE + 10), load(2, 50),
        load(3), load(1)],
    "truncate under a private copy": [
        *DISK, at(0, 6, R | W, PRIVATE, "disk"), store(1), store(3), load(4), ("ftruncate", "disk", 2 * PAGE),
        load(3), load(1), load(4)],
    "truncate and grow again": [
        *TMPFS, at(0, 6, R | W, SHARED, "tmpfs"), store(4), ("ftruncate", "tmpfs", PAGE),
        ("ftruncate", "tmpfs", 6 * PAGE), load(4), load(0)],
    "grow under a mapping": [
        *DISK, at(0, 10, R | W, SHARED, "disk"), load(8), ("ftruncate", "disk", 10 * PAGE), load(8), store(9)],
    "stale bytes past the end, tmpfs grows": [
        *TMPFS, at(0, 7, R | W, SHARED, "tmpfs"), store(6, 200), ("ftruncate", "tmpfs", 7 * PAGE), load(6, 200)],
    "stale bytes past the end, the disk file grows": [
        *DISK, at(0, 7, R | W, SHARED, "disk"), store(6, 200), ("ftruncate", "disk", 7 * PAGE), load(6, 200)],
    "stale bytes past the end, a write beyond them, disk": [
        *DISK, at(0, 7, R | W, SHARED, "disk"), store(6, 200), ("pwrite", "disk", 6 * PAGE + 300), load(6, 200)],
    "stale bytes past the end, a write beyond them, tmpfs": [
        *TMPFS, at(0, 7, R | W, SHARED, "tmpfs"), store(6, 200), ("pwrite", "tmpfs", 6 * PAGE + 300), load(6, 200)],
    "ftruncate of a read-only fd": [*READ_ONLY, ("ftruncate", "disk", 0)],
    "ftruncate to a negative size": [*DISK, ("ftruncate", "disk", -1)],
    "ftruncate past the largest file": [*DISK, ("ftruncate", "disk", 2**44)],
    "ftruncate of a directory": [*opened("dir", flags=RDONLY), ("ftruncate", "dir", 0)],
}  # fmt: skip


def play(program, system):
    """Run a program on a system; give what it sees after each step, as JSON has it."""
    seen = [[*outcome(system, step), system.maps(), system.pages()] for step in program]
    return json.loads(json.dumps(seen))


def outcome(system, step):
    """Make one call; give what came of it."""
    name, *args = step
    try:
        return getattr(system, name)(*args)
    except OSError as error:
        return ["error", errno.errorcode[error.errno]]


def random_program(rng):
    """Make a program of random calls, most of which make sense."""
    steps = opened("disk", "tmpfs", "big")
    for _ in range(12):
        page, length, call = rng.randrange(48), rng.randint(1, 16), rng.randrange(10)
        name = rng.choice(["disk", "tmpfs", "big"])
        if call < 2:
            flags = rng.choice([PRIVATE, PRIVATE, SHARED, PRIVATE | NORESERVE, PRIVATE | POPULATE])
            steps.append(anon(page, length, rng.choice([R | W, R | W, R, 0]), flags))
        elif call < 4:
            flags = rng.choice([PRIVATE, SHARED, SHARED, PRIVATE | POPULATE, SHARED | NOREPLACE])
            pgoff = rng.choice([page, page, rng.randrange(8)])
            steps.append(at(page, length, rng.choice([R | W, R | W, R]), flags, name, pgoff))
        elif call < 5:
            steps.append(unmap(page, length))
        elif call < 9:
            mapped = [step[1] // PAGE + rng.randrange(step[2] // PAGE) for step in steps if step[0] == "mmap"]
            pages = [rng.choice(mapped) if mapped else page for _ in range(3)]
            steps += [rng.choice([load, store])(page, rng.choice([0, 99, 100, 4095])) for page in pages]
        else:
            size = rng.choice([rng.randrange(9 * PAGE), rng.randrange(9) * PAGE])
            steps.append(rng.choice([("ftruncate", name, size), ("pwrite", name, size), ("pread", name, size)]))
    return steps
