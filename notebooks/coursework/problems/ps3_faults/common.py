"""What several parts of ps3 use."""


def shortest(moves, wrong):
    """Give the first so many moves after which something is wrong; it is after all of them."""
    return next((moves[:n] for n in range(1, len(moves)) if wrong(moves[:n])), moves)


def minor(proc, access, *arguments):
    """Make an access, and give the number of minor faults that it took."""
    before = proc.getrusage().ru_minflt
    access(*arguments)
    return proc.getrusage().ru_minflt - before
