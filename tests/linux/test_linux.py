"""What if the script ran on the real kernel?"""

import contextlib
import gc
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mmlab
from mmlab import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    MAP_SHARED,
    O_APPEND,
    O_CREAT,
    O_RDONLY,
    O_RDWR,
    PROT_READ,
    PROT_WRITE,
    SEGV_ACCERR,
    SEGV_MAPERR,
    BusError,
    SegmentationFault,
    linux,
)
from mmlab.linux import machine, stub
from tests.real import linux_kernel

PAGE = 4096
ARENA = 1 << 40
RW = PROT_READ | PROT_WRITE
MEMORY = MAP_PRIVATE | MAP_ANONYMOUS
ROOT = Path(mmlab.__file__).parents[1]


@pytest.fixture(scope="module")
def real():
    with linux_kernel() as kernel:
        yield kernel


@pytest.fixture(params=["simulated", "real"])
def kernel(request):
    return mmlab.Kernel() if request.param == "simulated" else request.getfixturevalue("real")


@pytest.fixture
def proc(kernel):
    process = kernel.spawn("reader")
    yield process
    process.exit()


def faults(proc, touch, *args):
    before = proc.getrusage()
    touch(*args)
    after = proc.getrusage()
    return after.ru_minflt - before.ru_minflt, after.ru_majflt - before.ru_majflt


# ── the same on both ────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_script_runs_on_both(kernel, proc):
    fd = proc.open("/data/book.txt", O_RDONLY)
    addr = proc.mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 4096)
    assert proc.load(addr, 5) == b"page1"
    line = next(line for line in str(proc.maps()).splitlines() if line.startswith(f"{addr:08x}"))
    assert line.split()[1:3] == ["r--s", "00001000"]
    assert line[73:] == "/data/book.txt"
    assert kernel.meminfo()["Mapped"] > 0
    assert proc.fincore(fd) == b"\1" * 5
    assert proc.fstat(fd).st_size == len(machine.book_text())


def test_loads_and_stores_fault_exactly_as_often_as_they_must(proc):
    addr = proc.mmap(ARENA, 4 * PAGE, RW, MEMORY)
    assert faults(proc, proc.load, addr) == (1, 0)
    assert proc.pagemap(addr).zero
    assert faults(proc, proc.store, addr, b"x") == (1, 0)
    assert faults(proc, proc.load, addr, PAGE) == (0, 0)
    assert faults(proc, proc.store, addr + 2 * PAGE - 1, b"xy") == (2, 0)
    assert faults(proc, proc.brk, 0) == faults(proc, proc.getrusage) == (0, 0)


def test_a_bad_access_is_a_signal_with_its_code_and_address(proc):
    fd = proc.open("/tmp/short", O_RDWR | O_CREAT)
    proc.write(fd, b"short")
    addr = proc.mmap(ARENA, 2 * PAGE, PROT_READ, MAP_SHARED, fd)
    with pytest.raises(SegmentationFault) as denied:
        proc.store(addr + 3, b"x")
    assert (denied.value.address, denied.value.access, denied.value.si_code) == (addr + 3, "store", SEGV_ACCERR)
    with pytest.raises(SegmentationFault) as nothing:
        proc.load(addr + 2 * PAGE)
    assert (nothing.value.address, nothing.value.si_code) == (addr + 2 * PAGE, SEGV_MAPERR)
    with pytest.raises(BusError) as past:
        proc.load(addr + PAGE - 1, 2)
    assert (past.value.address, past.value.access) == (addr + PAGE, "load")
    for address in (1 << 47, 1 << 63, 2**64 - PAGE):
        with pytest.raises(SegmentationFault) as beyond:
            proc.load(address)
        assert (beyond.value.address, beyond.value.si_code) == (address, SEGV_MAPERR)


def test_failures_are_oserrors_and_wrong_types_are_named(proc):
    with pytest.raises(OSError, match="mmap") as error:
        proc.mmap(0, 0, PROT_READ, MEMORY)
    assert error.value.errno == 22
    with pytest.raises(FileNotFoundError):
        proc.open("/data/nothing", O_RDONLY)
    with pytest.raises(TypeError, match="length must be an integer"):
        proc.mmap(0, "4096", PROT_READ, MEMORY)
    with pytest.raises(TypeError, match="data must be bytes"):
        proc.store(ARENA, "x")
    with pytest.raises(OSError):
        proc.fincore(99)


