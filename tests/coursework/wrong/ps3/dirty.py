from tests.coursework.wrong import but

WRONG = {
    "MS_ASYNC writes": but("ps3-dirty", ('("MS_SYNC", "fsync")', '("MS_SYNC", "MS_ASYNC", "fsync")')),
    "msync makes the caller's entries read-only, the other's not": but(
        "ps3-dirty", ('for who in "AB"', 'for who in rest[:1] or "AB"')),
    "a page that was written may be stored to": but("ps3-dirty", ("writable -= ", "writable |= ")),
    "write makes entries writable": (but(
        "ps3-dirty", ("dirty.add(rest[0])",
        'dirty.add(rest[0])\n            writable |= {("A", rest[0]), ("B", rest[0])}')), 2),
    "what a killed process has stored is lost": but(
        "ps3-dirty", ('        elif what == "write"',
        '        elif what == "exit":\n            dirty -= {page for who, page in writable if who == rest[0]}\n'
        '        elif what == "write"')),
    "what a killed process has stored is written": but(
        "ps3-dirty", ('        elif what == "write"',
        '        elif what == "exit":\n            written += len(dirty)\n            dirty.clear()\n'
        '        elif what == "write"')),
    "each store is a fault": (but(
        "ps3-dirty", ("            if (who, page) not in writable:\n                faults += 1", '''\
            faults += 1
            if (who, page) not in writable:
                pass''')), 2),
    "clean pages are written, too": (but("ps3-dirty", ("written += len(cleaned)", "written += count")), 2),
    "the first store to a page tells for both": (but("ps3-dirty", ("                writable.add((who, page))", '''\
                writable |= {("A", page), ("B", page)}''')), 2),
    "only a page that is clean has its store heard of": (but(
        "ps3-dirty", ("if (who, page) not in writable:", "if page not in dirty:")), 2),
    "fsync writes only what write has written": but("ps3-dirty", ('("MS_SYNC", "fsync")', '("MS_SYNC",)')),
}  # fmt: skip
