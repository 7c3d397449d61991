"""The style of the lessons: their parts, their lengths, their links, and what their stored outputs may hold."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from mmlab.setup.places import NOTEBOOKS, ROOT
from mmlab.setup.series import header as read_header

LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))[1:]
PAGES = [*sorted(NOTEBOOKS.glob("*.ipynb")), NOTEBOOKS / "INSTRUCTORS.md", ROOT / "README.md"]
PARTS = ["The lab", "Break it", "On the real kernel", "In the source", "Check yourself", "Exercises"]
MIME = {"text/plain", "text/html", "image/svg+xml"}
# What differs between two machines or two runs, or was not meant to be seen.
STRANGE = r"object at 0x|0x7f[0-9a-f]{10}>|\x1b\[|Traceback|/home/|/work/|/tmp/(?!.*deleted)|ipykernel_|<ipython-input"

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)


def cells(path, kind=None):
    """The cells of a notebook, or those of one kind."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def source(cell):
    return "".join(cell["source"])


def prose(path):
    """All text of a page that is not code."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    return "\n\n".join(source(cell) for cell in cells(path, "markdown"))


def headings(text):
    """The headings of a text, without their marks."""
    return re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)


@each_lesson
def test_it_is_one_sitting(path):
    assert len(cells(path)) <= 45
    lengths = [len(source(cell).splitlines()) for cell in cells(path, "code")]
    assert max(lengths) <= 12


@each_lesson
def test_its_header_says_what_the_reader_gets_and_needs(path):
    header = source(cells(path)[0])
    assert re.match(rf"# {int(path.name[:2])} · \S", header)
    objectives = header.partition("**When you are done you can**")[2].partition("**You need**")[0]
    assert re.findall(r"^(\d)\. .+[;.]$", objectives, re.MULTILINE) == ["1", "2", "3"]
    lesson = read_header(path.name, header)
    assert 20 <= lesson.minutes <= 45
    assert all(number < lesson.number for number in lesson.needs)


@each_lesson
def test_it_has_each_part(path):
    found = headings(prose(path))
    assert [part for part in PARTS if not any(heading.startswith(part) for heading in found)] == []


@each_lesson
def test_it_asks_before_it_tells(path):
    asked = prose(path).count("**Predict") + sum("predict(" in source(cell) for cell in cells(path, "code"))
    assert asked >= 3


@each_lesson
def test_its_lab_follows_its_heading(path):
    at = [number for number, cell in enumerate(cells(path)) if "## The lab" in source(cell)]
    following = cells(path)[at[0] + 1]
    assert following["cell_type"] == "code"
    assert "image/svg+xml" in following["outputs"][-1]["data"]


@each_lesson
def test_each_question_of_the_self_check_has_a_folded_answer(path):
    questions, answers = re.search(
        r"^## Check yourself\n(.*?)<details><summary>Answers</summary>\n\n(.*?)</details>",
        prose(path), re.DOTALL | re.MULTILINE,
    ).groups()  # fmt: skip
    asked, answered = (re.findall(r"^(\d+)\. ", part, re.MULTILINE) for part in (questions, answers))
    assert asked == answered
    assert asked == [str(number) for number in range(1, len(asked) + 1)]
    assert len(asked) >= 3


@each_lesson
def test_its_source_table_names_what_is_there(path):
    table = re.search(r"^## In the source\n(.*?)(?=^## |\Z)", prose(path), re.DOTALL | re.MULTILINE)[1]
    rows = re.findall(r"\[([^]]*)\]\(\.\./(mmlab/[^)]*)\)", table)
    assert len(rows) >= 4
    for names, file in rows:
        room = (ROOT / file).read_text(encoding="utf-8")
        for name in re.findall(r"`([\w.]+)`", names):
            assert name.endswith(".py") or re.search(rf"^(?:def |class )?{name}\b", room, re.MULTILINE), (name, file)


@each_lesson
def test_it_speaks_plainly(path):
    text = re.sub(r"```.*?```|`[^`]*`|<details>|\$.*?\$", "", prose(path), flags=re.DOTALL)
    assert re.findall(r"\b(?:simply|obviously|of course|note that|todo|fixme)\b", text, re.IGNORECASE) == []
    assert re.findall(r"\w+!(?=\s|$)", text) == []
    assert [number for number in re.findall(r"[Ll]essons? (\d+)", text) if int(number) > 12] == []


@pytest.mark.parametrize("path", PAGES[:-2], ids=lambda path: path.name)
def test_its_outputs_hold_nothing_that_surprises(path):
    for cell in cells(path, "code"):
        for output in cell["outputs"]:
            if output["output_type"] == "stream":
                assert output["name"] == "stdout", source(cell)
                text = "".join(output["text"])
            else:
                assert output["output_type"] in ("execute_result", "display_data"), source(cell)
                assert "text/plain" in output["data"] and set(output["data"]) <= MIME
                text = "".join(output["data"]["text/plain"])
            assert text.strip(), source(cell)
            assert re.findall(STRANGE, text) == [], source(cell)


@pytest.mark.parametrize("path", PAGES[:-2], ids=lambda path: path.name)
def test_each_cell_has_a_name_of_its_own_and_no_trailing_blanks(path):
    names = [cell["id"] for cell in cells(path)]
    assert len(names) == len(set(names))
    assert [source(cell) for cell in cells(path) if source(cell) != source(cell).strip()] == []
    assert all(len(line) <= 120 for cell in cells(path, "code") for line in source(cell).splitlines())


@each_page
def test_each_link_leads_somewhere(path):
    """A file that is there, within the project; an anchor that is a heading there; an image with a description."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", prose(path), flags=re.DOTALL)
    for described, target in re.findall(r"(!\[[^]]*|\[[^]]*)\]\(([^)\s]+)\)", text):
        if target.startswith(("https:", "http:")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists() and there.is_relative_to(ROOT), target
        if anchor:
            assert anchor in [slug(heading, there) for heading in headings(prose(there))], target
        assert described != "![", f"{target} has no description"


def slug(heading, path):
    """The anchor of a heading: JupyterLab's in a notebook, GitHub's elsewhere."""
    if path.suffix == ".ipynb":
        return heading.replace(" ", "-")
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@each_page
def test_headings_go_down_by_one(path):
    depths = [len(marks) for marks in re.findall(r"^(#+) ", re.sub(r"```.*?```", "", prose(path), flags=re.DOTALL),
                                                re.MULTILINE)]
    assert depths[0] == 1 and depths.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(depths))


def test_each_image_is_used():
    used = {Path(target).name for path in PAGES for target in re.findall(r"\]\(\S*?(images/[^)]+)\)", prose(path))}
    assert {path.name for path in (NOTEBOOKS / "images").iterdir()} == used
