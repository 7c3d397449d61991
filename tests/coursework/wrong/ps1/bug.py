from tests.coursework.wrong import then
from tests.coursework.wrong.hunt import mistakes

WRONG = mistakes("ps1-bug") | {
    "no letter": (then("ps1-bug", "bug = None"), 2),
    "a witness that gives another value each time": (then("ps1-bug", """
from itertools import count
number = count()
def witness(kernel):
    kernel.spawn("witness")
    return next(number)
"""), 2),
    "a witness that looks whom it runs on": (then("ps1-bug", """
found = witness
def witness(kernel):
    return found(kernel) if "Mutant" in type(kernel).__name__ else kernel.spawn("witness")
"""), 2),
}  # fmt: skip
