"""The lessons in a real browser: they run, their sliders call the simulated kernel, and the pictures follow."""

import random

import pytest
from playwright.sync_api import Locator, Page

from mmlab.setup.places import NOTEBOOKS
from mmlab.views.lab import Setting, run
from tests.browser.harness import ask, expect, open_notebook, run_all, screenshot, theme

ALL_DRAWN = "() => [...document.querySelectorAll('.jp-RenderedSVG img')].every(i => i.complete && i.naturalWidth > 100)"
LESSONS = sorted(path.name for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def lab_of(page: Page) -> Locator:
    """Give the mmap lab, scrolled into view."""
    found = page.locator(".mm-lab").first
    found.scroll_into_view_if_needed()
    return found


def expect_words(page: Page, setting: Setting, timeout: float = 15_000) -> None:
    """Wait until the words over the picture are those that the kernel itself gives for this setting."""
    outcome = run(setting)
    expect(lab_of(page).locator("pre[role=status]")).to_have_text(outcome.verdict, timeout=timeout)
    expect(lab_of(page).locator(".mm-call pre")).to_have_text([text for _, text in outcome.calls])


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_from_top_to_bottom(page, lab, name):
    open_notebook(page, lab, name)
    run_all(page)
    expect(page.locator(".jp-RenderedSVG img").first).to_be_visible()
    page.wait_for_function(ALL_DRAWN)


def test_the_offset_slider_moves_the_picture_as_the_kernel_says(page, lab):
    open_notebook(page, lab, "04_three_links.ipynb")
    run_all(page)
    expect_words(page, Setting())
    before = lab_of(page).locator("svg").first.inner_html()
    handle = lab_of(page).locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("ArrowRight")
    moved = Setting(offset=2 * 4096)
    expect_words(page, moved)
    strip, graph = run(moved).pictures
    svgs = lab_of(page).locator("svg")
    assert svgs.first.inner_html() != before
    assert svgs.nth(0).locator("desc").text_content() == strip.text
    assert svgs.nth(1).locator("desc").text_content() == graph.text
    assert "vm_pgoff = 2" in strip.text
    for name in ("light", "dark"):
        theme(page, name)
        screenshot(page, f"lab-{name}", of=lab_of(page))


def test_every_refusal_says_why(page, lab):
    open_notebook(page, lab, "04_three_links.ipynb")
    run_all(page)
    lab_of(page).get_by_label("file", exact=True).select_option(label="no readpage: /bare/book.txt")
    refused = Setting(file="no readpage")
    expect_words(page, refused)
    assert "ENOEXEC" in (lab_of(page).locator("svg desc").text_content() or "")
    screenshot(page, "lab-refusal", of=lab_of(page))


def test_two_hundred_moves_leave_nothing_behind(page, lab):
    open_notebook(page, lab, "04_three_links.ipynb")
    run_all(page)
    count = "(len(__import__('ipywidgets').widgets.widget._instances), len(get_ipython().kernel.comm_manager.comms))"
    before = ask(page, count)
    handles = lab_of(page).locator(".noUi-handle")
    keys, choice = ["ArrowRight", "ArrowLeft", "Home", "End", "PageUp", "PageDown"], random.Random(4)
    for move in range(200):
        handles.nth(move % 2).focus()
        page.keyboard.press(choice.choice(keys))
    handles.nth(0).focus()
    page.keyboard.press("Home")
    handles.nth(1).focus()
    page.keyboard.press("End")
    expect_words(page, Setting(offset=0, length=6 * 4096), timeout=60_000)
    assert ask(page, count) == before
    assert lab_of(page).locator("svg").count() == 2
    assert not [error for error in page.console_errors if "Traceback" in error or "Error" in error]

