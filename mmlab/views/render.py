"""Turn DOT into one tidy, deterministic, accessible SVG, by whichever Graphviz is there.

An engine is a function DOT text → raw SVG text. It raises RendererMissing when it is not there, and DotError
when the DOT is at fault. `ENGINES` is tried in order; the browser edition registers its WASM engine.
"""
import os
import re
import shutil
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from mmlab.views.style import FONT, SIZE, SLACK, visible

Engine = Callable[[str], str]

MISSING = ("No Graphviz is here to draw the picture: run `pip install pygraphviz` in this environment, "
           "or install Graphviz so that `dot` is on PATH.")
END = "\xa0"      # as a text of its own in the DOT: the text before it is set to end where this one stands
_NAMES = (' id="', 'href="#', '="url(#')     # what an id follows in a tidy SVG; in text each " is &quot;
_FAULT = re.compile(r"Error: |Warning: node .*, port .* unrecognized")
WIDEST = 840  # px: what a cell of JupyterLab shows beside its file browser, in a window of 1280
SVG = "http://www.w3.org/2000/svg"
SPACE, TITLE = f"{{{SVG}}}", f"{{{SVG}}}title"
XML = "{http://www.w3.org/XML/1998/namespace}"
_LOCK = threading.Lock()


class RendererMissing(RuntimeError):
    """No engine is there; the text says in one sentence what to do."""


class DotError(ValueError):
    """Graphviz could not draw this DOT; the text has Graphviz's words and the DOT line."""


# 1. Engines

def pygraphviz(dot: str) -> str:
    """Draw in this process, through the Graphviz in pygraphviz's wheel: no process start, about 2 ms."""
    try:
        library = import_module("pygraphviz")
    except (ImportError, OSError) as error:
        raise RendererMissing(MISSING) from error
    return _checked(dot, *_draw(library, dot))


def dot_command(dot: str) -> str:
    """Draw with the `dot` on PATH, or beside this Python (a venv that is not activated)."""
    command = shutil.which("dot") or shutil.which("dot", path=str(Path(sys.executable).parent))
    if command is None:
        raise RendererMissing(MISSING)
    no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run([command, "-Tsvg"], input=dot.encode(), capture_output=True, check=False,
                              timeout=60, creationflags=no_window)
    except OSError as error:                # found, but not a program of this machine
        raise RendererMissing(MISSING) from error
    if done.returncode == 127:              # found, but its libraries are not
        raise RendererMissing(MISSING)
    return _checked(dot, done.stdout, done.stderr)


ENGINES: list[Engine] = [pygraphviz, dot_command]


def register(engine: Engine) -> None:
    """Put `engine` before all others, and forget the pictures the others drew."""
    ENGINES.insert(0, engine)
    picture.cache_clear()


def draw(dot: str) -> str:
    """Return the raw SVG of `dot` from the first engine that is there; RendererMissing if none is."""
    return _first_engine(dot)[1]


def engine_name() -> str:
    """Return the name of the engine that draws here; RendererMissing if none is."""
    return _first_engine("digraph {}")[0]


def _first_engine(dot: str) -> tuple[str, str]:
    for engine in list(ENGINES):
        try:
            return engine.__name__, engine(dot)
        except RendererMissing:
            continue
    raise RendererMissing(MISSING)


def _draw(library: Any, dot: str) -> tuple[bytes, bytes]:
    """Return the SVG (empty if there is none) and what Graphviz complained of; one drawing at a time."""
    with _LOCK, _c_stderr() as noise:
        try:
            with closing(library.AGraph(string=dot)) as graph:
                svg = graph.draw(format="svg", prog="dot") or b""
        except ValueError as error:
            if "Can't find prog" in str(error):     # a Graphviz without its layout plugins
                raise RendererMissing(MISSING) from error
            svg = b""
        noise.seek(0)
        return svg, noise.read()


@contextmanager
def _c_stderr() -> Iterator[IO[bytes]]:
    """Collect what C code writes to file descriptor 2, where Graphviz and fontconfig complain."""
    with TemporaryFile() as noise:
        try:
            saved = os.dup(2)
        except OSError:                     # a program without a console has no descriptor 2
            yield noise
            return
        os.dup2(noise.fileno(), 2)
        try:
            yield noise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _checked(dot: str, svg: bytes, noise: bytes) -> str:
    """Return `svg` as text; DotError if Graphviz found a fault. Mere warnings are dropped."""
    complaints = [line.strip() for line in noise.decode(errors="replace").splitlines()]
    faults = [i for i, line in enumerate(complaints) if _FAULT.match(line)]
    if faults or not svg:
        raise DotError(_explain(dot, complaints[faults[0]:] if faults else complaints))
    return svg.decode()


