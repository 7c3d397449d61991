"""What several parts of ps5 use."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE
from mmlab.coursework.checks import HOME, RW
from mmlab.include.pgtable import pte_none, pte_offset, pte_pfn, pte_write

MEM = MAP_PRIVATE | MAP_ANONYMOUS
BYTES = 8  # of each page, in the parts with tables of plain data


def entry_at(proc, addr):
    """The page that a process maps there and whether it may be written through the entry; None if there is none."""
    table, i = pte_offset(proc.task.mm.pgd, addr)
    if table is None or pte_none(table[i]):
        return None
    return proc.task.machine.mem_map[pte_pfn(table[i])], pte_write(table[i])


def outcome(kernel, proc, addr, data):
    """Make a store, and tell in a word what it took: "new", "copy", "reuse" or "none"."""
    there, before, pages = proc.pagemap(addr).present, proc.getrusage().ru_minflt, kernel.meminfo()["AnonPages"]
    proc.store(addr, data)
    if proc.getrusage().ru_minflt == before:
        return "none"
    return "new" if not there else "copy" if kernel.meminfo()["AnonPages"] > pages else "reuse"


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
