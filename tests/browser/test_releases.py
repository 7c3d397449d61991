"""The lab of lesson 12 in a real browser: the keyboard moves through the releases, and words and picture follow."""

from mmlab.views.releases import releases, show_release
from tests.browser.harness import count_widgets, expect, open_notebook, run_all, theme, violations

LAB = ".jp-OutputArea-output:has(.noUi-handle)"


def test_the_slider_shows_what_each_release_answers(page, lab):
    open_notebook(page, lab, "12_since_4_4.ipynb")
    run_all(page)
    before, shown, every = count_widgets(page), page.locator(LAB).first, releases()
    words, picture = shown.locator("pre[role=status]"), shown.locator("svg desc")
    shown.locator(".noUi-handle").focus()
    for key, release in ("Home", every[0]), ("ArrowRight", every[1]), ("ArrowRight", every[2]), ("End", every[-1]):
        page.keyboard.press(key)
        outcome = show_release(release)
        expect(words).to_have_text(outcome.verdict)
        assert picture.text_content() == outcome.pictures[0].text
    assert count_widgets(page) == before
    for name in ("light", "dark"):
        theme(page, name)
        assert violations(page, LAB) == []
