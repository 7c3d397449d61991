from tests.coursework.wrong import but

WRONG = {
    "the upper part shows the file from the same page on": (but(
        "ps6-unmap", ("pgoff + max(page, end) - page", "pgoff")), 0),
    "the upper part begins where the range does": (but(
        "ps6-unmap", ("pgoff + max(page, end) - page", "pgoff + start - page")), 0),
    "end belongs to the range": (but(
        "ps6-unmap",
        ("if max(page, end) < after:\n            left.append((max(page, end), after, pgoff + max(page, end) - page))",
         "if max(page, end + 1) < after:\n"
         "            left.append((max(page, end + 1), after, pgoff + max(page, end + 1) - page))")), 0),
    "only the first area is cut": (but(
        "ps6-unmap",
        ("        if max(page, end) < after:",
         "        if start < after and page < end:\n            start = end = 0\n"
         "        if max(page, end) < after:")), 0),
    "an area that is cut goes altogether": (but(
        "ps6-unmap", ("if page < min(after, start):", "if after <= start:")), 0),
    "a hole is an error": (but(
        "ps6-unmap",
        ("    left = []\n",
         "    left = []\n    if not any(area[0] <= start < area[1] for area in areas):\n"
         '        return "ENOMEM"\n')), 0),
    "a cut at an end is refused, too": (but(
        "ps6-unmap",
        ("if page < start and end < after and", "if (page < start < after or page < end < after) and")), 2),
    "one more is allowed, as with mmap": (but("ps6-unmap", ("len(areas) >= limit", "len(areas) > limit")), 2),
    "at the limit everything is refused": (but("ps6-unmap", ("page < start and end < after and ", "")), 2),
    "nothing is refused": (but("ps6-unmap", ("len(areas) >= limit", "False")), 2),
    "how many are left decides": ('''
def unmap(areas, start, end, limit):
    left = []
    for page, after, pgoff in areas:
        if page < min(after, start):
            left.append((page, min(after, start), pgoff))
        if max(page, end) < after:
            left.append((max(page, end), after, pgoff + max(page, end) - page))
    return left if len(left) <= limit else "ENOMEM"
''', 2),
    "each cut needs room for a VMA more": (but(
        "ps6-unmap",
        ("    left = []\n",
         "    left = []\n"
         "    cuts = sum(area[0] < place < area[1] for area in areas for place in (start, end))\n"
         "    if cuts and len(areas) + cuts > limit:\n"
         '        return "ENOMEM"\n')), 2),
    "the first cut is left when it is refused": (but(
        "ps6-unmap", ('return "ENOMEM"', "return [(page, start, pgoff), (start, after, pgoff + start - page)]")), 2),
}  # fmt: skip
