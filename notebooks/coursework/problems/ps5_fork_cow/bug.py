"""A kernel whose fork or copy-on-write has a bug."""

from mmlab import Kernel
from mmlab.coursework.checks import draw_claims, settle
from mmlab.coursework.mutants import drawn_bug, infected
from mmlab.coursework.problem import Part, Work
from mmlab.coursework.programs import MEMORY, replay
from mmlab.coursework.sandbox import Failed

CLAIMS = {
    "child": "After a fork the parent loads what the child stores to private memory, but not the other way round.",
    "every": "fork copies the page table entries of every mapping.",
    "leak": "A page that was copied for one process is not free when the last of the others exits.",
    "never": "After a fork private pages are never copied, however many processes map them.",
    "protect": "After a fork the child loads what the parent stores to private memory, but not the other way round.",
    "two": "Two processes that have a private page in common do not copy it; with three of them it is copied.",
    "wipe": "MADV_WIPEONFORK has no effect on what a child loads.",
    "zeros": "A copy of a private page holds what was stored into it just now, and zeros.",
}
RUN_WITNESS = """
from mmlab.coursework.programs import record
result = record(witness)
"""


def check(work: Work):
    bug = drawn_bug("ps5-bug", work.rng)
    letters = draw_claims(work.rng, list(CLAIMS.values()))
    letter = work.value("bug")
    named = isinstance(letter, str) and letters.get(letter) == CLAIMS[bug]
    try:
        calls, words = work.probe(RUN_WITNESS), "`witness`: each of its calls gives the same on both machines."
    except Failed as error:
        calls, words = [], f"`witness` raised {error}"
    if len(calls) > 12:
        calls, words = [], f"`witness` makes {len(calls)} calls; at most 12 are asked for."
    true, other = (list(replay(kernel, calls)) for kernel in (Kernel(mem=MEMORY), infected("ps5-bug", bug, mem=MEMORY)))
    settle((0.5, named, "`bug`: another claim is true of your machine."), (0.5, true != other, words))


PART = Part(
    "bug", "bug", 4, "A kernel with a bug",
    """
`machine` is a machine like those that `Kernel()` gives, but its kernel has **one bug**. The next cell prints eight
claims; one of them is true of this machine (and none of an honest kernel). Try things on `machine` and on `Kernel()`,
and compare. For an unused machine with the same bug call `new_machine()`.

- Two points: set `bug` to the letter of the claim, `"A"` to `"H"`.
- Two points: write `witness(kernel)`, a program of at most 12 calls, from `kernel.spawn` on, whose calls give
  something else on this machine than on an honest one: another value, or an error or a signal for one and not for the
  other. What counts are the calls of `kernel` (`spawn`, `drop_caches`, `meminfo`, `vmstat`) and of its processes
  (those on files and on memory, `pagemap`, `fincore`, `getrusage`, `maps`, `smaps`, `fork`, `exit`). Whether
  `witness` returns anything does not matter, and it need not compare anything.
""",
    setup="from mmlab.coursework.checks import draw_claims\nfrom mmlab.coursework.mutants import mutant\n"
          + "from mmlab.coursework.programs import record, replay\n\nCLAIMS = [\n"
          + "".join(f'    "{claim}",\n' for claim in CLAIMS.values()) + ''']

def new_machine():
    return mutant("ps5-bug", personal("ps5-bug"))

rng = personal("ps5-bug")
machine = mutant("ps5-bug", rng)
claims = draw_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{letter}: {claim}")
''',
    starter='bug = None               # a letter\n\ndef witness(kernel):\n    proc = kernel.spawn("witness")\n    ...',
    solution='''
def begin(kernel):
    parent = kernel.spawn("witness")
    addr = parent.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    parent.store(addr, b"parent")
    return parent, addr

def child(kernel):
    parent, addr = begin(kernel)
    parent.fork().store(addr, b"child!")
    return parent.load(addr, 6)

def every(kernel):
    parent = kernel.spawn("witness")
    addr = parent.mmap(0, 4096, PROT_READ, MAP_SHARED, parent.open("/data/book.txt", O_RDONLY))
    parent.load(addr)
    return parent.fork().pagemap(addr).present

def leak(kernel):
    parent, addr = begin(kernel)
    before = kernel.meminfo()["MemFree"]
    child = parent.fork()
    parent.store(addr, b"P")
    child.exit()
    return before - kernel.meminfo()["MemFree"]

def protect(kernel):
    parent, addr = begin(kernel)
    child = parent.fork()
    parent.store(addr, b"PARENT")
    return child.load(addr, 6)

def never(kernel):
    parent, addr = begin(kernel)
    child, other = parent.fork(), parent.fork()
    child.store(addr, b"child!")
    return other.load(addr, 6)

def wipe(kernel):
    parent, addr = begin(kernel)
    parent.madvise(addr, 4096, MADV_WIPEONFORK)
    return parent.fork().load(addr, 6)

def zeros(kernel):
    parent, addr = begin(kernel)
    child = parent.fork()
    child.store(addr, b"x")
    return child.load(addr, 6)

def different(program):
    return program(Kernel()) != program(new_machine())

tries = {"every": every, "leak": leak, "wipe": wipe, "zeros": zeros}
found = [name for name, program in tries.items() if different(program)]
if not found:                                    # somebody loads what is not his
    one_way = {(True, False): "child", (False, True): "protect"}
    found = [one_way.get((different(child), different(protect))) or ("never" if different(never) else "two")]
tries |= {"child": child, "protect": protect, "never": never, "two": child}
words = {"child": "loads what the child", "every": "every mapping", "leak": "not free", "never": "never copied",
         "protect": "loads what the parent", "two": "Two processes", "wipe": "WIPEONFORK", "zeros": "zeros"}
(bug,) = [letter for letter, claim in claims.items() if words[found[0]] in claim]
witness = tries[found[0]]
''',
    example='''
assert bug in list("ABCDEFGH"), "`bug` is not a letter from A to H yet"
calls = record(witness)
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "no call of witness gives another value"
''',
    check=check,
)  # fmt: skip
