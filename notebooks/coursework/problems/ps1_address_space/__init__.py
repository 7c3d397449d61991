"""Problem set 1: an address space, and the call that changes it (lessons 01 and 02).

What draws a student's numbers stands here once: the locked cells hold its text, the checks call it.
"""

from errno import errorcode
from inspect import getsource
from itertools import product

import mmlab
from mmlab import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_GROWSDOWN,
    MAP_LOCKED,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_STACK,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    Kernel,
    SegmentationFault,
    map_names,
    prot_names,
)
from mmlab.check import vmas
from mmlab.coursework.mutants import drawn_bug, infected
from mmlab.coursework.problem import Part, ProblemSet, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay
from mmlab.include.mm import VM_ACCOUNT, vm_flag_names
from mmlab.mm.vma import find_vma
from mmlab.views.tree import search

HERE = 0x10000000000  # far from everything that exec maps
ANON, RW = MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE
CONSTANTS = "HERE, ANON, RW = 0x10000000000, MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE\n"


def listing(name, texts):
    """A list of texts, as it stands in a cell."""
    return f"{name} = [\n" + "".join(f'    "{text}",\n' for text in texts) + "]\n"


# ── where is the byte? ──────────────────────────────────────────────────────────────────────────────────────


def drawn_pieces(rng):
    """A page, and pieces of two files, mapped one above the other: (file, its first page, how many)."""
    page, near = rng.randint(20, 60), rng.randint(2, 6)
    pieces = [
        ("book.txt", page - near, near), ("book.txt", page + rng.randint(1, 3), 4),
        ("book.txt", page - rng.randint(1, 4), rng.randint(5, 8)),
        ("book.txt", page - rng.randint(5, 9), rng.randint(10, 12)),
        ("copy.txt", page - rng.randint(1, 4), rng.randint(5, 8)),
    ]  # fmt: skip
    rng.shuffle(pieces)
    return page, pieces


def mapped_pieces(pieces):
    """A process that has mapped the pieces."""
    proc, at = Kernel().spawn("reader"), HERE
    for name, first, pages in pieces:
        fd = proc.open(f"/data/{name}", O_RDWR | O_CREAT)
        proc.mmap(at, pages * 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, first * 4096)
        at += (pages + 1 + first % 3) * 4096
    return proc


def check_places(work: Work):
    page, pieces = drawn_pieces(work.rng)
    places = [
        vma.vm_start + (page - vma.vm_pgoff) * PAGE_SIZE
        for vma in vmas(mapped_pieces(pieces).task.mm)
        if vma.vm_file and vma.vm_file.f_path.d_name == "book.txt"
        and vma.vm_pgoff <= page < vma.vm_pgoff + (vma.vm_end - vma.vm_start) // PAGE_SIZE
    ]  # fmt: skip
    answer = work.value("addresses", list)
    if not answer or not set(answer) <= set(places):
        raise Wrong("Something else is at one of these addresses. Which byte of which file lies at a line's start?")
    if answer != places:
        raise Wrong("The byte is at these addresses, but that is not yet the list that was asked for.", 1 / 2)


PLACES = Part(
    "places", "predict", 2, "Where is the byte?",
    """
A process has mapped pieces of two files. The cell prints these lines of its `/proc/PID/maps`, and a byte of
`book.txt`. At which addresses can the process load this byte?

Answer with `addresses`: a list of `int`, in rising order. (Half the points if the list is right but not complete.)
""",
    setup=f"""
HERE = 0x10000000000

{getsource(drawn_pieces)}

{getsource(mapped_pieces)}

page, pieces = drawn_pieces(personal("ps1-places"))
lines = [line for line in mapped_pieces(pieces).maps().splitlines() if line.startswith("100")]
byte = page * 4096
print(*lines, f"Where is byte {{byte:#x}} of book.txt?", sep="\\n")
""",
    starter="addresses = [...]",
    solution="""
addresses = []
for line in lines:
    start, end = (int(text, 16) for text in line.split()[0].split("-"))
    offset = int(line.split()[2], 16)
    if line.endswith("/book.txt") and offset <= byte < offset + (end - start):
        addresses.append(start + (byte - offset))
""",
    example="""
if ... in addresses:
    raise NotImplementedError
assert all(isinstance(addr, int) for addr in addresses), "a list of int"
assert addresses == sorted(addresses), "in rising order"
assert all(0 <= addr - HERE < 100 * 4096 for addr in addresses), "each address is one of those in the lines"
""",
    check=check_places,
)  # fmt: skip


# ── read /proc/PID/maps ─────────────────────────────────────────────────────────────────────────────────────

COLUMNS = (("start", "end"), ("perms", "offset", "dev", "inode"), ("name",))


