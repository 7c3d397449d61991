"""Wrong answers: in psN/PART.py, WRONG = {the misconception, in words: code, or (code, what it still earns)}.

Most are the reference answer with one thing wrong.
"""

from tests.coursework.helpers import PARTS


def but(grade_id: str, *changes: tuple[str, str]) -> str:
    """The reference answer, but with each (right, wrong): the wrong in the one place where it has the right."""
    answer = PARTS[grade_id][1].solution
    for right, wrong in changes:
        assert answer.count(right) == 1, f"{grade_id} holds {right!r} {answer.count(right)} times"
        answer = answer.replace(right, wrong)
    return answer


def then(grade_id: str, code: str) -> str:
    """The reference answer, and then something done to it."""
    return f"{PARTS[grade_id][1].solution}\n{code}"
