from tests.coursework.wrong import but

WRONG = {
    "all that B maps leaves Mapped": (
        but("ps4-picture", ('len(mappers) == 1 and who.startswith("B[")', '"B[" in who')), 2),
    "a program's own pages stay in Mapped": (but("ps4-picture", ('if "Mapped" in line', 'if "/usr" not in line')), 2),
    "tmpfs can be dropped": (but("ps4-picture", (' and "Shmem" not in line', "")), 2),
    "mapped pages can be dropped": (but("ps4-picture", ("if not mappers and", 'if "Cached" in line and')), 2),
    "dropped are the pages of the file alone": (
        but("ps4-picture", ("if not mappers", 'if "log" in line and not mappers')), 2),
    "RssShmem counts a page once": (but("ps4-picture", ("kB * len(mappers)", "kB * bool(mappers)")), 2),
    "RssShmem is Shmem": (but("ps4-picture", ("kB * len(mappers)", "kB")), 2),
    "the unit is the page": (but("ps4-picture", ("4 * int(pages)", "int(pages)")), 0),
}  # fmt: skip
