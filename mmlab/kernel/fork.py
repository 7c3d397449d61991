"""A process begins: kernel/fork.c (v4.4)."""

from __future__ import annotations

from ..fs.binfmt_elf import mm_alloc
from ..fs.proc import proc_pid_instantiate
from ..include.mmzone import machine
from ..include.sched import task_struct


def create_task(machine: machine, comm: str) -> task_struct:
    """Make a process, its memory still empty, and its /proc/PID: kernel/fork.c:copy_process (v4.4), in part."""
    task = task_struct(machine, comm, mm_alloc(machine, comm))
    machine.tasks[task.pid] = task
    proc_pid_instantiate(task)
    return task
