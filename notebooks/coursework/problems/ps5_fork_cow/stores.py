"""What each store to a page takes that a family has in common: a copy, a reuse, or no fault."""

from mmlab import PAGE_SIZE, Kernel
from mmlab.coursework.checks import RW, listed, text
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.coursework.programs import MEMORY

from .common import MEM, outcome


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


def check(work: Work):
    given = listed(work.value("stores"), 10, "`stores` is to be a list of ten words, one for each store.")
    words = told(Kernel(mem=MEMORY), draw_story(work.rng), outcome)
    right = sum(word == true for word, true in zip(given, words, strict=True))
    if right < 10:
        raise Wrong(f"{right} of the ten words are right. Write down, after each line, who maps which page and whose "
                    "entries allow a store.", 2 / 3 if right == 9 else 0)  # fmt: skip


PART = Part(
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
    check=check,
)  # fmt: skip
