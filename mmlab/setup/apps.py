"""Serve each lesson's lab as an app without code: `make apps`, by Voilà.

An app is made from its lesson: the title, the lab's own paragraph, the cell that shows the lab, and a way back to the
lesson's name. So there is nothing to keep up to date, and an app says what the lesson says. They are written into
build/apps; each visitor gets a kernel of their own.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

from mmlab.setup import places, series
from mmlab.setup.install import is_root
from mmlab.setup.places import NOTEBOOKS, ROOT

APPS = ROOT / "build" / "apps"
LAB = re.compile(r"^\w+Lab\(.*\)$")
NAMES = "from mmlab import *\nfrom mmlab.views import *\n\nRW = PROT_READ | PROT_WRITE\n"


def app(path: Path) -> nbformat.NotebookNode:
    """Make the app of one lesson; the lesson must have one lab, under its heading `## The lab`."""
    cells = series.cells(path)
    at = next(number for number, cell in enumerate(cells) if is_lab(cell))
    title = cells[0].source.partition("\n")[0]
    words = cells[at - 1].source.partition("## The lab\n")[2].strip()
    text = f"{title}\n\n{unlinked(words)}\n\n*The lab of lesson {path.name[:2]}.*"
    made = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell(text, id="words"), nbformat.v4.new_code_cell(NAMES + cells[at].source, id="lab"),
    ])  # fmt: skip
    made.metadata = series_metadata(path)
    return made


def is_lab(cell: nbformat.NotebookNode) -> bool:
    """Tell whether a cell ends by showing a lab."""
    return cell.cell_type == "code" and bool(LAB.match(cell.source.strip().rpartition("\n")[2]))


def unlinked(text: str) -> str:
    """Return text with the words of its links alone: an app has no lessons beside it."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def series_metadata(path: Path) -> nbformat.NotebookNode:
    """Return the metadata of a lesson: its kernel and its language."""
    metadata: nbformat.NotebookNode = nbformat.read(path, as_version=4).metadata
    return metadata


def write(folder: Path) -> list[Path]:
    """Write the app of each lesson that has a lab into `folder`; return them, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        if any(map(is_lab, series.cells(path))):
            nbformat.write(app(path), folder / path.name)
            written.append(folder / path.name)
    return written


def command(folder: Path, words: Sequence[str]) -> list[str]:
    """Return the command that serves the apps in `folder`."""
    return [
        sys.executable, "-m", "voila", str(folder), "--Voila.ip=127.0.0.1", "--template=mmlab",
        "--strip_sources=True", "--show_tracebacks=True", *(["--Voila.allow_root=True"] if is_root() else []), *words,
    ]  # fmt: skip


def variables() -> dict[str, str]:
    """Return the variables that Voilà starts with: deploy/voila has the template."""
    env = places.variables(Path(sys.prefix))
    return env | {"JUPYTER_PATH": os.pathsep.join([str(ROOT / "deploy"), env["JUPYTER_PATH"]])}


def main(words: Sequence[str]) -> int:
    """Write the apps and serve them until stopped; `words` are more arguments for Voilà."""
    print(f"{len(write(APPS))} apps are in {APPS.relative_to(ROOT)}. Stop serving with Control-C.", flush=True)
    return subprocess.call(command(APPS, words), cwd=APPS, env=variables())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
