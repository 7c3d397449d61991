"""What if several processes do anything, in any order? After each step the machine is whole; then nothing is left.

MMLAB_STATEFUL=2000 looks for longer, and then each time elsewhere.
"""

import contextlib
import inspect
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mmlab import Kernel, MemoryFault, Process
from tests.kernel.helpers import PAGE, at

EXAMPLES = int(os.environ.get("MMLAB_STATEFUL", 60))
PAGES = 40  # of the arena
PATHS = ["/data/f", "/data/g", "/dev/shm/f", "/ram/f"]
DEVICES = ["/dev/zero", "/dev/vda", "/data/book.txt", "/proc/self/smaps"]

page = st.integers(0, PAGES - 1)
address = page.map(at)
anywhere = st.builds(lambda page, byte: at(page) + byte, page, st.sampled_from([0, 1, 100, 2048, 4095]))
length = st.integers(1, 16).map(lambda pages: pages * PAGE)
size = st.builds(lambda page, byte: page * PAGE + byte, st.integers(0, 20), st.sampled_from([0, 0, 1, 100, 4095]))
fd = st.integers(3, 10)
prot = st.sampled_from([3, 3, 3, 1, 1, 0, 2, 5, 7])
data = st.sampled_from([b"#", b"some bytes", bytes(range(256)) * 20])
count = st.sampled_from([1, 100, 5000])
kind = st.sampled_from([0x01, 0x02, 0x22, 0x22, 0x21])  # of a file or memory, shared or private
extra = st.sampled_from([0x10] * 8 + [0x100010, 0x8010, 0x4010, 0x2010, 0, 0x1010])
segment = st.integers(0, 3)

CALLS = {  # each method that does something, with its arguments
    "open": (st.sampled_from(PATHS + DEVICES), st.sampled_from([2, 2, 0, 1, 0o102, 0o1002, 0o2002, 0o10000000])),
    "close": (fd,),
    "dup": (fd,),
    "read": (fd, count),
    "write": (fd, data),
    "pread": (fd, count, size),
    "pwrite": (fd, data, size),
    "lseek": (fd, size, st.integers(0, 2)),
    "fstat": (fd,),
    "ftruncate": (fd, size),
    "fallocate": (fd, st.sampled_from([3, 3, 0, 1]), size, length),
    "fsync": (fd,),
    "mkdir": (st.sampled_from(["/data/d", "/tmp/d"]),),
    "unlink": (st.sampled_from(PATHS),),
    "mmap": (address, length, prot, st.builds(int.__or__, kind, extra), fd, page.map(lambda n: n % 12 * PAGE)),
    "munmap": (address, length),
    "mprotect": (address, length, prot),
    "mremap": (address, length, length, st.sampled_from([0, 1, 3, 3, 7, 5]), address),
    "madvise": (address, length, st.sampled_from([4, 4, 8, 9, 0, 1, 2, 3, 10, 11, 16, 17, 18, 19, 22, 23, 24])),
    "msync": (address, length, st.sampled_from([1, 2, 4, 4])),
    "mincore": (address, length),
    "mlock": (address, length, st.integers(0, 1)),
    "munlock": (address, length),
    "brk": (st.sampled_from([0, 0x555555580000, 0x555555590000, 0x5555555A0001]),),
    "load": (anywhere, count),
    "store": (anywhere, data),
    "memcpy": (anywhere, anywhere, count),
    "setrlimit": (st.sampled_from([8, 9]), st.sampled_from([8 << 20, 2**64 - 1, 4 << 10])),
    "setuid": (st.sampled_from([0, 0, 1000]),),
    "memfd_create": (st.just("m"), st.sampled_from([1, 3])),
    "pipe": (),
    "fcntl": (fd, st.sampled_from([1033, 1034]), st.sampled_from([1, 2, 4, 8, 16])),
    "sys_read": (fd, anywhere, count),
    "sys_write": (fd, anywhere, count),
    "shmget": (st.sampled_from([0, 77]), length, st.just(0o1600)),
    "shmat": (segment, address, st.sampled_from([0, 0o40000, 0o10000])),
    "shmdt": (address,),
    "shmctl": (segment, st.sampled_from([0, 2])),
}
OTHERS = {"fork", "exit", "maps", "smaps", "pagemap", "fincore", "getrusage"}  # have a rule of their own, or only look
OFTEN = ["mmap"] * 5 + ["store"] * 5 + ["load"] * 3 + ["mprotect", "mremap", "madvise", "munmap", "pwrite"] * 2
NAMES = [name for name in CALLS if hasattr(Process, name)]
call = st.sampled_from(NAMES + OFTEN).flatmap(lambda name: st.tuples(st.just(name), st.tuples(*CALLS[name])))


