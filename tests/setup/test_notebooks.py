"""Each stored notebook was run from top to bottom in a fresh kernel: nbval compares no cell that was not run."""

import json

import pytest

from mmlab.setup.places import NOTEBOOKS

STORED = sorted(NOTEBOOKS.glob("*.ipynb"))


def test_there_are_notebooks():
    assert STORED[0].name == "00_start_here.ipynb"


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
