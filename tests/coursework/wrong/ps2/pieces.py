from tests.coursework.wrong import but

WRONG = {
    "vm_pgoff stays when a VMA is cut": (but("ps2-pieces", ('d["first"] + start)', 'd["first"])')), 1),
    "vm_pgoff counts from 0": (but("ps2-pieces", ('d["first"] + start)', "start)")), 1),
    "vm_pgoff counts from the last cut": (but(
        "ps2-pieces", ('d["first"] + start)', 'd["first"] + max([0] + [s for s, _ in starts if s < start]))')), 1),
    "vm_pgoff is in bytes": (but("ps2-pieces", ('(start, end - start, d["first"] + start)',
                                 '(start, end - start, (d["first"] + start) * 4096)')), 1),
    "the second column is the end": (but("ps2-pieces", ("(start, end - start,", "(start, end,")), 0),
    "what fills a hole stays a VMA of its own": (but(
        "ps2-pieces", ('(0, d["hole"] + d["fill"])', '(0, d["hole"]), (d["hole"], d["hole"] + d["fill"])')), 0),
    "what fills a part of a hole fills it all": (but(
        "ps2-pieces", ('(0, d["hole"] + d["fill"]), (d["hole"] + d["gap"], d["low"])', '(0, d["low"])')), 0),
    "mprotect does not cut": (but("ps2-pieces", ('(d["low"], d["back"]), (d["back"], d["pages"])',
                                  '(d["low"], d["pages"])')), 0),
    "mprotect back does not merge": (but(
        "ps2-pieces", ('(d["back"], d["pages"])', '(d["back"], d["high"]), (d["high"], d["pages"])')), 0),
    "what touches merges, wherever it begins in the file": (but("ps2-pieces", ("pgoff == goes_on", "True")), 0),
    "mmap never merges": (but("ps2-pieces", ("pgoff == goes_on", "False")), 0),
    "what touches merges if it begins after the other in the file": (but(
        "ps2-pieces", ("pgoff == goes_on", "pgoff >= goes_on")), 0),
}  # fmt: skip
