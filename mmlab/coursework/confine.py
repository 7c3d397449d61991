"""Shut this process in before it runs a stranger's code: limits, Landlock for files, seccomp for the rest.

None of the three needs a privilege, and none can be taken back. What is left to do: compute, and read what is named.
Linux 5.13 or newer, on x86-64 or 64-bit Arm.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

if sys.platform == "linux":
    import resource

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 24, 38, 22, 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522
LANDLOCK_RULE_PATH_BENEATH, LANDLOCK_CREATE_RULESET_VERSION = 1, 1
EXECUTE, READ_FILE, READ_DIR = 1 << 0, 1 << 2, 1 << 3
RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 5: 0xFFFF}  # from which version of Landlock on: all its rights on files
EPERM, ENOSYS, CLONE_THREAD = 1, 38, 0x10000

# System call numbers: (x86-64, 64-bit Arm); None where there is no such call.
LANDLOCK = {"create_ruleset": 444, "add_rule": 445, "restrict_self": 446}
CAPSET = (126, 91)
CLONE, CLONE3 = (56, 220), (435, 435)
FCNTL, F_SETOWN, F_SETSIG, F_SETOWN_EX = (72, 25), 8, 10, 15  # they let a socket signal any process
FORBIDDEN: dict[str, dict[str, tuple[int | None, int | None]]] = {
    "new programs": {"fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281)},
    "other processes": {
        "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
        "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424),
        "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
        "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "setpriority": (141, 140),
        "sched_setparam": (142, 118), "sched_setscheduler": (144, 119), "sched_setaffinity": (203, 122),
        "sched_setattr": (314, 274), "ioprio_set": (251, 30), "migrate_pages": (256, 238), "move_pages": (279, 239),
        "ioctl": (16, 29),  # FIOSETOWN lets a socket signal any process
    },
    "limits": {"setrlimit": (160, 164), "prlimit64": (302, 261)},
    "the network": {"socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "io_uring_setup": (425, 425)},
    "files by name": {
        "truncate": (76, 45), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
        "chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54), "utime": (132, None),
        "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5),
        "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15),
        "fremovexattr": (199, 16),
    },
    "the system": {
        "mount": (165, 40), "umount2": (166, 39), "unshare": (272, 97), "setns": (308, 268), "chroot": (161, 51),
        "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
        "add_key": (248, 217), "request_key": (249, 218), "shmget": (29, 194), "memfd_create": (319, 279),
        "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "reboot": (169, 142),
    },
}  # fmt: skip
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000  # system calls of another kind, on x86-64


def missing() -> str | None:
    """Say in a sentence why a process cannot be shut in here; None if it can."""
    if sys.platform != "linux" or platform.machine() not in AUDIT_ARCH:
        return f"it needs Linux on x86-64 or 64-bit Arm; this is {platform.system()} on {platform.machine()}"
    if landlock_version() < 1:
        return f"it needs Linux 5.13 with Landlock switched on; this is Linux {platform.release()} without"
    return None


def confine(readable: Iterable[Path], memory: int, seconds: int) -> None:
    """Take from this process all but reading beneath `readable`, `memory` bytes and `seconds` of processor time.

    OSError if the kernel refuses.
    """
    for limit, value in (
        (resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 64),
    ):  # fmt: skip
        resource.setrlimit(limit, (value, value))
    drop_capabilities()
    check(libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    allow_reading(readable)
    forbid_system_calls()


def libc() -> ctypes.CDLL:
    """The C library; its calls leave errno behind."""
    return ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> int:
    """Give the result of a system call; OSError if it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def drop_capabilities() -> None:
    """Make root an ordinary user, who owns root's files."""
    for capability in range(64):
        libc().prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("=Ii", LINUX_CAPABILITY_VERSION_3, 0)
    number = CAPSET[platform.machine() == "aarch64"]
    check(libc().syscall(number, header, bytes(24)), "capset")


# ── files: Landlock ─────────────────────────────────────────────────────────────────────────────────────────


def landlock_version() -> int:
    """The version of Landlock that the kernel speaks; -1 without."""
    size = ctypes.c_size_t(0)
    return int(libc().syscall(LANDLOCK["create_ruleset"], None, size, LANDLOCK_CREATE_RULESET_VERSION))


def allow_reading(folders: Iterable[Path]) -> None:
    """Allow reading and mapping of what lies beneath the folders, and nothing else of any file system."""
    version = landlock_version()
    handled = RIGHTS[max(number for number in RIGHTS if number <= version)]
    attributes = struct.pack("=Q", handled)
    size = ctypes.c_size_t(len(attributes))
    ruleset = check(libc().syscall(LANDLOCK["create_ruleset"], attributes, size, 0), "landlock_create_ruleset")
    for folder in folders:
        try:
            parent = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        rights = EXECUTE | READ_FILE | (READ_DIR if folder.is_dir() else 0)
        rule = struct.pack("=Qi", rights, parent)
        check(libc().syscall(LANDLOCK["add_rule"], ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0), f"Landlock, {folder}")
        os.close(parent)
    check(libc().syscall(LANDLOCK["restrict_self"], ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


# ── system calls: seccomp ───────────────────────────────────────────────────────────────────────────────────

LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24  # where they stand in struct seccomp_data
KILL, ALLOW, FAIL = 0x80000000, 0x7FFF0000, 0x00050000


def forbid_system_calls() -> None:
    """Let the forbidden system calls fail with EPERM, clone too unless it makes a thread."""
    program = b"".join(struct.pack("=HBBI", *each) for each in instructions())
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    check(libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0), "seccomp")


def instructions() -> list[tuple[int, int, int, int]]:
    """The filter: (operation, jump if true, jump if false, value) each.

    clone3 hides its flags from a filter; without it (ENOSYS) the C library makes its threads by clone.
    """
    machine = platform.machine()
    column = machine == "aarch64"
    numbers = [call[column] for group in FORBIDDEN.values() for call in group.values()]
    program = [
        (LOAD, 0, 0, ARCHITECTURE), (JUMP_IF_EQUAL, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER), (JUMP_IF_AT_LEAST, 0, 1, X32), (RETURN, 0, 0, KILL),
        (JUMP_IF_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, FAIL | ENOSYS),
    ]  # fmt: skip
    for number in numbers:
        if number is not None:
            program += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, FAIL | EPERM)]
    return [
        *program,
        (JUMP_IF_EQUAL, 0, 5, FCNTL[column]), (LOAD, 0, 0, SECOND_ARGUMENT), (JUMP_IF_EQUAL, 6, 0, F_SETOWN),
        (JUMP_IF_EQUAL, 5, 0, F_SETSIG), (JUMP_IF_EQUAL, 4, 0, F_SETOWN_EX), (RETURN, 0, 0, ALLOW),
        (JUMP_IF_EQUAL, 0, 3, CLONE[column]), (LOAD, 0, 0, FIRST_ARGUMENT), (JUMP_IF_SET, 1, 0, CLONE_THREAD),
        (RETURN, 0, 0, FAIL | EPERM), (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
