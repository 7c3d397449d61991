"""What no program can ask Linux for, and so no other suite tests: the rooms themselves, on the simulated kernel."""

from errno import EPERM

import pytest

from mmlab import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, O_RDONLY, O_RDWR, PROT_READ
from mmlab.fs.ext4 import ext4_file_vm_ops
from mmlab.include.fs import file_operations, file_system_type
from mmlab.include.mm import vm_operations_struct
from mmlab.mm.filemap import filemap_fault, filemap_map_pages, generic_file_vm_ops
from mmlab.mm.shmem import shmem_vm_ops
from mmlab.mm.vma import find_vma
from tests.kernel.helpers import MEMORY, PAGE, RW, at, make_file, map_at, ranges, unchanged

pytestmark = pytest.mark.parametrize("kernel", ["simulated"], indirect=True)


# ── vm_ops ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("path", "flags", "vm_ops"), [
    ("/ram/f", MAP_SHARED, generic_file_vm_ops),
    ("/ram/f", MAP_PRIVATE, generic_file_vm_ops),
    ("/data/f", MAP_SHARED, ext4_file_vm_ops),
    ("/tmp/f", MAP_SHARED, shmem_vm_ops),
    ("/dev/vda", MAP_SHARED, generic_file_vm_ops),
    ("/dev/zero", MAP_SHARED, shmem_vm_ops),
    ("/dev/zero", MAP_PRIVATE, None),
    (None, MAP_SHARED, shmem_vm_ops),
    (None, MAP_PRIVATE, None),
])  # fmt: skip
def test_what_if_one_asks_whose_vm_ops_a_vma_has(proc, path, flags, vm_ops):
    """They are the very object of the file system, shared by all its VMAs."""
    fd = -1
    if path:
        fd = proc.open(path, O_RDWR) if path.startswith("/dev") else make_file(proc, path, 2)
    map_at(proc, 0, 2, RW, flags | (0 if path else MAP_ANONYMOUS), fd)
    proc.munmap(at(0), PAGE)
    assert find_vma(proc.task.mm, at(1)).vm_ops is vm_ops


# ── vm_ops->open and vm_ops->close ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def counted(kernel, proc):
    """A file of a driver that counts its VMAs by open and close, as System V memory does; and the count."""
    count = [0]

    def opened(vma):
        count[0] += 1

    def closed(vma):
        count[0] -= 1

    vm_ops = vm_operations_struct("counted_vm_ops", opened, closed, filemap_fault, filemap_map_pages)

    def mmap(file, vma):
        vma.vm_ops = vm_ops
        opened(vma)

    ram = kernel.machine.root.d_children["ram"].d_inode.i_sb.s_type
    fops = file_operations("counted_fops", read_iter=ram.i_fop.read_iter, write_iter=ram.i_fop.write_iter, mmap=mmap)
    kernel.mount("/counted", file_system_type("counted", fops, ram.a_ops, ram.evict_inode))
    return make_file(proc, "/counted/f", 8), count


def test_what_if_a_vma_whose_end_is_told_meets_its_continuation(proc, counted):
    """It is never deleted by a merge, or the count would be wrong."""
    fd, count = counted
    for page in (0, 4, 2):  # the third one fills the gap: the first grows over it, but the second stays
        map_at(proc, page, 2, RW, MAP_SHARED, fd, page)
    assert (len(ranges(proc)) - 1, count) == (2, [2])
    proc.mprotect(at(1), PAGE, PROT_READ)
    proc.mprotect(at(1), PAGE, RW)
    assert (len(ranges(proc)) - 1, count) == (4, [4])
    proc.munmap(at(0), 6 * PAGE)
    assert count == [0]


def test_what_if_such_a_vma_is_cut_forked_moved_and_left_behind(kernel, proc, counted):
    fd, count = counted
    map_at(proc, 0, 4, RW, MAP_SHARED, fd)
    proc.munmap(at(1), PAGE)
    assert count == [2]
    child = proc.fork()
    assert count == [4]
    child.mremap(at(2), 2 * PAGE, PAGE, 3, at(20))  # MAYMOVE|FIXED: half is cut off, the other half moves
    assert count == [4]
    child.exit()
    assert count == [2]
    proc.exit()
    assert count == [0]


