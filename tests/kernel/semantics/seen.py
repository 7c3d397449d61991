"""What a program can see of its memory, the same on both kernels."""

import re
from contextlib import contextmanager

import pytest

from tests.kernel.helpers import ARENA, PAGE, lines, ranges

SCRATCH = 511


def areas(proc):
    """First page, end page, permissions and file page of each VMA in the arena."""
    return [area for area in ranges(proc) if area[0] != SCRATCH]


def spans(proc):
    """First page and end page of each VMA in the arena."""
    return [area[:2] for area in areas(proc)]


def smaps(proc, page):
    """The counts (kB) of the VMA that begins at that page, and its VmFlags as a set."""
    text = str(proc.smaps()).partition(f"{ARENA + page * PAGE:08x}-")[2].partition("VmFlags:")
    counts = {name: int(kb) for name, kb in re.findall(r"^(\w+): +(\d+) kB$", text[0], re.MULTILINE)}
    return counts | {"VmFlags": set(text[2].partition("\n")[0].split())}


def counts(proc, page, *names):
    """Some of the counts (kB) of the VMA that begins at that page."""
    found = smaps(proc, page)
    return tuple(found[name] for name in names)


def name(proc, page):
    """The name of the VMA that begins at that page, which stands from column 74 on."""
    (line,) = [line for line in lines(proc) if line.startswith(f"{ARENA + page * PAGE:08x}-")]
    return line[73:]


@contextmanager
def fails(proc, *errnos):
    """Expect OSError with this errno, and that the maps stay as they were."""
    before = str(proc.maps())
    with pytest.raises(OSError) as raised:
        yield
    assert raised.value.errno in errnos
    assert str(proc.maps()) == before
