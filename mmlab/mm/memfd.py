"""Files in memory without a name, and seals, which forbid for good what may be done with them: mm/memfd.c (4.17).

(Until 4.17: mm/shmem.c.) A seal is a promise to whoever else has the file: what F_SEAL_WRITE says, nobody can undo.
"""

from __future__ import annotations

from errno import EINVAL, ENOSYS, EPERM

from ..fs.file_table import fd_install, get_unused_fd
from ..include.errors import failure
from ..include.fs import FMODE_WRITE, file, file_inode, mapping_deny_writable
from ..include.mm import VM_MAYWRITE, VM_NORESERVE, VM_SHARED, VM_WRITE
from ..include.mman import (
    F_ADD_SEALS, F_SEAL_EXEC, F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE,
    MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_EXEC, MFD_HUGE_MASK, MFD_HUGETLB, MFD_NOEXEC_SEAL, O_LARGEFILE, O_RDWR,
)
from ..include.sched import task_struct
from ..include.shmem_fs import SHMEM_I, shmem_inode_info
from .shmem import shmem_file, shmem_file_setup

F_WRITE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE
F_ALL_SEALS = F_SEAL_SEAL | F_SEAL_EXEC | F_WRITE_SEALS
MFD_ALL_FLAGS = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC
MFD_NAME_MAX_LEN = 255 - len("memfd:")  # bytes

# ── seals ───────────────────────────────────────────────────────────────────────────────────────────────────


def memfd_info(file: file, function: str) -> shmem_inode_info:
    """Find where the file's seals are: mm/memfd.c:memfd_file_seals_ptr (4.17). EINVAL for a file outside tmpfs."""
    if not shmem_file(file):
        raise failure(EINVAL, function, f"{file.f_path.d_name} is no file of tmpfs")
    return SHMEM_I(file_inode(file))


def memfd_add_seals(file: file, seals: int) -> int:
    """Add seals: 4.17, same name. EPERM if read-only or sealed against more seals; EINVAL; EBUSY while written to.

    On a file that may be executed, F_SEAL_EXEC brings all that keep its contents, too.
    """
    if not file.f_mode & FMODE_WRITE:
        raise failure(EPERM, "memfd_add_seals", "f_mode has no FMODE_WRITE")
    if seals & ~F_ALL_SEALS:
        raise failure(EINVAL, "memfd_add_seals", f"seals = {seals:#x} has unknown bits")
    info = memfd_info(file, "memfd_add_seals")
    if info.seals & F_SEAL_SEAL:
        raise failure(EPERM, "memfd_add_seals", f"seals = {info.seals:#x} has F_SEAL_SEAL")
    if seals & F_SEAL_EXEC and file_inode(file).i_mode & 0o111:
        seals |= F_WRITE_SEALS
    if seals & ~info.seals & F_SEAL_WRITE:
        mapping_deny_writable(file.f_mapping)
    info.seals |= seals
    return 0


def memfd_fcntl(file: file, cmd: int, arg: int) -> int:
    """Add seals, or give those that there are: 4.17, same name."""
    if cmd == F_ADD_SEALS:
        return memfd_add_seals(file, arg)
    return memfd_info(file, "memfd_get_seals").seals


def memfd_check_seals_mmap(file: file, vm_flags: int) -> int:
    """Give the mapping's flags, so that it can never break a seal against writing: 6.14, same name. EPERM.

    A shared mapping loses VM_MAYWRITE; so since 6.7 a file that is sealed may be mapped shared, to read it. (Until 6.14
    shmem_mmap saw to this.)
    """
    seals = SHMEM_I(file_inode(file)).seals if shmem_file(file) else 0
    if not (vm_flags & VM_SHARED and seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)):
        return vm_flags
    if vm_flags & VM_WRITE:
        raise failure(EPERM, "memfd_check_seals_mmap", f"a shared writable mapping, and seals = {seals:#x}")
    return vm_flags & ~VM_MAYWRITE


# ── memfd_create ────────────────────────────────────────────────────────────────────────────────────────────


def sys_memfd_create(current: task_struct, name: str, flags: int) -> int:
    """Open a new, empty file in memory that no directory names: mm/memfd.c:sys_memfd_create (4.17).

    EINVAL, EMFILE; ENOSYS for huge pages, which this machine does not have. Without MFD_ALLOW_SEALING it is sealed
    against seals; MFD_NOEXEC_SEAL leaves the x bits out for good, but allows other seals.
    """
    known = MFD_ALL_FLAGS | (MFD_HUGE_MASK if flags & MFD_HUGETLB else 0)
    if flags & ~known or (flags & MFD_EXEC and flags & MFD_NOEXEC_SEAL):
        raise failure(EINVAL, "sys_memfd_create", f"flags = {flags:#x}")
    if (size := len(name.encode(errors="surrogateescape"))) > MFD_NAME_MAX_LEN:
        raise failure(EINVAL, "sys_memfd_create", f"the name has {size} bytes, more than {MFD_NAME_MAX_LEN}")
    fd = get_unused_fd(current)
    if flags & MFD_HUGETLB:
        raise failure(ENOSYS, "hugetlb_file_setup", "this kernel is built without CONFIG_HUGETLBFS")
    file = shmem_file_setup(current.machine, f"memfd:{name}", 0, VM_NORESERVE)
    file.f_flags = O_RDWR | O_LARGEFILE
    info = SHMEM_I(file_inode(file))
    if flags & MFD_NOEXEC_SEAL:
        file_inode(file).i_mode &= ~0o111
        info.seals = F_SEAL_EXEC
    elif flags & MFD_ALLOW_SEALING:
        info.seals = 0
    fd_install(current, fd, file)
    return fd
