"""What if a mapping is cut, protected, stretched and moved in the lab: how many VMAs are there, and why not fewer?"""

import ipywidgets
import pytest

from mmlab.views import SurgeryLab, SurgerySetting, run_surgery
from mmlab.views.surgery import ACTS, KINDS

from .seen import is_well_drawn

CASES = [
    ("memory", ["munmap 1 1"], "→ done; 2 VMAs", ""),
    ("memory", ["read 1 1"], "→ done; 3 VMAs", "vm_flags: WRITE|ACCOUNT"),
    ("memory", ["read 1 1", "write 1 1"], "→ done; 1 VMA", ""),
    ("memory", ["read 1 1", "store 1 1"], "→ SIGSEGV (SEGV_ACCERR): vma#23 is r--p; 3 VMAs", ""),
    ("memory", ["munmap 1 1", "longer 0 1"], "→ 0x10000000000; 1 VMA", ""),
    ("memory", ["move 0 1 6", "move 1 1 7"], "→ 0x10000007000; 2 VMAs", ""),
    ("memory", ["store 0 4", "move 0 1 7", "move 1 1 6"], "→ 0x10000006000; 3 VMAs", "0x10000000, not 0x10000002"),
    ("memory, MAP_SHARED", ["move 1 1 6", "move 6 1 1"], "→ 0x10000001000; 1 VMA", ""),
    ("the book", ["move 0 1 7", "move 1 1 6"], "→ 0x10000006000; 3 VMAs", "vm_pgoff: 0, not 2"),
    ("System V", ["read 1 1", "write 1 1"], "→ done; 3 VMAs", "vm_ops->close: shm_close"),
]


@pytest.mark.parametrize(("kind", "moves", "verdict", "why"), CASES)
def test_the_lab_counts_the_vmas_and_says_what_keeps_two_apart(kind, moves, verdict, why):
    outcome = run_surgery(SurgerySetting(kind, tuple(moves)))
    assert outcome.verdict == verdict
    assert why in outcome.text if why else "SEGV" in verdict or "apart" not in outcome.text
    for picture in outcome.pictures:
        is_well_drawn(picture)


def test_a_page_that_moves_stays_the_same_page_of_memory():
    words = run_surgery(SurgerySetting("memory", ("store 0 4", "move 1 1 6"))).pictures[1].text
    assert words == (
        "page table before: 0 = page#442, 1 = page#443, 2 = page#444, 3 = page#445\n"
        "after: 0 = page#442, 2 = page#444, 3 = page#445, 6 = page#443"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_button_makes_its_call_as_far_as_the_picture_goes(kind):
    lab = SurgeryLab(kind, [])
    assert "nothing done yet; 1 VMA" in lab.view.value
    lab.page.value, lab.count.value, lab.to.value = 3, 4, 6
    for act in ACTS:
        lab.act(act)
    expected = ("store 3 4", "munmap 3 4", "read 3 4", "write 3 4", "longer 3 4", "shorter 3 4", "move 3 2 6")
    assert lab.setting == SurgerySetting(kind, expected)


def test_going_back_shows_what_was_shown_and_leaves_nothing_behind():
    lab = SurgeryLab("memory", ["store 0 4"])
    first, widgets = lab.view.value, len(ipywidgets.widgets.widget._instances)
    lab.act("move")
    assert lab.view.value != first
    lab.go(-1)
    assert lab.view.value == first
    assert len(ipywidgets.widgets.widget._instances) == widgets


def test_without_widgets_the_lab_is_its_pictures_and_its_words():
    bundle = SurgeryLab()._repr_mimebundle_()
    assert bundle["text/plain"].startswith("C:\nmmap(0x10000000000, 16384, ")
    assert bundle["image/svg+xml"].startswith("<svg")
