"""Wrong answers to problem set 1: part → misconception → code."""

LINES = '''
rng = personal("ps1-lines")
first, calls = rng.randint(0, 3), []
for _ in range(4):
    pages, prot = rng.randint(1, 4), rng.choice(["PROT_READ", "PROT_READ | PROT_WRITE"])
    calls.append((first, first + pages, prot))
    first += pages + rng.choice([-1, 0, 0, 1])
'''

WRONG = {
    "lines": {
        "each call is a line": "lines = 4",
        "all memory of a process is one line": "lines = 1",
        "neighbours become one whatever their protection": LINES + '''
lines = 1 + sum(before[1] < after[0] for before, after in zip(calls, calls[1:]))
''',
        "one line for each page": LINES + '''
lines = len({page for start, end, _ in calls for page in range(start, end)})
''',
        "one line for each protection": LINES + '''
lines = len({prot for _, _, prot in calls})
''',
    },
    "hole": {
        "the hole after the last area": '''
def lowest_hole(areas, length):
    return areas[-1][1] if areas else 0
''',
        "a hole must be larger": '''
def lowest_hole(areas, length):
    at = 0
    for start, end in areas:
        if start - at > length:
            return at
        at = end
    return at
''',
        "below the first area nothing is free": '''
def lowest_hole(areas, length):
    for (_, end), (start, _) in zip(areas, areas[1:]):
        if start - end >= length:
            return end
    return areas[-1][1] if areas else 0
''',
        "the first hole, whatever its length": '''
def lowest_hole(areas, length):
    at = 0
    for start, end in areas:
        if start > at:
            return at
        at = end
    return at
''',
        "the length is in pages": '''
def lowest_hole(areas, length):
    at = 0
    for start, end in areas:
        if start - at >= length * 4096:
            return at
        at = end
    return at
''',
        "the example's answer": '''
def lowest_hole(areas, length):
    return 8192 if areas else 0
''',
    },
}
