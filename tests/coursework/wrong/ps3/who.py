from tests.coursework.wrong import but

WRONG = {
    "a private mapping is a snapshot": (but(
        "ps3-who", ("        cache[page] = word + cache", '''\
        copies[page] = copies[page] if page in copied else f"page{page}"
        copied.add(page)
        cache[page] = word + cache''')), 1),
    "MS_ASYNC writes to the disk": (but("ps3-who", ('what == "MS_SYNC" and', 'what.startswith("MS_") and')), 2),
    "MS_SYNC writes a private copy": (but(
        "ps3-who", ("    elif word and who",
        '    elif what == "MS_SYNC":\n        disk[page] = copies[page]\n    elif word and who')), 2),
    "a store to a private mapping reaches the file": (but("ps3-who", ('elif word and who == "P"', "elif False")), 1),
    "a copy follows the file where P has not stored": (but(
        "ps3-who", ("        cache[page] = word +", '''\
        if page in copied and ("P", "store", page, copies[page][:2]) in moves:
            copies[page] = copies[page][:2] + word[2:]
        cache[page] = word +''')), 2),
    "write goes to the disk at once": (but(
        "ps3-who", ("        cache[page] = word +",
        '        disk[page] = word if what == "write" else disk[page]\n        cache[page] = word +')), 1),
    "everything goes to the disk at once": (but(
        "ps3-who", ("        cache[page] = word +", "        disk[page] = word\n        cache[page] = word +")), 0),
    "without msync A does not see what B writes": (but(
        "ps3-who", ("    elif word:\n", '    elif word and what != "write":\n')), 0),
}  # fmt: skip
