"""Wrong answers that any bug hunt has."""

from tests.coursework.wrong import then

NOTHING = """
def witness(kernel):
    proc = kernel.spawn("witness")
    proc.close(proc.open("/data/book.txt", O_RDONLY))
"""


def mistakes(grade_id: str) -> dict[str, str | tuple[str, float]]:
    """Give them. The letter and the witness count alone: a witness that cannot be judged costs its own points only."""
    return {
        "the first claim, and a program that shows nothing": f'bug = "A"\n{NOTHING}',
        "another letter": (then(grade_id, 'bug = "ABCDEFGH"["HABCDEFG".index(bug)]'), 2),
        "the claim in words": (then(grade_id, "bug = claims[bug]"), 2),
        "the letter, and a witness that does not touch the bug": (then(grade_id, NOTHING), 2),
        "the letter, and no witness": (then(grade_id, "del witness"), 2),
        "a witness that uses machines of its own": (then(grade_id, """
def witness(kernel):
    return tries[claims[bug]](Kernel()) != tries[claims[bug]](new_machine())
"""), 2),
        "a witness that tries everything": (then(grade_id, """
def witness(kernel):
    for program in tries.values():
        outcome(program, kernel)
"""), 2),
        "a witness that looks at the kernel's own objects": (then(grade_id, """
def witness(kernel):
    kernel.check()
"""), 2),
    }  # fmt: skip
