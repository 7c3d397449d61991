"""The address that mmap chooses, with a hint and without."""

from mmlab import PAGE_SIZE, PROT_READ
from mmlab.check import vmas
from mmlab.coursework.problem import Part, Work, Wrong

from .common import ANON, HERE, random_pages

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


def check(work: Work):
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


PART = Part(
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
    check=check,
)  # fmt: skip
