"""A kernel whose mmap or mprotect has a bug."""

from mmlab.coursework.hunt import hunt

CLAIMS = {
    "gap": "A hint is honoured even right below a VMA made with MAP_GROWSDOWN.",
    "hint": "A hint is honoured even if something is mapped there already; the new mapping takes its place.",
    "lowest": "Without a hint, a mapping goes into the lowest gap that is large enough.",
    "maywrite": "mprotect can add PROT_WRITE to a shared mapping of a file that is open for reading only.",
    "noreplace": "MAP_FIXED_NOREPLACE takes the place of what is mapped at the address.",
    "offset": "Private anonymous mappings side by side, with the same permissions, stay lines of their own.",
    "writeonly": "A file that is open for writing only can be mapped.",
    "zero": "A length of 0 is refused with ENOMEM.",
}

SHOWS = '''
HERE, ANON, RW = 1 << 40, MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE

def show_gap(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON | MAP_FIXED | MAP_GROWSDOWN)
    return proc.mmap(HERE - 8192, 4096, RW, ANON) == HERE - 8192

def show_hint(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON)
    return proc.mmap(HERE, 4096, RW, ANON) == HERE

def show_lowest(kernel):
    return kernel.spawn("witness").mmap(0, 4096, RW, ANON) < HERE

def show_maywrite(kernel):
    proc = kernel.spawn("witness")
    addr = proc.mmap(0, 4096, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY))
    proc.mprotect(addr, 4096, RW)

def show_noreplace(kernel):
    proc = kernel.spawn("witness")
    for _ in range(2):
        proc.mmap(HERE, 4096, RW, ANON | MAP_FIXED_NOREPLACE)

def show_offset(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON)
    proc.mmap(HERE + 4096, 4096, RW, ANON)
    return len([line for line in proc.maps().splitlines() if line.startswith("100")])

def show_writeonly(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(0, 4096, PROT_NONE, MAP_SHARED, proc.open("/data/book.txt", O_WRONLY))

def show_zero(kernel):
    kernel.spawn("witness").mmap(0, 0, RW, ANON)
'''

PART = hunt("ps1-bug", CLAIMS, SHOWS)
