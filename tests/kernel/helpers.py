"""What many tests say: files of numbered pages, addresses, lines of maps, and snapshots of a whole machine."""

from types import FunctionType

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, O_CREAT, O_RDWR, PROT_READ, PROT_WRITE
from mmlab.include.mm_types import PG_active, PG_referenced, page

PAGE = 4096
ARENA = 1 << 40  # far from everything that exec maps
RW = PROT_READ | PROT_WRITE
MEMORY = MAP_PRIVATE | MAP_ANONYMOUS


def page_text(number):
    """The bytes of a file page: its number, over and over."""
    return (b"%07d\n" % number) * (PAGE // 8)


def make_file(proc, path, pages, extra=0):
    """Make a file of so many numbered pages, and some bytes more; give an open fd."""
    fd = proc.open(path, O_RDWR | O_CREAT)
    for number in range(pages):
        proc.pwrite(fd, page_text(number), number * PAGE)
    proc.pwrite(fd, b"e" * extra, pages * PAGE)
    return fd


def at(page):
    return ARENA + page * PAGE


def map_at(proc, page, length, prot, flags, fd=-1, pgoff=0):
    """Map `length` pages at that page of the arena; give the address."""
    return proc.mmap(at(page), length * PAGE, prot, flags | MAP_FIXED, fd, pgoff * PAGE)


def lines(proc, start=ARENA, end=ARENA + 1024 * PAGE):
    """The lines of /proc/self/maps that begin in the arena."""
    return [line for line in str(proc.maps()).splitlines() if start <= int(line.split("-")[0], 16) < end]


def ranges(proc):
    """What the arena's lines say: first page, end page, perms, file page."""
    fields = [line.replace("-", " ", 1).split() for line in lines(proc)]
    page = [[(int(edge, 16) - ARENA) // PAGE for edge in (start, end)] for start, end, *_ in fields]
    return [(*edges, f[2], int(f[3], 16) // PAGE) for edges, f in zip(page, fields, strict=True)]


def present(proc, pages, first=0):
    """One letter for each page: File, Anonymous, Zero page, or nothing."""
    states = [proc.pagemap(at(first + page)) for page in range(pages)]
    return "".join("Z" if s.zero else "F" if s.file else "A" if s.present else "." for s in states)


def faults(proc, touch, *args):
    """Touch memory; give how many minor and major faults it took."""
    before = proc.getrusage()
    touch(*args)
    after = proc.getrusage()
    return after.ru_minflt - before.ru_minflt, after.ru_majflt - before.ru_majflt


# ── snapshots ───────────────────────────────────────────────────────────────────────────────────────────────

SERIAL = {"serials", "next_pid", "next_ino", "hiwater_rss"}  # they only ever count up
RECENT = {"current", "lruvec"}  # who ran last, and which pages were used since


class Snapshot:
    """Every field of every object that the machine reaches. Free frames are counted, for any of them is as good."""

    def __init__(self, kernel):
        self.machine = kernel.machine
        self.objects = {}
        self.fields = {}
        self.visit(kernel.machine)
        free = len(self.machine.free_pfns) + self.machine.totalram_pages - len(self.machine.mem_map)
        self.fields[id(self.machine)]["free frames"] = free

    def visit(self, root):
        todo = [root]
        while todo:
            thing = todo.pop()
            if id(thing) not in self.objects:
                self.objects[id(thing)] = thing
                found = dict(self.fields_of(thing))
                self.fields[id(thing)] = {name: self.value(value) for name, value in found.items()}
                todo += [value for value in found.values() if not plain(value)]

    def fields_of(self, thing):
        """Name the fields of an object, or the entries of a container."""
        for kind in type(thing).__mro__:
            for slot in getattr(kind, "__slots__", ()):
                if slot not in SERIAL | RECENT and not (thing is self.machine and slot in ("free_pfns", "mem_map")):
                    value = getattr(thing, slot, "unset")
                    recent = PG_referenced | PG_active if isinstance(thing, page) and slot == "flags" else 0
                    yield slot, value & ~recent if recent else value
        yield from getattr(thing, "__dict__", {}).items()
        if isinstance(thing, dict):
            for key, value in thing.items():
                yield f"[{key!r}]" if plain(key) else f"[{label(key)}]", value
        elif isinstance(thing, list | tuple | set):
            yield from ((f"[{index}]", value) for index, value in enumerate(thing))

    def value(self, value):
        if isinstance(value, bytearray):
            return bytes(value)
        return value if plain(value) else f"→ {label(value)} at {id(value):#x}"


def plain(value):
    return value is None or isinstance(value, int | str | bytes | bytearray | FunctionType | type)


def label(thing):
    return str(getattr(thing, "name", None) or type(thing).__name__)


def changes(before, after):
    """Say how two snapshots differ: nothing, if they don't."""
    found = []
    for number in before.fields | after.fields:
        old, new = before.fields.get(number), after.fields.get(number)
        what = label((before if old is not None else after).objects[number])
        if old is None or new is None:
            found.append(f"{what} is {'new' if old is None else 'gone'}")
            continue
        found += [
            f"{what}.{name}: {old.get(name)!r} → {new.get(name)!r}"
            for name in {**old, **new}
            if old.get(name, found) != new.get(name, found)
        ]
    return found


class unchanged:
    """Assert that the block changes nothing in the machine."""

    def __init__(self, kernel):
        self.kernel = kernel

    def __enter__(self):
        self.before = Snapshot(self.kernel)

    def __exit__(self, kind, *_):
        if kind is None:
            assert changes(self.before, Snapshot(self.kernel)) == []
