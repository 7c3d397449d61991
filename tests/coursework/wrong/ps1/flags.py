from tests.coursework.wrong import but, then

SHARED, STACK = 'found -= {"SHARED", "MAYWRITE"}', "(mode or shared)"
GROWS = f'    if flags & MAP_GROWSDOWN and {STACK}:\n        return "EINVAL"\n'
REFUSED = '    if mode == "O_RDONLY" and prot & PROT_WRITE:\n        return "EACCES"\n    if shared:'

WRONG = {
    "MAP_SHARED is VM_SHARED, whatever the file": (but("ps1-flags", (SHARED, 'found -= {"MAYWRITE"}')), 3),
    "mprotect may make it writable later": (but("ps1-flags", (SHARED, 'found -= {"SHARED"}')), 3),
    "MAYSHARE goes with SHARED": (but("ps1-flags", (SHARED, 'found -= {"SHARED", "MAYWRITE", "MAYSHARE"}')), 3),
    "MAY is what was asked for": (then("ps1-flags", """
right = vm_flags
def vm_flags(prot, flags, mode):
    found = right(prot, flags, mode)
    return found if isinstance(found, str) else {name for name in found if name[:3] != "MAY" or name[3:] in found}
"""), 2),
    "a private mapping is not writable later if the file is not": (
        but("ps1-flags", ("    if shared:", '    if mode == "O_RDONLY": found -= {"MAYWRITE"}\n    if shared:')), 3,
    ),
    "what is only written need not be read": (
        but("ps1-flags", ('if mode == "O_WRONLY":', 'if mode == "O_WRONLY" and prot & PROT_READ:')), 3,
    ),
    "a private mapping must not be written if the file must not": (
        but("ps1-flags", ('mode == "O_RDONLY" and prot & PROT_WRITE:', "False:"), ("    if shared:", REFUSED)), 1,
    ),
    "a file may hold a stack": (but("ps1-flags", (STACK, "not mode and shared")), 3),
    "shared memory may grow down": (but("ps1-flags", (STACK, "mode")), 3),
    "the stack comes before the file": (
        but("ps1-flags", ('    found = {"MAYREAD"', GROWS + '    found = {"MAYREAD"')), 3,
    ),
    "MAP_STACK does nothing": (but("ps1-flags", (', (MAP_STACK, "NOHUGEPAGE")', "")), 3),
    "MAP_STACK grows down": (but("ps1-flags", ('(MAP_STACK, "NOHUGEPAGE")', '(MAP_STACK, "GROWSDOWN")')), 3),
    "neither is private": (but("ps1-flags", ('return "EINVAL"\n    found', "private = True\n    found")), 3),
    "what is written can be read": (but("ps1-flags", ("prot & bit:", "prot & bit or prot and bit == 1:")), 2),
}  # fmt: skip
