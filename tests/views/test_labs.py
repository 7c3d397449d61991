"""The labs with a history of moves: every position gives a picture or a reason, and moving leaves nothing behind."""

import itertools
import random
import re
import subprocess
import sys

import ipywidgets
import pytest

from mmlab.views import (
    CacheLab,
    CacheSetting,
    FaultLab,
    FaultSetting,
    MappedLab,
    MappedSetting,
    SharedLab,
    SharedSetting,
    cache_lab,
    fault_lab,
    mapped_lab,
    run_cache,
    run_faults,
    run_mapped,
    run_shared,
    shared_lab,
)
from mmlab.views.controls import LIMIT
from tests.views.seen import is_well_drawn, the_twin_says_the_same

WHO = ("A", "B")


def walk(choice, moves, length):
    return tuple(choice.choice(moves) for _ in range(length))


FAULT_MOVES = [f"{w} {what} {n}" for w, what, n in itertools.product(WHO, ("load", "store"), range(fault_lab.PAGES))]
MAPPED_MOVES = [f"{w} {what}" for w, what in itertools.product(WHO, mapped_lab.ACTS)]
SHARED_MOVES = [f"{w} {what} {n}" for w, what, n in itertools.product(WHO, ("load", "store"), range(shared_lab.PAGES))]
SHARED_MOVES += [f"{w} {what}" for w, what in itertools.product(WHO, ("munmap", "unlink", "exit"))]
CACHE_MOVES = [
    f"{who} {what} {n}" if what in cache_lab.PAGE_ACTS else f"{who} {what}"
    for who, what, n in itertools.product(WHO, cache_lab.ACTS, range(cache_lab.PAGES))
    if what != "exit" or n == 0
]


def is_an_outcome(outcome):
    """Assert that there is a verdict, and pictures that are drawn and told alike."""
    assert outcome.verdict
    assert outcome.pictures
    for picture in outcome.pictures:
        assert picture.text
        assert is_well_drawn(picture).get("role") == "img"


@pytest.mark.parametrize("kind", fault_lab.KINDS)
def test_random_walks_of_faults_give_a_picture_or_a_reason(kind):
    choice = random.Random(kind)
    for length in (0, 1, 5, 20):
        moves = walk(choice, FAULT_MOVES, length)
        setting = FaultSetting(kind, moves, choice.choice(WHO))
        is_an_outcome(run_faults(setting))
        assert run_faults(setting) == run_faults(setting)


@pytest.mark.parametrize("seed", range(4))
def test_random_walks_of_the_dashboard_give_a_picture_or_a_reason(seed):
    moves = walk(random.Random(seed), MAPPED_MOVES, 5 + 10 * seed)
    is_an_outcome(run_mapped(MappedSetting(moves)))
    assert run_mapped(MappedSetting(moves)) == run_mapped(MappedSetting(moves))


@pytest.mark.parametrize("kind", shared_lab.KINDS)
def test_random_walks_of_shared_memory_give_a_picture_or_a_reason(kind):
    choice = random.Random(kind)
    for length in (0, 1, 6, 20):
        setting = SharedSetting(kind, walk(choice, SHARED_MOVES, length))
        is_an_outcome(run_shared(setting))
        assert run_shared(setting) == run_shared(setting)


@pytest.mark.parametrize("kind", cache_lab.KINDS)
def test_random_walks_of_the_page_cache_give_a_picture_or_a_reason(kind):
    choice = random.Random(kind)
    for length in (0, 1, 6, 20):
        setting = CacheSetting(kind, walk(choice, CACHE_MOVES, length))
        is_an_outcome(run_cache(setting))
        assert run_cache(setting) == run_cache(setting)


# ── what the labs teach ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "moves", "words"),
    [
        ("a file, private", ["A load 0"], "A: load page 0 → b'page0': a major fault"),
        ("a file, private", ["A load 0", "A load 1"], "A: load page 1 → b'page1': no fault was counted"),
        ("a file, private", ["A load 0", "B load 0"], "B: load page 0 → b'page0': a minor fault"),
        ("a file, private", ["A store 0", "B load 0"], "fork; B: load page 0 → b'by A.': no fault was counted"),
        ("a file, private", ["A load 0", "B store 0", "A load 0"], "b'page0': no fault was counted"),
        ("a file, shared", ["A load 0", "B store 0", "A load 0"], "b'by B.': no fault was counted"),
        ("a file, read-only", ["A store 0"], "SIGSEGV (SEGV_ACCERR): no fault was counted"),
        ("a file, shared", ["A load 5"], "SIGBUS (BUS_ADRERR): no fault was counted"),
        ("a tmpfs file, shared", ["A load 0"], "b'page0': a minor fault"),
        ("anonymous, private", ["A store 0", "B store 0", "A load 0"], "b'by A.': no fault was counted"),
        ("anonymous, shared", ["A store 0", "B store 0", "A load 0"], "b'by B.': no fault was counted"),
    ],
)
def test_an_access_says_what_it_found_and_whether_it_faulted(kind, moves, words):
    assert words in run_faults(FaultSetting(kind, tuple(moves))).verdict


