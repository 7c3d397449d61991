"""Which pages one fault enters into the page table."""

from mmlab import MAP_FIXED, MAP_SHARED, O_CREAT, O_RDWR, PAGE_SIZE, PROT_READ, Kernel
from mmlab.coursework.checks import HOME
from mmlab.coursework.problem import Part, Work, Wrong


def window_drawn(rng, cached):
    """A VMA and a page to load: (start, end, pgoff, address)."""
    while True:
        first = rng.choice([rng.randint(0, 511), rng.randint(495, 511), 16 * rng.randint(0, 31)])
        pages, pgoff = rng.randint(1, 48), rng.randint(0, 40)
        inside = [page for page in range(pages) if pgoff + page in cached]
        if inside:
            start = HOME + (first << 12)
            return start, start + pages * PAGE_SIZE, pgoff, start + rng.choice(inside) * PAGE_SIZE


def check(work: Work):
    rng, proc = work.rng, Kernel().spawn("student")
    fd = proc.open("/data/file", O_RDWR | O_CREAT)
    proc.ftruncate(fd, 80 * PAGE_SIZE)
    holes = set(rng.sample(range(80), 12))
    for page in set(range(80)) - holes:
        proc.pwrite(fd, bytes(PAGE_SIZE), page * PAGE_SIZE)
    cached = [page for page, there in enumerate(proc.fincore(fd)) if there]
    for _ in range(60):
        start, end, pgoff, address = window_drawn(rng, cached)
        proc.mmap(start, end - start, PROT_READ, MAP_SHARED | MAP_FIXED, fd, pgoff * PAGE_SIZE)
        proc.load(address)
        expected = [at for at in range(start, end, PAGE_SIZE) if proc.pagemap(at).present]
        proc.munmap(start, end - start)
        if work.call("entered", start, end, pgoff, cached, address) != expected:
            missing = sorted(set(range(80)) - set(cached))
            raise Wrong(f"start {start:#x}, end {end:#x}, pgoff {pgoff}, address {address:#x}, and pages 0 to 79 of "
                        f"the file are in memory but for {missing}: the kernel enters other pages.")  # fmt: skip


PART = Part(
    "window", "code", 3, "What one load enters",
    """
Write `entered(start, end, pgoff, cached, address)`. A VMA covers the bytes from `start` up to, not including, `end`,
and shows a file from the file's page `pgoff` on. Nothing has been touched yet. The program loads a byte of the page
that begins at `address` (a multiple of 4096 inside the VMA); that page is in memory. `cached` is the list of the
numbers of all the file's pages that are in memory. Give the list of the addresses of all pages that have an entry in
the page table afterwards, in order.

The window is 64 KiB. You know from lesson 6 where it begins, and what it never leaves. One more thing it never leaves
is the page table in which it begins: a page table covers 2 MiB, from a multiple of 2 MiB on.
""",
    starter="def entered(start, end, pgoff, cached, address):\n    ...",
    solution='''
def entered(start, end, pgoff, cached, address):
    first = max(address // 65536 * 65536, start)
    last = min(first + 65536, end, (first // 2**21 + 1) * 2**21)
    return [at for at in range(first, last, 4096) if pgoff + (at - start) // 4096 in cached]
''',
    example='''
K, all_pages = 1024, list(range(100))
assert entered(0, 400 * K, 0, all_pages, 80 * K) == list(range(64 * K, 128 * K, 4 * K)), "page 20 of a large VMA"
assert entered(0, 32 * K, 3, [3, 5, 9, 80], 8 * K) == [0, 8 * K, 24 * K], "only what is in memory"
''',
    check=check,
)  # fmt: skip
