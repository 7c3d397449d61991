"""What is written in a picture, and whether its text twin says it too."""

import re
import xml.etree.ElementTree as ET

from mmlab.views import style


def written(diagram):
    """Each text of the picture; title and desc are not drawn."""
    root = ET.fromstring(diagram.svg)
    assert [child.tag.rpartition("}")[2] for child in root[:2]] == ["title", "desc"]
    return ["".join(element.itertext()) for element in root.iter() if element.tag.rpartition("}")[2] == "text"]


def facts(words):
    """The names and numbers in a text: what could be wrong in it."""
    found = set(re.findall(r"[\w#.\[\]/-]*[\d#_][\w#.\[\]/-]*", words))
    return {fact.strip(".") for fact in found if "…" not in fact}


def the_twin_says_the_same(diagram, *, beside=()):
    """Assert that each name and number of the picture is in the twin and, but for `beside`, the other way round."""
    drawn = facts("\n".join(line for line in written(diagram) if "…" not in line))
    told = facts(diagram.text)
    assert drawn - told == set()
    if beside is not None:
        assert told - facts("\n".join(written(diagram))) - set(beside) == set()


def is_well_drawn(diagram, width=900):
    """Assert that it fits a cell unshrunk, stays within its frame, and is legible: then it is readable everywhere."""
    root = ET.fromstring(diagram.svg)
    wide, tall = (float(part) for part in root.get("viewBox").split()[2:])
    assert wide <= width
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "text":
            size = float(element.get("font-size", root.get("font-size")))
            assert size >= style.SMALL - 0.5
            length = 0.5 * size * len(element.text or "")
            anchor = element.get("text-anchor", "start")
            left = float(element.get("x")) - {"start": 0, "middle": length / 2, "end": length}[anchor]
            assert left >= 0 and left + length <= wide, element.text
            assert size <= float(element.get("y")) <= tall
        if tag == "rect":
            x, y, w, h = (float(element.get(name)) for name in ("x", "y", "width", "height"))
            assert min(x, y) >= 0 and x + w <= wide + 0.1 and y + h <= tall + 0.1
    return root
