from tests.coursework.wrong import but

WRONG = {
    "a memfd can be sealed as it is": (but("ps4-publish", (", MFD_ALLOW_SEALING", "")), 0),
    "it needs no seals, since it has no name": (
        but("ps4-publish", ("    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)\n", "")), 1),
    "F_SEAL_WRITE is all": (but("ps4-publish", ("F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE", "F_SEAL_WRITE")), 2),
    "the size is all": (but("ps4-publish", (" | F_SEAL_WRITE", "")), 2),
    "no signal is all": (but("ps4-publish", (" | F_SEAL_GROW | F_SEAL_WRITE", "")), 1),
    "seals are sealed instead": (but("ps4-publish", ("F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE", "F_SEAL_SEAL")), 1),
    "F_SEAL_FUTURE_WRITE, with its mapping left": ('''
def publish(proc, words):
    fd = proc.memfd_create("words", MFD_ALLOW_SEALING)
    proc.ftruncate(fd, len(words))
    addr = proc.mmap(0, len(words), PROT_READ | PROT_WRITE, MAP_SHARED, fd)
    proc.store(addr, words)
    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)
    return fd
''', 2),
    "F_SEAL_WRITE, with its mapping left": ('''
def publish(proc, words):
    fd = proc.memfd_create("words", MFD_ALLOW_SEALING)
    proc.ftruncate(fd, len(words))
    addr = proc.mmap(0, len(words), PROT_READ | PROT_WRITE, MAP_SHARED, fd)
    proc.store(addr, words)
    proc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
    return fd
''', 0),
    "a file has whole pages": (
        but("ps4-publish", ("    proc.fcntl", (
            "    proc.ftruncate(fd, -(-len(words) // 4096) * 4096)\n    proc.fcntl"))), 0),
    "the descriptor is closed": (but("ps4-publish", ("    return fd", "    proc.close(fd)\n    return fd")), 0),
    "sealed before it is filled": (
        but("ps4-publish", ("    proc.write(fd, words)\n", ""), ("    return fd", (
            "    proc.write(fd, words)\n    return fd"))), 0),
}  # fmt: skip
