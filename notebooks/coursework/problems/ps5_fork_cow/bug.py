"""A kernel whose fork or copy-on-write has a bug."""

from mmlab.coursework.hunt import hunt

CLAIMS = {
    "child": "After a fork the parent loads what the child stores to private memory, but not the other way round.",
    "every": "fork copies the page table entries of every mapping.",
    "leak": "A page that was copied for one process is not free when the last of the others exits.",
    "never": "After a fork private pages are never copied, however many processes map them.",
    "protect": "After a fork the child loads what the parent stores to private memory, but not the other way round.",
    "two": "Two processes that have a private page in common do not copy it; with three of them it is copied.",
    "wipe": "MADV_WIPEONFORK has no effect on what a child loads.",
    "zeros": "A copy of a private page holds what was stored into it just now, and zeros.",
}

SHOWS = '''
def begin(kernel, children=1):
    parent = kernel.spawn("witness")
    addr = parent.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    parent.store(addr, b"parent")
    return addr, parent, *(parent.fork() for _ in range(children))

def sees(loading, storing, addr, word=b"first "):
    storing.store(addr, word)
    return loading.load(addr, 6) == word

def show_child(kernel):
    addr, parent, child = begin(kernel)
    return sees(parent, child, addr) and not sees(child, parent, addr, b"second")

def show_every(kernel):
    parent = kernel.spawn("witness")
    addr = parent.mmap(0, 4096, PROT_READ, MAP_SHARED, parent.open("/data/book.txt", O_RDONLY))
    parent.load(addr)
    return parent.fork().pagemap(addr).present

def show_leak(kernel):
    addr, parent = begin(kernel, 0)
    before = kernel.meminfo()["MemFree"]
    child = parent.fork()
    parent.store(addr, b"P")
    child.exit()
    return before - kernel.meminfo()["MemFree"]

def show_never(kernel):
    addr, parent, child, other = begin(kernel, 2)
    return sees(other, child, addr) and sees(child, parent, addr, b"second")

def show_protect(kernel):
    addr, parent, child = begin(kernel)
    return sees(child, parent, addr) and not sees(parent, child, addr, b"second")

def show_two(kernel):
    addr, parent, child = begin(kernel)
    pair = sees(parent, child, addr)
    addr, _, child, other = begin(kernel, 2)
    return pair and not sees(other, child, addr)

def show_wipe(kernel):
    addr, parent = begin(kernel, 0)
    parent.madvise(addr, 4096, MADV_WIPEONFORK)
    return parent.fork().load(addr, 6)

def show_zeros(kernel):
    addr, parent, child = begin(kernel)
    child.store(addr, b"x")
    return child.load(addr, 6)
'''

PART = hunt("ps5-bug", CLAIMS, SHOWS)
