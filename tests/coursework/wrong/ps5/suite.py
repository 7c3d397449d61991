def moves(*names):
    """An answer made of moves: "f" and "g" are forks of C and D, a capital is a store by it, "xC" an exit."""
    word = {"f": '("fork", "P", "C")', "g": '("fork", "P", "D")', "h": '("fork", "C", "D")'}
    lines = [word.get(each) or (f'("exit", "{each[1]}")' if each[0] == "x" else f'("store", "{each}")')
             for each in names]  # fmt: skip
    return f"moves = [{', '.join(lines)}]"


WRONG = {
    "the parent stores first, and that is all": (moves("f", "P"), 0),
    "the child stores first, and that is all": (moves("f", "C"), 0),
    "both store, once each": (moves("f", "P", "C"), 0),
    "both store, again and again": (moves("f", "C", "P", "C", "P", "C"), 0),
    "no fork, no test": (moves("P", "P", "P"), 0),
    "the child goes first, and exits": (moves("f", "C", "P", "xC"), 1),
    "the parent goes first, and the child exits": (moves("f", "P", "C", "xC"), 1),
    "three processes, and nobody exits": (moves("f", "g", "D", "P", "C"), 2),
    "three processes, and the parent's stores only": (moves("f", "g", "P", "P", "xC", "xD"), 1),
    "too many moves": (moves("f", "g", "D", "P", "P", "xC", "D"), 0),
    "who has exited stores": (moves("f", "xC", "C"), 0),
    "the fork of a process that is there": (moves("f", "f", "C", "P", "xC"), 0),
}  # fmt: skip
