"""Which anon_vmas are searched, used and freed, read off a picture."""

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE, Kernel
from mmlab.coursework.checks import settle, text, these
from mmlab.coursework.problem import Part, Work
from mmlab.mm.vma import find_vma

from .common import entry_at


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


def check(work: Work):
    given = [work.value(name) for name in ("looked", "takes", "freed")]
    looked, takes, freed = chains_told(work.rng)
    settle(
        (1 / 3, these(given[0], looked),
         "looked: the page belongs to one anon_vma; a column has all VMAs that may map its pages."),
        (1 / 3, given[1] == takes, "takes: think of whom the new page may come to be mapped by."),
        (1 / 3, these(given[2], freed),
         "freed: a process that exits leaves all columns of its row; who is left in each of them?"),
    )  # fmt: skip


PART = Part(
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
    check=check,
)  # fmt: skip
