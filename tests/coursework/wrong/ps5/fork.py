def fork(parent="(frame, False)", child="(frame, False)", count="frames[frame]['count'] += 1",
         table="tables[child] = copy", leave="frames[frame]['count'] -= 1",
         free="frames[frame]['count'] == 0"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
def fork(machine, parent, child):
    tables, frames, copy = machine["tables"], machine["frames"], {{}}
    for page, (frame, write) in tables[parent].items():
        tables[parent][page] = {parent}
        copy[page] = {child}
        {count}
    {table}


def leave(machine, who):
    frames = machine["frames"]
    for frame, write in machine["tables"].pop(who).values():
        {leave}
        if {free}:
            del frames[frame]
"""


WRONG = {
    "the parent keeps the right to write": (fork(parent="(frame, write)"), 1),
    "the child may write": (fork(child="(frame, write)"), 1),
    "both may write": (fork(parent="(frame, write)", child="(frame, write)"), 1),
    "the child's entries are not counted": (fork(count="pass"), 1),
    "the count is set to two": (fork(count="frames[frame]['count'] = 2"), 1),
    "the two have one page table": (fork(table="tables[child] = tables[parent]"), 1),
    "fork copies the frames": (fork(
        child="(max(frames) + 1, write)", parent="(frame, write)",
        count="frames[max(frames) + 1] = {'data': frames[frame]['data'], 'count': 1}"), 1),
    "only what may be written is copied": (fork(table="""
    tables[child] = {}
    for page, (frame, write) in tables[parent].items():
        if frames[frame]["count"] == 2:
            tables[child][page] = (frame, write)
        else:
            frames[frame]["count"] -= 1
"""), 1),
    "the last to leave frees nothing": (fork(free="False"), 2),
    "leaving does not count down": (fork(leave="pass"), 2),
    "who leaves takes the frames along": (fork(free="frame in frames", leave="pass"), 2),
    "the last but one frees the frame": (fork(free="frames[frame]['count'] == 1"), 2),
    "the child gets nothing": (fork(table="tables[child] = {}", count="pass"), 1),
}  # fmt: skip
