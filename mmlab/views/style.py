"""The visual language, as data: one colour, one marker and one border per kind of kernel object.

Colours are Okabe–Ito's, which stay apart for colour-blind readers; still, colour is never the only cue:
a header has the marker and the kernel's own type name, and what changed is bold and reads `old → new`.
"""
from functools import cache, lru_cache
from typing import NamedTuple

FONT = "Helvetica,Arial,sans-serif"
SIZE = 12                                   # px of a label; nothing in a picture is smaller than SMALL
SMALL = 10.5
SLACK = 1.1                                 # Graphviz measures text this much larger than it is drawn
BOLD = 1.1                                  # so much wider bold letters are
WIDTHS = {                                  # of the size: letters of DejaVu Sans, the widest of the common fonts
    **dict.fromkeys(" ijlIJ.,:;'|!/", 0.3), **dict.fromkeys("frt()[]-", 0.4), **dict.fromkeys("cksvxyz_FL", 0.57),
    **dict.fromkeys("EPSTY", 0.63), **dict.fromkeys("mwMW#@%×→↓=+<>≠≤…●■□▬○", 0.93),
}
PAPER, INK, MUTED, RULE, HOLE = "#FFFFFF", "#1A1A1A", "#4A5058", "#D5D9DF", "#F4F5F7"
CHANGED, DANGER = "#FFF3C4", "#D55E00"
CHANGED_TEXT, DANGER_TEXT, DANGER_TINT = "#6B4E00", "#A84300", "#FCE8DC"


class Kind(NamedTuple):
    """How one kind of kernel object looks, everywhere."""
    type: str       # the kernel's type name, always in the header
    marker: str     # a shape every common font has (WGL4)
    border: str
    head: str       # background of the header; its text is ink(head)
    tint: str       # background of this object's cells
    text: str       # text in this object's colour, legible on PAPER and on tint
    line: str       # "solid", "rounded", "dashed" or "double"


KINDS = {
    "task_struct": Kind("task_struct", "►", "#3A4049", "#3A4049", "#E9EBEE", "#3A4049", "double"),
    "mm_struct": Kind("mm_struct", "■", "#0072B2", "#0072B2", "#DCECF6", "#005A8C", "solid"),
    "vm_area_struct": Kind("vm_area_struct", "▬", "#009E73", "#009E73", "#DDF3EB", "#00694C", "solid"),
    "file": Kind("file", "◊", "#E69F00", "#E69F00", "#FDF1DA", "#805600", "solid"),
    "inode": Kind("inode", "○", "#E69F00", "#FBE0AE", "#FDF1DA", "#805600", "double"),
    "address_space": Kind("address_space", "▲", "#CC79A7", "#CC79A7", "#F6E3EE", "#8F3C6B", "solid"),
    "page table": Kind("page table", "▼", "#56B4E9", "#56B4E9", "#E1F1FB", "#1B6391", "dashed"),
    "page": Kind("page", "□", "#8C8400", "#F0E442", "#F1F1E4", "#5F5900", "solid"),
    "ops": Kind("vm_operations_struct", "▪", "#7A7F87", "#ECEEF1", "#F7F8FA", "#4A5058", "rounded"),
}


class Look(NamedTuple):
    """How one cell of a strip looks; where `fill` or `border` is "", it is its kind's."""
    fill: str
    border: str
    text: str
    bold: bool
    dashed: bool
    legend: str


LOOKS = {
    "plain": Look(PAPER, "", INK, False, False, "not in memory"),
    "present": Look("", "", INK, True, False, "present"),
    "changed": Look(CHANGED, "", INK, True, False, "just changed"),
    "absent": Look(PAPER, "", MUTED, False, True, "not yet: will fault"),
    "hole": Look(HOLE, "#8D949E", MUTED, False, True, "hole"),
    "danger": Look(DANGER_TINT, DANGER, DANGER_TEXT, True, True, "access is an error"),
}

GRAPH = {"rankdir": "LR", "bgcolor": PAPER, "pad": "0.2", "nodesep": "0.25", "ranksep": "0.45",
         "splines": "spline", "fontname": FONT, "fontsize": f"{SMALL * SLACK:g}", "fontcolor": MUTED,
         "labelloc": "b", "labeljust": "l"}
NODE = {"shape": "plain", "fontname": FONT, "fontsize": f"{SIZE * SLACK:g}", "fontcolor": INK}
EDGE = {"fontname": FONT, "fontsize": f"{SMALL * SLACK:g}", "color": "#5B6470", "fontcolor": MUTED,
        "arrowsize": "0.75", "penwidth": "1.3"}
EDGES = {
    "pointer": {},
    "implied": {"style": "dashed"},
    "changed": {"color": CHANGED_TEXT, "fontcolor": CHANGED_TEXT, "penwidth": "2.4"},
    "danger": {"color": DANGER, "fontcolor": DANGER_TEXT, "penwidth": "2.4", "style": "dashed"},
}


def luminance(color: str) -> float:
    """Return the WCAG relative luminance of `#RRGGBB`, 0 (black) to 1 (white)."""
    parts = (int(color[i:i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@cache
def ink(background: str) -> str:
    """Return the text colour, PAPER or INK, that is easier to read on `background`."""
    return max((PAPER, INK), key=lambda color: contrast(color, background))


def visible(text: object) -> str:
    r"""Return `text` on one line, with what cannot be seen written as an escape.

    >>> visible("two\nlines")
    'two\\nlines'
    """
    line = str(text)
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def shorten(text: object, limit: int = 40) -> str:
    """Return visible(text) in at most `limit` characters: its head and its tail, … between.

    >>> shorten("a_long_file_name.txt", 11)
    'a_lon…e.txt'
    """
    line = visible(text)
    keep = max(limit - 1, 1)
    return line if len(line) <= limit else line[:keep - keep // 2] + "…" + line[len(line) - keep // 2:]


def letter_width(letter: str) -> float:
    """Return how wide a letter is, of the size; Chinese letters are as wide as high."""
    other = 0.63 if letter.islower() or letter.isdigit() else 0.73 if letter < "\u2e80" else 1.0
    return WIDTHS.get(letter, other)


@lru_cache(maxsize=4096)
def room(line: str, *, bold: bool = False, size: float = SIZE) -> float:
    """Return the px that a line takes in a wide font; in others it takes less."""
    return sum(map(letter_width, line)) * size * (BOLD if bold else 1)


@lru_cache(maxsize=4096)
def fit(words: str, width: float, *, bold: bool = False, size: float = SIZE) -> str:
    """Return the words on one line, shortened to `width` px, or to a letter and … if even that is too wide.

    >>> fit("a_long_file_name.txt", 80)
    'a_long…e.txt'
    """
    line = visible(words)
    for limit in range(len(line) - 1, 1, -1):
        if room(line, bold=bold, size=size) <= width:
            break
        line = shorten(words, limit)
    return line
