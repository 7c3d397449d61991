"""The static site in a real browser that reaches nothing but the site: every lesson runs, and a slider moves.

The site is built first, and served from a folder of its host, as a course's page would be. All that the browser asks of
other machines, in whichever of its threads, goes to a proxy that refuses it and remembers it.
"""

import gzip
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from mmlab.setup import site
from mmlab.setup.places import NOTEBOOKS
from mmlab.views.lab import Setting, run
from tests.browser.harness import HAS_RUN, RUN_ALL, run_all, screenshot

LESSONS = sorted(path.name for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
BROWSERS_OWN = {"content-autofill.googleapis.com:443"}  # Chromium asks this itself when a page has a form
OTHERWISE = {"doctor()"}  # cells with these words show something else in a page
FOLDER = "/course/mmlab/"
STARTS = 120_000  # milliseconds that Python in a page may take to start, on a busy machine

IS_OPEN = """path => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.path === path && panel.context.isReady && panel.context.sessionContext.isReady
        && panel.context.sessionContext.session?.kernel?.status === 'idle';
}"""
# Opens each notebook, runs all its cells in a Python of its own, and closes it: two at a time.
RUN_LESSONS = """async paths => {
    const app = window.jupyterapp, results = {}, queue = [...paths];
    const until = async test => { while (!test()) await new Promise(go => setTimeout(go, 50)); };
    const run = async path => {
        const panel = await app.commands.execute('docmanager:open', { path });
        await panel.context.ready;
        const session = panel.context.sessionContext;
        await session.ready;
        await until(() => session.session?.kernel?.status === 'idle');
        await app.commands.execute('notebook:run-all-cells', { semanticWidget: panel.id, activate: false });
        await until(() => session.session.kernel.status === 'idle');
        results[path] = panel.context.model.sharedModel.cells.map(
            cell => cell.cell_type === 'code'
                ? { source: cell.getSource(), outputs: cell.getOutputs(), count: cell.execution_count }
                : { source: cell.getSource(), outputs: [], count: null });
        await session.shutdown();
        panel.context.model.dirty = false;
        panel.dispose();
    };
    const some = async () => { while (queue.length) await run(queue.shift()); };
    await Promise.all([some(), some()]);
    return results;
}"""
# Presses a key on the slider's handle and waits until the picture is another: milliseconds.
MOVE = """key => new Promise((done, failed) => {
    const lab = document.querySelector('.mm-lab'), picture = () => lab.querySelector('svg desc')?.textContent;
    const before = picture(), start = performance.now();
    new MutationObserver((_, observer) => {
        if (picture() && picture() !== before) { observer.disconnect(); done(performance.now() - start); }
    }).observe(lab, { childList: true, subtree: true, characterData: true });
    setTimeout(() => failed(new Error(`the picture stayed after ${key}`)), 30000);
    lab.querySelector('.noUi-handle').dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
})"""


class Refusing(BaseHTTPRequestHandler):
    """A proxy that lets nothing through and remembers what was asked."""

    asked: list[str] = []

    def refuse(self) -> None:
        self.asked.append(self.path)
        self.send_error(403)

    do_CONNECT = do_GET = do_HEAD = do_POST = refuse

    def log_message(self, *words: object) -> None:
        pass


class Counted(site.Files):
    """A static host with the site in a folder, which remembers what it sent and what it had not."""

    sent: list[Path] = []
    missed: list[str] = []

    def send_head(self) -> Any:
        self.sent.append(Path(self.translate_path(self.path)))
        return super().send_head()

    def translate_path(self, path: str) -> str:
        inside = path.startswith(FOLDER)
        return super().translate_path(path.removeprefix(FOLDER[:-1]) if inside else "/nothing is here")

    def send_error(self, *words: Any) -> None:
        self.missed.append(self.path)
        super().send_error(*words)


@pytest.fixture(scope="module")
def host() -> Iterator[SimpleNamespace]:
    """The built site on a static host.

    `sent` lists its files, `missed` what it was asked for and has not, `asked` the addresses asked of other machines.
    """
    site.build()
    static, proxy = site.server(files=Counted), ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    for each in (static, proxy):
        threading.Thread(target=each.serve_forever, daemon=True).start()
    here, there = (f"http://127.0.0.1:{each.server_port}" for each in (static, proxy))
    told = {"sent": Counted.sent, "missed": Counted.missed, "asked": Refusing.asked}
    yield SimpleNamespace(url=here + FOLDER, proxy=there, **told)
    for each in (static, proxy):
        each.shutdown()
        each.server_close()


@pytest.fixture(scope="module")
def tab(chromium: Browser, host: SimpleNamespace) -> Iterator[Page]:
    """One page for all tests here, open at the site's first notebook, which is run; `figures` tells what it took."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 1600}, proxy={"server": host.proxy, "bypass": "127.0.0.1"}
    )
    page = context.new_page()
    page.figures, page.exceptions = {}, []
    page.on("pageerror", lambda error: page.exceptions.append(str(error)))
    start = time.monotonic()
    page.goto(host.url)
    page.locator(".jp-Notebook .jp-MarkdownOutput").first.wait_for(timeout=STARTS)
    page.figures["the first notebook is seen after"] = f"{time.monotonic() - start:.1f} s"
    page.wait_for_function(IS_OPEN, arg=site.FIRST, timeout=STARTS)
    page.figures["Python is ready after"] = f"{time.monotonic() - start:.1f} s"
    page.evaluate(RUN_ALL)
    page.locator(".jp-RenderedSVG img").first.wait_for(state="attached", timeout=STARTS)
    page.figures["the first picture is drawn after"] = f"{time.monotonic() - start:.1f} s"
    page.wait_for_function(HAS_RUN, timeout=STARTS)
    page.first_visit = {path for path in host.sent if path.is_file()}
    yield page
    context.close()


def words_of(outputs: list[dict]) -> list[str]:
    """Return what outputs say: printed text, and the text of each value or picture."""
    printed = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    values = [output["data"]["text/plain"] for output in outputs if "text/plain" in output.get("data", {})]
    return [printed, *values]


@pytest.fixture(scope="module")
def results(tab: Page) -> dict[str, list]:
    """What each lesson's cells show when they are run in the page."""
    return tab.evaluate(RUN_LESSONS, [f"notebooks/{name}" for name in LESSONS])


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_in_the_page_and_shows_what_is_stored(results, name):
    stored = nbformat.read(NOTEBOOKS / name, as_version=4).cells
    shown = results[f"notebooks/{name}"]
    assert shown[1]["source"] == site.HIDDEN
    cells = [shown[0], *shown[2:]]
    first = shown[1]["count"]  # not 1 in the notebook that was run before
    ran = [cell["count"] for cell, kind in zip(cells, stored, strict=True) if kind.cell_type == "code" and kind.source]
    assert first and ran == list(range(first + 1, first + 1 + len(ran)))
    for ours, theirs in zip(stored, cells, strict=True):
        assert not [output for output in theirs["outputs"] if output["output_type"] == "error"], theirs
        if ours.cell_type == "code" and not any(words in ours.source for words in OTHERWISE):
            assert words_of(theirs["outputs"]) == words_of(ours.outputs), ours.source


def test_the_doctor_and_the_recorded_figures(results):
    printed = {name: "\n".join(word for cell in results[f"notebooks/{name}"] for word in words_of(cell["outputs"]))
               for name in ("00_start_here.ipynb", "08_mapped_experiments.ipynb", "12_since_4_4.ipynb")}
    assert "All 3 checks passed." in printed["00_start_here.ipynb"]
    assert re.search(r"Linux 6\.\S+, recorded on 20\d\d-", printed["08_mapped_experiments.ipynb"])
    assert re.search(r"Linux 6\.\S+, recorded on 20\d\d-", printed["12_since_4_4.ipynb"])


def test_a_slider_moves_the_picture_as_the_kernel_says(tab, host):
    path = "notebooks/04_three_links.ipynb"
    tab.evaluate("path => { window.jupyterapp.commands.execute('docmanager:open', { path }); }", path)
    tab.wait_for_function(IS_OPEN, arg=path, timeout=STARTS)
    run_all(tab)
    lab = tab.locator(".mm-lab").first
    lab.scroll_into_view_if_needed()
    for offset, key in ((2, "ArrowRight"), (1, "ArrowLeft")):
        lab.locator(".noUi-handle").first.focus()
        tab.keyboard.press(key)
        moved = run(Setting(offset=offset * 4096))
        expect(lab.locator("pre[role=status]")).to_have_text(moved.verdict, timeout=30_000)
        expect(lab.locator("svg desc").first).to_have_text(moved.pictures[0].text)
    screenshot(tab, "site-slider", of=lab)
    times = sorted(tab.evaluate(MOVE, key) for key in ["ArrowRight", "ArrowLeft"] * 10)
    tab.figures["a move of the slider changes the picture after"] = f"{times[10]:.0f} ms (20 between two places)"


def test_nothing_was_asked_of_other_machines_and_asking_would_be_seen(tab, host):
    assert not tab.exceptions
    assert not host.missed, "the host was asked for what it has not"
    assert set(host.asked) <= BROWSERS_OWN
    assert "TypeError" in tab.evaluate("fetch('http://cdn.invalid/lib.js').then(String, String)")
    assert "http://cdn.invalid/lib.js" in host.asked


def test_the_site_is_at_home_at_the_root_of_a_host_too(chromium, host):
    with site.server() as root:
        threading.Thread(target=root.serve_forever, daemon=True).start()
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{root.server_port}")
        page.locator(".jp-Notebook .jp-MarkdownOutput").first.wait_for(timeout=STARTS)
        page.close()
        root.shutdown()


def test_figures_are_reported(tab, host, capsys):
    sizes = [path.read_bytes() for path in tab.first_visit]
    every = sum(path.stat().st_size for path in site.SITE.rglob("*") if path.is_file())
    figures = {
        "the site": f"{every / 1e6:.1f} MB",
        "a first visit": f"{sum(map(len, sizes)) / 1e6:.1f} MB"
        f" ({sum(len(gzip.compress(data, 6)) for data in sizes) / 1e6:.1f} MB from a host that compresses)",
        **tab.figures,
    }
    with capsys.disabled():
        print("\n" + "\n".join(f"  {name}: {figure}" for name, figure in figures.items()))
    assert every < 80e6
