from tests.coursework.wrong import but, then

WRONG = {
    "moved memory has the vm_pgoff of its new address": (but(
        "ps6-moved", ("(pgoff if stored else to + number, stored)", "(to + number, stored)")), 0),
    "memory keeps its vm_pgoff, stored to or not": (but(
        "ps6-moved", ("(pgoff if stored else to + number, stored)", "(pgoff, stored)")), 0),
    "stored to and not are mixed up": (but(
        "ps6-moved", ("pgoff if stored else to + number", "to + number if stored else pgoff")), 0),
    "what moves stays at the old place, too": (but(
        "ps6-moved", ("pages.pop(start + number)", "pages[start + number]")), 0),
    "nothing that has moved merges": (but(
        "ps6-moved",
        ('for start, count, to in d["moves"]:', 'moved = {}\nfor start, count, to in d["moves"]:'),
        ("for number in range(count):",
         "moved |= {to + number: to for number in range(count)}\n    for number in range(count):"),
        ("== pgoff:", "== pgoff and moved.get(page) == moved.get(page - 1):")), 0),
    "all that touches merges": (but("ps6-moved", (" and areas[-1][2] + areas[-1][1] == pgoff", "")), 0),
    "what touches merges only if it moved beside a VMA above it": (but(
        "ps6-moved",
        ("sum(areas[-1][:2]) == page and areas[-1][2] + areas[-1][1] == pgoff",
         "sum(areas[-1][:2]) == page and areas[-1][2] == pgoff")), 0),
    "a whole move is one VMA, whatever lies beside it": (but(
        "ps6-moved",
        ("sum(areas[-1][:2]) == page and",
         'sum(areas[-1][:2]) == page and page not in [to for _, _, to in d["moves"]] and')), 0),
    "the second column is the end": (then(
        "ps6-moved", "areas = [(page, page + count, pgoff) for page, count, pgoff in areas]"), 0),
    "vm_pgoff is in bytes": (then(
        "ps6-moved", "areas = [(page, count, pgoff * 4096) for page, count, pgoff in areas]"), 2),
    "vm_pgoff is the first page": (then(
        "ps6-moved", "areas = [(page, count, page) for page, count, pgoff in areas]"), 2),
    "vm_pgoff counts from the VMA": (then(
        "ps6-moved", "areas = [(page, count, 0) for page, count, pgoff in areas]"), 2),
}  # fmt: skip
