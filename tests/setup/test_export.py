"""The notebooks as HTML, without a kernel: Jupyter's own pages, and those of `make html`, have all that is stored."""

import html
import json
import re

import pytest
from nbconvert import HTMLExporter

from mmlab.setup import export
from mmlab.setup.places import NOTEBOOKS

STORED = sorted(NOTEBOOKS.glob("*.ipynb"))
ANSWERS = "<summary>Answers</summary>"
OUTPUT = re.compile(r'<div class="(?:jp-RenderedText|jp-RenderedSVG|jp-RenderedHTMLCommon jp-RenderedHTML jp-Out)')

each = pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)


def outputs(path):
    """All stored outputs of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def of_type(path, mime):
    """The stored outputs of one type, as texts."""
    return ["".join(output["data"][mime]) for output in outputs(path) if mime in output.get("data", {})]


def visible(page):
    """The words of a page."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page.partition("<body")[2], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def holds(page, words):
    """Tell whether a page has these words, however they are marked up."""
    return re.sub(r"\W+", "", words) in re.sub(r"\W+", "", visible(page))


@each
def test_jupyters_page_has_the_pictures_the_predictions_and_the_answers(path):
    page, _ = HTMLExporter().from_filename(str(path))
    assert page.count('src="data:image/svg+xml') == len(of_type(path, "image/svg+xml")) + page.count('class="mm-map"')
    for asked in of_type(path, "text/html"):
        assert holds(page, html.unescape(re.sub(r"<[^>]+>", " ", asked)))
    assert page.count(ANSWERS) == path.read_text(encoding="utf-8").count(ANSWERS)
    assert not re.search("widget[- ]view|widget state|Error displaying widget|Loading widget", page)
    assert len(OUTPUT.findall(page)) == len(outputs(path))


@each
def test_our_page_has_each_picture_in_words_too_and_asks_nobody(path, tmp_path):
    page = export.export(path, tmp_path).read_text(encoding="utf-8")
    pictures = [output["data"] for output in outputs(path) if "image/svg+xml" in output.get("data", {})]
    assert page.count("<summary>in words</summary>") == len(pictures)
    for data in pictures:
        key = re.search(r'aria-labelledby="([^"]+)"', "".join(data["image/svg+xml"]))[1]
        assert f'<title id="{key}">' in page
        assert f"<pre>{html.escape(''.join(data['text/plain']), quote=False)}</pre>" in page
    assert "<script" not in page
    assert not re.search(r"""(?:src=|@import |url\()["']?http""", page)
    links = re.findall(r'href="([^"#]+)', page)
    assert links
    for link in links:
        there = (tmp_path / link).resolve()
        assert there.exists() or (NOTEBOOKS / there.with_suffix(".ipynb").name).exists(), link


def test_the_page_is_called_as_the_lesson(tmp_path):
    page = export.export(NOTEBOOKS / "04_three_links.ipynb", tmp_path)
    assert page.name == "04_three_links.html"
    assert "<title>4 · The three links: vm_pgoff, vm_file, vm_ops</title>" in page.read_text(encoding="utf-8")
