"""The pictures of live objects: they say what the machine holds, in the picture and in words."""

import re

import pytest

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
    Kernel,
)
from mmlab.views import object_graph, offset_strip

RW = PROT_READ | PROT_WRITE


@pytest.fixture
def machine():
    kernel = Kernel()
    return kernel, kernel.spawn("reader")


def test_each_page_of_the_mapping_is_tied_to_its_file_page(machine):
    _, proc = machine
    fd = proc.open("/data/book.txt", O_RDONLY)
    addr = proc.mmap(0, 3 * PAGE_SIZE, PROT_READ, MAP_SHARED, fd, PAGE_SIZE)
    proc.load(addr)
    graph, strip = object_graph(proc, addr), offset_strip(proc, addr)
    for page in range(3):
        pfn = re.search(rf"{addr + page * PAGE_SIZE:x} → (page#\d+)", graph.text)[1]
        assert f"{page + 1} = {pfn}" in graph.text
        assert f"{addr + page * PAGE_SIZE:x} shows file page {page + 1}: {pfn}" in strip.text


def test_what_the_trace_changed_is_lit_old_to_new(machine):
    kernel, proc = machine
    fd = proc.open("/data/book.txt", O_RDONLY)
    count = proc.task.mm.map_count
    with kernel.trace() as trace:
        addr = proc.mmap(0, PAGE_SIZE, PROT_READ, MAP_SHARED, fd)
    lit = object_graph(proc, addr, trace)
    assert f'font-weight="bold">{count} → {count + 1}</text>' in lit.svg
    assert f"<B>{count} → {count + 1}</B>" in lit.dot
    assert "→" not in re.sub("old → new", "", object_graph(proc, addr).source)


def test_a_private_copy_is_drawn_apart_from_the_file(machine):
    _, proc = machine
    fd = proc.open("/data/book.txt", O_RDONLY)
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE, fd)
    proc.store(addr, b"x")
    assert "a private copy of file page 0" in object_graph(proc, addr).text
    assert "a private copy" in offset_strip(proc, addr).text


def test_past_the_end_of_the_file_is_said(machine):
    _, proc = machine
    fd = proc.open("/data/book.txt", O_RDONLY)
    addr = proc.mmap(0, 7 * PAGE_SIZE, PROT_READ, MAP_SHARED, fd)
    assert object_graph(proc, addr).text.count("past the end of the file") == 2
    assert offset_strip(proc, addr).svg.count(">SIGBUS<") == 2


def test_anonymous_memory_has_no_file_side(machine):
    _, proc = machine
    addr = proc.mmap(0, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.load(addr)
    graph = object_graph(proc, addr)
    assert "zero page" in graph.text
    assert "address_space" not in graph.text
    assert graph.svg
    with pytest.raises(LookupError, match="maps no file"):
        offset_strip(proc, addr)


def test_a_large_mapping_is_cut_and_counted(machine):
    _, proc = machine
    fd = proc.open("/dev/shm/large", O_RDWR | O_CREAT)
    proc.ftruncate(fd, 1 << 30)
    addr = proc.mmap(0, 1 << 30, RW, MAP_SHARED, fd)
    assert "… 262136 more pages" in object_graph(proc, addr).text
    assert "… 262136 more pages" in offset_strip(proc, addr).text
    assert len(object_graph(proc, addr).svg) < 100_000


def test_a_hole_has_no_picture(machine):
    _, proc = machine
    with pytest.raises(LookupError, match="proc.maps"):
        object_graph(proc, 4096)
