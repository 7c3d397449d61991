"""The instructors' guide speaks of sections, cells and minutes that the lessons have."""

import json
import re

from mmlab.setup.places import NOTEBOOKS
from mmlab.setup.series import GUIDE, LAST

TEXT = (NOTEBOOKS / GUIDE).read_text(encoding="utf-8")
LESSONS = {path.name[:2]: path for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
PARTS = re.findall(r"^### \[?(\d\d)[^\n]*\n(.*?)(?=^### |\Z)", TEXT, re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^\| (?!what students|---)(.+?) \| (.+) \|$", re.MULTILINE)


def plain(text):
    return text.replace("`", "").rstrip(" …")


def headings(path):
    """The headings of a notebook, without marks."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return [plain(heading) for heading in re.findall(r"^##+ (.+)$", prose, re.MULTILINE)]


def test_each_lesson_has_beliefs_and_questions():
    assert [number for number, _ in PARTS] == [f"{number:02}" for number in range(1, LAST + 1)]
    for number, part in PARTS:
        assert len(ROW.findall(part)) >= 3, number
        (questions,) = re.findall(r"^Ask: (.+?)(?=\n\n|\Z)", part, re.DOTALL | re.MULTILINE)
        assert questions.count("?") >= 2, number


def test_each_belief_is_met_in_a_section_that_is_there():
    for number, part in PARTS:
        if number not in LESSONS:
            continue
        there = headings(LESSONS[number])
        text = LESSONS[number].read_text(encoding="utf-8")
        for belief, where in ROW.findall(part):
            for section in re.findall(r"\*([^*]+)\*(?= *(?:[,:;]|$))", where):
                assert any(heading.startswith(plain(section)) for heading in there), (number, section)
            for name in re.findall(r"`([^`]+)`|(?<![\w.-])(\d{2,})(?![\w-]|\.\d)", where):
                assert "".join(name) in text, (number, belief, name)


def test_the_pacing_speaks_of_lessons_and_sections_that_are_there():
    pacing = TEXT.partition("## Pacing")[2].partition("## Lesson by lesson")[0]
    found = [heading for path in LESSONS.values() for heading in headings(path)]
    for section in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", pacing):
        assert any(heading.startswith(section) for heading in found), section
    assert {int(number) for number in re.findall(r"(?<!\d)\d\d(?!\d| minutes)", pacing)} >= set(range(LAST + 1))


def test_a_lecture_fills_its_minutes():
    table = re.search(r"One lecture \((\d+) minutes\)(.*?)\n\n\*\*", TEXT, re.DOTALL)
    assert sum(map(int, re.findall(r"^\| (\d+) \|", table[2], re.MULTILINE))) == int(table[1])
