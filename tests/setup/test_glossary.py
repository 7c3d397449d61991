"""The glossary: one sentence for each term, in order, and its kernel names are real."""

import json
import re

from mmlab.setup.places import NOTEBOOKS, ROOT
from mmlab.setup.series import GLOSSARY, LAST

ROW = re.compile(r"\| (.+?) \| (.+) \| \[?(\d\d)(?:\]\(\S+\))? \|")
LATER = {"`mmap_prepare`", "`mmap_sem`"}  # the simulation is of v4.4 and has no locks
NAMES = {path.name[:2]: path for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}


def rows():
    """Give term, sentence and lesson of each row."""
    cells = json.loads((NOTEBOOKS / GLOSSARY).read_text(encoding="utf-8"))["cells"]
    lines = "".join(cells[1]["source"]).splitlines()
    assert lines[:2] == ["| term | what it is | lesson |", "|---|---|---|"]
    return [ROW.fullmatch(line).groups() for line in lines[2:]]


ROWS = rows()
TERMS = [term for term, _, _ in ROWS]


def test_there_are_about_a_hundred_terms_in_order():
    plain = [re.sub(r"[^a-z]", "", term.lower()) for term in TERMS]
    assert plain == sorted(plain)
    assert len(TERMS) == len(set(TERMS))
    assert 70 <= len(TERMS) <= 120


def test_each_has_one_sentence():
    assert [sentence for _, sentence, _ in ROWS if not re.fullmatch(r"[A-Z4`].*\.", sentence)] == []
    assert [sentence for _, sentence, _ in ROWS if re.search(r"\. [A-Z]", sentence)] == []


def test_each_lesson_has_terms():
    assert {int(lesson) for _, _, lesson in ROWS} == set(range(1, LAST + 1))


def test_each_kernel_name_is_one_of_the_simulated_kernel():
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "mmlab").rglob("*.py"))
    names = {name for term in TERMS if term not in LATER for name in re.findall(r"`(.+?)`", term)}
    assert [name for name in sorted(names) if name.rpartition("->")[2] not in source] == []


def test_the_lesson_named_speaks_of_it():
    """A name of the kernel's stands there as it is; of other terms, the beginning of the first word."""
    for lesson, path in NAMES.items():
        text = path.read_text(encoding="utf-8").lower()
        words = [term.strip("`") if "`" in term else term.split()[0][:4] for term, _, at in ROWS if at == lesson]
        assert [word for word in words if word.lower() not in text] == [], path.name
