"""Predictions in a real browser: answered by mouse and by keyboard alone; nothing is given away before."""

import json

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.harness import count_widgets, expect, open_notebook, run_all, screenshot, theme, violations

CELLS = [
    """\
from mmlab import MAP_PRIVATE, O_RDONLY, PROT_READ
from mmlab.mm.vma import find_vma
from mmlab.views import predict

def upper_pgoff(kernel):
    proc = kernel.spawn("reader")
    addr = proc.mmap(0, 3 * 4096, PROT_READ, MAP_PRIVATE, proc.open("/data/book.txt", O_RDONLY), 4096)
    proc.munmap(addr + 4096, 4096)
    return find_vma(proc.task.mm, addr + 2 * 4096).vm_pgoff""",
    'predict("What is the `vm_pgoff` of the upper part?", upper_pgoff, choices=[1, 2, 3], because="vm_pgoff")',
    'predict("What is the `vm_pgoff` of the upper part?", upper_pgoff, because="vm_pgoff")',
]
WAIT = 15_000


@pytest.fixture
def asked(page: Page, lab) -> Locator:
    open_notebook(page, lab, lab.add("predict.ipynb", CELLS))
    run_all(page)
    found = page.locator(".mm-predict")
    expect(found).to_have_count(2)
    return found


def test_choices_by_keyboard_alone(page, asked):
    question = asked.nth(0)
    question.locator("input").first.focus()
    page.keyboard.press("Space")
    expect(question.locator("input").nth(0)).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(question.locator("input").nth(1)).to_be_checked()
    expect(question.locator("input").nth(0)).not_to_be_checked()
    expect(question.locator("[role=status]")).to_have_count(0)
    for _ in range(2):  # past the third choice
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(question.locator("[role=status]")).to_contain_text("You said 2; the kernel says 3.", timeout=WAIT)
    expect(question.locator("[role=status]")).to_contain_text("→ 3")


def test_a_free_answer_by_keyboard_and_by_mouse(page, asked):
    question, before = asked.nth(1), count_widgets(page)
    question.locator("input").focus()
    page.keyboard.type("many")
    question.get_by_role("button", name="Check").click()
    expect(question.locator("[role=status]")).to_contain_text("is no number", timeout=WAIT)
    question.locator("input").fill("0x3")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(question.locator("[role=status]")).to_contain_text("✓ Right: 3.", timeout=WAIT)
    question.locator("input").fill("4")
    question.get_by_role("button", name="Check").click()
    expect(question.locator("[role=status]")).to_contain_text("Your first answer counts: 0x3, right.", timeout=WAIT)
    assert count_widgets(page) == before


def test_the_saved_notebook_has_the_question_alone(page, lab, asked):
    page.evaluate("window.jupyterapp.shell.currentWidget.context.save()")
    saved = json.loads((lab.root / "notebooks" / "predict.ipynb").read_text())
    outputs = json.dumps([cell["outputs"] for cell in saved["cells"]] + [saved["metadata"]], ensure_ascii=False)
    assert "Predict: What is the `vm_pgoff`" in outputs and "( ) 3" in outputs
    assert "Right" not in outputs and "kernel says" not in outputs and "→" not in outputs


def test_it_is_accessible_and_legible_in_both_themes(page, asked):
    asked.nth(0).locator("input").nth(1).click()
    for question, words in ((asked.nth(0), None), (asked.nth(1), "3")):
        if words:
            question.locator("input").fill(words)
        question.get_by_role("button", name="Check").click()
        expect(question.locator("[role=status]")).to_be_visible(timeout=WAIT)
    for name in ("light", "dark"):
        theme(page, name)
        for n in range(2):
            screenshot(page, f"predict-{name}-{n}", of=asked.nth(n))
        found = violations(page, ".mm-predict")
        assert not found, "\n\n".join(found)
