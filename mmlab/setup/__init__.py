"""Install the project, check it, start JupyterLab and run the tests; on the standard library alone.

`doctor()` is for notebooks: its result shows "All 7 checks passed.", or what failed and what to do about it.
"""

from mmlab.setup.checks import Report, doctor

__all__ = ["Report", "doctor"]
