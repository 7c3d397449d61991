"""When no frame is free and none can be freed, a process must go: mm/oom_kill.c (v4.4).

Not the one that asks: the one whose end frees most. This is why a program can end although it did nothing wrong.
"""

from __future__ import annotations

from ..include.errors import KernelBug, OutOfMemory
from ..include.mmzone import OOM_KILL, machine
from ..include.sched import SIGKILL, task_struct
from ..kernel.exit import do_exit


def oom_badness(task: task_struct) -> int:
    """Count the pages that the end of the process would give back, at most: v4.4, same name.

    Its resident pages, the ones shared with others too, and its page tables. (Root's 3 % off ended with 4.17;
    /proc/PID/oom_score_adj is left out.)
    """
    return sum(task.mm.rss_stat.values()) + task.mm.nr_ptes


def select_bad_process(machine: machine) -> task_struct:
    """Choose the process with the most points; of equals, the youngest (4.4: the oldest): v4.4, same name."""
    if not machine.tasks:
        raise KernelBug("out_of_memory: Out of memory and no killable processes...")
    return max(reversed(machine.tasks.values()), key=oom_badness)


def out_of_memory(machine: machine) -> None:
    """Kill a process, so that its memory becomes free: v4.4, same name.

    If it is the one that asks, OutOfMemory ends its system call or its access, half done as it is. (In the kernel, it
    is allowed the last reserves to get there.)
    """
    victim = select_bad_process(machine)
    oom_kill_process(victim)
    if victim is machine.current:
        raise OutOfMemory(victim.comm, victim.pid)


def oom_kill_process(victim: task_struct) -> None:
    """Send the process SIGKILL, which it cannot survive: v4.4, same name."""
    victim.machine.vm_stat[OOM_KILL] += 1
    do_exit(victim, 128 + SIGKILL)
