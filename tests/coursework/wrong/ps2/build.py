from tests.coursework.wrong import but

WRONG = {
    "one descriptor": (but("ps2-build", ("fds[number % 2]", "fds[0]")), 0),
    "dup makes an open file": (but("ps2-build", ("[proc.open(\"/data/book.txt\", O_RDONLY) for _ in range(2)]",
                                   "[proc.open(\"/data/book.txt\", O_RDONLY)]\n    fds.append(proc.dup(fds[0]))")),
        0),
    "the descriptors stay open": (but("ps2-build", ("        proc.close(fd)", "        pass")), 2),
    "an open for each line": (but("ps2-build", ("for _ in range(2)", "for _ in lines"), ("number % 2",
        "number")), 2),
    "offset is in pages": (but("ps2-build", ("pgoff * 4096", "pgoff")), 0),
    "the offset is the page's": (but("ps2-build", ("pgoff * 4096", "page * 4096")), 0),
    "the length is in pages": (but("ps2-build", ("pages * 4096", "pages")), 0),
    "private": (but("ps2-build", ("MAP_SHARED", "MAP_PRIVATE")), 0),
    "the kernel chooses the addresses": (but("ps2-build", ("proc.mmap(addr", "proc.mmap(0"), (" | MAP_FIXED",
        "")), 0),
    "readable and writable": (but("ps2-build", ("O_RDONLY", "O_RDWR"), ("PROT_READ,",
        "PROT_READ | PROT_WRITE,")), 0),
    "one large mapping, cut by munmap": ('''
def build(proc, lines):
    fd, start = proc.open("/data/book.txt", O_RDONLY), 0x10000000000
    for page, pages, pgoff in lines:
        proc.mmap(start + page * 4096, (pages + 1) * 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, pgoff * 4096)
        proc.munmap(start + (page + pages) * 4096, 4096)
    proc.close(fd)
''', 0),
    "mprotect there and back cuts": (but("ps2-build", ("fds[number % 2], pgoff * 4096)", '''fds[0], pgoff * 4096)
        proc.mprotect(addr, pages * 4096, 0)
    for page, pages, pgoff in lines:
        proc.mprotect(0x10000000000 + page * 4096, pages * 4096, PROT_READ)''')), 0),
    "every third line through a third open": (but("ps2-build", ("range(2)", "range(3)"), ("number % 2",
        "number % 3")), 2),
}  # fmt: skip
