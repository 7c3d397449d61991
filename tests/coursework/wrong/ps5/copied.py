def entries(nothing="0", count="len(present)", needed="anon_vma", stored="what == 'store' and 'private' in kind",
            given_back="present -= touched"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def entries(kind, pages, steps):
    present, anon_vma, own = set(), False, set()
    for what, first, count in steps:
        touched = set(range(first, first + count))
        if what in ("load", "store"):
            present |= touched
            anon_vma |= {stored}
            own |= touched if what == "store" else set()
        elif what == "MADV_DONTNEED":
            {given_back}
            own -= touched
        else:
            return {nothing}
    return {count} if {needed} else 0

copied = [entries(*mapping) for mapping in mappings]
"""


WRONG = {
    "only pages that were stored to are copied": entries(count="len(own)"),
    "every entry is copied": entries(needed="True"),
    "a load gives a VMA its anon_vma": entries(stored="'private' in kind"),
    "shared memory that was stored to is copied": entries(stored="what == 'store'"),
    "what is given back takes the anon_vma with it": entries(
        given_back="present, anon_vma = present - touched, anon_vma and bool(present - touched)"),
    "pages that were given back keep their entries": entries(given_back="pass"),
    "a mapping that is wiped or left out keeps its entries": entries(nothing="pages"),
    "an entry for each page of the VMA": entries(count="pages"),
    "nothing is copied": "copied = [0] * 6",
    "the pages of all steps": "copied = [sum(step[2] for step in each[2]) for each in mappings]",
}  # fmt: skip
