"""What if a process forks: copy-on-write, what a child inherits, and what it does not."""

from errno import ENOMEM

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    Kernel,
)

RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS


def faults(proc, action):
    """Count the minor faults that an action costs."""
    before = proc.getrusage().ru_minflt
    action()
    return proc.getrusage().ru_minflt - before


def test_what_if_both_sides_write(kernel, proc):
    addr = proc.mmap(0, PAGE_SIZE, RW, ANON)
    proc.store(addr, b"both")
    child = proc.fork()
    assert (child.pagemap(addr).mapcount, child.load(addr, 4)) == (2, b"both")
    assert faults(child, lambda: child.store(addr, b"mine")) == 1
    assert (proc.load(addr, 4), child.load(addr, 4)) == (b"both", b"mine")
    assert faults(proc, lambda: proc.store(addr, b"also")) == 1  # the last owner: the PTE is mended, nothing copied
    assert proc.pagemap(addr).mapcount == 1


def test_what_if_the_child_only_reads(proc):
    addr = proc.mmap(0, PAGE_SIZE, RW, ANON)
    proc.store(addr, b"x")
    child = proc.fork()
    assert faults(child, lambda: child.load(addr)) == 0
    child.exit()
    assert faults(proc, lambda: proc.store(addr, b"y")) == 1


def test_what_if_memory_is_shared(proc):
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    proc.store(addr, b"one")
    child = proc.fork()
    assert faults(child, lambda: child.store(addr, b"two")) == 1  # its PTE was not copied
    assert proc.load(addr, 3) == b"two"


def test_what_if_a_file_mapping_was_never_written(proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE, fd)
    proc.load(addr)
    child = proc.fork()
    assert not child.pagemap(addr).present
    assert child.load(addr, 5) == b"page0"


def test_what_if_a_private_file_mapping_was_written(proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, 2 * PAGE_SIZE, RW, MAP_PRIVATE, fd)
    proc.load(addr + PAGE_SIZE)
    proc.store(addr, b"PAGE")
    child = proc.fork()
    assert child.pagemap(addr).present
    assert child.pagemap(addr + PAGE_SIZE).present  # with an anon_vma, the file's pages are copied too
    assert child.load(addr, 4) == b"PAGE"


def test_what_if_memory_is_locked(proc):
    addr = proc.mmap(0, PAGE_SIZE, RW, ANON)
    proc.mlock(addr, PAGE_SIZE)
    assert proc.fork().task.mm.locked_vm == 0


def test_what_if_the_child_unmaps(kernel, proc):
    addr = proc.mmap(0, 4 * PAGE_SIZE, RW, ANON)
    proc.store(addr, b"x" * 4 * PAGE_SIZE)
    anon = kernel.meminfo()["AnonPages"]
    child = proc.fork()
    assert kernel.meminfo()["AnonPages"] == anon
    child.munmap(addr, 2 * PAGE_SIZE)
    assert proc.load(addr) == b"x"
    assert kernel.meminfo()["AnonPages"] == anon


def test_what_if_descriptors_are_inherited(proc):
    fd = proc.open("/data/book.txt", O_RDWR)
    child = proc.fork()
    assert child.read(fd, 5) == b"page0"
    assert proc.read(fd, 5) == b" line"  # one open file, one position
    proc.close(fd)
    assert child.read(fd, 2) == b"00"


def test_what_if_there_is_not_enough_memory_to_promise():
    kernel = Kernel(mem=64 << 20, overcommit_memory=2)
    proc = kernel.spawn("a")
    proc.mmap(0, 24 << 20, RW, ANON)
    before = kernel.meminfo(), dict(kernel.machine.slabinfo), list(kernel.machine.tasks)
    with pytest.raises(OSError, match="__vm_enough_memory") as refused:
        proc.fork()
    assert refused.value.errno == ENOMEM
    assert (kernel.meminfo(), dict(kernel.machine.slabinfo), list(kernel.machine.tasks)) == before


@pytest.mark.parametrize("nth", range(1, 26))
def test_what_if_an_allocation_fails_half_way(kernel, proc, nth):
    addr = proc.mmap(0, PAGE_SIZE, RW, ANON)
    proc.store(addr, b"x")
    before = kernel.meminfo(), dict(kernel.machine.slabinfo)
    kernel.machine.fail_nth = nth
    try:
        proc.fork().exit()
    except OSError as error:
        assert error.errno == ENOMEM
    kernel.machine.fail_nth = 0
    assert (kernel.meminfo(), dict(kernel.machine.slabinfo)) == before
    proc.store(addr, b"y")


def test_what_if_a_grandchild_writes(kernel, proc):
    addr = proc.mmap(0, PAGE_SIZE, RW, ANON)
    proc.store(addr, b"0")
    child = proc.fork()
    grandchild = child.fork()
    grandchild.store(addr, b"2")
    child.store(addr, b"1")
    assert [p.load(addr) for p in (proc, child, grandchild)] == [b"0", b"1", b"2"]
    proc.exit()
    child.exit()
    assert grandchild.load(addr) == b"2"


def test_what_if_neighbours_could_merge_after_a_fork(proc):
    """Memory shared with a parent does not take untouched neighbours in; what the parent has does."""
    addr = proc.mmap(0, PAGE_SIZE, RW, ANON)
    proc.store(addr, b"x")
    child = proc.fork()
    for each in (proc, child):
        each.mmap(addr - PAGE_SIZE, PAGE_SIZE, RW, ANON)
    spans = [[line.split()[0] for line in each.maps().splitlines() if f"{addr - PAGE_SIZE:x}-" in line]
             for each in (proc, child)]
    assert spans == [[f"{addr - PAGE_SIZE:x}-{addr + PAGE_SIZE:x}"], [f"{addr - PAGE_SIZE:x}-{addr:x}"]]
