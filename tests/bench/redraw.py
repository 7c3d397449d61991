"""How long a redraw takes, from key press to changed picture: python -m tests.bench.redraw [--moves N].

In one run of one JupyterLab and one Chromium, on one graph of 30 objects:

  ours    a slider, and one widgets.HTML that gets the picture, in columns (mmlab/views/columns.py)
  dot     the same, laid out by Graphviz in this process: what the columns save
  small   a picture of one number: what the way through JupyterLab costs alone. Chromium hands the kernel's answer to
          the page only when the frame with the moved slider is on screen, so even this takes two frames and often three
  plain   what one writes first: ipywidgets.interact, graphviz.Source, and so a `dot` process for each move

The ways take turns, so that whatever else the machine does hits all of them; so do two JupyterLabs, with the
websocket of `make lab` and with Jupyter's own (mmlab/setup/websocket.py). Then many moves (--long N), after which the
kernel's memory, its objects, widgets and comms, and the page's elements must be as many as before, and a burst of keys,
which must end on the last picture and show none out of order. Then what a move costs at the kernel, beside a callback
that does nothing. Without a `dot` command the plain way is left out, and it says so.
"""

import argparse
import ast
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
from tests.browser.harness import Lab, ask, open_notebook, run_all

GRAPH = """\
import ipywidgets as widgets
from IPython.display import display
from mmlab.views.columns import Graph
from mmlab.views.diagram import Diagram, Row

def graph(value):
    made = Graph("task_struct", "mm_struct", "vm_area_struct", "file", "address_space")
    made.node(0, "task", "task_struct", "reader", [Row("min_flt", value), Row("mm")])
    made.node(0, "mm", "mm_struct", "reader", [Row("map_count", 10), Row("mm_rb")])
    made.edge("task:mm", "mm")
    for n in range(10):
        made.node(1, f"vma{n}", "vm_area_struct", f"vma#{n}", [Row("vm_pgoff", value + n), Row("vm_file")])
        made.edge("mm:mm_rb", f"vma{n}")
    for n in range(9):
        made.node(2, f"file{n}", "file", f"book{n}.txt", [Row("f_count", 2), Row("f_mapping")])
        made.node(3, f"as{n}", "address_space", f"book{n}.txt", [Row("nrpages", n)])
        made.edge(f"vma{n}:vm_file", f"file{n}")
        made.edge(f"file{n}:f_mapping", f"as{n}")
    assert len(made.nodes) == 30
    return made

def slider():
    return widgets.IntSlider(min=0, max=100_000, description="vm_pgoff")
"""
OURS = """\
ours, picture = slider(), widgets.HTML()
def redraw(change=None):
    picture.value = graph(ours.value).diagram("30 objects", f"vm_pgoff {ours.value}").html()
ours.observe(redraw, "value")
redraw()
widgets.VBox([ours, picture]).add_class("ours")
"""
DOT = """\
laid, drawing = slider(), widgets.HTML()
def relay(change=None):
    drawing.value = Diagram("30 objects", f"vm_pgoff {laid.value}", graph(laid.value).dot).html()
laid.observe(relay, "value")
relay()
widgets.VBox([laid, drawing]).add_class("dot")
"""
PLAIN = """\
import graphviz
plain = slider()
shown = widgets.interactive(lambda value: display(graphviz.Source(graph(value).dot)), value=plain)
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
MMAP_LAB = """\
from mmlab.views import MmapLab
lab = MmapLab()
lab.add_class("lab")
"""
OFFSET, LENGTH = "lab.controls['offset']", "lab.controls['length']"
STATE = """\
def state():
    import gc, pathlib
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    comms = len(get_ipython().kernel.comm_manager.comms)
    widgets_ = len(widgets.widget._instances)
    return {"memory kB": 4 * pages, "objects": len(gc.get_objects()), "comms": comms, "widgets": widgets_}
