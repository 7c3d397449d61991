"""Export the notebooks as pages to read without a kernel, a network or JupyterLab: `make html`, into build/html.

They are Jupyter's own pages, with three things put right: each picture is inline, so that its title and description
reach a screen reader, and has its text twin folded up beneath it; links between notebooks lead to the pages, others to
the project's files; and there is no script, so that nothing is asked of another machine.
"""

import html
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from mmlab.setup import series
from mmlab.setup.places import ROOT
from mmlab.setup.report import Trouble, step

PAGES = ROOT / "build" / "html"
STYLE = """<style>
.jp-RenderedHTMLCommon pre { font-family: var(--jp-code-font-family), monospace; font-size: 13px; line-height: 1.4 }
.jp-Cell-outputArea details { margin: 4px 0 8px }
.jp-Cell-outputArea summary { color: #4a5058; cursor: pointer }
</style>
"""


def export(path: Path, folder: Path) -> Path:
    """Write one notebook as a page into `folder`, and return the page."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"(?<=\]\()([^)\s]+)(?=\))", lambda link: target(link[1], path, folder), cell.source)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/svg+xml" in data:
                data["text/html"] = figure(data["image/svg+xml"], data["text/plain"])
            elif "text/html" in data:
                data["text/html"] = re.sub(
                    r'(?<=href=")([^"]+)(?=")', lambda link: target(link[1], path, folder), data["text/html"]
                )
    title = notebook.cells[0].source.partition("\n")[0].lstrip("# ")
    body, _ = HTMLExporter().from_notebook_node(notebook)
    body = re.sub(r"<title>.*?</title>", f"<title>{html.escape(title)}</title>", body, count=1)
    body = re.sub(r"<script\b.*?</script>", "", body, flags=re.DOTALL).replace("</head>", f"{STYLE}</head>", 1)
    page = folder / f"{path.stem}.html"
    page.write_text(body, encoding="utf-8", newline="\n")
    return page


def figure(svg: str, text: str) -> str:
    """Return a picture and its text twin, which is open to whoever wants to read it."""
    return f"{svg}<details><summary>in words</summary><pre>{html.escape(text)}</pre></details>"


def target(link: str, path: Path, folder: Path) -> str:
    """Return where a link of a notebook leads from its page: to another page, or to the file itself."""
    file, mark, anchor = link.partition("#")
    if not file or re.match(r"[a-z]+:", link):
        return link
    there = (path.parent / file).resolve()
    if there.suffix == ".ipynb":
        return f"{there.stem}.html{mark}{anchor}"
    return Path(os.path.relpath(there, folder.resolve())).as_posix() + mark + anchor


def main(names: Sequence[str]) -> int:
    """Export the notebooks named, or all; return 1 if one of them is none."""
    try:
        paths = series.named(names)
    except Trouble as trouble:
        print(f"mmlab: {trouble}", file=sys.stderr)
        return 1
    PAGES.mkdir(parents=True, exist_ok=True)
    for path in paths:
        with step(f"writing {PAGES.relative_to(ROOT) / path.stem}.html"):
            export(path, PAGES)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
