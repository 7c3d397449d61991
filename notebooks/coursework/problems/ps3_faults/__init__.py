"""Problem set 3: page faults and the page cache (lessons 06 and 07).

What a student reads above an answer is printed by code that stands here as a function, too (`draw_…`), so that a check
draws the same numbers; what is right is always what the simulated kernel does.
"""

import random
from contextlib import suppress

from mmlab import (
    MADV_RANDOM,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MS_ASYNC,
    MS_SYNC,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    O_TRUNC,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    Kernel,
    MemoryFault,
)
from mmlab.check import vmas
from mmlab.coursework.checks import draw_claims, settle, text, whole, witnessed
from mmlab.coursework.mutants import drawn_bug
from mmlab.coursework.problem import Part, ProblemSet, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay
from mmlab.mm.vma import find_vma

RW, HOME = PROT_READ | PROT_WRITE, 1 << 40


def shortest(moves, wrong):
    """Give the first so many moves after which something is wrong; it is after all of them."""
    return next((moves[:n] for n in range(1, len(moves)) if wrong(moves[:n])), moves)


def listed(value, length, words):
    """Give the list; Wrong unless it has that length."""
    if not isinstance(value, list | tuple) or len(value) != length:
        raise Wrong(words)
    return list(value)


def minor(proc, access, *arguments):
    """Make an access, and give the number of minor faults that it took."""
    before = proc.getrusage().ru_minflt
    access(*arguments)
    return proc.getrusage().ru_minflt - before


def full_file(proc, path, pages):
    """Make a file all of whose pages are in memory, and give its descriptor."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    for page in range(pages):
        proc.pwrite(fd, bytes(PAGE_SIZE), page * PAGE_SIZE)
    return fd


# ── 1: five steps ───────────────────────────────────────────────────────────────────────────────────────────


def draw_steps(rng):
    """The numbers of the five steps."""
    rest, stored = rng.randint(5, 15), rng.randint(20, 40)
    pages, shift = 16 * rng.randint(3, 5) + rest, rng.randint(17 - rest, 15)
    return {"pages": pages, "shift": shift, "stored": stored, "synced": rng.randint(5, stored - 5),
            "loaded": rng.randint(5, 12), "touched": rng.randint(20, 30), "copied": rng.randint(4, 11)}


def faults_of_steps(pages, shift, stored, synced, loaded, touched, copied):
    """What the kernel counts in each step."""
    proc, counts = Kernel().spawn("student"), []

    def step(*accesses):
        counts.append(sum(minor(proc, *access) for access in accesses))

    def loads(addr, pages):
        return [(proc.load, addr + page * PAGE_SIZE) for page in pages]

    def stores(addr, pages):
        return [(proc.store, addr + page * PAGE_SIZE, b"x") for page in pages]

    fd = full_file(proc, "/data/file", pages)
    shared = proc.mmap(HOME + shift * PAGE_SIZE, pages * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, fd)
    step(*loads(shared, range(pages)))
    step(*stores(shared, range(stored)))
    proc.msync(shared, synced * PAGE_SIZE, MS_SYNC)
    step(*stores(shared, range(stored)))
    memory = proc.mmap(0, touched * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS)
    step(*loads(memory, range(loaded)), *stores(memory, range(touched)))
    private = proc.mmap(HOME << 1, pages * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, fd)
    step(*loads(private, [20]), *stores(private, range(20, 20 + copied)))
    return counts


HINTS = [
    "Step 1: where does each window begin, and where does it end, if the mapping begins at no multiple of 64 KiB?",
    "Step 2: what did the loads enter, and who wants to hear of the first store to a page?",
    "Step 3: of which pages was the right to store taken away?",
    "Step 4: what does a load of memory enter that nobody has touched, and may it be stored to?",
    "Step 5: which pages does the load enter, and what does a store to one of them need?",
]


def check_steps(work: Work):
    given = listed(work.value("faults"), 5, "`faults` is to be a list of five numbers, one for each step.")
    right = zip(given, faults_of_steps(**draw_steps(work.rng)), HINTS, strict=True)
    settle(*((1 / 5, whole(ours) and ours == theirs, hint) for ours, theirs, hint in right))


STEPS = Part(
    "steps", "predict", 3, "Five steps of a program",
    """
A file of ext4 has just been written, page by page, so all its pages are in memory. One program maps it and takes the
five steps that the next cell prints, one after another. `getrusage` is asked before and after each step; nothing else
of the program runs meanwhile. Huge pages are turned off.

Set `faults` to a list of five numbers: how many **minor faults** each step takes. (No step takes a major one.) Each
number counts alone.
""",
    setup=text(draw_steps) + '''
drawn = draw_steps(personal("ps3-steps"))
print("""The file has {pages} pages. A is a multiple of 64 KiB; so is B. All mappings may be read and written.
1. map the file MAP_SHARED at A + {shift} pages; load a byte of each of its {pages} pages, in order
2. store a byte to each of the first {stored} pages of that mapping
3. msync the first {synced} pages of it with MS_SYNC; store a byte to each of the first {stored} pages again
4. map {touched} pages of private anonymous memory; load a byte of each of the first {loaded}; then store a byte to
   each of the {touched}
