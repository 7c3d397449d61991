"""Differences that are a kernel version's and not ours: name → (reason, how to know it).

Each is told by (program, step number, what differs, the simulation's side, the real kernel's side).
"""

KNOWN = {}


def known(program, number, what, here, there):
    """Give the name of the difference, if it is a known one."""
    for name, (_, tells) in KNOWN.items():
        if tells(program, number, what, here, there):
            return name
    return None
