"""Predictions: the learner commits, the kernel tells; nothing gives the answer away before."""

import json
import re
import sys

import ipywidgets
import pytest

from mmlab import MAP_PRIVATE, MAP_SHARED, O_RDONLY, PROT_READ, PROT_WRITE, Kernel
from mmlab.mm.vma import find_vma
from mmlab.views import predict
from mmlab.views.predict import agrees, number, spell

PAGE = 4096


def upper_pgoff(kernel):
    proc = kernel.spawn("reader")
    addr = proc.mmap(0, 3 * PAGE, PROT_READ, MAP_PRIVATE, proc.open("/data/book.txt", O_RDONLY), PAGE)
    proc.munmap(addr + PAGE, PAGE)
    return find_vma(proc.task.mm, addr + 2 * PAGE).vm_pgoff


def write_to_a_read_only_file(kernel):
    proc = kernel.spawn("reader")
    return proc.mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY))


def past_the_end(kernel):
    proc = kernel.spawn("reader")
    return proc.load(proc.mmap(0, 9 * PAGE, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY)) + 8 * PAGE)


def first_bytes(kernel):
    proc = kernel.spawn("reader")
    return proc.load(proc.mmap(0, PAGE, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY)), 5)


def answer(prediction, *words):
    """Give those answers, one after another; return what is told after the last."""
    for each in words:
        prediction.field.value = each
        prediction.commit()
    return re.sub(r"<[^>]*>", " ", prediction.told.value).replace("&#x27;", "'").strip()


@pytest.mark.parametrize(
    ("experiment", "right", "wrong"),
    [
        (upper_pgoff, ["3", " 0x3 ", "3.0"], ["2", "-3"]),
        (write_to_a_read_only_file, ["EACCES", "eacces "], ["EPERM", "it works"]),
        (past_the_end, ["SIGBUS", "sigbus"], ["SIGSEGV"]),
        (first_bytes, ["page0", "'page0'", " PAGE0"], ["page1", "page 0"]),
        (lambda kernel: kernel.meminfo()["MemTotal"] > 0, ["yes"], ["no"]),
        (lambda: 42, ["42", "0x2a", "4_2"], ["43"]),
    ],
)
def test_right_and_wrong_are_told_as_the_kernel_has_it(experiment, right, wrong):
    for words in right:
        assert answer(predict("?", experiment), words).startswith("✓ Right")
    for words in wrong:
        told = answer(predict("?", experiment), words)
        assert told.startswith("✗ Not so") and words in told


def test_the_trace_says_why():
    told = answer(predict("Which `vm_pgoff`?", upper_pgoff, choices=[1, 2, 3], because="vm_pgoff"), "2")
    assert "the kernel says 3" in told
    assert re.search(r"vma#\d+\.vm_pgoff: \d → 3", told)
    assert "in split_vma: Cut the VMA in two" in told
    assert "do_mmap: MAP_SHARED with PROT_WRITE" in answer(predict("?", write_to_a_read_only_file), "no")
    assert "SIGBUS" in answer(predict("?", past_the_end), "no")
    assert "sys_munmap" in answer(predict("?", upper_pgoff), "3")


def test_an_experiment_may_boot_its_own_machine_and_give_its_trace():
    def own():
        kernel = Kernel(fault_around_bytes=4096)
        proc = kernel.spawn("reader")
        with kernel.trace() as trace:
            addr = proc.mmap(0, PAGE, PROT_READ, MAP_SHARED, proc.open("/data/book.txt", O_RDONLY))
        return addr, trace

    told = answer(predict("?", own, because="map_count"), "0")
    assert re.search(r"map_count: \d+ → \d+", told) and "(0x7ffff" in told


def test_the_first_answer_counts():
    prediction = predict("?", upper_pgoff)
    assert "first answer" not in answer(prediction, "2")
    assert answer(prediction, "3").startswith("✓ Right: 3. Your first answer counts: 2, not right.")
    assert "Your first answer counts: 2, not right." in answer(prediction, "2")
    assert prediction.answers == ["2", "3", "2"]
    assert "Your first answer counts: 3, right." in answer(predict("?", upper_pgoff), "3", "4")