5. map the file MAP_PRIVATE at B, far away; load a byte of page 20; then store a byte to each of the {copied} pages
   from page 20 on""".format(**drawn))
''',
    starter="faults = ...",
    solution='''
pages, shift = drawn["pages"], drawn["shift"]
first = 16                                  # the VMA clips the first window at its start, not at its end
second = 32 - shift                         # the second begins at the multiple of 64 KiB before page 16
windows = 2 + -(-(pages - second) // 16)
faults = [windows, drawn["stored"], drawn["synced"], drawn["loaded"] + drawn["touched"], 1 + drawn["copied"]]
''',
    example='assert len(faults) == 5, "five steps, five numbers"\n'
            'assert all(isinstance(each, int) for each in faults), "whole numbers"',
    check=check_steps,
)  # fmt: skip


# ── 2: the signal ───────────────────────────────────────────────────────────────────────────────────────────


def areas_drawn(rng):
    """Some areas, as the answer gets them: (start, end, prot, pgoff, size)."""
    areas, at = [], HOME
    for _ in range(rng.randint(2, 5)):
        at += rng.randint(0, 3) * PAGE_SIZE
        pages, pgoff = rng.randint(1, 4), rng.randint(0, 3)
        whole, part = rng.randint(pgoff, pgoff + pages) * PAGE_SIZE, rng.randint(1, PAGE_SIZE - 1)
        size = rng.choice([None, rng.randint(0, 8) * PAGE_SIZE, whole, whole + part, whole + part])
        prot = rng.choice(["", "r", "r", "w", "rw", "rw", "x", "rx"])
        areas.append((at, at + pages * PAGE_SIZE, prot, 0 if size is None else pgoff, size))
        at += pages * PAGE_SIZE
    return areas


def address_drawn(rng, areas):
    """An address: anywhere, or at one of the edges of an area or of its file."""
    start, end, _, pgoff, size = rng.choice(areas)
    file_end = start + (size or 0) - pgoff * PAGE_SIZE
    edges = [start - 1, start, end - 1, end, file_end - 1, file_end, file_end + 1, file_end + PAGE_SIZE]
    return rng.choice([*edges, rng.randrange(HOME - PAGE_SIZE, areas[-1][1] + PAGE_SIZE)])


def mapped(areas):
    """A process with those areas."""
    proc = Kernel().spawn("student")
    for number, (start, end, prot, pgoff, size) in enumerate(areas):
        bits = sum(bit for letter, bit in zip("rwx", (PROT_READ, PROT_WRITE, PROT_EXEC), strict=True) if letter in prot)
        fd, flags = -1, MAP_PRIVATE | MAP_ANONYMOUS
        if size is not None:
            fd, flags = proc.open(f"/data/{number}", O_RDWR | O_CREAT), MAP_SHARED
            proc.ftruncate(fd, size)
        proc.mmap(start, end - start, bits, flags | MAP_FIXED, fd, pgoff * PAGE_SIZE)
    return proc


def what_happens(proc, address, store):
    """The name of the signal's code, or "ok"."""
    try:
        proc.store(address, b"x") if store else proc.load(address)
    except MemoryFault as fault:
        return fault.si_name
    return "ok"


def check_signal(work: Work):
    for _ in range(16):
        areas = areas_drawn(work.rng)
        proc = mapped(areas)
        for _ in range(16):
            address, store = address_drawn(work.rng, areas), work.rng.random() < 0.5
            expected, given = what_happens(proc, address, store), work.call("outcome", areas, address, store)
            if given != expected:
                wanted = "store" if store else "load"
                raise Wrong(f"A {wanted} at {address:#x} with the areas {shown(areas)} ends otherwise: {given!r} is "
                            "not what the kernel says.")  # fmt: skip


def shown(areas):
    """Areas, with addresses that can be read."""
    return "[" + ", ".join(f"({start:#x}, {end:#x}, {rest[0]!r}, {rest[1]}, {rest[2]})"
                           for start, end, *rest in areas) + "]"  # fmt: skip


SIGNAL = Part(
    "signal", "code", 2, "Which signal?",
    """
Write `outcome(areas, address, store)`. `areas` is the list of the VMAs of a process, in order of address, each as
`(start, end, prot, pgoff, size)`:

- `start` and `end` in bytes; `end` is the first address that is no longer in it;
- `prot`: a string that holds `"r"`, `"w"`, `"x"` for what the VMA allows, for instance `"rw"` or `""`;
- `pgoff` and `size`: the area shows a file of `size` bytes from the file's page `pgoff` on; for anonymous memory
  `size` is `None`.

`address` is any address in bytes, `store` is `True` for a store and `False` for a load, of one byte, on x86. Return
what comes of it: `"ok"`, `"SEGV_MAPERR"`, `"SEGV_ACCERR"` or `"BUS_ADRERR"`. (No area is a stack, and there is always
enough memory.)
""",
    starter="def outcome(areas, address, store):\n    ...",
    solution='''
def outcome(areas, address, store):
    for start, end, prot, pgoff, size in areas:
        if start <= address < end:
            break
    else:
        return "SEGV_MAPERR"
    if not ("w" in prot if store else prot):
        return "SEGV_ACCERR"
    page = pgoff + (address - start) // 4096
    if size is not None and page >= (size + 4095) // 4096:
        return "BUS_ADRERR"
    return "ok"
''',
    example='''
areas = [(0x10000, 0x12000, "r", 0, 4096)]
assert outcome(areas, 0x10005, False) == "ok", "a load of the file's only page"
assert outcome(areas, 0x10005, True) == "SEGV_ACCERR", "a store to it"
assert outcome(areas, 0x11005, False) == "BUS_ADRERR", "a load of the next page"
''',
    check=check_signal,
)  # fmt: skip


# ── 3: the window ───────────────────────────────────────────────────────────────────────────────────────────


def window_drawn(rng, cached):
    """A VMA and a page to load: (start, end, pgoff, address)."""
    while True:
        first = rng.choice([rng.randint(0, 511), rng.randint(495, 511), 16 * rng.randint(0, 31)])
        pages, pgoff = rng.randint(1, 48), rng.randint(0, 40)
        inside = [page for page in range(pages) if pgoff + page in cached]
        if inside:
            start = HOME + (first << 12)
            return start, start + pages * PAGE_SIZE, pgoff, start + rng.choice(inside) * PAGE_SIZE


