"""Limits of a process: kernel/sys.c (v4.4)."""

from __future__ import annotations

from errno import EINVAL

from ..include.errors import failure
from ..include.sched import task_struct


def sys_setrlimit(current: task_struct, resource: int, soft: int) -> None:
    """Set a soft limit: kernel/sys.c:do_prlimit (v4.4). EINVAL for a limit that this machine does not have."""
    if resource not in current.rlim:
        raise failure(EINVAL, "do_prlimit", f"resource = {resource}: known are {sorted(current.rlim)}")
    current.rlim[resource] = soft
