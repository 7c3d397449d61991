"""What a family of processes adds to the counters of memory, and what its end leaves."""

from mmlab import IPC_PRIVATE, MAP_ANONYMOUS, MAP_SHARED, PAGE_SIZE, Kernel
from mmlab.coursework.checks import RW, equal, text
from mmlab.coursework.problem import Part, Work

from .common import rss_shmem


def draw_family(rng):
    """The numbers of a family's story."""
    return {
        "memory": rng.randint(60, 90), "stored": rng.randint(38, 55), "first": rng.randint(15, 20),
        "begin": rng.randint(6, 13), "end": rng.randint(24, 34), "segment": rng.randint(30, 50),
        "used": rng.randint(3, 9), "film": rng.randint(12, 20), "kept": rng.randint(4, 10),
    }  # fmt: skip


def family_told(memory, stored, first, begin, end, segment, used, film, kept):
    """What the kernel counts: [shmem, mapped, resident, promised], in kB."""
    kernel = Kernel(fault_around_bytes=PAGE_SIZE)
    parent, other = kernel.spawn("family"), kernel.spawn("family")
    start = kernel.meminfo()["Committed_AS"]
    other.fork()
    own = kernel.meminfo()["Committed_AS"] - start      # what such a process has promised for its own memory
    before = kernel.meminfo()
    addr = parent.mmap(0, memory * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    parent.store(addr, b"x" * stored * PAGE_SIZE)
    one, two = parent.fork(), parent.fork()
    one.load(addr, first * PAGE_SIZE)
    two.store(addr + begin * PAGE_SIZE, b"x" * (end + 1 - begin) * PAGE_SIZE)
    at = parent.shmat(parent.shmget(IPC_PRIVATE, segment * PAGE_SIZE, 0o600))
    parent.store(at, b"x" * used * PAGE_SIZE)
    parent.shmdt(at)
    fd = two.memfd_create("film")
    two.ftruncate(fd, film * PAGE_SIZE)
    two.store(two.mmap(0, film * PAGE_SIZE, RW, MAP_SHARED, fd), b"x" * kept * PAGE_SIZE)
    two.close(fd)
    parent.exit()
    shmem, mapped, promised = (kernel.meminfo()[name] - before[name] for name in ("Shmem", "Mapped", "Committed_AS"))
    return [shmem, mapped, rss_shmem(one) + rss_shmem(two), promised - own]


def check(work: Work):
    given = [work.value(name) for name in ("shmem", "mapped", "resident", "promised")]
    equal(given, family_told(**draw_family(work.rng)), [
        "`shmem` is another number. Which of the three memories still exist, and which of their pages exist?",
        "`mapped` is another number. What is in the page table of One, and in that of Two?",
        "`resident` is another number. What is in the page table of One, and in that of Two?",
        "`promised` is another number. Which memory is promised whole when it is made, which page by page?",
    ])  # fmt: skip


PART = Part(
    "family", "predict", 4, "Shmem, Mapped, RssShmem, and what is promised",
    """
A parent and its two children use shared memory, as the next cell prints. A load or store of some pages touches every
one of them. On this machine `fault_around_bytes` is 4096: a fault maps its own page and no other. At the end the two
children still run, and nothing else uses tmpfs. Say, in kB, worth one point each:

- `shmem`: what the line `Shmem` of `/proc/meminfo` says then (it was 0 at the beginning);
- `mapped`: how much of the line `Mapped` is pages of tmpfs then;
- `resident`: what the lines `RssShmem` of the two children, in `/proc/PID/status`, add up to then;
- `promised`: how much of `Committed_AS` has been promised for the memory of tmpfs and has not been taken back.
""",
    setup=text(draw_family) + '''
drawn = draw_family(personal("ps4-family"))
print("""The parent maps {memory} pages of MAP_SHARED|MAP_ANONYMOUS memory, and stores to the first {stored} of them.
It forks two children, One and Two.
One loads from the first {first} pages. Two stores to pages {begin} to {end} (the first is page 0; {end} too).
The parent makes a System V segment of {segment} pages, attaches it, stores to its first {used} pages, detaches it.
Two makes a memfd, gives it a size of {film} pages (ftruncate), maps all of it MAP_SHARED, stores to its first {kept}
pages, and closes the descriptor.
The parent exits.""".format(**drawn))
''',
    starter="shmem = ...\nmapped = ...\nresident = ...\npromised = ...",
    solution='''
stored, used, kept = drawn["stored"], drawn["used"], drawn["kept"]
one, two = set(range(drawn["first"])), set(range(drawn["begin"], drawn["end"] + 1))
shmem = 4 * (stored + used + kept)                      # the segment outlives its maker; the memfd is mapped
mapped = 4 * (len(one | two) + kept)
resident = 4 * (len(one) + len(two) + kept)
promised = 4 * (drawn["memory"] + drawn["segment"] + kept)
''',
    example='assert all(each % 4 == 0 for each in (shmem, mapped, resident, promised)), "whole pages, in kB"',
    check=check,
)  # fmt: skip
