"""What the steps of a script do to /proc/meminfo, side by side: what is counted, drawn and stored."""

import importlib

import pytest

from mmlab import Kernel, experiments, linux
from mmlab.experiments import SCRIPTS, Measured, Step, follow, recorded, settled, usual
from mmlab.views import measured
from tests.views.seen import is_well_drawn, the_twin_says_the_same

room = importlib.import_module("mmlab.views.measured")  # mmlab.views.measured itself is the function
MIB = 1024  # kB


def changes(script):
    """By how many kB each step changes each counter on the simulation, without those that stay."""
    steps = follow(script, Kernel(), SCRIPTS[script])
    return [{name: kb for name, kb in step.change.items() if kb} for step in steps]


def test_a_program_that_maps_nothing_adds_the_pages_that_nobody_mapped_before():
    first, other, again, both, last = changes(experiments.maps_nothing)
    assert (first["Mapped"], other["Mapped"], again) == (1604, 44, {})
    assert (both["Mapped"], last["Mapped"]) == (-44, -1604)


def test_the_copy_program_leaves_the_source_mapped_until_it_ends():
    copied = {"Mapped": 2 * MIB, "Cached": MIB}
    assert changes(experiments.regular_file) == [{}, copied, {"Mapped": -MIB}, {"Mapped": -MIB}]


def test_the_copy_program_copies():
    proc = Kernel().spawn("copy")
    experiments.make_file(proc, "/data/source")
    assert len(list(experiments.copy_file(proc, "/data/source", "/data/target"))) == 3
    source, target = (proc.open(path, 0) for path in ("/data/source", "/data/target"))
    assert proc.pread(target, 2 << 20, 0) == proc.pread(source, 2 << 20, 0) == b"mmlab..." * (1 << 17)


def test_the_copy_program_maps_a_large_file_piece_by_piece(monkeypatch):
    monkeypatch.setattr(experiments, "COPYINCR", 1 << 18)
    proc = Kernel().spawn("copy")
    experiments.make_file(proc, "/data/source")
    assert len(list(experiments.copy_file(proc, "/data/source", "/data/target"))) == 4 * 3


def test_a_disk_is_not_copied_but_can_be_mapped():
    assert changes(experiments.block_device) == [
        {}, {}, {"Mapped": 64, "Buffers": 128}, {"Mapped": MIB - 64, "Buffers": MIB}, {"Mapped": -MIB},
    ]  # fmt: skip


def test_two_readers_count_once():
    assert changes(experiments.two_readers) == [{"Mapped": 64}, {"Mapped": MIB - 64}, {}, {}, {"Mapped": -MIB}]


def test_a_private_store_moves_a_page_from_mapped_to_anonpages():
    assert changes(experiments.private_pages) == [
        {"Mapped": 64}, {"Mapped": -4, "AnonPages": 4}, {"AnonPages": 4}, {"Mapped": -60, "AnonPages": -8},
    ]  # fmt: skip


def test_shared_anonymous_memory_is_in_three_lines_and_not_in_anonpages():
    shared = {"Mapped": MIB, "Shmem": MIB, "Cached": MIB}
    gone = {name: -kb for name, kb in shared.items()}
    assert changes(experiments.anonymous_memory) == [{}, {"AnonPages": MIB}, shared, {"AnonPages": -MIB}, gone]


# ── recorded ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_the_recording_is_of_the_script_as_it_is(script):
    ours, theirs = follow(script, Kernel(), SCRIPTS[script]), recorded(script)
    assert [step.done for step in theirs.steps] == [step.done for step in ours]
    assert [set(step.change) for step in theirs.steps] == [set(SCRIPTS[script])] * len(ours)


def test_linux_and_the_simulation_differ_only_where_the_lesson_says_so():
    odd = []
    for script, names in SCRIPTS.items():
        for ours, theirs in zip(follow(script, Kernel(), names), recorded(script).steps, strict=True):
            odd += [(script, name) for name in names if ours.change[name] != theirs.change[name]]
    assert odd == [(experiments.maps_nothing, "Mapped")] * 4


# ── what comes again is taken ───────────────────────────────────────────────────────────────────────────────


def run_of(*kb):
    return tuple(Step(f"step {number}", {"Mapped": each}) for number, each in enumerate(kb))


def test_what_others_do_meanwhile_is_left_out():
    runs = [run_of(64, 0), run_of(900, 0), run_of(64, -900), run_of(64, 4)]
    assert not settled(runs)
    runs += [run_of(64, 0), run_of(0, 0)]
    assert settled(runs)
    assert usual(runs) == run_of(64, 0)


