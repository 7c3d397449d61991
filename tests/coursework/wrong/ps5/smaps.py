def smaps(count="maps.count(frame)", pss="sum((4096 << 12) // each for each in n) >> 12 >> 10", rss="4 * len(n)",
          shared="4 * sum(each > 1 for each in n)", private="4 * n.count(1)"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def smaps(tables, who):
    maps = [frame for table in tables.values() for frame in table.values()]
    n = [{count} for frame in tables[who].values()]
    return {{"Rss": {rss}, "Pss": {pss}, "Shared": {shared}, "Private": {private}}}
"""


WRONG = {
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
