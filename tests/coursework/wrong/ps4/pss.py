from tests.coursework.wrong import but

WRONG = {
    "the page of zeros counts": (
        but("ps4-pss", ("for frame in area if frame)", "for frame in area if frame is not None)"), (
        "for frame in area if frame]", "for frame in area if frame is not None]")), 0),
    "each page is divided by the number of areas": (but("ps4-pss", ("// mapcount[frame]", "// len(areas)")), 1),
    "Pss is Rss": (but("ps4-pss", ("shares >> 22", "4 * len(frames)")), 1),
    "Pss is what nobody else maps": (
        but("ps4-pss", ("(4096 << 12) // mapcount[frame]", "(4096 << 12) * (mapcount[frame] == 1)")), 1),
    "a shared page is divided by two": (but("ps4-pss", ("// mapcount[frame]", "// min(mapcount[frame], 2)")), 1),
    "each page is cut to whole kB": (
        but("ps4-pss", ("(4096 << 12) // mapcount[frame]", "(4 // mapcount[frame] << 22)")), 1),
    "Pss is rounded to the nearest kB": (but("ps4-pss", ("shares >> 22", "(shares + (1 << 21)) >> 22")), 1),
    "the first area to map a page has it": but("ps4-pss", ("found.append((4 * len(frames), shares >> 22))", '''
        own = {frame for frame in frames if not any(frame in other for other in areas[: len(found)])}
        found.append((4 * len(own), 4 * len(own)))''')),
    "Rss and Pss are changed over": (
        but("ps4-pss", ("(4 * len(frames), shares >> 22)", "(shares >> 22, 4 * len(frames))"))),
}  # fmt: skip
