"""What if a step of mmap_region fails? Its label undoes all that was done before it."""

import re
from errno import EIO, ENODEV, ENOEXEC, ENOMEM, EPERM, ETXTBSY

import pytest

from mmlab import (
    MAP_ANONYMOUS,
    MAP_DENYWRITE,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PROT_READ,
    Kernel,
)
from mmlab.fs.libfs import simple_write_begin, simple_write_end
from mmlab.fs.ramfs import ramfs_aops, ramfs_file_operations, simple_evict_inode
from mmlab.include.errors import failure
from mmlab.include.fs import address_space_operations, file_operations, file_system_type
from mmlab.include.mm import FAULT_FLAG_WRITE
from mmlab.include.sched import RLIMIT_AS
from mmlab.mm.filemap import generic_file_mmap, generic_file_read_iter, generic_perform_write
from mmlab.mm.memory import handle_mm_fault
from mmlab.mm.mmap import vm_mmap_pgoff
from mmlab.mm.util import vm_commit_limit
from tests.kernel.helpers import ARENA, MEMORY, PAGE, RW, Snapshot, at, changes, make_file, map_at, ranges, unchanged


def refuse(file, vma):
    raise failure(EIO, "refuse", "this driver never maps")


def refuse_late(file, vma):
    """Set everything up, fault a page in and write a private one, and fail then."""
    generic_file_mmap(file, vma)
    handle_mm_fault(vma.vm_mm, vma, vma.vm_start, 0)
    handle_mm_fault(vma.vm_mm, vma, vma.vm_start + 20 * PAGE, FAULT_FLAG_WRITE)
    raise failure(EIO, "refuse_late", "this driver fails late")


def a_file_system(name, mmap, a_ops=ramfs_aops):
    fops = file_operations(f"{name}_fops", generic_file_read_iter, generic_perform_write, mmap)
    return file_system_type(name, fops, a_ops, simple_evict_inode)


NOREAD_AOPS = address_space_operations(
    "noread_aops", write_begin=simple_write_begin, write_end=simple_write_end
)
FILE_SYSTEMS = {
    "/noread": a_file_system("noread", generic_file_mmap, NOREAD_AOPS),
    "/nomap": a_file_system("nomap", None),
    "/refuse": a_file_system("refuse", refuse),
    "/late": a_file_system("late", refuse_late),
}


@pytest.fixture
def kernel():
    kernel = Kernel()
    for path, fs_type in FILE_SYSTEMS.items():
        kernel.mount(path, fs_type)
    return kernel


@pytest.fixture
def proc(kernel):
    """A process with a file of 4 pages in each file system, and every path open once as it is read."""
    proc = kernel.spawn("reader")
    for path in (*FILE_SYSTEMS, "/data", "/ram", "/tmp"):
        proc.close(make_file(proc, f"{path}/f", 4))
    return proc


def promise_all_but(kernel, proc, pages):
    """Leave room for so many pages under overcommit_memory=2."""
    kernel.machine.sysctl_overcommit_memory = 2
    kernel.machine.user_reserve_pages = 0
    room = vm_commit_limit(kernel.machine) - kernel.machine.vm_committed_as - 1
    proc.mmap(0, (room - pages) * PAGE, RW, MEMORY)


# ── one failure for each label ──────────────────────────────────────────────────────────────────────────────


def no_memory_for_the_vma(kernel, proc):
    kernel.machine.fail_nth = 1
    return ENOMEM, "mmap_region", (RW, MEMORY, -1)


def no_memory_for_the_vma_of_a_file(kernel, proc):
    kernel.machine.fail_nth = 1
    return ENOMEM, "mmap_region", (RW, MAP_SHARED, proc.open("/data/f", O_RDWR))


def sealed_against_shared_mappings(kernel, proc):
    fd = proc.open("/tmp/f", O_RDWR)
    proc.task.files[fd].f_mapping.i_mmap_writable = -1
    return EPERM, "mapping_map_writable", (PROT_READ, MAP_SHARED, fd)


def no_readpage(kernel, proc):
    return ENOEXEC, "generic_file_mmap", (RW, MAP_SHARED, proc.open("/noread/f", O_RDWR))


def no_readpage_private(kernel, proc):
    return ENOEXEC, "generic_file_mmap", (RW, MAP_PRIVATE, proc.open("/noread/f", O_RDONLY))


def a_driver_that_refuses(kernel, proc):
    return EIO, "refuse", (RW, MAP_SHARED, proc.open("/refuse/f", O_RDWR))


