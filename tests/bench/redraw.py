"""How long a redraw takes, from key press to changed picture: python -m tests.bench.redraw [--moves N].

In one run of one JupyterLab and one Chromium, on one graph of 30 nodes:

  ours    a slider, and one widgets.HTML that gets the picture, laid out by Graphviz in this process
  scale   the same, drawn to scale by a Canvas, without a layout engine
  small   a picture of one number: what the way through JupyterLab costs alone
  plain   what one writes first: ipywidgets.interact, graphviz.Source, and so a `dot` process for each move

The ways take turns, so that whatever else the machine does hits all of them; so do two JupyterLabs, with the
websocket of `make lab` and with Jupyter's own (mmlab/setup/websocket.py). Then what a move costs at the kernel, beside
a callback that does nothing. Without `dot` on PATH the plain way is left out, and it says so.
"""

import argparse
import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from jupyter_client.manager import start_new_kernel
from playwright.sync_api import sync_playwright

from mmlab.setup import browser
from tests.browser.conftest import FLAGS
from tests.browser.harness import Lab, open_notebook, run_all

GRAPH = """\
import ipywidgets as widgets
from IPython.display import display
from mmlab.views.diagram import Canvas, Diagram, Row, digraph, edge, table

def graph(value):
    made = digraph("vm_area_struct")
    for n in range(30):
        made.node(f"vma{n}", table("vm_area_struct", f"vma#{n}", [Row("vm_pgoff", value + n), Row("rb")]))
        if n:
            edge(made, f"vma{(n - 1) // 2}:rb", f"vma{n}")
    return made

def to_scale(value):
    made = Canvas(960, 330)
    for n in range(30):
        level = (n + 1).bit_length() - 1
        x, y = 960 * (n + 1.5 - (1 << level)) / (1 << level), 20 + 62 * level
        if n:
            up = (n - 1) // 2 + 1.5 - (1 << level - 1)
            made.line(960 * up / (1 << level - 1), y - 36, x, y)
        made.box(x - 28, y, 56, 26, value + n, kind="vm_area_struct")
    return made.diagram("30 VMAs", f"vm_pgoff {value}")

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
SCALE = """\
scale, drawing = slider(), widgets.HTML()
def rescale(change=None):
    drawing.value = to_scale(scale.value).html()
scale.observe(rescale, "value")
rescale()
widgets.VBox([scale, drawing]).add_class("scale")
"""
PLAIN = """\
import graphviz
plain = slider()
shown = widgets.interactive(lambda value: display(graphviz.Source(graph(value).source)), value=plain)
shown.add_class("plain")
"""
SMALL = """\
small, number = slider(), widgets.HTML()
def tell(change=None):
    number.value = f"<svg width='20' height='20'><desc>{small.value}</desc></svg>"
