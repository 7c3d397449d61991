"""The programs of scenarios.py on the real kernel: python real_linux.py DISK_FOLDER TMPFS_FOLDER < programs > answers.

Each program runs in a forked child. A load or store is one instruction of machine code, with a getrusage before and
after it, so that the count of its faults is exact; a signal handler notes SIGSEGV or SIGBUS and steps over it.
"""

import ctypes
import json
import mmap
import os
import re
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scenarios import BIG_BYTES, FILE_BYTES, PAGE, PAGES, SPARSE_SIZE, play

ARENA = 1 << 40
MMAP, MUNMAP, PRCTL = 9, 11, 157  # system calls
PR_SET_THP_DISABLE, SA_SIGINFO, REG_RIP, NGREG_AT = 41, 4, 16, 40
MINFLT, MAJFLT = 8, 9  # words of struct rusage
CODE = bytes.fromhex(
    "53 4889fb 52 51"  # push rbx; mov rbx, rdi; push rdx; push rcx
    "b862000000 bf01000000 0f05 59"  # getrusage(RUSAGE_THREAD, rsi); pop rcx
    "8a03 88c1 5e 51"  # mov al, [rbx]; mov cl, al; pop rsi; push rcx
    "b862000000 bf01000000 0f05 58 5b c3"  # getrusage(RUSAGE_THREAD, rsi); pop rax; pop rbx; ret
)
LOAD = CODE  # of 0x8a03: one byte
STORE = CODE.replace(bytes.fromhex("8a0388c1"), bytes.fromhex("880b9090"))  # mov [rbx], cl; nop; nop
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def syscall(number, *args):
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_ulong(arg & 2**64 - 1) for arg in args))
    if result == -1:
        raise OSError(ctypes.get_errno(), "")
    return result & 2**64 - 1


class Access:
    """The two machine-code functions, and the handler of their signals."""

    def __init__(self):
        self.code = mmap.mmap(-1, PAGE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.code.write(LOAD.ljust(256, b"\x90") + STORE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.code))
        kind = ctypes.CFUNCTYPE(ctypes.c_ubyte, *[ctypes.c_void_p] * 3, ctypes.c_ubyte)
        self.load, self.store = kind(start), kind(start + 256)
        self.before, self.after = (ctypes.c_long * 32)(), (ctypes.c_long * 32)()
        self.signal = None
        self.handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(self.caught)
        action = (ctypes.c_ulong * 20)(ctypes.cast(self.handler, ctypes.c_void_p).value)
        action[17] = SA_SIGINFO  # struct sigaction of glibc: the handler, 128 bytes of mask, the flags
        for number in (signal.SIGSEGV, signal.SIGBUS):
            libc.sigaction(number, action, None)

    def caught(self, number, info, context):
        """Note the signal, and go on after the instruction, which has two bytes."""
        code = ctypes.c_int.from_address(info + 8).value
        address = ctypes.c_ulong.from_address(info + 16).value
        self.signal = [signal.Signals(number).name, code, address - ARENA]
        ctypes.c_ulong.from_address(context + NGREG_AT + 8 * REG_RIP).value += 2

    def __call__(self, function, address, value):
        self.signal = None
        byte = function(ARENA + address, ctypes.addressof(self.before), ctypes.addressof(self.after), value)
        if self.signal:
            return ["signal", *self.signal]
        faults = [self.after[field] - self.before[field] for field in (MINFLT, MAJFLT)]
        return ["ok", byte, *faults]


class Linux:
    """The calls of a program, on the real kernel."""

    def __init__(self, disk, tmpfs):
        self.paths = {"disk": f"{disk}/disk", "sparse": f"{disk}/sparse", "dir": disk}
        self.paths |= {"tmpfs": f"{tmpfs}/tmpfs", "big": f"{tmpfs}/big"}
        self.paths |= {"null": "/dev/null", "zero": "/dev/zero", "maps": "/proc/self/maps"}
        self.fds = {}
        self.access = Access()
        syscall(PRCTL, PR_SET_THP_DISABLE, 1, 0, 0, 0)
        scratch = syscall(MMAP, ARENA + 511 * PAGE, PAGE, 3, 0x32, -1, 0)
        ctypes.memset(scratch, 1, 1)  # the arena has its page table, on any kernel
        for name, data in (("disk", FILE_BYTES), ("tmpfs", FILE_BYTES), ("big", BIG_BYTES)):
            Path(self.paths[name]).unlink(missing_ok=True)  # a file truncated and written anew is flushed at close
            fd = os.open(self.paths[name], os.O_CREAT | os.O_RDWR | os.O_EXCL)
            for start in range(0, len(data), PAGE):
                os.pwrite(fd, data[start : start + PAGE], start)
            os.close(fd)
        Path(self.paths["sparse"]).write_bytes(b"")
        os.truncate(self.paths["sparse"], SPARSE_SIZE)

    def open(self, name, flags):
        self.fds[name] = os.open(self.paths[name], flags)
        return ["ok"]

    def close(self, name):
        os.close(self.fds[name])
        return ["ok"]

    def unlink(self, name):
        os.unlink(self.paths[name])
        return ["ok"]

    def ftruncate(self, name, size):
        os.ftruncate(self.fds[name], size)
        return ["ok"]

    def pwrite(self, name, offset):
        return ["ok", os.pwrite(self.fds[name], b"W", offset)]

    def pread(self, name, offset):
        return ["ok", list(os.pread(self.fds[name], 1, offset))]

    def mmap(self, address, length, prot, flags, file, offset):
        place = address[1] if isinstance(address, list) else ARENA + address
        fd = -1 if file is None else self.fds.get(file, file)
        result = syscall(MMAP, place, length, prot, flags, fd, offset) - ARENA
        return ["ok", result if 0 <= result < PAGES * PAGE else "elsewhere"]

    def munmap(self, address, length):
        syscall(MUNMAP, address[1] if isinstance(address, list) else ARENA + address, length)
        return ["ok"]

    def load(self, address):
        return self.access(self.access.load, address, 0)

    def store(self, address, value):
        return self.access(self.access.store, address, value)

    def maps(self):
        return arena_lines(Path("/proc/self/maps").read_text(), ARENA)

    def pages(self):
        """One letter for each page of the arena: File, Anonymous, or nothing."""
        with open("/proc/self/pagemap", "rb", buffering=0) as pagemap:
            entries = memoryview(os.pread(pagemap.fileno(), 8 * PAGES, ARENA // PAGE * 8)).cast("Q")
        letters = ("F" if entry >> 61 & 1 else "A" if entry >> 63 else "." for entry in entries)
        return "".join(letters).rstrip(".")


def arena_lines(text, arena):
    """Give the lines of /proc/PID/maps in the arena: its pages, permissions, offset, and the name's last part."""
    lines = []
    for line in text.splitlines():
        start, end, perms, offset, name = re.match(r"(\w+)-(\w+) (\S+) (\w+) \S+ \d+ *(.*)", line).groups()
        first, last = (int(start, 16) - arena) // PAGE, (int(end, 16) - arena) // PAGE
        if 0 <= first < PAGES:
            lines.append(f"{first}-{last} {perms} {offset} {name.rpartition('/')[2]}")
    return lines


def main(disk, tmpfs):
    for program in json.load(sys.stdin):
        child = os.fork()
        if child == 0:
            print(json.dumps(play(program, Linux(disk, tmpfs))), flush=True)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status:
            print(json.dumps([f"the program ended with status {status}"]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
