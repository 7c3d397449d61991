"""The concept map: its data hang together, its words say what it shows, and its boxes lead to the lessons."""

import re

import pytest

from mmlab.setup.series import LAST
from mmlab.views import concept_map
from mmlab.views.concepts import CONCEPTS, LINKS, places
from mmlab.views.style import KINDS

NAMES = [concept.name for concept in CONCEPTS]


def test_each_lesson_has_a_concept_and_they_come_in_order():
    numbers = [concept.lesson for concept in CONCEPTS]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, LAST + 1))


def test_each_concept_is_told_once_and_linked():
    assert len(NAMES) == len(set(NAMES))
    assert {concept.kind for concept in CONCEPTS} <= set(KINDS)
    ends = {name for tail, _, head in LINKS for name in (tail, head)}
    assert ends == set(NAMES)


def test_the_words_say_each_link():
    text = str(concept_map())
    assert text.splitlines()[0] == "01 process: has an address space"
    for tail, words, head in LINKS:
        (line,) = [line for line in text.splitlines() if re.match(rf"\d\d {re.escape(tail)}(:|$)", line)]
        assert f"{words} {head}" in line


def test_each_box_leads_to_its_lesson_if_that_is_there(tmp_path):
    (tmp_path / "04_links.ipynb").touch()
    shown = concept_map(tmp_path)._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html"}
    found = re.findall(r'<a href="([^"]*)" title="([^:]*):', shown["text/html"])
    assert found == [("04_links.ipynb", concept.name) for concept in CONCEPTS if concept.lesson == 4]


@pytest.mark.parametrize("first, second", [(0, 1), (3, 8)])
def test_the_places_are_those_of_the_boxes(first, second):
    at = [tuple(map(float, re.findall(r"[\d.]+", place))) for place in places(concept_map().svg)]
    assert len(at) == len(CONCEPTS)
    assert all(0 < left < left + width < 100 and 0 < top < top + height < 100 for left, top, width, height in at)
    assert at[first][:2] != at[second][:2]
