"""The series as a whole: contents and links, written from the lessons' own headers.

A lesson's first cell is its header: `# 4 · Title: more of it`, what the reader needs (`**You need** …`), and
`**Time**: 35 minutes`. From these come the line `← before · Contents · after →` in the first and the last cell of each
lesson, the rows of the contents page, and the links of the glossary and of the instructors' guide. So a lesson that is
added, renamed or moved is known everywhere after `python -m mmlab notebooks --links`; a test sees to it that this was
not forgotten.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import nbformat

from mmlab.setup.places import NOTEBOOKS
from mmlab.setup.report import Trouble

CONTENTS, GLOSSARY, GUIDE = "00_start_here.ipynb", "glossary.ipynb", "INSTRUCTORS.md"
LAST = 12  # the number of the last lesson that is planned
BACK = f"[Contents]({CONTENTS})"
WAY = re.compile(r"(?:(?: · )?\[(?:← [^]]*|Contents|\d+ · [^]]* →)\]\([^)]*\))+")
FIELDS = {
    "title": r"^# (?:\d+ · )?(.+)$",
    "needs": r"\*\*You need\*\* (.+?)\*\*Time\*\*",
    "minutes": r"\*\*Time\*\*: (\d+) minutes",
}


class Lesson(NamedTuple):
    """What a lesson's header says of it; `needs` are the numbers of other lessons."""

    name: str
    number: int
    title: str
    minutes: int
    needs: tuple[int, ...]

    @property
    def short(self) -> str:
        """Its number, and its title up to the colon."""
        return f"{self.number} · {self.title.partition(':')[0]}"


def named(names: Sequence[str]) -> list[Path]:
    """Give the notebooks named, or all; Trouble names what is none."""
    for name in names:
        if not name.endswith(".ipynb") or not Path(name).is_file():
            raise Trouble(f"there is no notebook {name}\n"
                          "What to do: name some, as notebooks/01_address_space.ipynb, or nothing to have all of them.")
    return [Path(name) for name in names] or sorted(NOTEBOOKS.glob("*.ipynb"))


def lessons(folder: Path) -> list[Lesson]:
    """Read the header of each lesson in `folder`, in order; Trouble where a field is missing."""
    return [header(path.name, cells(path)[0]["source"]) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]


def header(name: str, text: str) -> Lesson:
    """Read one header.

    >>> header("04_x.ipynb", "# 4 · Three links: all\\n\\n**You need** lessons 2 and 03. **Time**: 35 minutes.")
    Lesson(name='04_x.ipynb', number=4, title='Three links: all', minutes=35, needs=(2, 3))
    """
    found = {field: re.search(pattern, text, re.MULTILINE | re.DOTALL if field == "needs" else re.MULTILINE)
             for field, pattern in FIELDS.items()}
    missing = [field for field, match in found.items() if match is None]
    if missing:
        raise Trouble(f"The header of {name} says nothing of: {', '.join(missing)}.\n"
                      "What to do: write its first cell as that of 04_three_links.ipynb.")
    title, needs, minutes = (match[1] for match in found.values() if match)
    numbers = {int(number) for number in re.findall(r"(?<![\w.])\d\d?(?![\w.]\d|\d)", re.sub(r"\]\(.*?\)", "]", needs))}
    return Lesson(name, int(name[:2]), title, int(minutes), tuple(sorted(numbers)))


def cells(path: Path) -> list[nbformat.NotebookNode]:
    """Return the cells of a notebook."""
    found: list[nbformat.NotebookNode] = nbformat.read(path, as_version=4).cells
    return found


def link(folder: Path) -> list[str]:
    """Write all links and the contents anew; return the names of the files that this has changed."""
    series = lessons(folder)
    changed = [path.name for path in sorted(folder.glob("*.ipynb")) if relink(path, series)]
    guide = folder / GUIDE
    before = guide.read_text(encoding="utf-8")
    after = re.sub(r"^### \[?(\d\d).*$", lambda line: headed(int(line[1]), series), before, flags=re.MULTILINE)
    guide.write_text(after, encoding="utf-8", newline="\n")
    return changed + ([] if after == before else [GUIDE])


