"""Which functions a load and a store reach, by the kind of the file."""

from functools import cache
from itertools import product

from mmlab import MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDWR, PAGE_SIZE, Kernel
from mmlab.coursework.checks import RW, difference, rows, settle
from mmlab.coursework.problem import Part, Work, Wrong

PATHS = {"ext4": "/data/new", "ramfs": "/ram/new", "tmpfs": "/dev/shm/new", "disk": "/dev/vda", "zero": "/dev/zero"}
ASKED = ["filemap_map_pages", "filemap_fault", "shmem_fault", "ext4_readpage", "blkdev_readpage", "simple_readpage",
         "ext4_page_mkwrite", "filemap_page_mkwrite", "do_anonymous_page"]  # fmt: skip


@cache
def asked_told():
    """What the kernel calls: (kind, shared, cached) → (by the load, by the store)."""
    kernel = Kernel()
    proc = kernel.spawn("student")
    cases = [case for case in product(PATHS, (True, False), (True, False)) if case[0] != "zero" or not case[2]]
    with kernel.trace() as trace:
        return {case: asked_by(trace, proc, number, *case) for number, case in enumerate(cases)}


def asked_by(trace, proc, number, kind, shared, cached):
    """Map a page that nobody has mapped, load a byte of it and then store one; give the names of what each asks."""
    made = kind in ("ext4", "ramfs", "tmpfs")
    fd, offset = proc.open(PATHS[kind] + f"{number}" * made, O_RDWR | O_CREAT), number << 20 if kind == "disk" else 0
    if made:
        proc.ftruncate(fd, PAGE_SIZE)
    if cached:
        proc.pwrite(fd, b"x", 0) if made else proc.pread(fd, 1, offset)
    addr, told = proc.mmap(0, PAGE_SIZE, RW, MAP_SHARED if shared else MAP_PRIVATE, fd, offset), []
    for access in (lambda: proc.load(addr), lambda: proc.store(addr, b"y")):
        trace.clear()
        access()
        told.append(list(dict.fromkeys(name for name in trace.functions() if name in ASKED)))
        if "ext4_page_mkwrite" in told[-1]:
            told[-1].remove("filemap_page_mkwrite")
    return told


def check(work: Work):
    wrong = {}
    for (kind, shared, cached), right in asked_told().items():
        given = rows([work.call("asked", kind, shared, cached)], 2)
        if given is None:
            raise Wrong("`asked` is to return two lists: for the load, and for the store.")
        about = f"{kind}, {'MAP_SHARED' if shared else 'MAP_PRIVATE'}, {'' if cached else 'not '}in memory"
        for what, ours, theirs in zip(("load", "store"), given[0], right, strict=True):
            if not isinstance(ours, list | tuple) or list(ours) != theirs:
                wrong.setdefault(what, f"{about}: the list for the {what} {difference(ours, theirs)}.")
    settle((2 / 3, "load" not in wrong, wrong.get("load", "")), (1 / 3, "store" not in wrong, wrong.get("store", "")))


PART = Part(
    "asked", "code", 3, "Who is asked?",
    f"""
A program maps one page, readable and writable, loads a byte of it, and then stores one. Write
`asked(kind, shared, cached)`: which functions do the two accesses ask? Return a pair of lists: for the load, and for
the store after it; each in the order of the calls, and empty where nobody is asked.

- `kind`: what is mapped. `"ext4"`, `"ramfs"`, `"tmpfs"`: a file there; `"disk"`: `/dev/vda`; `"zero"`: `/dev/zero`;
- `shared`: `True` for MAP_SHARED, `False` for MAP_PRIVATE;
- `cached`: whether the page is in memory when the program begins. If not, and it is a file, then it is a hole that was
  never written. (With `"zero"` it is always `False`.)

What counts are the functions of the VMA's `vm_ops` and of the file's `a_ops`, and the one that serves a VMA without
`vm_ops`; in short, those of these names: `{"`, `".join(ASKED)}`. (`ext4_page_mkwrite` goes on to
`filemap_page_mkwrite` on this machine; name only the first.)

Two points if all lists for the load are right, one if all for the store are.
""",
    starter="def asked(kind, shared, cached):\n    load, store = [], []\n    ...\n    return load, store",
    solution='''
def asked(kind, shared, cached):
    if kind == "zero" and not shared:
        return ["do_anonymous_page"], []
    load, store = ["filemap_map_pages"], []
    if not cached and kind in ("tmpfs", "zero"):
        load.append("shmem_fault")
    elif not cached:
        readpage = {"ext4": "ext4_readpage", "disk": "blkdev_readpage", "ramfs": "simple_readpage"}
        load += ["filemap_fault", readpage[kind]]
    if shared and kind not in ("tmpfs", "zero"):
        store.append("ext4_page_mkwrite" if kind == "ext4" else "filemap_page_mkwrite")
    return load, store
''',
    example='''
load, store = asked("ext4", True, False)
assert list(load) == ["filemap_map_pages", "filemap_fault", "ext4_readpage"], "ext4, shared: the load"
assert list(store) == ["ext4_page_mkwrite"], "ext4, shared: the store"
''',
    check=check,
)  # fmt: skip
