"""The labs in a real browser: by mouse and by keyboard alone, light and dark, and as axe-core sees them."""

import random

import pytest
from playwright.sync_api import Locator, Page

from mmlab.views import Setting, run
from mmlab.views.lab import BESIDE
from tests.browser.harness import (
    ask,
    count_widgets,
    expect,
    open_notebook,
    run_all,
    screenshot,
    theme,
    violations,
)

WAIT = 15_000
IMPORT = "from mmlab import *\nfrom mmlab.views import *\n"
SCRIPT = """\
def script(kernel):
    proc = kernel.spawn("reader")
    fd = proc.open("/data/book.txt", O_RDONLY)
    addr = proc.mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 4096)
    proc.load(addr, 5)
    proc.munmap(addr, 8192)
"""
LABS = {
    "mmap": "MmapLab()",
    "kinds": "KindLab()",
    "fault": "FaultLab(moves=['A load 0', 'B load 0', 'B store 0'])",
    "mapped": "MappedLab()",
    "shared": "SharedLab()",
    "cache": "CacheLab(moves=['A store 0', 'B load 0', 'A MS_SYNC 0', 'B store 0'])",
    "surgery": "SurgeryLab()",
    "two-kernels": "two_kernels(script)",
}


def opened(page: Page, lab, name: str, code: str = "") -> Locator:
    """Open a notebook with one lab, the variable `shown`, and give it."""
    cell = f"{IMPORT}{SCRIPT}shown = {code or LABS[name]}\nshown"
    open_notebook(page, lab, lab.add(f"lab-{name}.ipynb", [cell]))
    run_all(page)
    found = page.locator(".mm-lab")
    found.scroll_into_view_if_needed()
    return found


def expect_outcome(page: Page, found: Locator) -> None:
    """Wait until what is on screen is what the kernel has come to last: its verdict, and each picture."""
    page.wait_for_timeout(100)
    verdict, pictures = eval(ask(page, "(shown.outcome.verdict, [p.text for p in shown.outcome.pictures])"))
    expect(found.locator("[role=status]")).to_have_text(verdict, timeout=WAIT)
    expect(found.locator("svg[role=img] > desc")).to_have_text(pictures, timeout=WAIT)


def expect_verdict(page: Page, found: Locator, words: str) -> None:
    """Wait until the verdict has these words, and the pictures are those of it."""
    expect(found.locator("[role=status]")).to_contain_text(words, timeout=WAIT)
    expect_outcome(page, found)


def press(page: Page, control: Locator, key: str = "Enter") -> None:
    """Focus a control and press a key."""
    control.focus()
    page.keyboard.press(key)


@pytest.mark.parametrize("name", LABS)
def test_it_is_accessible_and_legible_in_both_themes(page, lab, name):
    found = opened(page, lab, name)
    for colors in ("light", "dark"):
        theme(page, colors)
        expect_outcome(page, found)
        screenshot(page, f"lab-{name}-{colors}", of=found)
        assert not violations(page, ".mm-lab")


def test_the_mmap_lab_by_mouse(page, lab):
    found = opened(page, lab, "mmap")
    found.get_by_label("MAP_ANONYMOUS").click()
    expect_verdict(page, found, run(Setting(anonymous=True)).verdict)
    found.get_by_label("flags", exact=True).select_option(label="MAP_PRIVATE")
    found.get_by_label("MAP_POPULATE").click()
    expect_verdict(page, found, "0 minor, 0 major")
    found.get_by_label("flags", exact=True).select_option(label="0")
    expect_verdict(page, found, "EINVAL (22)")


def test_the_mmap_lab_by_keyboard(page, lab):
    found = opened(page, lab, "mmap")
    address = found.locator(".noUi-handle").nth(2)
    for _ in range(5):
        press(page, address, "ArrowRight")
    expect_verdict(page, found, "not where it was asked for")
    press(page, found.get_by_label("MAP_FIXED"), "Space")
    expect_verdict(page, found, "what was mapped there is no more")
    assert ask(page, "shown.setting.address") == str(BESIDE)


def test_the_surgery_lab_by_mouse(page, lab):
    found = opened(page, lab, "surgery", "SurgeryLab(moves=[])")
    for name, words in (("mprotect r--", "3 VMAs"), ("mprotect rw-", "1 VMA"), ("undo", "3 VMAs"), ("redo", "1 VMA")):
        found.get_by_role("button", name=name).click()
        expect_verdict(page, found, f"→ done; {words}")
    found.get_by_label("mapping", exact=True).select_option(label="System V")
    expect_verdict(page, found, "→ done; 3 VMAs")
    found.get_by_role("button", name="mremap to page …").click()
    expect_verdict(page, found, "→ 0x10000006000; 3 VMAs")


def test_a_click_on_a_call_selects_the_whole_of_it_to_be_copied(page, lab):
    found = opened(page, lab, "mmap")
    calls = found.locator(".mm-call pre")
    for number in (0, 1):
        calls.nth(number).click()
        assert page.evaluate("getSelection().toString()") == calls.nth(number).text_content()