@pytest.mark.parametrize(("words", "told"), [("", "No answer yet"), ("   ", "No answer yet"), ("many", "no number"),
                                             ("nan", "no number"), ("1e400", "no number"), ("9" * 5000, "no number"),
                                             ("<script>", "no number")])  # fmt: skip
def test_nonsense_is_no_answer(words, told):
    prediction = predict("?", upper_pgoff)
    assert told in answer(prediction, words)
    assert prediction.answers == [] and "the kernel says" not in prediction.told.value
    assert "<script" not in prediction.told.value
    assert "first answer" not in answer(prediction, "3")


def test_nothing_is_chosen_at_first():
    prediction = predict("?", upper_pgoff, choices=[1, 2, 3])
    assert prediction.field.value is None
    prediction.commit()
    assert "choose one first" in prediction.told.value
    assert answer(prediction, "3").startswith("✓ Right")


def test_the_answer_is_nowhere_before_it_was_given():
    secret = 987654321

    def experiment(kernel):
        raise AssertionError("the experiment ran before the learner answered")

    prediction = predict("How many?", experiment, choices=["few", "many"])
    bundle = prediction._repr_mimebundle_()
    assert bundle["text/plain"] == "Predict: How many?\n( ) few\n( ) many"
    assert "☐ few" in bundle["text/html"]
    free = predict("How many?", lambda: secret)
    state = json.dumps(ipywidgets.Widget.get_manager_state(widgets=None), default=str)
    assert str(secret) not in json.dumps(free._repr_mimebundle_()) + state
    assert free._repr_mimebundle_()["text/plain"] == "Predict: How many?\n________"


def test_the_stored_output_is_the_question_also_afterwards():
    prediction = predict("Which?", upper_pgoff, choices=[1, 2, 3])
    before = prediction._repr_mimebundle_()
    answer(prediction, "1")
    assert prediction._repr_mimebundle_() == before
    again = predict("Which?", upper_pgoff, choices=[1, 2, 3])._repr_mimebundle_()
    assert (again["text/plain"], again["text/html"]) == (before["text/plain"], before["text/html"])


def test_a_lesson_that_is_wrong_says_so():
    with pytest.raises(TypeError, match="answer must be a function"):
        predict("?", 3)
    with pytest.raises(ValueError, match="two or more, all different"):
        predict("?", upper_pgoff, choices=[1, 1])
    assert "None of the choices is right" in answer(predict("?", upper_pgoff, choices=[1, 2]), "1")
    prediction = predict("?", lambda: 1 / 0)
    assert "The experiment itself failed: ZeroDivisionError" in answer(prediction, "1")
    assert prediction.answers == []


def test_all_text_is_escaped():
    prediction = predict("<b>`x<y`</b>", lambda: "<i>", choices=["<i>", "<u>"])
    told = answer(prediction, "<u>")
    assert "<i>" not in prediction.told.value and "<u>" not in prediction.told.value and told
    for value in (prediction.asked.value, prediction._repr_mimebundle_()["text/html"]):
        assert "<code>x&lt;y</code>" in value and "&lt;b&gt;" in value


def test_numbers_and_words():
    assert [number(w) for w in ("4 096", "+0X10", "0x", "1.", "", "٣")] == [4096, 16, None, None, None, 3]
    assert agrees("yes", True) and agrees("NO", False) and not agrees("1", True)
    assert spell(None) == "None" and spell(ValueError("x")) == "x"


def test_a_thousand_answers_leave_no_widget_behind():
    prediction = predict("?", lambda: 42)
    before = len(ipywidgets.widgets.widget._instances)
    answer(prediction, *map(str, range(1000)))
    assert len(ipywidgets.widgets.widget._instances) == before
    assert sys.getsizeof(prediction.told.value) < 1000
