"""The mmap lab: what the kernel makes of every setting, and that moving the controls costs nothing."""

import itertools
import random
import re

import ipywidgets
import pytest

from mmlab.include.mman import MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ, PROT_WRITE
from mmlab.views import MmapLab, Setting, run
from mmlab.views.lab import ACCESSES, ADDRESSES, BESIDE, FILES, MODES, PROTS, TYPES

RW = PROT_READ | PROT_WRITE
REFUSALS = [
    (Setting(flags=0), "EINVAL (22)", "neither MAP_SHARED nor MAP_PRIVATE"),
    (Setting(length=0), "EINVAL (22)", "len = 0"),
    (Setting(mode="O_RDONLY", prot=RW), "EACCES (13)", "FMODE_WRITE"),
    (Setting(mode="O_WRONLY"), "EACCES (13)", "FMODE_READ"),
    (Setting(file="no readpage"), "ENOEXEC (8)", "bare_aops.readpage is NULL"),
    (Setting(file="/proc", mode="O_RDONLY"), "ENODEV (19)", "proc_pid_maps_operations.mmap is NULL"),
]
ACCESSES_SAY = [
    (Setting(), "b'page1': 0 minor, 1 major page faults"),
    (Setting(file="tmpfs"), "b'page1': 1 minor, 0 major page faults"),
    (Setting(offset=7 * 4096), "SIGBUS (BUS_ADRERR)"),
    (Setting(access="store first page"), "SIGSEGV (SEGV_ACCERR)"),
    (Setting(prot=PROT_NONE), "SIGSEGV (SEGV_ACCERR)"),
    (Setting(prot=RW, flags=MAP_PRIVATE, access="store last page"), "b'HELLO'"),
    (Setting(file="block device"), "b'vda s'"),
    (Setting(access="nothing"), "no page is touched"),
]


@pytest.mark.parametrize(("setting", "errno", "check"), REFUSALS)
def test_a_refusal_names_the_errno_and_the_check(setting, errno, check):
    outcome = run(setting)
    assert errno in outcome.text
    assert check in outcome.verdict
    assert errno in outcome.pictures[0].svg


@pytest.mark.parametrize(("setting", "words"), ACCESSES_SAY)
def test_an_access_tells_what_it_found(setting, words):
    assert words in run(setting).verdict


def test_every_kind_of_file_with_every_mode_prot_and_type_gives_a_picture_or_a_reason():
    some = [(0, 4096), (4096, 8192), (7 * 4096, 6 * 4096), (4096, 1024)]
    for n, (file, mode, prot, flags) in enumerate(itertools.product(FILES, MODES, PROTS, TYPES)):
        offset, length = some[n % len(some)]
        outcome = run(Setting(file, mode, prot, flags, offset, length, ACCESSES[n % len(ACCESSES)]))
        assert outcome.verdict.startswith("→ ")
        assert all(picture.text and picture.svg.startswith("<svg") for picture in outcome.pictures)


def test_every_address_with_every_flag_gives_a_picture_or_a_reason():
    for n, (address, extra) in enumerate(itertools.product(ADDRESSES, range(8))):
        fixed, anonymous, populate = (bool(extra & bit) for bit in (1, 2, 4))
        setting = Setting(
            flags=TYPES[n % 2], length=4096 * (1 + n % 5), address=address, fixed=fixed, anonymous=anonymous,
            populate=populate, prot=PROTS[n % len(PROTS)],
        )  # fmt: skip
        outcome = run(setting)
        assert outcome.verdict.startswith("→ ")
        assert all(picture.text and picture.svg.startswith("<svg") for picture in outcome.pictures)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting(address=BESIDE), "not where it was asked for: the address is only a hint"),
        (Setting(address=BESIDE - 0x2000), "→ 0x10001000\n"),
        (Setting(address=BESIDE, fixed=True), "→ 0x10003000, and what was mapped there is no more"),
        (Setting(address=BESIDE + 0x800, fixed=True), "→ EINVAL (22)"),
        (Setting(address=1 << 47, fixed=True), "→ ENOMEM (12)"),
        (Setting(anonymous=True, populate=True), "0 minor, 0 major page faults"),
        (Setting(populate=True), "0 minor, 0 major page faults"),
    ],
)
def test_the_address_and_the_flags_do_what_linux_says(setting, words):
    assert words in run(setting).verdict


def test_both_calls_can_be_copied_as_they_are():
    setting = Setting(address=BESIDE, fixed=True, populate=True)
    (c, in_c), (python, in_python) = run(setting).calls
    assert (c, python) == ("C", "Python")
    flags = "MAP_SHARED|MAP_FIXED|MAP_POPULATE"
    assert f"addr = mmap((void *) 0x10003000, 8192, PROT_READ, {flags}, fd, 4096);" in in_c
    assert f"addr = proc.mmap(0x10003000, 8192, PROT_READ, {flags}, fd, 4096)" in in_python
    compile(in_python, "call", "exec")


def test_the_same_setting_gives_the_same_outcome_whatever_came_before():
    lab = MmapLab()
    first = lab.view.value
    lab.controls["offset"].value = 3 * 4096
    assert lab.view.value != first
    lab.controls["offset"].value = 4096
    assert lab.view.value == first


def test_the_offset_slider_is_vm_pgoff():
    lab = MmapLab()
    for pages in range(8):
        lab.controls["offset"].value = pages * 4096
        assert re.search(rf"vm_pgoff = {pages}\b", lab.outcome.text)


def test_two_hundred_random_moves_leave_no_widget_behind():
    lab, choice = MmapLab(), random.Random(2)
    before = len(ipywidgets.widgets.widget._instances)
    for _ in range(200):
        control = lab.controls[choice.choice(sorted(lab.controls))]
        if isinstance(control, ipywidgets.Checkbox):
            control.value = not control.value
        elif isinstance(control, ipywidgets.IntSlider):
            control.value = choice.randrange(control.min, control.max + 1, control.step)
        else:
            control.value = choice.choice([value for _, value in control._options_full])
    assert len(ipywidgets.widgets.widget._instances) == before
    assert lab.setting == Setting(**{name: control.value for name, control in lab.controls.items()})


def test_without_widgets_the_lab_is_its_picture_and_its_words():
    bundle = MmapLab(offset=8192)._repr_mimebundle_()
    assert "vm_pgoff = 2" in bundle["text/plain"]
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_shared_and_private_differ_where_linux_says():
    shared = run(Setting(prot=RW, flags=MAP_SHARED, access="store first page")).text
    private = run(Setting(prot=RW, flags=MAP_PRIVATE, access="store first page")).text
    assert "private copy" in private
    assert "private copy" not in shared
