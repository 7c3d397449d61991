"""What if a fault is drawn? The lit way is the trace's, and each reason agrees with what the kernel did."""

import contextlib

import pytest

from mmlab import (
    MADV_RANDOM,
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    Kernel,
    MemoryFault,
    OutOfMemory,
)
from mmlab.trace import Call, Change
from mmlab.views import fault_steps, fault_tree
from mmlab.views.decisions import TREE
from mmlab.views.faults import faults, follow
from tests.differential.compare import Player
from tests.differential.programs import kinds, methods, random_program
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at

from .seen import is_well_drawn, the_twin_says_the_same, written

SHARED = MAP_SHARED | MAP_ANONYMOUS
DISK, TMPFS, RAM = "/data/file", "/dev/shm/file", "/ram/file"


def chains(events):
    """Every call of a fault, with the calls that it came through."""
    found, stack = [], []
    for event in events:
        if isinstance(event, Change):
            continue
        if isinstance(event, Call):
            stack.append(event.function.__name__)
            found.append(tuple(stack))
        else:
            stack.pop()
    return found


def check(trace, number):
    """Assert that what is lit is what the trace recorded, all of it, and that each reason says so."""
    events = faults(trace)[number]
    recorded, steps = set(chains(events)), fault_steps(trace, number)
    names = {step.path: step.name for step in steps}
    way = {step.path: tuple(names[step.path[: n + 1]] for n in range(len(step.path))) for step in steps}
    functions = [step for step in steps if not step.name.startswith("SIG")]
    for step in functions:
        assert (way[step.path] in recorded) == bool(step.taken), step
        assert step.taken or step.why, step
    lit = {way[step.path]: step for step in functions if step.taken}
    for chain in recorded:
        if chain[:-1] in lit and chain not in lit:
            assert chain[-1] in lit[chain[:-1]].calls.split()
    in_order = [chain for chain in dict.fromkeys(chains(events)) if chain in lit]
    assert in_order == list(lit)
    start = next(i for i, event in enumerate(trace.events) if event is events[0])
    for one in follow(events, trace.events[start:]):
        agree(one, TREE, ())
    return steps


def agree(one, branch, above):
    """Assert that the reasons, worked out from the values alone, foretell the way."""
    path = (*above, branch.name)
    assert branch.when(one.facts)[0] == (path in one.taken), (path, branch.when(one.facts))
    if path in one.taken:
        for each in branch.below:
            agree(one, each, path)


def fault(setup, access, **options):
    """Set up, trace the access, check every fault of it; give the first one's steps, and its picture."""
    kernel = Kernel(**options)
    proc = kernel.spawn("reader")
    proc = setup(proc) or proc
    with kernel.trace() as trace, contextlib.suppress(MemoryFault, OutOfMemory):
        access(proc)
    count = len(faults(trace))
    assert count
    steps = [check(trace, number) for number in range(count)]
    pictures = [fault_tree(trace, number) for number in range(count)]
    for picture in pictures:
        is_well_drawn(picture)
        the_twin_says_the_same(picture)
    return steps[0], pictures[0]


def memory(prot=RW, flags=MEMORY, before=None):
    """Map anonymous memory at page 0 of the arena, and do something with it."""

    def setup(proc):
        map_at(proc, 0, 20, prot, flags)
        return before(proc) if before else None

    return setup


def file(path, prot=RW, flags=MAP_SHARED, before=None, pages=4, drop=False):
    """Map a file of `pages` pages; if `drop`, it is on the disk only."""

    def setup(proc):
        fd = make_file(proc, path, pages)
        if drop:
            proc.fsync(fd)
            proc.ftruncate(fd, 0)
            proc.ftruncate(fd, pages * PAGE)
        map_at(proc, 0, 20, prot, flags, fd)
        return before(proc) if before else None

    return setup


def load(proc):
    proc.load(at(1))


def store(proc):
    proc.store(at(1), b"x")


def store_then_fork(proc):
    proc.store(at(1), b"x")
    return proc.fork()


def fork_and_child_ends(proc):
    proc.store(at(1), b"x")
    proc.fork().exit()


def random(proc):
    proc.madvise(at(0), 20 * PAGE, MADV_RANDOM)


def no_memory(proc):
    machine = proc.task.machine
    fd = proc.open("/ram/eater", O_RDWR | O_CREAT)
    taken = 0
    while machine.vm_stat["nr_free_pages"] or machine.try_to_free_pages(machine):
        taken += proc.pwrite(fd, b"x" * PAGE, taken)


def store_without_an_anon_vma(proc):
    proc.task.machine.fail_nth = 1
    proc.store(at(1), b"x")


