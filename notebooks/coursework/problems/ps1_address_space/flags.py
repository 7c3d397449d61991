"""The vm_flags that a mapping gets, or the error in their place."""

from errno import errorcode
from itertools import product

from mmlab import (
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_GROWSDOWN,
    MAP_LOCKED,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_STACK,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    PAGE_SIZE,
    Kernel,
    map_names,
    prot_names,
)
from mmlab.coursework.problem import Part, Work, Wrong
from mmlab.include.mm import VM_ACCOUNT, vm_flag_names
from mmlab.mm.vma import find_vma

from .common import HERE

MODES = {"O_RDONLY": O_RDONLY, "O_WRONLY": O_WRONLY, "O_RDWR": O_RDWR}
KINDS = {MAP_PRIVATE: "private", MAP_SHARED: "shared"}
FURTHER = {MAP_LOCKED: "LOCKED", MAP_STACK: "NOHUGEPAGE", MAP_GROWSDOWN: "GROWSDOWN"}


def mapped_flags(proc, prot, flags, fd):
    """vm_flags of such a mapping, as a set of names; or the name of the errno."""
    try:
        addr = proc.mmap(HERE, PAGE_SIZE, prot, flags | MAP_FIXED, fd)
    except OSError as error:
        return errorcode[error.errno]
    names = vm_flag_names(find_vma(proc.task.mm, addr).vm_flags & ~VM_ACCOUNT)
    proc.munmap(addr, PAGE_SIZE)
    return set(names.split("|"))


def check(work: Work):
    proc, groups, failed = Kernel().spawn("student"), set(), {}
    fds = {mode: proc.open("/data/book.txt", flags) for mode, flags in MODES.items()}
    for mode, kind, further, prot in product([*MODES, None], (0, *KINDS), (0, *FURTHER), range(8)):
        flags = kind | further | (0 if mode else MAP_ANONYMOUS)
        expected, answer = mapped_flags(proc, prot, flags, fds.get(mode, -1)), work.call("vm_flags", prot, flags, mode)
        group = "refusals" if isinstance(expected, str) else "further flags" if further else KINDS[kind]
        if group == "further flags" and isinstance(answer, set):
            expected, answer = expected & {FURTHER[further]}, answer & {*FURTHER.values()}
        groups.add(group)
        if answer != expected:
            failed.setdefault(group, f"vm_flags({prot_names(prot)}, {map_names(flags)}, {mode!r})")
    if failed:
        wrong, call = ", ".join(sorted(failed)), min(failed.items())[1]
        raise Wrong(f"Something is wrong in these groups: {wrong}. An example: {call}.", 1 - len(failed) / len(groups))


PART = Part(
    "flags", "code", 4, "From prot and flags to vm_flags",
    """
Write `vm_flags(prot, flags, mode)`: the `vm_flags` that `do_mmap` works out, as a `set` of names without `VM_`.
`prot` and `flags` are the `int` of the call; `mode` says how the file was opened: `"O_RDONLY"`, `"O_WRONLY"` or
`"O_RDWR"`; with `MAP_ANONYMOUS` it is `None`. The names that can occur:

`READ WRITE EXEC SHARED MAYREAD MAYWRITE MAYEXEC MAYSHARE GROWSDOWN LOCKED NOHUGEPAGE`

If `do_mmap` refuses the call, return the name of the errno instead, a `str` such as `"EACCES"`.

`flags` has `MAP_SHARED`, or `MAP_PRIVATE`, or neither; and it may have one of `MAP_LOCKED`, `MAP_STACK`,
`MAP_GROWSDOWN`. The file is an ordinary one, the length one page, the offset 0; address, limits and rights are no
obstacle.

One point each if all of these are right: private and shared mappings without a further flag; what a further flag adds;
and refusals.
""",
    starter="def vm_flags(prot, flags, mode):\n    ...",
    solution="""
def vm_flags(prot, flags, mode):
    shared, private = flags & 3 == MAP_SHARED, flags & 3 == MAP_PRIVATE
    if not shared and not private:
        return "EINVAL"
    found = {"MAYREAD", "MAYWRITE", "MAYEXEC"}
    for bit, name in ((PROT_READ, "READ"), (PROT_WRITE, "WRITE"), (PROT_EXEC, "EXEC")):
        if prot & bit:
            found.add(name)
    for bit, name in ((MAP_GROWSDOWN, "GROWSDOWN"), (MAP_LOCKED, "LOCKED"), (MAP_STACK, "NOHUGEPAGE")):
        if flags & bit:
            found.add(name)
    if shared:
        found |= {"SHARED", "MAYSHARE"}
        if mode in ("O_RDONLY", "O_WRONLY"):
            if mode == "O_RDONLY" and prot & PROT_WRITE:
                return "EACCES"
            if mode == "O_RDONLY":
                found -= {"SHARED", "MAYWRITE"}
    if mode == "O_WRONLY":
        return "EACCES"
    if flags & MAP_GROWSDOWN and (mode or shared):
        return "EINVAL"
    return found
""",
    example="""
answer = vm_flags(PROT_READ, MAP_PRIVATE, "O_RDONLY")
if answer is None:
    raise NotImplementedError
assert answer == {"READ", "MAYREAD", "MAYWRITE", "MAYEXEC"}, f"not {answer}"
assert vm_flags(PROT_READ, MAP_PRIVATE, "O_WRONLY") == "EACCES", "every mapping must be able to read"
""",
    check=check,
)  # fmt: skip
