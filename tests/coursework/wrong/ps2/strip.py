from tests.coursework.wrong import but

WRONG = {
    "vm_pgoff is forgotten": (but("ps2-strip", ("byte - pgoff * 4096", "byte")), 2),
    "vm_pgoff is in bytes": (but("ps2-strip", ("byte - pgoff * 4096", "byte - pgoff")), 2),
    "vm_pgoff is added": (but("ps2-strip", ("byte - pgoff * 4096", "byte + pgoff * 4096")), 2),
    "an address is a page": (but("ps2-strip", ("byte - pgoff * 4096", "(byte // 4096 - pgoff) * 4096")), 2),
    "every page of a private mapping is its own": (but("ps2-strip", ('"private copy" in line', "True")), 2),
    "every page with an entry is its own": (but("ps2-strip", ('"private copy" in line', '"page#" in line')), 2),
    "what has no entry is not seen": (but("ps2-strip", ('"private copy" in line', '"page#" not in line')), 2),
    "every fault reads": (but("ps2-strip", ('line.endswith("will fault")', '"will fault" in line')), 2),
    "past the end is read, too": (but("ps2-strip", ('line.endswith("will fault")',
        'line.endswith(("will fault", "SIGBUS"))')), 2),
    "a private copy has to be read again": (but("ps2-strip", ('line.endswith("will fault")',
        'line.endswith(("will fault", "copy"))')), 2),
    "pages are numbered from 1": (but("ps2-strip",
        ("own = [page for", "own = [page + 1 for"), ("disk = [page for", "disk = [page + 1 for")), 1),
    "pages have the file's numbers": (but("ps2-strip",
        ("own = [page for", "own = [page + pgoff for"), ("disk = [page for", "disk = [page + pgoff for")), 1),
}  # fmt: skip
