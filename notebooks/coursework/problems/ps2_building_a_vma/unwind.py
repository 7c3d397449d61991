"""What mmap_region takes back when one of its steps fails."""

from contextlib import contextmanager, suppress
from functools import cache

from mmlab import O_CREAT, O_RDONLY, O_RDWR, PAGE_SIZE, Kernel
from mmlab.coursework.checks import HOME, difference, settle
from mmlab.coursework.problem import Part, Work
from mmlab.include.fs import address_space_operations
from mmlab.include.mm import VM_DENYWRITE, VM_MAYREAD, VM_MAYWRITE, VM_READ, VM_SHARED, VM_WRITE
from mmlab.mm import mmap as mm_mmap

STEPS = ["vm_enough_memory", "kmem_cache_zalloc", "deny_write_access", "mapping_map_writable", "get_file",
         "f_op->mmap", "vma_link"]  # fmt: skip
UNDOING = ["fput", "mapping_unmap_writable", "allow_write_access", "kmem_cache_free", "vm_unacct_memory"]
BITS = {"READ": VM_READ, "WRITE": VM_WRITE, "SHARED": VM_SHARED, "MAYREAD": VM_MAYREAD, "MAYWRITE": VM_MAYWRITE,
        "DENYWRITE": VM_DENYWRITE}  # fmt: skip
SETS = [  # of vm_flags, as do_mmap works them out: for files; those without SHARED and DENYWRITE for memory, too
    {"READ", "MAYREAD", "MAYWRITE"}, {"READ", "WRITE", "MAYREAD", "MAYWRITE"},
    {"READ", "SHARED", "MAYREAD", "MAYWRITE"}, {"READ", "WRITE", "SHARED", "MAYREAD", "MAYWRITE"},
    {"READ", "SHARED", "MAYREAD"},
]  # fmt: skip


@cache
def regions_told():
    """What mmap_region calls: (vm_flags, with a file, the step that fails or None) → the names, in order."""
    kernel, told = Kernel(), {}
    proc = kernel.spawn("student")
    proc.close(proc.open("/ram/file", O_RDWR | O_CREAT))
    opened = proc.task.files[proc.open("/ram/file", O_RDONLY)]
    with kernel.trace() as trace:
        for flags in map(frozenset, [*SETS, *({*each, "DENYWRITE"} for each in SETS)]):
            for file in (opened, None) if not flags & {"SHARED", "DENYWRITE"} else (opened,):
                told[flags, file is not None, None] = steps = region(trace, proc, file, flags, None)
                for failing in set(steps) & set(STEPS) - {"get_file", "vma_link"}:
                    told[flags, file is not None, failing] = region(trace, proc, file, flags, failing)
    kernel.check()
    return told


def region(trace, proc, file, flags, failing):
    """Call mmap_region, let one step fail, and give the names of what it has called."""
    length = 1 << 44 if failing == "vm_enough_memory" else PAGE_SIZE
    vm_flags = sum(BITS[name] for name in flags)
    with failing_at(failing, proc, file):
        trace.clear()
        with suppress(OSError):
            mm_mmap.mmap_region(proc.task, file, HOME, length, vm_flags, 7 if file else HOME >> 12)
        names = ["f_op->mmap" if name.endswith("_file_mmap") else name for name in trace.functions()]
    proc.munmap(HOME, PAGE_SIZE)
    return [name for name in names if name in STEPS or name in UNDOING]


@contextmanager
def failing_at(step, proc, file):
    """Let a step of mmap_region fail."""
    if step == "kmem_cache_zalloc":
        proc.task.machine.fail_nth = 1
        yield
    elif step == "deny_write_access":
        fd = proc.open("/ram/file", O_RDWR)
        yield
        proc.close(fd)
    elif step == "mapping_map_writable":
        file.f_mapping.i_mmap_writable = -1
        yield
        file.f_mapping.i_mmap_writable = 0
    elif step == "f_op->mmap":
        a_ops, file.f_mapping.a_ops = file.f_mapping.a_ops, address_space_operations("without readpage")
        yield
        file.f_mapping.a_ops = a_ops
    else:
        yield


def check(work: Work):
    wrong = {}
    for (flags, has_file, failing), right in regions_told().items():
        given = work.call("region", set(flags), has_file, failing)
        if not isinstance(given, list | tuple) or list(given) != right:
            about = "".join(f"{name} " for name in BITS if name in flags).strip()
            wrong.setdefault(failing is None, f"vm_flags {about}, {'with a' if has_file else 'without a'} file, and "
                             f"{failing or 'no step'} fails: the list {difference(given, right)}.")  # fmt: skip
    settle((1 / 4, True not in wrong, wrong.get(True, "")), (3 / 4, not wrong, wrong.get(False, "")))


PART = Part(
    "unwind", "code", 4, "Through the labels",
    f"""
Write `region(vm_flags, has_file, failing)`: the names of the functions that `mmap_region` (v4.4, as in lesson 3) calls
for a new mapping, in order. What it counts, it counts with these, in this order, each only if it is needed:

`{"`, `".join(STEPS)}`

and what it has counted it takes back with

`{"`, `".join(UNDOING)}`

- `vm_flags`: a set of some of the words `"READ"`, `"WRITE"`, `"SHARED"`, `"MAYREAD"`, `"MAYWRITE"`, `"DENYWRITE"`;
- `has_file`: whether a file is mapped; if not, it is private memory;
- `failing`: the name of the one step that fails, or `None` if all goes well. A step that fails has been called, so it
  is in the list, and it has changed nothing itself. (`get_file` and `vma_link` cannot fail.)

No neighbour can grow, nothing is in the way, no limit is met. One point if the list is right where nothing fails, all
four if it is right everywhere.
""",
    starter="def region(vm_flags, has_file, failing):\n    called = []\n    ...\n    return called",
    solution='''
def region(vm_flags, has_file, failing):
    denies = has_file and "DENYWRITE" in vm_flags
    counted = has_file and {"SHARED", "MAYWRITE"} <= vm_flags
    steps = []                                          # (what does it, what undoes it)
    if "WRITE" in vm_flags and "SHARED" not in vm_flags:
        steps.append(("vm_enough_memory", "vm_unacct_memory"))
    steps.append(("kmem_cache_zalloc", "kmem_cache_free"))
    if denies:
        steps.append(("deny_write_access", "allow_write_access"))
    if counted:
        steps.append(("mapping_map_writable", "mapping_unmap_writable"))
    if has_file:
        steps += [("get_file", "fput"), ("f_op->mmap", None)]
    called, labels = [], []
    for step, undo in steps:
        called.append(step)
        if step == failing:
            return called + labels[::-1]
        labels.append(undo)
    called.append("vma_link")
    if counted:
        called.append("mapping_unmap_writable")         # the VMA that is linked has counts of its own
    if denies:
        called.append("allow_write_access")
    return called
''',
    example='''
memory = {"READ", "WRITE", "MAYREAD", "MAYWRITE"}
assert list(region(memory, False, None)) == ["vm_enough_memory", "kmem_cache_zalloc", "vma_link"], "private memory"
assert list(region(memory, False, "kmem_cache_zalloc")) == [
    "vm_enough_memory", "kmem_cache_zalloc", "vm_unacct_memory"], "no memory for a vm_area_struct"
''',
    check=check,
)  # fmt: skip
