"""The Mapped line of /proc/meminfo: what the source's three experiments measure.

On the real kernel others map and unmap meanwhile. There the frames that the test's own processes map are counted one by
one, which is exact; and each step, over many pages, is done again until the machine's counters say about the same, or
do so in the median of all tries.
"""

import os
from errno import EINVAL
from statistics import median

import pytest

import mmlab
from mmlab import MADV_DONTNEED, MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDONLY, O_RDWR, PROT_READ
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at

TRIES, SLACK = 50, 12
NAMES = {"Mapped": "nr_mapped", "AnonPages": "nr_anon_pages", "Shmem": "nr_shmem", "Cached": "nr_file_pages"}
PAGES = 256


@pytest.fixture
def grows(kernel, proc):
    """A function that does something and undoes it, and asserts by how many pages some counters grew between."""
    simulated = isinstance(kernel, mmlab.Kernel)
    if not simulated and os.getuid():
        pytest.skip("exact counters need root: /proc/sys/vm/stat_refresh")

    def check(do, undo, **wanted):
        before = {} if simulated else frames(kernel)
        tries = [growth(kernel, do, wanted)]
        if simulated:
            undo()
            assert tries == [wanted]
            return
        after = frames(kernel)
        assert {name: after[name] - before[name] for name in wanted if name in after} == {
            name: pages for name, pages in wanted.items() if name in after
        }
        for _ in range(TRIES):
            if all(abs(tries[-1][name] - wanted[name]) <= SLACK for name in wanted):
                return undo()
            tries.append({name: -pages for name, pages in growth(kernel, undo, wanted).items()})
            tries.append(growth(kernel, do, wanted))
        undo()
        for name in wanted:
            assert abs(median(each[name] for each in tries) - wanted[name]) < PAGES // 2, tries

    return check


def growth(kernel, do, names):
    """Do something; give by how many pages the machine's counters grew meanwhile."""
    before = kernel.vmstat()
    do()
    after = kernel.vmstat()
    return {name: after[NAMES[name]] - before[NAMES[name]] for name in names}


