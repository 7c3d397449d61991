"""Wrong answers to problem set 2: part → misconception → code. Most are the right answer with one thing changed."""

from mmlab.coursework.problem import load
from mmlab.setup.places import NOTEBOOKS

PARTS = {part.id: part for part in load(NOTEBOOKS / "coursework" / "problems" / "ps2_building_a_vma").parts}


def but(part: str, right: str, wrong: str) -> str:
    """The right answer to a part, with one piece of its text replaced."""
    solution = PARTS[part].solution
    assert solution.count(right) == 1, (part, right)
    return solution.replace(right, wrong)


WRONG = {
    "pieces": {
        "vm_pgoff stays when a VMA is cut": (but("pieces", 'd["first"] + start)', 'd["first"])'), 1),
        "vm_pgoff counts from 0": (but("pieces", 'd["first"] + start)', "start)"), 1),
        "vm_pgoff counts from the last cut": (but(
            "pieces", 'd["first"] + start)', 'd["first"] + max([0] + [s for s, _ in starts if s < start]))'), 1),
        "vm_pgoff is in bytes": (but("pieces", '(start, end - start, d["first"] + start)',
                                     '(start, end - start, (d["first"] + start) * 4096)'), 1),
        "the second column is the end": (but("pieces", "(start, end - start,", "(start, end,"), 0),
        "what fills a hole stays a VMA of its own": (but(
            "pieces", '(0, d["hole"] + d["fill"])', '(0, d["hole"]), (d["hole"], d["hole"] + d["fill"])'), 0),
        "what fills a part of a hole fills it all": (but(
            "pieces", '(0, d["hole"] + d["fill"]), (d["hole"] + d["gap"], d["low"])', '(0, d["low"])'), 0),
        "mprotect does not cut": (but("pieces", '(d["low"], d["back"]), (d["back"], d["pages"])',
                                      '(d["low"], d["pages"])'), 0),
        "mprotect back does not merge": (but(
            "pieces", '(d["back"], d["pages"])', '(d["back"], d["high"]), (d["high"], d["pages"])'), 0),
        "what touches merges, wherever it begins in the file": (but("pieces", "pgoff == goes_on", "True"), 0),
        "mmap never merges": (but("pieces", "pgoff == goes_on", "False"), 0),
        "what touches merges if it begins after the other in the file": (but(
            "pieces", "pgoff == goes_on", "pgoff >= goes_on"), 0),
    },
    "cut": {
        "a page of which a part is left goes, too": (but("cut", "-(-size // 4096)", "size // 4096"), 2),
        "vm_pgoff is forgotten": (but("cut", "(left - pgoff)", "left"), 0),
        "vm_pgoff is added": (but("cut", "(left - pgoff)", "(left + pgoff)"), 0),
        "size is in pages": (but("cut", "-(-size // 4096)", "size"), 0),
        "vm_pgoff is in bytes": (but("cut", "(left - pgoff) * 4096", "left * 4096 - pgoff"), 0),
        "a VMA before which the file ends loses addresses below it": (
            but("cut", "max(start, start + (left - pgoff) * 4096)", "start + (left - pgoff) * 4096"), 0),
        "a VMA that loses nothing is in the list": (but("cut", "        if first < end:\n            found",
            "        found"), 0),
        "a VMA that loses pages loses all": (but("cut", "(process, first, end)", "(process, start, end)"), 0),
        "the last page stays": (but("cut", "max(start, start + (left", "max(start, start + (left + 1"), 0),
        "only the first VMA of each process": (but("cut", "if first < end:",
            "if first < end and process not in [name for name, *_ in found]:"), 0),
        "addresses to the byte": (but("cut", "left, found = -(-size // 4096), []",
            "left, found = size / 4096, []").replace(
            "(left - pgoff) * 4096)", "int((left - pgoff) * 4096))"), 2),
        "in the order of the file's pages": (but("cut", "in i_mmap", "in sorted(i_mmap, key=lambda vma: vma[3])"), 0),
    },
    "merge": {
        "nothing ever merges": ("def merge(areas, new):\n    return sorted([*areas, (*new, None)])", 0),
        "only the lower neighbour grows": (but("merge", "    if lower and upper and",
            "    upper = None\n    if lower and upper and"), 0),
        "only the upper neighbour grows": (but("merge", "    if lower and upper and",
            "    lower = None\n    if lower and upper and"), 0),
        "one neighbour at most": (but("merge", "    if lower and upper and",
            "    upper = None if lower else upper\n    if lower and upper and"), 0),
        "the file need not be the same": (but("merge", "lower[2:4] != (flags, file)", "lower[2] != flags"), 0),
        "the flags need not be the same": (but("merge", "upper[2:4] != (flags, file)", "upper[3] != file"), 0),
        "NORESERVE does not count": (but("merge", "lower[2:4] != (flags, file)",
                                         '(lower[2][:4], lower[3]) != (flags[:4], file)'), 0),
        "the file's pages need not go on": (but("merge", " or lower[4] + (start - lower[0]) // 4096 != pgoff", ""), 0),
        "vm_pgoff is in bytes": (but("merge", "pgoff + (end - start) // 4096", "pgoff + (end - start)"), 0),
        "the length of the lower one is forgotten": (but("merge", "lower[4] + (start - lower[0]) // 4096",
            "lower[4] + 1"), 0),
        "vm_pgoff stays when a VMA grows downwards": (but("merge", "first[4]", "(lower or upper or new)[4]"), 0),
        "anon_vma does not matter": (but("merge", "lower[5] != upper[5]", "False"), 3),
        "the upper one grows": (but("merge", "        upper = None                            #",
            "        lower = None  #"), 3),
        "two anon_vmas, and nobody grows": (but("merge", "        upper = None                            #",
            "        lower = upper = None  #"), 3),
        "one anon_vma is enough to keep all apart": (but("merge", "lower[5] and upper[5] and lower",
            "(lower[5] or upper[5]) and lower"), 0),
        "a VMA that grows loses its anon_vma": (but("merge", "(lower and lower[5]) or (upper and upper[5]) or None",
            "None"), 0),
        "the upper one's anon_vma is lost": (but("merge", "(upper and upper[5]) or ", ""), 0),
        "what has an anon_vma cannot grow": (but("merge", "    left =", '''\
    lower, upper = (area if area and not area[5] else None for area in (lower, upper))
    left ='''), 0),
        "it is enough to be near": (but("merge", "if area[1] == start", "if 0 <= start - area[1] <= 4096"), 0),
    },
    "build": {
        "one descriptor": (but("build", "fds[number % 2]", "fds[0]"), 0),
        "dup makes an open file": (but("build", "[proc.open(\"/data/book.txt\", O_RDONLY) for _ in range(2)]",
                                       "[proc.open(\"/data/book.txt\", O_RDONLY)]\n    fds.append(proc.dup(fds[0]))"),
            0),
        "the descriptors stay open": (but("build", "        proc.close(fd)", "        pass"), 2),
        "an open for each line": (but("build", "for _ in range(2)", "for _ in lines").replace("number % 2",
            "number"), 2),
        "offset is in pages": (but("build", "pgoff * 4096", "pgoff"), 0),
        "the offset is the page's": (but("build", "pgoff * 4096", "page * 4096"), 0),
        "the length is in pages": (but("build", "pages * 4096", "pages"), 0),
        "private": (but("build", "MAP_SHARED", "MAP_PRIVATE"), 0),
        "the kernel chooses the addresses": (but("build", "proc.mmap(addr", "proc.mmap(0").replace(" | MAP_FIXED",
            ""), 0),
        "readable and writable": (but("build", "O_RDONLY", "O_RDWR").replace("PROT_READ,",
            "PROT_READ | PROT_WRITE,"), 0),
        "one large mapping, cut by munmap": ('''
def build(proc, lines):
    fd, start = proc.open("/data/book.txt", O_RDONLY), 0x10000000000
    for page, pages, pgoff in lines:
        proc.mmap(start + page * 4096, (pages + 1) * 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, pgoff * 4096)
        proc.munmap(start + (page + pages) * 4096, 4096)
    proc.close(fd)
''', 0),
        "mprotect there and back cuts": (but("build", "fds[number % 2], pgoff * 4096)", '''fds[0], pgoff * 4096)
        proc.mprotect(addr, pages * 4096, 0)
    for page, pages, pgoff in lines:
        proc.mprotect(0x10000000000 + page * 4096, pages * 4096, PROT_READ)'''), 0),
        "every third line through a third open": (but("build", "range(2)", "range(3)").replace("number % 2",
            "number % 3"), 2),
    },
    "holds": {
        "only descriptors hold the file": (but("holds",
            'descriptors["one"] + sum(vmas for fd, _, vmas, _ in pieces.values() if fd == "one")',
            'descriptors["one"]'), 2),
        "only mappings hold the file": (but("holds", 'descriptors["one"] + sum', "sum"), 2),
        "a mapping counts once, however often it is cut": (but("holds",
            'sum(vmas for fd, _, vmas, _ in pieces.values() if fd == "one")',
            'sum(fd == "one" for fd, *_ in pieces.values())'), 2),
        "dup makes an open file": (but("holds", 'descriptors["one"] + sum', 'min(descriptors["one"], 1) + sum'), 2),
        "close takes the mappings' references, too": (but("holds", 'f_count = descriptors["one"] + sum',
            'f_count = 0 if ("close", "one") in moves else descriptors["one"] + sum'), None),
        "both open files are one": (but("holds", ' if fd == "one")', ")"), 2),
        "i_mmap belongs to an open file": (but("holds", "i_mmap = sum(vmas for _, _, vmas, _ in pieces.values())",
            'i_mmap = sum(vmas for fd, _, vmas, _ in pieces.values() if fd == "one")'), 2),
        "i_mmap has no private mappings": (but("holds", "i_mmap = sum(vmas for _, _, vmas, _ in pieces.values())",
            'private = {n for what, n, *rest in moves if what == "mmap" and rest[2] == "MAP_PRIVATE"}\n'
            'i_mmap = sum(each[2] for n, each in pieces.items() if n not in private)'),
            None),
        "i_mmap counts mappings": (but("holds", "i_mmap = sum(vmas for _, _, vmas, _ in pieces.values())",
            "i_mmap = len(pieces)"), 2),
        "i_mmap_writable counts what may be stored to now": (but("holds", 'flags == "MAP_SHARED", 1',
            'flags == "MAP_SHARED" and prot == "RW", 1'), 2),
        "i_mmap_writable counts all shared mappings": (but("holds", 'fd == "one" and flags == "MAP_SHARED", 1',
            'flags == "MAP_SHARED", 1'), None),
        "i_mmap_writable counts private mappings that may be stored to": (but("holds", 'flags == "MAP_SHARED", 1',
            '(flags == "MAP_SHARED" or prot == "RW"), 1'), None),
        "mprotect takes a VMA out of i_mmap_writable": (but("holds", "i_mmap_writable = sum(vmas for",
            "i_mmap_writable = -1 + sum(vmas for"), 2),
        "the refused mmap counts": (but("holds", 'if what == "mmap" and rest[1:4] != ["two", "RW", "MAP_SHARED"]:',
            'if what == "mmap":'), 2),
    },
    "unwind": {
        "nothing is undone": (but("unwind", "called + labels[::-1]", "called"), 1),
        "undone in the order in which it was done": (but("unwind", "labels[::-1]", "labels"), 1),
        "the step that fails is undone, too": (but("unwind",
            "            return called + labels[::-1]\n        labels.append(undo)",
            "            return called + [*labels, undo][::-1] if undo else called + labels[::-1]\n"
            "        labels.append(undo)"),
            1),
        "the step that fails is not called": (but("unwind",
            "        called.append(step)\n        if step == failing:\n            return called + labels[::-1]",
            "        if step == failing:\n            return called + labels[::-1]\n        called.append(step)"),
            1),
        "the promise is not taken back, as in v4.4": (but("unwind", "called + labels[::-1]",
            'called + [each for each in labels[::-1] if each != "vm_unacct_memory" or failing != "f_op->mmap"]'),
            1),
        "only the last step is undone": (but("unwind", "labels[::-1]", "labels[-1:]"), 1),
        "the VMA is freed whatever has failed": (but("unwind", "called + labels[::-1]",
            'called + labels[::-1] + ["kmem_cache_free"] * ("kmem_cache_free" not in labels)'), 1),
        "all labels run": (but("unwind", "called + labels[::-1]",
            "called + [undo for _, undo in steps if undo][::-1]"), 1),
        "the guards stay when all goes well": (but("unwind",
            '    if counted:\n        called.append("mapping_unmap',
            '    if False:\n        called.append("mapping_unmap').replace(
            '    if denies:\n        called.append("allow', '    if False:\n        called.append("allow'), 0),
        "the guards go in the order in which they came": (but("unwind",
            '    if counted:\n        called.append("mapping_unmap',
            '    if denies:\n        called.append("allow_write_access")\n'
            '    if counted:\n        called.append("mapping_unmap').replace(
            '    if denies:\n        called.append("allow_write_access")\n    return', "    return"), 0),
        "all that is private is promised": (but("unwind", '"WRITE" in vm_flags and "SHARED"', '"SHARED"'), 0),
        "all that is writable is promised": (but("unwind", ' and "SHARED" not in vm_flags', ""), 0),
        "what cannot be written to now is not counted": (but("unwind", '{"SHARED", "MAYWRITE"} <= vm_flags',
            '{"SHARED", "WRITE"} <= vm_flags'), 0),
        "all that is shared is counted": (but("unwind", '{"SHARED", "MAYWRITE"} <= vm_flags',
            '"SHARED" in vm_flags'), 0),
        "what is private is counted": (but("unwind", '{"SHARED", "MAYWRITE"} <= vm_flags',
            '"MAYWRITE" in vm_flags'), 0),
        "memory has a file": (but("unwind", "    if has_file:\n", "    if True:\n"), 0),
    },
    "asked": {
        "map_pages is not tried": (but("asked", '["filemap_map_pages"], []\n    if', "[], []\n    if"), 1),
        "fault is asked even if the page is there": (but("asked", "    elif not cached:",
            '    elif cached and kind != "tmpfs":\n        load.append("filemap_fault")\n    elif not cached:'), 1),
        "ramfs has nothing to read": (but("asked", "load += [\"filemap_fault\", readpage[kind]]",
            'load += ["filemap_fault", readpage[kind]][: 1 if kind == "ramfs" else 2]'), 1),
        "a hole is not read": (but("asked", '"ext4": "ext4_readpage"', '"ext4": "simple_readpage"'), 1),
        "ramfs is like tmpfs": (but("asked", 'if not cached and kind in ("tmpfs", "zero")',
            'if not cached and kind in ("tmpfs", "zero", "ramfs")'), 1),
        "tmpfs is like ramfs": (but("asked", 'kind in ("tmpfs", "zero"):\n        load',
            'kind == "zero":\n        load').replace('"ramfs": "simple_readpage"',
            '"ramfs": "simple_readpage", "tmpfs": "simple_readpage"'), 1),
        "shared /dev/zero is anonymous": (but("asked", 'kind == "zero" and not shared', 'kind == "zero"'), 1),
        "private /dev/zero is a file": (but("asked", 'kind == "zero" and not shared', "False"), 1),
        "the device reads zeros": (but("asked", 'return ["do_anonymous_page"], []',
            'return ["simple_readpage"], []'), 1),
        "a private page has a page_mkwrite": (but("asked", "if shared and kind", "if kind"), 2),
        "tmpfs hears of the first store": (but("asked", 'shared and kind not in ("tmpfs", "zero")', "shared"), 2),
        "ramfs does not hear of it": (but("asked", 'kind not in ("tmpfs", "zero"):',
            'kind not in ("tmpfs", "zero", "ramfs"):'), 2),
        "ext4 has the usual page_mkwrite": (but("asked", '"ext4_page_mkwrite" if kind == "ext4" else ', ""), 2),
        "nobody is asked twice": (but("asked", "if shared and kind", "if False and kind"), 2),
        "the store of new memory asks again": (but("asked", '["do_anonymous_page"], []',
            '["do_anonymous_page"], ["do_anonymous_page"]'), 2),
    },
    "strip": {
        "vm_pgoff is forgotten": (but("strip", "byte - pgoff * 4096", "byte"), 2),
        "vm_pgoff is in bytes": (but("strip", "byte - pgoff * 4096", "byte - pgoff"), 2),
        "vm_pgoff is added": (but("strip", "byte - pgoff * 4096", "byte + pgoff * 4096"), 2),
        "an address is a page": (but("strip", "byte - pgoff * 4096", "(byte // 4096 - pgoff) * 4096"), 2),
        "every page of a private mapping is its own": (but("strip", '"private copy" in line', "True"), 2),
        "every page with an entry is its own": (but("strip", '"private copy" in line', '"page#" in line'), 2),
        "what has no entry is not seen": (but("strip", '"private copy" in line', '"page#" not in line'), 2),
        "every fault reads": (but("strip", 'line.endswith("will fault")', '"will fault" in line'), 2),
        "past the end is read, too": (but("strip", 'line.endswith("will fault")',
            'line.endswith(("will fault", "SIGBUS"))'), 2),
        "a private copy has to be read again": (but("strip", 'line.endswith("will fault")',
            'line.endswith(("will fault", "copy"))'), 2),
        "pages are numbered from 1": (but("strip", 'own = [page for', 'own = [page + 1 for').replace(
            "disk = [page for", "disk = [page + 1 for"), 1),
        "pages have the file's numbers": (but("strip", 'own = [page for', 'own = [page + pgoff for').replace(
            "disk = [page for", "disk = [page + pgoff for"), 1),
    },
    "bug": {
        "the first claim, and a program that shows nothing": '''
bug = "A"
def witness(kernel):
    kernel.spawn("witness")
''',
        "the claim, and a witness that does not touch it": (but("bug", "witness = tries[claims[bug]]", '''
def witness(kernel):
    proc = kernel.spawn("witness")
    proc.close(proc.open("/data/book.txt", O_RDONLY))
'''), 2),
        "another claim": (but("bug", "witness = tries[claims[bug]]", '''
witness = tries[claims[bug]]
bug = "ABCDEFGH"["HABCDEFG".index(bug)]
'''), 2),
        "the witness uses machines of its own": (but("bug", "witness = tries[claims[bug]]", '''
def witness(kernel):
    return tries[claims[bug]](Kernel()) != tries[claims[bug]](new_machine())
'''), 2),
        "everything is tried, and the claim is guessed": (but("bug", "witness = tries[claims[bug]]", '''
def witness(kernel):
    for each in tries.values():
        each(kernel)
'''), 0),
        "the witness looks at the kernel's own objects": (but("bug", "witness = tries[claims[bug]]", '''
def witness(kernel):
    kernel.check()
'''), 0),
    },
}  # fmt: skip
