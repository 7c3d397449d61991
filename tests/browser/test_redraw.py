"""What if the benchmark of a redraw runs, in short? It sees each picture, and that nothing is left behind."""

import pytest
from playwright.sync_api import Page

from tests.bench.redraw import __main__ as redraw
from tests.bench.redraw import cells, kernel
from tests.bench.redraw import page as measured
from tests.browser.harness import Lab, open_notebook, run_all


def test_what_if_a_redraw_is_measured_in_the_browser(page: Page, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURN", "FILLED", "PAUSE"):
        monkeypatch.setattr(measured, name, 4)
    notebook = [cells.GRAPH, cells.OURS, cells.DOT, cells.SMALL, cells.MMAP_LAB, cells.STATE]
    open_notebook(page, lab, lab.add("redraw.ipynb", notebook))
    run_all(page)
    times = measured.key_presses({"here": page}, ["ours", "dot", "small"], 6)
    assert {way: len(found) for (_, way), found in times.items()} == {"ours": 6, "dot": 6, "small": 6}
    assert all(0 < each < 10_000 for found in times.values() for each in found)
    more = measured.many_moves(page, 8)
    assert not [what for what in more if what.startswith(("comms", "widgets", "elements"))]
    assert measured.burst(page, 20) == []


def test_what_if_a_move_is_measured_at_the_kernel() -> None:
    ways = {what: redraw.WAYS[what] for what in (redraw.NOTHING, "ours: 30 objects in columns")}
    found = kernel.moved(cells.GRAPH, ways, 3)
    assert {what: len(each.times) for what, each in found.items()} == dict.fromkeys(ways, 3)
    assert all(each.cpu > 0 for each in found.values())
