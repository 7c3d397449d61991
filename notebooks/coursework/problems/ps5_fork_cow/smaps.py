"""What smaps says of one process of a family, by its page tables."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, RW, settle, whole
from mmlab.coursework.problem import Part, Work
from mmlab.coursework.programs import MEMORY

from .common import entry_at, leave_all


def sharers(rng, kernel):
    """A family with nine pages of private or of shared memory, to which many have stored: (procs, address)."""
    procs = {"P": kernel.spawn("P")}
    flags = rng.choice([MAP_PRIVATE, MAP_PRIVATE, MAP_SHARED]) | MAP_ANONYMOUS | MAP_FIXED
    addr = procs["P"].mmap(HOME, 9 * PAGE_SIZE, RW, flags)
    procs["P"].store(addr, b"x" * rng.randint(4, 9) * PAGE_SIZE)
    for name in "ABCD"[: rng.randint(2, 4)]:
        procs[name] = procs[rng.choice(sorted(procs))].fork()
        for _ in range(3):
            procs[rng.choice(sorted(procs))].store(addr + rng.randrange(9) * PAGE_SIZE, b"y")
    return procs, addr


def smaps_says(proc, addr):
    """The four lines, in kB."""
    lines = proc.smaps().partition(f"{addr:x}-")[2].partition("VmFlags")[0].splitlines()[1:]
    kb = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines) if "kB" in value}
    shared, private = (kb[f"{kind}_Clean"] + kb[f"{kind}_Dirty"] for kind in ("Shared", "Private"))
    return {"Rss": kb["Rss"], "Pss": kb["Pss"], "Shared": shared, "Private": private}


def check(work: Work):
    kernel, right, words = Kernel(mem=MEMORY), dict.fromkeys(("Rss", "Pss", "Shared", "Private"), True), ""
    for _ in range(10):
        procs, addr = sharers(work.rng, kernel)
        tables = {name: {page: found[0].pfn for page in range(9) if (found := entry_at(proc, addr + page * PAGE_SIZE))}
                  for name, proc in procs.items()}  # fmt: skip
        who = work.rng.choice(sorted(procs))
        given, expected = work.call("smaps", tables, who, kind=dict), smaps_says(procs[who], addr)
        for name in right:
            if not whole(given.get(name)) or given[name] != expected[name]:
                right[name], words = False, f"For smaps({tables}, {who!r}) {name} is not {given.get(name)!r}."
        leave_all(procs)
    rest = right["Rss"] and right["Shared"] and right["Private"]
    settle((0.5, right["Pss"], words), (0.5, rest, words))


PART = Part(
    "smaps", "code", 2, "Whose memory is it?",
    """
Write `smaps(tables, who)`. `tables` is a dict: process → its page table, a dict page number → frame, for one area of
memory that all of them have; other processes do not have it. `who` is one of them. Return a dict with the keys
`"Rss"`, `"Pss"`, `"Shared"` and `"Private"`: what `/proc/PID/smaps` says of the area, in kB, as whole numbers.
(`Shared` stands for `Shared_Clean` + `Shared_Dirty`, `Private` likewise.) One point is for Pss, one for the rest.

The kernel computes Pss without fractions: each page adds `(4096 << 12) // n`, where `n` is the number by which it is
to be divided; the sum of the area is shifted right by 12, which gives bytes, and again by 10, for kB.
""",
    starter="def smaps(tables, who):\n    ...",
    solution='''
def smaps(tables, who):
    maps = [frame for table in tables.values() for frame in table.values()]
    n = [maps.count(frame) for frame in tables[who].values()]
    return {
        "Rss": 4 * len(n),
        "Pss": sum((4096 << 12) // each for each in n) >> 12 >> 10,
        "Shared": 4 * sum(each > 1 for each in n),
        "Private": 4 * n.count(1),
    }
''',
    example='''
said = smaps({"P": {0: 7, 1: 8}, "C": {0: 7, 1: 9}}, "P")
if said is None:
    raise NotImplementedError
assert said["Rss"] == 8, "P maps two pages"
assert said["Pss"] == 6, "one of them is mapped twice"
''',
    check=check,
)  # fmt: skip
