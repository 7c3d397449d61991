"""A kernel whose mmap_region or merging has a bug."""

from mmlab.coursework.hunt import hunt

CLAIMS = {
    "apart": "mprotect never joins two neighbours: two VMAs that it makes alike stay two.",
    "down": "No VMA ever grows downwards: what is mapped just below it becomes a VMA of its own.",
    "inode": "Two mappings of one file become one VMA even if the file was opened once for each of them.",
    "keep": "munmap does not give back the file: a file without a name stays in memory after its last mapping.",
    "mkwrite": "A shared page of ext4 that was loaded can be stored to without another fault.",
    "promise": "A shared, writable mapping of a file counts in Committed_AS.",
    "split": "When a VMA is cut, its upper part shows the file from the same page on as the lower.",
    "undo": "When an mmap is refused by the file (f_op->mmap), Committed_AS stays too high.",
}

SHOWS = '''
RW, HERE = PROT_READ | PROT_WRITE, 1 << 40

def book(kernel, *places, prot=RW):
    proc = kernel.spawn("witness")
    fd = proc.open("/data/book.txt", O_RDWR)
    for page, pages in places:
        proc.mmap(HERE + page * 4096, pages * 4096, prot, MAP_SHARED | MAP_FIXED, fd, page * 4096)
    return proc, fd

def show_apart(kernel):
    proc, fd = book(kernel, (0, 1), prot=PROT_READ)
    proc.mmap(HERE + 4096, 4096, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 4096)
    proc.mprotect(HERE + 4096, 4096, PROT_READ)
    return str(proc.maps())

def show_down(kernel):
    proc, _ = book(kernel, (1, 1), (0, 1))
    return str(proc.maps())

def show_inode(kernel):
    proc, _ = book(kernel, (0, 1))
    proc.mmap(HERE + 4096, 4096, RW, MAP_SHARED | MAP_FIXED, proc.open("/data/book.txt", O_RDWR), 4096)
    return str(proc.maps())

def show_keep(kernel):
    proc = kernel.spawn("witness")
    fd = proc.open("/dev/shm/new", O_RDWR | O_CREAT)
    proc.pwrite(fd, b"X", 0)
    addr = proc.mmap(0, 4096, RW, MAP_SHARED, fd)
    proc.unlink("/dev/shm/new")
    proc.close(fd)
    proc.munmap(addr, 4096)
    return kernel.meminfo()["Shmem"]

def show_mkwrite(kernel):
    proc, _ = book(kernel, (0, 1))
    proc.load(HERE)
    proc.store(HERE, b"X")
    return str(proc.getrusage())

def show_promise(kernel):
    book(kernel, (0, 5))
    return kernel.meminfo()["Committed_AS"]

def show_split(kernel):
    proc, _ = book(kernel, (0, 3))
    proc.munmap(HERE + 4096, 4096)
    return proc.load(HERE + 2 * 4096, 5)

def show_undo(kernel):
    proc = kernel.spawn("witness")
    fd = proc.open("/proc/meminfo", O_RDONLY)
    try:
        proc.mmap(0, 4096, RW, MAP_PRIVATE, fd)
    except OSError:
        return kernel.meminfo()["Committed_AS"]
'''

PART = hunt("ps2-bug", CLAIMS, SHOWS)
