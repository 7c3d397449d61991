"""Wrong answers to problem set 4: part → misconception → code, or (code, the points that it still earns)."""

from mmlab.coursework.problem import load
from mmlab.setup.places import NOTEBOOKS

PROBLEMS = load(NOTEBOOKS / "coursework" / "problems" / "ps4_shared_memory")


def but(part, *changes):
    """The reference answer to a part, but for some of its text: (old, new) each."""
    answer = PROBLEMS.part(f"ps4-{part}").solution
    for old, new in changes:
        assert answer.count(old) == 1, f"{part}: {old!r} is there {answer.count(old)} times"
        answer = answer.replace(old, new)
    return answer


def then(part, more):
    """The reference answer to a part, and some lines after it."""
    return PROBLEMS.part(f"ps4-{part}").solution + more + "\n"


WRONG = {
    "steps": {
        "a load maps one page": but("steps", ("set(range(window, pages))", '{drawn["last"]}'),
                                    ('set(range(-(-drawn["loaded"] // 16) * 16))', 'set(range(drawn["loaded"]))')),
        "a load maps 16 pages, whatever the file's end": (
            but("steps", ("(window, pages)", "(window, window + 16)")), 2),
        "the window begins at the page": but("steps", ('drawn["last"] // 16 * 16 ', 'drawn["last"]')),
        "the unit is the page": (then("steps", "mapped = [each // 4 for each in mapped]"), 0.5),
        "a store to a private page takes one out of Mapped": (then("steps", 'mapped[2] = -4 * drawn["stored"]'), 2.5),
        "a copy counts in Mapped": (then("steps", 'mapped[2] = 4 * drawn["stored"]'), 2.5),
        "shared anonymous memory is anonymous": (
            but("steps", (', 4 * drawn["shared"]', ", 0"), ('+ drawn["shared"]', "")), 2),
        "a mapped page survives ftruncate": (but("steps", ("if page >= left", "if page < 0")), 2),
        "what is cut off belongs to nobody": (
            but("steps", ("cut = {", "cut = {page for page in range(left, pages)} or {")), 2.5),
        "an exit unmaps nothing": (then("steps", "mapped[5] = 0"), 2.5),
    },
    "picture": {
        "all that B maps leaves Mapped": (
            but("picture", ('len(mappers) == 1 and who.startswith("B[")', '"B[" in who')), 2),
        "a program's own pages stay in Mapped": (but("picture", ('if "Mapped" in line', 'if "/usr" not in line')), 2),
        "tmpfs can be dropped": (but("picture", (' and "Shmem" not in line', "")), 2),
        "mapped pages can be dropped": (but("picture", ("if not mappers and", 'if "Cached" in line and')), 2),
        "dropped are the pages of the file alone": (
            but("picture", ("if not mappers", 'if "log" in line and not mappers')), 2),
        "RssShmem counts a page once": (but("picture", ("kB * len(mappers)", "kB * bool(mappers)")), 2),
        "RssShmem is Shmem": (but("picture", ("kB * len(mappers)", "kB")), 2),
        "the unit is the page": (but("picture", ("4 * int(pages)", "int(pages)")), 0),
    },
    "ledger": {
        "Mapped counts a page for each process": (but("ledger", (
            '{(page, n) for (_, _, n), page in entries.items() if page in ("book", "board")}',
            '[n for (_, _, n), page in entries.items() if page in ("book", "board")]')), 3),
        "what a private mapping loads is its own": (
            but("ledger", ('"book" if what == "private" else', '"copy" if what == "private" else')), 2),
        "a private page that was loaded is not copied": (
            but("ledger", ('entries[who, what, n] = "copy"', 'entries.setdefault((who, what, n), "copy")')), 2),
        "the file's page stays in Mapped beside the copy": (
            but("ledger", ('entries[who, what, n] = "copy"', 'entries[who, what + " copy", n] = "copy"')), 2),
        "zeros that are loaded take memory": (but("ledger", ('else "zero"', 'else "copy"')), 3),
        "tmpfs is freed by munmap": (
            but("ledger", ("    copies =", (
                '    board = {n for page, n in mapped if page == "board"}\n    copies ='))), 2),
        "a load makes no page in tmpfs": (
            but("ledger", ('if what == "tmpfs":', 'if what == "tmpfs" and move == "store":')), 2),
        "private copies survive ftruncate": (
            but("ledger", ('if at[1] not in', 'if page == "copy" or at[1] not in')), 3),
        "ftruncate unmaps nothing": (but("ledger", ("or at[2] < book", "or True")), 2),
        "Shmem is not in Cached": (but("ledger", ("4 * (len(board) + book - 6)", "4 * (book - 6)")), 3),
        "what is cut off stays in Cached": (but("ledger", ("len(board) + book - 6", "len(board)")), 3),
        "mmap makes the pages": '''
def changes(moves):
    maps = [move for move in moves if move[0] == "map"]
    kinds = [what for _, _, what in maps]
    file = 24 * bool({"shared", "private"} & set(kinds))
    tmpfs = 24 * ("tmpfs" in kinds)
    return {"Mapped": file + tmpfs, "AnonPages": 24 * kinds.count("anonymous"), "Shmem": tmpfs, "Cached": tmpfs}
''',
    },
    "pss": {
        "the page of zeros counts": (
            but("pss", ("for frame in area if frame)", "for frame in area if frame is not None)"), (
            "for frame in area if frame]", "for frame in area if frame is not None]")), 0),
        "each page is divided by the number of areas": (but("pss", ("// mapcount[frame]", "// len(areas)")), 1),
        "Pss is Rss": (but("pss", ("shares >> 22", "4 * len(frames)")), 1),
        "Pss is what nobody else maps": (
            but("pss", ("(4096 << 12) // mapcount[frame]", "(4096 << 12) * (mapcount[frame] == 1)")), 1),
        "a shared page is divided by two": (but("pss", ("// mapcount[frame]", "// min(mapcount[frame], 2)")), 1),
        "each page is cut to whole kB": (
            but("pss", ("(4096 << 12) // mapcount[frame]", "(4 // mapcount[frame] << 22)")), 1),
        "Pss is rounded to the nearest kB": (but("pss", ("shares >> 22", "(shares + (1 << 21)) >> 22")), 1),
        "the first area to map a page has it": but("pss", ("found.append((4 * len(frames), shares >> 22))", '''
        own = {frame for frame in frames if not any(frame in other for other in areas[: len(found)])}
        found.append((4 * len(own), 4 * len(own)))''')),
        "Rss and Pss are changed over": (
            but("pss", ("(4 * len(frames), shares >> 22)", "(shares >> 22, 4 * len(frames))"))),
    },
    "family": {
        "Shmem is what is mapped": (then("family", "shmem = mapped"), 3),
        "Shmem counts a page for each process": (then("family", 'shmem = 4 * (stored + used) + resident'), 3),
        "RssShmem counts a shared page once": (then("family", "resident = mapped"), 3),
        "children have their parent's entries": (but("family", (
            'set(range(drawn["first"])), set(range(drawn["begin"], drawn["end"] + 1))',
            "set(range(stored)), set(range(stored))")), 2),
        "a memfd is promised whole": (
            but("family", ('drawn["segment"] + kept', 'drawn["segment"] + drawn["film"]')), 3),
        "a memfd goes when it is closed": (but("family", ('drawn["kept"]', "0")), 0),
        "a segment goes with its last detach": (
            but("family", ("stored + used + kept", "stored + kept"), ('+ drawn["segment"]', "")), 2),
        "a segment goes with its maker's exit, but its promise stays": (
            but("family", ("stored + used + kept", "stored + kept")), 3),
        "memory goes with the process that made it": (
            but("family", ("stored + used + kept", "kept"), ('drawn["memory"] + drawn["segment"] + kept', "kept")), 2),
        "pages are promised when they are touched": (then("family", "promised = shmem"), 3),
        "the unit is the page": (then("family", "shmem, mapped, resident, promised = (\n"
                                      "    each // 4 for each in (shmem, mapped, resident, promised))"), 0),
    },
    "made": {
        "the name tells all": (
            but("made", ('if device != "00:01":                   # the tmpfs that is mounted nowhere',
                                            'if not name[0].startswith(("/memfd:", "/SYSV", "/dev/zero")):')), 0),
        "what is deleted had no name": but("made", ('device != "00:01":', 'not line.endswith("(deleted)"):')),
        "a mapping of a file is never private": '''
def made_by(line):
    addresses, perms, offset, device, inode, *name = line.split(maxsplit=5)
    if not name:
        return "private"
    if device != "00:01":
        return "file"
    if name[0].startswith("/memfd:"):
        return "memfd"
    return "sysv" if name[0].startswith("/SYSV") else "zero"
''',
        "any tmpfs is the kernel's own": (but("made", ('device != "00:01"', 'not device.startswith("00:")')), 1),
        "anonymous memory is private": (but("made", ('else "zero"', 'else "private"')), 1),
        "System V memory is a memfd": (but("made", ('return "sysv" if', 'return "memfd" if')), 1),
        "only files on the disk have names": (but("made", ('device != "00:01"', 'device == "fe:00"')), 1),
        "the example's answers": ('def made_by(line):\n    return "memfd" if "memfd" in line else "file"\n', 0),
    },
    "segments": {
        "IPC_RMID destroys at once": (but("segments", ('''            if not nattch[what]:
                del nattch[what]''', "            del nattch[what]"), ("        nattch[n] -= 1\n        if", (
            "        if n not in nattch:\n            return\n        nattch[n] -= 1\n        if"))), 2),
        "a removed segment cannot be attached": (
            but("segments", ('call == "shmat" and what in nattch', (
                'call == "shmat" and what in nattch and what not in removed'))), 2),
        "a removed segment is found by its key": (
            but("segments", ("            keys = {key: n for key, n in keys.items() if n != what}\n", (
                "            keys = {key: n for key, n in keys.items() if n != what or nattch[n]}\n"))), 2),
        "a segment goes with its last detach": (but("segments", ("if n in removed and not nattch[n]:", (
            "if not nattch[n]:\n            for key in [key for key in keys if keys[key] == n]:\n                "
            "del keys[key]"))), 0),
        "fork attaches nothing": (but("segments", ("attached[what] = list(attached[who])", "attached[what] = []"),
                                      ("for n in attached[who]:", "for n in ():")), 3),
        "fork copies, and does not count": (but("segments", ("for n in attached[who]:", "for n in ():"), (
            "        nattch[n] -= 1", "        nattch[n] = max(nattch.get(n, 0) - 1, 0)")), 3),
        "exit detaches nothing": but("segments", ("for n in attached.pop(who):", "for n in ():")),
        "nattch counts processes": (but("segments", ('call == "shmat" and what in nattch', (
            'call == "shmat" and what in nattch and what not in attached[who]'))), 0),
        "IPC_PRIVATE is a key": (
            but("segments", ("if what:\n                    keys", "if True:\n                    keys"))),
        "a removed segment never goes": (but("segments", ("n in removed and not nattch[n]", "False")), 2),
        "shmdt needs no attachment": but("segments", (
            'call == "shmdt" and what in attached[who]:\n            attached[who].remove(what)',
            'call == "shmdt" and nattch.get(what):\n            attached[who] = []')),
        "shmat makes what is not there": '''
def segments(calls):
    given, nattch = [], {}
    for call, who, *what in calls:
        if call == "shmget":
            given.append(len(nattch))
            nattch[len(nattch)] = 0
        elif call == "shmat":
            nattch[what[0]] = nattch.get(what[0], 0) + 1
            given.append(dict(nattch))
        else:
            given.append(dict(nattch))
    return given
''',
    },
    "publish": {
        "a memfd can be sealed as it is": (but("publish", (", MFD_ALLOW_SEALING", "")), 0),
        "it needs no seals, since it has no name": (
            but("publish", ("    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)\n", "")), 1),
        "F_SEAL_WRITE is all": (but("publish", ("F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE", "F_SEAL_WRITE")), 2),
        "the size is all": (but("publish", (" | F_SEAL_WRITE", "")), 2),
        "no signal is all": (but("publish", (" | F_SEAL_GROW | F_SEAL_WRITE", "")), 1),
        "seals are sealed instead": (but("publish", ("F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE", "F_SEAL_SEAL")), 1),
        "F_SEAL_FUTURE_WRITE, with its mapping left": ('''
def publish(proc, words):
    fd = proc.memfd_create("words", MFD_ALLOW_SEALING)
    proc.ftruncate(fd, len(words))
    addr = proc.mmap(0, len(words), PROT_READ | PROT_WRITE, MAP_SHARED, fd)
    proc.store(addr, words)
    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)
    return fd
''', 2),
        "F_SEAL_WRITE, with its mapping left": ('''
def publish(proc, words):
    fd = proc.memfd_create("words", MFD_ALLOW_SEALING)
    proc.ftruncate(fd, len(words))
    addr = proc.mmap(0, len(words), PROT_READ | PROT_WRITE, MAP_SHARED, fd)
    proc.store(addr, words)
    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
    return fd
''', 0),
        "a file has whole pages": (
            but("publish", ("    proc.fcntl", (
                "    proc.ftruncate(fd, -(-len(words) // 4096) * 4096)\n    proc.fcntl"))), 0),
        "the descriptor is closed": (but("publish", ("    return fd", "    proc.close(fd)\n    return fd")), 0),
        "sealed before it is filled": (
            but("publish", ("    proc.write(fd, words)\n", ""), ("    return fd", (
                "    proc.write(fd, words)\n    return fd"))), 0),
    },
    "copy": {
        "fstat tells every size": (but("copy", ("proc.lseek(src, 0, SEEK_END)", "proc.fstat(src).st_size")), 2),
        "a disk is never asked for by lseek, but guessed": (
            but("copy", ("proc.lseek(src, 0, SEEK_END)", "proc.fstat(src).st_size or 65536")), 2),
        "all of it at once": (but("copy", ("limit // 8 * 4096", "1 << 30")), 2),
        "the limit is for each of the two": (but("copy", ("limit // 8 * 4096", "limit // 4 * 4096")), 2),
        "the limit counts pages": (but("copy", ("limit // 8 * 4096", "limit // 2 * 4096")), 2),
        "the source stays mapped": (but("copy", ("        proc.munmap(a, n)\n", "")), 2),
        "nothing is unmapped": (
            but("copy", ("        proc.munmap(a, n)\n", ""), ("        proc.munmap(b, n)\n", "")), 2),
        "a large mapping of the source, one page of it at a time": ('''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT)
    size = proc.lseek(src, 0, SEEK_END)
    proc.ftruncate(dst, size)
    a = proc.mmap(0, size, PROT_READ, MAP_SHARED, src)
    b = proc.mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, dst)
    for at in range(0, size, 4096):
        n = min(4096, size - at)
        proc.memcpy(b + at, a + at, n)
        proc.munmap(a + at, n)
        proc.munmap(b + at, n)
''', 2),
        "whole pieces only": (but("copy", ("range(0, size, step)", "range(0, size - step + 1, step)")), 0),
        "the target is never given its size": (but("copy", ("    proc.ftruncate(dst, size)\n", "")), 0),
        "the target is mapped privately": (but("copy", ("PROT_WRITE, MAP_SHARED", "PROT_WRITE, MAP_PRIVATE")), 0),
        "the offset is forgotten": (but("copy", ("MAP_SHARED, src, at)", "MAP_SHARED, src)")), 0),
        "the target has whole pages": (
            but("copy", ("ftruncate(dst, size)", "ftruncate(dst, -(-size // 4096) * 4096)")), 0),
        "the limit is in bytes": (but("copy", ("limit // 8 * 4096", "limit // 2")), 0),
        "read and write are shorter": ('''
def copy(proc, source, target, limit):
    src, dst = proc.open(source, O_RDONLY), proc.open(target, O_RDWR | O_CREAT)
    while data := proc.read(src, 4096):
        proc.write(dst, data)
''', 0),
    },
    "bug": {
        "the next letter": (then("bug", 'bug = "ABCDEFGHA"["ABCDEFGH".index(bug) + 1]'), 2),
        "always A, and no witness": 'bug = "A"\n\ndef witness(kernel):\n    kernel.spawn("witness")\n',
        "always H, and no witness": 'bug = "H"\n\ndef witness(kernel):\n    kernel.spawn("witness")\n',
        "the claim in place of its letter": (then("bug", "bug = claims[bug]"), 2),
        "the witness does nothing": (then("bug", 'def witness(kernel):\n    return kernel.spawn("witness")'), 2),
        "the witness only looks": (
            then("bug", "def witness(kernel):\n    return kernel.meminfo(), kernel.vmstat()"), 2),
        "the witness shows another bug": (
            then("bug", "witness = show_removed if witness is show_shrink else show_shrink"), 2),
        "the witness tries too much": (then("bug", '''
def witness(kernel):
    for program in tries.values():
        outcome(program, kernel)'''), 0),
    },
}  # fmt: skip
