"""The harness itself, on a notebook of three cells: a slider whose picture changes by the keyboard."""

import pytest

from tests.browser.harness import ask, expect, open_notebook, run_all, screenshot, theme

LAB = """\
import ipywidgets as widgets
slider = widgets.IntSlider(value=3, min=0, max=9, description="vm_pgoff")
picture = widgets.HTML()
def draw(change=None):
    circles = "".join(f'<circle cx="{20 + 30 * i}" cy="20" r="10" fill="#009E73"/>' for i in range(slider.value))
    picture.value = f'<svg width="320" height="40">{circles}</svg><p>vm_pgoff = {slider.value}</p>'
slider.observe(draw, "value")
draw()
widgets.VBox([slider, picture])
"""


def test_arrow_keys_move_the_slider_and_change_the_picture(page, lab):
    open_notebook(page, lab, lab.add("harness.ipynb", [LAB, "6 * 7"]))
    run_all(page)
    circles = page.locator(".widget-html-content svg circle")
    expect(circles).to_have_count(3)
    theme(page, "dark")
    page.locator(".noUi-handle").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(circles).to_have_count(5)
    expect(page.locator(".widget-html-content p")).to_have_text("vm_pgoff = 5")
    assert ask(page, "slider.value") == "5"
    assert screenshot(page, "harness_dark").stat().st_size > 10_000


def test_a_failing_cell_is_named(page, lab):
    open_notebook(page, lab, lab.add("failing.ipynb", ["1 + 1", "1 / 0"]))
    with pytest.raises(AssertionError, match="cell 1: ZeroDivisionError"):
        run_all(page)


def test_requests_to_other_machines_are_refused(page, lab):
    open_notebook(page, lab, lab.add("quiet.ipynb", ["1"]))
    outcome = page.evaluate("fetch('http://mmlab.invalid/').then(() => 'answered', () => 'refused')")
    assert outcome == "refused"
    assert page.refused.pop() == "http://mmlab.invalid/"
