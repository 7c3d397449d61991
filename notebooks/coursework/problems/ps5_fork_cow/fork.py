"""fork and exit over plain data: what becomes of entries, rights and counts."""

from mmlab import Kernel
from mmlab.coursework.checks import settle
from mmlab.coursework.problem import Part, Work
from mmlab.coursework.programs import MEMORY

from .common import alone, family, leave_all, other, plain, shown

RUN_FORK = """
fork(machine, parent, child)
tables = machine["tables"]
result = machine, tables[parent] is tables.get(child)
"""
RUN_LEAVE = """
leave(machine, who)
result = machine
"""


def check(work: Work):
    kernel, forked, left = Kernel(mem=MEMORY), "", ""
    for _ in range(10):
        procs, addr = family(work.rng, kernel)
        numbers, who = {}, work.rng.choice(sorted(procs))
        before = plain(procs, addr, numbers)
        procs["N"] = procs[who].fork()
        given, one = work.probe(RUN_FORK, machine=before, parent=who, child="N")
        if one:
            forked = "After a fork parent and child have one page table, the same dict: what one changes, both have."
        elif given != (true := plain(procs, addr, numbers)):
            forked = forked or f"fork(machine, {who!r}, 'N'): wrong is {other(given, true)}. Before: {shown(before)}"
        before = plain(procs, addr, numbers)
        who = work.rng.choice([who for who, _ in alone(before)] or sorted(procs))
        procs.pop(who).exit()
        given, true = work.probe(RUN_LEAVE, machine=before, who=who), plain(procs, addr, numbers)
        if given != true:
            left = f"leave(machine, {who!r}): wrong is {other(given, true)}. Before: {shown(before)}"
        leave_all(procs)
    settle((2 / 3, not forked, forked), (1 / 3, not left, left))


MACHINE = """
A machine is a dict, `{"frames": …, "tables": …}`:

- `machine["tables"]`: process → its page table. A page table is a dict: page number → `(frame, write)`. `write` tells
  whether the entry lets the processor write. Where there is no entry the dict has none.
- `machine["frames"]`: frame → `{"data": …, "count": …}`. `data` is what is in the frame (here 8 `bytes`), `count` the
  number of entries that map it. A frame that is not in the dict is free.

All of it is private memory that the processes may write, whatever an entry allows.
"""


PART = Part(
    "fork", "code", 3, "fork, over plain data",
    MACHINE + """
Write two functions that change `machine` in place. What they return does not matter.

- `fork(machine, parent, child)`: the process `parent` forks; the new process is named `child`. No frame is copied.
  (2 points)
- `leave(machine, who)`: the process `who` exits. A frame that nobody maps any more is free. (1 point)
""",
    starter="def fork(machine, parent, child):\n    ...\n\n\ndef leave(machine, who):\n    ...",
    solution='''
def fork(machine, parent, child):
    tables = machine["tables"]
    for page, (frame, write) in tables[parent].items():
        tables[parent][page] = (frame, False)
        machine["frames"][frame]["count"] += 1
    tables[child] = dict(tables[parent])


def leave(machine, who):
    for frame, write in machine["tables"].pop(who).values():
        machine["frames"][frame]["count"] -= 1
        if machine["frames"][frame]["count"] == 0:
            del machine["frames"][frame]
''',
    example='''
machine = {"frames": {1: {"data": b"one page", "count": 1}}, "tables": {"P": {4: (1, True)}}}
fork(machine, "P", "C")
if len(machine["tables"]) == 1:
    raise NotImplementedError
assert machine["tables"]["C"] == {4: (1, False)}, "the child's page table"
leave(machine, "C")
assert "C" not in machine["tables"], "who exits has no page table any more"
''',
    check=check,
)  # fmt: skip
