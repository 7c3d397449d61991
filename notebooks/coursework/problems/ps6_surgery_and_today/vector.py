"""A vector that grows without copying a byte itself."""

from math import log2

from mmlab import PAGE_SIZE, Kernel
from mmlab.coursework.checks import allowed, settle, text, whole
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay
from mmlab.include.errors import MemoryFault
from mmlab.process import Process


def data_of(calls):
    """What is stored, call by call."""
    stores = [(arguments, named) for _, name, arguments, named in calls if name == "store"]
    return [named["data"] if "data" in named else arguments[-1] for arguments, named in stores]


RUN = text(data_of) + """
from mmlab.coursework.programs import MEMORY, Recorder
calls, told = [], []
vector = Vector(Recorder(Kernel(mem=MEMORY), calls, []).spawn("vector"))
for number, size in enumerate(sizes):
    vector.append(bytes([97 + number % 26]) * size)
    told.append((len(calls), vector.addr))
stored = sum(map(len, data_of(calls)))
result = calls if stored <= sum(sizes) else [], told, stored
"""


def sizes_drawn(rng):
    """Lengths of records, in bytes: most are short, and one is longer than all before it."""
    sizes = [rng.choice([rng.randint(1, 300), rng.randint(1, 4096), rng.randint(4096, 6000)])
             for _ in range(rng.randint(90, 110))]  # fmt: skip
    sizes[rng.randint(5, 9)] = rng.randint(50_000, 60_000)
    return sizes


def replayed(calls, told, sizes):
    """Make the calls again; Wrong unless all the records are at `addr`. Tell whether it was always frugal."""
    kernel, contents, done, frugal = Kernel(mem=MEMORY), b"", 0, True
    results, proc, base = replay(kernel, calls), None, 0
    for number, ((upto, addr), size) in enumerate(zip(told, sizes, strict=True)):
        for _ in range(upto - done):
            said = next(results)
            if proc is None:
                proc = Process(*kernel.machine.tasks.values())
                base = proc.task.mm.total_vm
            if isinstance(said, str) and said.partition(":")[0].endswith(("Error", "Fault")):
                raise Wrong(f"While record {number} is appended, a call fails: {said}")
        done, contents = upto, contents + bytes([97 + number % 26]) * size
        frugal = frugal and (proc.task.mm.total_vm - base) * PAGE_SIZE <= 2 * len(contents) + 2 * PAGE_SIZE
        if number % 10 == 0 or number == len(sizes) - 1:
            try:
                right = whole(addr) and proc.load(addr, len(contents)) == contents
            except MemoryFault as fault:
                raise Wrong(f"After {number + 1} records: a load from `addr` on is {fault.signal}.") from None
            if not right:
                raise Wrong(f"After {number + 1} records: they are not at `addr`, one behind the other.")
    return frugal


def check(work: Work):
    sizes = sizes_drawn(work.rng)
    calls, told, stored = work.probe(RUN, sizes=sizes)
    allowed(calls, {"spawn", "mmap", "mremap", "munmap", "store"}, "a vector")
    if stored > sum(sizes) or sum(map(len, data_of(calls))) != sum(sizes):
        raise Wrong(f"The records have {sum(sizes)} bytes, but {stored} are stored.")
    try:
        frugal = replayed(calls, told, sizes)
    except ValueError as error:
        raise Wrong(str(error)) from None
    pages, made = sum(sizes) / PAGE_SIZE, sum(name in ("mmap", "mremap") for _, name, _, _ in calls)
    settle(
        (1 / 2, True, ""),
        (1 / 4, frugal, "At some point more is mapped than allowed."),
        (1 / 4, made <= 4 + 2 * log2(pages), f"For {pages:.0f} pages it makes {made} calls of mmap and mremap."),
    )  # fmt: skip


PART = Part(
    "vector", "code", 4, "A vector that copies nothing",
    """
Write a class `Vector`: records of bytes, one behind the other in memory, without a gap, however many come.

- `Vector(proc)` makes an empty one in the memory of a process;
- `append(record)` puts `record` (of type `bytes`, not empty, perhaps longer than all before it) behind the others;
- `addr` is the address of the first byte. It may be another one after each `append`.

Records may come to a hundred pages and more, and `Vector` does not know how many will follow. It may call `mmap`,
`mremap`, `munmap` and `store` of `proc`, and nothing else of the machine; and it stores each byte **once**. When the
place is too small, it is the kernel that moves the pages.

- Two points: all records are there, at `addr`, after each `append`.
- One point more: after each `append`, at most 2 · (bytes of all records) + 8192 bytes are mapped for them.
- One point more: for records of *n* pages, at most 4 + 2 · log₂ *n* calls of `mmap` and `mremap`.

The calls that it makes are made again on another machine, and judged there.
""",
    starter="class Vector:\n    def __init__(self, proc):\n        ...\n\n    def append(self, record):\n        ...",
    solution='''
class Vector:
    def __init__(self, proc):
        self.proc, self.length, self.room = proc, 0, 4096
        self.addr = proc.mmap(0, self.room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)

    def append(self, record):
        room = self.room
        while room < self.length + len(record):
            room *= 2
        if room > self.room:
            self.addr = self.proc.mremap(self.addr, self.room, room, MREMAP_MAYMOVE)
            self.room = room
        self.proc.store(self.addr + self.length, record)
        self.length += len(record)
''',
    example='''
proc = Kernel().spawn("me")
vector = Vector(proc)
for number in range(5):
    vector.append(b"ABCDE"[number:number + 1] * 3000)
assert proc.load(vector.addr, 3) == b"AAA", "the first record"
assert proc.load(vector.addr + 4 * 3000, 3) == b"EEE", "the last record"
''',
    check=check,
)  # fmt: skip
