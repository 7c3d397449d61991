"""Problem set 1: an address space (lesson 01)."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE, Kernel
from mmlab.coursework.problem import Part, ProblemSet, Work, Wrong

PAGE = 4096
ARENA = 1 << 40


def drawn_calls(rng):
    """Three mmaps of a few pages each; some touch, some overlap, some can be read only."""
    calls, first = [], rng.randint(0, 3)
    for _ in range(4):
        pages = rng.randint(1, 4)
        calls.append((first, pages, rng.choice(["PROT_READ", "PROT_READ | PROT_WRITE"])))
        first += pages + rng.choice([-1, 0, 0, 1])
    return calls


def lines_in_the_arena(calls):
    """How many lines of /proc/PID/maps the calls leave."""
    proc = Kernel().spawn("student")
    for first, pages, prot in calls:
        prot = PROT_READ | PROT_WRITE if "WRITE" in prot else PROT_READ
        proc.mmap(ARENA + first * PAGE, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    return sum(ARENA <= int(line.split("-")[0], 16) < ARENA + (1 << 30) for line in str(proc.maps()).splitlines())


def check_lines(work: Work):
    if work.value("lines") != lines_in_the_arena(drawn_calls(work.rng)):
        raise Wrong("Linux shows another number. Two neighbours become one VMA if all but their addresses is equal.")


def check_hole(work: Work):
    for _ in range(30):
        areas, at = [], 0
        for _ in range(work.rng.randint(0, 6)):
            at += work.rng.randint(0, 5) * PAGE
            end = at + work.rng.randint(1, 5) * PAGE
            areas.append((at, end))
            at = end
        length = work.rng.randint(1, 6) * PAGE
        starts = [0, *(end for _, end in areas)]
        ends = [*(start for start, _ in areas), 1 << 47]
        expected = next(start for start, end in zip(starts, ends, strict=True) if end - start >= length)
        if work.call("lowest_hole", areas, length) != expected:
            raise Wrong(f"For areas {areas} and length {length} another address is the lowest.")


PROBLEMS = ProblemSet(
    "ps1_address_space", "Problem set 1: an address space", ["01_address_space"],
    "What a process's memory is made of, and how it reads in /proc/PID/maps.",
    [
        Part(
            "lines", "predict", 2, "How many lines?",
            "A process makes the calls below, one after another, all of private anonymous memory at fixed addresses "
            "(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED). How many lines do they leave in /proc/PID/maps?",
            setup='''
rng = personal("ps1-lines")
first = rng.randint(0, 3)
for _ in range(4):
    pages, prot = rng.randint(1, 4), rng.choice(["PROT_READ", "PROT_READ | PROT_WRITE"])
    print(f"mmap(A + {first} pages, {pages} pages, {prot})")
    first += pages + rng.choice([-1, 0, 0, 1])
''',
            starter="lines = ...", solution='''
rng = personal("ps1-lines")
first, proc = rng.randint(0, 3), Kernel().spawn("me")
before = len(str(proc.maps()).splitlines())
for _ in range(4):
    pages, prot = rng.randint(1, 4), rng.choice(["PROT_READ", "PROT_READ | PROT_WRITE"])
    flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
    proc.mmap((1 << 40) + first * 4096, pages * 4096, eval(prot), flags)
    first += pages + rng.choice([-1, 0, 0, 1])
lines = len(str(proc.maps()).splitlines()) - before
''',
            example='assert isinstance(lines, int), "a number of lines is a whole number"', check=check_lines,
        ),
        Part(
            "hole", "code", 4, "The lowest hole",
            "Write `lowest_hole(areas, length)`. `areas` is a list of (start, end) in bytes, in order and without "
            "overlap, below 2^47; `length` is in bytes. Give the lowest address at which `length` bytes are free.",
            starter="def lowest_hole(areas, length):\n    ...",
            solution='''
def lowest_hole(areas, length):
    at = 0
    for start, end in areas:
        if start - at >= length:
            return at
        at = end
    return at
''',
            example="assert lowest_hole([(0, 8192), (12288, 16384)], 4096) == 8192\nassert lowest_hole([], 4096) == 0",
            check=check_hole,
        ),
        Part(
            "why", "essay", 4, "Why areas?",
            "In about 150 words: why does the kernel keep areas, rather than an entry for each page?",
            rubric="- 2: what an area saves, with a figure\n- 2: what still needs one entry for each page, and why",
            solution="An area holds what is the same for all its pages …",
        ),
    ],
)  # fmt: skip