def a_proc_file(kernel, proc):
    return EIO, "proc_reg_mmap", (PROT_READ, MAP_PRIVATE, proc.open("/proc/meminfo", O_RDONLY))


def no_memory_for_shared_memory(kernel, proc):
    promise_all_but(kernel, proc, 1)
    return ENOMEM, "__vm_enough_memory", (RW, MAP_SHARED | MAP_ANONYMOUS, -1)


AFTER_THE_OLD_MAPS_WENT = [
    no_memory_for_the_vma,
    no_memory_for_the_vma_of_a_file,
    sealed_against_shared_mappings,
    no_readpage,
    no_readpage_private,
    a_driver_that_refuses,
    a_proc_file,
    no_memory_for_shared_memory,
]


def promised_too_much(kernel, proc):
    promise_all_but(kernel, proc, 1)
    return ENOMEM, "__vm_enough_memory", (RW, MEMORY, -1)


def over_the_address_space_limit(kernel, proc):
    proc.task.rlim[RLIMIT_AS] = (proc.task.mm.total_vm + 1) * PAGE
    return ENOMEM, "may_expand_vm", (RW, MEMORY, -1)


def no_mmap(kernel, proc):
    return ENODEV, "do_mmap", (RW, MAP_SHARED, proc.open("/nomap/f", O_RDWR))


BEFORE_THE_OLD_MAPS_GO = [promised_too_much, over_the_address_space_limit, no_mmap]


def fail(kernel, proc, step, flags=0, addr=0, length=2 * PAGE):
    """Make the mmap that is set to fail; `step` says how."""
    errno, function, (prot, kind, fd) = step
    with pytest.raises(OSError, match=f"{function}: ") as raised:
        proc.mmap(addr, length, prot, kind | flags, fd, 0)
    assert raised.value.errno == errno


def prepare(kernel, proc, failing):
    """Set the step up to fail, and take a snapshot in which no failure is waiting yet."""
    step = failing(kernel, proc)
    fail_nth, kernel.machine.fail_nth = kernel.machine.fail_nth, 0
    return step, fail_nth, Snapshot(kernel)


@pytest.mark.parametrize("failing", AFTER_THE_OLD_MAPS_WENT + BEFORE_THE_OLD_MAPS_GO)
def test_what_if_a_step_fails(kernel, proc, failing):
    step, kernel.machine.fail_nth, before = prepare(kernel, proc, failing)
    fail(kernel, proc, step)
    assert changes(before, Snapshot(kernel)) == []


@pytest.mark.parametrize("failing", AFTER_THE_OLD_MAPS_WENT)
def test_what_if_a_step_fails_after_the_old_maps_went(kernel, proc, failing):
    """Then they are gone, as on Linux, and what they held has been given back; nothing else has changed."""
    step, fail_nth, before = prepare(kernel, proc, failing)
    shared = proc.open("/data/f", O_RDWR)
    map_at(proc, 0, 4, RW, MAP_SHARED, shared)
    map_at(proc, 4, 4, PROT_READ, MEMORY)
    for page in range(8):
        proc.load(at(page))
    proc.close(shared)
    assert len(ranges(proc)) == 2
    kernel.machine.fail_nth = fail_nth
    fail(kernel, proc, step, MAP_FIXED, ARENA, 8 * PAGE)
    assert ranges(proc) == []
    assert [c for c in changes(before, Snapshot(kernel)) if not re.search("min_flt|pgfault|atime|hiwater", c)] == []


@pytest.mark.parametrize("failing", BEFORE_THE_OLD_MAPS_GO)
def test_what_if_a_step_fails_before_the_old_maps_go(kernel, proc, failing):
    map_at(proc, 0, 4, PROT_READ, MEMORY)
    step, kernel.machine.fail_nth, before = prepare(kernel, proc, failing)
    fail(kernel, proc, step, MAP_FIXED, ARENA, 6 * PAGE)
    assert changes(before, Snapshot(kernel)) == []


def test_what_if_the_old_maps_give_back_the_memory_that_the_new_one_needs(kernel, proc):
    map_at(proc, 0, 4, RW, MEMORY)
    promise_all_but(kernel, proc, 0)
    promised = kernel.machine.vm_committed_as
    map_at(proc, 0, 4, RW, MEMORY)
    assert kernel.machine.vm_committed_as == promised
    with pytest.raises(OSError, match="__vm_enough_memory"):
        map_at(proc, 0, 5, RW, MEMORY)


# ── deny_write_access, which programs cannot ask for ────────────────────────────────────────────────────────


