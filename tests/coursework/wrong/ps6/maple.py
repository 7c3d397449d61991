from tests.coursework.wrong import but

WRONG = {
    "an entry ends before its last address": (but("ps6-maple", ("if addr <= entry[0]", "if addr < entry[0]")), 0),
    "a hole gives None": (but(
        "ps6-maple",
        ("elif what is None and last < end:\n            number, addr = root, last + 1",
         "elif False:\n            pass")), 1),
    "the next entry of the leaf is enough": (but(
        "ps6-maple",
        ("            number, addr = root, last + 1       # behind a hole is a VMA\n",
         "            rest = [name for end, name in node if end > last]\n"
         "            return rest[0] if rest else None\n")), 1),
    "behind a hole in the leaf comes the next leaf": ('''
def find(nodes, root, addr):
    order = []
    def walk(number):
        for last, what in nodes[number]:
            if isinstance(what, int):
                walk(what)
            else:
                order.append((last, what))
    walk(root)
    return next((what for last, what in order if addr <= last and what), None)
''', 2),
    "the entry before the address": (but(
        "ps6-maple",
        ("next(entry for entry in node if addr <= entry[0])",
         "([entry for entry in node if entry[0] <= addr] or node)[-1]"),
        ("while True:", "for _ in range(9):")), 0),
    "all leaves are as low as the first": (but(
        "ps6-maple",
        ("if isinstance(what, int):\n            number = what",
         "if isinstance(what, int):\n            number = node[0][1]")), 0),
    "the first VMA of the leaf": (but(
        "ps6-maple",
        ("            return what", "            return next((name for _, name in node if name), None)")), 0),
    "the numbers tell the order": ('''
def find(nodes, root, addr):
    leaves = [nodes[number] for number in sorted(nodes) if not isinstance(nodes[number][0][1], int)]
    return next((what for leaf in leaves for last, what in leaf if addr <= last and what), None)
''', 0),
    "the VMA before the hole": (but(
        "ps6-maple",
        ("            number, addr = root, last + 1       # behind a hole is a VMA\n",
         "            names = [name for _, name in node if _ < last and name]\n"
         "            return names[-1] if names else None\n")), 1),
    "page by page to the next": ('''
def find(nodes, root, addr):
    def entry(addr):
        number = root
        while True:
            last, what = next(each for each in nodes[number] if addr <= each[0])
            if not isinstance(what, int):
                return last, what
            number = what
    end = nodes[root][-1][0]
    last, what = entry(addr)
    while what is None and last < end:
        last, what = entry(last + 1) if (last + 1 - addr) > 10 * 4096 else entry(min(addr + 4096, last + 1))
        addr += 4096
    return what
''', 2),
    "holes are not asked for": (but(
        "ps6-maple",
        ("elif what is None and last < end:", "elif what is None:"),
        ("number, addr = root, last + 1       # behind a hole is a VMA", 'return "vma#1"')), 1),
}  # fmt: skip