def check_window(work: Work):
    rng, proc = work.rng, Kernel().spawn("student")
    fd = proc.open("/data/file", O_RDWR | O_CREAT)
    proc.ftruncate(fd, 80 * PAGE_SIZE)
    holes = set(rng.sample(range(80), 12))
    for page in set(range(80)) - holes:
        proc.pwrite(fd, bytes(PAGE_SIZE), page * PAGE_SIZE)
    cached = [page for page, there in enumerate(proc.fincore(fd)) if there]
    for _ in range(60):
        start, end, pgoff, address = window_drawn(rng, cached)
        proc.mmap(start, end - start, PROT_READ, MAP_SHARED | MAP_FIXED, fd, pgoff * PAGE_SIZE)
        proc.load(address)
        expected = [at for at in range(start, end, PAGE_SIZE) if proc.pagemap(at).present]
        proc.munmap(start, end - start)
        if work.call("entered", start, end, pgoff, cached, address) != expected:
            missing = sorted(set(range(80)) - set(cached))
            raise Wrong(f"start {start:#x}, end {end:#x}, pgoff {pgoff}, address {address:#x}, and pages 0 to 79 of "
                        f"the file are in memory but for {missing}: the kernel enters other pages.")  # fmt: skip


WINDOW = Part(
    "window", "code", 3, "What one load enters",
    """
Write `entered(start, end, pgoff, cached, address)`. A VMA covers the bytes from `start` up to, not including, `end`,
and shows a file from the file's page `pgoff` on. Nothing has been touched yet. The program loads a byte of the page
that begins at `address` (a multiple of 4096 inside the VMA); that page is in memory. `cached` is the list of the
numbers of all the file's pages that are in memory. Give the list of the addresses of all pages that have an entry in
the page table afterwards, in order.

The window is 64 KiB. You know from lesson 6 where it begins, and what it never leaves. One more thing it never leaves
is the page table in which it begins: a page table covers 2 MiB, from a multiple of 2 MiB on.
""",
    starter="def entered(start, end, pgoff, cached, address):\n    ...",
    solution='''
def entered(start, end, pgoff, cached, address):
    first = max(address // 65536 * 65536, start)
    last = min(first + 65536, end, (first // 2**21 + 1) * 2**21)
    return [at for at in range(first, last, 4096) if pgoff + (at - start) // 4096 in cached]
''',
    example='''
K, all_pages = 1024, list(range(100))
assert entered(0, 400 * K, 0, all_pages, 80 * K) == list(range(64 * K, 128 * K, 4 * K)), "page 20 of a large VMA"
assert entered(0, 32 * K, 3, [3, 5, 9, 80], 8 * K) == [0, 8 * K, 24 * K], "only what is in memory"
''',
    check=check_window,
)  # fmt: skip


# ── 4: counting faults ──────────────────────────────────────────────────────────────────────────────────────

KINDS = {
    "anonymous": (None, MAP_PRIVATE | MAP_ANONYMOUS), "private": ("/data/file", MAP_PRIVATE),
    "shared": ("/data/file", MAP_SHARED), "tmpfs": ("/dev/shm/file", MAP_SHARED),
}  # fmt: skip


def accesses_drawn(rng, count):
    """A size in pages, and accesses to them: some again and again, some near each other."""
    pages = rng.randint(20, 60)
    near = [rng.randrange(pages) for _ in range(3)]
    some = (rng.choice([rng.randrange(pages), min(pages - 1, rng.choice(near) + rng.randint(0, 3))])
            for _ in range(count))  # fmt: skip
    return pages, [(rng.choice(["load", "store", "store"]), page) for page in some]


def faults_of(proc, kind, pages, accesses):
    """What the kernel counts."""
    path, flags = KINDS[kind]
    fd = full_file(proc, path, pages) if path else -1
    addr = proc.mmap(HOME, pages * PAGE_SIZE, RW, flags | MAP_FIXED, fd)
    before = proc.getrusage().ru_minflt
    for access, page in accesses:
        proc.store(addr + page * PAGE_SIZE, b"x") if access == "store" else proc.load(addr + page * PAGE_SIZE)
    faults = proc.getrusage().ru_minflt - before
    proc.munmap(addr, pages * PAGE_SIZE)
    if path:
        proc.ftruncate(fd, 0)
        proc.close(fd)
    return faults


def check_count(work: Work):
    words, proc = {}, Kernel().spawn("student")

    def wrong(kind, pages, accesses):
        given = work.call("count_faults", kind, pages, accesses)
        return not whole(given) or given != faults_of(proc, kind, pages, accesses)

    for count in range(2, 42, 2):
        pages, accesses = accesses_drawn(work.rng, count)
        for kind in KINDS:
            if kind not in words and wrong(kind, pages, accesses):
                some = shortest(accesses, lambda some, kind=kind, pages=pages: wrong(kind, pages, some))
                given, way = work.call("count_faults", kind, pages, some), ", ".join(f"{what} {n}" for what, n in some)
                words[kind] = f"{kind!r}, {pages} pages: {way} do not take {given!r} faults."
    settle(*((1 / 4, kind not in words, words.get(kind, "")) for kind in KINDS))


COUNT = Part(
    "count", "code", 4, "Count the faults of a program",
    """
Write `count_faults(kind, pages, accesses)`: the number of page faults that a program takes. It has one mapping of
`pages` pages, which may be read and written, begins at a multiple of 2 MiB and has not been used yet. `accesses` is a
list of `("load", n)` and `("store", n)`, one byte of page `n` of the mapping each, in the order in which the program
makes them. `kind` says what is mapped:

- `"anonymous"`: private anonymous memory
- `"private"`: a file of ext4, MAP_PRIVATE
- `"shared"`: a file of ext4, MAP_SHARED
- `"tmpfs"`: a file of tmpfs, MAP_SHARED

The file has `pages` pages, and all of them are in memory. Each kind is worth one point.
""",
    starter="def count_faults(kind, pages, accesses):\n    ...",
    solution='''
def count_faults(kind, pages, accesses):
    entries, faults = {}, 0                 # page → whether its entry may be written
    for access, page in accesses:
        if page in entries and (access == "load" or entries[page]):
            continue
        faults += 1
        if access == "store":
            entries[page] = True
        elif kind == "anonymous":
            entries[page] = False           # the zero page
        else:
            first = page // 16 * 16
            for near in range(first, min(first + 16, pages)):
                entries.setdefault(near, kind == "tmpfs")
    return faults
''',
    example='''
assert count_faults("anonymous", 20, [("load", 3), ("load", 3), ("load", 4)]) == 2, "two loads of page 3, one of page 4"
assert count_faults("shared", 20, [("load", 3), ("load", 4), ("load", 17)]) == 2, "loads of a file"
assert count_faults("tmpfs", 20, [("store", 3), ("store", 4)]) == 2, "two stores"
''',
    check=check_count,
)  # fmt: skip


