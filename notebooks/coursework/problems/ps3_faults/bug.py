"""A kernel whose faults or page cache have a bug."""

from mmlab.coursework.hunt import hunt

CLAIMS = {
    "around": "A load of a file's page enters that page and those after it, but none before it.",
    "async": "msync with MS_ASYNC writes pages to the disk.",
    "clean": "After msync with MS_SYNC a page's entries still allow stores: nobody hears of the next one.",
    "copies": "When a file is cut, private copies of pages past its new end stay.",
    "drop": "drop_caches drops dirty pages, too: what was written is lost.",
    "last": "The last page of a file, if the file fills only a part of it, gives SIGBUS when the disk has to be read "
            "for it.",
    "private": "The first store to a page of a private mapping changes the file.",
    "zero": "A load of private anonymous memory that nobody has stored to takes a page of its own.",
}

SHOWS = '''
def book(kernel, flags):
    proc = kernel.spawn("witness")
    fd = proc.open("/data/book.txt", O_RDWR)
    return proc, fd, proc.mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, flags, fd)

def show_around(kernel):
    proc = kernel.spawn("witness")
    fd = proc.open("/data/new", O_RDWR | O_CREAT)
    proc.pwrite(fd, bytes(20 * 4096), 0)
    addr = proc.mmap(1 << 40, 20 * 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd)
    proc.load(addr + 5 * 4096)
    return proc.pagemap(addr)

def show_async(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    proc.store(addr, b"X")
    before = kernel.meminfo()["Dirty"]
    proc.msync(addr, 4096, MS_ASYNC)
    return kernel.meminfo()["Dirty"] - before

def show_clean(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    proc.store(addr, b"X")
    proc.msync(addr, 4096, MS_SYNC)
    before = proc.getrusage().ru_minflt
    proc.store(addr, b"Y")
    return proc.getrusage().ru_minflt - before

def show_copies(kernel):
    proc, fd, addr = book(kernel, MAP_PRIVATE)
    proc.store(addr + 2 * 4096, b"X")
    proc.ftruncate(fd, 4096)
    return proc.load(addr + 2 * 4096)

def show_drop(kernel):
    proc, fd, _ = book(kernel, MAP_SHARED)
    proc.pwrite(fd, b"X", 0)
    kernel.drop_caches()
    return proc.pread(fd, 1, 0)

def show_last(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    return proc.load(addr + 4 * 4096)

def show_private(kernel):
    proc, fd, addr = book(kernel, MAP_PRIVATE)
    proc.store(addr, b"X")
    return proc.pread(fd, 1, 0)

def show_zero(kernel):
    proc = kernel.spawn("witness")
    addr = proc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.load(addr)
    return proc.pagemap(addr)
'''

PART = hunt("ps3-bug", CLAIMS, SHOWS)
