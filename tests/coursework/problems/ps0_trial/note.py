"""A function that is tried on a machine in the sandbox."""

from mmlab.coursework.problem import Part, Work, Wrong

RUN = """
from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE, Kernel
proc = Kernel().spawn("probe")
addr = proc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
note(proc, addr, secret)
result = int.from_bytes(proc.load(addr, 8), "little")
"""


def check(work: Work) -> None:
    secret = work.rng.randint(0, 10**9)
    if work.probe(RUN, secret=secret) != secret:
        raise Wrong("What `note` stores is not what is found in memory.")


PART = Part(
    "note", "code", 2, "A note",
    "Write `note(proc, addr, number)`.",
    starter="def note(proc, addr, number):\n    ...",
    solution="def note(proc, addr, number):\n    proc.store(addr, number.to_bytes(8, 'little'))",
    example="pass",
    check=check,
)  # fmt: skip
