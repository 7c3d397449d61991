from tests.coursework.wrong import but

WRONG = {
    "an entry r-- may be stored to": (but("ps3-picture", ('startswith("rw")', 'startswith("r")')), 2),
    "a store to a dirty page does not fault": (but(
        "ps3-picture", ('if not line.split()[1].startswith("rw")', 'if "dirty" not in line')), 2),
    "B's entry lets A store": (but("ps3-picture", ('not line.split()[1].startswith("rw")', '"rw- AD" not in line')), 2),
    "drop_caches writes and drops dirty pages": (but("ps3-picture", ('"dirty" not in line and ', "")), 2),
    "drop_caches drops what is mapped": (but("ps3-picture", (" and not users:", ":")), 2),
    "a copy keeps the file's page": (but("ps3-picture", (" and not users:", " and line.count(\"no PTE\") == 3:")), 2),
    "a page counts once for each who maps it": (but("ps3-picture", ("bool(users)", "users")), 2),
    "Mapped counts copies": (but("ps3-picture", ("bool(users)", 'bool(users) or "copy" in line')), 2),
    "Mapped counts what is in memory": (but("ps3-picture", ("bool(users)", '"page#" in line')), 2),
    "Mapped counts pages": (but("ps3-picture", ("kilobytes = 4 * mapped", "kilobytes = mapped")), 2),
}  # fmt: skip
