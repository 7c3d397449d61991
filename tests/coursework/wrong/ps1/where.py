from tests.coursework.wrong import but

ROUNDED, INSIDE = "hint = hint // 4096 * 4096", "start <= addr < end"

WRONG = {
    "the lowest gap": ("""
def where(areas, base, hint, length):
    length, at = (length + 4095) // 4096 * 4096, 0x10000
    for start, end in areas:
        if start - at >= length:
            return at
        at = end
    return at
""", 0),
    "the lower end of the gap": (but("ps1-where", ("            return top - length", "            return end")), 0),
    "a gap must be larger": (but("ps1-where", ("top - end >= length", "top - end > length")), 0),
    "the gap nearest to the stack": (but("ps1-where", ("top = base", "top = 0x7ffffffde000")), 0),
    "the length is not rounded": (but("ps1-where", ("(length + 4095) // 4096 * 4096", "length")), 0),
    "the length is rounded down": (but("ps1-where", ("(length + 4095) // 4096", "length // 4096")), 0),
    "the gap under base, whatever its size": (but("ps1-where", (" and top - end >= length", "")), 0),
    "hints are for MAP_FIXED only": (but("ps1-where", ("if hint:", "if False:")), 2),
    "a hint is rounded up": (but("ps1-where", ("hint // 4096", "(hint + 4095) // 4096")), 2),
    "a hint is taken as it is": (but("ps1-where", (ROUNDED, "pass")), 2),
    "a hint replaces what is there": (but("ps1-where", ("if not taken and", "if")), 2),
    "only its first page must be free": (but("ps1-where", ("start < hint + length", "start <= hint")), 2),
    "a low hint is no hint": (but("ps1-where", ("if hint:", "if hint >= 0x10000:")), 2),
    "a hint in the first page is a hint": (
        but("ps1-where", (ROUNDED, "hint = max(hint // 4096 * 4096, 0x10000 if hint else 0)")), 2,
    ),
    "no hint is beyond the end": (but("ps1-where", (" and hint + length <= 0x7ffffffff000", "")), 2),
}  # fmt: skip
