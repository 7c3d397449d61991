"""The lines that are left of a mapping after some munmap, mprotect and mmap."""

from inspect import getsource

from mmlab import MAP_FIXED, PAGE_SIZE, PROT_READ, Kernel
from mmlab.coursework.checks import RW
from mmlab.coursework.problem import Part, Work, Wrong

from .common import ANON, HERE


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


def check(work: Work):
    expected = lines_left(drawn_calls(work.rng))
    answer = [tuple(line) for line in work.value("lines", list)]
    if answer == expected:
        return
    if page_by_page(answer) == page_by_page(expected):
        raise Wrong("Every page has its permissions, but the lines are others. When do neighbours stay two?", 1 / 3)
    raise Wrong("Take a page from each of your lines: is it mapped after the last call, and with these permissions? "
                "Is there a page that is in none of your lines, but mapped?")  # fmt: skip


PART = Part(
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
    check=check,
)  # fmt: skip
