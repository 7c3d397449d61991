"""Whose questions these are: each student meets numbers of their own, and the same ones every time."""

from __future__ import annotations

import hashlib
import os
import random

NAMES = ("MMLAB_STUDENT", "JUPYTERHUB_USER")  # a grader says whose work it is; a hub knows
COURSE = "mmlab"  # for which the numbers are drawn, unless the course has another name
_said: dict[str, str] = {}


def iam(student: str, course: str = COURSE) -> None:
    """Say who works here, by the id under which the work is handed in, and for which course."""
    _said.update(student=student.strip(), course=course)
    print(f"These questions are drawn for {whoami()}.")


def whoami() -> str:
    """Give the student's id: what a grader or a hub says counts before what the notebook says."""
    return next(filter(None, map(os.environ.get, NAMES)), None) or _said.get("student") or "nobody yet"


def personal(part: str) -> random.Random:
    """Give the random numbers of a part ("ps1-holes"): those of this student in this course."""
    return drawn(_said.get("course", COURSE), whoami(), part)


def drawn(course: str, student: str, part: str) -> random.Random:
    """Give the random numbers that this student meets in this part of this course."""
    return random.Random(hashlib.sha256(f"{course}\0{student}\0{part}".encode()).digest())


def uses_numbers(code: str) -> bool:
    """Tell whether code draws a student's numbers."""
    return "personal(" in code
