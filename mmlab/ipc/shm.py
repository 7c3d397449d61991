"""System V shared memory: ipc/shm.c, and what it needs of ipc/util.c (v4.4).

    shmget → newseg                 a tmpfs file, and a number for it
    shmat  → do_mmap → shm_mmap     a VMA of that file, through an open file of its own
    shmdt  → do_munmap → shm_close  the last detach of a removed segment destroys it
"""

from __future__ import annotations

from errno import EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM

from ..arch.sys_x86_64 import arch_get_unmapped_area_topdown
from ..fs.file_table import alloc_file, fput
from ..fs.open import vfs_fallocate
from ..fs.sync import vfs_fsync_range
from ..include.errors import failure
from ..include.fs import FMODE_READ, FMODE_WRITE, MAX_LFS_FILESIZE, file, file_inode, file_operations, get_file
from ..include.mm import VM_NORESERVE, vm_fault, vm_operations_struct
from ..include.mm_types import vm_area_struct
from ..include.mman import (
    MAP_FIXED, MAP_SHARED, PAGE_ALIGN, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PROT_EXEC, PROT_READ, PROT_WRITE,
    offset_in_page,
)
from ..include.mmzone import OVERCOMMIT_NEVER, machine
from ..include.sched import RLIMIT_MEMLOCK, task_struct
from ..include.shm import (
    IPC_CREAT, IPC_EXCL, IPC_MIN_CYCLE, IPC_PRIVATE, IPC_RMID, IPC_STAT, IPCMNI_SHIFT, SHM_DEST, SHM_EXEC, SHM_HUGETLB,
    SHM_LOCK, SHM_LOCKED, SHM_NORESERVE, SHM_RDONLY, SHM_REMAP, SHM_RND, SHM_UNLOCK, SHMMAX, SHMMIN, SHMMNI, ipc_ids,
    shm_file_data, shmid_ds, shmid_kernel,
)
from ..mm.mmap import do_mmap, do_munmap
from ..mm.shmem import shmem_file_setup
from ..mm.vma import find_vma, find_vma_links

# ── segments and their numbers: ipc/util.c ──────────────────────────────────────────────────────────────────


