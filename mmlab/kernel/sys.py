"""Limits of a process: kernel/sys.c (v4.4)."""

from __future__ import annotations

from errno import EINVAL

from ..include.errors import failure
from ..include.sched import HARD_RLIMITS, task_struct


def sys_setrlimit(current: task_struct, resource: int, soft: int) -> None:
    """Set a soft limit; the hard one stays: kernel/sys.c:do_prlimit (v4.4). EINVAL above it, or without such a limit.

    (EPERM is for who would raise the hard one without being root.)
    """
    if resource not in current.rlim:
        raise failure(EINVAL, "do_prlimit", f"resource = {resource} is not below RLIM_NLIMITS = {len(current.rlim)}")
    if soft > HARD_RLIMITS[resource]:
        raise failure(EINVAL, "do_prlimit", f"rlim_cur = {soft} > rlim_max = {HARD_RLIMITS[resource]}")
    current.rlim[resource] = soft
