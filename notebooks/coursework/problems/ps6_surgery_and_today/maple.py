"""find_vma in a tree of wide nodes."""

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PAGE_SIZE, PROT_READ, Kernel
from mmlab.check import vmas
from mmlab.coursework.checks import HOME, settle
from mmlab.coursework.problem import Part, Work
from mmlab.include.mm import TASK_SIZE
from mmlab.mm.vma import find_vma

LEAF, INNER = 16, 10  # entries of a node, at most
COUNT = """
class Counted(dict):
    read = 0
    def __getitem__(self, number):
        self.read += 1
        return super().__getitem__(number)
    def get(self, number, other=None):
        return self[number] if number in self else other
    def values(self):
        return [self[number] for number in self]
    def items(self):
        return [(number, self[number]) for number in self]

result = []
for addr in asked:
    counted = Counted(nodes)
    given = find(counted, root, addr)
    result.append((given, counted.read))
"""


def entries_of(mm):
    """The VMAs of a process and the holes between them, as entries of leaves: (last address, name or None)."""
    found, end = [], 0
    for vma in vmas(mm):
        if vma.vm_start > end:
            found.append((vma.vm_start - 1, None))
        found.append((vma.vm_end - 1, vma.name))
        end = vma.vm_end
    return [*found, (TASK_SIZE - 1, None)] if end < TASK_SIZE else found


def tree_of(entries, rng):
    """Put the entries into nodes that are more or less full: (nodes, the root's number, how many levels)."""
    nodes, levels, room, numbers = {}, 0, LEAF, rng.sample(range(10, 100), 90)
    while len(entries) > 1 or not levels:
        above, at = [], 0
        while at < len(entries):
            number, count = numbers.pop(), rng.randint(room // 2, room)
            nodes[number] = entries[at:at + count]
            above.append((nodes[number][-1][0], number))
            at += count
        entries, levels, room = above, levels + 1, INNER
    return nodes, entries[0][1], levels


def process_drawn(rng):
    """A process with some 200 VMAs, many of which touch."""
    proc, at = Kernel().spawn("student"), HOME
    for _ in range(rng.randint(160, 220)):
        pages = rng.randint(1, 9)
        kind = rng.choice([MAP_PRIVATE, MAP_SHARED])
        proc.mmap(at, pages * PAGE_SIZE, PROT_READ, kind | MAP_ANONYMOUS)
        at += (pages + rng.choice([0, 0, 1, 30])) * PAGE_SIZE
    return proc


def check(work: Work):
    proc = process_drawn(work.rng)
    entries = entries_of(proc.task.mm)
    nodes, root, levels = tree_of(entries, work.rng)
    edges = {edge for leaf in nodes.values() for edge in (leaf[0][0], leaf[-1][0])}
    asked = [0, HOME - 1, HOME, *(each for edge in edges for each in (edge, edge + 1) if each < TASK_SIZE)]
    asked += [last - work.rng.randint(0, 2 * PAGE_SIZE) for last, _ in work.rng.sample(entries, 60)]
    wrong, most = {}, 0
    told = work.probe(COUNT, nodes=nodes, root=root, asked=asked)
    for addr, (given, read) in zip(asked, told, strict=True):
        vma = find_vma(proc.task.mm, addr)
        right = vma.name if vma else None
        hole = vma is None or vma.vm_start > addr
        if given != right or read == 0:
            wrong.setdefault(hole, f"find(nodes, {root}, {addr:#x}) gives {str(given)[:40]}, and find_vma something "
                                   f"else ({'no VMA' if hole else 'a VMA'} covers the address).")  # fmt: skip
        most = max(most, read)
    covered = False not in wrong
    settle((1 / 3, covered, wrong.get(False, "")), (1 / 3, covered and not wrong, wrong.get(True, "")),
           (1 / 3, not wrong and most <= 2 * levels,
            "" if wrong else f"One search reads {most} nodes, in a tree of {levels} levels."))  # fmt: skip


PART = Part(
    "maple", "code", 3, "find_vma in wide nodes",
    """
Since 6.1 the VMAs of a process are in a maple tree. Write `find(nodes, root, addr)`: the search of `find_vma` in such a
tree. It gives the name of the first VMA that **ends after** `addr`, or `None` if there is none.

`nodes` is a dictionary, number → node, and `root` the number of the node at the top. A node is a list of up to 16
entries, in order of address, each a pair `(last, what)`. Together the entries of a node cover all addresses that it is
responsible for, without a gap: an entry is for the addresses behind the entry before it (in the first of a node: from
where the node begins) up to `last`, which still belongs to it.

- In a node above others, `what` is the **number** of the node below that is responsible for these addresses (an `int`).
- In a leaf, `what` is the name of a VMA (a `str`) or `None`: nothing is mapped there, it is a hole.

All leaves are equally deep, and the last entry of the last leaf ends where addresses end. Two holes are never side by
side. `addr` is not beyond the end.

One point for addresses that a VMA covers, one more for all others, and one more if no search reads (`nodes[…]`) more
than two nodes on each level.
""",
    starter="def find(nodes, root, addr):\n    ...",
    solution='''
def find(nodes, root, addr):
    number = root
    while True:
        node = nodes[number]
        if number == root:
            end = node[-1][0]
        last, what = next(entry for entry in node if addr <= entry[0])
        if isinstance(what, int):
            number = what                       # one level down
        elif what is None and last < end:
            number, addr = root, last + 1       # behind a hole is a VMA
        else:
            return what
''',
    example='''
nodes = {1: [(0xfff, None), (0x2fff, "vma#1"), (0x3fff, None)], 2: [(0x6fff, "vma#2"), (0xffff, None)],
         3: [(0x3fff, 1), (0xffff, 2)]}
assert find(nodes, 3, 0x1000) == "vma#1", "vma#1 begins at 0x1000"
assert find(nodes, 3, 0x4000) == "vma#2", "vma#2 begins at 0x4000"
''',
    check=check,
)  # fmt: skip
