"""Problem set 5: fork and copy-on-write (lesson 10).

What a student reads above an answer is printed by code that stands here as a function, too (`draw_…`), so that a check
draws the same numbers; what is right is always what the simulated kernel does.
"""

from functools import cache

from mmlab import (
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_NORESERVE,
    MAP_PRIVATE,
    MAP_SHARED,
    MLOCK_ONFAULT,
    O_CREAT,
    O_RDWR,
    PAGE_SIZE,
    PROT_READ,
    PROT_WRITE,
    Kernel,
)
from mmlab.check import vmas
from mmlab.coursework.checks import draw_claims, settle, text, whole
from mmlab.coursework.mutants import BUGS, drawn_bug, infected
from mmlab.coursework.problem import Part, ProblemSet, Work, Wrong
from mmlab.coursework.programs import MEMORY, replay
from mmlab.coursework.sandbox import Failed
from mmlab.include.mm import VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED, VM_SHARED, VM_WIPEONFORK, VM_WRITE
from mmlab.include.pgtable import _PAGE_RW, pte_none, pte_offset, pte_pfn, pte_write
from mmlab.mm.page_alloc import get_page, put_page
from mmlab.mm.vma import find_vma

RW, MEM, HOME = PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 1 << 40
BYTES = 8  # of each page, in the parts with tables of plain data


def listed(value, length, words):
    """Give the list; Wrong unless it has that length."""
    if not isinstance(value, list | tuple) or len(value) != length:
        raise Wrong(words)
    return list(value)


def entry_at(proc, addr):
    """The page that a process maps there and whether it may be written through the entry; None if there is none."""
    table, i = pte_offset(proc.task.mm.pgd, addr)
    if table is None or pte_none(table[i]):
        return None
    return proc.task.machine.mem_map[pte_pfn(table[i])], pte_write(table[i])


# ── 1: what is copied ───────────────────────────────────────────────────────────────────────────────────────


def draw_mappings(rng):
    """Six mappings: (kind, pages, steps); a step is (what, first page, number of pages)."""
    n = rng.sample(range(6, 17), 6)
    k = [rng.randint(2, pages - 3) for pages in n]
    kinds = [
        ("private memory", n[0], [("load", 0, n[0]), ("store", 0, k[0]), ("MADV_DONTNEED", n[0] - 2, 2)]),
        ("private, of a file", n[1], [("load", 0, n[1]), ("store", k[1], 1)]),
        ("private, of a file", n[2], [("store", 0, k[2]), ("MADV_DONTNEED", 0, n[2]), ("load", 0, n[2])]),
        (rng.choice(["private memory", "private, of a file"]), n[3], [("load", 0, n[3])]),
        (rng.choice(["shared memory", "shared, of a file"]), n[4], [("store", 0, k[4])]),
        ("private memory", n[5], [("store", 0, n[5]), (rng.choice(["MADV_WIPEONFORK", "MADV_DONTFORK"]), 0, n[5])]),
    ]  # fmt: skip
    rng.shuffle(kinds)
    return kinds


def mapped(proc, kind, pages, steps):
    """Make one of the six mappings, and give its address."""
    fd, flags = proc.open("/data/pages", O_RDWR | O_CREAT), MAP_SHARED if "shared" in kind else MAP_PRIVATE
    proc.pwrite(fd, bytes(20 * PAGE_SIZE), 0)
    addr = proc.mmap(0, pages * PAGE_SIZE, RW, flags if "file" in kind else flags | MAP_ANONYMOUS, fd)
    for what, first, count in steps:
        start, length = addr + first * PAGE_SIZE, count * PAGE_SIZE
        if what == "load":
            proc.load(start, length)
        elif what == "store":
            proc.store(start, b"x" * length)
        else:
            advice = {"MADV_DONTNEED": MADV_DONTNEED, "MADV_DONTFORK": MADV_DONTFORK}.get(what, MADV_WIPEONFORK)
            proc.madvise(start, length, advice)
    return addr


def entries_of_a_child(kernel, mappings):
    """How many entries a child has for each mapping when fork returns."""
    parent, places = kernel.spawn("parent"), []
    for mapping in mappings:
        places.append((mapped(parent, *mapping), mapping[1]))
        parent.mmap(0, PAGE_SIZE, 0, MEM)  # so that no two of them lie side by side
    child = parent.fork()
    return [sum(child.pagemap(addr + page * PAGE_SIZE).present for page in range(pages)) for addr, pages in places]


def check_copied(work: Work):
    given = listed(work.value("copied"), 6, "`copied` is to be a list of six numbers, one for each mapping.")
    theirs = entries_of_a_child(Kernel(mem=MEMORY), draw_mappings(work.rng))
    right = [whole(number) and number == true for number, true in zip(given, theirs, strict=True)]
    if not all(right):
        raise Wrong(f"{sum(right)} of the six numbers are the kernel's. Ask of each VMA first whether fork looks at "
                    "its entries at all; then which entries there are.", sum(right) / 6)  # fmt: skip


COPIED = Part(
    "copied", "predict", 3, "What is copied",
    """
A process makes the six mappings that the next cell prints, apart from each other, all with
`PROT_READ | PROT_WRITE`, and takes the steps that stand with each, in order. (The file's pages are all in memory, and
the mapping begins at its first page.) Then it forks.

Set `copied` to a list of six numbers: for how many pages of each mapping has the **child** a page table entry at the
moment when `fork` returns? Entries of the zero page count like any other. Half a point each.
""",
    setup=text(draw_mappings) + '''
mappings = draw_mappings(personal("ps5-copied"))
for number, (kind, pages, steps) in enumerate(mappings, 1):
    done = "; ".join(f"{what}, pages {first} to {first + count - 1}" if count > 1 else f"{what}, page {first}"
                     for what, first, count in steps)
    print(f"{number}. {kind}, {pages} pages: {done}")
''',
    starter="copied = ...",
    solution='''
def entries(kind, pages, steps):
    present, anon_vma = set(), False
    for what, first, count in steps:
        touched = set(range(first, first + count))
        if what in ("load", "store"):
            present |= touched
            anon_vma |= what == "store" and "private" in kind   # it stays, whatever becomes of the pages
        elif what == "MADV_DONTNEED":
            present -= touched
        else:                               # WIPEONFORK, DONTFORK
            return 0
    return len(present) if anon_vma else 0

copied = [entries(*mapping) for mapping in mappings]
''',
    example='assert len(copied) == 6, "six mappings, six numbers"\n'
            'assert all(isinstance(each, int) for each in copied), "whole numbers"',
    check=check_copied,
)  # fmt: skip