def test_reads_and_writes_longer_than_a_page(proc):
    fd = proc.open("/dev/shm/long", O_RDWR | O_CREAT)
    text = bytes(range(256)) * 1024
    assert proc.write(fd, text) == len(text)
    assert proc.pread(fd, 2 * len(text), 0) == text
    assert proc.pread(fd, 10, len(text) - 3) == text[-3:]
    assert proc.read(fd, 1) == b""
    addr = proc.mmap(ARENA, len(text), PROT_READ, MAP_SHARED, fd)
    assert proc.load(addr, len(text)) == text
    proc.close(fd)
    proc.unlink("/dev/shm/long")
    assert "/dev/shm/long (deleted)" in str(proc.maps())


def test_a_child_has_a_copy(proc):
    addr = proc.mmap(ARENA, PAGE, RW, MEMORY)
    proc.store(addr, b"parent")
    child = proc.fork()
    assert faults(child, child.store, addr, b"child!") == (1, 0)
    assert proc.load(addr, 6) == b"parent"
    child.exit()
    assert faults(proc, proc.store, addr, b"again!") == (1, 0)
    with pytest.raises(ProcessLookupError):
        child.load(addr)


# ── the real one alone ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("flags", [O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_APPEND])
def test_each_page_of_a_file_is_written_once(real, monkeypatch, flags):
    """Wherever the write begins: a page that is written twice is used twice, and becomes active."""
    process, sizes = real.spawn("reader"), []
    fd = process.open("/dev/shm/once", flags)
    process.pwrite(fd, bytes(4095), 0)
    call = process.call
    monkeypatch.setattr(process, "call", lambda name, **words: ("write" in name and sizes.append(words["count"]))
                        or call(name, **words))  # fmt: skip
    process.lseek(fd, 4095, os.SEEK_SET)
    assert process.write(fd, bytes(4097)) == 4097
    assert process.pwrite(fd, bytes(5000), 1) == 5000
    assert sizes == [1, 4096, *([4096, 904] if flags & O_APPEND else [4095, 905])]
    process.unlink("/dev/shm/once")
    process.exit()


def test_system_v_and_limits(real):
    with real.spawn("reader") as proc:
        segment = proc.shmget(77, 2 * PAGE, 0o1600)
        addr = proc.shmat(segment, ARENA)
        proc.store(addr, b"x")
        status = proc.shmctl(segment, 2)
        assert (status.shm_segsz, status.shm_nattch, status.mode & 0o777) == (2 * PAGE, 1, 0o600)
        proc.shmdt(addr)
        proc.shmctl(segment, 0)
        proc.setrlimit(9, 1 << 24)
        with pytest.raises(OSError, match="mmap"):
            proc.mmap(0, 1 << 25, RW, MEMORY)
        read_end, write_end = proc.pipe()
        proc.write(write_end, b"hello")
        assert proc.sys_read(read_end, proc.mmap(ARENA, PAGE, RW, MEMORY), 9) == 5
        assert proc.load(ARENA, 5) == b"hello"
        with pytest.raises(OSError) as error:
            proc.sys_write(write_end, ARENA + PAGE, 1)
        assert error.value.errno == 14


def test_nothing_leaks_over_two_thousand_spawns(real):
    real.spawn("reader").exit()
    gc.collect()
    before = os.listdir("/proc/self/fd")
    for _ in range(2000):
        real.spawn("reader").exit()
    assert os.listdir("/proc/self/fd") == before
    assert not any(process.name == "reader" for process in real.processes.values())


