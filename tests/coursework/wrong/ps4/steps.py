from tests.coursework.wrong import but, then

WRONG = {
    "a load maps one page": but("ps4-steps", ("set(range(window, pages))", '{drawn["last"]}'),
                                ('set(range(-(-drawn["loaded"] // 16) * 16))', 'set(range(drawn["loaded"]))')),
    "a load maps 16 pages, whatever the file's end": (
        but("ps4-steps", ("(window, pages)", "(window, window + 16)")), 2),
    "the window begins at the page": but("ps4-steps", ('drawn["last"] // 16 * 16 ', 'drawn["last"]')),
    "the unit is the page": (then("ps4-steps", "mapped = [each // 4 for each in mapped]"), 0.5),
    "a store to a private page takes one out of Mapped": (then("ps4-steps", 'mapped[2] = -4 * drawn["stored"]'), 2.5),
    "a copy counts in Mapped": (then("ps4-steps", 'mapped[2] = 4 * drawn["stored"]'), 2.5),
    "shared anonymous memory is anonymous": (
        but("ps4-steps", (', 4 * drawn["shared"]', ", 0"), ('+ drawn["shared"]', "")), 2),
    "a mapped page survives ftruncate": (but("ps4-steps", ("if page >= left", "if page < 0")), 2),
    "what is cut off belongs to nobody": (
        but("ps4-steps", ("cut = {", "cut = {page for page in range(left, pages)} or {")), 2.5),
    "an exit unmaps nothing": (then("ps4-steps", "mapped[5] = 0"), 2.5),
}  # fmt: skip
