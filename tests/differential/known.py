"""Differences that are a kernel version's and not ours: name → (reason, how to know it).

Each is told by (program, step number, what differs, the simulation's side, the real kernel's side).
"""



def forgotten_lock(program, number, what, here, there):
    """Locked pages that mremap left behind (MREMAP_DONTUNMAP, 4), and reclaim by MADV_PAGEOUT (21)."""
    steps = program["steps"][: number + 1]
    locked = any(step[1] == "mlock" or (step[1] == "mmap" and step[5] & 0x2000) for step in steps)
    left_behind = any(step[1] == "mremap" and step[5] & 4 for step in steps)
    return locked and left_behind and any(step[1] == "madvise" and step[4] == 21 for step in steps)


KNOWN = {
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
