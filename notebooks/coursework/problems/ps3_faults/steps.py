"""How many minor faults five steps of a program take."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, MS_SYNC, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, RW, equal, full_file, listed, text
from mmlab.coursework.problem import Part, Work

from .common import minor


def draw_steps(rng):
    """The numbers of the five steps."""
    rest, stored = rng.randint(5, 15), rng.randint(20, 40)
    pages, shift = 16 * rng.randint(3, 5) + rest, rng.randint(17 - rest, 15)
    return {"pages": pages, "shift": shift, "stored": stored, "synced": rng.randint(5, stored - 5),
            "loaded": rng.randint(5, 12), "touched": rng.randint(20, 30), "copied": rng.randint(4, 11)}


def faults_of_steps(pages, shift, stored, synced, loaded, touched, copied):
    """What the kernel counts in each step."""
    proc, counts = Kernel().spawn("student"), []

    def step(*accesses):
        counts.append(sum(minor(proc, *access) for access in accesses))

    def loads(addr, pages):
        return [(proc.load, addr + page * PAGE_SIZE) for page in pages]

    def stores(addr, pages):
        return [(proc.store, addr + page * PAGE_SIZE, b"x") for page in pages]

    fd = full_file(proc, "/data/file", pages)
    shared = proc.mmap(HOME + shift * PAGE_SIZE, pages * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, fd)
    step(*loads(shared, range(pages)))
    step(*stores(shared, range(stored)))
    proc.msync(shared, synced * PAGE_SIZE, MS_SYNC)
    step(*stores(shared, range(stored)))
    memory = proc.mmap(0, touched * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS)
    step(*loads(memory, range(loaded)), *stores(memory, range(touched)))
    private = proc.mmap(HOME << 1, pages * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, fd)
    step(*loads(private, [20]), *stores(private, range(20, 20 + copied)))
    return counts


HINTS = [
    "Step 1: where does each window begin, and where does it end, if the mapping begins at no multiple of 64 KiB?",
    "Step 2: what did the loads enter, and who wants to hear of the first store to a page?",
    "Step 3: of which pages was the right to store taken away?",
    "Step 4: what does a load of memory enter that nobody has touched, and may it be stored to?",
    "Step 5: which pages does the load enter, and what does a store to one of them need?",
]


def check(work: Work):
    given = listed(work.value("faults"), 5, "`faults` is to be a list of five numbers, one for each step.")
    equal(given, faults_of_steps(**draw_steps(work.rng)), HINTS)


PART = Part(
    "steps", "predict", 3, "Five steps of a program",
    """
A file of ext4 has just been written, page by page, so all its pages are in memory. One program maps it and takes the
five steps that the next cell prints, one after another. `getrusage` is asked before and after each step; nothing else
of the program runs meanwhile. Huge pages are turned off.

Set `faults` to a list of five numbers: how many **minor faults** each step takes. (No step takes a major one.) Each
number counts alone.
""",
    setup=text(draw_steps) + '''
drawn = draw_steps(personal("ps3-steps"))
print("""The file has {pages} pages. A is a multiple of 64 KiB; so is B. All mappings may be read and written.
1. map the file MAP_SHARED at A + {shift} pages; load a byte of each of its {pages} pages, in order
2. store a byte to each of the first {stored} pages of that mapping
3. msync the first {synced} pages of it with MS_SYNC; store a byte to each of the first {stored} pages again
4. map {touched} pages of private anonymous memory; load a byte of each of the first {loaded}; then store a byte to
   each of the {touched}
5. map the file MAP_PRIVATE at B, far away; load a byte of page 20; then store a byte to each of the {copied} pages
   from page 20 on""".format(**drawn))
''',
    starter="faults = ...",
    solution='''
pages, shift = drawn["pages"], drawn["shift"]
first = 16                                  # the VMA clips the first window at its start, not at its end
second = 32 - shift                         # the second begins at the multiple of 64 KiB before page 16
windows = 2 + -(-(pages - second) // 16)
faults = [windows, drawn["stored"], drawn["synced"], drawn["loaded"] + drawn["touched"], 1 + drawn["copied"]]
''',
    example='assert len(faults) == 5, "five steps, five numbers"\n'
            'assert all(isinstance(each, int) for each in faults), "whole numbers"',
    check=check,
)  # fmt: skip