def test_every_method_has_a_rule():
    methods = {name for name, _ in inspect.getmembers(Process, inspect.isfunction) if not name.startswith("_")}
    assert methods - set(CALLS) - OTHERS == set()


class Processes(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.kernel = Kernel(mem=64 << 20)
        self.alive = [self.kernel.spawn("first")]
        for path in (*PATHS, *DEVICES[:2]):
            self.alive[0].open(path, 0o102)
        self.alive[0].write(3, bytes(6 * PAGE))

    def process(self, which):
        return self.alive[which % len(self.alive)]

    @rule(which=st.integers(0, 3), step=call)
    def call(self, which, step):
        name, arguments = step
        with contextlib.suppress(OSError, MemoryFault):
            getattr(self.process(which), name)(*arguments)
        if name == "pipe":  # a read of it could wait for ever
            self.close_last_two(self.process(which))

    def close_last_two(self, process):
        for number in sorted(process.task.files)[-2:]:
            process.close(number)

    @precondition(lambda self: len(self.alive) < 4)
    @rule(which=st.integers(0, 3))
    def fork(self, which):
        self.alive.append(self.process(which).fork())

    @precondition(lambda self: len(self.alive) < 4)
    @rule(name=st.sampled_from(["first", "second"]))
    def spawn(self, name):
        try:
            self.alive.append(self.kernel.spawn(name))
        except MemoryFault:
            assert self.kernel.meminfo()["MemFree"] < 4000

    @precondition(lambda self: len(self.alive) > 1)
    @rule(which=st.integers(0, 3))
    def exit(self, which):
        process = self.process(which)
        process.exit()
        self.alive.remove(process)

    @rule()
    def drop_caches(self):
        self.kernel.drop_caches()

    @invariant()
    def whole(self):
        self.kernel.check()

    def teardown(self):
        """End every process, and find nothing of them but cached pages."""
        for process in self.alive:
            process.exit()
        self.kernel.check()
        machine = self.kernel.machine
        for shmid in range(4) if hasattr(Process, "shmctl") else ():
            self.remove_segment(shmid)
        assert machine.tasks == {}
        assert set(machine.slabinfo.values()) == {0}
        meminfo = self.kernel.meminfo()
        assert [meminfo[name] for name in ("AnonPages", "Mapped", "PageTables")] == [0, 0, 0]
        assert meminfo["Committed_AS"] == meminfo["Shmem"]  # files of tmpfs are still there
        in_use = [frame for frame in machine.mem_map[1:] if frame._count]
        assert len(in_use) == machine.vm_stat["nr_file_pages"]
        assert all(frame._count == 1 for frame in in_use)

    def remove_segment(self, shmid):
        """Remove a System V segment, which outlives all processes, by a process that does only that."""
        last = self.kernel.spawn("last")
        with contextlib.suppress(OSError):
            last.shmctl(shmid, 0)
        last.exit()


test_what_if_several_processes_do_anything = Processes.TestCase
test_what_if_several_processes_do_anything.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    database=None,
    derandomize=EXAMPLES == 60,
    suppress_health_check=list(HealthCheck),
)
