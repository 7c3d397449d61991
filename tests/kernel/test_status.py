"""What if a program read /proc/self/status and statm?"""

import pytest

from mmlab import (
    MADV_DONTNEED,
    MAP_GROWSDOWN,
    MAP_SHARED,
    MREMAP_DONTUNMAP,
    MREMAP_MAYMOVE,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    Kernel,
    linux,
)
from tests.kernel.helpers import MEMORY, PAGE, RW, at, map_at, unchanged

KB = PAGE >> 10
NAMES = [
    *("VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem"),
    *("VmData", "VmStk", "VmExe", "VmLib", "VmPTE", "VmSwap"),
]


def read(proc, name, of="self"):
    if hasattr(proc, "proc"):  # the real one: its own read would be of our scratch memory
        return proc.proc(name)
    fd = proc.open(f"/proc/{of}/{name}", 0)
    text = proc.read(fd, 1 << 16).decode()
    proc.close(fd)
    return text


def status(proc):
    lines = [line.partition(":\t") for line in read(proc, "status").splitlines()]
    return {name: int(rest.split()[0]) for name, _, rest in lines if name in NAMES}


@pytest.fixture(params=["simulated", "real"])
def proc(request):
    """A child, so that its peaks begin with what it has."""
    if request.param == "simulated":
        kernel = Kernel()
        yield kernel.spawn("reader").fork()
        kernel.check()
        return
    try:
        real = linux.Kernel()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))
    with real:
        yield real.spawn("reader").fork()


