from tests.coursework.wrong import but

WRONG = {
    "Mapped counts a page for each process": (but("ps4-ledger", (
        '{(page, n) for (_, _, n), page in entries.items() if page in ("book", "board")}',
        '[n for (_, _, n), page in entries.items() if page in ("book", "board")]')), 3),
    "what a private mapping loads is its own": (
        but("ps4-ledger", ('"book" if what == "private" else', '"copy" if what == "private" else')), 2),
    "a private page that was loaded is not copied": (
        but("ps4-ledger", ('entries[who, what, n] = "copy"', 'entries.setdefault((who, what, n), "copy")')), 2),
    "the file's page stays in Mapped beside the copy": (
        but("ps4-ledger", ('entries[who, what, n] = "copy"', 'entries[who, what + " copy", n] = "copy"')), 2),
    "zeros that are loaded take memory": (but("ps4-ledger", ('else "zero"', 'else "copy"')), 3),
    "tmpfs is freed by munmap": (
        but("ps4-ledger", ("    copies =", (
            '    board = {n for page, n in mapped if page == "board"}\n    copies ='))), 2),
    "a load makes no page in tmpfs": (
        but("ps4-ledger", ('if what == "tmpfs":', 'if what == "tmpfs" and move == "store":')), 2),
    "private copies survive ftruncate": (
        but("ps4-ledger", ('if at[1] not in', 'if page == "copy" or at[1] not in')), 3),
    "ftruncate unmaps nothing": (but("ps4-ledger", ("or at[2] < book", "or True")), 2),
    "Shmem is not in Cached": (but("ps4-ledger", ("4 * (len(board) + book - 6)", "4 * (book - 6)")), 3),
    "what is cut off stays in Cached": (but("ps4-ledger", ("len(board) + book - 6", "len(board)")), 3),
    "mmap makes the pages": '''
def changes(moves):
    maps = [move for move in moves if move[0] == "map"]
    kinds = [what for _, _, what in maps]
    file = 24 * bool({"shared", "private"} & set(kinds))
    tmpfs = 24 * ("tmpfs" in kinds)
    return {"Mapped": file + tmpfs, "AnonPages": 24 * kinds.count("anonymous"), "Shmem": tmpfs, "Cached": tmpfs}
''',
}  # fmt: skip