# ── 2: copy, reuse, or nothing ──────────────────────────────────────────────────────────────────────────────


def draw_story(rng):
    """What a family does to one page: (who, "store" or "exit"), or (who, "fork", the child). Ten stores."""
    while True:
        story, living, names, quiet = [], ["P", "A", "B"], list("CDEF"), ["P", "A", "B"]
        while sum(move[1] == "store" for move in story) < 7:
            who, chance = rng.choice(quiet if quiet and rng.random() < 0.7 else living), rng.random()
            quiet = [each for each in quiet if each != who]
            if chance < 0.2 and names and len(living) < 4 and len(story) > 2:
                story.append((who, "fork", names.pop(0)))
                living.append(story[-1][2])
                quiet += [who, living[-1]]
            elif chance > 0.8 and len(living) > 2 and len(story) > 2:
                living.remove(who)
                story.append((who, "exit"))
            else:
                story.append((who, "store"))
        last = rng.sample(quiet, min(3, len(quiet))) + rng.choices(living, k=3)
        story += [(who, "store") for who in last[:3]]
        for number, (who, what, *_) in enumerate(story):
            if what == "fork" and (who, "store") in story[:number] and (who, "store") in story[number:]:
                return story


def told(kernel, story, tell):
    """What each store of a story takes; `tell` makes it and says so."""
    procs = {"P": kernel.spawn("P")}
    addr = procs["P"].mmap(0, PAGE_SIZE, RW, MEM)
    procs["P"].store(addr, b"P")
    procs["A"] = procs["P"].fork()
    procs["B"] = procs["A"].fork()
    words = []
    for who, what, *child in story:
        if what == "store":
            words.append(tell(kernel, procs[who], addr, b"x"))
        elif what == "fork":
            procs[child[0]] = procs[who].fork()
        else:
            procs[who].exit()
    return words


def outcome(kernel, proc, addr, data):
    """Make a store, and tell in a word what it took: "new", "copy", "reuse" or "none"."""
    there, before, pages = proc.pagemap(addr).present, proc.getrusage().ru_minflt, kernel.meminfo()["AnonPages"]
    proc.store(addr, data)
    if proc.getrusage().ru_minflt == before:
        return "none"
    return "new" if not there else "copy" if kernel.meminfo()["AnonPages"] > pages else "reuse"


def check_stores(work: Work):
    given = listed(work.value("stores"), 10, "`stores` is to be a list of ten words, one for each store.")
    words = told(Kernel(mem=MEMORY), draw_story(work.rng), outcome)
    right = sum(word == true for word, true in zip(given, words, strict=True))
    if right < 10:
        raise Wrong(f"{right} of the ten words are right. Write down, after each line, who maps which page and whose "
                    "entries allow a store.", 2 / 3 if right == 9 else 0)  # fmt: skip


STORES = Part(
    "stores", "predict", 3, "Copy, reuse, or no fault",
    """
P has one page of private anonymous memory and stores to it. It forks A; then A forks B. After that the family does
what the next cell prints, line by line.

Set `stores` to a list of ten words, one for each line that says "stores", in order:

- `"copy"`: the store faults, and the page is copied;
- `"reuse"`: the store faults, and no page is copied;
- `"none"`: the store takes no fault.

Ten right words earn 3 points, nine 2, fewer none. The kernel is today's.
""",
    setup=text(draw_story) + '''
story = draw_story(personal("ps5-stores"))
for who, what, *child in story:
    print(who, f"forks {child[0]}" if child else {"store": "stores", "exit": "exits"}[what])
''',
    starter="stores = ...",
    solution='''
page, writable, last, stores = {"P": 0, "A": 0, "B": 0}, set(), 0, []
for who, what, *child in story:
    if what == "exit":
        del page[who]
    elif what == "fork":
        page[child[0]] = page[who]
        writable.discard(who)
    elif who in writable:
        stores.append("none")
    else:
        alone = list(page.values()).count(page[who]) == 1
        stores.append("reuse" if alone else "copy")
        if not alone:
            page[who] = last = last + 1
        writable.add(who)
''',
    example='assert len(stores) == 10, "ten stores, ten words"\n'
            'assert set(stores) <= {"copy", "reuse", "none"}, "only the words copy, reuse, none"',
    check=check_stores,
)  # fmt: skip


# ── 3 and 4: fork and store, over plain data ────────────────────────────────────────────────────────────────


def family(rng, kernel):
    """A family whose members have stored to some of six pages: (name → process, address)."""
    procs = {"P": kernel.spawn("P")}
    addr = procs["P"].mmap(HOME, 6 * PAGE_SIZE, RW, MEM | MAP_FIXED)
    names = list("ABCD")
    for page in rng.sample(range(6), 3):
        procs["P"].store(addr + page * PAGE_SIZE, rng.randbytes(BYTES))
    for _ in range(10):
        who, chance = rng.choice(sorted(procs)), rng.random()
        if chance < 0.35 and names:
            procs[names[0]] = procs[who].fork()
            names.pop(0)
        elif chance < 0.45 and len(procs) > 1:
            procs.pop(who).exit()
        else:
            procs[who].store(addr + rng.randrange(6) * PAGE_SIZE, rng.randbytes(rng.randint(1, BYTES)))
    return procs, addr


def leave_all(procs):
    """End a family, so that its memory is free for the next one."""
    for proc in procs.values():
        proc.exit()