CASES = {
    "anonymous load": (memory(), load, "do_anonymous_page"),
    "anonymous store": (memory(), store, "do_anonymous_page/alloc_page"),
    "zero page, then a store": (memory(before=load), store, "do_wp_page/wp_page_copy"),
    "shared memory, load": (memory(flags=SHARED), load, "do_fault/do_read_fault/__do_fault/vm_ops->fault"),
    "shared memory, store": (memory(flags=SHARED), store, "do_fault/do_shared_fault/__do_fault/vm_ops->fault"),
    "disk file, load": (file(DISK), load, "do_fault/do_read_fault/do_fault_around/vm_ops->map_pages"),
    "disk file, hole": (file(DISK, drop=True), load, "do_fault/do_read_fault/do_fault_around/vm_ops->map_pages"),
    "tmpfs, hole": (file(TMPFS, drop=True), load, "do_fault/do_read_fault/__do_fault/vm_ops->fault"),
    "ramfs, hole": (file(RAM, drop=True), load, "do_fault/do_read_fault/do_fault_around/vm_ops->map_pages"),
    "tmpfs, load": (file(TMPFS), load, "do_fault/do_read_fault/do_fault_around/vm_ops->map_pages"),
    "random, load": (file(DISK, before=random), load, "do_fault/do_read_fault/do_fault_around/vm_ops->map_pages"),
    "disk file, shared store": (
        file(DISK), store, "do_fault/do_shared_fault/do_page_mkwrite/vm_ops->page_mkwrite"),
    "disk file, shared store to a hole": (
        file(DISK, drop=True), store, "do_fault/do_shared_fault/do_page_mkwrite/vm_ops->page_mkwrite"),
    "tmpfs, shared store": (file(TMPFS), store, "do_fault/do_shared_fault/__do_fault/vm_ops->fault"),
    "disk file, store after load": (file(DISK, before=load), store, "do_wp_page/wp_page_shared/wp_page_reuse"),
    "ramfs, store after load": (file(RAM, before=load), store, "do_wp_page/wp_page_shared/wp_page_reuse"),
    "private store": (file(DISK, flags=MAP_PRIVATE), store, "do_fault/do_cow_fault/__do_fault/vm_ops->fault"),
    "private load": (file(DISK, flags=MAP_PRIVATE), load, "do_fault/do_read_fault/do_fault_around/vm_ops->map_pages"),
    "private store to a hole": (
        file(DISK, flags=MAP_PRIVATE, drop=True), store, "do_fault/do_cow_fault/__do_fault/vm_ops->fault"),
    "private store after load": (file(DISK, flags=MAP_PRIVATE, before=load), store, "do_wp_page/wp_page_copy"),
    "child's store after fork": (memory(before=store_then_fork), store, "do_wp_page/wp_page_copy"),
    "store when the child is over": (memory(before=fork_and_child_ends), store, "do_wp_page/wp_page_reuse"),
    "no VMA": (lambda proc: None, load, "lock_mm_and_find_vma/SIGSEGV SEGV_MAPERR"),
    "PROT_NONE": (memory(prot=PROT_NONE), load, "SIGSEGV SEGV_ACCERR"),
    "read only": (memory(prot=PROT_READ), store, "SIGSEGV SEGV_ACCERR"),
    "load past the file": (file(DISK, pages=1), load, "mm_fault_error/SIGBUS BUS_ADRERR"),
    "store past the file": (file(TMPFS, pages=1), store, "mm_fault_error/SIGBUS BUS_ADRERR"),
    "private store past the file": (
        file(DISK, pages=1, flags=MAP_PRIVATE), store, "mm_fault_error/SIGBUS BUS_ADRERR"),
    "no page left": (memory(before=no_memory), store, "do_page_fault/SIGKILL"),
    "no anon_vma": (memory(), store_without_an_anon_vma, "do_page_fault/pagefault_out_of_memory"),
    "no anon_vma for a copy": (
        file(DISK, flags=MAP_PRIVATE), store_without_an_anon_vma, "do_page_fault/pagefault_out_of_memory"),
    "no anon_vma after the zero page": (
        memory(before=load), store_without_an_anon_vma, "do_page_fault/pagefault_out_of_memory"),
    "no page left for a copy": (
        file(DISK, flags=MAP_PRIVATE, before=no_memory), store, "do_page_fault/SIGKILL"),
    "no page left for shared memory": (
        memory(flags=SHARED, before=no_memory), store, "do_page_fault/SIGKILL"),
}  # fmt: skip


@pytest.mark.parametrize("setup, access, end", CASES.values(), ids=CASES)
def test_the_lit_way_is_the_traces(setup, access, end):
    steps, picture = fault(setup, access, **({"mem": 16 << 20} if "SIGKILL" in end else {}))
    assert any(step.taken and "/".join(step.path).endswith(end) for step in steps), picture
    assert picture.text.startswith(f"Page fault: a {access.__name__.split('_')[0]} at {at(1):x} by reader[")


