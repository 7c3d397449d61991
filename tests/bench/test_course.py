"""What if a simulated class is graded? Both graders read the same work; the figures are told. Nothing is timed."""

import json
import sys

import pytest

from tests.bench import course
from tests.coursework.helpers import SETS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="submitted code is shut in on Linux only")


def test_what_if_a_class_is_graded(tmp_path, capsys):
    figures = tmp_path / "figures.json"
    assert course.main(["--students", "20", "--plain", "2", "--json", str(figures)]) == 0
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert (told["students"], told["plain students"]) == (20, 2)
    assert told["ratio"] > 0
    printed = capsys.readouterr().out
    assert "20 in" in printed
    assert "throughput, ours : plain" in printed


def test_what_if_the_class_answers():
    """Most are right, some make a known mistake, one answers half of it, one nothing."""
    problems = SETS[0]
    right = course.solutions(problems)
    drawn = [course.answers(problems, number) for number in range(20)]
    assert sum(each == right for each in drawn) == 14
    assert drawn[19] == {}
    assert 0 < len(drawn[18]) < len(right)
    assert all(each.keys() == right.keys() for each in drawn[:18])