def plain(procs, addr, numbers):
    """What a family has in common, as plain data; `numbers`: page → frame, and is added to."""
    machine = {"frames": {}, "tables": {}}
    for name, proc in procs.items():
        table = machine["tables"][name] = {}
        for page in range(6):
            found = entry_at(proc, addr + page * PAGE_SIZE)
            if found:
                frame = numbers.setdefault(found[0].pfn, len(numbers) + 1)
                table[page] = (frame, found[1])
                data = bytes(found[0].data or b"")[:BYTES].ljust(BYTES, b"\0")
                machine["frames"][frame] = {"data": data, "count": found[0]._count}
    return machine


def shown(machine):
    """The tables and the counts of a machine, short."""
    counts = {frame: each["count"] for frame, each in machine["frames"].items()}
    return f"tables {machine['tables']}, counts {counts}"


RUN_FORK = """
fork(machine, parent, child)
tables = machine["tables"]
result = machine, tables[parent] is tables.get(child)
"""
RUN_LEAVE = """
leave(machine, who)
result = machine
"""


def alone(machine, protected=False):
    """Where somebody has an entry (a read-only one) for a frame that nobody else has: (who, page)."""
    return [(who, page) for who, table in machine["tables"].items() for page, (frame, write) in table.items()
            if machine["frames"][frame]["count"] == 1 and not (write and protected)]  # fmt: skip


def other(given, true):
    """Name what is other in a machine than it should be."""
    if given is None or set(given["tables"]) != set(true["tables"]):
        return "which processes and frames there are"
    found = [f"the table of {who}" for who, table in true["tables"].items() if given["tables"][who] != table]
    if set(given["frames"]) != set(true["frames"]):
        return " and ".join(["which frames are in use", *found])
    for key in ("count", "data"):
        if any(each[key] != given["frames"][frame].get(key) for frame, each in true["frames"].items()):
            found.append(f"the {key} of a frame")
    return " and ".join(found) or "something besides"


def check_fork(work: Work):
    kernel, forked, left = Kernel(mem=MEMORY), "", ""
    for _ in range(10):
        procs, addr = family(work.rng, kernel)
        numbers, who = {}, work.rng.choice(sorted(procs))
        before = plain(procs, addr, numbers)
        procs["N"] = procs[who].fork()
        given, one = work.probe(RUN_FORK, machine=before, parent=who, child="N")
        if one:
            forked = "After a fork parent and child have one page table, the same dict: what one changes, both have."
        elif given != (true := plain(procs, addr, numbers)):
            forked = forked or f"fork(machine, {who!r}, 'N'): wrong is {other(given, true)}. Before: {shown(before)}"
        before = plain(procs, addr, numbers)
        who = work.rng.choice([who for who, _ in alone(before)] or sorted(procs))
        procs.pop(who).exit()
        given, true = work.probe(RUN_LEAVE, machine=before, who=who), plain(procs, addr, numbers)
        if given != true:
            left = f"leave(machine, {who!r}): wrong is {other(given, true)}. Before: {shown(before)}"
        leave_all(procs)
    settle((2 / 3, not forked, forked), (1 / 3, not left, left))


MACHINE = """
A machine is a dict, `{"frames": …, "tables": …}`:

- `machine["tables"]`: process → its page table. A page table is a dict: page number → `(frame, write)`. `write` tells
  whether the entry lets the processor write. Where there is no entry the dict has none.
- `machine["frames"]`: frame → `{"data": …, "count": …}`. `data` is what is in the frame (here 8 `bytes`), `count` the
  number of entries that map it. A frame that is not in the dict is free.

All of it is private memory that the processes may write, whatever an entry allows.
"""


FORK = Part(
    "fork", "code", 3, "fork, over plain data",
    MACHINE + """
Write two functions that change `machine` in place. What they return does not matter.

- `fork(machine, parent, child)`: the process `parent` forks; the new process is named `child`. No frame is copied.
  (2 points)
- `leave(machine, who)`: the process `who` exits. A frame that nobody maps any more is free. (1 point)
""",
    starter="def fork(machine, parent, child):\n    ...\n\n\ndef leave(machine, who):\n    ...",
    solution='''
def fork(machine, parent, child):
    tables = machine["tables"]
    for page, (frame, write) in tables[parent].items():
        tables[parent][page] = (frame, False)
        machine["frames"][frame]["count"] += 1
    tables[child] = dict(tables[parent])


def leave(machine, who):
    for frame, write in machine["tables"].pop(who).values():
        machine["frames"][frame]["count"] -= 1
        if machine["frames"][frame]["count"] == 0:
            del machine["frames"][frame]
''',
    example='''
machine = {"frames": {1: {"data": b"one page", "count": 1}}, "tables": {"P": {4: (1, True)}}}
fork(machine, "P", "C")
if len(machine["tables"]) == 1:
    raise NotImplementedError
assert machine["tables"]["C"] == {4: (1, False)}, "the child's page table"
leave(machine, "C")
assert "C" not in machine["tables"], "who exits has no page table any more"
''',
    check=check_fork,
)  # fmt: skip

RUN_STORE = """
word = store(machine, who, page, offset, data)
result = word, machine
"""


def renamed(machine, old):
    """The machine, with the frame that was not there before called "new"; None if there are more of them."""
    name = {frame: "new" for frame in machine["frames"] if frame not in old}
    if len(name) > 1:
        return None
    tables = {who: {page: (name.get(frame, frame), write) for page, (frame, write) in table.items()}
              for who, table in machine["tables"].items()}  # fmt: skip
    return {"frames": {name.get(frame, frame): each for frame, each in machine["frames"].items()}, "tables": tables}