def test_a_fault_is_followed_through_the_kernel_and_what_does_not_fault_has_no_tree():
    first = run_faults(FaultSetting("a file, private", ("A load 0",)))
    assert "✓ do_read_fault" in first.text
    again = run_faults(FaultSetting("a file, private", ("A load 0", "A load 0")))
    assert "do_read_fault" not in again.text


def test_the_page_buttons_say_what_the_page_table_of_the_chosen_process_has():
    lab = FaultLab(moves=["A load 0", "B store 0"])
    assert [made.description for made in lab.pages] == [*(f"{n}: of the file" for n in range(5)), "5: no PTE"]
    lab.process.value = "B"
    assert [made.description for made in lab.pages][:2] == ["0: anonymous", "1: no PTE"]


def test_the_dashboard_counts_as_meminfo_does():
    text = run_mapped(MappedSetting()).pictures[0].text
    assert "1 A: start: Mapped 1604 (+1604), AnonPages 24 (+24), Cached 1740 (+1740)" in text
    assert "2 A: map the book, load every page: Mapped 1624 (+20), Cached 1760 (+20)" in text
    assert "4 B: map the book, load every page: nothing counted changes" in text
    assert "5 B: store to a private page: AnonPages 52 (+4)" in text
    assert "9 B: exit: Mapped 0 (-1608), AnonPages 0 (-24)" in text


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        (["A map"], "A: does not run: start it first"),
        (["A start", "A start"], "A: runs already"),
        (["A start", "A write"], "A: has not mapped the book: map it first"),
        (["A start", "A map", "A map"], "A: has mapped the book already"),
        (["A start", "A exit", "A exit"], "A: does not run: start it first"),
    ],
)
def test_a_move_that_cannot_be_made_says_why_and_changes_nothing(moves, words):
    outcome = run_mapped(MappedSetting(tuple(moves)))
    assert words in outcome.verdict
    assert outcome.pictures[0].text.splitlines()[-1].endswith("nothing counted changes")


@pytest.mark.parametrize("kind", shared_lab.KINDS)
def test_b_sees_what_a_stored_unless_the_memory_is_private(kind):
    words = run_shared(SharedSetting(kind)).verdict
    old = {"a file, MAP_PRIVATE": "b'page0'", "MAP_PRIVATE|MAP_ANONYMOUS": r"b'\x00\x00\x00\x00\x00'"}
    assert words == f"B: load page 0 → {old.get(kind, repr(b'by A.'))}"


@pytest.mark.parametrize(
    ("kind", "moves", "words"),
    [
        ("disk, both shared", ["A store 0", "B pread 0"], "B: pread page 0 → b'by A.'"),
        (
            "disk, both shared",
            ["A store 0", "B load 0", "B MS_ASYNC 0", "A store 0"],
            "store page 0; 0 faults",
        ),
        (
            "disk, both shared",
            ["A store 0", "B load 0", "B MS_SYNC 0", "A store 0"],
            "store page 0; 1 fault",
        ),
        ("disk, both shared", ["A store 0", "A exit", "B pread 0"], "b'by A.'"),
        ("disk, both shared", ["A exit", "A load 0"], "A: load page 0 → it is over"),
        ("disk, both shared", ["A ftruncate 1", "B load 2"], "SIGBUS (BUS_ADRERR); 0 faults"),
        ("disk, B private", ["B store 2", "A ftruncate 1", "B load 2"], "SIGBUS (BUS_ADRERR); 0 faults"),
        ("disk, B private", ["B load 0", "A pwrite 0", "B load 0"], "b'of A.'; 0 faults"),
        ("disk, B private", ["B store 0", "A pwrite 0", "B load 0"], "b'by B.'; 0 faults"),
        ("tmpfs, both shared", ["A load 0", "A MS_SYNC 0", "A store 0"], "A: store page 0; 0 faults"),
    ],
)
def test_one_page_is_behind_every_way_to_a_file(kind, moves, words):
    assert words in run_cache(CacheSetting(kind, tuple(moves))).verdict


def test_only_what_was_written_back_is_on_the_disk_and_only_the_rest_stays_in_memory():
    moves = ("A store 0", "A store 1", "A MS_SYNC 1", "A exit", "B exit", "B drop")
    table = run_cache(CacheSetting(moves=moves)).pictures[0]
    assert re.search(r"^0 .* 'by A.' dirty  ≠ 'page0'$", table.text, re.MULTILINE)
    assert re.search(r"^1 .* not in memory +'by A.'$", table.text, re.MULTILINE)