def test_the_fault_lab_by_mouse(page, lab):
    found = opened(page, lab, "fault", "FaultLab()")
    found.get_by_role("button", name="0: no PTE").click()
    expect_verdict(page, found, "A: load page 0 → b'page0': a major fault")
    found.get_by_label("process B").click()
    found.get_by_label("store").click()
    found.get_by_role("button", name="1: of the file").click()
    expect_verdict(page, found, "fork; B: store page 1 → b'by B.': a minor fault")
    expect(found.get_by_role("button", name="1: anonymous")).to_be_visible()
    found.get_by_role("button", name="undo").click()
    expect_verdict(page, found, "A: load page 0")
    found.get_by_role("button", name="start anew").click()
    expect_verdict(page, found, "Choose a process")


def test_the_fault_lab_by_keyboard(page, lab):
    found = opened(page, lab, "fault", "FaultLab(kind='a file, shared')")
    press(page, found.get_by_role("button", name="0: no PTE"))
    expect_verdict(page, found, "A: load page 0 → b'page0': a major fault")
    press(page, found.get_by_label("process B"), "Space")
    press(page, found.get_by_role("button", name="5: no PTE"))
    expect_verdict(page, found, "fork; B: load page 5 → SIGBUS (BUS_ADRERR)")
    press(page, found.locator(".noUi-handle"), "Home")
    expect_verdict(page, found, "Choose a process")
    press(page, found.get_by_role("button", name="redo"), "Space")
    expect_verdict(page, found, "A: load page 0")


def test_the_dashboard_by_mouse(page, lab):
    found = opened(page, lab, "mapped", "MappedLab(moves=())")
    for name, words in (("map the book", "A: does not run: start it first"), ("start", "A: start: Mapped 1604 kB")):
        found.get_by_role("button", name=name).first.click()
        expect_verdict(page, found, words)
    found.get_by_role("button", name="map the book").first.click()
    expect_verdict(page, found, "Mapped 1624 kB")


def test_the_dashboard_by_keyboard(page, lab):
    found = opened(page, lab, "mapped")
    handle = found.locator(".noUi-handle")
    for key, words in (("Home", "no process runs"), ("ArrowRight", "A: start"), ("ArrowRight", "A: map the book")):
        press(page, handle, key)
        expect_verdict(page, found, words)
    press(page, found.get_by_role("button", name="exit"))
    expect_verdict(page, found, "A: exit: Mapped 0 kB")


def test_the_shared_memory_lab_by_mouse(page, lab):
    found = opened(page, lab, "shared", "SharedLab(moves=())")
    found.get_by_role("button", name="store").click()
    expect_verdict(page, found, "A: store page 0")
    found.get_by_label("process B").click()
    found.get_by_role("button", name="load").click()
    expect_verdict(page, found, "B: load page 0 → b'by A.'")
    found.get_by_label("memory", exact=True).select_option(label="a file, MAP_PRIVATE")
    expect_verdict(page, found, "B: load page 0 → b'page0'")


def test_the_shared_memory_lab_by_keyboard(page, lab):
    found = opened(page, lab, "shared", "SharedLab('System V', moves=())")
    press(page, found.get_by_label("page 2"), "Space")
    press(page, found.get_by_role("button", name="store"))
    expect_verdict(page, found, "A: store page 2")
    press(page, found.get_by_role("button", name="take the name away"), "Space")
    press(page, found.get_by_role("button", name="exit"))
    press(page, found.get_by_label("process B"), "Space")
    press(page, found.get_by_role("button", name="load"))
    expect_verdict(page, found, "B: load page 2 → b'by A.'")


def test_two_kernels_run_again(page, lab):
    found = opened(page, lab, "two-kernels")
    first = ask(page, "id(shown.outcome)")
    press(page, found.get_by_role("button", name="run again"))
    page.wait_for_timeout(500)
    assert ask(page, "id(shown.outcome)") != first or ask(page, "shown.live is None") == "True"
    found.get_by_role("button", name="run again").click()
    expect_outcome(page, found)
    same = "[row.seen for row in shown.ours] == [row.seen for row in shown.live.rows]"
    assert ask(page, f"shown.live is None or {same}") == "True"


@pytest.mark.parametrize("name", ["fault", "mapped", "shared"])
def test_a_burst_ends_on_the_last_move_and_leaves_nothing_behind(page, lab, name):
    found = opened(page, lab, name)
    before, choice = count_widgets(page), random.Random(name)
    handle = found.locator(".noUi-handle")
    handle.focus()
    for _ in range(100):
        page.keyboard.press(choice.choice(["ArrowRight", "ArrowLeft", "Home", "End"]))
    page.keyboard.press("End")
    expect(found.locator(".widget-readout")).to_have_text(ask(page, "len(shown.moves)"), timeout=WAIT)
    for _ in range(WAIT // 50):  # the browser sends its last value when the kernel has answered the one before
        if ask(page, "shown.slider.value == len(shown.moves)") == "True":
            break
        page.wait_for_timeout(50)
    last = ask(page, "shown._run().verdict")
    expect_verdict(page, found, eval(last))
    assert count_widgets(page) == before
    assert not [error for error in page.console_errors if "Traceback" in error or "Error" in error]
