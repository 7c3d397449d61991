from tests.coursework.wrong import but

WRONG = {
    "the first window begins at the multiple of 64 KiB": (but("ps3-steps", ("[windows,", "[-(-pages // 16),")), 2.4),
    "one fault for each page that is loaded": (but("ps3-steps", ("[windows,", "[pages,")), 2.4),
    "a load enters a page of ext4 writable": (but("ps3-steps", ('drawn["stored"],', "0,")), 2.4),
    "MS_SYNC makes the whole file clean": (but("ps3-steps", ('drawn["synced"]', 'drawn["stored"]')), 2.4),
    "a page that was written once is writable for good": (but("ps3-steps", ('drawn["synced"]', "0")), 2.4),
    "a store to the zero page is free": (but("ps3-steps", ('drawn["loaded"] + ', "")), 2.4),
    "a private page that was loaded may be stored to": (but("ps3-steps", ("1 + ", "1 + 0 * ")), 2.4),
    "a private file is not loaded around": (but("ps3-steps", ('1 + drawn["copied"]', '2 * drawn["copied"]')), 2.4),
    "each access is a fault": (
        'faults = [drawn["pages"], 0, drawn["stored"], drawn["touched"], 1]', 0),
}  # fmt: skip