class Deltas:
    """What has changed since the last time, in pages."""

    def __init__(self, proc):
        self.proc, self.last = proc, status(proc)

    def __call__(self):
        before, self.last = self.last, status(self.proc)
        changed = {name: (self.last[name] - before[name]) // KB for name in NAMES}
        return {name: pages for name, pages in changed.items() if pages and name not in ("VmPTE", "VmHWM")}


def test_what_if_each_kind_of_memory_were_mapped(proc):
    delta = Deltas(proc)
    map_at(proc, 0, 4, RW, MEMORY)
    assert delta() == {"VmPeak": 4, "VmSize": 4, "VmData": 4}
    map_at(proc, 8, 4, PROT_READ, MEMORY)
    assert delta() == {"VmPeak": 4, "VmSize": 4}
    map_at(proc, 16, 4, PROT_READ | PROT_EXEC, MEMORY)
    assert delta() == {"VmPeak": 4, "VmSize": 4, "VmLib": 4}
    map_at(proc, 24, 4, RW | PROT_EXEC, MEMORY)
    assert delta() == {"VmPeak": 4, "VmSize": 4, "VmData": 4}
    map_at(proc, 32, 4, RW, MAP_SHARED | 0x20)
    assert delta() == {"VmPeak": 4, "VmSize": 4}
    map_at(proc, 400, 4, PROT_READ | PROT_EXEC, MEMORY | MAP_GROWSDOWN)
    assert delta() == {"VmPeak": 4, "VmSize": 4, "VmStk": 4}
    proc.load(at(398))
    assert delta() == {"VmPeak": 2, "VmSize": 2, "VmStk": 2}


def test_what_if_it_changed_what_it_is(proc):
    map_at(proc, 0, 4, RW, MEMORY)
    delta = Deltas(proc)
    proc.mprotect(at(1), 2 * PAGE, PROT_READ | PROT_EXEC)
    assert delta() == {"VmData": -2, "VmLib": 2}
    proc.mprotect(at(0), 4 * PAGE, PROT_NONE)
    assert delta() == {"VmData": -2, "VmLib": -2}
    proc.mremap(at(0), 4 * PAGE, 6 * PAGE)
    assert delta() == {"VmPeak": 2, "VmSize": 2}
    proc.mlock(at(0), PAGE, 1)
    assert delta() == {"VmLck": 1}
    proc.munmap(at(0), 6 * PAGE)
    assert delta() == {"VmSize": -6, "VmLck": -1}


def test_what_if_memory_were_touched_and_dropped(proc):
    map_at(proc, 0, 8, RW, MEMORY)
    map_at(proc, 8, 4, RW, MAP_SHARED | 0x20)
    delta = Deltas(proc)
    proc.load(at(0))
    assert delta() == {}  # the zero page is nobody's
    proc.store(at(0), b"x" * 3 * PAGE)
    assert delta() == {"VmRSS": 3, "RssAnon": 3}
    proc.store(at(8), b"x")
    assert delta() == {"VmRSS": 1, "RssShmem": 1}
    proc.load(proc.mmap(0, PAGE, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", 0)))
    assert delta() == {"VmPeak": 1, "VmSize": 1, "VmRSS": 1, "RssFile": 1}
    proc.madvise(at(0), 8 * PAGE, MADV_DONTNEED)
    assert delta() == {"VmRSS": -3, "RssAnon": -3}


def test_what_if_the_peak_were_past(proc):
    map_at(proc, 0, 8, RW, MEMORY)
    delta = Deltas(proc)
    proc.munmap(at(0), 8 * PAGE)
    assert delta() == {"VmSize": -8, "VmData": -8}
    map_at(proc, 0, 10, PROT_NONE, MEMORY)
    assert delta() == {"VmPeak": 2, "VmSize": 10}
    proc.mremap(at(0), 10 * PAGE, 10 * PAGE, 3, at(20))
    assert delta() == {}  # both places counted for a moment; that does not count
    child = proc.fork()
    proc.munmap(at(20), 10 * PAGE)
    assert status(child)["VmPeak"] == status(child)["VmSize"]


def test_what_if_locked_memory_left_its_place_behind(proc):
    map_at(proc, 0, 4, RW, MEMORY)
    proc.mlock(at(0), 4 * PAGE)
    delta = Deltas(proc)
    proc.mremap(at(0), 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP)
    assert delta() == {"VmPeak": 4, "VmSize": 4, "VmData": 4, "VmLck": 4}  # the old place is not locked, and counts
    proc.munmap(at(0), 4 * PAGE)
    assert delta() == {"VmSize": -4, "VmData": -4}


def test_what_if_statm_were_read(proc):
    map_at(proc, 0, 8, RW, MEMORY)
    before = [int(word) for word in read(proc, "statm").split()]
    map_at(proc, 8, 8, RW, MAP_SHARED | 0x20)
    proc.store(at(0), b"x")
    proc.store(at(8), b"x")
    after = [int(word) for word in read(proc, "statm").split()]
    assert [a - b for a, b in zip(after, before, strict=True)] == [8, 2, 1, 0, 0, 0, 0]
    found = status(proc)
    assert after == [
        *(found["VmSize"] // KB, found["VmRSS"] // KB, (found["RssFile"] + found["RssShmem"]) // KB),
        *(found["VmExe"] // KB, 0, (found["VmData"] + found["VmStk"]) // KB, 0),
    ]


def test_what_if_rss_had_been_higher():
    proc = Kernel().spawn("reader")
    map_at(proc, 0, 50, RW, MEMORY)
    proc.store(at(0), b"x" * 50 * PAGE)
    most = status(proc)["VmRSS"]
    proc.munmap(at(0), 50 * PAGE)
    assert (status(proc)["VmHWM"], status(proc)["VmRSS"]) == (most, most - 50 * KB)
    assert status(proc.fork())["VmHWM"] < most


def test_what_if_the_lines_were_compared(proc):
    lines = [line for line in read(proc, "status").splitlines() if line.partition(":")[0] in NAMES]
    assert [line.partition(":")[0] for line in lines] == NAMES
    assert all(line.endswith(" kB") and len(line.partition("\t")[2]) == 11 for line in lines)


def test_what_if_another_process_looked(kernel):
    one, other = kernel.spawn("reader"), kernel.spawn("writer")
    head = f"Name:\treader\nState:\tR (running)\nPid:\t{one.pid}\nUid:\t0\t0\t0\t0\n"
    assert read(other, "status", one.pid).startswith(head)
    assert read(other, "statm", one.pid) == read(one, "statm")
    with unchanged(kernel), pytest.raises(FileNotFoundError):
        one.open("/proc/self/nothing", 0)


def test_what_if_the_program_has_just_begun(kernel):
    found = status(kernel.spawn("reader"))
    assert {name: found[name] for name in ("VmStk", "VmExe", "VmLck", "VmSwap")} == {
        "VmStk": 132, "VmExe": 20, "VmLck": 0, "VmSwap": 0,
    }  # fmt: skip
    assert found["VmRSS"] == found["RssAnon"] + found["RssFile"] + found["RssShmem"]


@pytest.mark.parametrize("name", ["data_vm", "exec_vm", "stack_vm", "total_vm"])
def test_what_if_a_count_were_wrong(name):
    kernel = Kernel()
    mm = kernel.spawn("reader").task.mm
    setattr(mm, name, getattr(mm, name) + 1)
    with pytest.raises(AssertionError, match=name):
        kernel.check()
    setattr(mm, name, getattr(mm, name) - 1)
