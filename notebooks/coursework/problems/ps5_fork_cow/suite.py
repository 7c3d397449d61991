"""A test of at most six moves that finds each of eight bugs in fork and copy-on-write."""

from mmlab import MAP_FIXED, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, RW, text
from mmlab.coursework.mutants import BUGS, infected
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY

from .common import MEM


def performed(kernel, moves):
    """Make the moves on a machine, and give what can be seen after each of them."""
    procs = {"P": kernel.spawn("P")}
    addr = procs["P"].mmap(HOME, PAGE_SIZE, RW, MEM | MAP_FIXED)
    seen = []
    procs["P"].store(addr, b"original")
    for number, (what, who, *child) in enumerate(moves):
        if what == "store":
            procs[who].store(addr + number, b"%d" % number)
        elif what == "fork":
            procs[child[0]] = procs[who].fork()
        else:
            procs.pop(who).exit()
        seen.append({name: proc.load(addr, 8) for name, proc in procs.items()})
        seen[-1]["MemFree"] = kernel.meminfo()["MemFree"]
    return seen


def moves_checked(moves):
    """Give the moves; Wrong unless each of them can be made."""
    living = {"P"}
    for move in moves:
        if not isinstance(move, list | tuple) or not move or not all(isinstance(each, str) for each in move):
            raise Wrong("Each move is to be a tuple of strings.")
        what, *who = move
        if {"store": 1, "exit": 1, "fork": 2}.get(what) != len(who) or who[0] not in living:
            raise Wrong(f"{move!r} is not a move that can be made: {', '.join(sorted(living))} can move then.")
        if what == "fork" and who[1] in living:
            raise Wrong(f"{move!r}: there is a process of that name.")
        living = living | {who[-1]} if what != "exit" else living - {who[0]}
    return moves


def check(work: Work):
    moves = work.value("moves", kind=list)
    if len(moves) > 6:
        raise Wrong(f"There are {len(moves)} moves; at most 6 are asked for.")
    seen = performed(Kernel(mem=MEMORY), moves_checked(moves))
    passed = sum(performed(infected("ps5-suite", bug, mem=MEMORY), moves) == seen for bug in BUGS["ps5-suite"])
    if passed:
        raise Wrong(f"{passed} of the {len(BUGS['ps5-suite'])} wrong kernels pass this test.", max(0, 3 - passed) / 3)


PART = Part(
    "suite", "bug", 3, "A test that no bug survives",
    """
Write a test of copy-on-write. P has one page of private memory and has stored `original` to it. Set `moves` to a list
of **at most 6** moves, made in order, each a tuple of strings:

- `("fork", "P", "C")`: P (or any living process) forks; the new process is called C (or as you like);
- `("store", "C")`: C stores one byte to the page, at a place to which no move before it has stored, so that all can be
  told apart;
- `("exit", "C")`: C exits.

After each move the grader notes, for each living process, the 8 bytes that it loads from the page, and the `MemFree`
line of `/proc/meminfo`. It does so on an honest kernel and on eight others, each of which has one bug in its fork, its
copy-on-write or its exit; a bug is found if anything noted is different.

Three points if all eight are found, two for seven, one for six. The bugs are of the kind that happens: something is
not done, or done for one of two only, or a count is wrong. Think: what can go wrong with the parent's entry, with the
child's, with the copy, with the count of a page, with two processes and with three?
""",
    setup=text(performed).replace("RW, MEM |", "PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |").replace(
        "HOME", "1 << 40"),
    starter="moves = ...",
    solution='''
moves = [
    ("fork", "P", "C"),
    ("fork", "P", "D"),
    ("store", "D"),
    ("store", "P"),
    ("exit", "C"),
]
''',
    example='''
assert len(moves) <= 6, "more than 6 moves"
for number, seen in enumerate(performed(Kernel(), moves)):
    print(moves[number], seen)
''',
    check=check,
)  # fmt: skip
