"""The find_vma lab: at every end of a VMA or a hole it says what the kernel does there."""

import ipywidgets
import pytest

from mmlab import MemoryFault
from mmlab.mm.vma import find_vma
from mmlab.views import FindVmaLab
from mmlab.views.search import boot, ends, look


def test_the_slider_stops_at_both_ends_of_each_vma_and_each_hole():
    proc, stops = boot(2), set(ends(boot(2)))
    lines = str(proc.maps()).splitlines()
    spans = [[int(end, 16) for end in line.split()[0].split("-")] for line in lines]
    assert {0, (1 << 47) - 4097} <= stops
    assert all({start - 1, start, end - 1} <= stops for start, end in spans)
    assert [lab for _, lab in FindVmaLab(more=2).addr.options] == sorted(stops)


@pytest.mark.parametrize("access", ["load", "store"])
def test_what_the_lab_says_is_what_the_kernel_does(access):
    for addr in ends(boot(1)):
        proc, outcome = boot(1), look(addr, access, more=1)
        vma = find_vma(proc.task.mm, addr)
        assert f"= {vma.name}" in outcome.calls
        assert ("which begins after it" in outcome.calls) == (addr < vma.vm_start)
        looked_at = sum(": " in line for line in outcome.pictures[0].text.splitlines() if line.startswith("  "))
        assert f"it looked at {looked_at} of 17 VMAs" in outcome.calls
        try:
            proc.load(addr) if access == "load" else proc.store(addr, b"!")
            assert "SIG" not in outcome.verdict
            assert ("the stack has grown down" in outcome.verdict) == (addr == (1 << 47) - 34 * 4096 - 1)
        except MemoryFault as fault:
            assert outcome.verdict == f"{access} → {fault.signal} ({fault.si_name}): {fault.reason}"
            assert fault.si_name == ("SEGV_ACCERR" if vma.vm_start <= addr else "SEGV_MAPERR")


def test_moving_the_slider_updates_in_place_and_back():
    lab = FindVmaLab()
    first, count = lab.view.value, len(ipywidgets.widgets.widget._instances)
    for _, addr in lab.addr.options:
        lab.addr.value = addr
    assert lab.view.value != first
    assert "= vma#1;" in lab.view.value
    lab.addr.value = 0
    assert lab.view.value == first
    assert len(ipywidgets.widgets.widget._instances) == count


def test_more_vmas_make_the_way_only_a_little_longer():
    assert "it looked at 3 of 16 VMAs" in look(0).calls
    assert "it looked at 8 of 80 VMAs" in look(0, more=64).calls


def test_without_widgets_the_lab_is_its_picture_and_its_words():
    bundle = FindVmaLab(access="store")._repr_mimebundle_()
    assert bundle["text/plain"].startswith("find_vma(mm, 0) = vma#2, which begins after it; it looked at 3 of 16 VMAs")
    assert "store → SIGSEGV (SEGV_MAPERR)" in bundle["text/plain"]
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "application/vnd.jupyter.widget-view+json" in bundle
