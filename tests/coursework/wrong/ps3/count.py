from tests.coursework.wrong import but

WRONG = {
    "no load enters its neighbours": (but("ps3-count", ("range(first, min(first + 16, pages))", "[page]")), 1),
    "a store enters its neighbours": (but("ps3-count", ("entries[page] = True\n", '''\
first = page // 16 * 16
            for near in range(first, first + 16 if kind != "anonymous" else first):
                entries.setdefault(near, kind == "tmpfs")
            entries[page] = True
''')), 1),
    "the zero page may be stored to": (but("ps3-count", ("entries[page] = False", "entries[page] = True")), 3),
    "a load of new memory is no fault": (but(
        "ps3-count", ("        faults += 1\n", '        faults += kind != "anonymous" or access == "store"\n')), 3),
    "tmpfs hears of the first store": (but("ps3-count", ('kind == "tmpfs"', "False")), 3),
    "nobody hears of the first store": (but("ps3-count", ('kind == "tmpfs"', "True")), 2),
    "the window begins with the page": (but("ps3-count", ("first = page // 16 * 16", "first = page")), 1),
    "a load makes its neighbours read-only again": (but(
        "ps3-count", ('entries.setdefault(near, kind == "tmpfs")', 'entries[near] = kind == "tmpfs"')), 2),
    "a load of memory enters its neighbours": (but("ps3-count", ('kind == "anonymous"', 'kind == "none"')), 3),
    "one fault for each page": ('''
def count_faults(kind, pages, accesses):
    return len({page for _, page in accesses})
''', 0),
}  # fmt: skip