def test_the_memory_lives_on_without_its_name_and_without_its_maker():
    for kind in ("a file, MAP_SHARED", "System V", "memfd_create"):
        moves = ("A store 0", "A unlink", "A exit", "B load 0")
        assert run_shared(SharedSetting(kind, moves)).verdict == "B: load page 0 → b'by A.'"


def test_an_unmapped_page_is_a_signal():
    outcome = run_shared(SharedSetting("System V", ("B munmap", "B load 0")))
    assert outcome.verdict == "B: load page 0 → SIGSEGV (SEGV_MAPERR)"


def test_the_timeline_and_its_twin_say_the_same():
    long = run_mapped(MappedSetting(mapped_lab.STORY)).pictures[0]
    the_twin_says_the_same(long, beside=None)


def test_the_dashboard_begins_where_both_processes_run_and_its_story_goes_on():
    lab = MappedLab()
    assert lab.made == mapped_lab.STORY[:7]
    assert lab.outcome.pictures[0].text.splitlines()[-1].startswith("  7 A: store to 2 shared pages")
    lab.again.click()
    lab.again.click()
    assert lab.made == mapped_lab.STORY


# ── the history ─────────────────────────────────────────────────────────────────────────────────────────────


LABS = [
    lambda: FaultLab(moves=["A load 0", "B store 0", "A store 1"]),
    lambda: MappedLab(moves=["A start", "A map", "B start"]),
    lambda: SharedLab(moves=["A store 0", "B load 0", "B munmap"]),
    lambda: CacheLab(moves=["A store 0", "B load 0", "A MS_SYNC 0"]),
]


@pytest.mark.parametrize("make", LABS)
def test_undo_and_redo_go_back_and_forth_and_a_new_move_forgets_what_was_undone(make):
    lab = make()
    seen = {lab.slider.value: lab.view.value}
    assert lab.again.disabled and not lab.back.disabled
    while lab.made:
        lab.back.click()
        seen[lab.slider.value] = lab.view.value
    assert lab.back.disabled
    assert len(set(seen.values())) == 4
    for n in (1, 2, 3):
        lab.again.click()
        assert lab.view.value == seen[n]
    first = lab.moves[0]
    lab.slider.value = 1
    lab.move("B exit" if not isinstance(lab, FaultLab) else "B load 3")
    assert lab.moves == (first, lab.moves[1]) and len(lab.moves) == 2 == lab.slider.value
    lab.anew.click()
    assert lab.moves == lab.made == ()
    assert lab.view.value == seen[0]


@pytest.mark.parametrize("make", LABS)
def test_a_history_that_is_full_takes_no_more_moves(make):
    lab = make()
    move = lab.moves[0]
    for _ in range(LIMIT + 5):
        lab.move(move)
    assert len(lab.made) == LIMIT
    assert f"{LIMIT} moves, as many as there may be" in lab.view.value
    lab.go(-1)
    assert "as there may be" not in lab.view.value
    with pytest.raises(ValueError, match="more than a lab makes"):
        type(lab)(moves=[move] * (LIMIT + 1))


@pytest.mark.parametrize("make", LABS)
def test_two_hundred_random_moves_leave_no_widget_behind(make):
    lab, choice = make(), random.Random(7)
    before = len(ipywidgets.widgets.widget._instances)
    pressed = [*getattr(lab, "pages", []), *getattr(lab, "acts", {}).values(), lab.back, lab.again, lab.anew]
    menus = [getattr(lab, name) for name in ("kind", "process", "access", "page") if hasattr(lab, name)]
    for _ in range(200):
        if choice.random() < 0.3:
            control = choice.choice(menus)
            control.value = choice.choice([value for _, value in control._options_full])
        elif choice.random() < 0.1:
            lab.slider.value = choice.randrange(lab.slider.max + 1)
        else:
            choice.choice(pressed).click()
    assert len(ipywidgets.widgets.widget._instances) == before
    assert lab.outcome == lab._run()


FORGETFUL = """
import gc, random
from mmlab.include.mmzone import machine
from mmlab.views import FaultLab, MappedLab, SharedLab
choice = random.Random(3)
for lab in FaultLab(), MappedLab(), SharedLab("memfd_create"):
    pressed = [*getattr(lab, "pages", []), *getattr(lab, "acts", {}).values(), lab.back, lab.again]
    for _ in range(40):
        choice.choice(pressed).click()
gc.collect()
print(sum(isinstance(found, machine) for found in gc.get_objects()))
"""


def test_no_machine_stays_in_memory():
    done = subprocess.run([sys.executable, "-c", FORGETFUL], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


@pytest.mark.parametrize("make", LABS)
def test_without_widgets_a_lab_is_its_picture_and_its_words(make):
    bundle = make()._repr_mimebundle_()
    assert bundle["text/plain"] == make().outcome.text
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle == {**make()._repr_mimebundle_(), **{k: v for k, v in bundle.items() if "widget" in k}}
