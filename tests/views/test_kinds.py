"""The lab of kinds of file: each position is drawn and told, and it says whom the kernel asked."""

import itertools

import ipywidgets
import pytest

from mmlab.include.mman import MAP_PRIVATE, MAP_SHARED
from mmlab.views import KindLab, KindSetting, run_kinds
from mmlab.views.kinds import FILES, STEPS

from .seen import is_well_drawn, the_twin_says_the_same


@pytest.mark.parametrize("path", FILES)
def test_every_position_is_drawn_and_told_alike(path):
    for flags, step in itertools.product((MAP_SHARED, MAP_PRIVATE), STEPS):
        outcome = run_kinds(KindSetting(path, flags, step))
        for picture in outcome.pictures:  # a refusal has two
            is_well_drawn(picture)
        the_twin_says_the_same(outcome.pictures[0])
    assert outcome == run_kinds(KindSetting(path, flags, step))


@pytest.mark.parametrize(
    ("path", "flags", "step", "words"),
    [
        ("/data/book.txt", MAP_SHARED, "mmap", "called: ext4_file_mmap"),
        ("/ram/book.txt", MAP_SHARED, "mmap", "called: generic_file_mmap"),
        ("/dev/vda", MAP_SHARED, "mmap", "called: generic_file_mmap"),
        ("/dev/zero", MAP_SHARED, "mmap", "called: mmap_zero → shmem_zero_setup"),
        ("/dev/zero", MAP_PRIVATE, "mmap", "vma → vm_ops = NULL: anonymous memory"),
        ("/dev/zero", MAP_PRIVATE, "load", "first PTE: the zero page, r--"),
        ("/data/book.txt", MAP_SHARED, "load", "readpage = ext4_readpage (×5)"),
        ("/ram/hole", MAP_SHARED, "load", "0 minor, 1 major page faults, Cached +4 kB, Mapped +4 kB"),
        ("/dev/shm/hole", MAP_SHARED, "load", "1 minor, 0 major page faults, Cached +4 kB, Shmem +4 kB, Mapped +4 kB"),
        ("/dev/vda", MAP_SHARED, "load", "Buffers"),
        ("/dev/shm/book.txt", MAP_SHARED, "store", "0 minor, 0 major page faults"),
        ("/ram/book.txt", MAP_SHARED, "store", "called: do_wp_page → filemap_page_mkwrite"),
        ("/data/book.txt", MAP_SHARED, "store", "1 minor, 0 major page faults, Dirty +4 kB"),
        ("/data/book.txt", MAP_SHARED, "msync", "called: ext4_writepage"),
        ("/data/book.txt", MAP_SHARED, "store again", "1 minor, 0 major page faults, Dirty +4 kB"),
        ("/data/book.txt", MAP_PRIVATE, "store again", "0 minor, 0 major page faults"),
        ("/ram/book.txt", MAP_SHARED, "store again", "0 minor, 0 major page faults"),
        ("/dev/null", MAP_SHARED, "store", "ENODEV (19)"),
        ("/proc/self/maps", MAP_SHARED, "mmap", "ENODEV (19)"),
        ("/proc/meminfo", MAP_SHARED, "mmap", "EIO (5)"),
        ("/bare/book.txt", MAP_SHARED, "mmap", "ENOEXEC (8)"),
    ],
)
def test_a_step_says_whom_the_kernel_asked_and_what_it_cost(path, flags, step, words):
    assert words in run_kinds(KindSetting(path, flags, step)).text


def test_going_back_shows_what_was_shown_and_leaves_nothing_behind():
    lab = KindLab()
    first, widgets = lab.view.value, len(ipywidgets.widgets.widget._instances)
    lab.controls["step"].value = "msync"
    assert lab.view.value != first
    lab.controls["step"].value = "load"
    assert lab.view.value == first
    assert len(ipywidgets.widgets.widget._instances) == widgets


def test_without_widgets_the_lab_is_its_picture_and_its_words():
    bundle = KindLab(path="/ram/hole")._repr_mimebundle_()
    assert "readpage = simple_readpage" in bundle["text/plain"]
    assert bundle["image/svg+xml"].startswith("<svg")
