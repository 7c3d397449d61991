from tests.coursework.wrong import but

WRONG = {
    "a file's last page counts only if it is full": but(
        "ps3-fault", ('-(-mapping["i_size"] // 4096)', 'mapping["i_size"] // 4096')),
    "the page after the last is still there": but("ps3-fault", ("pgoff >= -(", "pgoff > -(")),
    "the size is in pages": but("ps3-fault", ('-(-mapping["i_size"] // 4096)', 'mapping["i_size"]')),
    "a hole is SIGBUS": but("ps3-fault", ("    tree[pgoff] = ", '''\
    if pgoff not in mapping["disk"]:
        return "SIGBUS", None
    tree[pgoff] = ''')),
    "a hole is minor: no disk is read": but(
        "ps3-fault", ('"MAJOR", tree', '"MAJOR" if pgoff in mapping["disk"] else "MINOR", tree')),
    "what was read is not kept": but(
        "ps3-fault", ("    tree[pgoff] = bytearray",
        '    return "MAJOR", bytearray(mapping["disk"].get(pgoff, bytes(4096)))\n    tree[pgoff] = bytearray')),
    "everybody gets a copy": but("ps3-fault", ('"MINOR", tree[pgoff]', '"MINOR", bytearray(tree[pgoff])')),
    "the first one gets a copy": but("ps3-fault", ('"MAJOR", tree[pgoff]', '"MAJOR", bytearray(tree[pgoff])')),
    "the disk is read every time": but("ps3-fault", ("if pgoff in tree:", "if False:")),
    "the first fault of all is major, the others minor": but(
        "ps3-fault", ('"MAJOR"', '"MINOR" if len(tree) > 1 else "MAJOR"')),
    "the whole file is read": but("ps3-fault", ('    return "MAJOR"', '''\
    for each in range(-(-mapping["i_size"] // 4096)):
        tree.setdefault(each, bytearray(mapping["disk"].get(each, bytes(4096))))
    return "MAJOR"''')),
    "the last page is as long as the file": but("ps3-fault", ("    return \"MAJOR\"", '''\
    del tree[pgoff][mapping["i_size"] - pgoff * 4096:]
    return "MAJOR"''')),
}  # fmt: skip