def test_a_closed_kernel_leaves_nothing():
    with linux.Kernel() as kernel:
        pids = [kernel.spawn("reader").pid, kernel.spawn("reader").fork().pid]
        assert all(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert not os.path.exists(kernel.root)


def test_children_die_with_their_tracer(tmp_path):
    code = "import os; from mmlab import linux; print(linux.spawn('reader').pid, flush=True); os._exit(0)"
    command = [sys.executable, "-c", code]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    stat = Path(f"/proc/{done.stdout.strip()}/stat")
    deadline = time.monotonic() + 10
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while stat.read_text().rpartition(")")[2].split()[0] not in "ZX":
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_it_runs_without_privilege(real):
    if os.getuid():
        pytest.skip("the other tests already run without privilege")
    code = (
        "from mmlab import linux; p = linux.Kernel().spawn('x'); a = p.mmap(0, 4096, 3, 0x22); p.load(a)\n"
        "print(p.getrusage().ru_minflt, p.pagemap(a).zero, p.open('/data/book.txt', 0))"
    )
    command = [sys.executable, "-c", code]
    env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd="/", env=env, user=65534, group=65534, extra_groups=[], capture_output=True, text=True
        )
    except PermissionError:
        pytest.skip("another user may not run this Python")
    if "No module named" in done.stderr:
        pytest.skip("another user may not read this folder")
    assert done.stdout.split() == ["1", "True", "3"], done.stderr


# ── where it cannot run ─────────────────────────────────────────────────────────────────────────────────────


def test_elsewhere_it_refuses_in_one_sentence(monkeypatch):
    stub.libc.cache_clear()
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(linux.Unavailable, match="needs Linux on x86-64: this is Darwin on arm64; the lessons show"):
        linux.Kernel()
    monkeypatch.undo()
    stub.libc.cache_clear()


def test_importing_it_works_everywhere():
    code = (
        "import os, signal, sys\n"
        "del signal.SIGTRAP, signal.SIGBUS, signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, os.posix_spawn\n"
        "del os.memfd_create, os.waitpid\n"
        "sys.platform = 'win32'\n"
        "from mmlab import linux\n"
        "try: linux.spawn('reader')\n"
        "except linux.Unavailable as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("mmlab.linux needs Linux on x86-64"), done.stderr


def test_where_ptrace_is_forbidden_it_refuses(real, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "ptrace: Operation not permitted")

    monkeypatch.setattr(stub.Stub, "request", refuse)
    with pytest.raises(linux.Unavailable, match="needs ptrace, which this machine or container forbids"):
        linux.Kernel()


def test_without_mounts_of_its_own_it_refuses_only_their_paths(real, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "unshare: Operation not permitted")

    monkeypatch.setattr(linux.Kernel, "_unshare", refuse)
    with linux.Kernel() as kernel, kernel.spawn("reader") as proc:
        assert proc.open("/data/book.txt", O_RDONLY) == 3
        with pytest.raises(linux.Unavailable, match="no /ram/x here"):
            proc.open("/ram/x", O_RDWR | O_CREAT)
        with pytest.raises(linux.Unavailable, match="System V"):
            proc.shmget(0, PAGE, 0o600)


def test_devices_of_this_machine_are_left_alone(real):
    with real.spawn("reader") as proc:
        for path in ("/dev/vda", "/data/../dev/sda", "//dev/mem"):
            with pytest.raises(linux.Unavailable, match="leaves /dev/"):
                proc.open(path, O_RDONLY)
        assert proc.open("/../../data/book.txt", O_RDONLY) == 3


def test_what_if_a_script_removes_what_is_this_machines_own(real, monkeypatch):
    with real.spawn("reader") as proc, monkeypatch.context() as patched:
        patched.setattr(proc, "call", lambda *_, **__: pytest.fail("a system call was made"))
        for path in ("/dev/zero", "/dev/null", "/proc/self/maps", "/data/../dev/zero"):
            with pytest.raises(linux.Unavailable, match="this machine's own"):
                proc.unlink(path)
            with pytest.raises(linux.Unavailable, match="this machine's own"):
                proc.mkdir(path)
        for path in ("/proc/self/root/etc/passwd", "/proc/sys/vm/drop_caches", "/proc/1/fd/0"):
            with pytest.raises(linux.Unavailable, match="leaves /proc"):
                proc.open(path, O_RDWR)


def test_what_if_the_root_directory_is_no_mount_as_in_a_chroot(monkeypatch):
    lines = "30 1 0:25 / /proc rw - proc proc rw\n31 1 0:26 / /dev/shm rw - tmpfs tmpfs rw\n"
    monkeypatch.setattr(machine.Path, "read_text", lambda path: lines)
    monkeypatch.setattr(machine.tempfile, "gettempdir", lambda: "/dev/shm")
    assert machine.disk_directory() == "/var/tmp"
