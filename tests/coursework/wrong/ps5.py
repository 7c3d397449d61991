"""Wrong answers to problem set 5: part → misconception → code (or code, and the points that it still earns)."""

# ── what is copied ──────────────────────────────────────────────────────────────────────────────────────────


def entries(nothing="0", count="len(present)", needed="anon_vma", stored="what == 'store' and 'private' in kind",
            given_back="present -= touched"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def entries(kind, pages, steps):
    present, anon_vma, own = set(), False, set()
    for what, first, count in steps:
        touched = set(range(first, first + count))
        if what in ("load", "store"):
            present |= touched
            anon_vma |= {stored}
            own |= touched if what == "store" else set()
        elif what == "MADV_DONTNEED":
            {given_back}
            own -= touched
        else:
            return {nothing}
    return {count} if {needed} else 0

copied = [entries(*mapping) for mapping in mappings]
"""


COPIED = {
    "only pages that were stored to are copied": entries(count="len(own)"),
    "every entry is copied": entries(needed="True"),
    "a load gives a VMA its anon_vma": entries(stored="'private' in kind"),
    "shared memory that was stored to is copied": entries(stored="what == 'store'"),
    "what is given back takes the anon_vma with it": entries(
        given_back="present, anon_vma = present - touched, anon_vma and bool(present - touched)"),
    "pages that were given back keep their entries": entries(given_back="pass"),
    "a mapping that is wiped or left out keeps its entries": entries(nothing="pages"),
    "an entry for each page of the VMA": entries(count="pages"),
    "nothing is copied": "copied = [0] * 6",
    "the pages of all steps": "copied = [sum(step[2] for step in each[2]) for each in mappings]",
}  # fmt: skip

# ── copy, reuse, or no fault ────────────────────────────────────────────────────────────────────────────────


def stores(alone="list(page.values()).count(page[who]) == 1", forked="writable.discard(who)", gone="pass",
           again="who in writable", copied="page[who] = last = last + 1",
           word="'reuse' if alone else 'copy'"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
page, writable, last, stores, born = {{"P": 0, "A": 0, "B": 0}}, set(), 0, [], {{"A", "B"}}
for who, what, *child in story:
    if what == "exit":
        del page[who]
        {gone}
    elif what == "fork":
        page[child[0]] = page[who]
        born.add(child[0])
        {forked}
    elif {again}:
        stores.append("none")
    else:
        alone = {alone}
        stores.append({word})
        if not alone:
            {copied}
        writable.add(who)
"""


STORES = {
    "who has stored once never faults again": stores(forked="pass"),
    "the parent keeps the right to write": stores(forked="born.add(child[0])",
                                                   again="who in writable or who not in born"),
    "the last one to have the page takes no fault": stores(word="'none' if alone else 'copy'"),
    "each first store copies": stores(word="'copy'"),
    "the child's store copies, the parent's reuses": stores(word="'copy' if who in born else 'reuse'"),
    "who is left alone with the page may write again": stores(copied="""left, page[who] = page[who], last + 1
            last += 1
            alone = [name for name in page if page[name] == left]
            writable |= set(alone) if len(alone) == 1 else set()"""),
    "an exit gives the last one the right to write": stores(gone="writable |= set(page) if len(page) == 1 else set()",
                                                            word="'none' if alone else 'copy'"),
    "as long as others live the page is copied": stores(alone="len(page) == 1"),
    "no private page is ever shared": "stores = ['none'] * 10",
    "each store copies": "stores = ['copy'] * 10",
}

# ── fork, over plain data ───────────────────────────────────────────────────────────────────────────────────


def fork(parent="(frame, False)", child="(frame, False)", count="frames[frame]['count'] += 1",
         table="tables[child] = copy", leave="frames[frame]['count'] -= 1",
         free="frames[frame]['count'] == 0"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def fork(machine, parent, child):
    tables, frames, copy = machine["tables"], machine["frames"], {{}}
    for page, (frame, write) in tables[parent].items():
        tables[parent][page] = {parent}
        copy[page] = {child}
        {count}
    {table}


def leave(machine, who):
    frames = machine["frames"]
    for frame, write in machine["tables"].pop(who).values():
        {leave}
        if {free}:
            del frames[frame]
"""


FORK = {
    "the parent keeps the right to write": (fork(parent="(frame, write)"), 1),
    "the child may write": (fork(child="(frame, write)"), 1),
    "both may write": (fork(parent="(frame, write)", child="(frame, write)"), 1),
    "the child's entries are not counted": (fork(count="pass"), 1),
    "the count is set to two": (fork(count="frames[frame]['count'] = 2"), 1),
    "the two have one page table": (fork(table="tables[child] = tables[parent]"), 1),
    "fork copies the frames": (fork(
        child="(max(frames) + 1, write)", parent="(frame, write)",
        count="frames[max(frames) + 1] = {'data': frames[frame]['data'], 'count': 1}"), 1),
    "only what may be written is copied": (fork(table="""
    tables[child] = {}
    for page, (frame, write) in tables[parent].items():
        if frames[frame]["count"] == 2:
            tables[child][page] = (frame, write)
        else:
            frames[frame]["count"] -= 1
"""), 1),
    "the last to leave frees nothing": (fork(free="False"), 2),
    "leaving does not count down": (fork(leave="pass"), 2),
    "who leaves takes the frames along": (fork(free="frame in frames", leave="pass"), 2),
    "the last but one frees the frame": (fork(free="frames[frame]['count'] == 1"), 2),
    "the child gets nothing": (fork(table="tables[child] = {}", count="pass"), 1),
}  # fmt: skip

# ── a store, over plain data ────────────────────────────────────────────────────────────────────────────────


def store(reuse="frames[frame]['count'] == 1", left="frames[frame]['count'] -= 1", old="frames[frame]['data']",
          entry="table[page] = (frame, True)", after="pass", new="'new'", before="pass",
          data="old[:offset] + data + old[offset + 1 :]", give="word"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def store(machine, who, page, offset, data):
    frames, table = machine["frames"], machine["tables"][who]
    frame, write = table.get(page, (None, False))
    was = frame
    if frame is None:
        word, old = {new}, bytes(8)
    else:
        old = {old}
        word = "none" if write else "reuse" if {reuse} else "copy"
        {before}
    if word == "copy":
        {left}
    if word in ("new", "copy"):
        frame = max(frames, default=0) + 1
        frames[frame] = {{"count": 1}}
    frames[frame]["data"] = {data}
    {entry}
    {after}
    return {give}
"""


GIVE = """
    if word == "copy":
        for name, others in machine["tables"].items():
            for number, (one, may) in list(others.items()):
                if one == was and {which}:
                    others[number] = {entry}
"""

STORE = {
    "the last one copies, too": store(reuse="False", left="""
        frames[frame]["count"] -= 1
        if not frames[frame]["count"]:
            del frames[frame]
"""),
    "two need no copy": store(reuse="frames[frame]['count'] <= 2"),
    "nobody needs a copy": store(reuse="True"),
    "the page that was left keeps its count": store(left="pass"),
    "a copy begins with zeros": store(
        old="frames[frame]['data'] if write or frames[frame]['count'] == 1 else bytes(8)"),
    "the store goes to the old page, too": store(
        before="frames[frame]['data'] = old[:offset] + data + old[offset + 1:]"),
    "after a reuse the entry is read-only still": store(entry="table[page] = (frame, word != 'reuse')"),
    "a copy is read-only": store(entry="table[page] = (frame, word != 'copy')"),
    "who is left alone with the page may write it": store(after=GIVE.format(
        which="frames[one]['count'] == 1", entry="(one, True)")),
    "the others get the copy": store(entry="table[page] = (was, True) if word == 'copy' else (frame, True)",
                                     after=GIVE.format(which="name != who", entry="(frame, False)")),
    "a new page is a copy": (store(new="'new'", give="'copy' if word == 'new' else word"), 3),
    "every fault is a copy or none": (store(give="'none' if word == 'reuse' else word"), 3),
    "nothing is returned": (store(give="None"), 3),
    "the whole page is what was stored": store(data="data.ljust(8, bytes(1))"),
    "only the word": ("""
def store(machine, who, page, offset, data):
    frame, write = machine["tables"][who].get(page, (None, False))
    if frame is None:
        return "new"
    return "none" if write else "reuse" if machine["frames"][frame]["count"] == 1 else "copy"
""", 1),
}  # fmt: skip

# ── three kernels decide ────────────────────────────────────────────────────────────────────────────────────


def decide(*rules):
    """An answer made of three rules for a reuse, one for each kernel."""
    lines = [f'    if kernel == "{kernel}":\n        return "reuse" if {rule} else "copy"\n'
             for kernel, rule in zip(("4.4", "5.9", "6.18"), rules, strict=True)]  # fmt: skip
    return "\ndef decide(kernel, mapcount, count, exclusive):\n" + "".join(lines)


DECIDE = {
    "all count the entries": (decide("mapcount == 1", "mapcount == 1", "mapcount == 1 or exclusive"), 0),
    "all count the references": (decide("count == 1", "count == 1", "count == 1 or exclusive"), 1),
    "4.4 and 5.9 the wrong way round": (decide("count == 1", "mapcount == 1", "count == 1 or exclusive"), 0),
    "today's looks at the flag only": (decide("mapcount == 1", "count == 1", "exclusive"), 1),
    "today's does not know the flag": (decide("mapcount == 1", "count == 1", "count == 1"), 1),
    "today's wants the flag and the count": (decide("mapcount == 1", "count == 1", "exclusive and count == 1"), 1),
    "today's counts the entries, if the flag is not there": (
        decide("mapcount == 1", "count == 1", "exclusive or mapcount == 1"), 1),
    "one reference besides the entries does no harm": (
        decide("mapcount == 1", "count <= 2", "exclusive or count <= 2"), 0),
    "a page is always copied": (decide("False", "False", "False"), 0),
    "the entries are all references": (decide("count == mapcount", "count == mapcount", "count == mapcount"), 0),
}  # fmt: skip

# ── whose memory is it ──────────────────────────────────────────────────────────────────────────────────────


def smaps(count="maps.count(frame)", pss="sum((4096 << 12) // each for each in n) >> 12 >> 10", rss="4 * len(n)",
          shared="4 * sum(each > 1 for each in n)", private="4 * n.count(1)"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def smaps(tables, who):
    maps = [frame for table in tables.values() for frame in table.values()]
    n = [{count} for frame in tables[who].values()]
    return {{"Rss": {rss}, "Pss": {pss}, "Shared": {shared}, "Private": {private}}}
"""


SMAPS = {
    "each page is divided by the number of processes": (
        smaps(pss="sum((4096 << 12) // len(tables) for _ in n) >> 22"), 1),
    "a process counts its pages in full": (smaps(pss="4 * len(n)"), 1),
    "only the pages of its own": (smaps(pss="4 * n.count(1)"), 1),
    "half of what is shared": (smaps(pss="4 * n.count(1) + 2 * (len(n) - n.count(1))"), 1),
    "each page is rounded to kB": (smaps(pss="sum(4 // each for each in n)"), 1),
    "the sum is rounded up": (smaps(pss="-(-sum((4096 << 12) // each for each in n) >> 22)"), 1),
    "Rss and Pss are one": (smaps(rss="sum(4 // each for each in n)"), 1),
    "Shared is what all have": (smaps(shared="4 * sum(each == len(tables) > 1 for each in n)"), 1),
    "Shared is all, if there are several processes": (
        smaps(shared="4 * len(n) if len(tables) > 1 else 0", private="0 if len(tables) > 1 else 4 * len(n)"), 1),
    "private memory is Private": (smaps(shared="0", private="4 * len(n)"), 1),
    "Shared is each page's part": (smaps(shared="sum(4 // each for each in n if each > 1)"), 1),
    "the counts are in pages": (smaps(pss="sum((4096 << 12) // each for each in n) >> 24", rss="len(n)",
                                      shared="sum(each > 1 for each in n)", private="n.count(1)"), 0),
    "the counts are in bytes": (smaps(pss="sum((4096 << 12) // each for each in n) >> 12", rss="4096 * len(n)",
                                      shared="4096 * sum(each > 1 for each in n)", private="4096 * n.count(1)"), 0),
    "a page number is a page": smaps(count="sum(page in table for table in tables.values() for page in [0])"),
}  # fmt: skip

# ── what a child inherits ───────────────────────────────────────────────────────────────────────────────────


def inherit(left_out="'dontcopy' in area['flags']", promise="'account' in area['flags']", pages="// 4096",
            anon_vma="area['anon_vma'] and 'wipeonfork' not in area['flags']", lost="{'locked'}",
            entries="area['entries'] if anon_vma else []", first=""):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def inherit(areas):
    child, promised = [], 0
    for area in areas:
        {first or "pass"}
        if {left_out}:
            continue
        if {promise}:
            promised += (area["end"] - area["start"]) {pages}
        anon_vma = {anon_vma}
        child.append({{
            "start": area["start"], "end": area["end"], "flags": area["flags"] - {lost},
            "anon_vma": anon_vma, "entries": {entries},
        }})
    return child, promised
"""


INHERIT = {
    "locks are inherited": (inherit(lost="set()"), 1),
    "a child forgets the advice": (inherit(lost="{'locked', 'wipeonfork'}"), 1),
    "what is wiped is left out": (inherit(left_out="area['flags'] & {'dontcopy', 'wipeonfork'}"), 0),
    "DONTFORK leaves the area, empty": (inherit(
        left_out="False", anon_vma="area['anon_vma'] and not area['flags'] & {'dontcopy', 'wipeonfork'}"), 0),
    "what is wiped keeps its entries": (inherit(entries="area['entries'] if area['anon_vma'] else []"), 1),
    "what is wiped keeps its anon_vma": (inherit(
        anon_vma="area['anon_vma']",
        entries="[] if 'wipeonfork' in area['flags'] or not anon_vma else area['entries']"), 1),
    "every entry is copied": (inherit(entries="[] if 'wipeonfork' in area['flags'] else area['entries']"), 1),
    "private areas have their entries copied": (inherit(
        entries="[] if area['flags'] & {'wipeonfork', 'shared'} else area['entries']"), 1),
    "only what may be written is copied": (inherit(
        entries="area['entries'] if anon_vma and 'write' in area['flags'] else []"), 1),
    "all that may be written is promised": (inherit(promise="'write' in area['flags']"), 2),
    "what is private and may be written now is promised": (inherit(
        promise="'write' in area['flags'] and 'shared' not in area['flags']"), 2),
    "what is wiped is not promised": (inherit(
        promise="'account' in area['flags'] and 'wipeonfork' not in area['flags']"), 2),
    "what is left out is promised": (inherit(first="""promised += (area["end"] - area["start"]) // 4096 * (
            area["flags"] >= {"account", "dontcopy"})"""), 2),
    "a promise is counted in bytes": (inherit(pages=""), 2),
    "only pages with an entry are promised": (inherit(
        promise="False", first="promised += len(area['entries']) if 'account' in area['flags'] else 0"), 2),
    "all is inherited": ("""
def inherit(areas):
    return areas, sum((area["end"] - area["start"]) // 4096 for area in areas)
""", 0),
}  # fmt: skip

# ── chains ──────────────────────────────────────────────────────────────────────────────────────────────────

READ = '''
chains, own, pages, maps = {}, {}, {}, {}
for line in str(picture).splitlines():
    head, _, tail = line.partition(" – ")
    name, anon = line[0], tail.split(" (")[0].split(":")[0]
    chains.setdefault(anon, []).append(name)
    if "its own" in line:
        own[name] = anon
    for piece in tail.partition("page#")[2].split(", "):
        if piece:
            first, _, last = piece.removeprefix("page#").partition("–")
            for number in range(int(first), int(last or first) + 1):
                pages[number] = anon
                maps.setdefault(number, []).append(name)
number = int(page.name.split("#")[1])
looked = chains[pages[number]]
takes = own[who]
freed = [anon for anon, names in chains.items() if set(names) <= set(gone)]
'''
CHAINS = {
    "it looks only where it will find the page": (READ + "looked = maps[number]", 2),
    "it looks in one VMA": (
        READ + "looked = maps[number][:1]", 2),
    "the old page's anon_vma takes the new page": (READ + "takes = next(iter(chains))", 2),
    "an anon_vma is freed with its owner": (READ + "freed = [own[each] for each in gone]", 2),
    "an anon_vma with a process left to come is never freed": (READ + "freed = []", 2),
    "all that they are tied to is freed": (
        READ + "freed = [anon for anon, names in chains.items() if set(names) & set(gone)]", 2),
    "all three": (READ + "looked, takes, freed = maps[number], next(iter(chains)), []", 0),
}  # fmt: skip

# ── a test that no bug survives ─────────────────────────────────────────────────────────────────────────────


def moves(*names):
    """An answer made of moves: "f" and "g" are forks of C and D, a capital is a store by it, "xC" an exit."""
    word = {"f": '("fork", "P", "C")', "g": '("fork", "P", "D")', "h": '("fork", "C", "D")'}
    lines = [word.get(each) or (f'("exit", "{each[1]}")' if each[0] == "x" else f'("store", "{each}")')
             for each in names]  # fmt: skip
    return f"moves = [{', '.join(lines)}]"


SUITE = {
    "the parent stores first, and that is all": (moves("f", "P"), 0),
    "the child stores first, and that is all": (moves("f", "C"), 0),
    "both store, once each": (moves("f", "P", "C"), 0),
    "both store, again and again": (moves("f", "C", "P", "C", "P", "C"), 0),
    "no fork, no test": (moves("P", "P", "P"), 0),
    "the child goes first, and exits": (moves("f", "C", "P", "xC"), 1),
    "the parent goes first, and the child exits": (moves("f", "P", "C", "xC"), 1),
    "three processes, and nobody exits": (moves("f", "g", "D", "P", "C"), 2),
    "three processes, and the parent's stores only": (moves("f", "g", "P", "P", "xC", "xD"), 1),
    "too many moves": (moves("f", "g", "D", "P", "P", "xC", "D"), 0),
    "who has exited stores": (moves("f", "xC", "C"), 0),
    "the fork of a process that is there": (moves("f", "f", "C", "P", "xC"), 0),
}

# ── a kernel with a bug ─────────────────────────────────────────────────────────────────────────────────────

FIND = '''
from mmlab.coursework.mutants import BUGS, drawn_bug
name = drawn_bug("ps5-bug", personal("ps5-bug"))
words = {"child": "loads what the child", "every": "every mapping", "leak": "not free", "never": "never copied",
         "protect": "loads what the parent", "two": "Two processes", "wipe": "WIPEONFORK", "zeros": "zeros"}
(right,) = [letter for letter, claim in claims.items() if words[name] in claim]
bug, other = right, "ABCDEFGH"["BCDEFGHA".index(right)]

def witness(kernel):
    """A program that shows each of the bugs."""
    parent = kernel.spawn("witness")
    addr = parent.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    parent.store(addr, b"parent")
    kernel.meminfo()
    if name == "wipe":
        parent.madvise(addr, 4096, MADV_WIPEONFORK)
    if name == "every":
        shared = parent.mmap(0, 4096, PROT_READ, MAP_SHARED, parent.open("/data/book.txt", O_RDONLY))
        parent.load(shared)
    child = parent.fork()
    child.pagemap(shared if name == "every" else addr)
    (child if name == "child" else parent).store(addr, b"PA")
    child.load(addr, 6), parent.load(addr, 6)
    if name == "leak":
        child.exit()
        kernel.meminfo()
'''
BUG = {
    "another claim": (FIND + "bug = other", 2),
    "the claim alone, with a witness of nothing": (FIND + "def witness(kernel):\n    kernel.spawn('x')", 2),
    "a witness without a fork": (FIND + """
def witness(kernel):
    proc = kernel.spawn("witness")
    addr = proc.mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    proc.store(addr, b"x")
    proc.load(addr)
""", 2),
    "the claim in words": (FIND + "bug = claims[right]", 2),
    "a witness that says so itself": (FIND + "def witness(kernel):\n    return 'the parent sees the child store'", 2),
    "another claim, and no witness": (FIND + "bug = other\ndef witness(kernel):\n    pass", 0),
    "a witness of too many calls": (FIND + """
one = witness
def witness(kernel):
    for _ in range(3):
        one(kernel)
""", 2),
    "a witness that raises an error": (FIND + "def witness(kernel):\n    assert kernel.spawn('x').load(0)", 2),
}  # fmt: skip

WRONG = {
    "copied": COPIED, "stores": STORES, "fork": FORK, "store": STORE, "decide": DECIDE, "smaps": SMAPS,
    "inherit": INHERIT, "chains": CHAINS, "suite": SUITE, "bug": BUG,
}  # fmt: skip
