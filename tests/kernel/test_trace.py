"""What if the kernel is watched? Each function in order, every change; and afterwards nothing is left behind."""

import sys
from types import FunctionType

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_RDONLY,
    O_RDWR,
    PROT_READ,
    BusError,
    Kernel,
    SegmentationFault,
)
from mmlab.trace import ARRAYS, OBJECTS, Change, Failure, Return, Trace, kernel_functions
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at

BOOK = "/data/book.txt"


def traced(kernel, call, *args):
    with kernel.trace() as trace:
        call(*args)
    return trace


def among(trace, names):
    return [name for name in trace.functions() if name in names]


def told(trace, field):
    """What the trace says about a field: old and new, in order."""
    return [(change.old, change.new) for change in trace.changes() if change.field == field]


# ── what is recorded ────────────────────────────────────────────────────────────────────────────────────────


def test_what_if_a_shared_file_is_mapped(kernel, proc):
    """The order of the source notes, from do_mmap to vma_link."""
    fd = make_file(proc, "/ram/f", 4)
    order = [
        "sys_mmap", "vm_mmap_pgoff", "do_mmap", "get_unmapped_area", "file_vm_flags", "mmap_region",
        "may_expand_vm", "vma_merge", "build_vma", "kmem_cache_zalloc", "vm_get_page_prot",
        "mapping_map_writable", "get_file", "generic_file_mmap", "file_accessed", "vma_link",
        "__vma_link_list", "__vma_link_file", "mapping_unmap_writable", "vma_set_page_prot", "vm_get_page_prot",
    ]
    trace = traced(kernel, proc.mmap, 0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, PAGE)
    assert among(trace, order) == order


def test_what_if_the_changes_are_read(kernel, proc):
    fd = make_file(proc, "/ram/f", 4)
    mm, file = proc.task.mm, proc.task.files[fd]
    count, pages = mm.map_count, mm.total_vm
    trace = traced(kernel, proc.mmap, 0, 2 * PAGE, RW, MAP_SHARED, fd, PAGE)
    assert told(trace, "map_count") == [(count, count + 1)]
    assert told(trace, "total_vm") == [(pages, pages + 2)]
    assert told(trace, "f_count") == [(1, 2)]
    assert told(trace, "i_mmap_writable") == [(0, 1), (1, 2), (2, 1)]
    assert told(trace, "vm_pgoff") == [(0, 1)]
    assert told(trace, "vm_file") == [(None, file)]
    assert [new.name for _, new in told(trace, "vm_ops")] == ["generic_file_vm_ops"]


def test_what_if_a_change_says_where_it_was_made(kernel, proc):
    trace = traced(kernel, proc.mmap, 0, PAGE, RW, MEMORY)
    (change,) = [c for c in trace.changes() if c.field == "total_vm"]
    source = sys.modules["mmlab.mm.vma"].__file__
    assert (change.owner, change.function) == (proc.task.mm, "vm_stat_account")
    with open(source, encoding="utf-8") as lines:
        assert "mm.total_vm += pages" in list(lines)[change.line - 1]


def test_what_if_a_page_is_faulted_in(kernel, proc):
    map_at(proc, 0, 2, RW, MAP_PRIVATE, make_file(proc, "/data/f", 2))
    trace = traced(kernel, proc.store, at(0), b"#")
    assert trace.functions()[:2] == ["store", "do_page_fault"]
    steps = ["handle_mm_fault", "handle_pte_fault", "do_fault", "do_cow_fault", "anon_vma_prepare", "alloc_page",
             "filemap_fault", "copy_user_page", "do_set_pte", "page_add_new_anon_rmap"]  # fmt: skip
    assert among(trace, steps) == steps
    assert told(trace, "nr_anon_pages")[0][1] - told(trace, "nr_anon_pages")[0][0] == 1
    assert told(trace, "min_flt") == [(proc.task.min_flt - 1, proc.task.min_flt)]
    assert [c.function for c in trace.changes() if type(c.owner).__name__ == "pte_table"] == ["do_set_pte"]


def test_what_if_nothing_faults(kernel, proc):
    map_at(proc, 0, 1, RW, MEMORY)
    proc.store(at(0), b"#")
    trace = traced(kernel, proc.load, at(0))
    assert (trace.functions(), trace.changes()) == (["load"], [])


def test_what_if_the_call_fails(kernel, proc):
    fd = proc.open(BOOK, O_RDONLY)
    with pytest.raises(PermissionError), kernel.trace() as trace:
        proc.mmap(0, PAGE, RW, MAP_SHARED, fd)
    failed = [event.function.__name__ for event in trace.events if isinstance(event, Failure)]
    assert failed == ["file_vm_flags", "do_mmap", "vm_mmap_pgoff", "sys_mmap"]
    assert "PermissionError" in str(trace)
    assert "EACCES" in str(trace) or "f_mode has no FMODE_WRITE" in str(trace)


def test_what_if_the_labels_run(kernel, proc):
    """Unwinding is recorded like anything else, in reverse order."""
    fd = proc.open("/proc/meminfo", O_RDONLY)
    with pytest.raises(OSError), kernel.trace() as trace:
        proc.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd)
    undone = ["unmap_and_free_vma", "fput", "unmap_region", "kmem_cache_free"]
    assert among(trace, undone) == undone
    assert told(trace, "f_count") == [(1, 2), (2, 1)]


