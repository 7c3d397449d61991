"""Which way does mremap go?"""

from errno import errorcode

from mmlab import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_DONTUNMAP,
    MREMAP_MAYMOVE,
    PAGE_SIZE,
    PROT_READ,
    Kernel,
)
from mmlab.coursework.checks import HOME, RW, hexed, settle
from mmlab.coursework.problem import Part, Work

from .common import at, lines

FLAGS = {"MAYMOVE": MREMAP_MAYMOVE, "DONTUNMAP": MREMAP_DONTUNMAP}
WORDS = ["EINVAL", "EFAULT", "ENOMEM", "same", "shrink", "grow", "move", "leave", "second"]


def areas_drawn(rng):
    """Areas of memory: (first address, first address after it, shared)."""
    found, page = [], 0
    for _ in range(rng.randint(2, 4)):
        end = page + rng.randint(2, 5)
        found.append((at(page), at(end), rng.random() < 0.4))
        page = end + rng.choice([0, 0, 1, 2, 4])
    return found


def call_drawn(rng, areas):
    """A call: (old, old_size, new_size, flags); sizes are often not multiples of a page."""
    start, end, _ = rng.choice(areas)
    old = start + rng.randrange((end - start) // PAGE_SIZE) * PAGE_SIZE
    rest = end - old
    if rng.random() < 0.1:
        old = rng.choice([end, old + rng.randint(1, 4095)])
    old_size = rng.choice([rest, rest, rest, PAGE_SIZE, rest + PAGE_SIZE, rest + 3 * PAGE_SIZE])
    new_size = rng.choice([*(old_size + more * PAGE_SIZE for more in (0, 1, 2, 5)), PAGE_SIZE])
    old_size, new_size = (size - rng.choice([0, 0, 1, 4095, rng.randint(1, 4095)]) for size in (old_size, new_size))
    old_size = old_size if rng.random() > 0.12 else 0
    new_size = new_size if rng.random() > 0.05 else 0
    flags = rng.choice([set(), {"MAYMOVE"}, {"MAYMOVE"}, {"MAYMOVE", "DONTUNMAP"}, {"DONTUNMAP"}])
    if "DONTUNMAP" in flags and rng.random() < 0.7:
        new_size = old_size
    return old, old_size, new_size, flags


def way(proc, areas, old, old_size, new_size, flags):
    """What the kernel does with it, in a word."""
    proc.munmap(at(0), 1 << 30)
    for number, (start, end, shared) in enumerate(areas):
        kind, prot = MAP_SHARED if shared else MAP_PRIVATE, (PROT_READ, RW)[number % 2]
        proc.mmap(start, end - start, prot, kind | MAP_ANONYMOUS | MAP_FIXED)
    try:
        new = proc.mremap(old, old_size, new_size, sum(FLAGS[word] for word in flags))
    except OSError as error:
        return errorcode[error.errno]
    if new != old:
        proc.munmap(new, new_size)
        stays = any(page <= (old - HOME) // PAGE_SIZE < end for page, end, _ in lines(proc))
        return ("leave" if old_size else "second") if stays else "move"
    pages = [-(-size // PAGE_SIZE) for size in (old_size, new_size)]
    return "same" if pages[0] == pages[1] else "grow" if pages[0] < pages[1] else "shrink"


def kind_of(right, old_size, flags):
    """Which of the three kinds of cases it is."""
    if old_size == 0 or "DONTUNMAP" in flags:
        return "special"
    return "wrong" if right in ("EINVAL", "EFAULT") else "usual"


def check(work: Work):
    rng, proc, wrong = work.rng, Kernel().spawn("student"), {}
    for _ in range(250):
        if len(wrong) == 3:
            break
        areas = areas_drawn(rng)
        call = areas, *call_drawn(rng, areas)
        right, given = way(proc, *call), work.call("remap", *call)
        if given != right:
            _, old, old_size, new_size, flags = call
            wrong.setdefault(kind_of(right, old_size, flags),
                             f"remap({hexed(areas)}, {old:#x}, {old_size}, {new_size}, {sorted(flags)}): "
                             f"{repr(given) if given in WORDS else 'what it gives'} is not what the kernel does.")
    usual = "usual" not in wrong
    settle((1 / 2, usual, wrong.get("usual", "")), (1 / 4, usual and "wrong" not in wrong, wrong.get("wrong", "")),
           (1 / 4, usual and "special" not in wrong, wrong.get("special", "")))  # fmt: skip


PART = Part(
    "remap", "code", 4, "Which way does mremap go?",
    """
Write `remap(areas, old, old_size, new_size, flags)`: what becomes of a call of `mremap` (today's). Everything is in
**bytes**. `areas` is the list of the VMAs, in order of address, each as `(start, end, shared)`: its first address, the
first address that is no longer in it, and whether it is MAP_SHARED memory (`True`) or private memory (`False`).
Neighbours are two areas, even if they touch. Behind the last one there is room for whatever is asked. `flags` is a set
of some of the words `"MAYMOVE"` and `"DONTUNMAP"`. Give one of these words:

- `"EINVAL"`, `"EFAULT"`, `"ENOMEM"`: the call fails with it;
- `"same"`, `"shrink"`, `"grow"`: the mapping stays where it is, and has as many pages as before, fewer, or more;
- `"move"`: it is at another place afterwards, and nothing is left at `old`;
- `"leave"`: the pages go elsewhere, and the old VMA stays, empty;
- `"second"`: nothing is moved; the same memory shows at a second address, too.

The arguments are looked at first. EINVAL are: an `old` that is not a multiple of 4096; a `new_size` of 0; `DONTUNMAP`
without `MAYMOVE`, or for sizes that differ. Both sizes are rounded up to whole pages before anything else. Then comes
what is mapped. No limit is met, and there is memory and address space enough elsewhere.

Two points if it is right for all calls with an `old_size` above 0 and without `DONTUNMAP` which neither EINVAL nor
EFAULT ends; one more if it is right for those that these end, too; one more for an `old_size` of 0 and `DONTUNMAP`.
""",
    starter="def remap(areas, old, old_size, new_size, flags):\n    ...",
    solution='''
def remap(areas, old, old_size, new_size, flags):
    old_size, new_size = (-(-size // 4096) * 4096 for size in (old_size, new_size))
    if old % 4096 or new_size == 0:
        return "EINVAL"
    if "DONTUNMAP" in flags and ("MAYMOVE" not in flags or old_size != new_size):
        return "EINVAL"
    area = next((area for area in areas if area[0] <= old < area[1]), None)
    if area is None:
        return "EFAULT"
    start, end, shared = area
    if new_size <= old_size and "DONTUNMAP" not in flags:
        return "same" if new_size == old_size else "shrink"
    if old_size == 0 and not shared:
        return "EINVAL"
    if old_size > end - old:
        return "EFAULT"
    if "DONTUNMAP" in flags:
        return "leave"
    after = min([area[0] for area in areas if area[0] >= end], default=1 << 47)
    if old_size and old + old_size == end and old + new_size <= after:
        return "grow"
    if "MAYMOVE" not in flags:
        return "ENOMEM"
    return "move" if old_size else "second"
''',
    example='''
areas = [(0x10000, 0x12000, False), (0x14000, 0x15000, False)]
assert remap(areas, 0x10000, 0x2000, 0x4000, set()) == "grow", "two pages are free behind it"
assert remap(areas, 0x10000, 0x2000, 0x1000, set()) == "shrink", "one page less"
''',
    check=check,
)  # fmt: skip
