"""Differences that are a kernel version's and not ours, and those of ours that wait to be mended, which say so:
name → (reason, how to know it).

Each is told by (program, step number, what differs, the simulation's side, the real kernel's side).
"""

import re


def forgotten_lock(program, number, what, here, there):
    """Locked pages that mremap left behind (MREMAP_DONTUNMAP, 4), and reclaim by MADV_PAGEOUT (21)."""
    steps = program["steps"][: number + 1]
    locked = any(step[1] == "mlock" or (step[1] == "mmap" and step[5] & 0x2000) for step in steps)
    left_behind = any(step[1] == "mremap" and step[5] & 4 for step in steps)
    return locked and left_behind and any(step[1] == "madvise" and step[4] == 21 for step in steps)


def called(program, number):
    """The method of that step."""
    return program["steps"][number][1] if 0 <= number < len(program["steps"]) else ""


def referenced_after_fork(program, number, what, here, there):
    """A child whose smaps differ in Referenced alone, at the fork itself."""
    if called(program, number) != "fork" or "smaps" not in what or not here or not there:
        return False
    ours, theirs = ([re.sub(r"Referenced \d+", "", line) for line in side] for side in (here, there))
    return ours == theirs


def read_ahead_of_a_read_that_faults(program, number, what, here, there):
    """What the page cache holds of a file after a sys_read; its size is the same."""
    return called(program, number) == "sys_read" and what.startswith("file ") and here[0] == there[0]


KNOWN = {
    "Referenced after a fork": (
        "To be mended: 2 programs in 100,000, each with a write past the old end of the file. Not understood.",
        referenced_after_fork,
    ),
    "read-ahead of a read that faults": (
        "To be mended: 1 program in 100,000. Linux looks all pages of a read up, and the read-ahead mark of the last, "
        "before it copies the first one; the simulation goes page by page.",
        read_ahead_of_a_read_that_faults,
    ),
    "a forgotten lock": (
        "MREMAP_DONTUNMAP takes VM_LOCKED from the VMA it leaves behind, but leaves its pages marked as locked (6.18): "
        "MADV_PAGEOUT then passes them over. The simulation asks the VMA.",
        forgotten_lock,
    ),
}


def known(program, number, what, here, there):
    """Give the name of the difference, if it is a known one."""
    for name, (_, tells) in KNOWN.items():
        if tells(program, number, what, here, there):
            return name
    return None
