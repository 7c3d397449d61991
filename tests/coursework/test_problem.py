"""What if a problem set is read from its folder? It is what its files say now, and no other course's."""

import shutil
from pathlib import Path

import pytest

from mmlab.coursework.ledger import asked
from mmlab.coursework.problem import folders, load

TRIAL = Path(__file__).parent / "problems" / "ps0_trial"


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    """A problem set that a test may change."""
    return shutil.copytree(TRIAL, tmp_path / "ps0_trial", ignore=shutil.ignore_patterns("__pycache__"))


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_what_if_two_courses_have_a_set_of_one_name(trial: Path) -> None:
    rewrite(trial / "count.py", "How many?", "How many in the other course?")
    ours, theirs, again = load(TRIAL), load(trial), load(TRIAL)
    assert theirs.part("ps0-count").prompt == "How many in the other course?"
    assert ours.part("ps0-count").prompt == again.part("ps0-count").prompt == "How many?"
    assert theirs.part("ps0-sum").check is not ours.part("ps0-sum").check


def test_what_if_a_part_is_changed_while_the_program_runs(trial: Path) -> None:
    """The next look at the set finds the change, and what was judged by the old one is judged again."""
    load(trial)
    before = asked(trial, "course")
    assert asked(trial, "course") == before, "reading it changes nothing"
    rewrite(trial / "count.py", "How many?", "How many are there?")
    assert load(trial).part("ps0-count").prompt == "How many are there?"
    assert asked(trial, "course") != before
    assert asked(trial, "another course") != asked(trial, "course")


def test_what_if_a_folder_holds_other_things_too(trial: Path) -> None:
    (trial.parent / "notes").mkdir()
    (trial.parent / "ps9.py").write_text("")
    assert folders(trial.parent) == [trial]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("PROBLEMS", "PROBLEM", "must define PROBLEMS, a ProblemSet named 'ps0_trial'"),
        ('"ps0_trial"', '"ps0"', "must define PROBLEMS, a ProblemSet named 'ps0_trial'"),
        ("count.PART", "sum.PART", "ps0_trial: two parts have the same id"),
    ],
)
def test_what_if_a_set_is_wrongly_made(trial: Path, old: str, new: str, said: str) -> None:
    rewrite(trial / "__init__.py", old, new)
    with pytest.raises(ValueError, match=said):
        load(trial)


def test_what_if_there_is_no_such_set(trial: Path) -> None:
    (trial / "__init__.py").unlink()
    for folder in (trial, trial.parent / "ps1_nothing"):
        with pytest.raises(ValueError, match="There is no problem set"):
            load(folder)
