"""What if one asks what the pages of each VMA are: /proc/PID/smaps."""

import re

from mmlab import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
)

RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS


def fields(proc, addr):
    """Give the fields (kB) and the VmFlags of the VMA that begins at `addr`."""
    block = str(proc.smaps()).partition(f"{addr:08x}-")[2]
    block = block[: block.index("VmFlags")] + block[block.index("VmFlags") :].partition("\n")[0]
    numbers = {name: int(kb) for name, kb in re.findall(r"^(\w+): +(\d+) kB$", block, re.MULTILINE)}
    return {**numbers, "VmFlags": block.rpartition("VmFlags: ")[2].split()}


def only(found, **wanted):
    """Assert these counts, and that every other count of pages is 0."""
    others = ("Size", "KernelPageSize", "MMUPageSize", "Referenced", "VmFlags")
    counts = {name: kb for name, kb in found.items() if name not in others}
    assert {name: kb for name, kb in counts.items() if kb} == wanted


def test_what_if_anonymous_memory_is_written_read_or_untouched(proc):
    addr = proc.mmap(0, 3 * PAGE_SIZE, RW, ANON)
    proc.store(addr, b"x")
    proc.load(addr + PAGE_SIZE)  # the zero page counts nowhere
    found = fields(proc, addr)
    only(found, Rss=4, Pss=4, Pss_Dirty=4, Private_Dirty=4, Anonymous=4)
    assert (found["Size"], found["VmFlags"]) == (12, ["rd", "wr", "mr", "mw", "me", "ac"])


def test_what_if_two_processes_map_a_page_each_has_half_of_it(proc):
    addr = proc.mmap(0, PAGE_SIZE, RW, ANON)
    proc.store(addr, b"x")
    child = proc.fork()
    for each in (proc, child):
        only(fields(each, addr), Rss=4, Pss=2, Pss_Dirty=2, Shared_Dirty=4, Anonymous=4)


def test_what_if_a_file_page_is_shared_by_one_process_alone(proc):
    """'Shared' means mapped more than once, not MAP_SHARED."""
    fd = proc.open("/data/book.txt", O_RDONLY)
    addr = proc.mmap(0, 2 * PAGE_SIZE, PROT_READ, MAP_SHARED, fd)
    proc.load(addr)
    only(fields(proc, addr), Rss=8, Pss=8, Private_Clean=8)


def test_what_if_tmpfs_was_written_its_pages_are_dirty_for_ever(proc):
    fd = proc.open("/dev/shm/f", O_RDWR | O_CREAT)
    proc.write(fd, b"x")
    addr = proc.mmap(0, PAGE_SIZE, PROT_READ, MAP_SHARED, fd)
    proc.load(addr)
    proc.fsync(fd)
    only(fields(proc, addr), Rss=4, Pss=4, Pss_Dirty=4, Private_Dirty=4)


def test_what_if_memory_is_locked(proc):
    addr = proc.mmap(0, 2 * PAGE_SIZE, RW, ANON)
    proc.mlock(addr, 2 * PAGE_SIZE)
    found = fields(proc, addr)
    assert (found["Locked"], found["Pss"], "lo" in found["VmFlags"]) == (8, 8, True)


def test_what_if_the_text_is_read_as_a_file(proc):
    fd = proc.open("/proc/self/smaps", O_RDONLY)
    assert proc.read(fd, 1 << 20).decode() == str(proc.smaps())