def check_store(work: Work):
    kernel, wrong_word, wrong_state = Kernel(mem=MEMORY), "", ""
    for _ in range(8):
        procs, addr = family(work.rng, kernel)
        for _ in range(6):
            numbers, offset, data = {}, work.rng.randrange(BYTES), work.rng.randbytes(1)
            before = plain(procs, addr, numbers)
            places = [(who, page) for who in sorted(procs) for page in range(6)]
            who, page = work.rng.choice(work.rng.choice([places, alone(before, protected=True) or places]))
            expected = outcome(kernel, procs[who], addr + page * PAGE_SIZE + offset, data)
            word, given = work.probe(RUN_STORE, machine=before, who=who, page=page, offset=offset, data=data)
            given, true = (renamed(each, before["frames"]) for each in (given, plain(procs, addr, numbers)))
            case = f"store(machine, {who!r}, {page}, {offset}, {data})"
            if word != expected:
                wrong_word = f"{case}: {str(word)[:40]!r} is not the word. Before: {shown(before)}"
            if given != true:
                wrong_state = f"{case}: wrong is {other(given, true)}. Before: {shown(before)}"
            if wrong_word and wrong_state:
                raise Wrong(f"{wrong_state}\n{wrong_word}")
        leave_all(procs)
    settle((0.75, not wrong_state, wrong_state), (0.25, not wrong_word, wrong_word))


STORE = Part(
    "store", "code", 4, "A store, over plain data",
    """
The machine is that of the part before. Write `store(machine, who, page, offset, data)`: the process `who` stores
`data`, one byte (`bytes` of length 1), at byte `offset` (0 to 7) of its page `page`. Do what the processor and today's
kernel do together, and change `machine` in place (3 points). Return (1 point)

- `"none"` if there is no fault,
- `"reuse"` if there is a fault, and the store goes to the frame that is mapped already,
- `"copy"` if there is a fault and the frame is copied,
- `"new"` if the process has no entry for the page: it gets a frame of 8 zero bytes, into which the store goes.

A new frame may have any number that is not in use. There is always enough memory.
""",
    starter="def store(machine, who, page, offset, data):\n    ...",
    solution='''
def store(machine, who, page, offset, data):
    frames, table = machine["frames"], machine["tables"][who]
    frame, write = table.get(page, (None, False))
    if frame is None:
        word, old = "new", bytes(8)
    else:
        old = frames[frame]["data"]
        word = "none" if write else "reuse" if frames[frame]["count"] == 1 else "copy"
    if word == "copy":
        frames[frame]["count"] -= 1
    if word in ("new", "copy"):
        frame = max(frames, default=0) + 1
        frames[frame] = {"count": 1}
    frames[frame]["data"] = old[:offset] + data + old[offset + 1 :]
    table[page] = (frame, True)
    return word
''',
    example='''
machine = {"frames": {1: {"data": b"one page", "count": 2}}, "tables": {"P": {4: (1, False)}, "C": {4: (1, False)}}}
word = store(machine, "C", 4, 0, b"O")
if word is None:
    raise NotImplementedError
assert word == "copy", "the word for the first store after a fork"
(frame, write), data = machine["tables"]["C"][4], machine["frames"][1]["data"]
assert machine["frames"][frame]["data"] == b"One page" and data == b"one page", "what the two frames hold"
''',
    check=check_store,
)  # fmt: skip


# ── 5: copy or reuse, in three kernels ──────────────────────────────────────────────────────────────────────


@cache
def decided(mapcount, count, exclusive):
    """What today's kernel decides about a page in that state."""
    kernel = Kernel(mem=MEMORY)
    proc = kernel.spawn("P")
    addr = proc.mmap(0, PAGE_SIZE, RW, MEM)
    proc.store(addr, b"x")
    for _ in range(mapcount - 1):
        proc.fork()
    if mapcount == 1 and not exclusive:
        proc.fork().exit()
    page, _ = entry_at(proc, addr)
    for _ in range(count - mapcount):
        get_page(page)  # as a pipe does to which the page was given
    table, i = pte_offset(proc.task.mm.pgd, addr)
    table[i] &= ~_PAGE_RW
    with kernel.trace() as trace:
        proc.store(addr, b"y")
    for _ in range(count - mapcount):
        put_page(page)
    return "copy" if "wp_page_copy" in trace.functions() else "reuse"


def check_decide(work: Work):
    cases = [(m, m + held, exclusive) for m in (1, 2, 3) for held in (0, 1, 2) for exclusive in (True, False)
             if m == 1 or not exclusive]  # fmt: skip
    kernels = {
        "4.4": lambda mapcount, count, exclusive: "reuse" if mapcount == 1 else "copy",
        "5.9": lambda mapcount, count, exclusive: "reuse" if count == 1 else "copy",
        "6.18": decided,
    }
    wrong = []
    for name, rule in kernels.items():
        for case in cases:
            if case[2] and name != "6.18":
                continue
            if (given := work.call("decide", name, *case)) != rule(*case):
                wrong.append(f"decide({name!r}, {', '.join(map(str, case))}) is not {given!r}.")
                break
    if wrong:
        raise Wrong("\n".join(wrong), 0.5 if len(wrong) == 1 else 0)


DECIDE = Part(
    "decide", "code", 2, "Three kernels decide",
    """
A process stores to a page of its private anonymous memory through an entry that does not let the processor write. Is
the page copied? Write `decide(kernel, mapcount, count, exclusive)` and return `"copy"` or `"reuse"`:

- `kernel` is `"4.4"`, `"5.9"` or `"6.18"` (today's);
- `mapcount`: the number of entries that map the page, 1 or more (`_mapcount` + 1);
- `count`: its `_count`, all references to it, those entries among them;
- `exclusive`: whether it has the flag `PG_anon_exclusive`. Kernels that do not know the flag are asked with `False`.

Two points if all three kernels decide rightly in every case, one if two of them do.
""",
    starter="def decide(kernel, mapcount, count, exclusive):\n    ...",
    solution='''
def decide(kernel, mapcount, count, exclusive):
    if kernel == "4.4":
        return "reuse" if mapcount == 1 else "copy"
    return "reuse" if exclusive or count == 1 else "copy"
''',
    example='''
words = [decide(kernel, 2, 2, False) for kernel in ("4.4", "5.9", "6.18")]
if words == [None] * 3:
    raise NotImplementedError
assert words == ["copy"] * 3, "two processes that map a page, and nothing else"
''',
    check=check_decide,
)  # fmt: skip


