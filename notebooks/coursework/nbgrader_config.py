"""The course, for nbgrader: all of it stands in mmlab/coursework/nbgrading.py. Settings of your own go below."""

from pathlib import Path

from mmlab.coursework.nbgrading import configure

c = get_config()  # noqa: F821  (nbgrader gives get_config)
configure(c, Path(__file__).resolve().parent)