def frames(kernel):
    """Count the frames that the real kernel's processes of this test map: those of files, and anonymous ones."""
    found = {"Mapped": set(), "AnonPages": set()}
    for process in kernel.processes.values():
        for line in str(process.maps()).splitlines():
            start, end = (int(edge, 16) for edge in line.split()[0].split("-"))
            states = process.pages(start, (end - start) // PAGE) if end < 1 << 47 else ()
            for number, state in enumerate(states):
                if state.present and not state.zero:
                    found["Mapped" if state.file else "AnonPages"].add(frame(process, start + number * PAGE))
    return {name: len(each) for name, each in found.items()}


def frame(process, address):
    """Give the number of the frame that is mapped at an address of a real process."""
    return int.from_bytes(os.pread(process._pagemap, 8, address // PAGE * 8), "little") & (1 << 55) - 1


def mapping(proc, prot, flags, fd=-1, pages=PAGES):
    """Give two functions: one maps at the arena's start, and one unmaps."""
    return (lambda: map_at(proc, 0, pages, prot, flags, fd)), (lambda: proc.munmap(at(0), pages * PAGE))


def test_what_if_a_file_is_mapped_and_not_touched(grows, proc):
    do, undo = mapping(proc, PROT_READ, MAP_SHARED, make_file(proc, "/data/f", PAGES))
    grows(do, undo, Mapped=0)


def test_what_if_a_file_is_read_whole(grows, proc):
    """(b) Its size; and a fault for each 16 pages."""
    do, undo = mapping(proc, PROT_READ, MAP_SHARED, make_file(proc, "/data/f", PAGES))
    before = proc.getrusage().ru_minflt
    grows(lambda: (do(), proc.load(at(0), PAGES * PAGE)), undo, Mapped=PAGES)
    assert (proc.getrusage().ru_minflt - before) % (PAGES // 16) == 0


def test_what_if_one_page_of_a_file_is_read(grows, proc):
    """The 16 pages around it."""
    do, undo = mapping(proc, PROT_READ, MAP_SHARED, make_file(proc, "/data/f", PAGES))
    grows(lambda: (do(), proc.load(at(100))), undo, Mapped=16)


def test_what_if_a_mapped_file_is_unmapped(grows, proc):
    do, undo = mapping(proc, PROT_READ, MAP_SHARED, make_file(proc, "/data/f", PAGES))
    do()
    proc.load(at(0), PAGES * PAGE)
    grows(undo, lambda: (do(), proc.load(at(0), PAGES * PAGE)), Mapped=-PAGES)


def test_what_if_a_second_process_reads_the_same_file(grows, kernel, proc):
    """A page counts once, however many processes map it."""
    map_at(proc, 0, PAGES, PROT_READ, MAP_SHARED, make_file(proc, "/data/f", PAGES))
    proc.load(at(0), PAGES * PAGE)
    other = kernel.spawn("other")
    do, undo = mapping(other, PROT_READ, MAP_SHARED, other.open("/data/f", O_RDONLY))
    grows(lambda: (do(), other.load(at(0), PAGES * PAGE)), undo, Mapped=0)
    other.exit()


def test_what_if_a_private_page_is_read_and_then_written(grows, proc):
    map_at(proc, 0, PAGES, RW, MAP_PRIVATE, make_file(proc, "/data/f", PAGES))
    proc.load(at(0), PAGES * PAGE)
    undo = lambda: (proc.madvise(at(0), PAGES * PAGE, MADV_DONTNEED), proc.load(at(0), PAGES * PAGE))  # noqa: E731
    grows(lambda: proc.store(at(0), bytes(PAGES * PAGE)), undo, Mapped=-PAGES, AnonPages=PAGES)


def test_what_if_a_private_page_is_written_first(grows, proc):
    do, undo = mapping(proc, RW, MAP_PRIVATE, make_file(proc, "/data/f", PAGES))
    grows(lambda: (do(), proc.store(at(0), bytes(PAGES * PAGE))), undo, Mapped=0, AnonPages=PAGES)


def test_what_if_shared_memory_is_touched(grows, proc):
    do, undo = mapping(proc, RW, MAP_SHARED | MAP_ANONYMOUS)
    grows(lambda: (do(), proc.store(at(0), bytes(PAGES * PAGE))), undo, Mapped=PAGES, Shmem=PAGES, Cached=PAGES)


def test_what_if_private_memory_is_read(grows, proc):
    """The zero page counts nowhere."""
    do, undo = mapping(proc, RW, MEMORY)
    grows(lambda: (do(), proc.load(at(0), PAGES * PAGE)), undo, Mapped=0, AnonPages=0, Shmem=0)


def test_what_if_the_copy_program_runs(grows, proc):
    """Source and copy are mapped whole, and only the copy is unmapped."""
    source, copy = make_file(proc, "/data/source", PAGES), proc.open("/data/copy", O_RDWR | O_CREAT)
    proc.ftruncate(copy, PAGES * PAGE)

    def run():
        map_at(proc, 0, PAGES, PROT_READ, MAP_SHARED, source)
        proc.mmap(1 << 41, PAGES * PAGE, RW, MAP_SHARED, copy)
        proc.memcpy(1 << 41, at(0), PAGES * PAGE)

    def unmap_copy():
        proc.munmap(1 << 41, PAGES * PAGE)

    def unmap_source():
        proc.munmap(at(0), PAGES * PAGE)

    grows(run, lambda: (unmap_copy(), unmap_source()), Mapped=2 * PAGES)
    run()
    grows(unmap_copy, run, Mapped=-PAGES)
    assert proc.pread(copy, PAGE, 0) == proc.pread(source, PAGE, 0)


def test_what_if_a_copy_is_sized_by_a_length_of_0(proc):
    """(c) A block device's st_size is 0: the loop never runs; mmap itself would say EINVAL."""
    fd = proc.open("/data/empty", O_RDWR | O_CREAT)
    assert proc.fstat(fd).st_size == 0
    with pytest.raises(OSError) as raised:
        proc.mmap(0, proc.fstat(fd).st_size, PROT_READ, MAP_SHARED, fd)
    assert raised.value.errno == EINVAL


@pytest.mark.parametrize("kernel", ["simulated"], indirect=True)  # the real one's programs have no library here
def test_what_if_a_process_starts_that_maps_nothing_itself(kernel, proc):
    """(a) Mapped grows by just the file pages that nobody else has mapped yet, and is as before when it ends."""
    proc.exit()
    assert kernel.vmstat()["nr_mapped"] == 0
    for alone in (True, False, False):
        before = kernel.vmstat()["nr_mapped"]
        process = kernel.spawn("sleep")
        assert kernel.vmstat()["nr_mapped"] - before == only_here(process)
        assert (only_here(process) > 300) == alone
    kernel.spawn("other").exit()
    before = kernel.vmstat()["nr_mapped"]
    other = kernel.spawn("other")
    assert 0 < kernel.vmstat()["nr_mapped"] - before == only_here(other) < 100
    other.exit()
    assert kernel.vmstat()["nr_mapped"] == before


def only_here(process):
    """Count the file pages that this process alone maps (bit 56 of /proc/PID/pagemap)."""
    found = 0
    for line in str(process.maps()).splitlines():
        start, end = (int(edge, 16) for edge in line.split()[0].split("-"))
        states = (process.pagemap(address) for address in range(start, end, PAGE))
        found += sum(state.present and state.file and state.mapcount == 1 for state in states)
    return found
