"""How long a redraw takes, from key press to changed picture: python -m tests.bench.redraw [--moves N].

In one run of one JupyterLab and one Chromium, on one graph of 30 nodes:

  ours    a slider, and one widgets.HTML that gets the picture drawn in this process: what every lab here does
  plain   what one writes first: ipywidgets.interact, graphviz.Source, and so a `dot` process for each move

Then the same with Jupyter's own websocket, which waits for TCP (mmlab/setup/websocket.py), and what a move costs at the
kernel beside a callback that does nothing. Without `dot` on PATH the plain way is left out, and it says so.
"""

import argparse
import re
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

from jupyter_client.manager import start_new_kernel
from playwright.sync_api import sync_playwright

from mmlab.setup import browser
from tests.browser.conftest import FLAGS
from tests.browser.harness import Lab, ask, open_notebook, run_all

GRAPH = """\
import ipywidgets as widgets
from IPython.display import display
from mmlab.views.diagram import Diagram, Row, digraph, edge, table

def graph(value):
    made = digraph("vm_area_struct")
    for n in range(30):
        rows = [Row("vm_start", f"{n << 20:x}"), Row("vm_pgoff", value + n), Row("vm_file")]
        made.node(f"vma{n}", table("vm_area_struct", f"vma#{n}", rows))
        if n:
            edge(made, f"vma{(n - 1) // 2}:vm_file", f"vma{n}")
    return made

def slider():
    return widgets.IntSlider(min=0, max=100_000, description="vm_pgoff")
"""
OURS = """\
ours, picture = slider(), widgets.HTML()
def redraw(change=None):
    picture.value = Diagram("30 VMAs", f"vm_pgoff {ours.value}", graph(ours.value)).html()
ours.observe(redraw, "value")
redraw()
widgets.VBox([ours, picture]).add_class("ours")
"""
PLAIN = """\
import graphviz
plain = slider()
shown = widgets.interactive(lambda value: display(graphviz.Source(graph(value).source)), value=plain)
shown.add_class("plain")
"""
NOTHING = "nothing = slider()\nnothing.observe(lambda change: None, 'value')"
MMAP_LAB = "from mmlab.views import MmapLab\nlab = MmapLab()"
STAMP = """css => {
    // what is on screen: the inline picture, or the address of an image that has been decoded
    const image = document.querySelector(`${css} .jp-RenderedSVG img`);
    const seen = () => {
        if (css === '.ours') return document.querySelector('.ours svg desc')?.textContent;
        const image = document.querySelector('.plain .jp-RenderedSVG img');
        return image?.complete && image.naturalWidth ? image.src : undefined;
    };
    const times = window.times = [];
    let pressed, before;
    document.addEventListener('keydown', () => { pressed = performance.now(); before = seen(); }, true);
    window.settled = () => new Promise(resolve => {
        const look = () => {
            const now = seen();
            if (pressed !== undefined && now !== undefined && now !== before) {
                times.push(performance.now() - pressed);
                pressed = undefined;
                resolve();
            } else requestAnimationFrame(look);
        };
        look();
    });
}"""


def in_browser(page, css, moves):
    """Press a key so many times, each after the picture of the one before is there; give the times in ms."""
    page.locator(f"{css} svg, {css} img").first.wait_for()
    page.evaluate(STAMP, css)
    page.locator(f"{css} .noUi-handle").focus()
    for _ in range(moves + 5):
        page.keyboard.press("ArrowRight")
        page.evaluate("settled()")
        page.wait_for_timeout(30)
    return page.evaluate("times")[5:]


def at_kernel(code, name, moves):
    """Send so many moves of a slider to a kernel of its own; give the times in ms until it is idle again."""
    manager, client = start_new_kernel()
    try:
        reply = client.execute_interactive(
            GRAPH + code, user_expressions={"id": f"{name}.model_id"}, output_hook=lambda _: None, timeout=60
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        comm = reply["content"]["user_expressions"]["id"]["data"]["text/plain"].strip("'")
        step = 4096 if "lab" in name else 1
        times = []
        for move in range(1, moves + 11):
            value = step * (move % 8) if step > 1 else move
            content = {"comm_id": comm, "data": {"method": "update", "state": {"value": value}, "buffer_paths": []}}
            message = client.session.msg("comm_msg", content)
            started = time.perf_counter()
            client.shell_channel.send(message)
            while True:
                heard = client.get_iopub_msg(timeout=20)
                ours = heard["parent_header"].get("msg_id") == message["header"]["msg_id"]
                if ours and heard["content"].get("execution_state") == "idle":
                    break
            times.append((time.perf_counter() - started) * 1000)
        return times[10:]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def line(what, times):
    """Print p50 and p95 of some times; give both."""
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"  {what:42} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   ({len(times)} moves)", flush=True)
    return p50, p95


def both_ways(chromium, cells, moves, *, prompt):
    """Run the notebook in a JupyterLab of its own; give the times of each way that is there."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        lab = Lab(Path(home), prompt=prompt)
        lab.start()
        try:
            page = chromium.new_page(viewport={"width": 1280, "height": 1600})
            open_notebook(page, lab, lab.add(f"{uuid.uuid4().hex}.ipynb", list(cells.values())))
            run_all(page)
            assert ask(page, "1") == "1"
            times = {way: in_browser(page, f".{way}", moves) for way in cells if way != "graph"}
            page.close()
            return times
        finally:
            lab.stop()


def main():
    """Measure, print, and return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=100)
    moves = parser.parse_args().moves
    dot, missed = shutil.which("dot"), []
    cells = {"graph": GRAPH, "ours": OURS} | ({"plain": PLAIN} if dot else {})
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=FLAGS)
        print(f"Key press → changed picture of 30 nodes, in Chromium {chromium.version}:")
        times = both_ways(chromium, cells, moves, prompt=True)
        ours = line("ours", times["ours"])
        if dot:
            plain = line("plain: interact + graphviz.Source + dot", times["plain"])
            ratios = [mine / theirs for mine, theirs in zip(ours, plain, strict=True)]
            print(f"  ours / plain: {ratios[0]:.2f} at p50, {ratios[1]:.2f} at p95 (bar: 0.5)")
            missed += [f"ours is {ratio:.2f} of plain" for ratio in ratios if ratio > 0.5]
        else:
            print("  plain: left out, there is no `dot` on PATH (Debian: apt-get install graphviz)")
        print("The same through Jupyter's own websocket, without TCP_NODELAY:")
        for way, found in both_ways(chromium, cells, moves, prompt=False).items():
            line(way, found)
        chromium.close()
    print("At the kernel, from the slider's message to idle:")
    nothing = line("a callback that does nothing", at_kernel(NOTHING, "nothing", moves))
    drawn = line("30 nodes, drawn", at_kernel(OURS, "ours", moves))
    line("MmapLab: boot, mmap, two pictures", at_kernel(MMAP_LAB, "lab.controls['offset']", moves))
    print(f"  30 nodes / nothing: {drawn[0] / nothing[0]:.2f} at p50 (bar: 3)")
    if drawn[0] > 3 * nothing[0]:
        missed.append(f"a redraw costs {drawn[0] / nothing[0]:.2f} empty callbacks")
    print("missed: " + re.sub(r"[\[\]]", "", "; ".join(missed)) if missed else "all bars held")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
