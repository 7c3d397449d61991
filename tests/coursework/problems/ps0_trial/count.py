"""A check that trusts too much: what if the count is a very large number, or a negative one?"""

from mmlab.coursework.problem import Part, Work, Wrong


def check(work: Work) -> None:
    count = work.value("count")
    strokes = "I" * count
    while count:
        count -= 1
    if strokes != "III":
        raise Wrong("It is another number.")


PART = Part(
    "count", "predict", 1, "A count",
    "How many?",
    starter="count = ...",
    solution="count = 3",
    example="assert count",
    check=check,
)  # fmt: skip
