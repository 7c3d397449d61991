"""What if a new mapping is put beside others: do the lab's words say which field keeps two VMAs apart?"""

import itertools

import ipywidgets
import pytest

from mmlab.include.mman import MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE
from mmlab.views import MergeLab, MergeSetting, run_merging
from mmlab.views.merging import STORES, WHAT

from .seen import is_well_drawn

RW = PROT_READ | PROT_WRITE
MEMORY, BOOK, AGAIN = WHAT
CASES = [
    (MergeSetting(), 1, None),
    (MergeSetting(pgoff=3), 3, "apart at page 2: vm_pgoff: 3, not 2"),
    (MergeSetting(new=AGAIN), 3, "apart at page 2: vm_file: file#5, file#6"),
    (MergeSetting(new=MEMORY), 3, "apart at page 2: vm_file: file#5, NULL"),
    (MergeSetting(prot=PROT_READ), 3, "apart at page 2: vm_flags: WRITE|ACCOUNT"),
    (MergeSetting(around=MEMORY, new=MEMORY), 1, None),
    (MergeSetting(around=MEMORY, new=MEMORY, stored="the lower one"), 1, None),
    (MergeSetting(around=MEMORY, new=MEMORY, stored="both"), 2, "apart at page 4: anon_vma: anon_vma#6, anon_vma#7"),
    (MergeSetting(stored="both"), 2, "apart at page 4: anon_vma: anon_vma#6, anon_vma#7"),
    (MergeSetting(length=1), 2, None),
    (MergeSetting(page=6, pgoff=6), 2, None),
]


@pytest.mark.parametrize(("setting", "lines", "why"), CASES)
def test_the_lab_says_how_many_vmas_there_are_and_what_keeps_them_apart(setting, lines, why):
    outcome = run_merging(setting)
    assert len([line for line in outcome.words.splitlines() if line.startswith("1000")]) == lines
    assert (why in outcome.text.splitlines()) if why else ("apart" not in outcome.text)
    is_well_drawn(outcome.picture)


def test_two_vmas_that_touch_always_differ_in_a_field():
    some = itertools.product(WHAT[:2], STORES, WHAT, (PROT_READ, RW), (MAP_PRIVATE, MAP_SHARED), (1, 2))
    for *kind, page in some:
        for line in run_merging(MergeSetting(*kind, page, page, page)).text.splitlines():
            assert not line.endswith(": "), (kind, page)


def test_going_back_shows_what_was_shown_and_leaves_nothing_behind():
    lab = MergeLab()
    first, widgets = lab.view.value, len(ipywidgets.widgets.widget._instances)
    lab.controls["page"].value = 3
    assert lab.view.value != first
    lab.controls["page"].value = 2
    assert lab.view.value == first
    assert len(ipywidgets.widgets.widget._instances) == widgets


def test_without_widgets_the_lab_is_its_picture_and_its_words():
    bundle = MergeLab(pgoff=3)._repr_mimebundle_()
    assert "vm_pgoff: 3, not 2" in bundle["text/plain"]
    assert bundle["image/svg+xml"].startswith("<svg")
