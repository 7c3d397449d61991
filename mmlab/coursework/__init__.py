"""Coursework: problems as data, answers in a sandbox, marks by the simulation."""

from mmlab.coursework.example import example
from mmlab.coursework.persona import iam, personal, whoami

__all__ = ["example", "iam", "personal", "whoami"]
