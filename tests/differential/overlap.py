"""What a read(2) into, or a write(2) from, a mapping of the very bytes of its file gives is the processor's own matter.

Linux copies by `rep movsb`, forwards; how many bytes at a time is for the processor to choose, so where source and
destination overlap the result is no rule of the kernel's. Such steps are left out of programs on both kernels.
"""

import contextlib
import os

F_GETFL, O_APPEND, SEEK_CUR = 3, 0o2000, 1


def overlaps(proc, name, fd, address, count):
    """Tell whether the bytes of the file that the call is about are mapped where it copies them to or from."""
    with contextlib.suppress(OSError):
        status, start = proc.fstat(fd), proc.lseek(fd, 0, SEEK_CUR)
        if name == "sys_write" and proc.fcntl(fd, F_GETFL) & O_APPEND:
            start = status.st_size
        device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
        for line in str(proc.maps()).splitlines():
            addresses, _, offset, *which = line.split()[:5]
            low, high = (int(edge, 16) for edge in addresses.split("-"))
            to_file = int(offset, 16) - low
            first, last = max(low, address) + to_file, min(high, address + count) + to_file
            if which == [device, str(status.st_ino)] and max(first, start) < min(last, start + count):
                return True
    return False
