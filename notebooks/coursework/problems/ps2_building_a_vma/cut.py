"""Which page table entries go when a file is cut."""

from mmlab import MAP_FIXED, MAP_SHARED, O_CREAT, O_RDWR, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, RW, difference, rows, settle
from mmlab.coursework.problem import Part, Work


def mappings_drawn(rng, pages):
    """Some VMAs of a file of so many pages: (process, start, end, pgoff)."""
    found, at = [], HOME
    for _ in range(rng.randint(2, 5)):
        at += rng.randint(1, 4) * PAGE_SIZE
        pgoff = rng.randint(0, pages - 2)
        end = at + rng.randint(1, min(9, pages - pgoff)) * PAGE_SIZE
        found.append((rng.choice("AB"), at, end, pgoff))
        at = end
    return found


def taken_away(i_mmap, pages, size):
    """What the kernel does: every page has been loaded, then the file is cut."""
    kernel, taken = Kernel(), []
    procs = {name: kernel.spawn(name) for name in "AB"}
    fds = {name: proc.open("/dev/shm/file", O_RDWR | O_CREAT) for name, proc in procs.items()}
    procs["A"].ftruncate(fds["A"], pages * PAGE_SIZE)
    for name, start, end, pgoff in i_mmap:
        procs[name].mmap(start, end - start, RW, MAP_SHARED | MAP_FIXED, fds[name], pgoff * PAGE_SIZE)
        for address in range(start, end, PAGE_SIZE):
            procs[name].store(address, b"x")
    procs["B"].ftruncate(fds["B"], size)
    for name, start, end, _ in i_mmap:
        gone = [at for at in range(start, end, PAGE_SIZE) if not procs[name].pagemap(at).present]
        if gone:
            taken.append((name, gone[0], gone[-1] + PAGE_SIZE))
    return taken


def check(work: Work):
    rng, wrong = work.rng, {}
    for case in range(16):
        if len(wrong) == 2:
            break
        pages = rng.randint(4, 20)
        i_mmap = mappings_drawn(rng, pages)
        _, start, end, pgoff = rng.choice(i_mmap)
        size = rng.randint(pgoff, pgoff + (end - start) // PAGE_SIZE - 1) * PAGE_SIZE
        size += case % 2 and rng.choice([1, 4095, rng.randint(1, 4095)])
        given, expected = work.call("taken", i_mmap, size), taken_away(i_mmap, pages, size)
        if rows(given, 3) != expected:
            listed = ", ".join(f"({name!r}, {start:#x}, {end:#x}, {pgoff})" for name, start, end, pgoff in i_mmap)
            wrong.setdefault(case % 2, f"i_mmap = [{listed}], and the file is cut to {size} bytes: the list "
                                       f"{difference(rows(given, 3), expected)}.")  # fmt: skip
    settle((2 / 3, 0 not in wrong, wrong.get(0, "")), (1 / 3, not wrong, wrong.get(1, "")))


PART = Part(
    "cut", "code", 3, "A file is cut",
    """
A file knows who maps it: `i_mmap`. When `ftruncate` makes the file shorter, the kernel goes through it, and takes away
every page table entry that leads to a page of the file that is no more; the next access there will be a SIGBUS.

Write `taken(i_mmap, size)`. `i_mmap` is a list of VMAs, each as `(process, start, end, pgoff)`: a name; the addresses,
in bytes (`end` is the first that is no longer in it, both are multiples of 4096); and `vm_pgoff`, in pages. Every page
of every VMA has been loaded. Then the file is cut to `size` bytes, fewer than before. Give the list of
`(process, start, end)`, in the order of `i_mmap`: whose entries are taken away, and for which addresses (in bytes,
again multiples of 4096). A VMA that loses none is not in it.

Two points for sizes that are multiples of 4096, one more for all others.
""",
    starter="def taken(i_mmap, size):\n    ...",
    solution='''
def taken(i_mmap, size):
    left, found = -(-size // 4096), []          # the pages that the file still has
    for process, start, end, pgoff in i_mmap:
        first = max(start, start + (left - pgoff) * 4096)
        if first < end:
            found.append((process, first, end))
    return found
''',
    example='''
i_mmap = [("A", 0x10000, 0x14000, 0), ("B", 0x20000, 0x22000, 5), ("B", 0x30000, 0x31000, 0)]
told = [tuple(row) for row in taken(i_mmap, 2 * 4096)]
assert told == [("A", 0x12000, 0x14000), ("B", 0x20000, 0x22000)], "cut to two pages"
''',
    check=check,
)  # fmt: skip
