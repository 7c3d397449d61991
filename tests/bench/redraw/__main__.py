"""How long a redraw takes, from key press to changed picture, and what a move costs: make bench ARGS=redraw.

In one run of one JupyterLab and one Chromium, on one graph of 30 objects:

  ours    a slider, and one widgets.HTML that gets the picture, in columns (mmlab/views/columns.py)
  dot     the same, laid out by Graphviz in this process: what the columns save
  small   a picture of one number: what the way through JupyterLab costs alone
  plain   what one writes first: ipywidgets.interact, graphviz.Source, and so a `dot` process for each move

The ways take turns of ten moves, so that whatever else the machine does hits all of them; so do two JupyterLabs, with
the websocket of `make lab` and with Jupyter's own (mmlab/setup/websocket.py). The slider of a turn has the focus before
its first key is pressed, as it has for a learner. Then many moves (--long N), after which the kernel's memory, its
objects, widgets and comms, and the page's elements must be as many as before, and a burst of keys, which must end on
the last picture and show none out of order. Then what a move costs at the kernel, beside a callback that does nothing.
Without a `dot` command the plain way is left out, and it says so.
"""

import argparse
import os
import shutil
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from mmlab.setup import browser
from mmlab.setup.report import Trouble
from tests.bench.redraw import cells, kernel, page
from tests.browser.conftest import FLAGS

BAR = 0.5  # of the plain way's time, from key press to picture
BAR_AT_KERNEL = 3.0  # times a callback that does nothing
LAB, JUPYTERS = "make lab", "Jupyter's own websocket"
OFFSET, LENGTH = "lab.controls['offset']", "lab.controls['length']"
NOTHING = "a callback that does nothing"


def new_setting(n: int) -> tuple[str, int]:
    """Move MmapLab's offset and its length in turn: 8 × 23 of each, so none comes again in 368 moves."""
    return (OFFSET, 4096 * (n // 2 % 8)) if n % 2 else (LENGTH, 1024 * (1 + n // 2 % 23))


WAYS = {
    NOTHING: kernel.Way(cells.NOTHING, ("nothing",), lambda n: ("nothing", n)),
    "ours: 30 objects in columns": kernel.Way(cells.OURS, ("ours",), lambda n: ("ours", n)),
    "dot: 30 objects, Graphviz in process": kernel.Way(cells.DOT, ("laid",), lambda n: ("laid", n)),
    "MmapLab, each setting for the first time": kernel.Way(cells.MMAP_LAB, (OFFSET, LENGTH), new_setting),
    "MmapLab, in eight positions": kernel.Way(cells.MMAP_LAB, (OFFSET,), lambda n: (OFFSET, 4096 * (n % 8))),
}


def line(what: str, times: Sequence[float]) -> tuple[float, float]:
    """Print p50 and p95 of some times; give both."""
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"  {what:42} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   ({len(times)} moves)", flush=True)
    return p50, p95


def from_key_to_picture(chromium: Browser, moves: int) -> list[str]:
    """Measure in two JupyterLabs; print, and give the bars that are missed."""
    ways = {"ours": cells.OURS, "dot": cells.DOT, "small": cells.SMALL}
    ways |= {"plain": cells.PLAIN} if shutil.which("dot") else {}
    notebook = {"graph": cells.GRAPH, **ways}
    print(f"Key press → changed picture of 30 objects, in Chromium {chromium.version}:")
    with page.opened(chromium, notebook, prompt=True) as prompt, page.opened(chromium, notebook, prompt=False) as own:
        times = page.key_presses({LAB: prompt, JUPYTERS: own}, list(ways), moves)
    seen = {key: line(": ".join(key), found) for key, found in times.items()}
    if "plain" not in ways:
        print("  plain: left out, there is no `dot` on PATH (Debian: apt-get install graphviz)")
        return []
    ratios = {
        way: [mine / theirs for mine, theirs in zip(seen[LAB, way], seen[LAB, "plain"], strict=True)] for way in ways
    }
    for way in ("ours", "dot", "small"):
        bar = f" (bar: {BAR})" if way == "ours" else ""
        print("  {} / plain: {:.2f} at p50, {:.2f} at p95{}".format(way, *ratios[way], bar))
    return [f"ours is {max(ratios['ours']):.2f} of plain"] if max(ratios["ours"]) > BAR else []


def at_kernel(moves: int) -> list[str]:
    """Measure what a move costs at the kernel; print, and give the bars that are missed."""
    print("At the kernel, from the slider's message to idle:")
    least, missed = None, []
    for what, (times, cpu) in kernel.moved(cells.GRAPH, WAYS, moves).items():
        p50, _ = line(what, times)
        least = least or p50
        held_to = not what.startswith("dot")
        bar = f" (bar: {BAR_AT_KERNEL:g})" if held_to else ""
        print(f"  {'':42} {p50 / least:.1f} of nothing{bar}; CPU {cpu:.1f} ms a move")
        missed += [f"{what}: {p50 / least:.1f} empty callbacks"] if held_to and p50 > BAR_AT_KERNEL * least else []
    return missed


def main(words: Sequence[str]) -> int:
    """Measure, print, and return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=redraw", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moves", type=int, default=100, help="of each way (100)")
    parser.add_argument("--long", type=int, default=1000, help="moves that must leave nothing behind (1000)")
    options = parser.parse_args(words)
    if options.moves < 2:
        parser.error("--moves: p50 and p95 are of 2 moves at least")
    try:
        browser.provide(Path(sys.prefix))
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["MMLAB_CHROMIUM"], args=FLAGS)
        missed = from_key_to_picture(chromium, options.moves)
        notebook = {"graph": cells.GRAPH, "ours": cells.OURS, "lab": cells.MMAP_LAB, "state": cells.STATE}
        with page.opened(chromium, notebook, prompt=True) as one:
            missed += page.many_moves(one, options.long)
            missed += page.burst(one, 100)
        chromium.close()
    missed += at_kernel(options.moves)
    print(f"missed: {'; '.join(missed)}" if missed else "all bars held")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