def test_a_script_that_ends_early_is_measured_as_far_as_it_went():
    assert usual([run_of(64, 0), run_of(64)]) == run_of(64)


def failing(kernel):
    """Fail after one step."""
    proc = kernel.spawn("failing")
    yield "started"
    proc.load(proc.mmap(0, 4096, 1, 1, proc.open("/data/book.txt", 0)))
    yield "loaded"
    proc.open("/data/none", 0)
    yield "not reached"


def test_an_error_ends_a_script():
    assert follow(failing, Kernel(), ["Mapped"]) == (Step("loaded", {"Mapped": 4}),)


# ── drawn and stored ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_the_picture_says_what_its_twin_says(script):
    names = SCRIPTS[script]
    picture = room.side_by_side(follow(script, Kernel(), names), recorded(script), names, "Linux 6.18.44")
    is_well_drawn(picture)
    the_twin_says_the_same(picture, beside=None)


def test_what_differs_is_lit_and_what_was_not_told_is_not_compared():
    ours = Step("one", {"Mapped": 4, "Shmem": 4}), Step("two", {"Mapped": 8, "Shmem": 0}), Step("three", {"Mapped": 0})
    theirs = Measured("6.18", "2026-11-24", 3, (Step("one", {"Mapped": 4}), Step("two", {"Mapped": 12})))
    picture = room.side_by_side(ours, theirs, ("Mapped", "Shmem"), "Linux 6.18")
    assert room.headline(room.pairs_of(ours, theirs), theirs) == "1 of 3 steps alike on both kernels"
    assert picture.text.splitlines()[-3:] == [
        "= one: Mapped +4 | +4, Shmem +4 | –",
        "≠ two: Mapped +8 | +12, Shmem 0 | –",
        "≠ three: Mapped 0 | –, Shmem – | –",
    ]
    is_well_drawn(picture)


def test_what_is_stored_is_the_same_whatever_runs_here(monkeypatch):
    noisy = Measured("9.9", "2030-01-01", 3, ())
    monkeypatch.setattr(room, "on_linux", lambda *_: noisy)
    here = measured(experiments.private_pages)
    assert "9.9" in here.view.value and "this machine, now" in here.view.value
    monkeypatch.setattr(room, "on_linux", lambda *_: None)
    elsewhere = measured(experiments.private_pages)
    assert "Linux 6.18.44, recorded on" in elsewhere.view.value
    for kind in ("text/plain", "image/svg+xml"):
        assert here._repr_mimebundle_()[kind] == elsewhere._repr_mimebundle_()[kind]


def test_a_script_of_ones_own_stands_alone_where_there_is_no_linux(monkeypatch):
    monkeypatch.setattr(room, "on_linux", lambda *_: None)
    text = measured(failing)._repr_mimebundle_()["text/plain"]
    assert text.startswith("There is no Linux here to compare with")
    assert text.splitlines()[-1] == "loaded: Mapped +4"


def test_recording_writes_what_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "RECORDED", tmp_path / "recorded.json")
    steps = run_of(64, -4)
    monkeypatch.setattr(experiments, "on_linux", lambda *_: Measured("6.18", "2026-11-24", 3, steps))
    experiments.record()
    assert recorded(experiments.two_readers) == Measured("6.18", "2026-11-24", 3, steps)
    monkeypatch.setattr(experiments, "on_linux", lambda *_: None)
    before = experiments.RECORDED.read_text()
    with pytest.raises(RuntimeError, match="maps_nothing.* record as root"):
        experiments.record()
    assert experiments.RECORDED.read_text() == before


def test_in_a_terminal_it_shows_both_columns(monkeypatch, capsys):
    monkeypatch.setattr(experiments, "on_linux", lambda *_: None)
    monkeypatch.setattr(experiments.sys, "argv", ["experiments"])
    experiments.main()
    said = capsys.readouterr().out
    assert "(b) Copy a file of 1 MiB. Linux 6.18.44, 2026-11-24" in said
    assert "memcpy(dst, src)                         Mapped +2048 | +2048 kB, Cached +1024 | +1024 kB" in said
    assert "sleep starts                             Mapped +44 | +36 kB" in said


def test_where_there_is_no_linux_nothing_is_measured(monkeypatch):
    def unavailable():
        raise linux.Unavailable("not here")

    monkeypatch.setattr(linux, "Kernel", unavailable)
    assert experiments.on_linux(experiments.two_readers, ["Mapped"]) is None
