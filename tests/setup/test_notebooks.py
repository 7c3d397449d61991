"""Each stored notebook was run from top to bottom in a fresh kernel: nbval compares no cell that was not run."""

import json
import re

import pytest

from mmlab.setup.places import NOTEBOOKS

STORED = sorted(NOTEBOOKS.glob("*.ipynb"))
SERIES = [path for path in STORED if path.name[:2].isdigit()]


def test_there_are_notebooks():
    assert SERIES[0].name == "00_start_here.ipynb"


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_each_code_cell_was_run_in_order(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    counts = [cell["execution_count"] for cell in code]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_any_python_3_kernel_opens_it(path):
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert metadata["language_info"]["name"] == "python"


def markdown(path):
    """The text of each cell that is not code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_each_link_to_a_file_leads_somewhere(path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", "\n".join(markdown(path)))
    assert [link for link in links if not (path.parent / link).exists()] == []
