"""What if the benchmark is run? Both kernels do the same work; the table says what was measured. Nothing is timed."""

import json
import sys
from itertools import pairwise

import pytest

from tests.bench import __main__ as bench
from tests.bench import measures
from tests.bench.workload import KINDS, PAGE, plan

SMALL = bench.Size(1, (8, 16), 64, 64)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the other side is the real Linux kernel")


def test_what_if_the_plan_is_drawn_up_twice():
    drawn = plan(40)
    assert drawn == plan(40) != plan(40, seed=2)
    assert drawn.counts() | {"touch": 0} == {
        "map": 40, "lookup": 400, "touch": 0, "unmap": 20, "split": 10, "teardown": 40,
    }  # fmt: skip
    places = sorted((each.addr, each.addr + each.length) for each in drawn.regions)
    assert all(end < start for (_, end), (start, _) in pairwise(places)), "two could merge"
    assert set(drawn.split).isdisjoint(drawn.unmapped)
    assert {each.length // PAGE for each in plan(400).regions} == set(range(1, 17))


@needs_linux
@pytest.mark.parametrize("n", [1, 9, 60])
def test_what_if_both_kernels_do_the_work(n):
    """As many VMAs, and as many pages in memory, are left before teardown."""
    vmas, pages = measures.left_of_work("mmlab", n)
    assert (vmas, pages) == measures.left_of_work("ctypes", n)
    kept = [each for each in plan(n).regions if each not in plan(n).unmapped]
    assert vmas == len(kept) + len(plan(n).split)
    assert pages == sum(each.length for each in kept) // PAGE


@needs_linux
def test_what_if_everything_is_measured(monkeypatch, tmp_path, capsys):
    """Every measurement runs at a tiny size (here, in this process), and is told on a line and in the JSON."""
    monkeypatch.setattr(bench, "apart", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(bench, "QUICK", SMALL)
    monkeypatch.setattr(bench, "BARS_OF_WORK", {8: 1e9, 16: 1e-9})
    assert bench.main(["--quick", "--json", str(tmp_path / "figures.json")]) == 0
    told = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["lines"]
    printed = capsys.readouterr().out
    assert all(line["what"] in printed for line in told)
    verdicts = {line["what"].split(":")[0]: line["verdict"] for line in told if line["what"].startswith("W(")}
    assert verdicts == {"W(8)": "ok", "W(16)": "MISSED"}
    assert all(line["value"] > 0 for line in told if "whose contents are stored" not in line["what"])
    assert [line["value"] for line in told if "whose contents are stored" in line["what"]] == [0]
    assert all(any(line["what"].startswith(kind) for line in told) for kind in KINDS if kind != "teardown")


def test_what_if_a_value_is_at_its_bar():
    assert bench.Line("speed", 0.8, "×", 0.8, True).verdict == bench.Line("time", 2.0, "×", 2.0).verdict == "ok"
    assert bench.Line("speed", 0.79, "×", 0.8, True).verdict == bench.Line("time", 2.1, "×", 2.0).verdict == "MISSED"
    assert bench.Line("boot", 2.0, "ms").verdict == ""
