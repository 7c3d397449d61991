"""The same script on two kernels: what is compared, how it is aligned, and what is stored."""

import contextlib
import json
import sys

import pytest

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_RDWR, PROT_READ, PROT_WRITE, Kernel, MemoryFault, linux
from mmlab.views import two_kernels
from mmlab.views.two_kernels import Recorded, Row, aligned, compared, play
from tests.views.seen import is_well_drawn, the_twin_says_the_same


def script(kernel):
    """Map a file, load, fork, store, protect, unmap, and fail twice."""
    proc = kernel.spawn("reader")
    fd = proc.open("/data/book.txt", O_RDWR)
    addr = proc.mmap(0, 3 * 4096, PROT_READ, MAP_SHARED, fd, 4096)
    proc.load(addr, 5)
    child = proc.fork()
    try:
        child.store(addr, b"x")
    except MemoryFault:
        proc.mprotect(addr, 4096, PROT_READ | PROT_WRITE)
    proc.store(addr, b"HELLO")
    child.load(addr, 5)
    child.exit()
    proc.munmap(addr + 4096, 4096)
    proc.store(proc.mmap(0x10000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS), b"x")
    proc.mmap(0, 4096, PROT_READ, 0, fd)
    proc.load(addr)  # is not reached


def simulated():
    return play(script, Kernel())


def recording(rows, release="6.18.44", date="2026-11-24"):
    return json.loads(json.dumps({"release": release, "date": date, "rows": rows}))


def test_every_call_is_a_row_with_what_could_be_seen_of_it():
    rows = simulated()
    assert rows[1] == Row(
        "reader: mmap(0, 12288, PROT_READ, MAP_SHARED, 3, 4096)", "a", "0 minor, 0 major",
        ("+ a: 3 × 4 KiB r--s 0x1000 /data/book.txt",), 0,
    )  # fmt: skip
    assert rows[2] == Row("reader: load(a, 5)", "b'page1'", "0 minor, 1 major", (), 12)
    assert rows[4][:2] == ("reader.2: store(a, b'x')", "SIGSEGV (SEGV_ACCERR)")
    assert rows[-1][:2] == ("reader: mmap(0, 4096, PROT_READ, 0, 3)", "EINVAL")
    assert rows[9].maps == (
        "− a + 0x1000: 2 × 4 KiB r--s 0x2000 /data/book.txt",
        "+ a + 0x2000: 1 × 4 KiB r--s 0x3000 /data/book.txt",
    )


def test_watching_changes_nothing():
    watched, plain = Kernel(), Kernel()
    play(script, watched)
    with contextlib.suppress(OSError):
        script(plain)
    assert watched.meminfo() == plain.meminfo()
    assert watched.vmstat() == plain.vmstat()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no real Linux here")
def test_both_kernels_say_the_same():
    lab = two_kernels(script)
    assert [row.seen for row in lab.live.rows] == [row.seen for row in lab.ours]
    assert "all 13 calls alike" in lab.outcome.text
    assert "this machine, now" in lab.outcome.verdict


def test_a_row_that_differs_is_lit_on_both_sides():
    rows = list(simulated())
    rows[2] = rows[2]._replace(faults="1 minor, 0 major")
    picture = compared(simulated(), Recorded.read(recording(rows)), "Linux 6.18.44")
    assert "12 of 13 calls alike" in picture.title
    assert "≠ reader: load(a, 5)" in picture.text
    assert "the simulation: → b'page1'; 0 minor, 1 major" in picture.text
    assert "Linux: → b'page1'; 1 minor, 0 major" in picture.text
    assert picture.svg.count("≠") == 2  # drawn, and in the description
    is_well_drawn(picture)
    the_twin_says_the_same(picture, beside=None)


def test_mapped_of_the_whole_machine_is_not_compared():
    rows = [row._replace(mapped=row.mapped + 400) for row in simulated()]
    assert "all 13 calls alike" in compared(simulated(), Recorded.read(recording(rows)), "").title


def test_calls_of_one_kernel_alone_stand_alone():
    ours = simulated()
    pairs = aligned(ours, ours[:3] + ours[4:])
    assert [pair for pair in pairs if None in pair] == [(ours[3], None)]


def test_what_is_stored_is_the_recording_whatever_runs_here(monkeypatch):
    found = recording(simulated())
    on_linux = two_kernels(script, found)._repr_mimebundle_()
    monkeypatch.setattr(linux, "Kernel", unavailable)
    elsewhere = two_kernels(script, found)
    assert elsewhere.live is None
    assert "Linux 6.18.44, recorded on 2026-11-24" in elsewhere.outcome.text
    for kind in ("text/plain", "image/svg+xml"):
        assert elsewhere._repr_mimebundle_()[kind] == on_linux[kind]


def test_without_a_recording_the_simulation_is_stored_alone():
    text = two_kernels(script)._repr_mimebundle_()["text/plain"]
    assert "there is no Linux here to compare with" in text
    assert "now" not in text
    assert "≠" not in text and "= reader" not in text


def test_a_recording_is_written_and_read(tmp_path, monkeypatch):
    lab = two_kernels(script)
    if lab.live:
        read = Recorded.read(lab.record(tmp_path / "book.json"))
        assert read == lab.live
        assert read.release.replace(".", "").isdigit()
    monkeypatch.setattr(linux, "Kernel", unavailable)
    with pytest.raises(RuntimeError, match="there is no Linux here"):
        two_kernels(script).record(tmp_path / "none.json")
    assert not (tmp_path / "none.json").exists()


def unavailable():
    raise linux.Unavailable("not here")
