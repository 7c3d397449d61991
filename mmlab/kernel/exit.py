"""A process ends: kernel/exit.c (v4.4)."""

from __future__ import annotations

from ..fs.binfmt_elf import mmput
from ..fs.file_table import fput
from ..fs.proc import proc_flush_task
from ..include.sched import task_struct


def do_exit(current: task_struct, code: int) -> None:
    """End the process: its memory, then its open files: kernel/exit.c:do_exit (v4.4)."""
    current.exit_code = code
    mmput(current.mm)
    for fd in list(current.files):
        fput(current.files.pop(fd))
    proc_flush_task(current)
    del current.machine.tasks[current.pid]