def relink(path: Path, series: Sequence[Lesson]) -> bool:
    """Write the links of one notebook anew; tell whether that changed it."""
    notebook = nbformat.read(path, as_version=4)
    before = [cell.source for cell in notebook.cells]
    own = next((lesson for lesson in series if lesson.name == path.name), None)
    if path.name == CONTENTS:
        put_contents(notebook.cells, series)
        notebook.cells[-1].source = replaced(notebook.cells[-1].source, way(series[0], series), at_end=True)
    elif own:
        for cell, at_end in (notebook.cells[0], False), (notebook.cells[-1], True):
            cell.source = replaced(cell.source, way(own, series), at_end)
    elif path.name == GLOSSARY:
        for cell in notebook.cells:
            cell.source = re.sub(r"\| (?:\[?(\d\d)(?:\]\(\S+\))?) \|$",
                                 lambda row: f"| {numbered(int(row[1]), series)} |", cell.source, flags=re.MULTILINE)
    if [cell.source for cell in notebook.cells] == before:
        return False
    nbformat.write(notebook, path)
    return True


def way(own: Lesson, series: Sequence[Lesson]) -> str:
    """Return the line that leads from a lesson to the one before, to the contents, and to the one after."""
    at = series.index(own)
    before = [f"[← {lesson.short}]({lesson.name})" for lesson in series[max(1, at - 1) : at]]
    after = [f"[{lesson.short} →]({lesson.name})" for lesson in series[at + 1 : at + 2]]
    return " · ".join([*before, *([BACK] if at else []), *after])


def replaced(text: str, line: str, at_end: bool) -> str:
    """Return a cell with `line` in place of the links it has: after the title, or at the end."""
    kept = [each for each in text.splitlines() if not WAY.fullmatch(each)]
    if at_end:
        return "\n".join(kept).rstrip() + f"\n\n{line}"
    title, *rest = kept
    return f"{title}\n\n{line}\n\n" + "\n".join(rest).strip()


def put_contents(page: Sequence[nbformat.NotebookNode], series: Sequence[Lesson]) -> None:
    """Write a row for each lesson into the contents page's table, and say which lessons are missing."""
    cell = next(cell for cell in page if cell.source.startswith("## Contents"))
    rows = [f"| {each.number:02} | [{each.title}]({each.name}) | {each.minutes} | {needed(each)} |"
            for each in series[1:]]
    missing = sorted(set(range(1, LAST + 1)) - {lesson.number for lesson in series})
    kept = [line for line in cell.source.splitlines() if not re.match(r"\| (?!00)\d\d \||Being written", line)]
    at = next(number for number, line in enumerate(kept) if line.startswith("| 00 |")) + 1
    written = f"Being written: {', '.join(f'{number:02}' for number in missing)}." if missing else ""
    cell.source = "\n".join([*kept[:at], *rows, *kept[at:]]).rstrip() + (f"\n\n{written}" if written else "")


def needed(lesson: Lesson) -> str:
    """Return what a lesson needs, as the contents page says it: lessons, or at least this page.

    >>> needed(Lesson("06_x.ipynb", 6, "X", 40, (4, 5))), needed(Lesson("01_x.ipynb", 1, "X", 40, ()))
    ('04, 05', '00')
    """
    return ", ".join(f"{number:02}" for number in lesson.needs or (0,))


def headed(number: int, series: Sequence[Lesson]) -> str:
    """Return the guide's heading for a lesson."""
    found = next((each for each in series if each.number == number), None)
    return f"### [{number:02} · {found.title}]({found.name}), {found.minutes} minutes" if found else f"### {number:02}"


def numbered(number: int, series: Sequence[Lesson]) -> str:
    """Return a lesson's number, as a link where the lesson is there."""
    return next((f"[{number:02}]({each.name})" for each in series if each.number == number), f"{number:02}")
