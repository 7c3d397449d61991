from tests.coursework.wrong import then
from tests.coursework.wrong.hunt import mistakes

WRONG = mistakes("ps5-bug") | {
    "a witness without a fork": (then("ps5-bug", """
def witness(kernel):
    proc = kernel.spawn("witness")
    addr = proc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.store(addr, b"x")
    proc.load(addr)
"""), 2),
    "a witness that says so itself": (
        then("ps5-bug", "def witness(kernel):\n    return 'the parent sees the child store'"), 2),
    "another letter, and no witness": (then("ps5-bug", """
bug = "ABCDEFGH"["BCDEFGHA".index(bug)]
def witness(kernel):
    pass
"""), 0),
    "a witness that is too long": (then("ps5-bug", """
one = witness
def witness(kernel):
    for _ in range(3):
        one(kernel)
"""), 2),
    "a witness that raises an error": (
        then("ps5-bug", "def witness(kernel):\n    assert kernel.spawn('x').load(0)"), 2),
}  # fmt: skip
