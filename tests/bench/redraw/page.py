"""What is measured in the browser: from a key press to the changed picture; many moves; a burst of keys."""

import ast
import contextlib
import math
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.harness import Lab, ask, open_notebook, run_all

Times = dict[tuple[str, str], list[float]]  # by page and way; ms

TURN = 10  # moves of one way, before the next has its turn
SETTLES = 400  # ms; JupyterLab makes the cell of a slider that gets the focus the active one, and moves a toolbar there
PAUSE = 100  # ms after each picture: the last messages of the plain way come 40 ms after it
FILLED = 240  # moves, until all that remembers a bounded number of things is full
ROOM = {"memory kB": 2048, "objects": 1000, "elements": 10}  # by so much they go up and down by themselves

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
WATCH = """() => {
    const found = document.querySelector('.ours .widget-html-content');
    window.shown = [];
    new MutationObserver(() => {
        const value = Number(found.querySelector('svg desc')?.textContent.split(' ')[1]);
        if (!Number.isNaN(value) && value !== window.shown.at(-1)) window.shown.push(value);
    }).observe(found, { childList: true, subtree: true });
}"""


@contextlib.contextmanager
def opened(chromium: Browser, cells: Mapping[str, str], *, prompt: bool) -> Iterator[Page]:
    """Start a JupyterLab of its own, and run the cells in it; give the page."""
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


def key_presses(pages: Mapping[str, Page], ways: Sequence[str], moves: int) -> Times:
    """Press a key so many times in each page each way; the ways take turns. A first turn of each only warms."""
    for page in pages.values():
        watch(page, ways)
    for _ in range(1 + math.ceil(moves / TURN)):
        for page in pages.values():
            page.bring_to_front()
            for way in ways:
                page.locator(f".{way} .noUi-handle").focus()
                page.wait_for_timeout(SETTLES)
                for _ in range(TURN):
                    press(page, way)
                    page.wait_for_timeout(PAUSE)
    return {(name, way): page.evaluate(f"times.{way}")[TURN:][:moves] for name, page in pages.items() for way in ways}


def watch(page: Page, ways: Sequence[str]) -> None:
    """Have the page note when a key is pressed on the first slider of each way, and when its picture is another."""
    for way in ways:
        page.locator(f".{way} svg, .{way} img").first.wait_for()
        page.evaluate(STAMP, [f".{way}", way])


def press(page: Page, way: str, key: str = "ArrowRight") -> None:
    """Press a key on the slider that has the focus; wait for the picture."""
    page.keyboard.press(key)
    page.evaluate(f"settled.{way}()")


def many_moves(page: Page, moves: int) -> list[str]:
    """Move the slider of `ours` and MmapLab's in turn; tell what kernel and page have, and what they have more of."""
    watch(page, ["ours", "lab"])

    def turn(count: int) -> None:
        for n in range(count):
            way, key = ("lab", "ArrowRight" if n // 2 % 12 < 6 else "ArrowLeft") if n % 2 else ("ours", "ArrowRight")
            page.locator(f".{way} .noUi-handle").first.focus()
            press(page, way, key)

    def state() -> dict[str, int]:
        elements = page.evaluate("document.querySelectorAll('*').length")
        return ast.literal_eval(ask(page, "state()")) | {"elements": elements}

    turn(FILLED)
    before = state()
    turn(moves)
    after = state()
    print(f"{moves} moves of two sliders, MmapLab's one of them:")
    for what, had in before.items():
        print(f"  {what:10} {had} → {after[what]}")
    return [f"{what} {had} → {after[what]}" for what, had in before.items() if after[what] > had + ROOM.get(what, 0)]


def burst(page: Page, keys: int) -> list[str]:
    """Press a key so often without waiting; tell which pictures were shown, and what was wrong with them."""
    first = int((page.locator(".ours svg desc").text_content() or "").split()[1])
    page.evaluate(WATCH)
    page.locator(".ours .noUi-handle").focus()
    for _ in range(keys):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(f"shown.at(-1) === {first + keys}", timeout=20_000)
    page.wait_for_timeout(1000)
    shown = page.evaluate("shown")
    print(f"A burst of {keys} keys from {first}: {len(shown)} pictures, the last is of {shown[-1]}")
    return [] if shown == sorted(shown) and shown[-1] == first + keys else [f"a burst showed {shown}"]
