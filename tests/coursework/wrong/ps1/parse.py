from tests.coursework.wrong import but

NAME, ALLOWED = 'name[0] if name else ""', '"w" in permissions'

WRONG = {
    "a name has no blanks": (but("ps1-parse", (NAME, 'name[0].split()[0] if name else ""')), 2),
    "blanks in a row are one": (but("ps1-parse", (NAME, '" ".join(name[0].split()) if name else ""')), 2),
    "(deleted) is not of the name": (but("ps1-parse", (NAME, 'name[0].removesuffix(" (deleted)") if name else ""')), 2),
    "no name is None": (but("ps1-parse", (NAME, "name[0] if name else None")), 2),
    "the inode is hexadecimal, too": (but("ps1-parse", ("int(inode)", "int(inode, 16)")), 2),
    "the offset is in pages": (but("ps1-parse", ("int(offset, 16)", "int(offset, 16) // 4096")), 2),
    "the offset stays text": (but("ps1-parse", ("int(offset, 16)", "offset")), 2),
    "the end is the last address": (but("ps1-parse", ("int(end, 16)", "int(end, 16) - 1")), 2),
    "addresses are decimal": (but("ps1-parse", ("int(start, 16)", "int(start)")), 0),
    "every line has a name": (but("ps1-parse", (NAME, "name[0]")), 0),
    "anonymous lines do not count": (
        but("ps1-parse", ("    return areas", "    return [area for area in areas if area['name']]")), 0,
    ),
}  # fmt: skip