# ── 6: smaps ────────────────────────────────────────────────────────────────────────────────────────────────


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


def check_smaps(work: Work):
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


SMAPS = Part(
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
    check=check_smaps,
)  # fmt: skip


# ── 7: what a child inherits ────────────────────────────────────────────────────────────────────────────────

FLAGS = {"write": VM_WRITE, "shared": VM_SHARED, "account": VM_ACCOUNT, "locked": VM_LOCKED,
         "dontcopy": VM_DONTCOPY, "wipeonfork": VM_WIPEONFORK}  # fmt: skip


def areas_of(proc):
    """The VMAs that a process has from HOME on, as plain data."""
    areas = []
    for vma in vmas(proc.task.mm):
        if HOME <= vma.vm_start < HOME + (1 << 30):
            pages = [addr for addr in range(vma.vm_start, vma.vm_end, PAGE_SIZE) if entry_at(proc, addr)]
            areas.append({"start": vma.vm_start, "end": vma.vm_end, "entries": pages,
                          "flags": {name for name, bit in FLAGS.items() if vma.vm_flags & bit},
                          "anon_vma": vma.anon_vma is not None})  # fmt: skip
    return areas


def area_drawn(rng, proc, fd, addr):
    """Map an area there, with a history, and give its number of pages."""
    pages, private, memory = rng.randint(1, 5), rng.random() < 0.8, rng.random() < 0.8
    flags = (MAP_PRIVATE if private else MAP_SHARED) | (MAP_ANONYMOUS if memory else 0) | MAP_FIXED
    prot = rng.choice([RW, RW, RW, PROT_READ])
    proc.mmap(addr, pages * PAGE_SIZE, prot, flags | (MAP_NORESERVE if rng.random() < 0.2 else 0), fd)
    for page in range(pages):
        deed = rng.choice(["load", "store", "nothing"])
        if deed == "load":
            proc.load(addr + page * PAGE_SIZE)
        elif deed == "store" and prot == RW:
            proc.store(addr + page * PAGE_SIZE, b"x")
    chance = rng.random()
    if chance < 0.18:
        proc.mlock(addr, pages * PAGE_SIZE, MLOCK_ONFAULT)
    elif chance < 0.34:
        proc.madvise(addr, pages * PAGE_SIZE, MADV_DONTFORK)
    elif chance < 0.67 and private and memory:
        proc.madvise(addr, pages * PAGE_SIZE, MADV_WIPEONFORK)
    elif chance < 0.9 and prot == RW:
        proc.mprotect(addr, pages * PAGE_SIZE, PROT_READ)
    return pages


def check_inherit(work: Work):
    kernel, areas_wrong, promise_wrong = Kernel(mem=MEMORY), "", ""
    for _ in range(10):
        parent, addr = kernel.spawn("parent"), HOME
        fd, bare = parent.open("/data/book.txt", O_RDWR), committed_by_fork(kernel, parent)
        for _ in range(work.rng.randint(3, 5)):
            addr += (area_drawn(work.rng, parent, fd, addr) + work.rng.randint(1, 3)) * PAGE_SIZE
        areas, promised = areas_of(parent), committed_by_fork(kernel, parent) - bare
        given, child = work.call("inherit", areas, kind=tuple), parent.fork()
        if len(given) != 2:
            raise Wrong("`inherit` is to return two values: the child's areas, and a number of pages.")
        if given[0] != areas_of(child):
            areas_wrong = f"The child's areas are others, if the parent's are {areas}"
        if given[1] != promised or not whole(given[1]):
            promise_wrong = f"The promise is not of {given[1]!r} pages, if the parent's areas are {areas}"
        leave_all({"P": parent, "C": child})
    settle((2 / 3, not areas_wrong, areas_wrong), (1 / 3, not promise_wrong, promise_wrong))


def committed_by_fork(kernel, parent):
    """How many pages a fork of that process promises."""
    before = kernel.meminfo()["Committed_AS"]
    child = parent.fork()
    promised = kernel.meminfo()["Committed_AS"] - before
    child.exit()
    return promised // 4


INHERIT = Part(
    "inherit", "code", 3, "What a child inherits",
    """
Write `inherit(areas)`: what `dup_mmap` makes of a parent's VMAs. `areas` is their list in order of address, each a
dict:

- `"start"`, `"end"`: addresses in bytes; `end` is the first that is no longer in it;
- `"flags"`: a set that holds some of `"write"`, `"shared"`, `"account"` (`VM_ACCOUNT`), `"locked"`, `"dontcopy"` (after
  `MADV_DONTFORK`) and `"wipeonfork"` (after `MADV_WIPEONFORK`);
- `"anon_vma"`: whether it has one, `True` or `False`;
- `"entries"`: the list of the addresses of those pages that have a page table entry, in order.

Return two values: the list of the child's areas in the same form, as they are when `fork` returns (2 points); and the
number of **pages** that are promised to the child for all these areas (1 point). Nothing is refused. Leave `areas` and
what is in it as it is.
""",
    starter="def inherit(areas):\n    ...",
    solution='''
def inherit(areas):
    child, promised = [], 0
    for area in areas:
        if "dontcopy" in area["flags"]:
            continue
        if "account" in area["flags"]:
            promised += (area["end"] - area["start"]) // 4096
        anon_vma = area["anon_vma"] and "wipeonfork" not in area["flags"]
        child.append({
            "start": area["start"], "end": area["end"], "flags": area["flags"] - {"locked"},
            "anon_vma": anon_vma, "entries": area["entries"] if anon_vma else [],
        })
    return child, promised
''',
    example='''
area = {"start": 8192, "end": 16384, "flags": {"write", "account"}, "anon_vma": True, "entries": [8192]}
child = inherit([area])
if child is None:
    raise NotImplementedError
assert child == ([area], 2), "one area of private memory, stored to"
''',
    check=check_inherit,
)  # fmt: skip


# ── 8: chains ───────────────────────────────────────────────────────────────────────────────────────────────


