"""mprotect over plain data: cuts, merges, promises, and what is left of a call that fails halfway."""

from errno import errorcode

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, O_RDONLY, PAGE_SIZE, PROT_READ, Kernel
from mmlab.coursework.checks import RW, difference, rows, settle
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.include.mm import VM_ACCOUNT, VM_WRITE

from .common import at, here

PROTS = {"r": PROT_READ, "rw": RW}
BESIDE = {"memory": ("memory", "used"), "used": ("memory", "used")}  # what may not be laid just above: it would merge


class Arena:
    """A process that lays mappings, and tells its VMAs as an answer gets them."""

    def __init__(self):
        self.proc = Kernel().spawn("student")
        self.fd = self.proc.open("/data/book.txt", O_RDONLY)

    def lay(self, rng):
        """Lay some mappings, each of which is then cut in pieces by mprotect."""
        self.proc.munmap(at(0), 1 << 30)
        page, below = rng.randint(0, 2), ()
        for _ in range(rng.randint(2, 4)):
            what = rng.choice([each for each in ("memory", "memory", "used", "file", "log") if each not in below])
            pages, below = rng.randint(3, 6), BESIDE.get(what, (what,))
            self.map(what, page, pages)
            for _ in range(rng.choice([0, 1, 1, 2])):
                start = rng.randint(page, page + pages - 1)
                end = rng.randint(start + 1, page + pages)
                self.protect(start, end, rng.choice(["r", "r" if what == "log" else "rw"]))
            gap = rng.choice([0, 0, 0, 1])
            page, below = page + pages + gap, () if gap else below
        return page

    def map(self, what, page, pages):
        flags = {"file": MAP_PRIVATE, "log": MAP_SHARED}.get(what, MAP_PRIVATE | MAP_ANONYMOUS)
        prot = RW if what == "used" else PROT_READ
        self.proc.mmap(at(page), pages * PAGE_SIZE, prot, flags | MAP_FIXED, self.fd)
        if what == "used":
            self.proc.store(at(page), b"x")

    def protect(self, start, end, prot):
        try:
            self.proc.mprotect(at(start), (end - start) * PAGE_SIZE, PROTS[prot])
        except OSError as error:
            return errorcode[error.errno]

    def told(self):
        return [(page, end, kind(vma), "rw" if vma.vm_flags & VM_WRITE else "r", bool(vma.vm_flags & VM_ACCOUNT))
                for page, end, vma in here(self.proc)]  # fmt: skip


def kind(vma):
    """What a VMA maps, in a word."""
    if vma.vm_file:
        return "log" if "s" in vma.perms else "file"
    return "used" if vma.anon_vma else "memory"


def plain(areas, start, end):
    """Tell whether the range holds nothing but memory that was never stored to."""
    return all(area[2] == "memory" for area in areas if area[0] < end and area[1] > start)


HINTS = {
    "plain": "",
    "scar": "(Which promises are kept?) ",
    "refused": "(Where does the call stop, and what is changed by then?) ",
}


def check(work: Work):
    rng, arena, wrong = work.rng, Arena(), {}
    for _ in range(160):
        if len(wrong) == 3:
            break
        size = arena.lay(rng)
        before = arena.told()
        start = rng.randint(0, size - 1)
        end, prot = rng.randint(start + 1, min(size + 1, start + 9)), rng.choice(["r", "rw"])
        error = arena.protect(start, end, prot)
        after, given = arena.told(), work.call("protect", before, start, end, prot)
        case = "refused" if error else "plain" if plain(before, start, end) else "scar"
        if case in wrong:
            continue
        if not isinstance(given, list | tuple) or len(given) != 2:
            raise Wrong("`protect` is to return two things: the error or None, and the list of the areas.")
        if given[0] != error:
            words = "the error is another"
        elif (found := rows(given[1], 5)) != after:
            words = f"the list {difference(found, after)}"
        else:
            continue
        wrong[case] = f"{HINTS[case]}areas = {before}; protect({start} to {end}, {prot!r}): {words}."
    plain_right = "plain" not in wrong
    settle((1 / 2, plain_right, wrong.get("plain", "")),
           (1 / 4, plain_right and "scar" not in wrong, wrong.get("scar", "")),
           (1 / 4, plain_right and "refused" not in wrong, wrong.get("refused", "")))  # fmt: skip


PART = Part(
    "protect", "code", 4, "mprotect, VMA by VMA",
    """
Write `protect(areas, start, end, prot)`: what `sys_mprotect` makes of the pages from `start` to `end` (`end` is the
first that is not meant; all numbers are **pages**). `prot` is `"r"` (PROT_READ) or `"rw"` (PROT_READ | PROT_WRITE).
`areas` is the list of the VMAs, in order of address, each as `(page, end, what, prot, promised)`:

- `what`: `"memory"`: private memory, never stored to; `"used"`: private memory that was stored to, so that it has an
  `anon_vma`; `"file"`: a private mapping of a file; `"log"`: a MAP_SHARED mapping of a file that was opened O_RDONLY;
- `promised`: `True` if the VMA has `VM_ACCOUNT`.

Neighbours with the same `what` are pieces of one mapping: they are two only as long as their `prot` or `promised`
differ. Neighbours with another `what` never become one.

Return a pair: the error, as `None`, `"EACCES"` or `"ENOMEM"`; and the list of the VMAs after the call, in order of
address and in the same form, **also if it failed**. No limit is met.

Two points if it is right for calls that succeed on nothing but `"memory"`, one more if it is right for all others that
succeed, one more if it is right for those that fail.
""",
    starter="def protect(areas, start, end, prot):\n    ...",
    solution='''
def protect(areas, start, end, prot):
    error, stop = None, start
    for page, after, what, _, _ in areas:               # how far does it come?
        if after <= stop or stop >= end:
            continue
        if page > stop:
            break
        if what == "log" and prot == "rw":
            error = "EACCES"
            break
        stop = min(after, end)
    if stop < end:
        error = error or "ENOMEM"
    pieces = []
    for page, after, what, old, promised in areas:
        low, high = max(page, start), min(after, stop)
        if low >= high:
            pieces.append((page, after, what, old, promised))
            continue
        if prot == "rw" and what != "log":
            new = True
        else:
            new = promised and what != "memory"         # untouched memory gives it back
        pieces += [(page, low, what, old, promised), (low, high, what, prot, new), (high, after, what, old, promised)]
    left = []
    for piece in pieces:
        if piece[0] == piece[1]:
            continue
        if left and left[-1][1] == piece[0] and left[-1][2:] == piece[2:]:
            piece = (left.pop()[0], *piece[1:])
        left.append(piece)
    return error, left
''',
    example='''
error, areas = protect([(0, 4, "memory", "r", False)], 1, 2, "rw")
assert error is None, "nothing is in the way"
assert [tuple(row) for row in areas] == [(0, 1, "memory", "r", False), (1, 2, "memory", "rw", True),
                                         (2, 4, "memory", "r", False)], "three areas"
error, areas = protect(areas, 1, 2, "r")
assert [tuple(row) for row in areas] == [(0, 4, "memory", "r", False)], "and one again"
''',
    check=check,
)  # fmt: skip
