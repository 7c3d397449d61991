"""A store over plain data: when a page is copied, and what becomes of both."""

from mmlab import PAGE_SIZE, Kernel
from mmlab.coursework.checks import settle
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY

from .common import BYTES, alone, family, leave_all, other, outcome, plain, shown

RUN_STORE = """
word = store(machine, who, page, offset, data)
result = word, machine
"""


def renamed(machine, old):
    """The machine, with the frame that was not there before called "new"; None if there are more of them."""
    name = {frame: "new" for frame in machine["frames"] if frame not in old}
    if len(name) > 1:
        return None
    tables = {who: {page: (name.get(frame, frame), write) for page, (frame, write) in table.items()}
              for who, table in machine["tables"].items()}  # fmt: skip
    return {"frames": {name.get(frame, frame): each for frame, each in machine["frames"].items()}, "tables": tables}


def check(work: Work):
    kernel, wrong_word, wrong_state = Kernel(mem=MEMORY), "", ""
    for _ in range(8):
        procs, addr = family(work.rng, kernel)
        for _ in range(6):
            numbers, offset, data = {}, work.rng.randrange(BYTES), work.rng.randbytes(1)
            before = plain(procs, addr, numbers)
            places = [(who, page) for who in sorted(procs) for page in range(6)]
            who, page = work.rng.choice(work.rng.choice([places, alone(before, protected=True) or places]))
            expected = outcome(kernel, procs[who], addr + page * PAGE_SIZE + offset, data)
            word, given = work.probe(RUN_STORE, machine=before, who=who, page=page, offset=offset, data=data)
            given, true = (renamed(each, before["frames"]) for each in (given, plain(procs, addr, numbers)))
            case = f"store(machine, {who!r}, {page}, {offset}, {data})"
            if word != expected:
                wrong_word = f"{case}: {str(word)[:40]!r} is not the word. Before: {shown(before)}"
            if given != true:
                wrong_state = f"{case}: wrong is {other(given, true)}. Before: {shown(before)}"
            if wrong_word and wrong_state:
                raise Wrong(f"{wrong_state}\n{wrong_word}")
        leave_all(procs)
    settle((0.75, not wrong_state, wrong_state), (0.25, not wrong_word, wrong_word))


PART = Part(
    "store", "code", 4, "A store, over plain data",
    """
The machine is that of the part before. Write `store(machine, who, page, offset, data)`: the process `who` stores
`data`, one byte (`bytes` of length 1), at byte `offset` (0 to 7) of its page `page`. Do what the processor and today's
kernel do together, and change `machine` in place (3 points). Return (1 point)

- `"none"` if there is no fault,
- `"reuse"` if there is a fault, and the store goes to the frame that is mapped already,
- `"copy"` if there is a fault and the frame is copied,
- `"new"` if the process has no entry for the page: it gets a frame of 8 zero bytes, into which the store goes.

A new frame may have any number that is not in use. There is always enough memory.
""",
    starter="def store(machine, who, page, offset, data):\n    ...",
    solution='''
def store(machine, who, page, offset, data):
    frames, table = machine["frames"], machine["tables"][who]
    frame, write = table.get(page, (None, False))
    if frame is None:
        word, old = "new", bytes(8)
    else:
        old = frames[frame]["data"]
        word = "none" if write else "reuse" if frames[frame]["count"] == 1 else "copy"
    if word == "copy":
        frames[frame]["count"] -= 1
    if word in ("new", "copy"):
        frame = max(frames, default=0) + 1
        frames[frame] = {"count": 1}
    frames[frame]["data"] = old[:offset] + data + old[offset + 1 :]
    table[page] = (frame, True)
    return word
''',
    example='''
machine = {"frames": {1: {"data": b"one page", "count": 2}}, "tables": {"P": {4: (1, False)}, "C": {4: (1, False)}}}
word = store(machine, "C", 4, 0, b"O")
if word is None:
    raise NotImplementedError
assert word == "copy", "the word for the first store after a fork"
(frame, write), data = machine["tables"]["C"][4], machine["frames"][1]["data"]
assert machine["frames"][frame]["data"] == b"One page" and data == b"one page", "what the two frames hold"
''',
    check=check,
)  # fmt: skip
