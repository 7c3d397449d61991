from tests.coursework.wrong import but

WRONG = {
    "IPC_RMID destroys at once": (but("ps4-segments", ('''            if not nattch[what]:
                del nattch[what]''', "            del nattch[what]"), ("        nattch[n] -= 1\n        if", (
        "        if n not in nattch:\n            return\n        nattch[n] -= 1\n        if"))), 2),
    "a removed segment cannot be attached": (
        but("ps4-segments", ('call == "shmat" and what in nattch', (
            'call == "shmat" and what in nattch and what not in removed'))), 2),
    "a removed segment is found by its key": (
        but("ps4-segments", ("            keys = {key: n for key, n in keys.items() if n != what}\n", (
            "            keys = {key: n for key, n in keys.items() if n != what or nattch[n]}\n"))), 2),
    "a segment goes with its last detach": (but("ps4-segments", ("if n in removed and not nattch[n]:", (
        "if not nattch[n]:\n            for key in [key for key in keys if keys[key] == n]:\n                "
        "del keys[key]"))), 0),
    "fork attaches nothing": (but("ps4-segments", ("attached[what] = list(attached[who])", "attached[what] = []"),
                                  ("for n in attached[who]:", "for n in ():")), 3),
    "fork copies, and does not count": (but("ps4-segments", ("for n in attached[who]:", "for n in ():"), (
        "        nattch[n] -= 1", "        nattch[n] = max(nattch.get(n, 0) - 1, 0)")), 3),
    "exit detaches nothing": but("ps4-segments", ("for n in attached.pop(who):", "for n in ():")),
    "nattch counts processes": (but("ps4-segments", ('call == "shmat" and what in nattch', (
        'call == "shmat" and what in nattch and what not in attached[who]'))), 0),
    "IPC_PRIVATE is a key": (
        but("ps4-segments", ("if what:\n                    keys", "if True:\n                    keys"))),
    "a removed segment never goes": (but("ps4-segments", ("n in removed and not nattch[n]", "False")), 2),
    "shmdt needs no attachment": but("ps4-segments", (
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
}  # fmt: skip
