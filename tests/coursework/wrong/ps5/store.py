def store(reuse="frames[frame]['count'] == 1", left="frames[frame]['count'] -= 1", old="frames[frame]['data']",
          entry="table[page] = (frame, True)", after="pass", new="'new'", before="pass",
          data="old[:offset] + data + old[offset + 1 :]", give="word"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def store(machine, who, page, offset, data):
    frames, table = machine["frames"], machine["tables"][who]
    frame, write = table.get(page, (None, False))
    was = frame
    if frame is None:
        word, old = {new}, bytes(8)
    else:
        old = {old}
        word = "none" if write else "reuse" if {reuse} else "copy"
        {before}
    if word == "copy":
        {left}
    if word in ("new", "copy"):
        frame = max(frames, default=0) + 1
        frames[frame] = {{"count": 1}}
    frames[frame]["data"] = {data}
    {entry}
    {after}
    return {give}
"""


GIVE = """
    if word == "copy":
        for name, others in machine["tables"].items():
            for number, (one, may) in list(others.items()):
                if one == was and {which}:
                    others[number] = {entry}
"""

WRONG = {
    "the last one copies, too": store(reuse="False", left="""
        frames[frame]["count"] -= 1
        if not frames[frame]["count"]:
            del frames[frame]
"""),
    "two need no copy": store(reuse="frames[frame]['count'] <= 2"),
    "nobody needs a copy": store(reuse="True"),
    "the page that was left keeps its count": store(left="pass"),
    "a copy begins with zeros": store(
        old="frames[frame]['data'] if write or frames[frame]['count'] == 1 else bytes(8)"),
    "the store goes to the old page, too": store(
        before="frames[frame]['data'] = old[:offset] + data + old[offset + 1:]"),
    "after a reuse the entry is read-only still": store(entry="table[page] = (frame, word != 'reuse')"),
    "a copy is read-only": store(entry="table[page] = (frame, word != 'copy')"),
    "who is left alone with the page may write it": store(after=GIVE.format(
        which="frames[one]['count'] == 1", entry="(one, True)")),
    "the others get the copy": store(entry="table[page] = (was, True) if word == 'copy' else (frame, True)",
                                     after=GIVE.format(which="name != who", entry="(frame, False)")),
    "a new page is a copy": (store(new="'new'", give="'copy' if word == 'new' else word"), 3),
    "every fault is a copy or none": (store(give="'none' if word == 'reuse' else word"), 3),
    "nothing is returned": (store(give="None"), 3),
    "the whole page is what was stored": store(data="data.ljust(8, bytes(1))"),
    "only the word": ("""
def store(machine, who, page, offset, data):
    frame, write = machine["tables"][who].get(page, (None, False))
    if frame is None:
        return "new"
    return "none" if write else "reuse" if machine["frames"][frame]["count"] == 1 else "copy"
""", 1),
}  # fmt: skip
