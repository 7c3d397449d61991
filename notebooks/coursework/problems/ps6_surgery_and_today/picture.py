"""A picture of what a call has done to the VMAs and to the page table."""

from dataclasses import replace

from mmlab import Kernel
from mmlab.coursework.checks import settle, text, whole
from mmlab.coursework.problem import Part, Work
from mmlab.views.surgery import boxes, frames, lay, make

from .common import at, here

WORDS = {"munmap": "munmap", "mprotect": "read", "move": "move", "grow": "longer"}  # as the answer and the lab say it


def draw_surgery(rng):
    """The calls of a program, as the lab of lesson 11 names them: (the first ones, the last)."""
    page, goal = rng.randint(1, 2), rng.randint(5, 6)
    last = rng.choice([
        "munmap 0 1", f"read {rng.choice([0, 3])} 1", f"read {0 if page == 2 else 2} 2",
        "move 3 1 4" if page == 1 and goal == 5 else "move 0 1 7", f"longer {goal} 1",
    ])  # fmt: skip
    return ["store 0 3", f"move {page} 1 {goal}"], last


def state(moves):
    """A process after these calls, and what the picture shows of it: the VMAs, and the page table."""
    proc = Kernel().spawn("surgeon")
    lay(proc, "memory")
    for move in moves:
        make(proc, move)
    return proc, ([replace(box, name="") for box in boxes(proc)], frames(proc))


def called(word):
    """Give a call of the answer as the lab names it; None if it is none."""
    if not isinstance(word, str) or not 2 <= len(word.split()) <= 4:
        return None
    name, *numbers = word.split()
    if name not in WORDS or not all(each.isascii() and each.isdigit() and len(each) == 1 for each in numbers):
        return None
    if len(numbers) != {"move": 3, "grow": 1}.get(name, 2) or (name != "grow" and numbers[1] == "0"):
        return None
    return " ".join([WORDS[name], *numbers])


def grown(first, word):
    """Add to "longer 5" how many pages the VMA has that begins there."""
    if word and word.startswith("longer"):
        found = [end - page for page, end, _ in here(state(first)[0]) if page == int(word.split()[1])]
        return f"{word} {found[0]}" if found else None
    return word


def check(work: Work):
    first, last = draw_surgery(work.rng)
    proc, after = state([*first, last])
    word = grown(first, called(work.value("call")))
    goal = int(first[1].split()[3])
    back = work.value("back")
    home = whole(back) and 0 <= back < 8 and not any(page <= back < end for page, end, _ in here(proc))
    if home:
        home = len(state([*first, last, f"move {goal} 1 {back}"])[1][0]) < len(after[0])
    before, faults = proc.getrusage().ru_minflt, work.value("faults")
    for page, end, _ in here(proc):
        for each in range(page, min(end, 8)):
            proc.load(at(each))
    right = proc.getrusage().ru_minflt - before
    settle(
        (1 / 3, bool(word) and state([*first, word])[1] == after,
         "`call`: made in the state before, it would not give the state after."),
        (1 / 3, bool(home), "`back`: something is there, or no neighbour goes on with its `vm_pgoff`."),
        (1 / 3, whole(faults) and faults == right, "`faults`: which pages are mapped, and which have an entry?"),
    )  # fmt: skip


PART = Part(
    "picture", "diagram", 3, "Read a picture of an operation",
    """
The next cell draws what the last call of a program has done to its private memory: the picture of lesson 11's lab,
VMAs before and after, and the page table before and after. Pages are numbered from 0 to 7. Read off three answers,
worth one point each.

- `call`: the last call, in one of these forms, with numbers of pages: `"munmap 3 1"` (from page 3 on, one page),
  `"mprotect 2 2"` (from page 2 on, two pages become read-only), `"move 0 1 4"` (from page 0 on, one page goes to page
  4), `"grow 2"` (the VMA that begins at page 2 becomes one page longer).
- `back`: one page was moved earlier, before the picture; its number is printed below. If the program moves it once
  more: to which page, so that there are **fewer** VMAs than in the state after?
- `faults`: after the picture the program loads a byte from each page that is mapped. How many page faults is that?
""",
    setup="from mmlab.views import SurgerySetting, run_surgery, stack\n\n" + text(draw_surgery) + '''
first, last = draw_surgery(personal("ps6-picture"))
pictures = run_surgery(SurgerySetting("memory", (*first, last))).pictures
picture = stack("What did the last call do?", *pictures)
print(picture)
print(f"The page that was moved earlier: {first[1].split()[-1]}")
picture
''',
    starter='call = ...         # such as "munmap 3 1"\nback = ...         # a page\nfaults = ...       # a number',
    solution='''
lines = str(picture).splitlines()
half = lines.index("after:")

def pages_of(lines):
    found = {}
    for words in (line.split() for line in lines if line.startswith("  vma#")):
        start, end = map(int, words[2].rstrip(":").split("–"))
        for page in range(start, end + 1):
            found[page] = (words[3], int(words[-1].strip("…"), 16) + page - start)
    return found

before, after = pages_of(lines[:half]), pages_of(lines[half:])
gone = [page for page in before if page not in after]
new = [page for page in after if page not in before]
changed = [page for page in after if page in before and after[page] != before[page]]
moved = int(first[1].split()[-1])
if gone and new:
    call = f"move {gone[0]} {len(gone)} {new[0]}"
elif gone:
    call = f"munmap {gone[0]} {len(gone)}"
elif new:
    call = f"grow {moved}"
else:
    call = f"mprotect {changed[0]} {len(changed)}"
back = after[moved][1]
table = next(line for line in lines if line.startswith("after: "))
faults = len(after) - table.count("page#")
''',
    example='''
assert call.split()[0] in ("munmap", "mprotect", "move", "grow"), "`call` is in none of the four forms"
assert all(each in range(9) for each in (back, faults)), "the other two are numbers, at most 8"
''',
    check=check,
)  # fmt: skip