def test_what_if_a_file_that_is_being_written_is_to_be_denied_writers(kernel, proc):
    proc.open("/data/f", O_RDWR)
    file = proc.task.files[proc.open("/data/f", O_RDONLY)]
    with unchanged(kernel), pytest.raises(OSError, match="deny_write_access: f is open for writing") as raised:
        vm_mmap_pgoff(proc.task, file, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, 0)
    assert raised.value.errno == ETXTBSY


@pytest.mark.parametrize("path", ["/noread/f", "/refuse/f"])
def test_what_if_the_driver_refuses_a_file_that_denied_writers(kernel, proc, path):
    """The label allow_write_and_free_vma: writers are welcome again."""
    file = proc.task.files[proc.open(path, O_RDONLY)]
    with unchanged(kernel), pytest.raises(OSError, match="generic_file_mmap|refuse"):
        vm_mmap_pgoff(proc.task, file, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, 0)
    proc.open(path, O_RDWR)


def test_what_if_a_file_denies_writers_as_long_as_it_is_mapped(proc):
    fd = proc.open("/data/f", O_RDONLY)
    file, inode = proc.task.files[fd], proc.task.files[fd].f_path.d_inode
    addr = vm_mmap_pgoff(proc.task, file, 0, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, 1)
    proc.close(fd)
    assert inode.i_writecount == -1
    proc.munmap(addr, PAGE)
    with pytest.raises(OSError, match="get_write_access") as raised:
        proc.open("/data/f", O_RDWR)
    assert raised.value.errno == ETXTBSY
    proc.munmap(addr + PAGE, PAGE)
    assert inode.i_writecount == 0
    proc.open("/data/f", O_RDWR)


def test_what_if_a_denying_mapping_is_cut_in_three(kernel, proc):
    file = proc.task.files[proc.open("/data/f", O_RDONLY)]
    flags = MAP_PRIVATE | MAP_DENYWRITE | MAP_FIXED
    vm_mmap_pgoff(proc.task, file, ARENA, 4 * PAGE, PROT_READ, flags, 0)
    proc.munmap(at(1), PAGE)
    assert file.f_path.d_inode.i_writecount == -2
    kernel.check()


# ── unmap_and_free_vma ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [MAP_SHARED, MAP_PRIVATE])
def test_what_if_the_driver_fails_when_pages_are_mapped_already(kernel, proc, kind):
    fd = proc.open("/late/f", O_RDWR)
    proc.ftruncate(fd, 21 * PAGE)
    proc.pwrite(fd, b"x", 20 * PAGE)
    before = Snapshot(kernel)
    with pytest.raises(OSError, match="refuse_late"):
        map_at(proc, 0, 21, RW, kind, fd)
    assert [c for c in changes(before, Snapshot(kernel)) if not re.search("pgfault|i_atime", c)] == []


def test_what_if_vma_link_is_reached(kernel, proc):
    """The temporary counts of the build are gone, and the VMA's own are there."""
    fd = proc.open("/data/f", O_RDWR)
    file = proc.task.files[fd]
    map_at(proc, 0, 2, RW, MAP_SHARED, fd)
    map_at(proc, 4, 2, RW, MAP_PRIVATE, fd)
    assert (file.f_count, file.f_mapping.i_mmap_writable, len(file.f_mapping.i_mmap)) == (3, 1, 2)
    with pytest.raises(OSError, match="cannot be mapped"):
        map_at(proc, 0, 2, RW, MAP_SHARED, proc.open("/nomap/f", O_RDWR | O_CREAT))


def test_what_if_the_file_system_has_no_readpage_but_the_page_is_cached(kernel, proc):
    """read(2) works, for the page is there; mmap does not look."""
    fd = proc.open("/noread/f", O_RDONLY)
    assert proc.read(fd, 7) == b"0000000"
    with unchanged(kernel), pytest.raises(OSError, match="noread_aops.readpage is NULL"):
        proc.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd)


def test_what_if_ramfs_is_asked(proc):
    fd = proc.open("/ram/f", O_RDWR)
    map_at(proc, 0, 1, RW, MAP_SHARED, fd)
    (vma,) = proc.task.files[fd].f_mapping.i_mmap
    assert vma.vm_ops.name == "generic_file_vm_ops"
    assert [vma.vm_ops.fault.__name__, vma.vm_ops.map_pages.__name__, vma.vm_ops.page_mkwrite.__name__] == [
        "filemap_fault",
        "filemap_map_pages",
        "filemap_page_mkwrite",
    ]
    assert proc.task.files[fd].f_op is ramfs_file_operations
