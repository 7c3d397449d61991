"""Who grades the graders? What is right earns all points, what is blank none, and each known mistake loses some.

The wrong answers are in wrong/psN/PART.py: WRONG = {the misconception, in words: code}, at least five for each part.
A code that earns part of the points stands with them: (code, 1.5). Where the numbers differ from student to student a
mistake can give the right number by luck: there it must lose for two of the STUDENTS.
"""

import pytest

from mmlab.coursework.example import example
from mmlab.coursework.problem import Part, ProblemSet
from mmlab.coursework.sandbox import Nursery
from tests.coursework.helpers import PARTS, SETS, START, answered, wrong

STUDENTS = ["ada", "grace", "linus", "radia", "ken", "barbara"]
each_part = pytest.mark.parametrize(("problems", "part"), PARTS.values(), ids=PARTS)


@each_part
def test_what_if_the_answer_is_the_reference(problems: ProblemSet, part: Part, nursery: Nursery) -> None:
    for student in STUDENTS[:3]:
        mark = answered(problems, part, part.solution, student, nursery)
        assert (mark.points, mark.word) == (part.points, ""), student


@each_part
def test_what_if_there_is_no_answer(problems: ProblemSet, part: Part, nursery: Nursery) -> None:
    mark = answered(problems, part, part.starter, STUDENTS[0], nursery)
    assert mark.points == 0
    assert mark.word


@each_part
def test_what_if_the_answer_is_a_known_mistake(problems: ProblemSet, part: Part, nursery: Nursery) -> None:
    mistakes = wrong(problems.grade_id(part))
    assert len(mistakes) >= 5
    assert len(set(mistakes.values())) == len(mistakes), "two are the same"
    for misconception, answer in mistakes.items():
        code, points = answer if isinstance(answer, tuple) else (answer, None)
        lost = []
        for student in STUDENTS if personal(part) else STUDENTS[:1]:
            mark = answered(problems, part, code, student, nursery)
            if mark.points < part.points:
                lost.append(student)
                assert mark.word, misconception
                assert points is None or mark.points == points, f"{misconception}: {mark}"
            if len(lost) == 2:
                break
        assert len(lost) == (2 if personal(part) else 1), f"{misconception}: earns all points"


@each_part
def test_what_if_an_answer_is_garbage(problems: ProblemSet, part: Part, nursery: Nursery) -> None:
    """Whatever is in the place of each name that the reference answer defines, nothing is earned."""
    names: dict[str, object] = {}
    tree = compile(part.solution, "solution", "exec")
    names.update(dict.fromkeys(name for name in tree.co_names if f"{name} =" in part.solution or
                               f"def {name}(" in part.solution or f"class {name}" in part.solution))
    for garbage in ("None", "object()", "[[]]", "float('nan')", "'1' * 10**6", "lambda *a, **k: object()", "print"):
        answer = "\n".join(f"{name} = {garbage}" for name in names)
        mark = answered(problems, part, answer, STUDENTS[0], nursery)
        assert mark.points == 0, garbage
        assert mark.word, garbage


@pytest.mark.parametrize("problems", SETS, ids=lambda problems: problems.short)
def test_what_if_two_students_sit_side_by_side(problems: ProblemSet, nursery: Nursery) -> None:
    """They read other numbers, and each reads the same ones every time."""
    for part in filter(personal, problems.parts):
        asked = {student: question(part, student, nursery) for student in STUDENTS}
        assert question(part, STUDENTS[0], nursery) == asked[STUDENTS[0]]
        assert len(set(asked.values())) >= 4, f"{part.id} asks most students the same"


@pytest.mark.parametrize("problems", SETS, ids=lambda problems: problems.short)
def test_what_if_nothing_is_answered_and_all_is_run(problems: ProblemSet, nursery: Nursery) -> None:
    """No example stops the notebook: it says that nothing is answered yet."""
    with nursery.sandbox("ada") as sandbox:
        sandbox.run('me = "your student id"', "me")
        sandbox.run(START, "start")
        for part in problems.parts:
            if part.check:
                sandbox.run(part.setup, f"{part.id}, setup")
                sandbox.run(part.starter, f"{part.id}, answer")
                sandbox.run("with example():\n    " + "\n    ".join(part.example.splitlines()), part.id)
                assert sandbox.output.strip(), part.id
                assert "right" not in sandbox.output, f"{part.id} is right before it is answered"


def personal(part: Part) -> bool:
    """Tell whether the numbers of a part differ from student to student."""
    return "personal(" in part.setup


def question(part: Part, student: str, nursery: Nursery) -> str:
    """Give what a student reads above an answer cell."""
    with nursery.sandbox(student) as sandbox:
        sandbox.run(f"me = {student!r}\n{START}\nprint('-')", "start")
        sandbox.run(part.setup, "setup")
        return sandbox.output


def test_what_if_an_example_fails(capsys: pytest.CaptureFixture[str]) -> None:
    for error, said in (
        (AssertionError("a page has 4096 bytes"), "Not yet: a page has 4096 bytes"),
        (TypeError("'<' not supported between instances of 'ellipsis' and 'int'"), "Not answered yet."),
        (ValueError("x"), "Not yet: the answer raised ValueError: x"),
    ):
        with example():
            raise error
        assert capsys.readouterr().out.strip() == said
