def decide(*rules):
    """An answer made of three rules for a reuse, one for each kernel."""
    lines = [f'    if kernel == "{kernel}":\n        return "reuse" if {rule} else "copy"\n'
             for kernel, rule in zip(("4.4", "5.9", "6.18"), rules, strict=True)]  # fmt: skip
    return "\ndef decide(kernel, mapcount, count, exclusive):\n" + "".join(lines)


WRONG = {
    "all count the entries": (decide("mapcount == 1", "mapcount == 1", "mapcount == 1 or exclusive"), 0),
    "all count the references": (decide("count == 1", "count == 1", "count == 1 or exclusive"), 1),
    "4.4 and 5.9 the wrong way round": (decide("count == 1", "mapcount == 1", "count == 1 or exclusive"), 0),
    "today's looks at the flag only": (decide("mapcount == 1", "count == 1", "exclusive"), 1),
    "today's does not know the flag": (decide("mapcount == 1", "count == 1", "count == 1"), 1),
    "today's wants the flag and the count": (decide("mapcount == 1", "count == 1", "exclusive and count == 1"), 1),
    "today's counts the entries, if the flag is not there": (
        decide("mapcount == 1", "count == 1", "exclusive or mapcount == 1"), 1),
    "one reference besides the entries does no harm": (
        decide("mapcount == 1", "count <= 2", "exclusive or count <= 2"), 0),
    "a page is always copied": (decide("False", "False", "False"), 0),
    "the entries are all references": (decide("count == mapcount", "count == mapcount", "count == mapcount"), 0),
}  # fmt: skip