# ── 5: filemap_fault ────────────────────────────────────────────────────────────────────────────────────────

RUN_FAULTS = '''
tree, dirty, result = mapping["page_tree"], set(), []
for pgoff, word in moves:
    if word == "drop":
        for each in set(tree) - dirty:
            del tree[each]
        continue
    pair = filemap_fault(mapping, pgoff)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        result = None
        break
    answer, page = pair
    result.append([answer, None if page is None else [len(page), bytes(page[:8]), bytes(page[-8:])], sorted(tree)])
    if word and page is not None:
        page[: len(word)] = word.encode()
        dirty.add(pgoff)
'''


def fault_drawn(rng):
    """A file on a disk, with holes, and what is to be done with it: (size, disk, moves)."""
    size = rng.choice([rng.randint(0, 4) * PAGE_SIZE, rng.randint(1, 4 * PAGE_SIZE)])
    blocks = -(-size // PAGE_SIZE)
    disk = {n: bytes([rng.randint(1, 255)]) * (min(PAGE_SIZE, size - n * PAGE_SIZE))
            for n in range(blocks) if rng.random() < 0.7}  # fmt: skip
    words = ["", "", "by " + chr(rng.randint(65, 90)), "drop"]
    moves = [(rng.randrange(blocks + 2), rng.choice(words)) for _ in range(20)]
    return size, {n: block.ljust(PAGE_SIZE, b"\0") for n, block in disk.items()}, moves


def file_on_disk(kernel, proc, size, disk):
    """Make a file that is on the disk, and not in memory; give its descriptor."""
    fd = proc.open("/data/file", O_RDWR | O_CREAT | O_TRUNC)
    for n, block in disk.items():
        proc.pwrite(fd, block[: size - n * PAGE_SIZE], n * PAGE_SIZE)
    proc.ftruncate(fd, size)
    proc.fsync(fd)
    kernel.drop_caches()
    return fd


def faults_told(kernel, proc, size, disk, moves):
    """What the kernel does: for each fault the answer, the page's length, begin and end, and what is in memory then."""
    fd, told = file_on_disk(kernel, proc, size, disk), []
    for pgoff, word in moves:
        if word == "drop":
            kernel.drop_caches()
            continue
        addr = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED, fd, pgoff * PAGE_SIZE)
        proc.madvise(addr, PAGE_SIZE, MADV_RANDOM)
        before, page = proc.getrusage(), None
        with suppress(MemoryFault):
            page = proc.load(addr, PAGE_SIZE)
        major = proc.getrusage().ru_majflt > before.ru_majflt
        answer = "SIGBUS" if page is None else "MAJOR" if major else "MINOR"
        ends = page and [PAGE_SIZE, page[:8], page[-8:]]
        told.append([answer, ends, [n for n, there in enumerate(proc.fincore(fd)) if there]])
        if word and page:
            proc.store(addr, word.encode())
        proc.munmap(addr, PAGE_SIZE)
    proc.close(fd)
    return told


def said(moves):
    """Moves in words."""
    return "; ".join("drop_caches" if word == "drop" else f"fault {pgoff}" + f", store {word!r}" * bool(word)
                     for pgoff, word in moves)  # fmt: skip


def check_fault(work: Work):
    kernel = Kernel()
    proc = kernel.spawn("student")
    for _ in range(15):
        size, disk, moves = fault_drawn(work.rng)
        mapping = {"i_size": size, "page_tree": {}, "disk": disk}
        told = work.probe(RUN_FAULTS, mapping=mapping, moves=moves)
        if not told:
            raise Wrong("`filemap_fault` is to return a pair, the answer and the page.")
        faults = [number for number, (_, word) in enumerate(moves, 1) if word != "drop"]
        true = faults_told(kernel, proc, size, disk, moves)
        for number, (answer, ends, tree), given in zip(faults, true, told, strict=True):
            about = f"A file of {size} bytes, of which the disk has pages {sorted(disk)}. {said(moves[:number])}"
            if given[0] != answer:
                raise Wrong(f"{about}. The kernel does not answer {given[0]!r} to the last fault.")
            if given[1] != ends:
                raise Wrong(f"{about}. The last fault gives a page with other contents, or of another length.")
            if given[2] != tree:
                raise Wrong(f"{about}. After the last fault other pages are in memory.")


FAULT = Part(
    "fault", "code", 4, "A simplified filemap_fault",
    """
Write `filemap_fault(mapping, pgoff)`, which gets a page of a file for a fault. `mapping` is a dictionary:

- `mapping["i_size"]`: the file's size in bytes;
- `mapping["page_tree"]`: the pages that are in memory, a dictionary: page number → `bytearray` of 4096 bytes;
- `mapping["disk"]`: what the disk has, a dictionary: page number → `bytes`, always 4096 of them. A page that is not
  in it is a hole, and reads as zeros.

`pgoff` is the number of the page that is wanted. Return a pair `(answer, page)`: the answer is `"SIGBUS"` (the page
is then `None`), `"MAJOR"` or `"MINOR"`; the page is the one that everybody else will meet in the page tree, too.
There is no read-ahead: get this page and no other.

The check stores to pages that you return, and drops clean pages from the tree, as `drop_caches` does.
""",
    starter="def filemap_fault(mapping, pgoff):\n    ...",
    solution='''
def filemap_fault(mapping, pgoff):
    tree = mapping["page_tree"]
    if pgoff >= -(-mapping["i_size"] // 4096):
        return "SIGBUS", None
    if pgoff in tree:
        return "MINOR", tree[pgoff]
    tree[pgoff] = bytearray(mapping["disk"].get(pgoff, bytes(4096)))
    return "MAJOR", tree[pgoff]
''',
    example='''
mapping = {"i_size": 5000, "page_tree": {}, "disk": {0: b"zero" * 1024}}
answer, page = filemap_fault(mapping, 0)
assert (answer, bytes(page[:4])) == ("MAJOR", b"zero"), "page 0 is not in memory yet"
assert filemap_fault(mapping, 0)[0] == "MINOR", "now it is"
assert filemap_fault(mapping, 2) == ("SIGBUS", None), "the file has no page 2"
''',
    check=check_fault,
)  # fmt: skip