@pytest.mark.parametrize("path", [DISK, TMPFS, RAM])
@pytest.mark.parametrize("access", [load, store])
@pytest.mark.parametrize("flags", [MAP_SHARED, MAP_PRIVATE])
@pytest.mark.parametrize("drop", [False, True], ids=["cached", "hole"])
def test_without_fault_around_every_page_is_asked_for(path, access, flags, drop):
    steps, _ = fault(file(path, flags=flags, drop=drop), access, fault_around_bytes=PAGE)
    assert not any(step.taken for step in steps if step.name == "do_fault_around")
    assert any(step.taken for step in steps if step.name == "__do_fault")


def test_a_stack_that_grows():
    def store(proc):
        stack = next(line for line in str(proc.maps()).splitlines() if line.endswith("[stack]"))
        proc.store(int(stack.split("-")[0], 16) - 8, b"x")

    steps, picture = fault(lambda proc: None, store)
    by_name = {step.name: step for step in steps}
    assert by_name["expand_downwards"].taken and by_name["do_anonymous_page"].taken
    assert not by_name["SIGSEGV SEGV_MAPERR"].taken
    assert "✓ expand_downwards: vma#1, the next, begins above 7fff" in picture.text


def test_where_no_stack_may_grow_the_refusal_is_told():
    _, picture = fault(memory(), lambda proc: proc.load(at(0) - 8))
    assert "vma#22, the next above, is no stack" in picture.text


def test_the_reasons_name_the_values():
    _, picture = fault(file(DISK, flags=MAP_PRIVATE), store)
    assert "✗ do_anonymous_page: PTE none, vm_ops is ext4_file_vm_ops, not NULL" in picture.text
    assert "✗ do_read_fault: the access is a store" in picture.text
    assert "✗ do_shared_fault: the access is a store, vma#22 is not VM_SHARED" in picture.text
    assert "✗ SIGSEGV SEGV_ACCERR: vma#22 is rw-p: a store is allowed" in picture.text


@pytest.mark.parametrize("path", [DISK, RAM])
def test_the_answer_of_page_mkwrite_has_its_name(path):
    steps, picture = fault(file(path, before=load), store)
    (mkwrite,) = [step for step in steps if step.path[-1] == "vm_ops->page_mkwrite"]
    assert mkwrite.gave == "VM_FAULT_LOCKED", picture


def test_what_is_lit_is_told_by_mark_weight_and_ground():
    _, picture = fault(memory(), load)
    boxes = [words for words in written(picture) if words[:2] in ("✓ ", "✗ ") and "_" in words]
    assert [words[2:] for words in boxes if words[0] == "✓"] == [
        "do_page_fault", "lock_mm_and_find_vma", "handle_mm_fault", "handle_pte_fault", "do_anonymous_page",
    ]  # fmt: skip


def test_a_fault_that_waits_for_the_disk_is_tried_twice():
    def setup(proc):
        fd = proc.open("/data/book.txt", O_RDONLY)
        map_at(proc, 0, 4, PROT_READ, MAP_SHARED, fd)

    steps, picture = fault(setup, load)
    by_name = {step.name: step for step in steps}
    assert by_name["filemap_map_pages"].taken == (1, 2)
    assert by_name["__do_fault"].taken == (1,)
    assert by_name["handle_mm_fault"].gave == "VM_FAULT_MAJOR|VM_FAULT_RETRY, 0"
    assert picture.text.splitlines()[1] == "maj_flt 18 → 19"


def test_each_of_several_faults_has_its_picture():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    map_at(proc, 0, 4, RW, MEMORY)
    with kernel.trace() as trace:
        proc.store(at(0), b"x" * (PAGE + 1))
    assert f"{at(0):x}" in fault_tree(trace, 0).text
    assert f"{at(1):x}" in fault_tree(trace, 1).text
    with pytest.raises(LookupError, match="2 page faults, and no number 2"):
        fault_tree(trace, 2)


def test_a_trace_without_a_fault_says_what_to_trace():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    map_at(proc, 0, 1, PROT_READ | PROT_WRITE, MEMORY)
    proc.store(at(0), b"x")
    with kernel.trace() as trace:
        proc.store(at(0), b"x")
    with pytest.raises(LookupError, match="trace a load or store"):
        fault_tree(trace)


@pytest.mark.parametrize("seed", range(24))
def test_every_fault_of_a_random_program(seed):
    kernel = Kernel()
    player = Player(kernel, random_program(seed, methods(), kinds()))
    with kernel.trace() as trace:
        player.play()
    for number in range(len(faults(trace))):
        check(trace, number)
    for number in range(min(3, len(faults(trace)))):
        assert fault_tree(trace, number) == fault_tree(trace, number)
