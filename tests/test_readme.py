"""README's example prints what README says, and its picture shows what the kernel builds today."""

import contextlib
import io
import re
import xml.etree.ElementTree as ET

from mmlab import MAP_SHARED, O_RDONLY, PROT_READ, Kernel
from mmlab.setup.places import ROOT
from mmlab.views import Diagram, object_graph

PICTURE = ROOT / "notebooks" / "images" / "three_links.svg"


def picture() -> Diagram:
    """Draw README's picture: python -c "from tests.test_readme import *; picture().save(PICTURE)" stores it."""
    kernel = Kernel()
    proc = kernel.spawn("reader")
    fd = proc.open("/data/book.txt", O_RDONLY)
    with kernel.trace() as trace:
        addr = proc.mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 4096)
        proc.load(addr)
    return object_graph(proc, addr, trace)


def test_the_example_prints_what_readme_says():
    code, printed = re.findall(r"```(?:python)?\n(from mmlab.*?)```\n\nprints\n\n```\n(.*?)```", readme(), re.DOTALL)[0]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {})
    assert out.getvalue() == printed
    assert len(code.strip().splitlines()) <= 12


def test_the_picture_is_of_today():
    described = ET.parse(PICTURE).getroot().findtext("{http://www.w3.org/2000/svg}desc")
    assert described == picture().text


def test_the_commands_are_those_of_the_makefile():
    targets = re.search(r"COMMANDS := (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))[1].split()
    assert set(re.findall(r"\bmake (\w+)", readme())) - {"test"} <= set(targets)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")
