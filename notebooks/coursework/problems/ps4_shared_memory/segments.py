"""How long a System V segment lives, and how often it is attached."""

from contextlib import suppress

from mmlab import IPC_CREAT, IPC_RMID, IPC_STAT, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, settle
from mmlab.coursework.problem import Part, Work


def calls_drawn(rng, kinds, count):
    """So many calls of some processes on some segments; some are refused."""
    alive, children, attachments, calls = ["A", "B"], iter("CDEFGH"), [], [("shmget", "A", rng.choice([0, 7]))]
    while len(calls) < count:
        kind, who = rng.choice([*kinds, "shmget", "shmat", "shmat", "shmdt", "shmdt"]), rng.choice(alive)
        n = rng.choice([0, 0, 0, 1, 1, 2])
        if kind == "shmget":
            calls.append(("shmget", who, rng.choice([0, 0, 7, 7, 7, 9])))
        elif kind == "fork":
            if child := next(children, None):
                calls.append(("fork", who, child))
                alive.append(child)
                attachments += [(child, n) for owner, n in attachments if owner == who]
        elif kind == "exit":
            if len(alive) > 1 and rng.random() < 0.5:
                calls.append(("exit", who))
                alive.remove(who)
                attachments = [each for each in attachments if each[0] != who]
        elif kind == "shmdt" and attachments and rng.random() < 0.8:
            calls.append(("shmdt", *attachments.pop(rng.randrange(len(attachments)))))
        elif kind == "rmid" and attachments:
            n = rng.choice(attachments)[1]
            calls += [("rmid", who, n), rng.choice([("shmat", who, n), ("shmget", who, 7)])]
            attachments += [(who, n)] * (calls[-1][0] == "shmat")
        else:
            calls.append((kind, who, n))
            attachments += [(who, n)] * (kind == "shmat")
    return calls


def segments_told(watcher, calls):
    """What the kernel gives: for shmget the segment, for each other call how often each segment is attached then.

    The machine is then as before.
    """
    ids, told, procs, places = [], [], {name: watcher.fork() for name in "AB"}, {"A": {}, "B": {}}
    for call, who, what in (each if len(each) == 3 else (*each, None) for each in calls):
        proc = procs[who]
        with suppress(OSError):
            match call:
                case "shmget":
                    id = proc.shmget(what, PAGE_SIZE, IPC_CREAT | 0o600)
                    ids += [id] * (id not in ids)
                    told.append(ids.index(id))
                case "shmat":
                    places[who].setdefault(what, []).append(proc.shmat(number(ids, what)))
                case "shmdt":
                    proc.shmdt((places[who].get(what) or [HOME]).pop())
                case "rmid":
                    proc.shmctl(number(ids, what), IPC_RMID)
                case "fork":
                    procs[what] = proc.fork()
                    places[what] = {n: list(each) for n, each in places[who].items()}
                case "exit":
                    proc.exit()
        if call != "shmget":
            told.append({n: count for n in range(len(ids)) if (count := attached(watcher, ids[n])) is not None})
    for id in ids:
        with suppress(OSError):
            watcher.shmctl(id, IPC_RMID)
    for proc in procs.values():
        with suppress(OSError):
            proc.exit()
    return told


def number(ids, n):
    """The segment's number; if there never was a segment n, one that no segment has."""
    return ids[n] if n < len(ids) else 1 << 20


def attached(proc, id):
    """How often a segment is attached; None if it is gone."""
    with suppress(OSError):
        return proc.shmctl(id, IPC_STAT).shm_nattch
    return None


def differs(given, expected):
    """The first place where two lists differ."""
    if not isinstance(given, list | tuple):
        return 0
    return next((at for at, (a, b) in enumerate(zip(given, expected, strict=False)) if a != b), len(expected) - 1)


def check(work: Work):
    claims, watcher = [], Kernel().spawn("watcher")
    removing = ["rmid", "rmid", "shmdt", "shmdt", "exit"]
    for share, kinds in ((0.25, []), (0.25, ["fork", "fork", "exit"]), (0.5, removing)):
        wrong = ""
        for count in range(3, 28):
            calls = calls_drawn(work.rng, kinds, count)
            given, expected = work.call("segments", calls), segments_told(watcher, calls)
            if given != expected:
                at = differs(given, expected)
                wrong = wrong or f"The last of these calls gives something else on Linux: {calls[: at + 1]}"[:900]
        claims.append((share, not wrong, wrong))
    settle(*claims)


PART = Part(
    "segments", "code", 4, "The life of a System V segment",
    """
Write `segments(calls)`, which follows the System V segments of a machine. At the beginning there are none, and
processes `"A"` and `"B"` run. The segments are numbered 0, 1, 2 … in the order in which they are made, and no number
is used twice. `calls` is a list of these tuples, in order:

- `("shmget", who, key)`: with IPC_CREAT, and always of one page; key 0 is IPC_PRIVATE;
- `("shmat", who, n)`: `who` attaches segment `n`, at an address of its own each time;
- `("shmdt", who, n)`: `who` detaches segment `n`, once: the attachment that was made last;
- `("rmid", who, n)`: `shmctl(n, IPC_RMID)`;
- `("fork", who, child)`: `child` is the name of a new process;
- `("exit", who)`.

Some calls are refused (by EINVAL, since there is no such segment, or it is not attached); these change nothing.
Return a list with what each call gives: for `"shmget"` the number of the segment, and for each other call, refused or
not, a dictionary: number of a segment → its `shm_nattch`, of all the segments that exist after the call.

Calls without `rmid`, `fork` and `exit` are worth one point, those with `fork` and `exit` another, those with `rmid` and
`exit` two.
""",
    starter="def segments(calls):\n    return ...",
    solution='''
def segments(calls):
    attached, nattch, keys, removed, given, made = {"A": [], "B": []}, {}, {}, set(), [], 0

    def detach(n):
        nattch[n] -= 1
        if n in removed and not nattch[n]:
            del nattch[n]

    for call, who, *what in calls:
        what = what[0] if what else None
        if call == "shmget":
            if what not in keys:
                nattch[made] = 0
                if what:
                    keys[what] = made
                number, made = made, made + 1
            else:
                number = keys[what]
            given.append(number)
            continue
        if call == "shmat" and what in nattch:
            attached[who].append(what)
            nattch[what] += 1
        elif call == "shmdt" and what in attached[who]:
            attached[who].remove(what)
            detach(what)
        elif call == "rmid" and what in nattch:
            removed.add(what)
            keys = {key: n for key, n in keys.items() if n != what}
            if not nattch[what]:
                del nattch[what]
        elif call == "fork":
            attached[what] = list(attached[who])
            for n in attached[who]:
                nattch[n] += 1
        elif call == "exit":
            for n in attached.pop(who):
                detach(n)
        given.append(dict(nattch))
    return given
''',
    example='''
calls = [("shmget", "A", 7), ("shmget", "B", 7), ("shmget", "B", 0), ("shmat", "A", 0), ("shmat", "B", 0)]
assert list(segments(calls)) == [0, 0, 1, {0: 1, 1: 0}, {0: 2, 1: 0}], "two processes, one key"
''',
    check=check,
)  # fmt: skip
