"""An essay, which a person reads."""

from mmlab.coursework.problem import Part

PART = Part("why", "essay", 4, "Why?", "Why?", rubric="- 4: because", solution="Because.")
