"""The table of what changed since 4.4: each question is answered alike by the simulation and by Linux."""

import os
import re

import pytest

from mmlab import linux
from mmlab.views import ReleaseLab, release_table
from mmlab.views.releases import CHANGES, NEWEST, OLDEST, at_release, key, releases, show_release, today, write_loader
from tests.views.seen import is_well_drawn, the_twin_says_the_same

ASKED = [change for change in CHANGES if change.probe]


def name(change):
    return change.name


@pytest.fixture(scope="module")
def real():
    try:
        with linux.Kernel() as kernel:
            yield kernel
    except linux.Unavailable as why:
        pytest.skip(str(why))


def has(change):
    """Whether this machine's kernel has the change."""
    return key(change.release) <= key(".".join(re.findall(r"\d+", os.uname().release)[:2]))


@pytest.mark.parametrize("change", ASKED, ids=name)
def test_today_is_not_as_it_was(change):
    assert today(change) != change.before


@pytest.mark.parametrize("change", [change for change in ASKED if change.probe is not write_loader], ids=name)
def test_linux_gives_the_same_answer(change, real):
    """An older Linux gives the older answer. (The programs of mmlab.linux have no loader.)"""
    said = change.probe(real.spawn("asker"))
    assert said == (today(change) if has(change) else change.before)


def test_each_row_says_where_its_release_is_written():
    assert [change.name for change in CHANGES if not change.source or not 1 <= change.lesson <= 11] == []
    assert list(CHANGES) == sorted(CHANGES, key=lambda change: key(change.release))
    assert all(bool(change.probe) != bool(change.today) for change in CHANGES)


def test_each_release_answers_as_it_was_until_its_change_came():
    for change in ASKED:
        before, after = (at_release(change, releases()[releases().index(change.release) + step]) for step in (-1, 0))
        assert (before, after) == (change.before, today(change))


@pytest.mark.parametrize("release", releases())
def test_the_lab_draws_each_release(release):
    (picture,) = show_release(release).pictures
    is_well_drawn(picture)
    the_twin_says_the_same(picture)
    assert picture.text.count("●") == sum(key(change.release) <= key(release) for change in ASKED)


def test_the_slider_goes_from_the_oldest_to_the_newest():
    lab = ReleaseLab()
    assert lab.outcome == show_release(OLDEST)
    lab.release.value = NEWEST
    assert lab.outcome == show_release(NEWEST)
    assert "○" not in lab.outcome.text


def test_the_table_says_the_same_as_its_text():
    table = release_table()
    words, cells = repr(table), table._repr_html_()
    for change in CHANGES:
        assert f"{change.release:>5}  {change.name} ({change.lesson:02}): {OLDEST}: {change.before}" in words
        assert f">{today(change).replace('>', '&gt;')}<" in cells
    assert cells.count("<tr>") == len(CHANGES) + 1