@pytest.mark.parametrize(("length", "kind"), [(1, BusError), (0, SegmentationFault)])
def test_what_if_a_signal_comes(kernel, proc, length, kind):
    if length:
        map_at(proc, 0, 1, PROT_READ, MAP_SHARED, make_file(proc, "/tmp/f", 0))
    with pytest.raises(kind), kernel.trace() as trace:
        proc.load(at(0))
    assert [type(event.error) for event in trace.events if isinstance(event, Failure)][-1] is kind


def test_what_if_each_call_returns(kernel, proc):
    trace = traced(kernel, proc.mmap, 0, PAGE, RW, MEMORY)
    assert len(trace.functions()) == sum(isinstance(event, Return | Failure) for event in trace.events)
    assert sum(isinstance(event, Change) for event in trace.events) == len(trace.changes()) > 5


def test_what_if_the_text_is_read(kernel, proc):
    text = str(traced(kernel, proc.mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS))
    for word in ("sys_mmap(", "PROT_READ|PROT_WRITE", "MAP_SHARED|MAP_ANONYMOUS", "shmem_zero_setup(", "map_count: "):
        assert word in text
    assert "rb_left" not in text
    assert " at 0x" not in text, "an object without a stable name"


# ── what is left behind ─────────────────────────────────────────────────────────────────────────────────────


def functions():
    """Every function that the package holds, by where it is held."""
    loaded = [module for name, module in sys.modules.items() if name.startswith("mmlab.")]
    held = {
        (module.__name__, name): value
        for module in loaded
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
    }
    for (module, name), table in [((m.__name__, n), t) for m in loaded for n, t in vars(m).items()]:
        for field in getattr(type(table), "__dataclass_fields__", ()):
            held[module, name, field] = getattr(table, field)
    return held


def hooks():
    return {(kind, name): kind.__dict__.get(name) for kind in (*OBJECTS, *ARRAYS) for name in
            ("__setattr__", "__setitem__", "__delitem__")}  # fmt: skip


def same(before, after):
    return before.keys() == after.keys() and all(before[key] is after[key] for key in before)


def test_what_if_the_trace_ends(kernel, proc):
    """The same function objects are back in their places: so a trace that is off costs nothing at all."""
    before, plain = functions(), hooks()
    with kernel.trace():
        proc.mmap(0, PAGE, RW, MEMORY)
        assert not same(before, functions())
    assert same(before, functions())
    assert same(plain, hooks())
    assert not any("wrapped" in vars(function) for function in kernel_functions())


def test_what_if_the_block_raises(kernel, proc):
    before = functions()
    with pytest.raises(ZeroDivisionError), kernel.trace():
        proc.mmap(0, PAGE, RW, MEMORY)
        1 / 0
    assert same(before, functions())


def test_what_if_another_kernel_runs_meanwhile(kernel, proc):
    other = Kernel()
    with kernel.trace() as trace:
        second = other.spawn("other")
        second.mmap(0, PAGE, RW, MEMORY)
    assert trace.events == []
    with kernel.trace() as mine, other.trace() as theirs:
        proc.mmap(0, PAGE, RW, MEMORY)
        second.munmap(0, PAGE)
    assert "do_mmap" in mine.functions() and "do_munmap" not in mine.functions()
    assert theirs.functions()[0] == "sys_munmap"


def test_what_if_a_kernel_is_traced_twice_at_once(kernel, proc):
    before = functions()
    with kernel.trace() as trace:
        with pytest.raises(RuntimeError, match="being traced already"), kernel.trace():
            pass
        proc.mmap(0, PAGE, RW, MEMORY)
    assert trace.functions()[0] == "sys_mmap"
    assert same(before, functions())


def test_what_if_a_trace_is_used_again(kernel, proc):
    trace = kernel.trace()
    for _ in range(2):
        with trace:
            proc.mmap(0, PAGE, RW, MEMORY)
    assert trace.functions().count("sys_mmap") == 2
    assert isinstance(trace, Trace)


def test_what_if_everything_is_done_under_a_trace(kernel):
    """The kernel works as it does unwatched, and its objects stay whole."""
    with kernel.trace() as trace:
        proc = kernel.spawn("watched")
        fd = proc.open(BOOK, O_RDWR)
        addr = proc.mmap(0, 5 * PAGE, RW, MAP_SHARED, fd)
        proc.store(addr, proc.load(addr + PAGE, 5))
        proc.ftruncate(fd, PAGE)
        proc.munmap(addr + PAGE, PAGE)
        text = str(proc.maps())
        proc.exit()
    kernel.check()
    expected = {"do_execve", "load_elf_binary", "do_page_fault", "truncate_setsize", "split_vma", "do_exit"}
    assert expected <= set(trace.functions())
    unwatched = Kernel()
    proc = unwatched.spawn("watched")
    fd = proc.open(BOOK, O_RDWR)
    addr = proc.mmap(0, 5 * PAGE, RW, MAP_SHARED, fd)
    proc.store(addr, proc.load(addr + PAGE, 5))
    proc.ftruncate(fd, PAGE)
    proc.munmap(addr + PAGE, PAGE)
    assert str(proc.maps()) == text
    proc.exit()
    assert str(unwatched.vmstat()) == str(kernel.vmstat())
