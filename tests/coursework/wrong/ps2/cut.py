from tests.coursework.wrong import but

WRONG = {
    "a page of which a part is left goes, too": (but("ps2-cut", ("-(-size // 4096)", "size // 4096")), 2),
    "vm_pgoff is forgotten": (but("ps2-cut", ("(left - pgoff)", "left")), 0),
    "vm_pgoff is added": (but("ps2-cut", ("(left - pgoff)", "(left + pgoff)")), 0),
    "size is in pages": (but("ps2-cut", ("-(-size // 4096)", "size")), 0),
    "vm_pgoff is in bytes": (but("ps2-cut", ("(left - pgoff) * 4096", "left * 4096 - pgoff")), 0),
    "a VMA before which the file ends loses addresses below it": (
        but("ps2-cut", ("max(start, start + (left - pgoff) * 4096)", "start + (left - pgoff) * 4096")), 0),
    "a VMA that loses nothing is in the list": (but("ps2-cut", ("        if first < end:\n            found",
        "        found")), 0),
    "a VMA that loses pages loses all": (but("ps2-cut", ("(process, first, end)", "(process, start, end)")), 0),
    "the last page stays": (but("ps2-cut", ("max(start, start + (left", "max(start, start + (left + 1")), 0),
    "only the first VMA of each process": (but("ps2-cut", ("if first < end:",
        "if first < end and process not in [name for name, *_ in found]:")), 0),
    "addresses to the byte": (but("ps2-cut", ("left, found = -(-size // 4096), []",
        "left, found = size / 4096, []"), ("(left - pgoff) * 4096)", "int((left - pgoff) * 4096))")), 2),
    "in the order of the file's pages": (but("ps2-cut", ("in i_mmap", "in sorted(i_mmap, key=lambda vma: vma[3])")), 0),
}  # fmt: skip
