"""smaps, maps, and what /proc/meminfo promises."""

import re

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    MS_SYNC,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    Kernel,
)
from tests.kernel.helpers import MEMORY, PAGE, RW, at, lines, make_file, map_at
from tests.kernel.semantics.seen import counts, name, smaps

FILES = ["/data/f", "/dev/shm/f", "/ram/f"]


# ── smaps ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", FILES)
def test_what_if_a_clean_page_is_loaded(proc, path):
    """Dirty is what the PTE or the page says: a page of tmpfs or ramfs was written once, and is so for ever."""
    fd = make_file(proc, path, 1)
    proc.fsync(fd)
    map_at(proc, 0, 1, PROT_READ, MAP_SHARED, fd)
    proc.load(at(0))
    clean = 4 if path == "/data/f" else 0
    assert counts(proc, 0, "Rss", "Private_Clean", "Private_Dirty") == (4, clean, 4 - clean)


def test_what_if_a_dirty_disk_page_is_synced(proc):
    map_at(proc, 0, 1, RW, MAP_SHARED, make_file(proc, "/data/f", 1))
    proc.store(at(0), b"#")
    assert counts(proc, 0, "Private_Clean", "Private_Dirty") == (0, 4)
    proc.msync(at(0), PAGE, MS_SYNC)
    assert counts(proc, 0, "Private_Clean", "Private_Dirty") == (4, 0)


def test_what_if_three_processes_map_a_page(proc):
    """Pss is the sum of 4096 / mapcount, rounded down to kB at the end."""
    map_at(proc, 0, 2, RW, MEMORY)
    proc.store(at(0), b"#")
    proc.store(at(1), b"#")
    child, other = proc.fork(), proc.fork()
    assert counts(proc, 0, "Rss", "Pss", "Shared_Dirty", "Private_Dirty") == (8, 2, 8, 0)
    other.store(at(1), b"#")
    assert counts(proc, 0, "Pss", "Shared_Dirty") == (3, 8)  # 4096/3 + 4096/2 = 3413 bytes
    assert counts(other, 0, "Pss", "Shared_Dirty", "Private_Dirty") == (5, 4, 4)
    child.exit()
    other.exit()


def test_what_if_a_shared_mapping_is_mapped_once(proc):
    """'Shared' counts frames that are mapped more than once, whatever MAP_SHARED says."""
    fd = make_file(proc, "/dev/shm/f", 1)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    proc.load(at(0))
    assert counts(proc, 0, "Shared_Dirty", "Private_Dirty") == (0, 4)
    map_at(proc, 4, 1, PROT_READ, MAP_PRIVATE, fd)
    proc.load(at(4))
    assert counts(proc, 0, "Shared_Dirty", "Private_Dirty") == (4, 0)
    assert counts(proc, 4, "Shared_Dirty", "Private_Dirty", "Pss") == (4, 0, 2)


def test_what_if_a_private_file_page_is_stored_to(proc):
    """It goes over from file to anonymous; Rss stays."""
    map_at(proc, 0, 2, RW, MAP_PRIVATE, make_file(proc, "/data/f", 2))
    proc.load(at(0))
    assert counts(proc, 0, "Rss", "Anonymous") == (8, 0)
    proc.store(at(0), b"#")
    assert counts(proc, 0, "Rss", "Anonymous") == (8, 4)


def test_what_if_nothing_may_be_done_with_touched_memory(proc):
    """PROT_NONE keeps it in Rss."""
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"#")
    proc.mprotect(at(0), PAGE, PROT_NONE)
    assert counts(proc, 0, "Rss", "Anonymous") == (4, 4)


def test_what_if_shared_memory_is_populated(proc):
    """It is a file: Anonymous is 0."""
    map_at(proc, 0, 2, RW, MAP_SHARED | MAP_ANONYMOUS | 0x8000)
    assert counts(proc, 0, "Rss", "Anonymous") == (8, 0)


