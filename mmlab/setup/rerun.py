"""Run stored notebooks from top to bottom in a fresh kernel, and store what they show: `make notebooks`.

`make notebooks` also writes the links between the notebooks and the contents page anew, from the lessons' headers.
After a lesson was added or renamed, `python -m mmlab notebooks --links` does that, and runs the contents page alone.

Nothing that differs between machines or runs is stored: no times, no Python version, no widget state and no reference
to a widget, whose picture and text are shown in its place until the cell is run.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from mmlab.setup import series
from mmlab.setup.places import NOTEBOOKS
from mmlab.setup.report import Trouble, step

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"
TIMEOUT = 60  # seconds for one cell


def rerun(path: Path) -> None:
    """Run one notebook and store it; CellExecutionError if a cell fails, and then nothing is stored."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=TIMEOUT, record_timing=False, store_widget_state=False, coalesce_streams=True
    )
    client.execute(cwd=str(path.parent))
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    notebook.metadata = nbformat.from_dict(METADATA)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def main(names: Sequence[str]) -> int:
    """Run the notebooks named, or all; return 1 if one failed, or if a lesson's header lacks a field."""
    contents = str(NOTEBOOKS / series.CONTENTS)
    try:
        paths = series.named([contents if name == "--links" else name for name in names])
        for name in series.link(NOTEBOOKS) if not names or "--links" in names else []:
            print(f"{name}: its links are written anew")
        for path in paths:
            with step(f"running {path.name}"):
                rerun(path)
    except CellExecutionError as error:
        print(f"\n{path}: a cell failed, and the notebook is as it was. The cell and its error:\n{error}")
        return 1
    except Trouble as trouble:
        print(f"mmlab: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
