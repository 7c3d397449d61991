from tests.coursework.wrong import but

WRONG = {
    "what may not be read may not be loaded": but(
        "ps3-signal", ('("w" in prot if store else prot)', '("w" if store else "r") in prot')),
    "a file's last page counts only if it is full": but("ps3-signal", ("(size + 4095) // 4096", "size // 4096")),
    "past the last byte is past the file": but(
        "ps3-signal", ("page >= (size + 4095) // 4096", "pgoff * 4096 + address - start >= size")),
    "vm_pgoff is forgotten": but("ps3-signal", ("pgoff + (address", "(address")),
    "the file is asked first": but("ps3-signal", ('if not ("w"', 'if pgoff + (address - start) // 4096 >= '
        '(1 << 60 if size is None else (size + 4095) // 4096):\n        return "BUS_ADRERR"\n    if not ("w"')),
    "the end belongs to the area": but("ps3-signal", ("<= address < end", "<= address <= end")),
    "anonymous memory is a file of size 0": but(
        "ps3-signal", ("size is not None and page >= (size + 4095)", "page >= ((size or 0) + 4095)")),
    "what is forbidden is not mapped": but("ps3-signal", ("SEGV_ACCERR", "SEGV_MAPERR")),
    "a hole before an area belongs to it": but("ps3-signal", ("if start <= address < end", "if address < end")),
}  # fmt: skip
