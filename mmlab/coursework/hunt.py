"""A bug hunt: a machine with one bug, which is to be named from some claims and shown by a program.

What differs from hunt to hunt is what a set gives: for each bug of mutants.BUGS a claim and a program that shows it.
"""

from __future__ import annotations

from typing import Any

from mmlab.coursework.checks import draw_claims, settle
from mmlab.coursework.mutants import drawn_bug, infected
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay
from mmlab.coursework.sandbox import Failed
from mmlab.machine import Kernel

PROMPT = """
`machine` is a machine like those that `Kernel()` gives, but its kernel has **one bug**. The next cell prints eight
claims; one of them is true of this machine (and none of an honest kernel). Try things on `machine` and on `Kernel()`,
and compare. For an unused machine with the same bug call `new_machine()`.

- Two points: set `bug` to the letter of the claim, `"A"` to `"H"`.
- Two points: write `witness(kernel)`, a program of at most {most} calls, from `kernel.spawn` on, whose calls give
  something else on this machine than on an honest one: another value, or an error or a signal for one and not for the
  other. What counts are the calls of `kernel` (`spawn`, `drop_caches`, `meminfo`, `vmstat`) and of its processes
  (those on {on}, `pagemap`, `fincore`, `getrusage`, `maps`, `smaps`, `fork`, `exit`). Whether
  `witness` returns anything does not matter, and it need not compare anything.
"""
SETUP = '''
from mmlab.coursework.checks import draw_claims
from mmlab.coursework.mutants import mutant
from mmlab.coursework.programs import record, replay

CLAIMS = [
{claims}]

def new_machine():
    return mutant("{id}", personal("{id}"))

rng = personal("{id}")
machine = mutant("{id}", rng)
claims = draw_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{{letter}}: {{claim}}")
'''
STARTER = '''
bug = None               # a letter

def witness(kernel):
    proc = kernel.spawn("witness")
    ...
'''
SOLUTION = '''
{shows}

def outcome(program, kernel):
    try:
        return program(kernel)
    except (OSError, MemoryFault) as error:
        return str(error)

tries = dict(zip(CLAIMS, [{names}], strict=True))
(bug,) = [letter for letter, claim in claims.items()
          if outcome(tries[claim], Kernel()) != outcome(tries[claim], new_machine())]
witness = tries[claims[bug]]
'''
EXAMPLE = """
assert bug in list("ABCDEFGH"), "`bug` is not a letter from A to H yet"
calls = record(witness)
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "no call of witness gives another value"
"""
RUN_WITNESS = """
from mmlab.coursework.programs import record
result = record(witness)
"""
SAME = "`witness`: each of its calls gives the same on both machines."


def hunt(id: str, claims: dict[str, str], shows: str, *, title: str = "A kernel with a bug", most: int = 12,
         on: str = "files and on memory") -> Part:
    """Give the part, the grade id of which is `id`.

    `claims`: bug → what is true of a machine that has it. `shows`: the text of a function show_BUG(kernel) for each,
    which gives something else on such a machine, and on no other. `on`: which calls count.
    """

    def check(work: Work) -> None:
        bug = drawn_bug(id, work.rng)
        letters, letter = draw_claims(work.rng, list(claims.values())), work.value("bug")
        named = isinstance(letter, str) and letters.get(letter) == claims[bug]
        try:
            differs, words = witnessed(work, id, bug, most), SAME
        except (Wrong, Failed, ValueError) as error:
            differs, words = False, f"`witness`: {error}"
        settle(
            (0.5, named, "`bug`: another claim is true of your machine."),
            (0.5, differs, words),
        )

    names = ", ".join(f"show_{bug}" for bug in claims)
    return Part(
        id.partition("-")[2], "bug", 4, title,
        PROMPT.format(most=most, on=on),
        setup=SETUP.format(id=id, claims="".join(f'    "{claim}",\n' for claim in claims.values())),
        starter=STARTER, solution=SOLUTION.format(shows=shows.strip(), names=names), example=EXAMPLE, check=check,
    )  # fmt: skip


def witnessed(work: Work, id: str, bug: str, most: int) -> bool:
    """Tell whether the calls of the answer's `witness` end otherwise on the student's machine than on an honest one.

    Wrong if it makes more than `most` calls, ValueError if one of them is none that can be judged.
    """
    calls: Any = work.probe(RUN_WITNESS)
    if len(calls) > most:
        raise Wrong(f"The witness makes {len(calls)} calls; at most {most} are asked for.")
    honest, other = Kernel(mem=MEMORY), infected(id, bug, mem=MEMORY)
    return list(replay(honest, calls)) != list(replay(other, calls))
