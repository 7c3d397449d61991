"""The line Mapped of /proc/meminfo after each step of a program."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, O_RDONLY, PAGE_SIZE, PROT_READ, Kernel
from mmlab.coursework.checks import HOME, RW, equal, full_file, listed, text
from mmlab.coursework.problem import Part, Work


def draw_steps(rng):
    """The numbers of the six steps."""
    pages = 16 * rng.randint(4, 6) + rng.randint(3, 13)
    loaded = 16 * rng.choice([1, 2]) + rng.randint(2, 13)
    return {"pages": pages, "last": pages - rng.randint(1, 2), "loaded": loaded, "stored": rng.randint(3, 9),
            "shared": rng.randint(20, 40), "left": loaded - rng.randint(3, 9)}


def mapped_in_steps(pages, last, loaded, stored, shared, left):
    """By how much each step changes Mapped, in kB."""
    kernel, changes = Kernel(), []
    _, one, two = (kernel.spawn("reader") for _ in range(3))
    fd = full_file(one, "/data/file", pages)
    a = one.mmap(HOME, pages * PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd)
    b = two.mmap(HOME, pages * PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, two.open("/data/file", O_RDONLY))
    c = one.mmap(HOME << 1, pages * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, fd)
    d = two.mmap(0, shared * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS)
    steps = [
        [(one.load, a + last * PAGE_SIZE)],
        [(two.load, b + page * PAGE_SIZE) for page in range(loaded)],
        [(one.store, c + page * PAGE_SIZE, b"x") for page in range(stored)],
        [(two.store, d + page * PAGE_SIZE, b"x") for page in range(shared)],
        [(one.ftruncate, fd, left * PAGE_SIZE)],
        [(two.exit,)],
    ]
    for calls in steps:
        before = kernel.meminfo()["Mapped"]
        for call, *arguments in calls:
            call(*arguments)
        changes.append(kernel.meminfo()["Mapped"] - before)
    return changes


HINTS = [
    "Step 1: which pages does one load map, and which of them does the file have?",
    "Step 2: which pages do these loads map, and which of them were mapped before?",
    "Step 3: to what page does each entry lead that such a store makes?",
    "Step 4: which file is behind this memory, and which of its pages is mapped now?",
    "Step 5: what does ftruncate do to entries of page tables, and which entries are there?",
    "Step 6: which pages does only Two still map, in all its mappings?",
]


def check(work: Work):
    given = listed(work.value("mapped"), 6, "`mapped` is to be a list of six numbers, one for each step.")
    equal(given, mapped_in_steps(**draw_steps(work.rng)), HINTS)


PART = Part(
    "steps", "predict", 3, "Six steps in Mapped",
    """
A file of ext4 has just been written, page by page, so all its pages are in memory. Two processes, One and Two, run
the same program, and so does a third process all the time, which maps nothing itself. One and Two have made the
mappings that the next cell names; none is touched yet. Then come the six steps that it prints, one after another, and
nothing else runs. `fault_around_bytes` is 65536.

Set `mapped` to a list of six numbers: by how many **kB** each step changes the `Mapped` line of `/proc/meminfo`. A
number is negative where `Mapped` falls. Each is worth half a point.
""",
    setup=text(draw_steps) + '''
drawn = draw_steps(personal("ps4-steps"))
print("""The file has {pages} pages. A is a multiple of 2 MiB. One has mapped the file MAP_SHARED at A, and once more
MAP_PRIVATE at B. Two has mapped the file MAP_SHARED at A, and {shared} pages of MAP_SHARED|MAP_ANONYMOUS memory at D.
1. One loads a byte of page {last} of the file, in its mapping at A (the first page is page 0)
2. Two loads a byte of each of the first {loaded} pages at A, in order
3. One stores a byte to each of the first {stored} pages at B
4. Two stores a byte to each of the {shared} pages at D
5. One cuts the file to {left} pages (ftruncate)
6. Two exits""".format(**drawn))
''',
    starter="mapped = ...             # six numbers, in kB",
    solution='''
pages, left = drawn["pages"], drawn["left"]
window = drawn["last"] // 16 * 16                       # where fault-around begins; the file ends before it does
by_one = set(range(window, pages))
by_two = set(range(-(-drawn["loaded"] // 16) * 16))
cut = {page for page in by_one | by_two if page >= left}
mapped = [4 * len(by_one), 4 * len(by_two - by_one), 0, 4 * drawn["shared"], -4 * len(cut),
          -4 * (len(by_two - cut) + drawn["shared"])]
''',
    example='assert len(mapped) == 6, "six steps, six numbers"\n'
            'assert all(each % 4 == 0 for each in mapped), "whole pages, in kB"',
    check=check,
)  # fmt: skip