# ── maps ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_line_of_maps_is_read(proc):
    """start-end perms pgoff8 maj:min ino, and the path from column 74 on."""
    fd = make_file(proc, "/data/f", 3)
    map_at(proc, 0, 2, PROT_READ, MAP_SHARED, fd, 1)
    map_at(proc, 4, 1, RW, MEMORY)
    of_file, of_memory = lines(proc, end=at(8))
    fields = re.fullmatch(r"10000000000-10000002000 r--s 00001000 ([0-9a-f]+):([0-9a-f]+) (\d+) +/data/f", of_file)
    assert of_file.index("/data/f") == 73
    assert int(fields[3]) == proc.fstat(fd).st_ino
    assert of_memory == "10000004000-10000005000 rw-p 00000000 00:00 0 "


def test_what_if_memory_is_shared(proc):
    map_at(proc, 0, 1, RW, MAP_SHARED | MAP_ANONYMOUS)
    map_at(proc, 2, 1, RW, MAP_SHARED, proc.open("/dev/zero", O_RDWR))
    assert (name(proc, 0), name(proc, 2)) == ("/dev/zero (deleted)",) * 2


# ── counters of the whole machine, which others change on a real one ────────────────────────────────────────

PROMISED = {  # prot, flags, path → is the memory promised (Committed_AS)
    "private and writable": (RW, MEMORY, None, True),
    "private and read-only": (PROT_READ, MEMORY, None, False),
    "private, writable, NORESERVE": (RW, MEMORY | MAP_NORESERVE, None, False),
    "shared memory": (PROT_READ, MAP_SHARED | MAP_ANONYMOUS, None, True),
    "shared memory, NORESERVE": (RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, None, False),
    "a shared file": (RW, MAP_SHARED, "/data/f", False),
    "a private writable file": (RW, MAP_PRIVATE, "/data/f", True),
    "a private read-only file": (PROT_READ | PROT_EXEC, MAP_PRIVATE, "/data/f", False),
}
PAGES = 25_000  # so many that what others do meanwhile does not matter


@pytest.mark.parametrize("what", PROMISED)
def test_what_if_memory_is_promised(kernel, proc, what):
    prot, flags, path, promised = PROMISED[what]
    fd = proc.open(path, O_RDWR | O_CREAT) if path else -1
    simulated = isinstance(kernel, Kernel)
    for _ in range(1 if simulated else 20):  # again, if others promised or gave back as much meanwhile
        before = kernel.meminfo()["Committed_AS"]
        addr = proc.mmap(0, PAGES * PAGE, prot, flags, fd)
        during = kernel.meminfo()["Committed_AS"]
        proc.munmap(addr, PAGES * PAGE)
        errors = during - before - 4 * PAGES * promised, kernel.meminfo()["Committed_AS"] - before
        if max(map(abs, errors)) <= (0 if simulated else 40_000):
            return
    pytest.fail(f"Committed_AS is wrong by {errors} kB")


def status(proc, field):
    """One number (kB) of /proc/PID/status."""
    fd = proc.open("/proc/self/status", O_RDONLY)
    found = re.search(rf"^{field}:\s+(\d+) kB$", proc.read(fd, 1 << 16).decode(), re.MULTILINE)
    proc.close(fd)
    return int(found[1])


def test_what_if_memory_is_touched_in_a_new_2_mib_region(proc):
    """VmPTE: one page table more for each."""
    before = status(proc, "VmPTE")
    map_at(proc, 512, 2048, RW, MEMORY | MAP_NORESERVE)
    for page in (600, 700):
        proc.store(at(page), b"#")
        assert status(proc, "VmPTE") == before + 4
    proc.store(at(1600), b"#")
    assert status(proc, "VmPTE") == before + 8


@pytest.mark.parametrize(("path", "field"), [("/dev/shm/f", "RssShmem"), ("/ram/f", "RssFile"), ("/data/f", "RssFile")])
def test_what_if_pages_of_a_file_are_mapped(proc, path, field):
    map_at(proc, 0, 2, RW, MAP_PRIVATE, make_file(proc, path, 2))
    before = {name: status(proc, name) for name in ("RssFile", "RssShmem", "RssAnon")}
    proc.load(at(0))
    assert status(proc, field) == before[field] + 8
    proc.store(at(0), b"#")
    assert status(proc, field) == before[field] + 4
    assert status(proc, "RssAnon") == before["RssAnon"] + 4


def test_what_if_the_flags_of_a_vma_are_read(proc):
    map_at(proc, 0, 1, RW, MEMORY)
    assert smaps(proc, 0)["VmFlags"] - {"sd"} == {"rd", "wr", "mr", "mw", "me", "ac"}
