from tests.coursework.wrong import but, then

WRONG = {
    "the offset does not matter": but("ps1-places", ("start + (byte - offset)", "start + byte")),
    "the offset is in pages": but("ps1-places", ("split()[2], 16)", "split()[2], 16) * 4096")),
    "whatever file it is": but("ps1-places", ('line.endswith("/book.txt") and ', "")),
    "the byte at the end address is in it": but("ps1-places", ("byte < offset", "byte <= offset")),
    "every piece has it": but("ps1-places", ("offset <= byte < offset + (end - start)", "byte < 1 << 30")),
    "the distance from the first line": "addresses = [HERE + byte]",
    "a byte is in one place": (then("ps1-places", "addresses = addresses[:1]"), 1),
    "the order of the file": (then("ps1-places", "addresses.reverse()"), 1),
}  # fmt: skip
