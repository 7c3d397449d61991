"""filemap_fault over plain data: minor, major, or SIGBUS."""

from contextlib import suppress

from mmlab import MADV_RANDOM, MAP_SHARED, O_CREAT, O_RDWR, O_TRUNC, PAGE_SIZE, Kernel, MemoryFault
from mmlab.coursework.checks import RW
from mmlab.coursework.problem import Part, Work, Wrong

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


def check(work: Work):
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


PART = Part(
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
    check=check,
)  # fmt: skip
