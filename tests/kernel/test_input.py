"""What if a program passes nonsense? TypeError names the argument; any number is answered; the kernel stays whole."""

import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlab import Kernel as Machine
from mmlab import MemoryFault, Process
from tests.kernel.helpers import ARENA, MEMORY, PAGE, RW, at, map_at, unchanged

ARGUMENTS = {  # each method with good arguments
    "open": {"path": "/data/book.txt", "flags": 0, "mode": 0o644},
    "close": {"fd": 0},
    "dup": {"fd": 0},
    "read": {"fd": 0, "count": 10},
    "write": {"fd": 0, "data": b"#"},
    "pread": {"fd": 0, "count": 10, "offset": 0},
    "pwrite": {"fd": 0, "data": b"#", "offset": 0},
    "sys_read": {"fd": 0, "addr": ARENA, "count": 10},
    "sys_write": {"fd": 0, "addr": ARENA, "count": 10},
    "memfd_create": {"name": "f", "flags": 1},
    "fcntl": {"fd": 0, "cmd": 3, "arg": 0},
    "lseek": {"fd": 0, "offset": 0, "whence": 0},
    "fstat": {"fd": 0},
    "ftruncate": {"fd": 0, "length": 0},
    "fallocate": {"fd": 0, "mode": 0, "offset": 0, "length": PAGE},
    "fsync": {"fd": 0},
    "mkdir": {"path": "/data/d"},
    "unlink": {"path": "/data/book.txt"},
    "mmap": {"addr": 0, "length": PAGE, "prot": RW, "flags": MEMORY, "fd": -1, "offset": 0},
    "munmap": {"addr": ARENA, "length": PAGE},
    "mprotect": {"addr": ARENA, "length": PAGE, "prot": RW},
    "mremap": {"old_addr": ARENA, "old_size": PAGE, "new_size": 2 * PAGE, "flags": 0, "new_addr": 0},
    "madvise": {"addr": ARENA, "length": PAGE, "advice": 4},
    "msync": {"addr": ARENA, "length": PAGE, "flags": 4},
    "mincore": {"addr": ARENA, "length": PAGE},
    "mlock": {"addr": ARENA, "length": PAGE, "flags": 0},
    "munlock": {"addr": ARENA, "length": PAGE},
    "brk": {"addr": 0},
    "shmget": {"key": 0, "size": PAGE, "flags": 0o600},
    "shmat": {"id": 0, "addr": ARENA, "flags": 0},
    "shmdt": {"addr": ARENA},
    "shmctl": {"id": 0, "cmd": 2},
    "load": {"addr": ARENA, "n": 1},
    "store": {"addr": ARENA, "data": b"#"},
    "memcpy": {"dst": ARENA, "src": ARENA, "n": 1},
    "pagemap": {"addr": ARENA},
    "fincore": {"fd": 0},
    "setrlimit": {"resource": 3, "soft": 8 << 20},
    "setuid": {"uid": 0},
    "exit": {"code": 0},
}
CALLS = [(method, argument) for method, arguments in ARGUMENTS.items() for argument in arguments]


def test_every_method_is_in_the_table():
    """A method added later must be added here: none may fall through the nonsense."""
    methods = {
        name: list(inspect.signature(method).parameters)[1:]
        for name, method in inspect.getmembers(Process, inspect.isfunction)
        if not name.startswith("_")
    }
    assert {name for name, parameters in methods.items() if parameters} == set(ARGUMENTS)
    assert all(methods[name] == list(arguments) for name, arguments in ARGUMENTS.items())


@pytest.mark.parametrize(("method", "argument"), CALLS)
@pytest.mark.parametrize("nonsense", [None, 1.5, [], object()], ids=lambda value: type(value).__name__)
def test_what_if_an_argument_has_the_wrong_type(kernel, proc, method, argument, nonsense):
    arguments = {**ARGUMENTS[method], argument: nonsense}
    with unchanged(kernel), pytest.raises(TypeError, match=f"^{argument} must be "):
        getattr(proc, method)(**arguments)


@pytest.mark.parametrize(("method", "argument"), [("load", "n"), ("memcpy", "n")])
def test_what_if_a_length_is_negative(kernel, proc, method, argument):
    with unchanged(kernel), pytest.raises(ValueError, match=f"^{argument} = -1: must not be negative"):
        getattr(proc, method)(**{**ARGUMENTS[method], argument: -1})


