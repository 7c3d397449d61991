"""A function, each right answer of which earns its share."""

from mmlab.coursework.problem import Part, Work


def check(work: Work) -> float:
    right = 0
    for _ in range(4):
        length = work.rng.randint(1, 10**6)
        right += work.call("pages", length, kind=int) == -(-length // 4096)
    return right / 4


PART = Part(
    "pages", "code", 4, "Pages",
    "Write `pages(length)`.",
    starter="def pages(length):\n    ...",
    solution="def pages(length):\n    return -(-length // 4096)",
    example="assert pages(4097) == 2",
    check=check,
)  # fmt: skip
