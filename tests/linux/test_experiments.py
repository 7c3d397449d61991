"""What if lesson 8's scripts run on the real kernel?"""

import gc
import os
from pathlib import Path

import pytest

from mmlab import O_RDONLY, SEEK_END, Kernel, experiments, linux
from mmlab.experiments import SCRIPTS, follow, on_linux
from mmlab.linux import programs


@pytest.fixture(scope="module", autouse=True)
def available():
    try:
        linux.Kernel().close()
    except linux.Unavailable as reason:
        pytest.skip(str(reason))


def mapped(steps):
    """By how many kB each step changes Mapped."""
    return [step.change["Mapped"] for step in steps]


@pytest.fixture(params=["meminfo", "pagemap"])
def counted_by(request, monkeypatch):
    """Count by the machine's counters, as root; and as a user who may not have them added up."""
    if request.param == "pagemap":
        monkeypatch.setattr(experiments, "REFRESH", "/nowhere")
    elif os.getuid():
        pytest.skip("exact counters need root: /proc/sys/vm/stat_refresh")


@pytest.mark.parametrize("script", list(SCRIPTS)[1:], ids=lambda script: script.__name__)
def test_mapped_changes_as_in_the_simulation(script, counted_by):
    names = [name for name in SCRIPTS[script] if name != "Buffers"]
    found, ours = on_linux(script, names), follow(script, Kernel(), names)
    if found is None:
        assert script is experiments.block_device
        pytest.skip("this machine gives no loop device")
    assert [step.done for step in found.steps] == [step.done for step in ours]
    for theirs, mine in zip(found.steps, ours, strict=True):
        assert theirs.change.items() <= mine.change.items(), theirs.done


def test_a_program_that_maps_nothing_adds_pages_of_its_own_and_takes_them_along(counted_by):
    first, other, again, both, last = mapped(on_linux(experiments.maps_nothing, ["Mapped"]).steps)
    assert again == 0 < other < first
    assert (both, last) == (-other, -first)


def test_a_program_in_the_background_can_be_looked_at_and_ended():
    with linux.Kernel() as kernel:
        sleep, other = kernel.background("sleep"), kernel.background("sh")
        assert "/lib/libc.so.6" in sleep.maps() and "/usr/bin/sleep" in sleep.maps()
        assert sleep.maps() == kernel.background("sleep").maps()  # no address is random
        with pytest.raises(linux.Unavailable, match="makes its own calls: no mmap"):
            sleep.mmap(0, 4096, 1, 2)
        sleep.exit()
        with pytest.raises(ProcessLookupError):
            sleep.maps()
        assert Path(f"/proc/{other.pid}").exists()
    assert not Path(f"/proc/{other.pid}").exists()


def test_what_if_sleep_cannot_be_started(monkeypatch):
    monkeypatch.setattr(programs.shutil, "which", lambda _name: "/bin/false")
    with linux.Kernel() as kernel, pytest.raises(linux.Unavailable, match="sleep does not run"):
        kernel.background("sleep")


def test_a_disk_of_ones_own_is_gone_with_its_kernel():
    with linux.Kernel() as kernel, kernel.spawn("reader") as proc:
        try:
            path = kernel.disk
        except linux.Unavailable as reason:
            pytest.skip(str(reason))
        fd = proc.open(path, O_RDONLY)
        assert proc.fstat(fd).st_size == 0
        assert proc.lseek(fd, 0, SEEK_END) == 64 << 20
        assert proc.pread(fd, 4, 0) == b"\0\0\0\0"
        with pytest.raises(linux.Unavailable, match="this machine's own"):
            proc.unlink(path)
        backing = Path(f"/sys/block/{Path(path).name}/loop/backing_file")
        assert backing.read_text().startswith(kernel.root)
    gc.collect()
    assert not backing.exists() or not backing.read_text().startswith(kernel.root)


def test_what_if_this_machine_gives_no_disk(monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    with linux.Kernel() as kernel, monkeypatch.context() as patched:
        patched.setattr(programs.fcntl, "ioctl", refuse)
        with pytest.raises(linux.Unavailable, match="gives no disk"):
            kernel.disk
        patched.setattr(experiments, "RECORDED", Path("/nowhere"))
        assert on_linux(experiments.block_device, ["Mapped"]) is None
