from tests.coursework.wrong import but

WRONG = {
    "the name tells all": (
        but("ps4-made", ('if device != "00:01":                   # the tmpfs that is mounted nowhere',
                                        'if not name[0].startswith(("/memfd:", "/SYSV", "/dev/zero")):')), 0),
    "what is deleted had no name": but("ps4-made", ('device != "00:01":', 'not line.endswith("(deleted)"):')),
    "a mapping of a file is never private": '''
def made_by(line):
    addresses, perms, offset, device, inode, *name = line.split(maxsplit=5)
    if not name:
        return "private"
    if device != "00:01":
        return "file"
    if name[0].startswith("/memfd:"):
        return "memfd"
    return "sysv" if name[0].startswith("/SYSV") else "zero"
''',
    "any tmpfs is the kernel's own": (but("ps4-made", ('device != "00:01"', 'not device.startswith("00:")')), 1),
    "anonymous memory is private": (but("ps4-made", ('else "zero"', 'else "private"')), 1),
    "System V memory is a memfd": (but("ps4-made", ('return "sysv" if', 'return "memfd" if')), 1),
    "only files on the disk have names": (but("ps4-made", ('device != "00:01"', 'device == "fe:00"')), 1),
    "the example's answers": ('def made_by(line):\n    return "memfd" if "memfd" in line else "file"\n', 0),
}  # fmt: skip
