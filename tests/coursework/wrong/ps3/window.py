from tests.coursework.wrong import but

WRONG = {
    "it begins with the page that is loaded": but("ps3-window", ("max(address // 65536 * 65536, start)", "address")),
    "where the VMA clips it, it is shorter": but("ps3-window", ("min(first +", "min(address // 65536 * 65536 +")),
    "it is aligned by the file's pages": but(
        "ps3-window", ("address // 65536 * 65536",
        "start + ((pgoff + (address - start) // 4096) // 16 * 16 - pgoff) * 4096")),
    "it is centred": but("ps3-window", ("address // 65536 * 65536", "address - 32768")),
    "it goes on past the page table": but("ps3-window", (", (first // 2**21 + 1) * 2**21)", ")")),
    "it goes on past the VMA": but("ps3-window", ("65536, end,", "65536,")),
    "it begins before the VMA": but("ps3-window", ("max(address // 65536 * 65536, start)", "address // 65536 * 65536")),
    "it is aligned from the VMA's start on": but(
        "ps3-window", ("address // 65536 * 65536", "start + (address - start) // 65536 * 65536")),
    "it reads what is missing": but("ps3-window", (" if pgoff + (at - start) // 4096 in cached", "")),
    "it ends at the first page that is missing": but("ps3-window", ("    return [at for", '''\
    for at in range(address, last, 4096):
        if pgoff + (at - start) // 4096 not in cached:
            last = at
            break
    return [at for''')),
    "vm_pgoff is forgotten": but("ps3-window", ("pgoff + (at", "(at")),
    "it has 15 pages": but("ps3-window", ("first + 65536", "first + 61440")),
}  # fmt: skip
