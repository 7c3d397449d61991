"""What two programs and the disk hold of a file after some stores, writes and msyncs."""

from mmlab import MAP_PRIVATE, MAP_SHARED, MS_ASYNC, MS_SYNC, O_RDWR, PAGE_SIZE, Kernel
from mmlab.coursework.checks import RW, listed, settle, text
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.mm.vma import find_vma


def draw_who(rng):
    """Moves of A, P and B on three pages of the book, mixed: (who, what, page, word)."""
    words = rng.sample(["apple", "bread", "cocoa", "dates", "guava", "honey", "lemon", "mango", "olive", "peach"], 7)
    x, y, z = rng.sample(range(5), 3)
    lists = [
        [("P", "load", x, ""), ("A", "store", x, words[0]), ("A", "MS_ASYNC", x, ""), ("B", "write", x, words[1])],
        [("B", "write", y, words[2]), ("A", "MS_SYNC", y, ""), ("P", "store", y, words[3][:2]),
         ("A", "store", y, words[4])],
        [("P", "store", z, words[5]), ("P", "MS_SYNC", z, ""), ("B", "write", z, words[6])],
    ]
    moves = []
    while any(lists):
        moves.append(rng.choice([each for each in lists if each]).pop(0))
    return moves


def told_who(moves):
    """What A and P load in the end, and what the disk has: page → three texts."""
    kernel = Kernel()
    procs = {name: kernel.spawn(name) for name in "APB"}
    fds = {name: proc.open("/data/book.txt", O_RDWR) for name, proc in procs.items()}
    shared = {"A": MAP_SHARED, "P": MAP_PRIVATE}
    addr = {name: procs[name].mmap(0, 5 * PAGE_SIZE, RW, flags, fds[name]) for name, flags in shared.items()}
    for who, what, page, word in moves:
        proc, at = procs[who], addr.get(who, 0) + page * PAGE_SIZE
        if what == "load":
            proc.load(at)
        elif what == "store":
            proc.store(at, word.encode())
        elif what == "write":
            proc.pwrite(fds[who], word.encode(), page * PAGE_SIZE)
        else:
            proc.msync(at, PAGE_SIZE, {"MS_SYNC": MS_SYNC, "MS_ASYNC": MS_ASYNC}[what])
    disk = find_vma(procs["A"].task.mm, addr["A"]).vm_file.f_mapping.host.i_private
    seen = {}
    for page in sorted({page for _, _, page, _ in moves}):
        loads = (procs[who].load(addr[who] + page * PAGE_SIZE, 5) for who in "AP")
        seen[page] = tuple(each.decode() for each in (*loads, disk[page][:5]))
    return seen


def check(work: Work):
    given, expected, claims = work.value("seen"), told_who(draw_who(work.rng)), []
    if not isinstance(given, dict) or set(given) != set(expected):
        raise Wrong(f"`seen` is to be a dictionary with the pages {list(expected)}.")
    for page, right in expected.items():
        row = listed(given[page], 3, "Each page has three texts: what A loads, what P loads, what the disk has.")
        names = zip(("what A loads", "what P loads", "what the disk has"), row, right, strict=True)
        wrong = [name for name, ours, theirs in names if ours != theirs]
        claims.append((1 / 3, not wrong, f"Page {page} is otherwise: {', '.join(wrong)}."))
    settle(*claims)


PART = Part(
    "who", "predict", 3, "Who sees what?",
    """
`/data/book.txt`, on ext4, has five pages; page *n* begins with the five letters `page0`, `page1` … A maps it
MAP_SHARED, P maps it MAP_PRIVATE, and B has opened it. The next cell prints what they do, one after another. Each
store, and each write, goes to the beginning of the page; each `msync` is of that one page of the caller's own
mapping. The kernel writes nothing to the disk of its own accord.

Set `seen` to a dictionary with three pages, as the cell prints them: page number → three texts of five letters: what
A then loads at the beginning of the page, what P loads there, and what the disk has there. One page is worth one
point.
""",
    setup=text(draw_who) + '''
moves = draw_who(personal("ps3-who"))
for who, what, page, word in moves:
    label = f"msync {what}" if what.startswith("MS_") else f"{what} {word!r} to" if word else what
    print(f"{who}: {label:18} page {page}")
print("The pages:", *sorted({page for _, _, page, _ in moves}))
''',
    starter='seen = ...                 # {0: ("what A loads", "what P loads", "what the disk has"), …}',
    solution='''
cache, copies, disk = ({page: f"page{page}" for page in range(5)} for _ in range(3))
copied = set()
for who, what, page, word in moves:
    if what == "MS_SYNC" and who == "A":
        disk[page] = cache[page]
    elif word and who == "P":
        copies[page] = word + (copies if page in copied else cache)[page][len(word):]
        copied.add(page)
    elif word:
        cache[page] = word + cache[page][len(word):]
pages = sorted({page for _, _, page, _ in moves})
seen = {page: (cache[page], (copies if page in copied else cache)[page], disk[page]) for page in pages}
''',
    example='''
assert len(seen) == 3, "three pages"
assert all(len(row) == 3 for row in seen.values()), "three texts for each page"
''',
    check=check,
)  # fmt: skip
