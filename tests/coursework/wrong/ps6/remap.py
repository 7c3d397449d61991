from tests.coursework.wrong import but

WRONG = {
    "sizes are not rounded": (but(
        "ps6-remap", ("(-(-size // 4096) * 4096 for size in (old_size, new_size))", "old_size, new_size")), 0),
    "sizes are rounded down": (but("ps6-remap", ("-(-size // 4096) * 4096", "size // 4096 * 4096")), 0),
    "it may grow from the middle of a VMA": (but(
        "ps6-remap",
        ("old_size and old + old_size == end and old + new_size <= after",
         "old_size and (old + old_size < end or old + new_size <= after)")), 0),
    "what lies behind does not matter": (but("ps6-remap", (" and old + new_size <= after", "")), 0),
    "it grows over what lies behind": (but(
        "ps6-remap",
        ('if "MAYMOVE" not in flags:\n        return "ENOMEM"',
         'if "MAYMOVE" not in flags:\n        return "grow"')), 0),
    "with MAYMOVE it always moves": (but(
        "ps6-remap",
        ("if old_size and old +", 'if "MAYMOVE" not in flags and old_size and old +')), 0),
    "it moves without MAYMOVE": (but("ps6-remap", ('if "MAYMOVE" not in flags:', "if False:")), 0),
    "the next VMA may be overlapped by a page": (but(
        "ps6-remap", ("old + new_size <= after", "old + new_size <= after + 4096")), 0),
    "one page must stay free behind it": (but("ps6-remap", ("old + new_size <= after", "old + new_size < after")), 0),
    "shrinking may cross no end of a VMA": (but(
        "ps6-remap",
        ('if new_size <= old_size and "DONTUNMAP" not in flags:\n        return',
         "if old_size > end - old:\n"
         '        return "EFAULT"\n'
         '    if new_size <= old_size and "DONTUNMAP" not in flags:\n'
         "        return")), 0),
    "what is not mapped is ENOMEM": (but(
        "ps6-remap", ('if area is None:\n        return "EFAULT"', 'if area is None:\n        return "ENOMEM"')), 2),
    "growing may cross the end of a VMA": (but(
        "ps6-remap", ('    if old_size > end - old:\n        return "EFAULT"\n', "")), 2),
    "crossing is EINVAL": (but(
        "ps6-remap",
        ('if old_size > end - old:\n        return "EFAULT"', 'if old_size > end - old:\n        return "EINVAL"')), 2),
    "a new size of 0 is munmap": (but("ps6-remap", ("if old % 4096 or new_size == 0:", "if old % 4096:")), 2),
    "private memory may have a second address": (but(
        "ps6-remap", ('    if old_size == 0 and not shared:\n        return "EINVAL"\n', "")), 3),
    "an old size of 0 is EINVAL for all": (but(
        "ps6-remap", ("if old_size == 0 and not shared:", "if old_size == 0:")), 3),
    "a second address needs no MAYMOVE": (but(
        "ps6-remap", ('if "MAYMOVE" not in flags:', 'if "MAYMOVE" not in flags and old_size:')), 3),
    "DONTUNMAP leaves nothing": (but("ps6-remap", ('return "leave"', 'return "move"')), 3),
    "DONTUNMAP of the same size does nothing": (but(
        "ps6-remap", ('if new_size <= old_size and "DONTUNMAP" not in flags:', "if new_size <= old_size:")), 3),
    "DONTUNMAP may go over several VMAs": (but(
        "ps6-remap", ("if old_size > end - old:", 'if old_size > end - old and "DONTUNMAP" not in flags:')), 3),
}  # fmt: skip
