"""The real kernel, by the same calls: `Kernel().spawn(name)` gives a Process that really calls mmap(2).

>>> from mmlab import linux, MAP_SHARED, O_RDONLY, PROT_READ
>>> kernel = linux.Kernel()                                                        # doctest: +SKIP
>>> proc = kernel.spawn("reader")                                                  # doctest: +SKIP
>>> fd = proc.open("/data/book.txt", O_RDONLY)                                     # doctest: +SKIP
>>> proc.load(proc.mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 4096), 5)              # doctest: +SKIP
b'page1'

Each process is a program of a few instructions (stub.py) that ptrace drives from the thread that made it: nothing but
the operation itself can fault, so fault counts are exact. No compiler and no privilege is needed. Elsewhere than on
Linux on x86-64, Kernel() raises Unavailable; importing this package works everywhere.
"""

from .machine import Kernel, spawn
from .process import Process
from .stub import Unavailable

__all__ = ["Kernel", "Process", "Unavailable", "spawn"]