def busy_process(rng):
    """A process with files of all sorts of names mapped, some of them deleted."""
    proc = Kernel().spawn("reader")
    names = ["my notes.txt", "two  blanks.txt", "plain.txt", "0.txt", "x (deleted)"]
    for _ in range(rng.randint(1, 9)):
        proc.open(f"/data/{rng.random()}", O_RDWR | O_CREAT)  # the next inode's number is larger
    for name in rng.sample(names, len(names)):
        path = f"/data/{name}"
        fd = proc.open(path, O_RDWR | O_CREAT)
        prot = rng.choice([PROT_NONE, PROT_READ, RW, PROT_READ | PROT_EXEC])
        kind, pages = rng.choice([MAP_SHARED, MAP_PRIVATE]), rng.randint(1, 40)
        proc.mmap(0, pages * PAGE_SIZE, prot, kind, fd, rng.randint(10, 99) * PAGE_SIZE)
        if rng.random() < 0.5:
            proc.unlink(path)
    proc.mmap(HERE, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    proc.mmap(0, 3 * PAGE_SIZE, PROT_READ, ANON)
    return proc


def areas_of(proc):
    """What the kernel's objects say of each line; the name as maps has it."""
    found = []
    for vma, line in zip(vmas(proc.task.mm), str(proc.maps()).splitlines(), strict=True):
        file = vma.vm_file
        major, minor = file.f_path.d_inode.i_sb.s_dev if file else (0, 0)
        found.append({
            "start": vma.vm_start, "end": vma.vm_end, "perms": vma.perms, "dev": f"{major:02x}:{minor:02x}",
            "offset": vma.vm_pgoff * PAGE_SIZE if file else 0, "inode": file.f_path.d_inode.i_ino if file else 0,
            "name": line[73:],
        })  # fmt: skip
    return found


def check_parse(work: Work):
    right = set(COLUMNS)
    for _ in range(5):
        proc = busy_process(work.rng)
        answer, expected = work.call("parse_maps", str(proc.maps()), kind=list), areas_of(proc)
        if len(answer) != len(expected):
            raise Wrong(f"A text of {len(expected)} lines gave {len(answer)} dicts.")
        for columns in COLUMNS:
            if any(mine[name] != his.get(name) or type(mine[name]) is not type(his[name])
                   for mine, his in zip(expected, answer, strict=True) for name in columns):  # fmt: skip
                right.discard(columns)
    if len(right) < len(COLUMNS):
        missed = [name for columns in COLUMNS if columns not in right for name in columns]
        raise Wrong(f"One of these is not right in every line: {', '.join(missed)}.", len(right) / len(COLUMNS))


PARSE = Part(
    "parse", "code", 3, "Read /proc/PID/maps",
    """
Write `parse_maps(text)`, where `text` is what `/proc/PID/maps` of some process holds. It returns a list with one
`dict` for each line, in order, with these keys:

| key | type | what |
|---|---|---|
| `"start"`, `"end"` | `int` | the first address, and the first one after the range |
| `"perms"` | `str` | four letters, as in the line |
| `"offset"` | `int` | in bytes |
| `"dev"` | `str` | as in the line, such as `"fe:00"` |
| `"inode"` | `int` | the number in this column, which, unlike the others, is decimal |
| `"name"` | `str` | the name exactly as it stands there, or `""` |

A file's name can hold blanks, also several in a row. One point for `start` and `end`, one for the next four keys,
one for `name`; each has to be right in every line.
""",
    starter="def parse_maps(text):\n    ...",
    solution="""
def parse_maps(text):
    areas = []
    for line in text.splitlines():
        range_, perms, offset, dev, inode, *name = line.split(None, 5)
        start, end = range_.split("-")
        areas.append({
            "start": int(start, 16), "end": int(end, 16), "perms": perms, "offset": int(offset, 16), "dev": dev,
            "inode": int(inode), "name": name[0] if name else "",
        })
    return areas
""",
    example="""
text = "10000000-10003000 r--p 00012000 fe:00 31                                 /data/a file\\n"
answer = parse_maps(text + "10003000-10004000 rw-p 00000000 00:00 0 \\n")
if answer is None:
    raise NotImplementedError
expected = {"start": 0x10000000, "end": 0x10003000, "perms": "r--p", "offset": 0x12000, "dev": "fe:00", "inode": 31}
assert answer[0] == expected | {"name": "/data/a file"}, f"the first line is not {answer[0]}"
assert answer[1]["name"] == "", "the second line has no name"
""",
    check=check_parse,
)  # fmt: skip


# ── which lines are left? ───────────────────────────────────────────────────────────────────────────────────


def drawn_calls(rng):
    """Five calls on a few pages: (call, first page, pages, prot)."""
    a, b = rng.randint(2, 4), rng.randint(4, 6)
    c, d = a + b + rng.randint(1, 3), rng.randint(1, 2)
    n, back = c + d + rng.randint(1, 3), rng.randint(1, 3)
    calls = [
        ("mprotect", a, b, "PROT_READ"), ("munmap", c, d, ""),
        ("mprotect", a + rng.choice([0, b - back]), back, "RW"), ("mmap", n, rng.randint(1, 4), "RW"),
    ]  # fmt: skip
    calls.insert(rng.randint(0, 4), calls.pop())
    return [("mmap", 0, n, "RW"), *calls]


def lines_left(calls):
    """The lines at HERE after the calls: (first page, page after the last, permissions)."""
    proc, found = Kernel().spawn("student"), []
    for call, first, pages, prot in calls:
        where = HERE + first * PAGE_SIZE, pages * PAGE_SIZE
        prot = PROT_READ if prot == "PROT_READ" else RW
        if call == "munmap":
            proc.munmap(*where)
        elif call == "mprotect":
            proc.mprotect(*where, prot)
        else:
            proc.mmap(*where, prot, ANON | MAP_FIXED)
    for line in str(proc.maps()).splitlines():
        start, end = (int(text, 16) - HERE for text in line.split()[0].split("-"))
        if 0 <= start < 1 << 30:
            found.append((start // PAGE_SIZE, end // PAGE_SIZE, line.split()[1]))
    return found


def page_by_page(lines):
    """What each page may be used for."""
    return {page: perms for first, end, perms in lines for page in range(first, min(end, first + 100))}


def check_lines(work: Work):
    expected = lines_left(drawn_calls(work.rng))
    answer = [tuple(line) for line in work.value("lines", list)]
    if answer == expected:
        return
    if page_by_page(answer) == page_by_page(expected):
        raise Wrong("Every page has its permissions, but the lines are others. When do neighbours stay two?", 1 / 3)
    raise Wrong("Take a page from each of your lines: is it mapped after the last call, and with these permissions? "
                "Is there a page that is in none of your lines, but mapped?")  # fmt: skip


LINES = Part(
    "lines", "predict", 3, "Which lines are left?",
    """
A process makes the calls that the cell prints, one after another; all succeed. `A` is an address far from everything
else, `RW` is `PROT_READ | PROT_WRITE`, and every `mmap` has the flags `MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED`. No
page is touched. Which lines does `/proc/PID/maps` then have for these addresses?

Answer with `lines`: a list with a tuple for each line, in order: `(first, end, permissions)`, where `first` and `end`
are pages counted from `A` (`end`: the one after the last), and `permissions` are the four letters. A mapping of two
readable pages at `A` would be `[(0, 2, "r--p")]`.

(A third of the points if every page has the right permissions, but lines are split or joined wrongly.)
""",
    setup=f"""
{getsource(drawn_calls)}

calls = drawn_calls(personal("ps1-lines"))
for call, first, pages, prot in calls:
    print(f"{{call}}(A + {{first}} * 4096, {{pages}} * 4096{{prot and ', ' + prot}})")
""",
    starter="lines = [...]",
    solution="""
proc, A = Kernel().spawn("student"), 0x10000000000
for call, first, pages, prot in calls:
    where = A + first * 4096, pages * 4096
    prot = PROT_READ if prot == "PROT_READ" else PROT_READ | PROT_WRITE
    if call == "munmap":
        proc.munmap(*where)
    elif call == "mprotect":
        proc.mprotect(*where, prot)
    else:
        proc.mmap(*where, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
lines = []
for line in proc.maps().splitlines():
    start, end = (int(text, 16) - A for text in line.split()[0].split("-"))
    if 0 <= start < 1 << 20:
        lines.append((start // 4096, end // 4096, line.split()[1]))
""",
    example="""
if ... in lines:
    raise NotImplementedError
for first, end, permissions in lines:
    assert first < end, f"({first}, {end}) is no range"
    assert len(permissions) == 4, "permissions have four letters"
assert all(one[1] <= two[0] for one, two in zip(lines, lines[1:])), "in order, and no page twice"
""",
    check=check_lines,
)  # fmt: skip


# ── the tree ────────────────────────────────────────────────────────────────────────────────────────────────


def drawn_space(rng):
    """A process with some pages mapped far apart, and an address in a hole between them."""
    proc = Kernel().spawn("cat")
    for page in rng.sample(range(2, 60, 3), 10):
        proc.mmap(0x10000000000 + page * 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    lows = [vma.vm_prev for vma in vmas(proc.task.mm) if vma.rb_left and vma.vm_prev.vm_start >> 40 == 1]
    return proc, rng.choice(lows).vm_end + rng.randint(16, 4000)


def check_tree(work: Work):
    proc, addr = drawn_space(work.rng)
    mm = proc.task.mm
    vma = find_vma(mm, addr)
    looked = work.value("looked") == [vma.name for vma in search(mm, addr)]
    gives = work.value("gives") == (vma.name if vma else None)
    if not looked:
        raise Wrong("The way is another. At each node compare the address with that VMA's two ends: which way "
                    "then, and when is it over?", gives / 2)  # fmt: skip
    if not gives:
        raise Wrong("This is the way; but find_vma gives another VMA. It remembers one of those that it passes.", 1 / 2)


TREE = Part(
    "tree", "diagram", 2, "The way through the tree",
    """
The picture shows the VMAs of a process, as lesson 01 did: the tree on its side at the left, its root leftmost; the
list at the right. The kernel calls `find_vma(mm, addr)` with the address that is printed.

Read from the picture: at which VMAs does it look, in which order, and which one does it give? Answer with `looked`, a
list of names such as `["vma#5", "vma#7"]`, and `gives`, a name, or `None` for NULL. One point each.
""",
    setup=f"""
from mmlab.check import vmas
from mmlab.views import vma_tree

{getsource(drawn_space)}

proc, addr = drawn_space(personal("ps1-tree"))
print(f"find_vma(mm, {{addr:#x}})")
picture = vma_tree(proc)
picture
""",
    starter="looked = [...]\ngives = ...",
    solution="""
from mmlab.mm.vma import find_vma
from mmlab.views.tree import search

looked = [vma.name for vma in search(proc.task.mm, addr)]
gives = find_vma(proc.task.mm, addr).name
""",
    example="""
if ... in looked or gives is ...:
    raise NotImplementedError
names = set(str(picture).split())
assert all(name in names for name in looked), "a VMA of the picture is written as vma#5"
assert gives is None or gives in names, "gives: a VMA of the picture, or None"
""",
    check=check_tree,
)  # fmt: skip


# ── find_vma ────────────────────────────────────────────────────────────────────────────────────────────────


def random_pages(rng):
    """A process with eight areas at HERE, each with other permissions; some are side by side."""
    proc, at = Kernel().spawn("cat"), HERE
    for prot in rng.sample(range(8), 8):
        at += rng.choice([0, 1, 1, 2]) * PAGE_SIZE
        length = rng.randint(1, 3) * PAGE_SIZE
        proc.mmap(at, length, prot, ANON | MAP_FIXED)
        at += length
    return proc


def as_tuples(vma):
    """The tree below a VMA, as the answer gets it."""
    return vma and (vma.vm_start, vma.vm_end, as_tuples(vma.rb_left), as_tuples(vma.rb_right))


def edges(proc):
    """The first and the last byte of each VMA at HERE, and what lies beside them."""
    ends = (at for vma in vmas(proc.task.mm) if vma.vm_start >> 40 == 1 for at in (vma.vm_start, vma.vm_end))
    return sorted({at + by for at in ends for by in (-1, 0, 1)})


def check_find(work: Work):
    if work.call("find", None, HERE) != (None, 0):
        raise Wrong("In an empty tree there is nothing to find, and nothing to look at.")
    miscounted = None
    for _ in range(3):
        mm = (proc := random_pages(work.rng)).task.mm
        for addr in [0, *work.rng.sample(edges(proc), 25), 1 << 46, 1 << 47]:
            vma = find_vma(mm, addr)
            area, looked = work.call("find", as_tuples(mm.mm_rb.rb_node), addr, kind=tuple)
            if area != (vma and (vma.vm_start, vma.vm_end)):
                raise Wrong(f"For {addr:#x}, `find` gives {shown(area)}; the kernel's find_vma gives another answer "
                            f"in an address space of {shown_areas(mm)}.")  # fmt: skip
            if looked != len(search(mm, addr)) or type(looked) is not int:
                miscounted = f"{addr:#x} in {shown_areas(mm)}: it looks at another number of VMAs than {looked!r:.20}."
    if miscounted:
        raise Wrong(f"The VMA is always right, but not the count. An example: {miscounted}", 2 / 3)


def shown(area):
    """An area as maps has it."""
    return f"{area[0]:x}-{area[1]:x}" if isinstance(area, tuple) and len(area) > 1 else repr(area)[:60]


def shown_areas(mm):
    """The areas at HERE in words."""
    return ", ".join(f"{vma.vm_start:x}-{vma.vm_end:x}" for vma in vmas(mm) if vma.vm_start >> 40 == 1)


FIND = Part(
    "find", "code", 3, "find_vma",
    """
Write `find(tree, addr)`: what `find_vma` does. `tree` is the red-black tree of the VMAs: `None` if it is empty, or
`(start, end, left, right)`, where `left` and `right` are trees again, and all VMAs in `left` lie below `start`, all in
`right` at `end` or above it.

Return a tuple `(area, looked)`: `area` is the `(start, end)` of the VMA that `find_vma` gives for `addr`, or `None` for
NULL; `looked` says at how many VMAs of the tree it looked on its way. (A VMA whose start and end are both compared with
`addr` counts once. One of the three points is for `looked`.)
""",
    starter="def find(tree, addr):\n    ...",
    solution="""
def find(tree, addr):
    area, looked = None, 0
    while tree:
        start, end, left, right = tree
        looked += 1
        if end <= addr:
            tree = right
        else:
            area, tree = (start, end), left if addr < start else None
    return area, looked
""",
    example="""
tree = (0x5000, 0x8000, (0x1000, 0x2000, None, None), (0x9000, 0xA000, None, None))
answer = find(tree, 0x5000)
if answer is None:
    raise NotImplementedError
assert answer == ((0x5000, 0x8000), 1), "0x5000 is in the VMA at the root"
assert find(tree, 0x1FFF) == ((0x1000, 0x2000), 2), "0x1fff is in the VMA left of the root"
assert find(tree, 0xB000) == (None, 2), "no VMA ends after 0xb000"
""",
    check=check_find,
)  # fmt: skip


# ── how does an access end? ─────────────────────────────────────────────────────────────────────────────────


def ended(proc, addr, access):
    """How an access of one byte ends."""
    try:
        if access == "load":
            proc.load(addr)
        else:
            proc.store(addr, b"!")
    except SegmentationFault as fault:
        return fault.si_name
    return "ok"


def check_access(work: Work):
    for _ in range(2):
        proc = random_pages(work.rng)
        areas = [(vma.vm_start, vma.vm_end, vma.perms[:3]) for vma in vmas(proc.task.mm) if vma.vm_start >> 40 == 1]
        for addr, access in product(edges(proc), ("load", "store")):
            answer = work.call("access", areas, addr, access, kind=str)
            if answer != ended(proc, addr, access):
                inside = [f"{shown(area)} {area[2]}" for area in areas if area[0] <= addr < area[1]]
                raise Wrong(f"A {access} at {addr:#x} does not end with {answer[:40]!r}. The address is in "
                            f"{inside[0] if inside else 'no area'}.")  # fmt: skip


ACCESS = Part(
    "access", "code", 2, "How does an access end?",
    """
Write `access(areas, addr, kind)`. `areas` is a list of `(start, end, permissions)` in order, `permissions` being three
letters such as `"r-x"`; `kind` is `"load"` or `"store"`. How does such an access to the one byte at `addr` end? Return
`"ok"`, `"SEGV_MAPERR"` or `"SEGV_ACCERR"`.

None of the areas is a stack, and no file ends within one. On x86-64 memory can be loaded from if it has at least one of
the three permissions, whichever it is; a store needs `w` and nothing else.
""",
    starter="def access(areas, addr, kind):\n    ...",
    solution="""
def access(areas, addr, kind):
    for start, end, permissions in areas:
        if start <= addr < end:
            allowed = "w" in permissions if kind == "store" else permissions != "---"
            return "ok" if allowed else "SEGV_ACCERR"
    return "SEGV_MAPERR"
""",
    example="""
areas = [(0x1000, 0x3000, "r-x"), (0x5000, 0x6000, "---")]
answer = access(areas, 0x1800, "load")
if answer is None:
    raise NotImplementedError
assert answer == "ok", "0x1800 may be read"
assert access(areas, 0x1800, "store") == "SEGV_ACCERR", "0x1800 may not be written"
assert access(areas, 0x800, "load") == "SEGV_MAPERR", "nothing is mapped at 0x800"
""",
    check=check_access,
)  # fmt: skip


# ── where does it go? ───────────────────────────────────────────────────────────────────────────────────────

LOWEST, END = 0x10000, 0x7FFFFFFFF000


def holey_process(rng):
    """A process that is not root, with holes of a few pages in what it has mapped high, and some pages at HERE."""
    proc = random_pages(rng)
    start = proc.mmap(0, 60 * PAGE_SIZE, PROT_READ, ANON)
    at = start
    while at < start + 40 * PAGE_SIZE:
        length = rng.randint(1, 5) * PAGE_SIZE
        proc.munmap(at, length)
        at += length + rng.randint(1, 6) * PAGE_SIZE
    proc.setuid(1000)
    return proc


def hints(rng, areas):
    """Hints of all sorts: free, taken, half free, unaligned, low, and beyond the end."""
    here = [at for start, end in areas if start >> 40 == 1 for at in (start, end, end + PAGE_SIZE, start - PAGE_SIZE)]
    odd = rng.randint(1, PAGE_SIZE - 1)
    here += [at + odd for at in here]
    return [*rng.sample(here, 12), HERE + (1 << 30) + odd, odd, PAGE_SIZE * rng.randint(1, 15), LOWEST, END - PAGE_SIZE,
            END, END + odd, 1 << 62]  # fmt: skip


def check_where(work: Work):
    missed = {}
    for _ in range(4):
        proc = holey_process(work.rng)
        areas = [(vma.vm_start, vma.vm_end) for vma in vmas(proc.task.mm)]
        for hint in [0] * 4 + hints(work.rng, areas):
            length = work.rng.randint(1, 7 * PAGE_SIZE)
            expected = proc.mmap(hint, length, PROT_READ, ANON)
            proc.munmap(expected, length)
            if work.call("where", areas, proc.task.mm.mmap_base, hint, length, kind=int) != expected:
                missed.setdefault(bool(hint), (hint, length))
    if False in missed:
        raise Wrong("Even without a hint the kernel takes other addresses. Which gap is it, which end of it, and how "
                    "large is what goes there?", 1 / 2 * (True not in missed))  # fmt: skip
    if missed:
        hint, length = missed[True]
        raise Wrong(f"Without a hint all is right. With the hint {hint:#x}, for {length} bytes, the kernel takes "
                    "another address.", 1 / 2)  # fmt: skip


WHERE = Part(
    "where", "code", 4, "Where does a mapping go?",
    """
Write `where(areas, base, hint, length)`: the address that `mmap(hint, length, PROT_READ, MAP_PRIVATE |
MAP_ANONYMOUS)` gives (no `MAP_FIXED`). `areas` is the list of the `(start, end)` of all VMAs, in order; `base` is
`mmap_base`, from which the search goes down. `hint` and `length` are in bytes, neither of them a multiple of 4096 as
a rule, and `length` is less than 1 MiB. The program is not root; the lowest address it may map is `0x10000`, and its
addresses end at `0x7ffffffff000`. There is always room, and nothing lies near a stack.

The kernel rounds the hint down to its page. If that leaves 0, it is no hint; if it leaves less than `0x10000`, the hint
becomes `0x10000`. What it does with the hint then, and what without one, is in lesson 02.

Two points if every address without a hint (`hint` is 0) is right, two more if all others are.
""",
    starter="def where(areas, base, hint, length):\n    ...",
    solution="""
def where(areas, base, hint, length):
    length = (length + 4095) // 4096 * 4096
    hint = hint // 4096 * 4096
    if hint:
        hint = max(hint, 0x10000)
        taken = any(start < hint + length and hint < end for start, end in areas)
        if not taken and hint + length <= 0x7ffffffff000:
            return hint
    top = base
    for start, end in reversed(areas):
        if end <= top and top - end >= length:
            return top - length
        top = min(top, start)
    return top - length
""",
    example="""
areas = [(0x400000, 0x401000), (0x7000000, 0x7002000), (0x7004000, 0x7008000)]
answer = where(areas, 0x7008000, 0, 4096)
if answer is None:
    raise NotImplementedError
assert answer == 0x7003000, "one page goes into the gap of two pages, at its upper end"
assert where(areas, 0x7008000, 0x500000, 4096) == 0x500000, "the hint 0x500000 is free"
""",
    check=check_where,
)  # fmt: skip


# ── which check refuses? ────────────────────────────────────────────────────────────────────────────────────

CALLS = [  # some succeed, the others are wrong in two ways or more
    "0, 0, RW, MAP_SHARED, ro, 0",
    "0, 2**64 - {odd}, RW, MAP_SHARED, ro, 0",
    "0, {length}, PROT_NONE, MAP_PRIVATE | MAP_GROWSDOWN, wo, 0",
    "0, {length}, PROT_READ, ANON, folder, 4096",
    "0, {length}, PROT_READ, ANON, {closed}, 0",
    "0, {length}, PROT_READ, MAP_GROWSDOWN, folder, 0",
    "0, {length}, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, folder, 0",
    "0, {length}, PROT_READ, MAP_PRIVATE, folder, 2**63 - 4096",
    "0, {length}, PROT_READ, MAP_SHARED, {closed}, {odd}",
    "0, {length}, PROT_WRITE, MAP_SHARED, folder, 0",
    "0, {length}, RW, 0, wo, 0",
    "0, {length}, RW, MAP_PRIVATE, ro, 0",
    "0, {length}, RW, MAP_SHARED, ro, 2**63 - 4096",
    "2**63, {length}, PROT_NONE, MAP_SHARED, ro, 0",
    "HERE, 0, PROT_READ, MAP_SHARED, {closed}, 0",
    "HERE, {length}, PROT_READ, ANON, -1, 0",
    "HERE, {length}, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, wo, 0",
    "HERE, {length}, PROT_READ, MAP_SHARED | MAP_FIXED, ro, 0",
    "HERE, {length}, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, folder, 0",
    "HERE, {length}, RW, MAP_SHARED, {closed}, {odd}",
    "{low} + 1, {length}, PROT_READ, ANON | MAP_FIXED, -1, 0",
    "{low}, 0, PROT_READ, ANON | MAP_FIXED, -1, 0",
    "{low}, {length}, PROT_READ, ANON, -1, 0",
    "{low}, {length}, PROT_READ, MAP_PRIVATE | MAP_FIXED, folder, 0",
    "{low}, {length}, RW, MAP_SHARED | MAP_FIXED, ro, 0",
    "{unaligned}, 2**47, PROT_READ, MAP_SHARED | MAP_FIXED, ro, 0",
    "{unaligned}, {length}, PROT_READ, MAP_SHARED, ro, 0",
    "{unaligned}, {length}, RW, MAP_SHARED | MAP_FIXED, ro, 0",
]


def drawn_mmaps(rng, calls):
    """Eight of the calls, with numbers in them."""
    return [call.format(length=rng.randint(1, 9000), closed=rng.randint(20, 99), odd=rng.randint(1, 4095),
                        low=4096 * rng.randint(1, 9), unaligned=f"HERE + {rng.randint(1, 4095)}")
            for call in rng.sample(calls, 8)]  # fmt: skip


def refusals(calls):
    """How the calls end, each on a machine of its own: "ok" or the name of the errno."""
    found = []
    for call in calls:
        proc = Kernel().spawn("student")
        files = {"ro": proc.open("/data/book.txt", O_RDONLY), "wo": proc.open("/data/book.txt", O_WRONLY),
                 "folder": proc.open("/data", O_RDONLY)}  # fmt: skip
        proc.mmap(HERE, PAGE_SIZE, RW, ANON | MAP_FIXED)
        proc.setuid(1000)
        try:
            proc.mmap(*eval(call, {**vars(mmlab), "HERE": HERE, "ANON": ANON, "RW": RW}, files))
            found.append("ok")
        except OSError as error:
            found.append(errorcode[error.errno])
    return found


def check_first(work: Work):
    expected = refusals(drawn_mmaps(work.rng, CALLS))
    answer = work.value("answers", list)
    missed = sum(a != b for a, b in zip(answer, expected, strict=False)) + abs(len(answer) - len(expected))
    if missed:
        raise Wrong(f"{missed} of the 8 are not so. Go through the checks in lesson 02 in their order: the first that "
                    "a call does not pass decides.", max(0, 1 - missed / 3))  # fmt: skip


FIRST = Part(
    "first", "predict", 3, "Which check refuses first?",
    """
A process that is not root has `/data/book.txt` open as `ro` (`O_RDONLY`) and as `wo` (`O_WRONLY`), and a directory as
`folder`; other descriptors are closed. It has one page mapped at `HERE`, which is `0x10000000000`; `ANON` is
`MAP_PRIVATE | MAP_ANONYMOUS`, `RW` is `PROT_READ | PROT_WRITE`. `mmap_min_addr` is 65536. Printed below are the
arguments of eight `mmap` calls (address, length, prot, flags, descriptor, offset), each made by such a process as its
first. Most are wrong in more than one way; some are not wrong at all.

How does each end? Answer with `answers`: a list of eight `str`, `"ok"` or the name of an errno, such as `"ENOMEM"`.
(Each that is wrong costs one point.)
""",
    setup=f"""
{CONSTANTS}
{listing("CALLS", CALLS)}
{getsource(drawn_mmaps)}

calls = drawn_mmaps(personal("ps1-first"), CALLS)
for number, call in enumerate(calls, 1):
    print(f"{{number}}  mmap({{call}})")
""",
    starter="answers = [...]",
    solution="""
from errno import errorcode

answers = []
for call in calls:
    proc = Kernel().spawn("student")
    ro, wo = proc.open("/data/book.txt", O_RDONLY), proc.open("/data/book.txt", O_WRONLY)
    folder = proc.open("/data", O_RDONLY)
    proc.mmap(HERE, 4096, RW, ANON | MAP_FIXED)
    proc.setuid(1000)
    try:
        proc.mmap(*eval(call))
        answers.append("ok")
    except OSError as error:
        answers.append(errorcode[error.errno])
""",
    example="""
import errno

if ... in answers:
    raise NotImplementedError
assert len(answers) == 8, "eight answers"
assert all(name == "ok" or hasattr(errno, name) for name in answers), '"ok" or the name of an errno'
""",
    check=check_first,
)  # fmt: skip


# ── vm_flags ────────────────────────────────────────────────────────────────────────────────────────────────

MODES = {"O_RDONLY": O_RDONLY, "O_WRONLY": O_WRONLY, "O_RDWR": O_RDWR}
KINDS = {MAP_PRIVATE: "private", MAP_SHARED: "shared"}
FURTHER = {MAP_LOCKED: "LOCKED", MAP_STACK: "NOHUGEPAGE", MAP_GROWSDOWN: "GROWSDOWN"}


def mapped_flags(proc, prot, flags, fd):
    """vm_flags of such a mapping, as a set of names; or the name of the errno."""
    try:
        addr = proc.mmap(HERE, PAGE_SIZE, prot, flags | MAP_FIXED, fd)
    except OSError as error:
        return errorcode[error.errno]
    names = vm_flag_names(find_vma(proc.task.mm, addr).vm_flags & ~VM_ACCOUNT)
    proc.munmap(addr, PAGE_SIZE)
    return set(names.split("|"))


def check_flags(work: Work):
    proc, groups, failed = Kernel().spawn("student"), set(), {}
    fds = {mode: proc.open("/data/book.txt", flags) for mode, flags in MODES.items()}
    for mode, kind, further, prot in product([*MODES, None], (0, *KINDS), (0, *FURTHER), range(8)):
        flags = kind | further | (0 if mode else MAP_ANONYMOUS)
        expected, answer = mapped_flags(proc, prot, flags, fds.get(mode, -1)), work.call("vm_flags", prot, flags, mode)
        group = "refusals" if isinstance(expected, str) else "further flags" if further else KINDS[kind]
        if group == "further flags" and isinstance(answer, set):
            expected, answer = expected & {FURTHER[further]}, answer & {*FURTHER.values()}
        groups.add(group)
        if answer != expected:
            failed.setdefault(group, f"vm_flags({prot_names(prot)}, {map_names(flags)}, {mode!r})")
    if failed:
        wrong, call = ", ".join(sorted(failed)), min(failed.items())[1]
        raise Wrong(f"Something is wrong in these groups: {wrong}. An example: {call}.", 1 - len(failed) / len(groups))


FLAGS = Part(
    "flags", "code", 4, "From prot and flags to vm_flags",
    """
Write `vm_flags(prot, flags, mode)`: the `vm_flags` that `do_mmap` works out, as a `set` of names without `VM_`.
`prot` and `flags` are the `int` of the call; `mode` says how the file was opened: `"O_RDONLY"`, `"O_WRONLY"` or
`"O_RDWR"`; with `MAP_ANONYMOUS` it is `None`. The names that can occur:

`READ WRITE EXEC SHARED MAYREAD MAYWRITE MAYEXEC MAYSHARE GROWSDOWN LOCKED NOHUGEPAGE`

If `do_mmap` refuses the call, return the name of the errno instead, a `str` such as `"EACCES"`.

`flags` has `MAP_SHARED`, or `MAP_PRIVATE`, or neither; and it may have one of `MAP_LOCKED`, `MAP_STACK`,
`MAP_GROWSDOWN`. The file is an ordinary one, the length one page, the offset 0; address, limits and rights are no
obstacle.

One point each if all of these are right: private and shared mappings without a further flag; what a further flag adds;
and refusals.
""",
    starter="def vm_flags(prot, flags, mode):\n    ...",
    solution="""
def vm_flags(prot, flags, mode):
    shared, private = flags & 3 == MAP_SHARED, flags & 3 == MAP_PRIVATE
    if not shared and not private:
        return "EINVAL"
    found = {"MAYREAD", "MAYWRITE", "MAYEXEC"}
    for bit, name in ((PROT_READ, "READ"), (PROT_WRITE, "WRITE"), (PROT_EXEC, "EXEC")):
        if prot & bit:
            found.add(name)
    for bit, name in ((MAP_GROWSDOWN, "GROWSDOWN"), (MAP_LOCKED, "LOCKED"), (MAP_STACK, "NOHUGEPAGE")):
        if flags & bit:
            found.add(name)
    if shared:
        found |= {"SHARED", "MAYSHARE"}
        if mode in ("O_RDONLY", "O_WRONLY"):
            if mode == "O_RDONLY" and prot & PROT_WRITE:
                return "EACCES"
            if mode == "O_RDONLY":
                found -= {"SHARED", "MAYWRITE"}
    if mode == "O_WRONLY":
        return "EACCES"
    if flags & MAP_GROWSDOWN and (mode or shared):
        return "EINVAL"
    return found
""",
    example="""
answer = vm_flags(PROT_READ, MAP_PRIVATE, "O_RDONLY")
if answer is None:
    raise NotImplementedError
assert answer == {"READ", "MAYREAD", "MAYWRITE", "MAYEXEC"}, f"not {answer}"
assert vm_flags(PROT_READ, MAP_PRIVATE, "O_WRONLY") == "EACCES", "every mapping must be able to read"
""",
    check=check_flags,
)  # fmt: skip


# ── a kernel with a bug ─────────────────────────────────────────────────────────────────────────────────────

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


def drawn_claims(rng, claims):
    """The claims in an order of their own: letter → claim."""
    return dict(zip("ABCDEFGH", rng.sample(claims, len(claims)), strict=True))


RUN_WITNESS = """
from mmlab.coursework.programs import record
result = record(witness)
"""


def check_bug(work: Work):
    bug = drawn_bug("ps1-bug", work.rng)
    claims = drawn_claims(work.rng, list(CLAIMS.values()))
    calls = work.probe(RUN_WITNESS)
    if len(calls) > 12:
        raise Wrong(f"The witness makes {len(calls)} calls, more than 12.")
    honest, other = Kernel(mem=MEMORY), infected("ps1-bug", bug, mem=MEMORY)
    if list(replay(honest, calls)) == list(replay(other, calls)):
        raise Wrong("Each call of `witness` ends in the same way on both machines; so it is no witness, and a claim "
                    "without one counts nothing.")  # fmt: skip
    if claims.get(work.value("bug")) != CLAIMS[bug]:
        raise Wrong("`witness` is one: its calls end otherwise on this machine. The letter is another.", 1 / 2)


BUG = Part(
    "bug", "bug", 4, "A kernel with a bug",
    """
`new_machine()` boots a machine like `Kernel()`, but its kernel has **one bug**. The cell prints eight claims; one of
them is true of this machine, and none of an honest one. Make the same calls on both, and compare.

- Write `witness(kernel)`: a program of at most 12 calls, `kernel.spawn` being the first, of which at least one ends
  otherwise on this machine than on an honest one: with another value, or with an error on one of them only. (If a call
  raises an error, the program is over; what it returns does not matter.) That earns two points.
- Set `bug` to the letter of the claim, `"A"` to `"H"`: two more, if there is a witness.

What counts are `spawn` and a process's calls on files and memory, such as `open`, `mmap`, `mprotect`, `munmap`, `load`,
`store` and `maps`.
""",
    setup=f"""
from mmlab.coursework.mutants import mutant
from mmlab.coursework.programs import record, replay

{CONSTANTS}
{listing("CLAIMS", CLAIMS.values())}
{getsource(drawn_claims)}

def new_machine():
    return mutant("ps1-bug", personal("ps1-bug"))

rng = personal("ps1-bug")
machine = mutant("ps1-bug", rng)
claims = drawn_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{{letter}}: {{claim}}")
""",
    starter='bug = None  # a letter\n\ndef witness(kernel):\n    proc = kernel.spawn("witness")\n    ...',
    solution="""
def gap(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON | MAP_FIXED | MAP_GROWSDOWN)
    return proc.mmap(HERE - 8192, 4096, RW, ANON) == HERE - 8192

def hint(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON)
    return proc.mmap(HERE, 4096, RW, ANON) == HERE

def lowest(kernel):
    return kernel.spawn("witness").mmap(0, 4096, RW, ANON) < HERE

def maywrite(kernel):
    proc = kernel.spawn("witness")
    addr = proc.mmap(0, 4096, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY))
    proc.mprotect(addr, 4096, RW)

def noreplace(kernel):
    proc = kernel.spawn("witness")
    for _ in range(2):
        proc.mmap(HERE, 4096, RW, ANON | MAP_FIXED_NOREPLACE)

def offset(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON)
    proc.mmap(HERE + 4096, 4096, RW, ANON)
    return len([line for line in proc.maps().splitlines() if line.startswith("100")])

def writeonly(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(0, 4096, PROT_NONE, MAP_SHARED, proc.open("/data/book.txt", O_WRONLY))

def zero(kernel):
    kernel.spawn("witness").mmap(0, 0, RW, ANON)

def seen(program, kernel):
    try:
        return program(kernel)
    except OSError as error:
        return error.errno

programs = dict(zip(CLAIMS, [gap, hint, lowest, maywrite, noreplace, offset, writeonly, zero]))
for letter, claim in claims.items():
    if seen(programs[claim], Kernel()) != seen(programs[claim], new_machine()):
        bug, witness = letter, programs[claim]
        break
""",
    example="""
if bug is None:
    raise NotImplementedError
assert bug in claims, "bug: a letter from A to H"
calls = record(witness)
assert calls, "the witness makes no call"
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "each call ends as on an honest machine"
""",
    check=check_bug,
)  # fmt: skip


# ── why areas? ──────────────────────────────────────────────────────────────────────────────────────────────

WHY = Part(
    "why", "essay", 4, "Why areas, and why so late?",
    """
A program maps one GiB of private anonymous memory, readable and writable, and then stores one byte to every hundredth
page. All pages are of 4 KiB. A friend who has written a small operating system says: *"Mine has no areas. `mmap`
allocates the pages and enters them in the page table. That is all a process needs."*

Answer in 150 to 250 words. What does Linux keep for this mapping, right after `mmap` and after the stores? What would
your friend's system have to keep at the same two moments? Count. And name one thing beyond memory that Linux can do,
or can tell the program, only because it has areas.
""",
    rubric="""
Marks: **1** what Linux keeps after `mmap`: objects, entries of page tables, pages, with their numbers. **1** the same
after the stores. **1** the friend's system at both moments, and where it fails. **1** the one thing beyond memory:
what it is, and why it takes areas.
""",
    solution="""
Right after `mmap`, Linux keeps one `vm_area_struct`: first address, end, `vm_flags` (read, write and what `mprotect`
may ask for) and an offset. Not one page is allocated, and no entry is in a page table. If a neighbour agrees in
everything, not even an object is new: the neighbour grows.

After the stores the VMA is what it was. One GiB is 262,144 pages; every hundredth makes 2,622 faults, and each
brought one page and one entry. So the memory used is about 10 MiB, 1 % of what was promised, and 2 MiB of page tables.

The friend's system has to find 262,144 free pages and fill in as many entries at `mmap`, and zero a whole GiB, before
the program has done anything. After the stores it holds the same: 99 % of it was never needed. If only 512 MiB are
free, the call has to fail, although the program would have been content with 10 MiB.

Areas are also what a fault is judged by. The hardware says only that there is no valid entry for an address. Linux
looks for the VMA: if there is one that allows the access, the page is a promise to be kept, and the program goes on.
If there is none it is SIGSEGV with SEGV_MAPERR, and if the VMA forbids the access, SEGV_ACCERR. A page table with no
entry cannot tell a promise from a mistake.
""",
)  # fmt: skip


PROBLEMS = ProblemSet(
    "ps1_address_space", "Problem set 1: an address space, and the call that changes it",
    ["01_address_space", "02_do_mmap"],
    "What a process's memory is made of, how it reads in `/proc/PID/maps`, and what `mmap` decides before it changes "
    "any of it.",
    [PLACES, PARSE, LINES, TREE, FIND, ACCESS, WHERE, FIRST, FLAGS, BUG, WHY],
)  # fmt: skip
