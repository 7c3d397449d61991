from tests.coursework.wrong import but

WRONG = {
    "nothing ever merges": ("def merge(areas, new):\n    return sorted([*areas, (*new, None)])", 0),
    "only the lower neighbour grows": (but("ps2-merge", ("    if lower and upper and",
        "    upper = None\n    if lower and upper and")), 0),
    "only the upper neighbour grows": (but("ps2-merge", ("    if lower and upper and",
        "    lower = None\n    if lower and upper and")), 0),
    "one neighbour at most": (but("ps2-merge", ("    if lower and upper and",
        "    upper = None if lower else upper\n    if lower and upper and")), 0),
    "the file need not be the same": (but("ps2-merge", ("lower[2:4] != (flags, file)", "lower[2] != flags")), 0),
    "the flags need not be the same": (but("ps2-merge", ("upper[2:4] != (flags, file)", "upper[3] != file")), 0),
    "NORESERVE does not count": (but("ps2-merge", ("lower[2:4] != (flags, file)",
                                     '(lower[2][:4], lower[3]) != (flags[:4], file)')), 0),
    "the file's pages need not go on": (
        but("ps2-merge", (" or lower[4] + (start - lower[0]) // 4096 != pgoff", "")), 0),
    "vm_pgoff is in bytes": (but("ps2-merge", ("pgoff + (end - start) // 4096", "pgoff + (end - start)")), 0),
    "the length of the lower one is forgotten": (but("ps2-merge", ("lower[4] + (start - lower[0]) // 4096",
        "lower[4] + 1")), 0),
    "vm_pgoff stays when a VMA grows downwards": (but("ps2-merge", ("first[4]", "(lower or upper or new)[4]")), 0),
    "anon_vma does not matter": (but("ps2-merge", ("lower[5] != upper[5]", "False")), 3),
    "the upper one grows": (but("ps2-merge", ("        upper = None                            #",
        "        lower = None  #")), 3),
    "two anon_vmas, and nobody grows": (but("ps2-merge", ("        upper = None                            #",
        "        lower = upper = None  #")), 3),
    "one anon_vma is enough to keep all apart": (but("ps2-merge", ("lower[5] and upper[5] and lower",
        "(lower[5] or upper[5]) and lower")), 0),
    "a VMA that grows loses its anon_vma": (but("ps2-merge", ("(lower and lower[5]) or (upper and upper[5]) or None",
        "None")), 0),
    "the upper one's anon_vma is lost": (but("ps2-merge", ("(upper and upper[5]) or ", "")), 0),
    "what has an anon_vma cannot grow": (but("ps2-merge", ("    left =", '''\
    lower, upper = (area if area and not area[5] else None for area in (lower, upper))
    left =''')), 0),
    "it is enough to be near": (but("ps2-merge", ("if area[1] == start", "if 0 <= start - area[1] <= 4096")), 0),
}  # fmt: skip