# ── 6: who sees what ────────────────────────────────────────────────────────────────────────────────────────


def draw_who(rng):
    """Moves of A, P and B on three pages of the book, mixed: (who, what, page, word)."""
    words = rng.sample(["apple", "bread", "cocoa", "dates", "guava", "honey", "lemon", "mango", "olive", "peach"], 7)
    x, y, z = rng.sample(range(5), 3)
    lists = [
        [("P", "load", x, ""), ("A", "store", x, words[0]), ("A", "MS_ASYNC", x, ""), ("B", "write", x, words[1])],
        [("B", "write", y, words[2]), ("A", "MS_SYNC", y, ""), ("P", "store", y, words[3][:2]),
         ("A", "store", y, words[4])],
        [("P", "store", z, words[5]), ("P", "MS_SYNC", z, ""), ("B", "write", z, words[6])],
    ]
    moves = []
    while any(lists):
        moves.append(rng.choice([each for each in lists if each]).pop(0))
    return moves


def told_who(moves):
    """What A and P load in the end, and what the disk has: page → three texts."""
    kernel = Kernel()
    procs = {name: kernel.spawn(name) for name in "APB"}
    fds = {name: proc.open("/data/book.txt", O_RDWR) for name, proc in procs.items()}
    shared = {"A": MAP_SHARED, "P": MAP_PRIVATE}
    addr = {name: procs[name].mmap(0, 5 * PAGE_SIZE, RW, flags, fds[name]) for name, flags in shared.items()}
    for who, what, page, word in moves:
        proc, at = procs[who], addr.get(who, 0) + page * PAGE_SIZE
        if what == "load":
            proc.load(at)
        elif what == "store":
            proc.store(at, word.encode())
        elif what == "write":
            proc.pwrite(fds[who], word.encode(), page * PAGE_SIZE)
        else:
            proc.msync(at, PAGE_SIZE, {"MS_SYNC": MS_SYNC, "MS_ASYNC": MS_ASYNC}[what])
    disk = find_vma(procs["A"].task.mm, addr["A"]).vm_file.f_mapping.host.i_private
    seen = {}
    for page in sorted({page for _, _, page, _ in moves}):
        loads = (procs[who].load(addr[who] + page * PAGE_SIZE, 5) for who in "AP")
        seen[page] = tuple(each.decode() for each in (*loads, disk[page][:5]))
    return seen


def check_who(work: Work):
    given, expected, claims = work.value("seen"), told_who(draw_who(work.rng)), []
    if not isinstance(given, dict) or set(given) != set(expected):
        raise Wrong(f"`seen` is to be a dictionary with the pages {list(expected)}.")
    for page, right in expected.items():
        row = listed(given[page], 3, "Each page has three texts: what A loads, what P loads, what the disk has.")
        names = zip(("what A loads", "what P loads", "what the disk has"), row, right, strict=True)
        wrong = [name for name, ours, theirs in names if ours != theirs]
        claims.append((1 / 3, not wrong, f"Page {page} is otherwise: {', '.join(wrong)}."))
    settle(*claims)


WHO = Part(
    "who", "predict", 3, "Who sees what?",
    """
`/data/book.txt`, on ext4, has five pages; page *n* begins with the five letters `page0`, `page1` … A maps it
MAP_SHARED, P maps it MAP_PRIVATE, and B has opened it. The next cell prints what they do, one after another. Each
store, and each write, goes to the beginning of the page; each `msync` is of that one page of the caller's own
mapping. The kernel writes nothing to the disk of its own accord.

Set `seen` to a dictionary with three pages, as the cell prints them: page number → three texts of five letters: what
A then loads at the beginning of the page, what P loads there, and what the disk has there. One page is worth one
point.
""",
    setup=text(draw_who) + '''
moves = draw_who(personal("ps3-who"))
for who, what, page, word in moves:
    label = f"msync {what}" if what.startswith("MS_") else f"{what} {word!r} to" if word else what
    print(f"{who}: {label:18} page {page}")
print("The pages:", *sorted({page for _, _, page, _ in moves}))
''',
    starter='seen = ...                 # {0: ("what A loads", "what P loads", "what the disk has"), …}',
    solution='''
cache, copies, disk = ({page: f"page{page}" for page in range(5)} for _ in range(3))
copied = set()
for who, what, page, word in moves:
    if what == "MS_SYNC" and who == "A":
        disk[page] = cache[page]
    elif word and who == "P":
        copies[page] = word + (copies if page in copied else cache)[page][len(word):]
        copied.add(page)
    elif word:
        cache[page] = word + cache[page][len(word):]
pages = sorted({page for _, _, page, _ in moves})
seen = {page: (cache[page], (copies if page in copied else cache)[page], disk[page]) for page in pages}
''',
    example='''
assert len(seen) == 3, "three pages"
assert all(len(row) == 3 for row in seen.values()), "three texts for each page"
''',
    check=check_who,
)  # fmt: skip


# ── 7: dirty pages ──────────────────────────────────────────────────────────────────────────────────────────


def moves_drawn(rng, count):
    """Moves of two processes on a file of four pages; one of them may be killed at last."""
    moves, alive = [], ["A", "B"]
    for number in range(count):
        if number == count * 2 // 3 and rng.random() < 0.7:
            moves.append(("exit", alive.pop(rng.randrange(2))))
        first = rng.randrange(4)
        span = first, rng.randint(1, 4 - first)
        moves.append(rng.choice([
            *(("store", rng.choice(alive), first) for _ in range(4)), ("write", first),
            ("MS_SYNC", rng.choice(alive), *span), ("MS_SYNC", rng.choice(alive), *span),
            ("MS_ASYNC", rng.choice(alive), *span), ("fsync",),
        ]))  # fmt: skip
    return moves