"""
ROOM = {"memory kB": 2048, "objects": 1000, "elements": 10}  # by so much they go up and down by themselves
WATCH = """() => {
    const found = document.querySelector('.ours .widget-html-content');
    window.shown = [];
    new MutationObserver(() => {
        const value = Number(found.querySelector('svg desc')?.textContent.split(' ')[1]);
        if (!Number.isNaN(value) && value !== window.shown.at(-1)) window.shown.push(value);
    }).observe(found, { childList: true, subtree: true });
}"""
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


@contextlib.contextmanager
def kernel(code, names):
    """Start a kernel, and run the code in it; give its client, and the comm of each slider named."""
    manager, client = start_new_kernel(stderr=subprocess.DEVNULL)
    try:
        ids = {name: f"{name}.model_id" for name in names}
        reply = client.execute_interactive(GRAPH + code, user_expressions=ids, output_hook=lambda _: None, timeout=60)
        assert reply["content"]["status"] == "ok", reply["content"]
        found = reply["content"]["user_expressions"]
        yield client, {name: found[name]["data"]["text/plain"].strip("'") for name in names}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def move(client, comm, value):
    """Send the message of a slider that moves; give the ms until the kernel is idle."""
    content = {"comm_id": comm, "data": {"method": "update", "state": {"value": value}, "buffer_paths": []}}
    message = client.session.msg("comm_msg", content)
    started = time.perf_counter()
    client.shell_channel.send(message)
    while True:
        heard = client.get_iopub_msg(timeout=20)
        ours = heard["parent_header"].get("msg_id") == message["header"]["msg_id"]
        if ours and heard["content"].get("execution_state") == "idle":
            return (time.perf_counter() - started) * 1000


def at_kernel(ways, moves):
    """Move a slider of each way in turn, each in a kernel of its own; give the times, and the CPU ms of a move."""
    with contextlib.ExitStack() as stack:
        there = {what: stack.enter_context(kernel(code, names)) for what, (code, names, _) in ways.items()}
        times, used = {what: [] for what in ways}, {what: cpu(client) for what, (client, _) in there.items()}
        for n in range(1, moves + 11):
            for what, (client, comms) in there.items():
                name, value = ways[what][2](n)
                times[what].append(move(client, comms[name], value))
        spent = {what: (cpu(client) - used[what]) * 1000 / (moves + 10) for what, (client, _) in there.items()}
        return {what: (found[10:], spent[what]) for what, found in times.items()}


def new_setting(n):
    """Move MmapLab's offset and its length in turn: 8 × 23 of each, so none comes again in 368 moves."""
    return (OFFSET, 4096 * (n // 2 % 8)) if n % 2 else (LENGTH, 1024 * (1 + n // 2 % 23))


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


def many_moves(page, moves):
    """Move the slider of `ours` and MmapLab's in turn; tell what kernel and page have, and what they have more of."""
    for way in ("ours", "lab"):
        page.locator(f".{way} svg").first.wait_for()
        page.evaluate(STAMP, [f".{way}", way])

    def turn(count):
        for n in range(count):
            way, key = ("lab", "ArrowRight" if n // 2 % 12 < 6 else "ArrowLeft") if n % 2 else ("ours", "ArrowRight")
            page.locator(f".{way} .noUi-handle").first.focus()
            page.keyboard.press(key)
            page.evaluate(f"settled.{way}()")

    def state():
        elements = page.evaluate("document.querySelectorAll('*').length")
        return ast.literal_eval(ask(page, "state()")) | {"elements": elements}

    turn(240)  # until all that remembers a bounded number of things is full
    before = state()
    turn(moves)
    after = state()
    print(f"{moves} moves of two sliders, MmapLab's one of them:")
    for what, had in before.items():
        print(f"  {what:10} {had} → {after[what]}")
    return [f"{what} {had} → {after[what]}" for what, had in before.items() if after[what] > had + ROOM.get(what, 0)]


def burst(page, keys):
    """Press a key so often without waiting; tell which pictures were shown, and what was wrong with them."""
    first = int(page.locator(".ours svg desc").text_content().split()[1])
    page.evaluate(WATCH)
    page.locator(".ours .noUi-handle").focus()
    for _ in range(keys):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(f"shown.at(-1) === {first + keys}", timeout=20_000)
    page.wait_for_timeout(1000)
    shown = page.evaluate("shown")
    print(f"A burst of {keys} keys from {first}: {len(shown)} pictures, the last is of {shown[-1]}")
    return [] if shown == sorted(shown) and shown[-1] == first + keys else [f"a burst showed {shown}"]


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
    parser.add_argument("--long", type=int, default=1000)
    options = parser.parse_args()
    plain, missed = bool(shutil.which("dot")), []
    cells = {"graph": GRAPH, "ours": OURS, "dot": DOT, "small": SMALL} | ({"plain": PLAIN} if plain else {})
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=FLAGS)
        print(f"Key press → changed picture of 30 objects, in Chromium {chromium.version}:")
        with opened(chromium, cells, prompt=True) as prompt, opened(chromium, cells, prompt=False) as own:
            pages = {"make lab": prompt, "Jupyter's own websocket": own}
            times = in_browser(pages, [way for way in cells if way != "graph"], options.moves)
        seen = {key: line(f"{key[0]}: {key[1]}", found) for key, found in times.items()}
        if plain:
            for way in ("ours", "dot", "small"):
                pairs = zip(seen["make lab", way], seen["make lab", "plain"], strict=True)
                p50, p95 = (mine / theirs for mine, theirs in pairs)
                print(f"  {way} / plain: {p50:.2f} at p50, {p95:.2f} at p95" + " (bar: 0.5)" * (way == "ours"))
                missed += [f"ours is {max(p50, p95):.2f} of plain"] if way == "ours" and max(p50, p95) > 0.5 else []
        else:
            print("  plain: left out, there is no `dot` on PATH (Debian: apt-get install graphviz)")
        with opened(chromium, {"graph": GRAPH, "ours": OURS, "lab": MMAP_LAB, "state": STATE}, prompt=True) as page:
            missed += many_moves(page, options.long)
            missed += burst(page, 100)
        chromium.close()
    print("At the kernel, from the slider's message to idle:")
    ways = {
        "a callback that does nothing": (NOTHING, ["nothing"], lambda n: ("nothing", n)),
        "ours: 30 objects in columns": (OURS, ["ours"], lambda n: ("ours", n)),
        "dot: 30 objects, Graphviz in process": (DOT, ["laid"], lambda n: ("laid", n)),
        "MmapLab, each setting for the first time": (MMAP_LAB, [OFFSET, LENGTH], new_setting),
        "MmapLab, in eight positions": (MMAP_LAB, [OFFSET], lambda n: (OFFSET, 4096 * (n % 8))),
    }
    least = None
    for what, (found, used) in at_kernel(ways, options.moves).items():
        p50, _ = line(what, found)
        least = least or p50
        bar = "" if what.startswith("dot") else " (bar: 3)"
        print(f"  {'':42} {p50 / least:.1f} of nothing{bar}; CPU {used:.1f} ms a move")
        missed += [f"{what}: {p50 / least:.1f} empty callbacks"] if bar and p50 > 3 * least else []
    print(f"missed: {'; '.join(missed)}" if missed else "all bars held")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
