from tests.coursework.wrong import but

FOUND = "area, tree = (start, end), left if addr < start else None"

WRONG = {
    "the end still belongs to it": (but("ps1-find", ("end <= addr", "end < addr")), 0),
    "it has the address, or it is NULL": (
        but("ps1-find", (FOUND, f"{FOUND}\n            area = area if start <= addr else None")), 0,
    ),
    "the last VMA looked at": (but("ps1-find", ("tree = right", "area, tree = (start, end), right")), 0),
    "no VMA above is an empty range": (but("ps1-find", ("area, looked = None, 0", "area, looked = (0, 0), 0")), 0),
    "only the VMA": (but("ps1-find", ("return area, looked", "return area")), 0),
    "the start belongs to the left": (but("ps1-find", ("addr < start", "addr <= start")), 2),
    "it goes on after it is found": (but("ps1-find", ("left if addr < start else None", "left")), 2),
    "two comparisons are two looks": (but("ps1-find", (FOUND, f"{FOUND}\n            looked += 1")), 2),
    "the steps from the root": (but("ps1-find", ("return area, looked", "return area, max(looked - 1, 0)")), 2),
    "the list": ("""
def find(tree, addr):
    def flat(tree):
        return [*flat(tree[2]), tree[:2], *flat(tree[3])] if tree else []
    for looked, (start, end) in enumerate(flat(tree), 1):
        if addr < end:
            return (start, end), looked
    return None, len(flat(tree))
""", 2),
}  # fmt: skip