small.observe(tell, "value")
tell()
widgets.VBox([small, number]).add_class("small")
"""
NOTHING = "nothing = slider()\nnothing.observe(lambda change: None, 'value')"
MMAP_LAB = "from mmlab.views import MmapLab\nlab = MmapLab()"
STAMP = """([css, way]) => {
    // what is on screen: the inline picture, or the address of an image that has been decoded
    const seen = () => {
        if (css !== '.plain') return document.querySelector(`${css} svg desc`)?.textContent;
        const image = document.querySelector('.plain .jp-RenderedSVG img');
        return image?.complete && image.naturalWidth ? image.src : undefined;
    };
    const times = (window.times ??= {})[way] = [];
    let pressed, before;
    document.querySelector(`${css} .noUi-handle`).addEventListener('keydown', () => {
        pressed = performance.now();
        before = seen();
    }, true);
    (window.settled ??= {})[way] = () => new Promise(resolve => {
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


def in_browser(pages, ways, moves):
    """Press a key so many times in each page each way, in turn; give the times in ms, by page and way."""
    for page in pages.values():
        for way in ways:
            page.locator(f".{way} svg, .{way} img").first.wait_for()
            page.evaluate(STAMP, [f".{way}", way])
    for _ in range(moves + 5):
        for page in pages.values():
            page.bring_to_front()
            for way in ways:
                page.locator(f".{way} .noUi-handle").focus()
                page.keyboard.press("ArrowRight")
                page.evaluate(f"settled.{way}()")
                page.wait_for_timeout(30)
    return {(name, way): page.evaluate(f"times.{way}")[5:] for name, page in pages.items() for way in ways}


def at_kernel(code, name, moves):
    """Send so many moves of a slider to a kernel; give the times in ms until it is idle, and its CPU time for one."""
    manager, client = start_new_kernel(stderr=subprocess.DEVNULL)
    try:
        reply = client.execute_interactive(
            GRAPH + code, user_expressions={"id": f"{name}.model_id"}, output_hook=lambda _: None, timeout=60
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        comm = reply["content"]["user_expressions"]["id"]["data"]["text/plain"].strip("'")
        step = 4096 if "lab" in name else 1
        times, used = [], cpu(client)
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
        return times[10:], (cpu(client) - used) * 1000 / len(times)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def cpu(client):
    """Ask a kernel how many seconds of processor time it has used."""
    asked = {"cpu": "__import__('time').process_time()"}
    reply = client.execute_interactive("", user_expressions=asked, output_hook=lambda _: None, timeout=60)
    return float(reply["content"]["user_expressions"]["cpu"]["data"]["text/plain"])


def line(what, times):
    """Print p50 and p95 of some times; give both."""
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"  {what:42} p50 {p50:6.1f} ms   p95 {p95:6.1f} ms   ({len(times)} moves)", flush=True)
    return p50, p95


@contextlib.contextmanager
def opened(chromium, cells, *, prompt):
    """Start a JupyterLab of its own, and run the notebook in it; give the page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        lab = Lab(Path(home), prompt=prompt)
        lab.start()
        try:
            page = chromium.new_page(viewport={"width": 1280, "height": 1600})
            open_notebook(page, lab, lab.add(f"{uuid.uuid4().hex}.ipynb", list(cells.values())))
            run_all(page)
            yield page
            page.close()
        finally:
            lab.stop()


def main():
    """Measure, print, and return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=100)
    moves = parser.parse_args().moves
    dot, missed = shutil.which("dot"), []
    cells = {"graph": GRAPH, "ours": OURS, "scale": SCALE, "small": SMALL} | ({"plain": PLAIN} if dot else {})
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=FLAGS)
        print(f"Key press → changed picture of 30 nodes, in Chromium {chromium.version}:")
        with opened(chromium, cells, prompt=True) as prompt, opened(chromium, cells, prompt=False) as own:
            pages = {"make lab": prompt, "Jupyter's own websocket": own}
            times = in_browser(pages, [way for way in cells if way != "graph"], moves)
        chromium.close()
    seen = {key: line(f"{key[0]}: {key[1]}", found) for key, found in times.items()}
    if dot:
        for way in ("ours", "scale"):
            pairs = zip(seen["make lab", way], seen["make lab", "plain"], strict=True)
            p50, p95 = (mine / theirs for mine, theirs in pairs)
            print(f"  {way} / plain: {p50:.2f} at p50, {p95:.2f} at p95 (bar: 0.5)")
            missed += [f"{way} is {max(p50, p95):.2f} of plain"] if max(p50, p95) > 0.5 else []
    else:
        print("  plain: left out, there is no `dot` on PATH (Debian: apt-get install graphviz)")
    print("At the kernel, from the slider's message to idle:")
    ways = {
        "a callback that does nothing": (NOTHING, "nothing"),
        "scale: 30 nodes, no layout engine": (SCALE, "scale"),
        "ours: 30 nodes, Graphviz in process": (OURS, "ours"),
        "MmapLab, in eight positions": (MMAP_LAB, "lab.controls['offset']"),
    }
    least = None
    for what, (code, name) in ways.items():
        times, used = at_kernel(code, name, moves)
        p50, _ = line(what, times)
        least = least or (p50, used)
        print(f"  {'':42} {p50 / least[0]:.1f} of nothing (bar: 3); CPU {used:.1f} ms a move")
        if p50 > 3 * least[0]:
            missed.append(f"{what}: {p50 / least[0]:.1f} empty callbacks")
    print(f"missed: {'; '.join(missed)}" if missed else "all bars held")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
