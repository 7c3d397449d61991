"""Coursework: problems as data, answers in a sandbox, marks by the simulation.

What a notebook needs is here; nbgrader is needed only by those who grade.
"""

from mmlab.coursework.example import example
from mmlab.coursework.persona import iam, personal, whoami


def check(name: str) -> None:
    """Say whether the answer to a part ("ps1-hole") is right, and if not, what is wrong with it."""
    from mmlab.coursework.practice import check

    check(name)


__all__ = ["check", "example", "iam", "personal", "whoami"]
