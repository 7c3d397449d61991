from tests.coursework.wrong import but

WRONG = {
    "all that has changed since 4.4": (but(
        "ps6-otherwise", ("if change and at_release(change, server) != today(change):", "if change:")), 1),
    "before and after are mixed up": (but(
        "ps6-otherwise",
        ("at_release(change, server) != today(change)", "at_release(change, server) == today(change)")), 0),
    "releases are decimal fractions": but(
        "ps6-otherwise", ("at_release(change, server) != today(change)", "float(change.release) > float(server)")),
    "releases are ordered as words": but(
        "ps6-otherwise", ("at_release(change, server) != today(change)", "change.release > server")),
    "only the first number counts": but(
        "ps6-otherwise",
        ("at_release(change, server) != today(change)", 'change.release.split(".")[0] > server.split(".")[0]')),
    "nothing a program does has changed": ('otherwise = ""', 0),
    "everything has changed": ('otherwise = "ABCDEFGH"', 0),
    "what has not changed since 4.4": (but(
        "ps6-otherwise", ("if change and at_release(change, server) != today(change):", "if not change:")), 0),
    "what needs no new flag is the same": but(
        "ps6-otherwise", ("if change and", 'if change and name.startswith(("M", "F_")) and')),
    "what was an error may stay one": but(
        "ps6-otherwise", ("if change and", 'if change and not change.before.startswith("E") and')),
}  # fmt: skip
