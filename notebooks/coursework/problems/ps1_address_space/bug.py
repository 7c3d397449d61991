"""A kernel whose mmap or mprotect has a bug."""

from inspect import getsource

from mmlab import Kernel
from mmlab.coursework.mutants import drawn_bug, infected
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay

from .common import CONSTANTS, listing

CLAIMS = {
    "gap": "A hint is honoured even right below a VMA made with MAP_GROWSDOWN.",
    "hint": "A hint is honoured even if something is mapped there already; the new mapping takes its place.",
    "lowest": "Without a hint, a mapping goes into the lowest gap that is large enough.",
    "maywrite": "mprotect can add PROT_WRITE to a shared mapping of a file that is open for reading only.",
    "noreplace": "MAP_FIXED_NOREPLACE takes the place of what is mapped at the address.",
    "offset": "Private anonymous mappings side by side, with the same permissions, stay lines of their own.",
    "writeonly": "A file that is open for writing only can be mapped.",
    "zero": "A length of 0 is refused with ENOMEM.",
}


def drawn_claims(rng, claims):
    """The claims in an order of their own: letter → claim."""
    return dict(zip("ABCDEFGH", rng.sample(claims, len(claims)), strict=True))


RUN_WITNESS = """
from mmlab.coursework.programs import record
result = record(witness)
"""


def check(work: Work):
    bug = drawn_bug("ps1-bug", work.rng)
    claims = drawn_claims(work.rng, list(CLAIMS.values()))
    calls = work.probe(RUN_WITNESS)
    if len(calls) > 12:
        raise Wrong(f"The witness makes {len(calls)} calls, more than 12.")
    honest, other = Kernel(mem=MEMORY), infected("ps1-bug", bug, mem=MEMORY)
    if list(replay(honest, calls)) == list(replay(other, calls)):
        raise Wrong("Each call of `witness` ends in the same way on both machines; so it is no witness, and a claim "
                    "without one counts nothing.")  # fmt: skip
    if claims.get(work.value("bug")) != CLAIMS[bug]:
        raise Wrong("`witness` is one: its calls end otherwise on this machine. The letter is another.", 1 / 2)


PART = Part(
    "bug", "bug", 4, "A kernel with a bug",
    """
`new_machine()` boots a machine like `Kernel()`, but its kernel has **one bug**. The cell prints eight claims; one of
them is true of this machine, and none of an honest one. Make the same calls on both, and compare.

- Write `witness(kernel)`: a program of at most 12 calls, `kernel.spawn` being the first, of which at least one ends
  otherwise on this machine than on an honest one: with another value, or with an error on one of them only. (If a call
  raises an error, the program is over; what it returns does not matter.) That earns two points.
- Set `bug` to the letter of the claim, `"A"` to `"H"`: two more, if there is a witness.

What counts are `spawn` and a process's calls on files and memory, such as `open`, `mmap`, `mprotect`, `munmap`, `load`,
`store` and `maps`.
""",
    setup=f"""
from mmlab.coursework.mutants import mutant
from mmlab.coursework.programs import record, replay

{CONSTANTS}
{listing("CLAIMS", CLAIMS.values())}
{getsource(drawn_claims)}

def new_machine():
    return mutant("ps1-bug", personal("ps1-bug"))

rng = personal("ps1-bug")
machine = mutant("ps1-bug", rng)
claims = drawn_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{{letter}}: {{claim}}")
""",
    starter='bug = None  # a letter\n\ndef witness(kernel):\n    proc = kernel.spawn("witness")\n    ...',
    solution="""
def gap(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON | MAP_FIXED | MAP_GROWSDOWN)
    return proc.mmap(HERE - 8192, 4096, RW, ANON) == HERE - 8192

def hint(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON)
    return proc.mmap(HERE, 4096, RW, ANON) == HERE

def lowest(kernel):
    return kernel.spawn("witness").mmap(0, 4096, RW, ANON) < HERE

def maywrite(kernel):
    proc = kernel.spawn("witness")
    addr = proc.mmap(0, 4096, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY))
    proc.mprotect(addr, 4096, RW)

def noreplace(kernel):
    proc = kernel.spawn("witness")
    for _ in range(2):
        proc.mmap(HERE, 4096, RW, ANON | MAP_FIXED_NOREPLACE)

def offset(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(HERE, 4096, RW, ANON)
    proc.mmap(HERE + 4096, 4096, RW, ANON)
    return len([line for line in proc.maps().splitlines() if line.startswith("100")])

def writeonly(kernel):
    proc = kernel.spawn("witness")
    proc.mmap(0, 4096, PROT_NONE, MAP_SHARED, proc.open("/data/book.txt", O_WRONLY))

def zero(kernel):
    kernel.spawn("witness").mmap(0, 0, RW, ANON)

def seen(program, kernel):
    try:
        return program(kernel)
    except OSError as error:
        return error.errno

programs = dict(zip(CLAIMS, [gap, hint, lowest, maywrite, noreplace, offset, writeonly, zero]))
for letter, claim in claims.items():
    if seen(programs[claim], Kernel()) != seen(programs[claim], new_machine()):
        bug, witness = letter, programs[claim]
        break
""",
    example="""
if bug is None:
    raise NotImplementedError
assert bug in claims, "bug: a letter from A to H"
calls = record(witness)
assert calls, "the witness makes no call"
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "each call ends as on an honest machine"
""",
    check=check,
)  # fmt: skip
