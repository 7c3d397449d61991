"""What if somebody practises, without a course? The same checks answer at once, in the notebook itself."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from mmlab.coursework import persona, practice
from mmlab.coursework.answers import do
from mmlab.coursework.problem import Part, ProblemSet
from mmlab.setup import places
from tests.coursework.helpers import PARTS, SETS, wrong

each_part = pytest.mark.parametrize(("problems", "part"), PARTS.values(), ids=PARTS)


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no word of one test, or of this machine, say who works in the next."""
    monkeypatch.setattr(persona, "_said", {})
    for name in persona.NAMES:
        monkeypatch.delenv(name, raising=False)


@each_part
def test_what_if_it_is_practised(problems: ProblemSet, part: Part, capsys: pytest.CaptureFixture[str]) -> None:
    """Right is right, blank is not answered, and what is wrong is told in words, not with the answer."""
    assert "0 of" in said(problems, part, part.starter, capsys)
    assert said(problems, part, part.solution, capsys) == f"{part.points} of {part.points} points. Right."
    told = []
    for answer in list(wrong(problems.grade_id(part)).values())[:2]:
        told.append(said(problems, part, answer if isinstance(answer, str) else answer[0], capsys))
    assert any(not each.endswith("Right.") for each in told)


def said(problems: ProblemSet, part: Part, answer: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Answer a part in a notebook to practise with, and give what its last cell says."""
    answers: dict = {"__name__": "__main__"}
    for code in ('me = "practice"', practice.START, part.setup, answer):
        do({"run": code, "name": "the answer"}, answers)
    capsys.readouterr()
    practice.check(problems.grade_id(part), answers)
    return capsys.readouterr().out.strip()


@pytest.mark.parametrize("problems", SETS[:1], ids=lambda problems: problems.short)
def test_what_if_a_practice_notebook_is_run_from_the_top(problems: ProblemSet) -> None:
    """Blank, nothing stops it; solved, each check says so."""
    blank = practice.notebook(problems)
    nbformat.validate(blank)
    NotebookClient(blank, timeout=60).execute()
    checks = [cell for cell in blank.cells if cell.source.startswith("check(")]
    assert len(checks) == sum(bool(part.check) for part in problems.parts)
    assert all(cell.outputs[0].text.startswith("0 of ") for cell in checks)


def test_what_if_the_notebooks_are_written_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a student has begun stays, until --fresh says otherwise."""
    monkeypatch.setattr(practice, "NOTEBOOKS", tmp_path)
    assert practice.main([]) == 0
    paths = sorted((tmp_path / "practice").glob("*.ipynb"))
    assert len(paths) == len(SETS)
    blank = paths[0].read_text(encoding="utf-8")
    paths[0].write_text("begun", encoding="utf-8")
    practice.main([])
    assert paths[0].read_text(encoding="utf-8") == "begun"
    practice.main(["--fresh"])
    assert paths[0].read_text(encoding="utf-8") == blank


def test_what_if_nbgrader_is_not_there() -> None:
    """Students need nothing of it: neither to work on a released notebook, nor to practise."""
    code = "import sys; sys.modules['nbgrader'] = None; import mmlab.coursework, mmlab.coursework.practice"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=places.ROOT, env=os.environ)
