"""munmap over several VMAs, and the case in which it is refused."""

from mmlab import MAP_FIXED, MAP_PRIVATE, O_CREAT, O_RDONLY, O_RDWR, PAGE_SIZE, PROT_READ, Kernel
from mmlab.coursework.checks import difference, rows, settle
from mmlab.coursework.problem import Part, Work

from .common import at, lines

MANY = 1000


class Arena:
    """A process that maps pieces of one file, and may have only so many VMAs."""

    def __init__(self, kernel):
        self.proc = kernel.spawn("student")
        self.proc.ftruncate(self.proc.open("/data/file", O_RDWR | O_CREAT), MANY * PAGE_SIZE)
        self.fd = self.proc.open("/data/file", O_RDONLY)

    def lay(self, areas):
        self.proc.munmap(at(0), 1 << 30)
        for page, end, pgoff in areas:
            self.proc.mmap(at(page), (end - page) * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, self.fd,
                           pgoff * PAGE_SIZE)  # fmt: skip

    def unmap(self, page, end):
        try:
            self.proc.munmap(at(page), (end - page) * PAGE_SIZE)
        except OSError:
            return "ENOMEM"
        return lines(self.proc)

    def limit(self, areas):
        """Let the process have so many VMAs, and those of exec."""
        task = self.proc.task
        task.machine.sysctl_max_map_count = areas + task.mm.map_count - len(lines(self.proc))


def areas_drawn(rng):
    """Areas, of which none goes on in the file where the one below ends."""
    found, page, pgoff = [], rng.randint(0, 3), rng.randint(0, 9)
    for _ in range(rng.randint(2, 5)):
        end = page + rng.choice([1, 2, 3, 4, 5])
        found.append((page, end, pgoff))
        pgoff += end - page + rng.randint(1, 5)
        page = end + rng.choice([0, 0, 1, 3])
    return found


def range_drawn(rng, areas):
    """A range to unmap: often within one area, or from its start, or to its end."""
    first, last = sorted(rng.choices(areas, k=2))
    if rng.random() < 0.5:
        last = first
    start = first[0] + rng.choice([-1, 0, 0, 1, 1, 2])
    end = last[1] + rng.choice([1, 0, 0, -1, -1, -2])
    return max(0, start), max(end, start + 1, 1)


def check(work: Work):
    rng, arena, wrong = work.rng, Arena(Kernel()), {}
    for case in range(160):
        if len(wrong) == 2:
            break
        tight, areas = case % 2, areas_drawn(rng)
        limit = len(areas) + rng.choice([-1, 0, 0, 1]) if tight else MANY
        start, end = range_drawn(rng, areas)
        arena.limit(MANY)
        arena.lay(areas)
        arena.limit(limit)
        right, given = arena.unmap(start, end), work.call("unmap", areas, start, end, limit)
        found = given if isinstance(given, str) else rows(given, 3)
        if found != right:
            if isinstance(found, str) or isinstance(right, str):
                words = f"the kernel {'refuses' if isinstance(right, str) else 'does not refuse'} this"
            else:
                words = f"the list {difference(found, right)}"
            wrong.setdefault(tight, f"unmap({areas}, {start}, {end}, {limit}): {words}.")
    settle((2 / 3, 0 not in wrong, wrong.get(0, "")), (1 / 3, not wrong, wrong.get(1, "")))


PART = Part(
    "unmap", "code", 3, "munmap, and when it cannot",
    """
Write `unmap(areas, start, end, limit)`: what `do_munmap` makes of a process's VMAs. All numbers of places are
**pages**. `areas` is the list of all VMAs of the process, in order of address, each as `(page, end, pgoff)`: its first
page, the first page that is no longer in it, and its `vm_pgoff`; all map the same file, at different places. The pages
from `start` to `end` are unmapped (`end` is the first that is not; `start < end`). `limit` is `max_map_count`.

Give the list of the VMAs afterwards, in order of address, in the same form; or the word `"ENOMEM"` if the call is
refused. As `mmap` lets one VMA more through, `areas` may have up to `limit` + 1 of them.

Two points if it is right with a limit that is far away, one more if it is right close to it.
""",
    starter="def unmap(areas, start, end, limit):\n    ...",
    solution='''
def unmap(areas, start, end, limit):
    left = []
    for page, after, pgoff in areas:
        if page < start and end < after and len(areas) >= limit:
            return "ENOMEM"
        if page < min(after, start):
            left.append((page, min(after, start), pgoff))
        if max(page, end) < after:
            left.append((max(page, end), after, pgoff + max(page, end) - page))
    return left
''',
    example='''
areas = [(0, 4, 7), (4, 6, 20)]
assert [tuple(row) for row in unmap(areas, 2, 4, 1000)] == [(0, 2, 7), (4, 6, 20)], "the end of an area"
assert [tuple(row) for row in unmap(areas, 0, 4, 1000)] == [(4, 6, 20)], "all of an area"
''',
    check=check,
)  # fmt: skip
