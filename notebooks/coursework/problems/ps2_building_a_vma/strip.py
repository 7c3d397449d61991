"""Which page of a file is at an address, whose it is and where it is, read off a picture."""

from contextlib import suppress

from mmlab import MADV_RANDOM, MAP_PRIVATE, O_CREAT, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE, BusError, Kernel
from mmlab.coursework.checks import settle, text, these, whole
from mmlab.coursework.problem import Part, Work
from mmlab.mm.vma import find_vma


def draw_strip(rng):
    """A machine on which a program has used a private mapping of /data/log: (kernel, process, address, a byte)."""
    kernel = Kernel()
    proc = kernel.spawn("reader")
    fd = proc.open("/data/log", O_RDWR | O_CREAT)
    pgoff, inside = rng.randint(2, 7), rng.randint(6, 7)        # of the mapping's eight pages so many are in the file
    size = (pgoff + inside - 1) * 4096 + rng.randint(100, 4000)
    proc.pwrite(fd, b"log " * (size // 4) + b"." * (size % 4), 0)
    proc.fsync(fd)
    kernel.drop_caches()
    addr = proc.mmap(0, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, pgoff * 4096)
    proc.madvise(addr, 8 * 4096, MADV_RANDOM)                   # no read-ahead
    pages = rng.sample(range(inside), inside)
    for page in pages[3:3 + rng.randint(1, 3)]:
        proc.store(addr + page * 4096, b"mine")
    proc.load(addr + pages[0] * 4096)
    proc.pread(fd, 10, (pgoff + pages[1]) * 4096)
    return kernel, proc, addr, (pgoff + rng.randrange(1, inside)) * 4096 + rng.randint(1, 90)


def strip_told(rng):
    """What the kernel does on that machine: (address, own, disk)."""
    state = rng.getstate()
    _, proc, addr, byte = draw_strip(rng)
    address = byte - find_vma(proc.task.mm, addr).vm_pgoff * PAGE_SIZE + addr
    disk, own = [], []
    for page in range(8):
        before = proc.getrusage().ru_majflt
        with suppress(BusError):
            proc.load(addr + page * PAGE_SIZE)
        disk += [page] * (proc.getrusage().ru_majflt - before)
    rng.setstate(state)
    kernel, proc, addr, _ = draw_strip(rng)
    other = kernel.spawn("other")
    fd, pgoff = other.open("/data/log", O_RDWR), find_vma(proc.task.mm, addr).vm_pgoff
    size = other.fstat(fd).st_size
    for page in range(8):
        at = (pgoff + page) * PAGE_SIZE
        if at < size:
            other.pwrite(fd, b"new!", at)
            own += [page] * (proc.load(addr + page * PAGE_SIZE, 4) != b"new!")
    return address, own, disk


def check(work: Work):
    address, own, disk = strip_told(work.rng)
    settle(
        (1 / 3, whole(work.value("address")) and work.value("address") == address,
         "`address`: which page of the file is at the beginning of the mapping?"),
        (1 / 3, these(work.value("own"), own), "`own`: which pages are not the file's any more?"),
        (1 / 3, these(work.value("disk"), disk),
         "`disk`: which pages are not in memory, and are a part of the file at all?"),
    )  # fmt: skip


PART = Part(
    "strip", "diagram", 3, "Read a picture of an offset",
    """
The next cell draws a mapping of eight pages of `/data/log`, a file on ext4, MAP_PRIVATE, readable and writable, after
a program has used it. It is the picture of lesson 4. Read off, without running anything more, three answers, worth one
point each. The pages of the mapping are numbered from 0 to 7.

- `address`: at which address does the program see the byte of the file whose number is printed below the picture?
- `own`: the list of those pages at which the program would **not** see what another program writes into the file now;
- `disk`: the list of those pages at which a load, made next, would have to read the disk. (Read-ahead is off: nothing
  is read but the page that is loaded.)
""",
    setup="from mmlab.views import offset_strip\n\n" + text(draw_strip) + '''
kernel, proc, addr, byte = draw_strip(personal("ps2-strip"))
picture = offset_strip(proc, addr)
print(picture)
print(f"Where is byte {byte} of the file?")
picture
''',
    starter="address = None       # a number\nown = None           # a list\ndisk = None          # a list",
    solution='''
lines = str(picture).splitlines()
pgoff = int(lines[0].split("vm_pgoff = ")[1].split(";")[0])
address = addr + byte - pgoff * 4096
own = [page for page, line in enumerate(lines[1:]) if "private copy" in line]
disk = [page for page, line in enumerate(lines[1:]) if line.endswith("will fault")]
''',
    example='''
assert None not in (address, own, disk), "an answer is missing"
assert addr <= address < addr + 8 * 4096, "the address is not in the mapping"
assert {*own, *disk} <= set(range(8)), "the pages have the numbers 0 to 7"
''',
    check=check,
)  # fmt: skip