def _explain(dot: str, complaints: list[str]) -> str:
    """Return Graphviz's own words, and the DOT line that a syntax error names."""
    words = " ".join(complaints) or "Graphviz drew nothing and gave no reason"
    number = re.search(r"syntax error in line (\d+)", words)
    lines = dot.splitlines()
    if number is None or not 0 < int(number[1]) <= len(lines):
        return words
    return f"{words}\nDOT line {number[1]}: {lines[int(number[1]) - 1].strip()}"


# 2. One picture

@lru_cache(maxsize=256)
def picture(dot: str, title: str, text: str) -> str:
    """Return the tidy SVG of `dot`, named `title` and described by `text`."""
    return tidy(_loosen(draw(dot)), title, text, key(dot, title, text))


def _loosen(svg: str) -> str:
    """Draw text smaller than Graphviz measured it, so that it fits its box in the reader's font too."""
    return re.sub(r'(?<= font-size=")[\d.]+(?=")', lambda size: f"{float(size[0]) / SLACK:g}", svg)


def key(source: str, title: str, text: str) -> str:
    """Return the prefix of all ids in that picture: equal for equal pictures, whatever drew them."""
    return "m" + sha256("\0".join((source, title, text)).encode(errors="replace")).hexdigest()[:12]


def tidy(svg: str, title: str, text: str, prefix: str) -> str:
    """Return `svg` without prolog, comments, tooltips and namespaces; named, described, never wider than its cell."""
    root = ET.fromstring(svg)
    for element in root.iter():
        _clean(element)
    parts: list[str] = []
    write(root, parts.append)
    return named("".join(parts), title, text, prefix)


def named(svg: str, title: str, text: str, prefix: str) -> str:
    """Return a tidy `svg` with a title, a description and ids of its own, never wider than WIDEST or its cell."""
    for before in _NAMES:
        svg = svg.replace(before, f"{before}{prefix}-")
    box, body = opened(svg)
    head = "".join(f'<{tag} id="{prefix}-{tag}">{_escaped(_lines(words))}</{tag}>'
                   for tag, words in (("title", title), ("desc", text)))
    wide = min(float(box.split()[2]), WIDEST)
    return (f'<svg xmlns="{SVG}" viewBox="{box}" width="{wide:g}" font-family="{FONT}" font-size="{SIZE}" role="img" '
            f'aria-labelledby="{prefix}-title" aria-describedby="{prefix}-desc" '
            f'style="max-width:100%;height:auto;background:#fff">{head}{body}')


def opened(svg: str) -> tuple[str, str]:
    """Return the viewBox of a tidy `svg`, and what follows its first tag."""
    start, _, body = svg.partition(">")
    return start.partition('viewBox="')[2].partition('"')[0], body


def _lines(words: str) -> str:
    return "\n".join(visible(line) for line in words.splitlines())


def write(element: ET.Element, out: Callable[[str], None]) -> None:
    """Write an element without tails, in a third of ET.tostring's time; of namespaces XML's own keeps its prefix."""
    pairs = "".join(f' {_bare(name)}="{_quoted(value)}"' for name, value in element.attrib.items())
    if not element.text and not len(element):
        out(f"<{element.tag}{pairs} />")
        return
    out(f"<{element.tag}{pairs}>{_escaped(element.text or '')}")
    for child in element:
        write(child, out)
    out(f"</{element.tag}>")


@lru_cache(maxsize=256)
def _bare(name: str) -> str:
    """Name an attribute as SVG 2 has it: xml:space, and href without a prefix."""
    return name.replace(XML, "xml:") if name.startswith(XML) else name.rpartition("}")[2]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


@lru_cache(maxsize=2048)
def _quoted(text: str) -> str:
    return _escaped(text).replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#09;")


def _clean(element: ET.Element) -> None:
    """Drop the namespace, blanks, titles and what the root says once for all."""
    if len(element):
        _align(element)
        element[:] = [child for child in element if child.tag != TITLE and child.text != END]
    element.tag = element.tag.removeprefix(SPACE)
    if element.tag != "text":
        element.text = None
    attributes = element.attrib
    if attributes.get("font-family") == FONT:
        del attributes["font-family"]               # the root says it once for all


def _align(element: ET.Element) -> None:
    """Make each text before an END mark end at the mark: Graphviz itself anchors all text at its start."""
    for text, mark in pairwise(element):
        if mark.text == END:
            text.attrib |= {"text-anchor": "end", "x": mark.attrib["x"]}