def ipc_addid(ids: ipc_ids) -> int:
    """Give the number of a new segment: a free slot, and how often slots began anew: v4.4, same name. ENOSPC.

    The slots, at least 64, are used in turn (5.2; until then the lowest free one).
    """
    if len(ids.segments) >= SHMMNI:
        raise failure(ENOSPC, "ipc_addid", f"there are {SHMMNI} segments already")
    used = {id % (1 << IPCMNI_SHIFT) for id in ids.segments}
    slots = max(len(used) * 3 // 2, IPC_MIN_CYCLE)
    slot = next(n for n in (*range(ids.last_idx + 1, slots), *range(slots)) if n not in used)
    if slot <= ids.last_idx:
        ids.seq = (ids.seq + 1) % (1 << 31 - IPCMNI_SHIFT)
    ids.last_idx = slot
    return ids.seq << IPCMNI_SHIFT | slot


def shm_obtain_object_check(machine: machine, id: int, function: str) -> shmid_kernel:
    """Find a segment by its number: ipc/shm.c, same name (v4.4). EINVAL, in the name of the `function` that asks."""
    if id not in machine.shm_ids.segments:
        raise failure(EINVAL, function, f"there is no segment {id}")
    return machine.shm_ids.segments[id]


def ipcperms(current: task_struct, shp: shmid_kernel, flag: int) -> None:
    """Refuse what the segment's mode does not grant: v4.4, same name. EACCES; root may all.

    Every process here is of group 0, as every segment is.
    """
    requested = (flag >> 6 | flag >> 3 | flag) & 0o7
    granted = shp.mode >> (6 if current.uid == shp.uid else 3)
    if requested & ~granted and current.uid != 0:
        raise failure(EACCES, "ipcperms", f"{shp.name} has mode {shp.mode:o}, and uid {current.uid} asks for {flag:o}")


# ── shmget ──────────────────────────────────────────────────────────────────────────────────────────────────


def sys_shmget(current: task_struct, key: int, size: int, shmflg: int) -> int:
    """Find the segment of that key, or make one; give its number: ipc/shm.c:sys_shmget, ipc/util.c:ipcget (v4.4).

    `size` in bytes. ENOENT, EEXIST; EINVAL if it is smaller than `size`; EACCES; else as newseg.
    """
    segments = current.machine.shm_ids.segments.values()
    shp = next((shp for shp in segments if shp.key == key != IPC_PRIVATE), None)
    if shp is None:
        if key != IPC_PRIVATE and not shmflg & IPC_CREAT:
            raise failure(ENOENT, "ipcget_public", f"no segment has key {key:#x}, and IPC_CREAT is not set")
        return newseg(current, key, size, shmflg)
    if shmflg & IPC_CREAT and shmflg & IPC_EXCL:
        raise failure(EEXIST, "ipcget_public", f"{shp.name} has key {key:#x}, and IPC_EXCL asks for a new one")
    if shp.shm_segsz < size:
        raise failure(EINVAL, "shm_more_checks", f"{shp.name} has {shp.shm_segsz} bytes, less than {size}")
    ipcperms(current, shp, shmflg)
    return shp.id


def newseg(current: task_struct, key: int, size: int, shmflg: int) -> int:
    """Make a segment: a tmpfs file whose whole size is promised at once: v4.4, same name. EINVAL, ENOMEM, ENOSPC."""
    machine = current.machine
    if not SHMMIN <= size <= min(SHMMAX, MAX_LFS_FILESIZE):
        raise failure(EINVAL, "newseg", f"size = {size} is not in {SHMMIN} … {SHMMAX}, or no file can have it")
    if shmflg & SHM_HUGETLB:
        raise failure(ENOMEM, "hugetlb_file_setup", "SHM_HUGETLB, and no huge pages are reserved")
    norserve = shmflg & SHM_NORESERVE and machine.sysctl_overcommit_memory != OVERCOMMIT_NEVER
    file = shmem_file_setup(machine, f"SYSV{key & 0xFFFFFFFF:08x}", size, VM_NORESERVE if norserve else 0)
    try:
        id = ipc_addid(machine.shm_ids)
    except OSError:
        fput(file)
        raise
    machine.shm_ids.segments[id] = shmid_kernel(id, key, shmflg & 0o777, current.uid, size, file)
    file_inode(file).i_ino = id  # so /proc/PID/maps shows it
    return id


# ── shmat and shmdt ─────────────────────────────────────────────────────────────────────────────────────────


def do_shmat(current: task_struct, id: int, addr: int, shmflg: int) -> int:
    """Map a segment; give the address: v4.4, same name. EINVAL, EACCES, ENOMEM.

    With `addr` 0 the kernel chooses; else it is rounded down with SHM_RND, and must be free but for SHM_REMAP.
    """
    addr = shmat_address(addr, shmflg)
    shp = shm_obtain_object_check(current.machine, id, "do_shmat")
    writes, runs = not shmflg & SHM_RDONLY, shmflg & SHM_EXEC
    ipcperms(current, shp, 0o444 | (0o222 if writes else 0) | (0o111 if runs else 0))
    prot = PROT_READ | (PROT_WRITE if writes else 0) | (PROT_EXEC if runs else 0)
    shp.shm_nattch += 1  # or SHM_REMAP over its last attachment would destroy it
    file = alloc_file_clone(shp, FMODE_READ | (FMODE_WRITE if writes else 0))
    size = file.f_mapping.host.i_size
    try:
        free = addr + size <= 2**64 and find_vma_links(current.mm, addr, addr + size) is not None
        if addr and not shmflg & SHM_REMAP and not free:
            raise failure(EINVAL, "do_shmat", f"{addr:x}-{addr + size:x} is not free, and SHM_REMAP is not set")
        return do_mmap(current, file, addr, size, prot, MAP_SHARED | (MAP_FIXED if addr else 0), 0)
    finally:
        fput(file)
        shm_detach(current.machine, shp)


def shmat_address(addr: int, shmflg: int) -> int:
    """Check and round the address that shmat is given: the beginning of ipc/shm.c:do_shmat (v4.4). EINVAL."""
    if offset_in_page(addr) and not shmflg & SHM_RND:
        raise failure(EINVAL, "do_shmat", f"shmaddr = {addr:#x} is not page-aligned, and SHM_RND is not set")
    if shmflg & SHM_REMAP and not addr & PAGE_MASK:
        raise failure(EINVAL, "do_shmat", "SHM_REMAP, and no address")
    return addr & PAGE_MASK


def alloc_file_clone(shp: shmid_kernel, mode: int) -> file:
    """Open the segment's file once more, as a file that knows the segment: fs/file_table.c (4.19), same name."""
    clone = alloc_file(shp.shm_file.f_path, 0, mode)
    clone.f_op = shm_file_operations
    clone.private_data = shm_file_data(shp.id, get_file(shp.shm_file))
    return clone


def sys_shmdt(current: task_struct, addr: int) -> None:
    """Unmap the segment attached at `addr`: every VMA of it that lies where it would in an uncut attachment: v4.4.

    Same name. EINVAL if there is none. A part that mremap has moved stays.
    """
    found, end, vma = None, 2**64, find_vma(current.mm, addr)
    while vma is not None and vma.vm_end <= end and not offset_in_page(addr):
        following, in_place = vma.vm_next, vma.vm_start - addr == vma.vm_pgoff * PAGE_SIZE
        if vma.vm_ops is shm_vm_ops and in_place and found in (None, vma.vm_file):
            if found is None:
                found = vma.vm_file
                end = addr + PAGE_ALIGN(shm_of(vma).shm_segsz)
            do_munmap(current.mm, vma.vm_start, vma.vm_end - vma.vm_start)
        vma = following
    if found is None:
        raise failure(EINVAL, "sys_shmdt", f"no segment is attached at {addr:#x}")


# ── what an attachment does ─────────────────────────────────────────────────────────────────────────────────


def shm_mmap(file: file, vma: vm_area_struct) -> None:
    """Map the tmpfs file, but hear of each VMA that comes and goes: v4.4, same name."""
    sfd: shm_file_data = file.private_data
    sfd.file.f_op.mmap(sfd.file, vma)  # type: ignore[misc]
    sfd.vm_ops, vma.vm_ops = vma.vm_ops, shm_vm_ops
    shm_open(vma)


def shm_of(vma: vm_area_struct) -> shmid_kernel:
    """Give the segment that the VMA maps; while it does, there is one."""
    return vma.vm_mm.machine.shm_ids.segments[vma.vm_file.private_data.id]  # type: ignore[union-attr]


def shm_open(vma: vm_area_struct) -> None:
    """Count one more attachment: shmat, fork, and whoever cuts a VMA: v4.4, same name."""
    shm_of(vma).shm_nattch += 1


def shm_close(vma: vm_area_struct) -> None:
    """Count one attachment less: v4.4, same name."""
    shm_detach(vma.vm_mm.machine, shm_of(vma))


def shm_detach(machine: machine, shp: shmid_kernel) -> None:
    """Uncount an attachment; a removed segment goes with the last: ipc/shm.c:shm_close (v4.4)."""
    shp.shm_nattch -= 1
    if shp.shm_nattch == 0 and shp.mode & SHM_DEST:
        shm_destroy(machine, shp)


def shm_destroy(machine: machine, shp: shmid_kernel) -> None:
    """Forget the segment; its memory goes with the last file open on it: v4.4, same name."""
    del machine.shm_ids.segments[shp.id]
    fput(shp.shm_file)


def shm_release(file: file) -> None:
    """Let go of the tmpfs file: v4.4, same name."""
    fput(file.private_data.file)


def shm_fault(vma: vm_area_struct, vmf: vm_fault) -> int:
    """Ask the tmpfs file: v4.4, same name. It has no map_pages: each page of a segment is a fault of its own."""
    return vma.vm_file.private_data.vm_ops.fault(vma, vmf)  # type: ignore[union-attr]


def shm_fsync(file: file, start: int, end: int) -> None:
    """Ask the tmpfs file: v4.4, same name."""
    vfs_fsync_range(file.private_data.file, start, end)


def shm_fallocate(file: file, mode: int, offset: int, length: int) -> None:
    """Ask the tmpfs file, for madvise(MADV_REMOVE): v4.4, same name."""
    vfs_fallocate(file.private_data.file, mode, offset, length)


def shm_get_unmapped_area(
    current: task_struct, file: file, addr: int, length: int, pgoff: int, flags: int
) -> int:
    """Choose an address as tmpfs does: v4.4, same name."""
    return arch_get_unmapped_area_topdown(current.mm, addr, length, flags)


shm_vm_ops = vm_operations_struct("shm_vm_ops", open=shm_open, close=shm_close, fault=shm_fault)
shm_file_operations = file_operations(
    "shm_file_operations",
    mmap=shm_mmap,
    fsync=shm_fsync,
    release=shm_release,
    fallocate=shm_fallocate,
    get_unmapped_area=shm_get_unmapped_area,
)

# ── shmctl ──────────────────────────────────────────────────────────────────────────────────────────────────


def sys_shmctl(current: task_struct, id: int, cmd: int) -> shmid_ds | None:
    """Look at a segment (IPC_STAT), remove it (IPC_RMID), lock or unlock it (SHM_LOCK, SHM_UNLOCK): v4.4, same name.

    EINVAL for any other command.
    """
    if cmd not in (IPC_STAT, IPC_RMID, SHM_LOCK, SHM_UNLOCK):
        raise failure(EINVAL, "sys_shmctl", f"cmd = {cmd}")
    shp = shm_obtain_object_check(current.machine, id, "sys_shmctl")
    if cmd == IPC_STAT:
        ipcperms(current, shp, 0o444)
        return shmid_ds(shp.shm_segsz, shp.shm_nattch, shp.mode)
    if cmd == IPC_RMID:
        do_shm_rmid(current, shp)
    else:
        shmctl_do_lock(current, shp, cmd == SHM_LOCK)
    return None


def do_shm_rmid(current: task_struct, shp: shmid_kernel) -> None:
    """Remove a segment: at once, or with its last detach; its key is free at once: v4.4, same name. EPERM."""
    if current.uid not in (0, shp.uid):
        raise failure(EPERM, "ipcctl_pre_down_nolock", f"{shp.name} is of uid {shp.uid}, not {current.uid}")
    if shp.shm_nattch:
        shp.mode |= SHM_DEST
        shp.key = IPC_PRIVATE
    else:
        shm_destroy(current.machine, shp)


def shmctl_do_lock(current: task_struct, shp: shmid_kernel, lock: bool) -> None:
    """Keep a segment's pages in memory, or no longer: 4.17, same name. EPERM; ENOMEM over RLIMIT_MEMLOCK."""
    segments, limit = current.machine.shm_ids.segments.values(), current.rlim[RLIMIT_MEMLOCK] >> PAGE_SHIFT
    if current.uid not in (0, shp.uid) or (lock and current.uid != 0 and not current.rlim[RLIMIT_MEMLOCK]):
        raise failure(EPERM, "shmctl_do_lock", f"{shp.name} is of uid {shp.uid}, or RLIMIT_MEMLOCK is 0")
    pages = sum(PAGE_ALIGN(s.shm_segsz) >> PAGE_SHIFT for s in segments if s is shp or s.mode & SHM_LOCKED)
    if lock and pages > limit and current.uid != 0:
        raise failure(ENOMEM, "user_shm_lock", f"{pages} locked pages > RLIMIT_MEMLOCK = {limit} pages")
    shp.mode = shp.mode | SHM_LOCKED if lock else shp.mode & ~SHM_LOCKED
