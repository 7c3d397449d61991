"""Which programs end otherwise on an older kernel?"""

from mmlab.coursework.checks import text
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.views.releases import CHANGES, at_release, key, today

PROGRAMS = {  # what a program does, and what it looks at; by the name of its row in the table, if it has one
    "RssAnon, RssFile, RssShmem": "reads /proc/self/status: is there a line RssAnon?",
    "MADV_FREE": "madvise(m, 4096, MADV_FREE): the result",
    "RLIMIT_DATA": "setrlimit(RLIMIT_DATA, 1 MiB), then mmap(0, 4 MiB, RW, MEMORY, -1, 0): the result",
    "stack guard gap": "maps a page 100 pages below its stack, then stores just below the stack: is there a signal?",
    "mremap of 0 bytes": "mremap(m, 0, 4096, MREMAP_MAYMOVE): the result",
    "MADV_WIPEONFORK": "madvise(m, 4096, MADV_WIPEONFORK): the result",
    "MAP_SHARED_VALIDATE": "mmap(0, 4096, PROT_READ, MAP_SHARED_VALIDATE, book, 0): the result",
    "MAP_FIXED_NOREPLACE": "mmap(m, 4096, RW, MEMORY|MAP_FIXED_NOREPLACE, -1, 0): the result",
    "F_SEAL_FUTURE_WRITE": "fcntl(memfd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE): the result",
    "MADV_COLD, MADV_PAGEOUT": "madvise(m, 4096, MADV_COLD): the result",
    "MREMAP_DONTUNMAP": "mremap(m, 4096, 4096, MREMAP_MAYMOVE|MREMAP_DONTUNMAP): the result",
    "MADV_POPULATE_READ, _WRITE": "madvise(pages of book, some of them past its end, MADV_POPULATE_WRITE): the errno",
    "the end of VM_DENYWRITE": "open(the loader by which it was started, O_RDWR): the result",
    "mprotect and back": "mprotect(m, 4096, PROT_READ), mprotect(m, 4096, RW), stores to m: how many faults?",
    "MFD_NOEXEC_SEAL, F_SEAL_EXEC": "memfd_create(\"data\", MFD_NOEXEC_SEAL): the result",
    "MAP_STACK": "mmap(0, 4096, RW, MEMORY|MAP_STACK, -1, 0), reads smaps: is there an nh in its VmFlags?",
    "mremap of several VMAs": "mremap(two VMAs, 8192, 8192, MREMAP_MAYMOVE|MREMAP_FIXED, elsewhere): the result",
    "an unknown flag": "mmap(0, 4096, RW, MEMORY|0x400000, -1, 0), a flag that no kernel knows: the result",
    "mprotect and a hole": "mprotect(three pages, the second a hole, PROT_READ), stores to the first: a signal?",
    "munmap of a hole": "munmap(a range in which nothing is mapped): the result",
    "mremap of shared memory": "mremap(shared memory, 0, 4096, MREMAP_MAYMOVE), loads from there: what it finds",
    "MAP_FIXED": "mmap(m, 4096, RW, MEMORY|MAP_FIXED, -1, 0), then loads from m: what comes of both",
    "munmap of the middle": "unmaps the middle one of three pages, reads /proc/self/maps: how many lines are left?",
}  # fmt: skip


def draw_server(rng, since):
    """A release, and eight programs by their names: four that end otherwise there, two older changes, two others.

    `since`: the names of the table's rows, with the release of each.
    """
    server, lucky = rng.choice(["4.9", "4.14", "5.4", "5.10"]), True
    new = [name for name, release in since.items() if key(release) > key(server) and name != "mprotect and back"]
    old = [name for name, release in since.items() if key(release) <= key(server)]
    others = [name for name in PROGRAMS if name not in since]
    while lucky:                                # nobody is to be right who takes releases for decimal fractions, say
        newer, older = ["mprotect and back", *rng.sample(new, 3)], rng.sample(old, 2)
        words = all((since[name] > server) == (name in newer) for name in newer + older)
        lucky = words or all(since[name][0] > server[0] for name in newer)
    names = newer + older + rng.sample(others, 2)
    rng.shuffle(names)
    return server, dict(zip("ABCDEFGH", names, strict=True))


SINCE = {change.name: change.release for change in CHANGES if change.probe}


def check(work: Work):
    server, programs = draw_server(work.rng, SINCE)
    otherwise = {change.name for change in CHANGES if change.probe and at_release(change, server) != today(change)}
    right = {letter for letter, name in programs.items() if name in otherwise}
    given = work.value("otherwise")
    if not isinstance(given, str | list | tuple | set) or not {*given} <= {*programs}:
        raise Wrong("`otherwise` is to hold letters from A to H, and nothing else.")
    missed = len(right ^ {*given})
    if missed:
        raise Wrong(f"Of {missed} of the eight programs the table says something else. Has it a row for each, and is "
                    f"{server} before or after its release?", max(0, 3 - missed) / 3)  # fmt: skip


PART = Part(
    "otherwise", "predict", 3, "The server is older",
    """
Eight programs run on a server with an older kernel: the release that the next cell prints, as it was released, without
later patches. Which of them end otherwise there than on today's, 6.18? The table of lesson 12 knows.

`m` is the address of a page of private memory (`MAP_PRIVATE | MAP_ANONYMOUS`, for short `MEMORY`), readable and
writable (`RW`), to which the program has stored a byte; `book` is an open file on ext4. What counts is what the program
*looks at*; that the kernel comes to it in another way does not.

Set `otherwise` to the letters of these programs, for example `"BDH"`. Three points if all eight are right, two if all
but one are, one if all but two.
""",
    setup="from mmlab.views.releases import CHANGES, key\n\nPROGRAMS = {\n"
          + "".join(f"    {name!r}: {program!r},\n" for name, program in PROGRAMS.items())
          + "}\n\n" + text(draw_server) + '''
since = {change.name: change.release for change in CHANGES if change.probe}
server, programs = draw_server(personal("ps6-otherwise"), since)
print(f"The server runs Linux {server}.")
for letter, name in programs.items():
    print(f"{letter}: {PROGRAMS[name]}")
''',
    starter="otherwise = ...              # letters",
    solution='''
from mmlab.views.releases import at_release, today

changes = {change.name: change for change in CHANGES}
otherwise = ""
for letter, name in programs.items():
    change = changes.get(name)
    if change and at_release(change, server) != today(change):
        otherwise += letter
''',
    example='''
assert {*otherwise} <= set("ABCDEFGH"), "letters from A to H"
assert otherwise, "some of them do end otherwise"
''',
    check=check,
)  # fmt: skip
