from tests.coursework.wrong import but

NAME, ALLOWED = 'name[0] if name else ""', '"w" in permissions'
ROUNDED, INSIDE = "hint = hint // 4096 * 4096", "start <= addr < end"

WRONG = {
    "the end still belongs to it": but("ps1-access", (INSIDE, "start <= addr <= end")),
    "the start does not": but("ps1-access", (INSIDE, "start < addr < end")),
    "what find_vma gives has the address": but("ps1-access", (INSIDE, "addr < end")),
    "a load needs r": but("ps1-access", ('permissions != "---"', '"r" in permissions')),
    "a store needs r and w": but("ps1-access", (ALLOWED, 'permissions.startswith("rw")')),
    "what is executed cannot be stored to": but("ps1-access", (ALLOWED, 'permissions in ("rw-", "-w-")')),
    "nothing may be done: not mapped": but("ps1-access", (INSIDE, f'{INSIDE} and permissions != "---"')),
    "the two codes the other way round": but(
        "ps1-access", ('else "SEGV_ACC', 'else "SEGV_MAP'), ('    return "SEGV_MAP', '    return "SEGV_ACC'),
    ),
}  # fmt: skip