def dirty_told(kernel, procs, moves):
    """What the kernel counts: (faults, dirty, written). `procs` are by name, and as new where one is dead."""
    for name in ("other", "A", "B"):
        if name not in procs or procs[name].exit_code is not None:
            procs[name] = kernel.spawn(name)
    other, addr, faults, written = procs["other"], {}, 0, 0
    fd = full_file(other, "/data/file", 4)
    other.fsync(fd)
    for name in "AB":
        addr[name] = procs[name].mmap(0, 4 * PAGE_SIZE, RW, MAP_SHARED, procs[name].open("/data/file", O_RDWR))
        procs[name].load(addr[name])
    for what, *arguments in moves:
        before = kernel.vmstat()["nr_dirty"]
        match what, arguments:
            case "store", [who, page]:
                faults += minor(procs[who], procs[who].store, addr[who] + page * PAGE_SIZE, b"x")
            case "write", [page]:
                other.pwrite(fd, b"y", page * PAGE_SIZE)
            case "fsync", []:
                other.fsync(fd)
            case "exit", [who]:
                procs[who].exit()
                del addr[who]
            case _, [who, first, count]:
                flags = {"MS_SYNC": MS_SYNC, "MS_ASYNC": MS_ASYNC}[what]
                procs[who].msync(addr[who] + first * PAGE_SIZE, count * PAGE_SIZE, flags)
        written += max(0, before - kernel.vmstat()["nr_dirty"])
    dirty = dirty_pages(other, fd, kernel)
    for name, at in addr.items():
        procs[name].munmap(at, 4 * PAGE_SIZE)
    return [faults, dirty, written]


def dirty_pages(proc, fd, kernel):
    """The pages that a write-back of each page alone makes clean."""
    addr, found = proc.mmap(0, 4 * PAGE_SIZE, RW, MAP_SHARED, fd), []
    for page in range(4):
        before = kernel.vmstat()["nr_dirty"]
        proc.msync(addr + page * PAGE_SIZE, PAGE_SIZE, MS_SYNC)
        found += [page] * (before - kernel.vmstat()["nr_dirty"])
    proc.munmap(addr, 4 * PAGE_SIZE)
    return found


ASKED = {
    "the number of faults": "From when on, and until when, may a process store to a page without a fault?",
    "the pages that are dirty": "What makes a page dirty, and what alone makes it clean?",
    "the number of pages written": "Which of the moves write, and which pages?",
}


def check_dirty(work: Work):
    words, kernel, procs = {}, Kernel(), {}

    def wrong(moves):
        """What of the answer is wrong, and what it says."""
        given = listed(work.call("track", moves), 3, "`track` is to return three things.")
        three = zip(ASKED, given, dirty_told(kernel, procs, moves), strict=True)
        return {what: ours for what, ours, theirs in three if repr(ours) != repr(theirs)}

    for count in range(2, 50, 2):
        moves = moves_drawn(work.rng, count)
        for what in set(wrong(moves)) - set(words):
            some = shortest(moves, lambda some, what=what: what in wrong(some))
            words[what] = f"After {some} {what}: not {wrong(some)[what]!r}. {ASKED[what]}"[:1000]
    settle(*((1 / 3, what not in words, words.get(what, "")) for what in ASKED))


DIRTY = Part(
    "dirty", "code", 3, "Dirty tracking",
    """
A file of four pages on ext4, all of them in memory and clean, is mapped by A and by B, both MAP_SHARED and both from
page 0 to page 3. Both have loaded all four pages already. Write `track(moves)`. `moves` is a list of what then
happens, in order:

- `("store", who, n)`: `who`, `"A"` or `"B"`, stores to page `n` of its mapping;
- `("write", n)`: some other process calls `write` on page `n` of the file;
- `("MS_SYNC", who, first, count)`, `("MS_ASYNC", who, first, count)`: `who` calls `msync`, with this flag, on `count`
  pages of its mapping from page `first` on;
- `("fsync",)`: some other process calls `fsync` on the file;
- `("exit", who)`: `who` is killed.

The kernel writes nothing to the disk of its own accord. Return three things, worth one point each: the number of page
faults that the stores take; the list of the pages that are dirty at the end, in order; and the number of pages that
were written to the disk (a page that is written twice counts twice).
""",
    starter="def track(moves):\n    faults, dirty, written = 0, [], 0\n    ...\n    return faults, dirty, written",
    solution='''
def track(moves):
    writable, dirty, faults, written = set(), set(), 0, 0
    for what, *rest in moves:
        if what == "store":
            who, page = rest
            if (who, page) not in writable:
                faults += 1                 # page_mkwrite hears of it
                writable.add((who, page))
                dirty.add(page)
        elif what == "write":
            dirty.add(rest[0])
        elif what in ("MS_SYNC", "fsync"):
            first, count = rest[1:] or (0, 4)
            cleaned = dirty & set(range(first, first + count))
            written += len(cleaned)
            dirty -= cleaned
            writable -= {(who, page) for who in "AB" for page in cleaned}
    return faults, sorted(dirty), written
''',
    example='''
assert list(track([("store", "A", 2), ("store", "A", 2)])) == [1, [2], 0], "two stores to one page"
assert list(track([("write", 3), ("fsync",)])) == [0, [], 1], "a write, and fsync"
''',
    check=check_dirty,
)  # fmt: skip


# ── 8: a picture ────────────────────────────────────────────────────────────────────────────────────────────


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


def check_picture(work: Work):
    faults, dropped, kilobytes = picture_told(work.rng)
    settle(
        (1 / 3, pages_are(work.value("faults"), faults), "`faults`: which entries of A allow a store?"),
        (1 / 3, pages_are(work.value("dropped"), dropped),
         "`dropped`: which pages of the cache does the disk have as they are, and nobody's entry leads to?"),
        (1 / 3, whole(work.value("kilobytes")) and work.value("kilobytes") == kilobytes,
         "`kilobytes`: how many pages of the cache does an entry lead to, whoever's it is, and how large is a page?"),
    )  # fmt: skip


