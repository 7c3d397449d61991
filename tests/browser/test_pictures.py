"""What if the pictures that the lessons store are drawn by a browser, in whichever fonts it has?"""

import nbformat
import pytest
from playwright.sync_api import Page

from mmlab.setup import places
from mmlab.views import style

PICTURES = {
    f"{path.stem} [{cell.execution_count}] {number}": output.data["image/svg+xml"]
    for path in sorted(places.NOTEBOOKS.glob("*.ipynb"))
    for cell in nbformat.read(path, as_version=4).cells
    for number, output in enumerate(cell.get("outputs", []))
    if "image/svg+xml" in output.get("data", {})
}
WRONG = """() => {
    const edge = document.querySelector('svg').getBoundingClientRect();
    const texts = [...document.querySelectorAll('svg text')].filter(text => text.textContent.trim());
    const boxes = texts.map(text => [text.textContent, text.getBoundingClientRect()]);
    const out = boxes.filter(([_, box]) => box.left < edge.left - 0.5 || box.right > edge.right + 0.5);
    const meet = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5
        && a.top + 2 < b.bottom - 2 && b.top + 2 < a.bottom - 2;
    const pairs = boxes.flatMap(([words, box], n) =>
        boxes.slice(n + 1).filter(([_, other]) => meet(box, other)).map(([others]) => `${words} | ${others}`));
    return [...out.map(([words]) => words), ...pairs];
}"""
WIDTHS = """words => words.map(word => {
    const text = document.querySelector('svg text');
    text.textContent = word;
    return text.getComputedTextLength();
})"""


def test_what_if_words_are_long(page: Page) -> None:
    """No two texts of a picture meet, and none leaves it."""
    assert len(PICTURES) > 40
    found = {}
    for name, svg in PICTURES.items():
        page.set_content(f"<body style='margin: 0'>{svg}")
        found[name] = page.evaluate(WRONG)
    assert not any(found.values()), {name: words for name, words in found.items() if words}


@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_what_if_letters_are_wide(page: Page, weight: str) -> None:
    """A word is as wide as was reckoned, within 4 %, or less in a narrow font."""
    words = ["vm_area_struct", "MM_FILEPAGES", "READ|WRITE|EXEC|SHARED", "7ffff7de6000", "ld-linux-x86-64.so.2"]
    page.set_content(
        f"<svg><text font-family='{style.FONT}' font-size='{style.SIZE}px' font-weight='{weight}'>.</text></svg>"
    )
    for word, drawn in zip(words, page.evaluate(WIDTHS, words), strict=True):
        assert drawn < 1.04 * style.room(word, bold=weight == "bold") < 1.6 * drawn, word
