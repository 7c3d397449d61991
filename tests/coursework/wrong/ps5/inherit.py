def inherit(left_out="'dontcopy' in area['flags']", promise="'account' in area['flags']", pages="// 4096",
            anon_vma="area['anon_vma'] and 'wipeonfork' not in area['flags']", lost="{'locked'}",
            entries="area['entries'] if anon_vma else []", first=""):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def inherit(areas):
    child, promised = [], 0
    for area in areas:
        {first or "pass"}
        if {left_out}:
            continue
        if {promise}:
            promised += (area["end"] - area["start"]) {pages}
        anon_vma = {anon_vma}
        child.append({{
            "start": area["start"], "end": area["end"], "flags": area["flags"] - {lost},
            "anon_vma": anon_vma, "entries": {entries},
        }})
    return child, promised
"""


WRONG = {
    "locks are inherited": (inherit(lost="set()"), 1),
    "a child forgets the advice": (inherit(lost="{'locked', 'wipeonfork'}"), 1),
    "what is wiped is left out": (inherit(left_out="area['flags'] & {'dontcopy', 'wipeonfork'}"), 0),
    "DONTFORK leaves the area, empty": (inherit(
        left_out="False", anon_vma="area['anon_vma'] and not area['flags'] & {'dontcopy', 'wipeonfork'}"), 0),
    "what is wiped keeps its entries": (inherit(entries="area['entries'] if area['anon_vma'] else []"), 1),
    "what is wiped keeps its anon_vma": (inherit(
        anon_vma="area['anon_vma']",
        entries="[] if 'wipeonfork' in area['flags'] or not anon_vma else area['entries']"), 1),
    "every entry is copied": (inherit(entries="[] if 'wipeonfork' in area['flags'] else area['entries']"), 1),
    "private areas have their entries copied": (inherit(
        entries="[] if area['flags'] & {'wipeonfork', 'shared'} else area['entries']"), 1),
    "only what may be written is copied": (inherit(
        entries="area['entries'] if anon_vma and 'write' in area['flags'] else []"), 1),
    "all that may be written is promised": (inherit(promise="'write' in area['flags']"), 2),
    "what is private and may be written now is promised": (inherit(
        promise="'write' in area['flags'] and 'shared' not in area['flags']"), 2),
    "what is wiped is not promised": (inherit(
        promise="'account' in area['flags'] and 'wipeonfork' not in area['flags']"), 2),
    "what is left out is promised": (inherit(first="""promised += (area["end"] - area["start"]) // 4096 * (
            area["flags"] >= {"account", "dontcopy"})"""), 2),
    "a promise is counted in bytes": (inherit(pages=""), 2),
    "only pages with an entry are promised": (inherit(
        promise="False", first="promised += len(area['entries']) if 'account' in area['flags'] else 0"), 2),
    "all is inherited": ("""
def inherit(areas):
    return areas, sum((area["end"] - area["start"]) // 4096 for area in areas)
""", 0),
}  # fmt: skip
