"""Some lines of maps, to be made by a program."""

from mmlab import PAGE_SIZE, Kernel
from mmlab.check import vmas
from mmlab.coursework.checks import HOME, allowed, settle
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay

from .common import file_of


def lines_drawn(rng):
    """Lines to be made: (page, pages, file page); most touch, and many go on where the one below ends."""
    lines, at, pgoff = [], rng.randint(0, 3), rng.randint(0, 3)
    for _ in range(rng.randint(4, 7)):
        pages = rng.randint(1, 4)
        lines.append((at, pages, pgoff))
        at += pages + rng.choice([0, 0, 0, 1])
        pgoff = rng.choice([pgoff + pages] * 3 + [rng.randint(0, 9)])
    return lines


RUN_BUILD = '''
from mmlab.coursework.programs import record
result = record(lambda machine: build(machine.spawn("builder"), lines), ends=())
'''
BUILDING = {"spawn", "open", "close", "dup", "mmap", "munmap", "mprotect"}


def built(calls):
    """Make the calls again; tell which lines they leave, and whether a descriptor is left open."""
    kernel = Kernel(mem=MEMORY)
    for _ in replay(kernel, calls):
        pass
    (task,) = kernel.machine.tasks.values()
    lines = [((vma.vm_start - HOME) // PAGE_SIZE, (vma.vm_end - vma.vm_start) // PAGE_SIZE, vma.vm_pgoff)
             for vma in vmas(task.mm) if HOME <= vma.vm_start < 1 << 46 and vma.perms == "r--s"
             and file_of(vma) and vma.vm_file.f_mapping.host.label == "book.txt"]  # fmt: skip
    return lines, len([vma for vma in vmas(task.mm) if HOME <= vma.vm_start < 1 << 46]), len(task.files) > 3


def check(work: Work):
    frugal = True
    for _ in range(12):
        lines = lines_drawn(work.rng)
        calls = work.probe(RUN_BUILD, lines=lines)
        allowed(calls, BUILDING)
        made, count, left_open = built(calls)
        if made != lines or count != len(made):
            others = " and what is not r--s, or not of this file" if count > len(made) else ""
            raise Wrong(f"`build(proc, {lines})` leaves {made}{others}.")
        frugal = frugal and not left_open and sum(name == "open" for _, name, _, _ in calls) <= 2
    settle((2 / 3, True, ""), (1 / 3, frugal, "The file is opened more than twice, or a descriptor is left open."))


PART = Part(
    "build", "code", 3, "Lines to order",
    """
Write `build(proc, lines)`: a program after which `/proc/self/maps` has exactly the lines that are asked for. `lines` is
a list of `(page, pages, file page)`, in order of address: the line begins `page` pages after 0x10000000000, covers
`pages` pages, and shows `/data/book.txt` from `file page` on. Each is mapped MAP_SHARED, with PROT_READ (`r--s`). None
overlaps another, but many touch: a line may even go on with just the page of the file with which the line below has
ended, and they are to be **two** lines all the same. Nothing is mapped there before.

- Two points: the lines are as asked.
- One point more: the file is opened twice at most, and no descriptor is left open when `build` returns.

The program may call `open`, `close`, `dup`, `mmap`, `munmap` and `mprotect` of `proc`, and nothing else of the
machine. The calls that it makes are made again on another machine, and judged there.
""",
    starter="def build(proc, lines):\n    ...",
    solution='''
def build(proc, lines):
    fds = [proc.open("/data/book.txt", O_RDONLY) for _ in range(2)]
    for number, (page, pages, pgoff) in enumerate(lines):
        addr = 0x10000000000 + page * 4096
        proc.mmap(addr, pages * 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fds[number % 2], pgoff * 4096)
    for fd in fds:
        proc.close(fd)
''',
    example='''
proc = Kernel().spawn("me")
build(proc, [(0, 1, 0), (1, 2, 1), (5, 1, 2)])
lines = [line.split()[:3] for line in str(proc.maps()).splitlines() if line.startswith("100")]
assert [line[0] for line in lines] == ["10000000000-10000001000", "10000001000-10000003000",
                                       "10000005000-10000006000"], f"the addresses are {[line[0] for line in lines]}"
assert [line[2] for line in lines] == ["00000000", "00001000", "00002000"], "the offsets in the file"
assert {line[1] for line in lines} == {"r--s"}, "what may be done with them"
''',
    check=check,
)  # fmt: skip