def test_what_if_an_allocation_fails_while_such_a_vma_is_cut(kernel, proc, counted):
    fd, count = counted
    map_at(proc, 0, 4, RW, MAP_SHARED, fd)
    kernel.machine.fail_nth = 1
    with pytest.raises(OSError, match="vm_area_dup"):
        proc.munmap(at(1), PAGE)
    assert (kernel.machine.fail_nth, count, len(ranges(proc)) - 1) == (0, [1], 1)


# ── i_mmap_writable, i_mmap ─────────────────────────────────────────────────────────────────────────────────


def test_what_if_shared_mappings_come_and_go(proc):
    """i_mmap_writable counts VM_SHARED VMAs: each cut one more, private and never-writable ones not."""
    fd = make_file(proc, "/data/f", 8)
    mapping = proc.task.files[fd].f_mapping
    seen = []
    map_at(proc, 0, 4, RW, MAP_PRIVATE, fd)
    map_at(proc, 10, 4, PROT_READ, MAP_SHARED, proc.open("/data/f", O_RDONLY))
    seen.append((mapping.i_mmap_writable, len(mapping.i_mmap)))
    map_at(proc, 20, 4, PROT_READ, MAP_SHARED, fd)
    seen.append((mapping.i_mmap_writable, len(mapping.i_mmap)))
    proc.munmap(at(21), PAGE)
    seen.append((mapping.i_mmap_writable, len(mapping.i_mmap)))
    child = proc.fork()
    seen.append((mapping.i_mmap_writable, len(mapping.i_mmap)))
    child.exit()
    map_at(proc, 21, 1, PROT_READ, MAP_SHARED, fd, 1)
    seen.append((mapping.i_mmap_writable, len(mapping.i_mmap)))
    proc.munmap(at(0), 30 * PAGE)
    seen.append((mapping.i_mmap_writable, len(mapping.i_mmap)))
    assert seen == [(0, 2), (1, 3), (2, 4), (4, 8), (1, 3), (0, 0)]


def test_what_if_shared_mappings_are_forbidden(kernel, proc):
    """mapping_deny_writable: EPERM, for a read-only one too; a private one may be."""
    fd = make_file(proc, "/tmp/f", 1)
    proc.task.files[fd].f_mapping.i_mmap_writable = -1
    for prot in (PROT_READ, RW):
        with unchanged(kernel), pytest.raises(PermissionError) as raised:
            proc.mmap(at(0), PAGE, prot, MAP_SHARED | MAP_FIXED, fd)
        assert raised.value.errno == EPERM
    map_at(proc, 0, 1, RW, MAP_PRIVATE, fd)


# ── the order of calls ──────────────────────────────────────────────────────────────────────────────────────


ORDERS = {  # what is done → the kernel functions, in order
    "memory is mapped": ["do_mmap", "get_unmapped_area", "anon_vm_flags", "mmap_region", "may_expand_vm",
                         "vm_enough_memory", "vma_merge", "build_vma", "kmem_cache_zalloc", "vma_link"],
    "shared memory is mapped": ["do_mmap", "mmap_region", "build_vma", "shmem_zero_setup", "shmem_file_setup",
                                "vm_enough_memory", "alloc_file", "vma_link"],
    "memory replaces memory": ["get_unmapped_area", "mmap_region", "split_vma", "may_expand_vm", "vm_enough_memory",
                               "do_munmap", "detach_vmas_to_be_unmapped", "unmap_region", "unmap_vmas",
                               "free_pgtables", "remove_vma", "vma_merge", "build_vma"],
}  # fmt: skip


@pytest.mark.parametrize("what", ORDERS)
def test_what_if_one_follows_the_calls(kernel, proc, what):
    map_at(proc, 0, 4, PROT_READ, MEMORY)
    with kernel.trace() as trace:
        if what == "memory replaces memory":
            map_at(proc, 2, 4, RW, MEMORY)
        else:
            map_at(proc, 10, 1, RW, MEMORY if what == "memory is mapped" else MAP_SHARED | MAP_ANONYMOUS)
    wanted = ORDERS[what]
    called = [name for name in trace.functions() if name in wanted]
    assert list(dict.fromkeys(called)) == wanted
