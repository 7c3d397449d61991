"""Wrong answers to problem set 3: part → misconception → code. Most are the right answer with one thing changed."""

from mmlab.coursework.problem import load
from mmlab.setup.places import NOTEBOOKS

PARTS = {part.id: part for part in load(NOTEBOOKS / "coursework" / "problems" / "ps3_faults").parts}


def but(part: str, right: str, wrong: str) -> str:
    """The right answer to a part, with one piece of its text replaced."""
    solution = PARTS[part].solution
    assert solution.count(right) == 1, (part, right)
    return solution.replace(right, wrong)


WRONG = {
    "steps": {
        "the first window begins at the multiple of 64 KiB": (but("steps", "[windows,", "[-(-pages // 16),"), 2.4),
        "one fault for each page that is loaded": (but("steps", "[windows,", "[pages,"), 2.4),
        "a load enters a page of ext4 writable": (but("steps", 'drawn["stored"],', "0,"), 2.4),
        "MS_SYNC makes the whole file clean": (but("steps", 'drawn["synced"]', 'drawn["stored"]'), 2.4),
        "a page that was written once is writable for good": (but("steps", 'drawn["synced"]', "0"), 2.4),
        "a store to the zero page is free": (but("steps", 'drawn["loaded"] + ', ""), 2.4),
        "a private page that was loaded may be stored to": (but("steps", "1 + ", "1 + 0 * "), 2.4),
        "a private file is not loaded around": (but("steps", '1 + drawn["copied"]', '2 * drawn["copied"]'), 2.4),
        "each access is a fault": (
            'faults = [drawn["pages"], 0, drawn["stored"], drawn["touched"], 1]', 0),
    },
    "signal": {
        "what may not be read may not be loaded": but(
            "signal", '("w" in prot if store else prot)', '("w" if store else "r") in prot'),
        "a file's last page counts only if it is full": but("signal", "(size + 4095) // 4096", "size // 4096"),
        "past the last byte is past the file": but(
            "signal", "page >= (size + 4095) // 4096", "pgoff * 4096 + address - start >= size"),
        "vm_pgoff is forgotten": but("signal", "pgoff + (address", "(address"),
        "the file is asked first": but("signal", 'if not ("w"', 'if pgoff + (address - start) // 4096 >= '
            '(1 << 60 if size is None else (size + 4095) // 4096):\n        return "BUS_ADRERR"\n    if not ("w"'),
        "the end belongs to the area": but("signal", "<= address < end", "<= address <= end"),
        "anonymous memory is a file of size 0": but(
            "signal", "size is not None and page >= (size + 4095)", "page >= ((size or 0) + 4095)"),
        "what is forbidden is not mapped": but("signal", "SEGV_ACCERR", "SEGV_MAPERR"),
        "a hole before an area belongs to it": but("signal", "if start <= address < end", "if address < end"),
    },
    "window": {
        "it begins with the page that is loaded": but("window", "max(address // 65536 * 65536, start)", "address"),
        "where the VMA clips it, it is shorter": but("window", "min(first +", "min(address // 65536 * 65536 +"),
        "it is aligned by the file's pages": but(
            "window", "address // 65536 * 65536",
            "start + ((pgoff + (address - start) // 4096) // 16 * 16 - pgoff) * 4096"),
        "it is centred": but("window", "address // 65536 * 65536", "address - 32768"),
        "it goes on past the page table": but("window", ", (first // 2**21 + 1) * 2**21)", ")"),
        "it goes on past the VMA": but("window", "65536, end,", "65536,"),
        "it begins before the VMA": but("window", "max(address // 65536 * 65536, start)", "address // 65536 * 65536"),
        "it is aligned from the VMA's start on": but(
            "window", "address // 65536 * 65536", "start + (address - start) // 65536 * 65536"),
        "it reads what is missing": but("window", " if pgoff + (at - start) // 4096 in cached", ""),
        "it ends at the first page that is missing": but("window", "    return [at for", '''\
    for at in range(address, last, 4096):
        if pgoff + (at - start) // 4096 not in cached:
            last = at
            break
    return [at for'''),
        "vm_pgoff is forgotten": but("window", "pgoff + (at", "(at"),
        "it has 15 pages": but("window", "first + 65536", "first + 61440"),
    },
    "count": {
        "no load enters its neighbours": (but("count", "range(first, min(first + 16, pages))", "[page]"), 1),
        "a store enters its neighbours": (but("count", "entries[page] = True\n", '''\
first = page // 16 * 16
            for near in range(first, first + 16 if kind != "anonymous" else first):
                entries.setdefault(near, kind == "tmpfs")
            entries[page] = True
'''), 1),
        "the zero page may be stored to": (but("count", "entries[page] = False", "entries[page] = True"), 3),
        "a load of new memory is no fault": (but(
            "count", "        faults += 1\n", '        faults += kind != "anonymous" or access == "store"\n'), 3),
        "tmpfs hears of the first store": (but("count", 'kind == "tmpfs"', "False"), 3),
        "nobody hears of the first store": (but("count", 'kind == "tmpfs"', "True"), 2),
        "the window begins with the page": (but("count", "first = page // 16 * 16", "first = page"), 1),
        "a load makes its neighbours read-only again": (but(
            "count", 'entries.setdefault(near, kind == "tmpfs")', 'entries[near] = kind == "tmpfs"'), 2),
        "a load of memory enters its neighbours": (but("count", 'kind == "anonymous"', 'kind == "none"'), 3),
        "one fault for each page": ('''
def count_faults(kind, pages, accesses):
    return len({page for _, page in accesses})
''', 0),
    },
    "fault": {
        "a file's last page counts only if it is full": but(
            "fault", '-(-mapping["i_size"] // 4096)', 'mapping["i_size"] // 4096'),
        "the page after the last is still there": but("fault", "pgoff >= -(", "pgoff > -("),
        "the size is in pages": but("fault", '-(-mapping["i_size"] // 4096)', 'mapping["i_size"]'),
        "a hole is SIGBUS": but("fault", "    tree[pgoff] = ", '''\
    if pgoff not in mapping["disk"]:
        return "SIGBUS", None
    tree[pgoff] = '''),
        "a hole is minor: no disk is read": but(
            "fault", '"MAJOR", tree', '"MAJOR" if pgoff in mapping["disk"] else "MINOR", tree'),
        "what was read is not kept": but(
            "fault", "    tree[pgoff] = bytearray",
            '    return "MAJOR", bytearray(mapping["disk"].get(pgoff, bytes(4096)))\n    tree[pgoff] = bytearray'),
        "everybody gets a copy": but("fault", '"MINOR", tree[pgoff]', '"MINOR", bytearray(tree[pgoff])'),
        "the first one gets a copy": but("fault", '"MAJOR", tree[pgoff]', '"MAJOR", bytearray(tree[pgoff])'),
        "the disk is read every time": but("fault", "if pgoff in tree:", "if False:"),
        "the first fault of all is major, the others minor": but(
            "fault", '"MAJOR"', '"MINOR" if len(tree) > 1 else "MAJOR"'),
        "the whole file is read": but("fault", '    return "MAJOR"', '''\
    for each in range(-(-mapping["i_size"] // 4096)):
        tree.setdefault(each, bytearray(mapping["disk"].get(each, bytes(4096))))
    return "MAJOR"'''),
        "the last page is as long as the file": but("fault", "    return \"MAJOR\"", '''\
    del tree[pgoff][mapping["i_size"] - pgoff * 4096:]
    return "MAJOR"'''),
    },
    "who": {
        "a private mapping is a snapshot": (but(
            "who", "        cache[page] = word + cache", '''\
        copies[page] = copies[page] if page in copied else f"page{page}"
        copied.add(page)
        cache[page] = word + cache'''), 1),
        "MS_ASYNC writes to the disk": (but("who", 'what == "MS_SYNC" and', 'what.startswith("MS_") and'), 2),
        "MS_SYNC writes a private copy": (but(
            "who", "    elif word and who",
            '    elif what == "MS_SYNC":\n        disk[page] = copies[page]\n    elif word and who'), 2),
        "a store to a private mapping reaches the file": (but("who", 'elif word and who == "P"', "elif False"), 1),
        "a copy follows the file where P has not stored": (but(
            "who", "        cache[page] = word +", '''\
        if page in copied and ("P", "store", page, copies[page][:2]) in moves:
            copies[page] = copies[page][:2] + word[2:]
        cache[page] = word +'''), 2),
        "write goes to the disk at once": (but(
            "who", "        cache[page] = word +",
            '        disk[page] = word if what == "write" else disk[page]\n        cache[page] = word +'), 1),
        "everything goes to the disk at once": (but(
            "who", "        cache[page] = word +", "        disk[page] = word\n        cache[page] = word +"), 0),
        "without msync A does not see what B writes": (but(
            "who", "    elif word:\n", '    elif word and what != "write":\n'), 0),
    },
    "dirty": {
        "MS_ASYNC writes": but("dirty", '("MS_SYNC", "fsync")', '("MS_SYNC", "MS_ASYNC", "fsync")'),
        "msync makes the caller's entries read-only, the other's not": but(
            "dirty", 'for who in "AB"', 'for who in rest[:1] or "AB"'),
        "a page that was written may be stored to": but("dirty", "writable -= ", "writable |= "),
        "write makes entries writable": (but(
            "dirty", "dirty.add(rest[0])",
            'dirty.add(rest[0])\n            writable |= {("A", rest[0]), ("B", rest[0])}'), 2),
        "what a killed process has stored is lost": but(
            "dirty", '        elif what == "write"',
            '        elif what == "exit":\n            dirty -= {page for who, page in writable if who == rest[0]}\n'
            '        elif what == "write"'),
        "what a killed process has stored is written": but(
            "dirty", '        elif what == "write"',
            '        elif what == "exit":\n            written += len(dirty)\n            dirty.clear()\n'
            '        elif what == "write"'),
        "each store is a fault": (but(
            "dirty", "            if (who, page) not in writable:\n                faults += 1", '''\
            faults += 1
            if (who, page) not in writable:
                pass'''), 2),
        "clean pages are written, too": (but("dirty", "written += len(cleaned)", "written += count"), 2),
        "the first store to a page tells for both": (but("dirty", "                writable.add((who, page))", '''\
                writable |= {("A", page), ("B", page)}'''), 2),
        "only a page that is clean has its store heard of": (but(
            "dirty", "if (who, page) not in writable:", "if page not in dirty:"), 2),
        "fsync writes only what write has written": but("dirty", '("MS_SYNC", "fsync")', '("MS_SYNC",)'),
    },
    "picture": {
        "an entry r-- may be stored to": (but("picture", 'startswith("rw")', 'startswith("r")'), 2),
        "a store to a dirty page does not fault": (but(
            "picture", 'if not line.split()[1].startswith("rw")', 'if "dirty" not in line'), 2),
        "B's entry lets A store": (but("picture", 'not line.split()[1].startswith("rw")', '"rw- AD" not in line'), 2),
        "drop_caches writes and drops dirty pages": (but("picture", '"dirty" not in line and ', ""), 2),
        "drop_caches drops what is mapped": (but("picture", " and not users:", ":"), 2),
        "a copy keeps the file's page": (but("picture", " and not users:", " and line.count(\"no PTE\") == 3:"), 2),
        "a page counts once for each who maps it": (but("picture", "bool(users)", "users"), 2),
        "Mapped counts copies": (but("picture", "bool(users)", 'bool(users) or "copy" in line'), 2),
        "Mapped counts what is in memory": (but("picture", "bool(users)", '"page#" in line'), 2),
        "Mapped counts pages": (but("picture", "kilobytes = 4 * mapped", "kilobytes = mapped"), 2),
    },
    "copy": {
        "the whole file is mapped": (but("copy", "limit // 2", "1 << 24"), 3),
        "the limit is for each of the two": (but("copy", "limit // 2", "limit"), 3),
        "the source stays mapped": (but("copy", "        proc.munmap(a, n)\n", ""), 3),
        "the target stays mapped": (but("copy", "        proc.munmap(b, n)\n", ""), 3),
        "munmap writes": (but("copy", "    proc.fsync(dst)\n", ""), 3),
        "MS_ASYNC writes": (but("copy", "    proc.fsync(dst)\n", "").replace(
            "        proc.munmap(a", "        proc.msync(b, n, MS_ASYNC)\n        proc.munmap(a"), 3),
        "the source is made safe": (but("copy", "fsync(dst)", "fsync(src)"), 3),
        "a store makes the file longer": (but("copy", "    proc.ftruncate(dst, size)\n", ""), 0),
        "the target is not longer than the source": (but("copy", " | O_TRUNC", "").replace(
            "    proc.ftruncate", "    if proc.fstat(dst).st_size < size:\n        proc.ftruncate"), 0),
        "the target is mapped private": (but("copy", "MAP_SHARED, dst", "MAP_PRIVATE, dst"), 0),
        "a file has whole pages": (but("copy", "range(0, size, step)", "range(0, size // step * step, step)"), 0),
        "no file is empty": (but("copy", "range(0, size, step)", "range(0, max(size, 1), step)"), 0),
        "every window is whole": (but("copy", "memcpy(b, a, n)", "memcpy(b, a, step)"), 0),
        "each window shows the file's beginning": (but("copy", "MAP_SHARED, src, at", "MAP_SHARED, src"), 0),
        "it is copied by read and write": ('''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT | O_TRUNC)
    while data := proc.read(src, limit):
        proc.write(dst, data)
    proc.fsync(dst)
''', 0),
    },
    "bug": {
        "the first claim, and a program that shows nothing": '''
bug = "A"
def witness(kernel):
    kernel.spawn("witness")
''',
        "the claim, and a witness that does not touch it": (but("bug", "witness = tries[claims[bug]]", '''
def witness(kernel):
    proc = kernel.spawn("witness")
    proc.close(proc.open("/data/book.txt", O_RDONLY))
'''), 2),
        "another claim": (but("bug", "witness = tries[claims[bug]]", '''
witness = tries[claims[bug]]
bug = "ABCDEFGH"["HABCDEFG".index(bug)]
'''), 2),
        "the witness uses machines of its own": (but("bug", "witness = tries[claims[bug]]", '''
def witness(kernel):
    return tries[claims[bug]](Kernel()) != tries[claims[bug]](new_machine())
'''), 2),
        "everything is tried, and the claim is guessed": (but("bug", "witness = tries[claims[bug]]", '''
def witness(kernel):
    for each in tries.values():
        each(kernel)
'''), 0),
        "the witness looks at the kernel's own objects": (but("bug", "witness = tries[claims[bug]]", '''
def witness(kernel):
    kernel.check()
'''), 0),
    },
}  # fmt: skip
