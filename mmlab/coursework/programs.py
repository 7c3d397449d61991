"""A program as the list of its calls: recorded where it runs, run again where it is judged.

What an answer says of its own run is not believed: a check has it recorded in the sandbox, and replays the calls on a
machine of its own, where it can look at everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import signature
from typing import Any

from mmlab.include.errors import KernelBug, MemoryFault, OutOfMemory
from mmlab.machine import Kernel
from mmlab.process import Process

OF_KERNEL = {"spawn", "drop_caches", "meminfo", "vmstat"}
OF_PROCESS = {
    *("open", "close", "dup", "read", "write", "pread", "pwrite", "lseek", "fstat", "ftruncate", "fsync", "unlink"),
    *("mmap", "munmap", "mprotect", "mremap", "madvise", "msync", "mincore", "load", "store", "memcpy"),
    *("shmget", "shmat", "shmdt", "shmctl", "memfd_create", "fcntl", "fallocate"),
    *("pagemap", "fincore", "maps", "smaps", "getrusage", "fork", "exit"),
}
SIZES = {  # which arguments say how much work a call may be
    "read": (1,), "pread": (1, 2), "pwrite": (2,), "lseek": (1,), "ftruncate": (1,), "mmap": (1,), "mremap": (1, 2),
    "madvise": (1,), "msync": (1,), "mincore": (1,), "load": (1,), "memcpy": (2,), "shmget": (1,), "fallocate": (3,),
}  # fmt: skip
LARGEST = 16 << 20  # bytes
MEMORY = 64 << 20  # bytes of the machine that replays
REFUSALS = (OSError, MemoryFault, OutOfMemory, KernelBug, TypeError, ValueError)

Call = tuple[int, str, tuple[Any, ...], dict[str, Any]]  # whose (0: the kernel's, n: the n-th process's), which, with


class Recorder:
    """A kernel, or one of its processes, that does what it is told and writes each call down."""

    def __init__(self, target: Any, calls: list[Call], everybody: list[Any]) -> None:
        self._target, self._calls, self._everybody, self._number = target, calls, everybody, len(everybody)
        everybody.append(self)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._calls.append((self._number, name, arguments, named))
            result = found(*arguments, **named)
            return Recorder(result, self._calls, self._everybody) if isinstance(result, Process) else result

        return call


def record(
    program: Callable[..., Any], *arguments: Any, kernel: Kernel | None = None,
    ends: tuple[type[Exception], ...] = (OSError, MemoryFault),
) -> list[Call]:
    """Run program(kernel, …), on a fresh machine unless one is given, and give the calls that it makes.

    `ends`: the errors that may end it, as they would any program that does not handle them.
    """
    calls: list[Call] = []
    with suppress(*ends):
        program(Recorder(kernel or Kernel(mem=MEMORY), calls, []), *arguments)
    return calls


def replay(kernel: Any, calls: list[Call]) -> Iterator[object]:
    """Make the calls again, and give what comes of each: a value, or the text of an error.

    ValueError: no call that is judged, or one that is too large.
    """
    everybody: list[Any] = [kernel]
    for who, name, arguments, named in calls:
        judged(who, name, arguments, named)
        try:
            result = getattr(everybody[who], name)(*arguments, **named)
        except REFUSALS as error:
            yield f"{type(error).__name__}: {error}"
            continue
        if name in ("spawn", "fork"):
            everybody.append(result)
        yield result if isinstance(result, int | bytes) else str(result)


def judged(who: int, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    """ValueError unless the call is one that can be judged."""
    if name not in (OF_PROCESS if who else OF_KERNEL):
        raise ValueError(f"`{name}` is no call that can be judged here")
    if name not in SIZES:
        return
    with suppress(TypeError):  # of wrong arguments the call itself will tell
        found = list(signature(getattr(Process, name)).bind(None, *arguments, **named).arguments.values())[1:]
        if any(isinstance(found[at], int) and found[at] > LARGEST for at in SIZES[name] if at < len(found)):
            raise ValueError(f"a `{name}` of more than {LARGEST >> 20} MiB is too large to be judged here")
