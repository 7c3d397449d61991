"""What is to be read off a drawing of the page cache."""

from mmlab import (
    MADV_RANDOM,
    MAP_PRIVATE,
    MAP_SHARED,
    MS_SYNC,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    Kernel,
)
from mmlab.coursework.checks import settle, text, these, whole
from mmlab.coursework.problem import Part, Work


def draw_picture(rng):
    """A machine on which A, B and P have used /data/log: (kernel, processes, their mappings)."""
    kernel, size = Kernel(), 10
    a, b, p = (kernel.spawn(name) for name in "ABP")
    fd = a.open("/data/log", O_RDWR | O_CREAT)
    for page in range(size):
        a.pwrite(fd, f"rec{page}.".encode().ljust(4096, b"."), page * 4096)
    a.fsync(fd)
    kernel.drop_caches()
    addr = {}
    for name, proc, flags in (("A", a, MAP_SHARED), ("B", b, MAP_SHARED), ("P", p, MAP_PRIVATE)):
        addr[name] = proc.mmap(0, size * 4096, PROT_READ | PROT_WRITE, flags, proc.open("/data/log", O_RDWR))
        proc.madvise(addr[name], size * 4096, MADV_RANDOM)      # no read-ahead
    pages = rng.sample(range(size), size)
    for page in pages[0:5]:
        a.store(addr["A"] + page * 4096, b"A's")
    for page in pages[3:3 + rng.randint(2, 4)]:
        a.msync(addr["A"] + page * 4096, 4096, MS_SYNC)
    for page in pages[2:4]:
        b.store(addr["B"] + page * 4096, b"B's")
    for page in rng.sample(pages[4:9], rng.randint(2, 3)):
        p.store(addr["P"] + page * 4096, b"P's")
    a.pwrite(fd, b"new", pages[6] * 4096)
    a.pread(fd, 5, pages[rng.choice([7, 8])] * 4096)
    return kernel, (a, b, p), addr


def picture_told(rng):
    """What the kernel does on that machine: (faults, dropped, kilobytes)."""
    state = rng.getstate()
    kernel, (a, *others), addr = draw_picture(rng)
    mapped = kernel.meminfo()["Mapped"]
    for name, proc in zip("ABP", (a, *others), strict=True):
        proc.munmap(addr[name], 10 * PAGE_SIZE)
    mapped -= kernel.meminfo()["Mapped"]
    rng.setstate(state)
    kernel, (a, *others), addr = draw_picture(rng)
    fd = a.open("/data/log", O_RDONLY)
    before = a.fincore(fd)
    kernel.drop_caches()
    dropped = [page for page, (then, now) in enumerate(zip(before, a.fincore(fd), strict=True)) if then > now]
    faults = []
    for page in range(10):
        before = a.getrusage()
        a.store(addr["A"] + page * PAGE_SIZE, b"x")
        faults += [page] * (a.getrusage() != before)
    return faults, dropped, mapped


def check(work: Work):
    faults, dropped, kilobytes = picture_told(work.rng)
    settle(
        (1 / 3, these(work.value("faults"), faults), "`faults`: which entries of A allow a store?"),
        (1 / 3, these(work.value("dropped"), dropped),
         "`dropped`: which pages of the cache does the disk have as they are, and nobody's entry leads to?"),
        (1 / 3, whole(work.value("kilobytes")) and work.value("kilobytes") == kilobytes,
         "`kilobytes`: how many pages of the cache does an entry lead to, whoever's it is, and how large is a page?"),
    )  # fmt: skip


PART = Part(
    "picture", "diagram", 3, "Read a picture of a file",
    """
The next cell draws `/data/log`, a file of ten pages on ext4, after A, B and P have used it: A and B have mapped it
MAP_SHARED, P MAP_PRIVATE, all three from page 0 to page 9, and all three with advice against read-ahead. It is the
picture of lesson 7. Read off, without running anything more, three answers, worth one point each:

- `faults`: the list of those pages at which a store by A, made next, would fault;
- `dropped`: the list of those pages that `drop_caches`, called now, would take out of memory;
- `kilobytes`: how much of the `Mapped` line of `/proc/meminfo` is due to this file, in kB.
""",
    setup="from mmlab.views import page_cache\n\n" + text(draw_picture) + '''
kernel, procs, addr = draw_picture(personal("ps3-picture"))
picture = page_cache(kernel, "/data/log")
print(picture)
picture
''',
    starter="faults = None        # a list\ndropped = None       # a list\nkilobytes = None     # a number",
    solution='''
faults, dropped, mapped = [], [], 0
for line in str(picture).splitlines()[2:]:
    a, b, p = (proc.pagemap(addr[name] + int(line.split()[0]) * 4096) for name, proc in zip("ABP", procs))
    page, users = int(line.split()[0]), a.file + b.file + p.file
    if not line.split()[1].startswith("rw"):
        faults.append(page)
    if "page#" in line and "dirty" not in line and not users:
        dropped.append(page)
    mapped += bool(users)
kilobytes = 4 * mapped
''',
    example='''
assert None not in (faults, dropped, kilobytes), "an answer is missing"
assert len(faults) <= 10 and len(dropped) <= 10, "the file has ten pages"
assert kilobytes % 4 == 0, "a page has 4 kB"
''',
    check=check,
)  # fmt: skip