def pages_are(given, pages):
    """Tell whether what is given are these pages, in any order."""
    return isinstance(given, list | tuple | set) and len(given) == len(pages) and set(given) == set(pages)


PICTURE = Part(
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
    check=check_picture,
)  # fmt: skip


# ── 9: a copy program ───────────────────────────────────────────────────────────────────────────────────────


def prepared(kernel, size, old):
    """Put the source, and an older target of `old` bytes (None: there is none), on a machine's disk."""
    proc = kernel.spawn("shell")
    for path, length in (("/data/source", size), ("/data/target", old)):
        if length is not None:
            fd = proc.open(path, O_RDWR | O_CREAT)
            proc.pwrite(fd, random.Random(f"{path} {length}").randbytes(length), 0)
            proc.fsync(fd)
            proc.close(fd)
    kernel.drop_caches()
    return proc


RUN_COPY = text(prepared) + '''
import random
from mmlab.coursework.programs import MEMORY, record

def program(machine):
    copy(machine.spawn("copy"), "/data/source", "/data/target", limit)

kernel = Kernel(mem=MEMORY)
prepared(kernel, size, old)
result = record(program, kernel=kernel, ends=())
'''
COPYING = {"spawn", "open", "close", "fstat", "ftruncate", "mmap", "munmap", "madvise", "msync", "fsync", "memcpy",
           "load", "store"}  # fmt: skip


def inode_of(kernel, path):
    """The file of that path."""
    proc = kernel.spawn("ls")
    addr = proc.mmap(0, PAGE_SIZE, PROT_READ, MAP_SHARED, proc.open(path, O_RDWR))
    return find_vma(proc.task.mm, addr).vm_file.f_mapping.host