def draw_chains(rng):
    """A family that has stored to its memory: (kernel, name → process, address, child → parent)."""
    kernel = Kernel()
    procs, parents = {"P": kernel.spawn("P")}, {"A": "P"}
    parents.update(zip("BCD", rng.choice(["PAA", "PAB", "ABB", "ABA", "AAB"]), strict=True))
    addr = procs["P"].mmap(1 << 40, 5 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
    procs["P"].store(addr, b"x" * 5 * PAGE_SIZE)
    for child, parent in parents.items():
        procs[child] = procs[parent].fork()
        procs[child].task.comm = child
        for _ in range(2):
            procs[rng.choice(sorted(procs))].store(addr + rng.randrange(5) * PAGE_SIZE, b"y")
    return kernel, procs, addr, parents


def draw_questions(rng, kernel, procs, addr, parents):
    """Which page is looked for; who stores next, and to which of its pages; which two exit."""
    places = [(name, page) for name in procs for page in range(5)]
    pages = {place: kernel.machine.mem_map[page_number(procs[place[0]], addr + place[1] * PAGE_SIZE)]
             for place in places}
    page = rng.choice([page for page in pages.values() if len(page.mapping.vmas) > page._mapcount + 1])
    storing = rng.choice([(name, i) for name, i in places if pages[name, i]._mapcount > 0 and name != "P"])
    leaf = rng.choice(sorted(set(parents) - set(parents.values())))
    other = rng.choice(sorted({parent for child, parent in parents.items() if child != leaf}))
    return page, storing, sorted([leaf, other])


def page_number(proc, addr):
    """The number of the page that a process has there."""
    table = proc.task.mm.pgd[addr >> 21]
    return (table[addr >> 12 & 511] & (1 << 52) - 1) >> 12


def chains_told(rng):
    """The three answers: (whose areas, which anon_vma, which anon_vmas)."""
    kernel, procs, addr, parents = draw_chains(rng)
    page, (who, i), gone = draw_questions(rng, kernel, procs, addr, parents)
    areas = {name: find_vma(proc.task.mm, addr) for name, proc in procs.items()}
    looked = {name for name, vma in areas.items() if vma in page.mapping.vmas}
    before = {anon.name for vma in areas.values() for anon in vma.anon_vma_chain}
    procs[who].store(addr + i * PAGE_SIZE, b"z")
    takes = entry_at(procs[who], addr + i * PAGE_SIZE)[0].mapping.name
    for name in gone:
        procs.pop(name).exit()
        del areas[name]
    return looked, takes, before - {anon.name for vma in areas.values() for anon in vma.anon_vma_chain}


def check_chains(work: Work):
    given = [work.value(name) for name in ("looked", "takes", "freed")]
    looked, takes, freed = chains_told(work.rng)
    sets = [isinstance(each, list | tuple | set) and len(each) == len(theirs) and set(each) == theirs
            for each, theirs in ((given[0], looked), (given[2], freed))]  # fmt: skip
    settle(
        (1 / 3, sets[0], "looked: the page belongs to one anon_vma; a column has all VMAs that may map its pages."),
        (1 / 3, given[1] == takes, "takes: think of whom the new page may come to be mapped by."),
        (1 / 3, sets[1], "freed: a process that exits leaves all columns of its row; who is left in each of them?"),
    )


CHAINS = Part(
    "chains", "diagram", 3, "Read a picture of chains",
    """
P has stored to five pages of private memory. It has children and grandchildren now, and some of them have stored to
some of the pages. The next cell draws which `anon_vma`s their VMAs are tied to, as in lesson 10, and prints three
questions. Read the answers off the picture; one point each.
""",
    setup="from mmlab.views.chains import anon_vma_chains\n\n" + text(draw_chains, draw_questions, page_number) + '''
rng = personal("ps5-chains")
family = draw_chains(rng)
page, (who, i), gone = draw_questions(rng, *family)
picture = anon_vma_chains(family[1].values(), family[2])
print(picture)
print(f"""
looked: the kernel wants to take {page.name} out of every page table. In whose VMAs must it look for it?
takes:  {who} stores next to its page {i} (of 0 to 4), which it has in common with others. Which anon_vma does the
        page belong to in which the store ends up?
freed:  Instead of that, {gone[0]} and {gone[1]} exit, and nobody else. Which anon_vmas are freed?""")
picture
''',
    starter="looked = None     # a list of processes, as in [\"P\", \"A\"]\n"
            "takes = None      # a string, as in \"anon_vma#6\"\n"
            "freed = None      # a list of such strings",
    solution='''
chains, own, pages = {}, {}, {}
for line in str(picture).splitlines():
    head, _, tail = line.partition(" – ")
    name, anon = line[0], tail.split(" (")[0].split(":")[0]
    chains.setdefault(anon, []).append(name)
    if "its own" in line:
        own[name] = anon
    for piece in tail.partition("page#")[2].split(", "):
        if piece:
            first, _, last = piece.removeprefix("page#").partition("–")
            pages.update(dict.fromkeys(range(int(first), int(last or first) + 1), anon))

looked = chains[pages[int(page.name.split("#")[1])]]
takes = own[who]
freed = [anon for anon, names in chains.items() if set(names) <= set(gone)]
''',
    example='''
assert None not in (looked, takes, freed), "an answer is missing"
assert set(looked) <= set("PABCD"), "looked: letters of processes"
assert takes in str(picture) and all(each in str(picture) for each in freed), "names of anon_vmas, as in the picture"
''',
    check=check_chains,
)  # fmt: skip


# ── 9: a test that no bug survives ──────────────────────────────────────────────────────────────────────────


def performed(kernel, moves):
    """Make the moves on a machine, and give what can be seen after each of them."""
    procs = {"P": kernel.spawn("P")}
    addr = procs["P"].mmap(HOME, PAGE_SIZE, RW, MEM | MAP_FIXED)
    seen = []
    procs["P"].store(addr, b"original")
    for number, (what, who, *child) in enumerate(moves):
        if what == "store":
            procs[who].store(addr + number, b"%d" % number)
        elif what == "fork":
            procs[child[0]] = procs[who].fork()
        else:
            procs.pop(who).exit()
        seen.append({name: proc.load(addr, 8) for name, proc in procs.items()})
        seen[-1]["MemFree"] = kernel.meminfo()["MemFree"]
    return seen


def moves_checked(moves):
    """Give the moves; Wrong unless each of them can be made."""
    living = {"P"}
    for move in moves:
        if not isinstance(move, list | tuple) or not move or not all(isinstance(each, str) for each in move):
            raise Wrong("Each move is to be a tuple of strings.")
        what, *who = move
        if {"store": 1, "exit": 1, "fork": 2}.get(what) != len(who) or who[0] not in living:
            raise Wrong(f"{move!r} is not a move that can be made: {', '.join(sorted(living))} can move then.")
        if what == "fork" and who[1] in living:
            raise Wrong(f"{move!r}: there is a process of that name.")
        living = living | {who[-1]} if what != "exit" else living - {who[0]}
    return moves


def check_suite(work: Work):
    moves = work.value("moves", kind=list)
    if len(moves) > 6:
        raise Wrong(f"There are {len(moves)} moves; at most 6 are asked for.")
    seen = performed(Kernel(mem=MEMORY), moves_checked(moves))
    passed = sum(performed(infected("ps5-suite", bug, mem=MEMORY), moves) == seen for bug in BUGS["ps5-suite"])
    if passed:
        raise Wrong(f"{passed} of the {len(BUGS['ps5-suite'])} wrong kernels pass this test.", max(0, 3 - passed) / 3)


SUITE = Part(
    "suite", "bug", 3, "A test that no bug survives",
    """
Write a test of copy-on-write. P has one page of private memory and has stored `original` to it. Set `moves` to a list
of **at most 6** moves, made in order, each a tuple of strings:

- `("fork", "P", "C")`: P (or any living process) forks; the new process is called C (or as you like);
- `("store", "C")`: C stores one byte to the page, at a place to which no move before it has stored, so that all can be
  told apart;
- `("exit", "C")`: C exits.

After each move the grader notes, for each living process, the 8 bytes that it loads from the page, and the `MemFree`
line of `/proc/meminfo`. It does so on an honest kernel and on eight others, each of which has one bug in its fork, its
copy-on-write or its exit; a bug is found if anything noted is different.

Three points if all eight are found, two for seven, one for six. The bugs are of the kind that happens: something is
not done, or done for one of two only, or a count is wrong. Think: what can go wrong with the parent's entry, with the
child's, with the copy, with the count of a page, with two processes and with three?
""",
    setup=text(performed).replace("RW, MEM |", "PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |").replace(
        "HOME", "1 << 40"),
    starter="moves = ...",
    solution='''
moves = [
    ("fork", "P", "C"),
    ("fork", "P", "D"),
    ("store", "D"),
    ("store", "P"),
    ("exit", "C"),
]
''',
    example='''
assert len(moves) <= 6, "more than 6 moves"
for number, seen in enumerate(performed(Kernel(), moves)):
    print(moves[number], seen)
''',
    check=check_suite,
)  # fmt: skip


# ── 10: a bug ───────────────────────────────────────────────────────────────────────────────────────────────

CLAIMS = {
    "child": "After a fork the parent loads what the child stores to private memory, but not the other way round.",
    "every": "fork copies the page table entries of every mapping.",
    "leak": "A page that was copied for one process is not free when the last of the others exits.",
    "never": "After a fork private pages are never copied, however many processes map them.",
    "protect": "After a fork the child loads what the parent stores to private memory, but not the other way round.",
    "two": "Two processes that have a private page in common do not copy it; with three of them it is copied.",
    "wipe": "MADV_WIPEONFORK has no effect on what a child loads.",
    "zeros": "A copy of a private page holds what was stored into it just now, and zeros.",
}


RUN_WITNESS = """
from mmlab.coursework.programs import record
result = record(witness)
"""


def check_bug(work: Work):
    bug = drawn_bug("ps5-bug", work.rng)
    letters = draw_claims(work.rng, list(CLAIMS.values()))
    letter = work.value("bug")
    named = isinstance(letter, str) and letters.get(letter) == CLAIMS[bug]
    try:
        calls, words = work.probe(RUN_WITNESS), "`witness`: each of its calls gives the same on both machines."
    except Failed as error:
        calls, words = [], f"`witness` raised {error}"
    if len(calls) > 12:
        calls, words = [], f"`witness` makes {len(calls)} calls; at most 12 are asked for."
    true, other = (list(replay(kernel, calls)) for kernel in (Kernel(mem=MEMORY), infected("ps5-bug", bug, mem=MEMORY)))
    settle((0.5, named, "`bug`: another claim is true of your machine."), (0.5, true != other, words))


BUG = Part(
    "bug", "bug", 4, "A kernel with a bug",
    """
`machine` is a machine like those that `Kernel()` gives, but its kernel has **one bug**. The next cell prints eight
claims; one of them is true of this machine (and none of an honest kernel). Try things on `machine` and on `Kernel()`,
and compare. For an unused machine with the same bug call `new_machine()`.

- Two points: set `bug` to the letter of the claim, `"A"` to `"H"`.
- Two points: write `witness(kernel)`, a program of at most 12 calls, from `kernel.spawn` on, whose calls give
  something else on this machine than on an honest one: another value, or an error or a signal for one and not for the
  other. What counts are the calls of `kernel` (`spawn`, `drop_caches`, `meminfo`, `vmstat`) and of its processes
  (those on files and on memory, `pagemap`, `fincore`, `getrusage`, `maps`, `smaps`, `fork`, `exit`). Whether
  `witness` returns anything does not matter, and it need not compare anything.
""",
    setup="from mmlab.coursework.checks import draw_claims\nfrom mmlab.coursework.mutants import mutant\n"
          + "from mmlab.coursework.programs import record, replay\n\nCLAIMS = [\n"
          + "".join(f'    "{claim}",\n' for claim in CLAIMS.values()) + ''']

def new_machine():
    return mutant("ps5-bug", personal("ps5-bug"))

rng = personal("ps5-bug")
machine = mutant("ps5-bug", rng)
claims = draw_claims(rng, CLAIMS)
for letter, claim in claims.items():
    print(f"{letter}: {claim}")
''',
    starter='bug = None               # a letter\n\ndef witness(kernel):\n    proc = kernel.spawn("witness")\n    ...',
    solution='''
def begin(kernel):
    parent = kernel.spawn("witness")
    addr = parent.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    parent.store(addr, b"parent")
    return parent, addr

def child(kernel):
    parent, addr = begin(kernel)
    parent.fork().store(addr, b"child!")
    return parent.load(addr, 6)

def every(kernel):
    parent = kernel.spawn("witness")
    addr = parent.mmap(0, 4096, PROT_READ, MAP_SHARED, parent.open("/data/book.txt", O_RDONLY))
    parent.load(addr)
    return parent.fork().pagemap(addr).present

def leak(kernel):
    parent, addr = begin(kernel)
    before = kernel.meminfo()["MemFree"]
    child = parent.fork()
    parent.store(addr, b"P")
    child.exit()
    return before - kernel.meminfo()["MemFree"]

def protect(kernel):
    parent, addr = begin(kernel)
    child = parent.fork()
    parent.store(addr, b"PARENT")
    return child.load(addr, 6)

def never(kernel):
    parent, addr = begin(kernel)
    child, other = parent.fork(), parent.fork()
    child.store(addr, b"child!")
    return other.load(addr, 6)

def wipe(kernel):
    parent, addr = begin(kernel)
    parent.madvise(addr, 4096, MADV_WIPEONFORK)
    return parent.fork().load(addr, 6)

def zeros(kernel):
    parent, addr = begin(kernel)
    child = parent.fork()
    child.store(addr, b"x")
    return child.load(addr, 6)

def different(program):
    return program(Kernel()) != program(new_machine())

tries = {"every": every, "leak": leak, "wipe": wipe, "zeros": zeros}
found = [name for name, program in tries.items() if different(program)]
if not found:                                    # somebody loads what is not his
    one_way = {(True, False): "child", (False, True): "protect"}
    found = [one_way.get((different(child), different(protect))) or ("never" if different(never) else "two")]
tries |= {"child": child, "protect": protect, "never": never, "two": child}
words = {"child": "loads what the child", "every": "every mapping", "leak": "not free", "never": "never copied",
         "protect": "loads what the parent", "two": "Two processes", "wipe": "WIPEONFORK", "zeros": "zeros"}
(bug,) = [letter for letter, claim in claims.items() if words[found[0]] in claim]
witness = tries[found[0]]
''',
    example='''
assert bug in list("ABCDEFGH"), "`bug` is not a letter from A to H yet"
calls = record(witness)
assert list(replay(Kernel(), calls)) != list(replay(new_machine(), calls)), "no call of witness gives another value"
''',
    check=check_bug,
)  # fmt: skip


# ── 11: an explanation ──────────────────────────────────────────────────────────────────────────────────────

SNAPSHOT = Part(
    "snapshot", "essay", 4, "The snapshot of a database",
    """
A database keeps 8 GiB in private anonymous memory and changes some of it a thousand times a second. Once an hour it
forks; the child writes all of its memory to a file, changes nothing, and exits after a minute. The machine has 12 GiB.
Its operator asks you three questions:

1. The memory in use grows by 3 GiB during a snapshot. Why, and why not by 8? On what does the number depend?
2. Requests take longer right after the fork, and again some still do right after the child's exit, although nobody
   else has the memory then. Why?
3. `overcommit_memory` was set to 2, as somebody recommended. Since then the fork fails, though 4 GiB are free. Why?
   What is the price of setting it back to 0?

Answer in 200 to 300 words, for somebody who knows what a process is and has not heard of page tables.
""",
    rubric="""
How it is marked: one point for each of the three answers, if it names the cause and not only the effect; and one point
if nothing in it is wrong, it keeps to the length, and its reader can follow it.
""",
    solution="""
*For the grader. The first answer: only pages to which the database stores while the child is there are copied, each
once, at the first store, and as a whole; so it depends on how many different pages are stored to in that minute, not
on how many bytes or how often. The second: fork took the right to write away from the parent's entries, too; before
the child's exit the first store to a page costs a fault and a copy, after it a fault. The third: fork promises the 8
GiB a second time, stored to or not, and with 2 the kernel refuses what it may not be able to keep; with 0 nobody is
told in advance, and a store may end in the OOM killer. An answer in full:*

Right after the fork the two processes have the same pages; nothing was copied but the lists that say which page is
where. In both lists the right to write was taken away. When the database stores to a page for the first time after
that, the processor stops and asks the kernel, which copies the page (4 KiB, however few bytes are stored), gives the
copy to the database and leaves the old page to the child. A second store to the same page costs nothing. So 3 GiB means
that the database has stored to about 800,000 *different* pages in that minute. Were the stores spread over all of the
memory it could be 8 GiB; if they all went to a few pages, next to nothing.

Each such first store takes a fault and a copy: these are the slow requests after the fork. When the child has exited,
the pages that were not copied belong to the database alone, but its list still says that it may not write to them.
So the first store to each of them stops once more; the kernel finds that nobody else has the page, and gives the right
back without a copy.

A fork promises the child all private memory that it may write, 8 GiB, since it might store to every page. With
`overcommit_memory` 2 the kernel keeps a sum of all promises below a limit and refuses the fork, whatever is free. With
0 it lets this fork pass. The price: if more pages are copied than there is memory, the store that needs the next one
cannot return an error. The kernel kills a process to get memory, and the largest is probably the database.
""",
)  # fmt: skip


PROBLEMS = ProblemSet(
    "ps5_fork_cow", "Problem set 5: fork and copy-on-write", ["10_fork_cow"],
    "What a fork copies, what it leaves for later, and how two processes come to have different memory.",
    [COPIED, STORES, FORK, STORE, DECIDE, SMAPS, INHERIT, CHAINS, SUITE, BUG, SNAPSHOT],
)  # fmt: skip
