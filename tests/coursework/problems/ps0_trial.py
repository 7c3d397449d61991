"""A problem set of the tests: one of each kind of question, and a check that trusts too much."""

from mmlab.coursework.problem import Part, ProblemSet, Work, Wrong


def check_sum(work: Work) -> None:
    if work.value("total", int) != work.rng.randint(0, 10**6) + work.rng.randint(0, 10**6):
        raise Wrong("The sum is another one.")


def check_pages(work: Work) -> float:
    right = 0
    for _ in range(4):
        length = work.rng.randint(1, 10**6)
        right += work.call("pages", length, kind=int) == -(-length // 4096)
    return right / 4


def check_probe(work: Work) -> None:
    secret = work.rng.randint(0, 10**9)
    found = work.probe("""
from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE, Kernel
proc = Kernel().spawn("probe")
addr = proc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
note(proc, addr, secret)
result = int.from_bytes(proc.load(addr, 8), "little")
""", secret=secret)
    if found != secret:
        raise Wrong("What `note` stores is not what is found in memory.")


def check_count(work: Work) -> None:
    """Trust too much: what if it is a very large number, or a negative one?"""
    count = work.value("count")
    strokes = "I" * count
    while count:
        count -= 1
    if strokes != "III":
        raise Wrong("It is another number.")


PROBLEMS = ProblemSet(
    "ps0_trial", "A trial", ["01_address_space"], "Four questions and an essay.",
    [
        Part("sum", "predict", 2, "A sum", "What is the sum?", setup='''
rng = personal("ps0-sum")
print(rng.randint(0, 10**6), "+", rng.randint(0, 10**6), "= ?")
''', starter="total = ...", solution='''
rng = personal("ps0-sum")
total = rng.randint(0, 10**6) + rng.randint(0, 10**6)
''', example='assert isinstance(total, int), "a sum is a whole number"', check=check_sum),
        Part("pages", "code", 4, "Pages", "Write `pages(length)`.", starter="def pages(length):\n    ...",
             solution="def pages(length):\n    return -(-length // 4096)",
             example="assert pages(4097) == 2", check=check_pages),
        Part("note", "code", 2, "A note", "Write `note(proc, addr, number)`.",
             starter="def note(proc, addr, number):\n    ...",
             solution="def note(proc, addr, number):\n    proc.store(addr, number.to_bytes(8, 'little'))",
             example="pass", check=check_probe),
        Part("count", "predict", 1, "A count", "How many?", starter="count = ...", solution="count = 3",
             example="assert count", check=check_count),
        Part("why", "essay", 4, "Why?", "Why?", rubric="- 4: because", solution="Because."),
    ],
)  # fmt: skip
