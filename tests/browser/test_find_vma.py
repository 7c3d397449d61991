"""The find_vma lab of lesson 01 in a real browser: the keyboard moves the slider, and words and picture follow."""

from mmlab.views.search import boot, ends, look
from tests.browser.harness import count_widgets, expect, open_notebook, run_all, violations

LAB = ".jp-OutputArea-output:has(.noUi-handle)"


def test_the_slider_shows_what_find_vma_gives(page, lab):
    open_notebook(page, lab, "01_address_space.ipynb")
    run_all(page)
    before, shown, stops = count_widgets(page), page.locator(LAB).first, ends(boot(0))
    words, picture = shown.locator("pre[role=status]"), shown.locator("svg desc")
    shown.locator(".noUi-handle").focus()
    for key, addr in ("ArrowRight", stops[1]), ("ArrowRight", stops[2]), ("End", stops[-1]), ("Home", stops[0]):
        page.keyboard.press(key)
        outcome = look(addr)
        expect(words).to_have_text(f"{outcome.calls}\n{outcome.verdict}")
        assert picture.text_content() == outcome.pictures[0].text
    shown.get_by_label("access").select_option(label="store")
    outcome = look(stops[0], "store")
    expect(words).to_have_text(f"{outcome.calls}\n{outcome.verdict}")
    assert count_widgets(page) == before
    assert violations(page, LAB) == []