def test_what_if_a_bool_or_a_numpy_like_integer_is_passed(proc):
    class Integer:
        def __index__(self):
            return PAGE

    assert proc.mmap(0, Integer(), RW, MEMORY, False) % PAGE == 0


# ── any numbers at all ──────────────────────────────────────────────────────────────────────────────────────

EDGES = [0, 1, -1, 2, PAGE - 1, PAGE, PAGE + 1, -PAGE, ARENA, at(3), at(3) + 1, 0x7FFFFFFFF000, 0x7FFFFFFFE000]
EDGES += [1 << n for n in (12, 16, 31, 32, 46, 47, 48, 52, 62, 63, 64, 70)] + [(1 << 63) - PAGE, (1 << 64) - PAGE]
number = st.sampled_from(EDGES) | st.integers(-(2**70), 2**70) | st.integers(-5, 40)
small = st.integers(-2, 3 * PAGE)
flags = st.sampled_from([0x01, 0x02, 0x03, 0x11, 0x12, 0x22, 0x21, 0x32, 0x31, 0x100022, 0x2022, 0x8022]) | number
prot = st.integers(0, 7) | number
fd = st.integers(-1, 12)
path = st.sampled_from(["/data/book.txt", "/tmp/f", "/ram/f", "/dev/zero", "/dev/vda", "/dev/null", "/data", "/", "",
                        "/proc/meminfo", "/data/new", "/none/f", "/proc/self/maps", "/usr/bin/fuzzed"])  # fmt: skip
address = st.integers(0, 63).map(lambda page: at(page)) | number
VALUES = {
    "path": path,
    "flags": flags,
    "mode": st.just(0o644),
    "fd": fd,
    "count": small | st.sampled_from([-1, 2**63]),
    "data": st.binary(max_size=20) | st.just(bytes(2 * PAGE)),
    "offset": small | number,
    "whence": st.integers(-1, 3),
    "name": st.sampled_from(["f", "", "n" * 249, "n" * 250]),
    "arg": st.integers(0, 64) | number,
    "length": st.integers(1, 64).map(lambda pages: pages * PAGE) | number,
    "addr": address,
    "prot": prot,
    "n": st.integers(0, 3 * PAGE),
    "dst": address,
    "src": address,
    "code": st.just(0),
    "old_addr": address,
    "new_addr": address,
    "old_size": small | number,
    "new_size": small | number,
    "advice": st.integers(0, 26) | number,
    "resource": st.integers(0, 15),
    "soft": number,
    "key": st.sampled_from([0, 1, 2]) | number,
    "size": small | number,
    "id": st.integers(-1, 3),
    "cmd": st.sampled_from([0, 2, 2, 3, 11, 12, 1033, 1033, 1034, 99, -1]),
    "uid": st.sampled_from([0, 0, 0, 1000]),
}
OPEN_FLAGS = st.integers(0, 3) | st.sampled_from([0o102, 0o101, 0o1002, 0o2001, 0o302, 0o200000]) | number


@st.composite
def calls(draw):
    often = ["mmap", "mmap", "store", "load", "munmap", "pipe"]
    method = draw(st.sampled_from([name for name in ARGUMENTS if name != "exit"] + often))
    known = {**VALUES, "flags": {"open": OPEN_FLAGS, "memfd_create": st.integers(0, 32)}.get(method, flags)}
    return method, {name: draw(known[name]) for name in ARGUMENTS.get(method, ())}


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.lists(calls(), min_size=5, max_size=25))
def test_what_if_a_program_calls_anything_with_any_number(program):
    kernel = Machine()
    proc = kernel.spawn("fuzzed")
    for name in ("/data/book.txt", "/tmp/f", "/ram/f", "/dev/zero", "/dev/vda"):
        proc.open(name, 0o102)
    map_at(proc, 0, 8, RW, MEMORY)
    for method, values in program:
        try:
            getattr(proc, method)(**values)
        except (OSError, MemoryFault) as error:
            assert not isinstance(error, OSError) or error.errno
        kernel.check()
    proc.exit()
    kernel.check()
    assert kernel.meminfo()["AnonPages"] == kernel.meminfo()["Mapped"] == kernel.meminfo()["PageTables"] == 0