def copied(calls, size, old, limit):
    """Make the calls of a copy program again; tell (is it a copy, was little mapped, is it on the disk)."""
    kernel = Kernel(mem=MEMORY)
    shell, sizes = prepared(kernel, size, old), [0]
    for _ in replay(kernel, calls):
        files = [vma for task in kernel.machine.tasks.values() for vma in vmas(task.mm)
                 if vma.vm_file and vma.vm_file.f_mapping.host.label in ("source", "target")]  # fmt: skip
        sizes.append(sum(vma.vm_end - vma.vm_start for vma in files))
    source, target = (shell.open(f"/data/{name}", O_RDWR | O_CREAT) for name in ("source", "target"))
    data = random.Random(f"/data/source {size}").randbytes(size)
    same = shell.pread(target, size + PAGE_SIZE, 0) == shell.pread(source, size + PAGE_SIZE, 0) == data
    blocks = inode_of(kernel, "/data/target").i_private or {}
    disk = b"".join(bytes(blocks.get(n, bytes(PAGE_SIZE))) for n in range(-(-size // PAGE_SIZE)))[:size]
    return same, max(sizes) <= limit and sizes[-1] == 0, disk == data


def check_copy(work: Work):
    rng, claims = work.rng, [True] * 3
    sizes = [0, rng.randint(1, 9) * PAGE_SIZE, rng.randint(1, PAGE_SIZE), *(rng.randint(1, 50_000) for _ in range(3))]
    for case, size in enumerate(sizes):
        old = [None, size + rng.randint(1, 3 * PAGE_SIZE), rng.randint(0, 12 * PAGE_SIZE)][case % 3]
        limit = 6 * PAGE_SIZE if case == 2 else 2 * rng.randint(1, 3) * PAGE_SIZE
        calls = work.probe(RUN_COPY, size=size, old=old, limit=limit)
        strange = {name for _, name, _, _ in calls} - COPYING
        if strange:
            raise Wrong(f"`{sorted(strange)[0]}` is not one of the calls that the program may make.")
        now = copied(calls, size, old, limit)
        if not now[0]:
            raise Wrong(f"A source of {size} bytes, a target of {old} bytes before, and at most {limit} bytes mapped: "
                        "afterwards the target is not equal to the source.")  # fmt: skip
        claims = [before and each for before, each in zip(claims, now, strict=True)]
    settle(
        (0.5, claims[0], ""),
        (0.25, claims[1], "More than `limit` bytes of the two files were mapped at some time, or some still are at the "
                          "end."),
        (0.25, claims[2], "A power cut just after `copy` has returned would lose a part of the copy."),
    )  # fmt: skip


COPY = Part(
    "copy", "code", 4, "A copy program with bounded memory",
    """
Write `copy(proc, source, target, limit)`: a program that copies the file `source` to the file `target` (two paths)
through mappings. `proc` is a `Process`. Both files are on ext4; neither is mapped or used by anybody else.

- Two points: afterwards `target` has the bytes and the size of `source`, whatever these are. It may be missing
  before, or be a longer or a shorter file.
- One point: at no time are more than `limit` bytes of the two files mapped, both together. `limit` is a multiple of
  8192, and 8192 at least; a mapping counts in whole pages. In the end neither of them is mapped any more.
- One point: when `copy` returns, a power cut would lose nothing of the copy.

The program may call `open`, `close`, `fstat`, `ftruncate`, `mmap`, `munmap`, `madvise`, `msync`, `fsync`, `memcpy`,
`load` and `store` of `proc`, and nothing else of the machine. The calls that it makes are made again on another
machine, and judged there.
""",
    starter="def copy(proc, source, target, limit):\n    ...",
    solution='''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT | O_TRUNC)
    size, step = proc.fstat(src).st_size, limit // 2
    proc.ftruncate(dst, size)
    for at in range(0, size, step):
        n = min(step, size - at)
        a = proc.mmap(0, n, PROT_READ, MAP_SHARED, src, at)
        b = proc.mmap(0, n, PROT_READ | PROT_WRITE, MAP_SHARED, dst, at)
        proc.memcpy(b, a, n)
        proc.munmap(a, n)
        proc.munmap(b, n)
    proc.fsync(dst)
    proc.close(src)
    proc.close(dst)
''',
    example='''
proc = Kernel().spawn("me")
copy(proc, "/data/book.txt", "/data/copy.txt", 16384)
texts = [proc.pread(proc.open(path, O_RDWR | O_CREAT), 20000, 0) for path in ("/data/book.txt", "/data/copy.txt")]
assert texts[0] == texts[1], "the copy of /data/book.txt is not equal to it"
''',
    check=check_copy,
)  # fmt: skip


# ── 10: a bug ───────────────────────────────────────────────────────────────────────────────────────────────

CLAIMS = [  # in the order of the bugs' names, which are the mutants'
    "A load of a file's page enters that page and those after it, but none before it.",
    "msync with MS_ASYNC writes pages to the disk.",
    "After msync with MS_SYNC a page's entries still allow stores: nobody hears of the next one.",
    "When a file is cut, private copies of pages past its new end stay.",
    "drop_caches drops dirty pages, too: what was written is lost.",
    "The last page of a file, if the file fills only a part of it, gives SIGBUS when the disk has to be read for it.",
    "The first store to a page of a private mapping changes the file.",
    "A load of private anonymous memory that nobody has stored to takes a page of its own.",
]
NAMES = ["around", "async", "clean", "copies", "drop", "last", "private", "zero"]


def check_bug(work: Work):
    bug = drawn_bug("ps3-bug", work.rng)
    letters = draw_claims(work.rng, CLAIMS)
    named = letters.get(work.value("bug")) == CLAIMS[NAMES.index(bug)]
    differs = witnessed(work, "ps3-bug", bug)
    settle(
        (0.5, named, "`bug`: another claim is true of your machine."),
        (0.5, differs, "`witness`: each of its calls gives the same on both machines."),
    )


BUG = Part(
    "bug", "bug", 4, "A kernel with a bug",
    """
`machine` is a machine like those that `Kernel()` gives, but its kernel has **one bug**. The next cell prints eight
claims; one of them is true of this machine (and none of an honest kernel). Try things on `machine` and on `Kernel()`,
and compare. For an unused machine with the same bug call `new_machine()`.

- Two points: set `bug` to the letter of the claim, `"A"` to `"H"`.
- Two points: write `witness(kernel)`, a program of at most 12 calls, from `kernel.spawn` on, whose calls give
  something else on this machine than on an honest one: another value, or an error or a signal for one and not for the
  other. What counts are the calls of `kernel` (`spawn`, `drop_caches`, `meminfo`, `vmstat`) and of its processes
  (those on files and on memory, `pagemap`, `fincore`, `getrusage`, `maps`, `smaps`, `fork`, `exit`). Whether
  `witness` returns anything does not matter, and it need not compare anything.
""",
    setup="from mmlab.coursework.checks import draw_claims\nfrom mmlab.coursework.mutants import mutant\n"
          + "from mmlab.coursework.programs import record, replay\n\nCLAIMS = [\n"
          + "".join(f'    "{claim}",\n' for claim in CLAIMS) + ''']

def new_machine():
    return mutant("ps3-bug", personal("ps3-bug"))

rng = personal("ps3-bug")
machine = mutant("ps3-bug", rng)
claims = draw_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{letter}: {claim}")
''',
    starter='bug = None               # a letter\n\ndef witness(kernel):\n    proc = kernel.spawn("witness")\n    ...',
    solution='''
def book(kernel, flags):
    proc = kernel.spawn("witness")
    fd = proc.open("/data/book.txt", O_RDWR)
    return proc, fd, proc.mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, flags, fd)

def loaded(proc, addr):
    try:
        return proc.load(addr)
    except MemoryFault as fault:
        return fault.signal

def around(kernel):
    proc = kernel.spawn("witness")
    fd = proc.open("/data/new", O_RDWR | O_CREAT)
    proc.pwrite(fd, bytes(20 * 4096), 0)
    addr = proc.mmap(1 << 40, 20 * 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd)
    proc.load(addr + 5 * 4096)
    return proc.pagemap(addr)

def async_(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    proc.store(addr, b"X")
    before = kernel.meminfo()["Dirty"]
    proc.msync(addr, 4096, MS_ASYNC)
    return kernel.meminfo()["Dirty"] - before

def clean(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    proc.store(addr, b"X")
    proc.msync(addr, 4096, MS_SYNC)
    before = proc.getrusage().ru_minflt
    proc.store(addr, b"Y")
    return proc.getrusage().ru_minflt - before

def copies(kernel):
    proc, fd, addr = book(kernel, MAP_PRIVATE)
    proc.store(addr + 2 * 4096, b"X")
    proc.ftruncate(fd, 4096)
    return loaded(proc, addr + 2 * 4096)

def drop(kernel):
    proc, fd, _ = book(kernel, MAP_SHARED)
    proc.pwrite(fd, b"X", 0)
    kernel.drop_caches()
    return proc.pread(fd, 1, 0)

def last(kernel):
    proc, _, addr = book(kernel, MAP_SHARED)
    return loaded(proc, addr + 4 * 4096)

def private(kernel):
    proc, fd, addr = book(kernel, MAP_PRIVATE)
    proc.store(addr, b"X")
    return proc.pread(fd, 1, 0)

def zero(kernel):
    proc = kernel.spawn("witness")
    addr = proc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.load(addr)
    return proc.pagemap(addr)

tries = dict(zip(CLAIMS, [around, async_, clean, copies, drop, last, private, zero], strict=True))
(bug,) = [letter for letter, claim in claims.items() if tries[claim](Kernel()) != tries[claim](new_machine())]
witness = tries[claims[bug]]
''',
    example='''
assert bug in list("ABCDEFGH"), "`bug` is not a letter from A to H yet"
calls = record(witness)
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "no call of witness gives another value"
''',
    check=check_bug,
)  # fmt: skip


PROBLEMS = ProblemSet(
    "ps3_faults", "Problem set 3: page faults and the page cache", ["06_page_fault", "07_page_cache"],
    "When the kernel is called for a load or a store, what it then does to the page table, and where the bytes of a "
    "file are meanwhile.",
    [STEPS, SIGNAL, WINDOW, COUNT, FAULT, WHO, DIRTY, PICTURE, COPY, BUG],
)  # fmt: skip
