"""How a kernel function fails: include/linux/err.h, and the two signals of a bad access."""

SEGV_MAPERR = 1  # no VMA covers the address
SEGV_ACCERR = 2  # a VMA covers it, but does not allow this access
BUS_ADRERR = 2  # a VMA allows it, but the file has no such page

SI_CODE_NAMES = {
    ("SIGSEGV", SEGV_MAPERR): "SEGV_MAPERR",
    ("SIGSEGV", SEGV_ACCERR): "SEGV_ACCERR",
    ("SIGBUS", BUS_ADRERR): "BUS_ADRERR",
}


class KernelBug(AssertionError):
    """Something that cannot happen has happened inside the simulated kernel: include/asm-generic/bug.h:BUG_ON."""


class MemoryFault(Exception):
    """A signal that an access to memory raised; `address` (bytes), `access` ('load' or 'store'), `si_code`."""

    signal = "?"

    def __init__(self, address: int, access: str, si_code: int, reason: str) -> None:
        self.address, self.access, self.si_code, self.reason = address, access, si_code, reason
        super().__init__(f"{self.signal} ({self.si_name}): {access} at {address:#x}: {reason}")

    @property
    def si_name(self) -> str:
        """The name of `si_code`, as in <asm-generic/siginfo.h>."""
        return SI_CODE_NAMES[self.signal, self.si_code]


class SegmentationFault(MemoryFault):
    """SIGSEGV: no VMA covers the address, or the VMA forbids the access."""

    signal = "SIGSEGV"


class BusError(MemoryFault):
    """SIGBUS: the VMA is there, but its file has no such page."""

    signal = "SIGBUS"


class OutOfMemory(Exception):
    """SIGKILL by the OOM killer, in the middle of a system call or an access: the process is over."""

    signal = "SIGKILL"

    def __init__(self, comm: str, pid: int) -> None:
        super().__init__(f"Out of memory: Killed process {pid} ({comm}): SIGKILL")


def failure(errno: int, function: str, check: str) -> OSError:
    """Make the exception for `return -errno`: Python's own class for that errno, saying which check failed.

    >>> from errno import EACCES
    >>> failure(EACCES, "do_mmap", "f_mode lacks FMODE_WRITE")
    PermissionError(13, 'do_mmap: f_mode lacks FMODE_WRITE')
    """
    return OSError(errno, f"{function}: {check}")
