"""The numbers in the prose are those that a cell shows.

Looked at are, in each lesson up to *Check yourself* (whose questions make up cases of their own): numbers with a unit
(`16 kB`, `3 faults`), and all of three digits or more, hexadecimal ones too. Each must stand in the source or in the
stored output of some cell of the same notebook, or below, with the reason why not. A number in words, or a small one
without a unit, is not found; and that the right one stands in the right place is left to whoever reads.
"""

import json
import re

import pytest

from mmlab.setup.places import NOTEBOOKS

LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
UNITS = "kB|KiB|MiB|GiB|TiB|bytes?|pages?|(?:minor |major )?faults?|VMAs?|lines?|PTEs?|entries|processes|copies"
NUMBER = re.compile(
    r"(?<![\w.−-])(0x[0-9a-f]{3,}|[0-9a-f]{8,12}\b|\d{3,}\b(?!\.\d)|"
    rf"\d+(?:\.\d+)?(?= (?:{UNITS})\b))"
)
VERSION = r"v?\d+\.\d+(?:\.\d+)?\b(?! (?:kB|[KMGT]iB))"
NO_MEASURE = rf"\]\([^)]*\)|CVE-[\d-]+|{VERSION}|(?:in|November) 20\d\d"  # targets of links, names, dates

# What x86-64 and Linux have once for all.
KNOWN = {
    "4096": "bytes of a page", "512": "entries of a page table, bytes of a sector", "128": "TiB of addresses",
    "64": "KiB of fault-around", "16": "pages of fault-around", "65530": "max_map_count",
}
REASONS = {
    "04": {"1638": "18022 − 4 × 4096"},
    "05": {"32": "pages of read-ahead: 128 kB"},
    "07": {"1638": "18022 − 4 × 4096", "2458": "4096 − 1638"},
    "08": {"1564": "1604 − 40, of the ledger"},
    "09": {"020000": "S_IFCHR, a constant", "01000": "SHM_DEST, a constant"},
    "10": {"102400": "kB: 100 MiB", "30": "MiB: seen once on Linux, and said so"},
}


def parts(path):
    """The prose up to the self-check, and all that the cells have and show; digits without separators."""
    told, shown = [], []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        (told if cell["cell_type"] == "markdown" else shown).append(text)
        for output in cell.get("outputs", []):
            shown.append("".join(output.get("text", "")) + "".join(output.get("data", {}).get("text/plain", "")))
    prose = re.sub(NO_MEASURE, " ", "\n\n".join(told).partition("## Check yourself")[0])
    return plain(prose), plain("\n".join(shown)).lower()


def plain(text):
    return re.sub(r"(?<=\d)[,_ ](?=\d{3})", "", text)


def unproved(path, reasons):
    """Give the numbers that no cell shows and no reason explains, each with the words around it."""
    prose, shown = parts(path)
    return [
        (found[1], prose[max(0, found.start() - 40) : found.end() + 20])
        for found in NUMBER.finditer(prose)
        if found[1] not in {**KNOWN, **reasons} and not re.search(rf"(?<![\w.]){found[1]}(?![\w]|\.\d)", shown)
    ]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_each_number_comes_from_a_cell(path):
    assert unproved(path, REASONS.get(path.name[:2], {})) == []


def test_a_number_that_no_cell_shows_is_found(tmp_path):
    path = tmp_path / "99_x.ipynb"
    output = {"output_type": "stream", "text": ["{'Mapped': 64}, 1,632 kB at 0x7ffff7de6000, 5.5 MiB"]}
    code = {"cell_type": "code", "source": ["touch(range(80))"], "outputs": [output]}
    for words, missing in {
        "It grew by 64 kB. It takes 80 loads, and 1632 of them, at `0x7ffff7de6000`: 5.5 MiB.": 0,
        "It grew by 65 kB.": 1, "After 7 minor faults": 1, "At 0x7ffff7de7000": 1, "That is 163 of them": 1,
        "That is 5 MiB": 1, "In Linux 4.14, of 2017, and 6.18.44, in 2026": 1,
    }.items():  # fmt: skip
        cells = [{"cell_type": "markdown", "source": [words]}, code]
        path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
        assert len(unproved(path, {})) == missing, words


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_each_reason_is_needed(path):
    assert set(REASONS.get(path.name[:2], {})) <= {number for number, _ in unproved(path, {})}
