"""How a load or a store ends, by areas and the sizes of their files."""

from mmlab import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    Kernel,
    MemoryFault,
)
from mmlab.coursework.checks import HOME, hexed
from mmlab.coursework.problem import Part, Work, Wrong


def areas_drawn(rng):
    """Some areas, as the answer gets them: (start, end, prot, pgoff, size)."""
    areas, at = [], HOME
    for _ in range(rng.randint(2, 5)):
        at += rng.randint(0, 3) * PAGE_SIZE
        pages, pgoff = rng.randint(1, 4), rng.randint(0, 3)
        whole, part = rng.randint(pgoff, pgoff + pages) * PAGE_SIZE, rng.randint(1, PAGE_SIZE - 1)
        size = rng.choice([None, rng.randint(0, 8) * PAGE_SIZE, whole, whole + part, whole + part])
        prot = rng.choice(["", "r", "r", "w", "rw", "rw", "x", "rx"])
        areas.append((at, at + pages * PAGE_SIZE, prot, 0 if size is None else pgoff, size))
        at += pages * PAGE_SIZE
    return areas


def address_drawn(rng, areas):
    """An address: anywhere, or at one of the edges of an area or of its file."""
    start, end, _, pgoff, size = rng.choice(areas)
    file_end = start + (size or 0) - pgoff * PAGE_SIZE
    edges = [start - 1, start, end - 1, end, file_end - 1, file_end, file_end + 1, file_end + PAGE_SIZE]
    return rng.choice([*edges, rng.randrange(HOME - PAGE_SIZE, areas[-1][1] + PAGE_SIZE)])


def mapped(areas):
    """A process with those areas."""
    proc = Kernel().spawn("student")
    for number, (start, end, prot, pgoff, size) in enumerate(areas):
        bits = sum(bit for letter, bit in zip("rwx", (PROT_READ, PROT_WRITE, PROT_EXEC), strict=True) if letter in prot)
        fd, flags = -1, MAP_PRIVATE | MAP_ANONYMOUS
        if size is not None:
            fd, flags = proc.open(f"/data/{number}", O_RDWR | O_CREAT), MAP_SHARED
            proc.ftruncate(fd, size)
        proc.mmap(start, end - start, bits, flags | MAP_FIXED, fd, pgoff * PAGE_SIZE)
    return proc


def what_happens(proc, address, store):
    """The name of the signal's code, or "ok"."""
    try:
        proc.store(address, b"x") if store else proc.load(address)
    except MemoryFault as fault:
        return fault.si_name
    return "ok"


def check(work: Work):
    for _ in range(16):
        areas = areas_drawn(work.rng)
        proc = mapped(areas)
        for _ in range(16):
            address, store = address_drawn(work.rng, areas), work.rng.random() < 0.5
            expected, given = what_happens(proc, address, store), work.call("outcome", areas, address, store)
            if given != expected:
                wanted = "store" if store else "load"
                raise Wrong(f"A {wanted} at {address:#x} with the areas {hexed(areas)} ends otherwise: {given!r} is "
                            "not what the kernel says.")  # fmt: skip


PART = Part(
    "signal", "code", 2, "Which signal?",
    """
Write `outcome(areas, address, store)`. `areas` is the list of the VMAs of a process, in order of address, each as
`(start, end, prot, pgoff, size)`:

- `start` and `end` in bytes; `end` is the first address that is no longer in it;
- `prot`: a string that holds `"r"`, `"w"`, `"x"` for what the VMA allows, for instance `"rw"` or `""`;
- `pgoff` and `size`: the area shows a file of `size` bytes from the file's page `pgoff` on; for anonymous memory
  `size` is `None`.

`address` is any address in bytes, `store` is `True` for a store and `False` for a load, of one byte, on x86. Return
what comes of it: `"ok"`, `"SEGV_MAPERR"`, `"SEGV_ACCERR"` or `"BUS_ADRERR"`. (No area is a stack, and there is always
enough memory.)
""",
    starter="def outcome(areas, address, store):\n    ...",
    solution='''
def outcome(areas, address, store):
    for start, end, prot, pgoff, size in areas:
        if start <= address < end:
            break
    else:
        return "SEGV_MAPERR"
    if not ("w" in prot if store else prot):
        return "SEGV_ACCERR"
    page = pgoff + (address - start) // 4096
    if size is not None and page >= (size + 4095) // 4096:
        return "BUS_ADRERR"
    return "ok"
''',
    example='''
areas = [(0x10000, 0x12000, "r", 0, 4096)]
assert outcome(areas, 0x10005, False) == "ok", "a load of the file's only page"
assert outcome(areas, 0x10005, True) == "SEGV_ACCERR", "a store to it"
assert outcome(areas, 0x11005, False) == "BUS_ADRERR", "a load of the next page"
''',
    check=check,
)  # fmt: skip
