"""The concept map: what the series teaches, in which lesson, and how it hangs together.

All of it is data: CONCEPTS and LINKS, in the order of the lessons. A concept looks as its kernel object does in the
other pictures; what is no object (a function, an event, a count) is grey. Each link reads as a sentence.
"""

import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from .diagram import Diagram, digraph, table
from .render import SPACE
from .words import _


class Concept(NamedTuple):
    """A thing to know: its name, what it looks like (a kind in style.KINDS), and the lesson that explains it."""

    name: str
    kind: str
    lesson: int


CONCEPTS = [
    Concept("process", "task_struct", 1),
    Concept("/proc/PID/maps", "ops", 1),
    Concept("address space", "mm_struct", 1),
    Concept("VMA", "vm_area_struct", 1),
    Concept("do_mmap", "ops", 2),
    Concept("vm_flags", "vm_area_struct", 2),
    Concept("mmap_region", "ops", 3),
    Concept("merging", "ops", 3),
    Concept("Committed_AS", "ops", 3),
    Concept("vm_pgoff", "vm_area_struct", 4),
    Concept("vm_file", "vm_area_struct", 4),
    Concept("vm_ops", "vm_area_struct", 4),
    Concept("open file", "file", 4),
    Concept("f_op->mmap", "file", 5),
    Concept("inode", "inode", 5),
    Concept("page fault", "ops", 6),
    Concept("page table", "page table", 6),
    Concept("fault-around", "ops", 6),
    Concept("page_mkwrite", "ops", 6),
    Concept("SIGSEGV, SIGBUS", "ops", 6),
    Concept("page cache", "address_space", 7),
    Concept("page", "page", 7),
    Concept("dirty page", "page", 7),
    Concept("msync", "ops", 7),
    Concept("truncate", "ops", 7),
    Concept("Mapped", "ops", 8),
    Concept("shared memory", "ops", 9),
    Concept("shmem_zero_setup", "ops", 9),
    Concept("memfd, System V", "ops", 9),
    Concept("fork", "ops", 10),
    Concept("copy-on-write", "ops", 10),
    Concept("anonymous page", "page", 10),
    Concept("munmap, mremap", "ops", 11),
    Concept("splitting", "ops", 11),
    Concept("4.4 → today", "ops", 12),
]
LINKS = [
    ("process", "has an", "address space"),
    ("/proc/PID/maps", "prints", "VMA"),
    ("address space", "has a list and tree of", "VMA"),
    ("4.4 → today", "gives a maple tree to", "address space"),
    ("do_mmap", "works out vm_flags and calls", "mmap_region"),
    ("mmap_region", "tries", "merging"),
    ("merging", "lets grow a", "VMA"),
    ("mmap_region", "builds a", "VMA"),
    ("mmap_region", "promises", "Committed_AS"),
    ("mmap_region", "calls", "f_op->mmap"),
    ("f_op->mmap", "sets", "vm_ops"),
    ("VMA", "has", "vm_flags"),
    ("VMA", "has", "vm_pgoff"),
    ("VMA", "has", "vm_file"),
    ("VMA", "has", "vm_ops"),
    ("vm_file", "points to", "open file"),
    ("open file", "opens an", "inode"),
    ("inode", "has a", "page cache"),
    ("vm_pgoff", "is a place in", "page cache"),
    ("VMA", "is found by", "page fault"),
    ("page fault", "asks", "vm_ops"),
    ("page fault", "fills in", "page table"),
    ("page fault", "may end in", "SIGSEGV, SIGBUS"),
    ("vm_ops", "may do", "fault-around"),
    ("vm_ops", "may have", "page_mkwrite"),
    ("page_mkwrite", "makes a", "dirty page"),
    ("msync", "writes the", "dirty page"),
    ("fault-around", "fills in", "page table"),
    ("page table", "maps a", "page"),
    ("page cache", "holds each", "page"),
    ("page", "counts, if mapped, in", "Mapped"),
    ("truncate", "shortens", "page cache"),
    ("shmem_zero_setup", "makes a file for", "shared memory"),
    ("shared memory", "comes also as", "memfd, System V"),
    ("shared memory", "lives in a", "page cache"),
    ("fork", "leads to", "copy-on-write"),
    ("page fault", "does the", "copy-on-write"),
    ("copy-on-write", "makes an", "anonymous page"),
    ("munmap, mremap", "need", "splitting"),
    ("splitting", "cuts a", "VMA"),
]


@dataclass(frozen=True, slots=True, repr=False)
class ConceptMap(Diagram):
    """The picture with a link over each box: laid over the image, since JupyterLab follows no link within one."""

    links: tuple[str | None, ...]

    def html(self, slot: str = "") -> str:
        """Return the image and the links, whose places are in per cent of its size."""
        spots = "".join(
            f'<a href="{href}" title="{escape(name)}: {href}" style="position:absolute;{place}"></a>'
            for (name, *_more), href, place in zip(CONCEPTS, self.links, places(self.svg), strict=True)
            if href
        )
        data = b64encode(self.svg.encode()).decode()
        picture = f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(self.title)}" style="max-width:100%"/>'
        return f'<div class="mm-map" style="position:relative;display:inline-block">{picture}{spots}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = Diagram._repr_mimebundle_(self)
        return {"text/plain": self.text, "text/html": self.html()} if "image/svg+xml" in bundle else bundle


def concept_map(folder: str | Path = ".") -> ConceptMap:
    """Draw the concepts of the series; each leads to its lesson, if `folder` has it."""
    lessons = {int(path.name[:2]): path.name for path in Path(folder).glob("[0-9][0-9]_*.ipynb")}
    graph = digraph()
    graph.attr(rankdir="TB", nodesep="0.12", ranksep="0.28")
    for name, kind, lesson in CONCEPTS:
        graph.node(name, table(kind, f"{lesson:02}", type_name=name))
    for tail, words, head in LINKS:
        graph.edge(tail, head, words)
    links = tuple(lessons.get(concept.lesson) for concept in CONCEPTS)
    title = _("The concepts of the series, with the lessons that explain them")
    return ConceptMap(title, "\n".join(sentences()), graph, links)


def sentences() -> list[str]:
    """Say in words what the map shows: a line for each concept, with its lesson and what it leads to."""
    lines = []
    for name, _kind, lesson in CONCEPTS:
        leads = "; ".join(f"{words} {head}" for tail, words, head in LINKS if tail == name)
        lines.append(f"{lesson:02} {name}" + (f": {leads}" if leads else ""))
    return lines


def places(svg: str) -> Iterator[str]:
    """Yield where each node of a picture by Graphviz lies, in the order of the nodes, as CSS."""
    root = ET.fromstring(svg)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    left, top = map(float, re.findall(r"translate\(([\d.]+) ([\d.]+)\)", svg)[0])
    nodes = {int(group.attrib["id"].rpartition("node")[2]): group for group in root.iter(f"{SPACE}g")
             if group.get("class") == "node"}
    for _number, node in sorted(nodes.items()):
        text = " ".join(shape.get("points", "") + shape.get("d", "") for shape in node.iter())
        xs, ys = zip(*(map(float, pair) for pair in re.findall(r"(-?[\d.]+),(-?[\d.]+)", text)), strict=True)
        yield (f"left:{(left + min(xs)) / width:.1%};top:{(top + min(ys)) / height:.1%};"
               f"width:{(max(xs) - min(xs)) / width:.1%};height:{(max(ys) - min(ys)) / height:.1%}")
