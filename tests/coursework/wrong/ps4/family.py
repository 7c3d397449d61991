from tests.coursework.wrong import but, then

WRONG = {
    "Shmem is what is mapped": (then("ps4-family", "shmem = mapped"), 3),
    "Shmem counts a page for each process": (then("ps4-family", 'shmem = 4 * (stored + used) + resident'), 3),
    "RssShmem counts a shared page once": (then("ps4-family", "resident = mapped"), 3),
    "children have their parent's entries": (but("ps4-family", (
        'set(range(drawn["first"])), set(range(drawn["begin"], drawn["end"] + 1))',
        "set(range(stored)), set(range(stored))")), 2),
    "a memfd is promised whole": (
        but("ps4-family", ('drawn["segment"] + kept', 'drawn["segment"] + drawn["film"]')), 3),
    "a memfd goes when it is closed": (but("ps4-family", ('drawn["kept"]', "0")), 0),
    "a segment goes with its last detach": (
        but("ps4-family", ("stored + used + kept", "stored + kept"), ('+ drawn["segment"]', "")), 2),
    "a segment goes with its maker's exit, but its promise stays": (
        but("ps4-family", ("stored + used + kept", "stored + kept")), 3),
    "memory goes with the process that made it": (
        but("ps4-family", ("stored + used + kept", "kept"), ('drawn["memory"] + drawn["segment"] + kept', "kept")), 2),
    "pages are promised when they are touched": (then("ps4-family", "promised = shmem"), 3),
    "the unit is the page": (then("ps4-family", "shmem, mapped, resident, promised = (\n"
                                  "    each // 4 for each in (shmem, mapped, resident, promised))"), 0),
}  # fmt: skip
