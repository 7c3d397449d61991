"""A kernel in which VMA surgery has a bug."""

from mmlab.coursework.hunt import hunt

CLAIMS = {
    "border": "When mprotect moves the border between two VMAs of a file up, the upper one shows other bytes.",
    "close": "The pieces of a System V segment become one VMA again when they are alike again.",
    "entries": "mprotect changes the VMA and leaves the page table: what was stored to can be stored to still.",
    "grow": "Memory that grows in place by mremap is not promised: Committed_AS stays what it was.",
    "moved": "Memory that was stored to gets the vm_pgoff of its new address when it moves, and joins what lies there.",
    "second": "An old_size of 0 is allowed for private memory: mremap makes a fresh mapping of it.",
    "stays": "MREMAP_DONTUNMAP leaves nothing at the old address.",
    "twice": "Private memory that was stored to, made read-only and writable again, takes one more fault for a store.",
}

SHOWS = '''
RW, HOME = PROT_READ | PROT_WRITE, 1 << 40

def lay(kernel, *places, stored=True):
    proc = kernel.spawn("witness")
    for page in places:
        proc.mmap(HOME + page * 4096, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    if stored:
        proc.store(HOME, b"x")
    return proc

def show_border(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HOME, 3 * 4096, RW, MAP_SHARED | MAP_FIXED, proc.open("/data/book.txt", O_RDWR))
    proc.mprotect(HOME, 4096, PROT_READ)
    proc.mprotect(HOME + 4096, 4096, PROT_READ)
    return proc.load(HOME + 2 * 4096, 5)

def show_close(kernel):
    proc = kernel.spawn("witness")
    proc.shmat(proc.shmget(IPC_PRIVATE, 3 * 4096, 0o600), HOME)
    proc.mprotect(HOME, 4096, PROT_READ)
    proc.mprotect(HOME, 4096, RW)
    return str(proc.maps())

def show_entries(kernel):
    proc = lay(kernel, 0)
    proc.mprotect(HOME, 4096, PROT_READ)
    proc.store(HOME, b"y")

def show_grow(kernel):
    proc = lay(kernel, 0)
    proc.mremap(HOME, 4096, 64 * 4096)
    return kernel.meminfo()["Committed_AS"]

def show_moved(kernel):
    proc = lay(kernel, 0, 4)
    proc.mremap(HOME, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, HOME + 5 * 4096)
    return str(proc.maps())

def show_second(kernel):
    proc = lay(kernel, 0)
    return proc.mremap(HOME, 0, 4096, MREMAP_MAYMOVE)

def show_stays(kernel):
    proc = lay(kernel, 0)
    proc.mremap(HOME, 4096, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, HOME + 5 * 4096)
    return str(proc.maps())

def show_twice(kernel):
    proc = lay(kernel, 0)
    proc.mprotect(HOME, 4096, PROT_READ)
    proc.mprotect(HOME, 4096, RW)
    proc.store(HOME, b"y")
    return str(proc.getrusage())
'''

PART = hunt("ps6-bug", CLAIMS, SHOWS, on="files, on memory and on System V segments")
