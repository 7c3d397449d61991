from tests.coursework.wrong import but

WRONG = {
    "the promise is taken back with the right to write": (but(
        "ps6-protect", ('promised and what != "memory"', "False")), 2),
    "the promise is always kept": (but("ps6-protect", ('promised and what != "memory"', "promised")), 0),
    "only memory without a file is promised": (but(
        "ps6-protect", ('if prot == "rw" and what != "log":', 'if prot == "rw" and what in ("memory", "used"):')), 2),
    "what is read-only was never promised": (but(
        "ps6-protect", ('promised and what != "memory"', 'what in ("used", "file")')), 2),
    "a file gives the promise back": (but(
        "ps6-protect", ('promised and what != "memory"', 'promised and what == "used"')), 2),
    "used memory gives it back": (but(
        "ps6-protect", ('promised and what != "memory"', 'promised and what == "file"')), 2),
    "neighbours merge although their promises differ": but(
        "ps6-protect",
        ("left[-1][2:] == piece[2:]:\n            piece = (left.pop()[0], *piece[1:])",
         "left[-1][2:4] == piece[2:4]:\n            piece = (left.pop()[0], *piece[1:])")),
    "nothing merges": (but("ps6-protect", ("left[-1][1] == piece[0] and", "False and")), 0),
    "neighbours of one kind merge across a hole": but("ps6-protect", ("left[-1][1] == piece[0] and", "")),
    "a call that fails changes nothing": (but(
        "ps6-protect", ("    pieces = []\n", "    if error:\n        return error, areas\n    pieces = []\n")), 3),
    "it goes on behind the hole": (but(
        "ps6-protect",
        ("if page > stop:\n            break\n", 'if page > stop:\n            error = "ENOMEM"\n')), 3),
    "a hole is no error": (but("ps6-protect", ('error = error or "ENOMEM"', "pass")), 3),
    "a hole is passed over, as munmap does": (but(
        "ps6-protect",
        ("        if page > stop:\n            break\n", ""),
        ("        stop = min(after, end)",
         "        stop = end if after >= max(a[1] for a in areas) else min(after, end)")), 3),
    "log may be written to": (but("ps6-protect", ('if what == "log" and prot == "rw":', "if False:")), 3),
    "EACCES comes before anything is changed": (but(
        "ps6-protect", ('            error = "EACCES"\n', '            error, stop = "EACCES", start\n')), 3),
    "all of an area gets the new protection": (but(
        "ps6-protect",
        ("low, high = max(page, start), min(after, stop)\n        if low >= high:",
         "low, high = page, after\n        if max(page, start) >= min(after, stop):")), 0),
    "end belongs to the range": (but(
        "ps6-protect", ("    error, stop = None, start\n", "    end += 1\n    error, stop = None, start\n")), 0),
}  # fmt: skip
