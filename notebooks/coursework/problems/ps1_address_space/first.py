"""Which of mmap's checks refuses first, where several would."""

from errno import errorcode
from inspect import getsource

import mmlab
from mmlab import MAP_FIXED, O_RDONLY, O_WRONLY, PAGE_SIZE, Kernel
from mmlab.coursework.checks import RW
from mmlab.coursework.problem import Part, Work, Wrong

from .common import ANON, HERE

CALLS = [  # some succeed, the others are wrong in two ways or more
    "0, 0, RW, MAP_SHARED, ro, 0",
    "0, 2**64 - {odd}, RW, MAP_SHARED, ro, 0",
    "0, {length}, PROT_NONE, MAP_PRIVATE | MAP_GROWSDOWN, wo, 0",
    "0, {length}, PROT_READ, ANON, folder, 4096",
    "0, {length}, PROT_READ, ANON, {closed}, 0",
    "0, {length}, PROT_READ, MAP_GROWSDOWN, folder, 0",
    "0, {length}, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, folder, 0",
    "0, {length}, PROT_READ, MAP_PRIVATE, folder, 2**63 - 4096",
    "0, {length}, PROT_READ, MAP_SHARED, {closed}, {odd}",
    "0, {length}, PROT_WRITE, MAP_SHARED, folder, 0",
    "0, {length}, RW, 0, wo, 0",
    "0, {length}, RW, MAP_PRIVATE, ro, 0",
    "0, {length}, RW, MAP_SHARED, ro, 2**63 - 4096",
    "2**63, {length}, PROT_NONE, MAP_SHARED, ro, 0",
    "HERE, 0, PROT_READ, MAP_SHARED, {closed}, 0",
    "HERE, {length}, PROT_READ, ANON, -1, 0",
    "HERE, {length}, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, wo, 0",
    "HERE, {length}, PROT_READ, MAP_SHARED | MAP_FIXED, ro, 0",
    "HERE, {length}, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, folder, 0",
    "HERE, {length}, RW, MAP_SHARED, {closed}, {odd}",
    "{low} + 1, {length}, PROT_READ, ANON | MAP_FIXED, -1, 0",
    "{low}, 0, PROT_READ, ANON | MAP_FIXED, -1, 0",
    "{low}, {length}, PROT_READ, ANON, -1, 0",
    "{low}, {length}, PROT_READ, MAP_PRIVATE | MAP_FIXED, folder, 0",
    "{low}, {length}, RW, MAP_SHARED | MAP_FIXED, ro, 0",
    "{unaligned}, 2**47, PROT_READ, MAP_SHARED | MAP_FIXED, ro, 0",
    "{unaligned}, {length}, PROT_READ, MAP_SHARED, ro, 0",
    "{unaligned}, {length}, RW, MAP_SHARED | MAP_FIXED, ro, 0",
]
LISTED = "".join(f'    "{call}",\n' for call in CALLS)


def drawn_mmaps(rng, calls):
    """Eight of the calls, with numbers in them."""
    return [call.format(length=rng.randint(1, 9000), closed=rng.randint(20, 99), odd=rng.randint(1, 4095),
                        low=4096 * rng.randint(1, 9), unaligned=f"HERE + {rng.randint(1, 4095)}")
            for call in rng.sample(calls, 8)]  # fmt: skip


def refusals(calls):
    """How the calls end, each on a machine of its own: "ok" or the name of the errno."""
    found = []
    for call in calls:
        proc = Kernel().spawn("student")
        files = {"ro": proc.open("/data/book.txt", O_RDONLY), "wo": proc.open("/data/book.txt", O_WRONLY),
                 "folder": proc.open("/data", O_RDONLY)}  # fmt: skip
        proc.mmap(HERE, PAGE_SIZE, RW, ANON | MAP_FIXED)
        proc.setuid(1000)
        try:
            proc.mmap(*eval(call, {**vars(mmlab), "HERE": HERE, "ANON": ANON, "RW": RW}, files))
            found.append("ok")
        except OSError as error:
            found.append(errorcode[error.errno])
    return found


def check(work: Work):
    expected = refusals(drawn_mmaps(work.rng, CALLS))
    answer = work.value("answers", list)
    missed = sum(a != b for a, b in zip(answer, expected, strict=False)) + abs(len(answer) - len(expected))
    if missed:
        raise Wrong(f"{missed} of the 8 are not so. Go through the checks in lesson 02 in their order: the first that "
                    "a call does not pass decides.", max(0, 1 - missed / 3))  # fmt: skip


PART = Part(
    "first", "predict", 3, "Which check refuses first?",
    """
A process that is not root has `/data/book.txt` open as `ro` (`O_RDONLY`) and as `wo` (`O_WRONLY`), and a directory as
`folder`; other descriptors are closed. It has one page mapped at `HERE`, which is `0x10000000000`; `ANON` is
`MAP_PRIVATE | MAP_ANONYMOUS`, `RW` is `PROT_READ | PROT_WRITE`. `mmap_min_addr` is 65536. Printed below are the
arguments of eight `mmap` calls (address, length, prot, flags, descriptor, offset), each made by such a process as its
first. Most are wrong in more than one way; some are not wrong at all.

How does each end? Answer with `answers`: a list of eight `str`, `"ok"` or the name of an errno, such as `"ENOMEM"`.
(Each that is wrong costs one point.)
""",
    setup=f"""
HERE, ANON, RW = 0x10000000000, MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE

CALLS = [
{LISTED}]

{getsource(drawn_mmaps)}

calls = drawn_mmaps(personal("ps1-first"), CALLS)
for number, call in enumerate(calls, 1):
    print(f"{{number}}  mmap({{call}})")
""",
    starter="answers = [...]",
    solution="""
from errno import errorcode

answers = []
for call in calls:
    proc = Kernel().spawn("student")
    ro, wo = proc.open("/data/book.txt", O_RDONLY), proc.open("/data/book.txt", O_WRONLY)
    folder = proc.open("/data", O_RDONLY)
    proc.mmap(HERE, 4096, RW, ANON | MAP_FIXED)
    proc.setuid(1000)
    try:
        proc.mmap(*eval(call))
        answers.append("ok")
    except OSError as error:
        answers.append(errorcode[error.errno])
""",
    example="""
import errno

if ... in answers:
    raise NotImplementedError
assert len(answers) == 8, "eight answers"
assert all(name == "ok" or hasattr(errno, name) for name in answers), '"ok" or the name of an errno'
""",
    check=check,
)  # fmt: skip
