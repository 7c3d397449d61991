"""The contents and links of the series follow from the lessons' headers, and what is stored is what follows."""

import shutil

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from mmlab.setup import series
from mmlab.setup.places import NOTEBOOKS
from mmlab.setup.report import Trouble

PAGE = """# The page

**You need** C. **Time**: 20 minutes."""
TABLE = """## Contents

| | lesson | minutes | you need |
|---|---|---|---|
| 00 | Start here | 20 | C |"""


def write(folder, name, *texts):
    nbformat.write(new_notebook(cells=[new_markdown_cell(text) for text in texts]), folder / name)


def lesson(folder, number, title, needs="C"):
    head = f"# {number} · {title}\n\n**You need** {needs}. **Time**: {number}0 minutes."
    write(folder, f"{number:02}_x.ipynb", head, "A question?", "An exercise.")


def sources(folder, name):
    return [cell.source for cell in series.cells(folder / name)]


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, series.CONTENTS, PAGE, TABLE, "The end.")
    lesson(tmp_path, 1, "One: a start")
    lesson(tmp_path, 3, "Three", "lessons 1 and [2](02_x.ipynb)")
    write(tmp_path, series.GLOSSARY, "| a | its sentence | 01 |\n| b | its sentence | [02](old.ipynb) |")
    (tmp_path / series.GUIDE).write_text("### 01\n\nBeliefs.\n\n### [02 · Old](old.ipynb), 7 minutes\n")
    series.link(tmp_path)
    return tmp_path


def test_what_is_stored_is_what_the_headers_say(tmp_path):
    for path in [*NOTEBOOKS.glob("*.ipynb"), NOTEBOOKS / series.GUIDE]:
        shutil.copy(path, tmp_path)
    assert series.link(tmp_path) == [], "run: python -m mmlab notebooks --links"


def test_each_lesson_leads_to_its_neighbours_from_both_ends(folder):
    first, _, last = sources(folder, "01_x.ipynb")
    way = "[Contents](00_start_here.ipynb) · [3 · Three →](03_x.ipynb)"
    assert first.splitlines()[:4] == ["# 1 · One: a start", "", way, ""]
    assert last == f"An exercise.\n\n{way}"
    assert sources(folder, "03_x.ipynb")[2].endswith("[← 1 · One](01_x.ipynb) · [Contents](00_start_here.ipynb)")
    assert sources(folder, series.CONTENTS)[2] == "The end.\n\n[1 · One →](01_x.ipynb)"


def test_the_contents_page_has_a_row_for_each_lesson(folder):
    assert sources(folder, series.CONTENTS)[1].splitlines()[4:] == [
        "| 00 | Start here | 20 | C |",
        "| 01 | [One: a start](01_x.ipynb) | 10 | 00 |",
        "| 03 | [Three](03_x.ipynb) | 30 | 01, 02 |",
        "",
        "Being written: 02, 04, 05, 06, 07, 08, 09, 10, 11, 12.",
    ]


def test_the_glossary_leads_to_lessons_that_are_there(folder):
    assert sources(folder, series.GLOSSARY) == ["| a | its sentence | [01](01_x.ipynb) |\n| b | its sentence | 02 |"]


def test_the_guide_has_a_heading_for_each_lesson(folder):
    headings = (folder / series.GUIDE).read_text().splitlines()[::4]
    assert headings == ["### [01 · One: a start](01_x.ipynb), 10 minutes", "### 02"]


def test_a_lesson_that_comes_between_is_known_everywhere(folder):
    lesson(folder, 2, "Two", "lesson 01")
    lessons = ["01_x.ipynb", "02_x.ipynb", "03_x.ipynb"]
    assert series.link(folder) == [series.CONTENTS, *lessons, series.GLOSSARY, series.GUIDE]
    assert "[3 · Three" not in "".join(sources(folder, "01_x.ipynb"))
    assert sources(folder, "02_x.ipynb")[2].splitlines()[-1] == (
        "[← 1 · One](01_x.ipynb) · [Contents](00_start_here.ipynb) · [3 · Three →](03_x.ipynb)"
    )
    assert "| 02 | [Two](02_x.ipynb) | 20 | 01 |" in sources(folder, series.CONTENTS)[1]
    assert "| [02](02_x.ipynb) |" in sources(folder, series.GLOSSARY)[0]


def test_a_second_time_changes_nothing(folder):
    assert series.link(folder) == []


def test_a_header_without_a_field_is_told(folder):
    write(folder, "04_x.ipynb", "# 4 · Four\n\n**You need** C.")
    with pytest.raises(Trouble, match=r"header of 04_x.ipynb says nothing of: needs, minutes"):
        series.link(folder)
