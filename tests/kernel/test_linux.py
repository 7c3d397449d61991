"""What if each program ran on the real kernel? Any difference that it could see is a bug of the simulation."""

import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mmlab import BusError, Kernel, SegmentationFault
from tests.kernel.real_linux import ARENA, arena_lines
from tests.kernel.scenarios import BIG_BYTES, FILE_BYTES, PAGE, PAGES, PROGRAMS, SPARSE_SIZE, play, random_program

O_CREAT_RDWR = 0o102
OLDEST = (6, 12)  # which kernel the simulation follows where kernels differ


class Simulation:
    """The calls of a program, on the simulated kernel."""

    def __init__(self):
        self.kernel = Kernel()
        self.proc = self.kernel.spawn("program")
        self.proc.store(self.proc.mmap(ARENA + 511 * PAGE, PAGE, 3, 0x32), b"x")
        self.fds = {}
        self.paths = {"disk": "/data/disk", "sparse": "/data/sparse", "tmpfs": "/dev/shm/tmpfs", "big": "/dev/shm/big"}
        self.paths |= {"dir": "/data", "null": "/dev/null", "zero": "/dev/zero", "maps": "/proc/self/maps"}
        for name, data in (("disk", FILE_BYTES), ("tmpfs", FILE_BYTES), ("big", BIG_BYTES), ("sparse", b"")):
            fd = self.proc.open(self.paths[name], O_CREAT_RDWR)
            self.proc.write(fd, data)
            self.proc.ftruncate(fd, len(data) or SPARSE_SIZE)
            self.proc.close(fd)

    def open(self, name, flags):
        self.fds[name] = self.proc.open(self.paths[name], flags)
        return ["ok"]

    def close(self, name):
        self.proc.close(self.fds[name])
        return ["ok"]

    def unlink(self, name):
        self.proc.unlink(self.paths[name])
        return ["ok"]

    def ftruncate(self, name, size):
        self.proc.ftruncate(self.fds[name], size)
        return ["ok"]

    def pwrite(self, name, offset):
        return ["ok", self.proc.pwrite(self.fds[name], b"W", offset)]

    def pread(self, name, offset):
        return ["ok", list(self.proc.pread(self.fds[name], 1, offset))]

    def mmap(self, address, length, prot, flags, file, offset):
        place = address[1] if isinstance(address, list) else ARENA + address
        fd = -1 if file is None else self.fds.get(file, file)
        result = self.proc.mmap(place, length, prot, flags, fd, offset) - ARENA
        return ["ok", result if 0 <= result < PAGES * PAGE else "elsewhere"]

    def munmap(self, address, length):
        self.proc.munmap(address[1] if isinstance(address, list) else ARENA + address, length)
        return ["ok"]

    def load(self, address):
        return self.access(lambda: self.proc.load(ARENA + address)[0])

    def store(self, address, value):
        return self.access(lambda: self.proc.store(ARENA + address, bytes([value])) or value)

    def access(self, touch):
        before = self.proc.getrusage()
        try:
            byte = touch()
        except (SegmentationFault, BusError) as fault:
            return ["signal", fault.signal, fault.si_code, fault.address - ARENA]
        after = self.proc.getrusage()
        return ["ok", byte, after.ru_minflt - before.ru_minflt, after.ru_majflt - before.ru_majflt]

    def maps(self):
        return arena_lines(str(self.proc.maps()), ARENA)

    def pages(self):
        states = [self.proc.pagemap(ARENA + page * PAGE) for page in range(PAGES)]
        return "".join("F" if s.file else "A" if s.present else "." for s in states).rstrip(".")


def file_system(path):
    """Name the file system that holds `path`, by the longest mount point above it."""
    mounts = [line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    found = {left.split()[4]: right.split()[0] for left, right in mounts}
    above = [str(folder) for folder in (path, *path.parents) if str(folder) in found]
    return found[above[0]]


def a_folder(kind, *candidates):
    """Make a folder on such a file system; skip the test if none of the candidates is on one."""
    for candidate in map(Path, candidates):
        if candidate.is_dir() and os.access(candidate, os.W_OK) and file_system(candidate.resolve()) == kind:
            return Path(tempfile.mkdtemp(prefix="mmlab-", dir=candidate))
    pytest.skip(f"needs a writable folder on {kind}: none of {', '.join(map(str, candidates))} is one")


@pytest.fixture(scope="module")
def on_linux():
    """A function that gives what the real kernel answers to each of some programs."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("compares with the real kernel: needs Linux on x86-64")
    if tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < OLDEST:
        pytest.skip("compares with the real kernel: needs Linux 6.12 or newer")
    folders = [a_folder("ext4", tempfile.gettempdir(), Path.home(), "."), a_folder("tmpfs", "/dev/shm", "/tmp", "/run")]

    def run(programs):
        command = [sys.executable, Path(__file__).with_name("real_linux.py"), *folders]
        done = subprocess.run(command, input=json.dumps(programs), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    yield run
    for folder in folders:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def answers(on_linux):
    return dict(zip(PROGRAMS, on_linux(list(PROGRAMS.values())), strict=True))


def compare(program, there):
    system = Simulation()
    here = play(program, system)
    system.kernel.check()
    for number, step in enumerate(program):
        assert here[number] == there[number], f"after step {number}, {step}, of {program}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_if_the_program_ran_on_linux(name, answers):
    compare(PROGRAMS[name], answers[name])


def test_what_if_random_programs_ran_on_linux(on_linux):
    rng = random.Random(int(os.environ.get("MMLAB_SEED", 1)))
    programs = [random_program(rng) for _ in range(int(os.environ.get("MMLAB_PROGRAMS", 150)))]
    for program, there in zip(programs, on_linux(programs), strict=True):
        compare(program, there)
