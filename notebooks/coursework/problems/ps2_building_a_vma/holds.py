"""The counts of a file and its pages that open files and mappings hold."""

from contextlib import suppress

from mmlab import MAP_FIXED, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDONLY, O_RDWR, PAGE_SIZE, PROT_READ, Kernel
from mmlab.coursework.checks import HOME, RW, equal, text
from mmlab.coursework.problem import Part, Work

FAR = 1 << 30  # bytes from the beginning of one mapping to that of the next, where none is to touch another


def draw_holds(rng):
    """Moves of a program that has opened a file twice: (words, call, arguments)."""
    each = [("one", "RW", "MAP_SHARED"), ("one", "R", "MAP_SHARED"), ("one", "RW", "MAP_PRIVATE"),
            ("two", "R", "MAP_SHARED")]
    kinds = each + rng.choices([*each[:3], ("two", "R", "MAP_PRIVATE")], k=rng.randint(1, 3))
    rng.shuffle(kinds)
    moves = [("mmap", number, *kind, rng.randint(4, 8)) for number, kind in enumerate(kinds)]
    moves += [("dup", "one")] * rng.randint(2, 3)
    rng.shuffle(moves)
    cut = rng.choice([n for n, kind in enumerate(kinds) if kind[:2] == ("one", "R")])
    guarded = kinds.index(("one", "RW", "MAP_SHARED"))
    moves.insert(rng.randint(1, len(moves)), ("mmap", len(kinds), "two", "RW", "MAP_SHARED", 3))
    moves += [("munmap", cut, 1, rng.randint(1, 2)), ("mprotect", guarded, rng.randint(1, 2), 1)]
    moves += rng.choice([[("close", "one")], [("close", "two"), ("close", "one")]])
    whole = rng.choice([n for n, kind in enumerate(kinds)
                        if n not in (cut, guarded) and (kinds.count(kind) > 1 or kind not in each)])  # fmt: skip
    return [*moves, ("munmap", whole, 0, 8)]


def said(move):
    """A move in words."""
    match move:
        case "mmap", number, fd, prot, flags, pages:
            return f"M{number} = mmap({pages * 4096} bytes, {prot}, {flags}, {fd}, 0)"
        case "munmap", number, 0, _:
            return f"munmap(all of M{number})"
        case "munmap" | "mprotect" as call, number, page, pages:
            prot = ", R" if call == "mprotect" else ""
            return f"{call}(M{number} + {page * 4096}, {pages * 4096} bytes{prot})"
        case call, fd:
            return f"{call}({fd})"


def holds_told(moves):
    """What the kernel counts: (f_count, VMAs in i_mmap, i_mmap_writable)."""
    proc, prots = Kernel().spawn("student"), {"RW": RW, "R": PROT_READ}
    flags = {"MAP_SHARED": MAP_SHARED | MAP_FIXED, "MAP_PRIVATE": MAP_PRIVATE | MAP_FIXED}
    fds = {"one": proc.open("/data/file", O_RDWR | O_CREAT), "two": proc.open("/data/file", O_RDONLY)}
    file = proc.task.files[fds["one"]]
    for move in moves:
        match move:
            case "mmap", number, fd, prot, kind, pages:
                with suppress(PermissionError):
                    proc.mmap(HOME + number * FAR, pages * PAGE_SIZE, prots[prot], flags[kind], fds[fd])
            case "munmap", number, page, pages:
                proc.munmap(HOME + number * FAR + page * PAGE_SIZE, pages * PAGE_SIZE)
            case "mprotect", number, page, pages:
                proc.mprotect(HOME + number * FAR + page * PAGE_SIZE, pages * PAGE_SIZE, PROT_READ)
            case "dup", fd:
                proc.dup(fds[fd])
            case "close", fd:
                proc.close(fds[fd])
    return file.f_count, len(file.f_mapping.i_mmap), file.f_mapping.i_mmap_writable


def check(work: Work):
    given = [work.value(name) for name in ("f_count", "i_mmap", "i_mmap_writable")]
    equal(given, holds_told(draw_holds(work.rng)), [
        "`f_count`: who refers to the first open file, and what does a cut add?",
        "`i_mmap`: which VMAs map this file, through whatever descriptor?",
        "`i_mmap_writable`: which of these VMAs are shared, and may be written to now or later?",
    ])  # fmt: skip


PART = Part(
    "holds", "predict", 3, "Who holds the file?",
    """
A program opens a file of ext4 twice: `one` with O_RDWR, then `two` with O_RDONLY. Nobody else uses the file. Then it
makes the calls that the next cell prints, one after another. `R` is PROT_READ, `RW` is PROT_READ | PROT_WRITE; M0, M1 …
are the addresses of the mappings, which are all far from each other. One of the calls is refused; the program goes on.

How do the counts stand in the end? Set

- `f_count`: the references to the **first** open file, that of `one`;
- `i_mmap`: how many VMAs are in the file's `i_mmap`;
- `i_mmap_writable`: the file's count of that name.
""",
    setup=text(draw_holds, said) + '''
moves = draw_holds(personal("ps2-holds"))
print('one = open("/data/file", O_RDWR)', 'two = open("/data/file", O_RDONLY)', *map(said, moves), sep="\\n")
''',
    starter="f_count = ...\ni_mmap = ...\ni_mmap_writable = ...",
    solution='''
pieces, descriptors = {}, {"one": 1, "two": 1}          # mapping → (descriptor, may it be written to, VMAs)
for what, *rest in moves:
    if what == "mmap" and rest[1:4] != ["two", "RW", "MAP_SHARED"]:
        number, fd, prot, flags, pages = rest
        pieces[number] = [fd, fd == "one" and flags == "MAP_SHARED", 1, pages]
    elif what == "munmap" and rest[1] == 0:
        del pieces[rest[0]]
    elif what == "munmap" and sum(rest[1:]) < pieces[rest[0]][3]:
        pieces[rest[0]][2] += 1                         # a part below the hole, and one above
    elif what == "mprotect":
        pieces[rest[0]][2] += 2
    elif what in ("dup", "close"):
        descriptors[rest[0]] += 1 if what == "dup" else -1
f_count = descriptors["one"] + sum(vmas for fd, _, vmas, _ in pieces.values() if fd == "one")
i_mmap = sum(vmas for _, _, vmas, _ in pieces.values())
i_mmap_writable = sum(vmas for _, writable, vmas, _ in pieces.values() if writable)
''',
    example='''
assert all(isinstance(each, int) for each in (f_count, i_mmap, i_mmap_writable)), "three whole numbers"
assert f_count >= 0 and 0 <= i_mmap_writable <= i_mmap, "a count is never below 0, nor a part above the whole"
''',
    check=check,
)  # fmt: skip
