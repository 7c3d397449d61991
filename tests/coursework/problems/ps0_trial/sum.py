"""Two numbers of one's own."""

from mmlab.coursework.problem import Part, Work, Wrong


def check(work: Work) -> None:
    if work.value("total", int) != work.rng.randint(0, 10**6) + work.rng.randint(0, 10**6):
        raise Wrong("The sum is another one.")


PART = Part(
    "sum", "predict", 2, "A sum",
    "What is the sum?",
    setup='''
rng = personal("ps0-sum")
print(rng.randint(0, 10**6), "+", rng.randint(0, 10**6), "= ?")
''',
    starter="total = ...",
    solution='''
rng = personal("ps0-sum")
total = rng.randint(0, 10**6) + rng.randint(0, 10**6)
''',
    example='assert isinstance(total, int), "a sum is a whole number"',
    check=check,
)  # fmt: skip
