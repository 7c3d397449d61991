"""The course, for nbgrader: all of it stands in mmlab/coursework/nbgrading.py."""

from pathlib import Path

from mmlab.coursework.nbgrading import configure

configure(get_config(), Path(__file__).resolve().parent)  # noqa: F821  (nbgrader gives get_config)
