"""Time travel: every step tells the truth, in words and in the picture, forwards and backwards."""

import contextlib
import html
import random
import re

import ipywidgets
import pytest

from mmlab import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, O_CREAT, O_RDONLY, O_RDWR, PROT_READ, PROT_WRITE, Kernel
from mmlab.include.errors import MemoryFault
from mmlab.include.fs import file, inode
from mmlab.include.mm_types import mm_struct, vm_area_struct
from mmlab.include.sched import task_struct
from mmlab.trace import Call, Change, Failure, kernel_functions
from mmlab.views import Diagram, object_graph, offset_strip
from mmlab.views.explorer import Explorer
from mmlab.views.history import MovedOn, steps
from mmlab.views.reasons import meaning, reason, summary
from mmlab.views.sheet import STYLE
from mmlab.views.source import place_of
from mmlab.views.style import contrast
from tests.views.test_history import CALLS, spawn

DESCRIBED = vm_area_struct, mm_struct, file, inode, task_struct  # each of their fields has a sentence
PAGE, RW = 4096, PROT_READ | PROT_WRITE


@pytest.fixture
def machine():
    kernel = Kernel()
    proc = kernel.spawn("reader")
    return kernel, proc, proc.open("/data/book.txt", O_RDONLY)


@pytest.fixture
def mapped(machine):
    """A traced mmap and load: kernel, process, address, explorer."""
    kernel, proc, fd = machine
    with kernel.trace() as trace:
        addr = proc.mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, PAGE)
        proc.load(addr)
    return kernel, proc, addr, trace.explore()


def shown(explorer):
    return re.sub(r"<[^>]*>", "", explorer.told.value)


# ── the state of each step ──────────────────────────────────────────────────────────────────────────────────


def test_a_step_shows_the_machine_as_it_was(mapped):
    _, _, _, explorer = mapped
    explorer.go(explorer.number("vm_pgoff"))
    assert "0 → 1" in explorer._picture().source
    assert "vma#22 is not linked" in explorer.text
    explorer.go(len(explorer.steps))
    assert "vma#22 is not linked" not in explorer.text
    assert "page#443 r-- A" in explorer.text
    explorer.go(1)
    assert "vma#22" not in explorer._picture().text
    assert "changed so far: nothing" in explorer.text


def test_going_back_shows_what_was_seen_going_on(mapped):
    kernel, _, _, explorer = mapped
    there = []
    for number in range(1, len(explorer.steps) + 1):
        explorer.go(number)
        there.append((explorer.told.value, explorer.source.value, explorer.view.value))
    for number in random.Random(1).sample(range(1, len(explorer.steps) + 1), 60):
        explorer.go(number)
        assert (explorer.told.value, explorer.source.value, explorer.view.value) == there[number - 1]
    kernel.check()


def test_only_what_the_step_changed_is_lit(mapped):
    _, _, _, explorer = mapped
    for number, step in enumerate(explorer.steps, 1):
        explorer.go(number)
        lit = re.findall(r'"bold"[^>]*>([^<]* → [^<]*)<', explorer._picture().source)
        if isinstance(step.event, Call):
            assert lit == []
        if isinstance(step.event, Change) and step.event.field in ("map_count", "total_vm", "maj_flt"):
            assert lit == [f"{step.event.old} → {step.event.new}"]


def test_the_counters_are_those_of_the_kernel(mapped):
    kernel, _, _, explorer = mapped
    explorer.go(len(explorer.steps))
    now = {name: value for name, value, _, _ in explorer._counters()}
    assert {name: now[name] for name in ("Mapped", "Cached", "MemFree")} == {
        name: kernel.meminfo()[name] for name in ("Mapped", "Cached", "MemFree")
    }
    deltas = {name: delta for name, _, delta, _ in explorer._counters() if delta}
    reading = {"MemFree": -20, "Cached": 20, "Inactive(file)": 20, "major faults": 1}
    assert deltas == {**reading, "Mapped": 8, "Rss": 8, "Size": 8, "VMAs": 1}


def test_the_machine_may_go_on_while_the_past_is_looked_at(mapped):
    kernel, proc, addr, explorer = mapped
    explorer.go(50)
    before = explorer.view.value
    proc.munmap(addr, 2 * PAGE)
    proc.exit()
    explorer.go(len(explorer.steps))
    explorer.go(50)
    assert explorer.view.value == before
    kernel.check()


@pytest.mark.parametrize("call", [*CALLS, spawn], ids=lambda call: call.__name__)
def test_every_step_of_every_call_is_explained(call):
    """It has a picture, a reason and a source; and the marked line of a change is one that sets something."""
    kernel = Kernel()
    run = call(kernel, kernel.spawn("reader"))
    trace = kernel.trace()
    with trace:
        try:
            run()
        except OSError:
            assert isinstance(trace.events[-1], Failure)
    explorer = Explorer(trace)
    for number in [*range(1, len(explorer.steps) + 1)][:: max(1, len(explorer.steps) // 100)]:
        explorer.go(number)
        picture, found = explorer._picture(), place_of(explorer.step)
        assert picture.source and picture.svg, explorer.step.text
        assert reason(explorer.step)
        assert found is not None
        if isinstance(explorer.step.event, Change):
            assert meaning(explorer.step.event) or not isinstance(explorer.step.event.owner, DESCRIBED)
            assert found.line is not None


@pytest.mark.parametrize("call", [*CALLS, spawn], ids=lambda call: call.__name__)
def test_the_marked_line_of_a_change_sets_that_field(call):
    kernel = Kernel()
    run = call(kernel, kernel.spawn("reader"))
    with kernel.trace() as trace, contextlib.suppress(OSError):
        run()
    for step in steps(trace.events):
        if isinstance(step.event, Change):
            found = place_of(step)
            line = found.lines[found.line - found.first]
            assert re.search(r"[^=!<>]=[^=]|\bdel |\.pop\(|setattr\(|write_page_bytes\(", line), (step.text, line)
            if isinstance(step.event.field, str) and not isinstance(step.event.owner, dict):
                assert step.event.field in line or "setattr(" in line, (step.text, line)


def test_a_failure_is_at_the_line_that_raised_and_names_the_check(machine):
    kernel, proc, fd = machine
    with kernel.trace() as trace, pytest.raises(PermissionError):
        proc.mmap(0, PAGE, RW, MAP_SHARED, fd)
    explorer = trace.explore()
    failures = [n for n, step in enumerate(explorer.steps, 1) if isinstance(step.event, Failure)]
    explorer.go(failures[0])
    found = place_of(explorer.step)
    assert "raise failure(EACCES" in found.lines[found.line - found.first]
    assert "file_vm_flags fails with EACCES. do_mmap: MAP_SHARED with PROT_WRITE" in shown(explorer)
    explorer.go(failures[-1])
    found = place_of(explorer.step)
    assert "sys_mmap" in shown(explorer) and "vm_mmap_pgoff(" in found.lines[found.line - found.first]


def test_a_signal_is_a_failure_too(machine):
    kernel, proc, _ = machine
    with kernel.trace() as trace, pytest.raises(MemoryFault):
        proc.load(4096)
    assert "ends in SIGSEGV: " in reason(steps(trace.events)[-1])


def test_each_kernel_function_has_a_sentence():
    for function in kernel_functions():
        words = summary(function)
        assert 5 < len(words) < 160 and words[0].isupper(), function
        assert "(v4.4)" not in words and "same name" not in words and not words.endswith((".", ":")), words


# ── the controls ────────────────────────────────────────────────────────────────────────────────────────────


def test_all_controls_move_one_step(mapped):
    _, _, _, explorer = mapped
    back, slider, forward, _, clock = explorer.buttons.children
    assert slider is explorer.slider and clock is explorer.clock
    explorer.tree.index = 9
    assert (explorer.at, slider.value) == (10, 10)
    forward.click()
    assert (explorer.at, explorer.tree.index) == (11, 10)
    back.click()
    back.click()
    assert explorer.at == 9
    for number, seen in ((-5, 1), (0, 1), (10**9, len(explorer.steps))):
        explorer.go(number)
        assert explorer.at == seen
    forward.click()
    assert explorer.at == len(explorer.steps)
    assert (clock.min, clock.max) == (slider.min, slider.max) == (1, len(explorer.steps))


def test_jumping_from_change_to_change_and_back(mapped):
    _, _, _, explorer = mapped
    explorer.target.value = "vm_stat[nr_mapped]"
    seen = []
    for _ in range(3):
        explorer.jump(1)
        seen.append((explorer.step.text, re.sub("<[^>]*>", "", explorer.found.value)))
    assert seen == [
        ("· vm_stat[nr_mapped]: 401 → 402", "1 of 2"),
        ("· vm_stat[nr_mapped]: 402 → 403", "2 of 2"),
        ("· vm_stat[nr_mapped]: 402 → 403", "no more of these that way"),
    ]
    explorer.jump(-1)
    assert explorer.step.text == "· vm_stat[nr_mapped]: 401 → 402"
    explorer.target.value = "find_vma()"
    explorer.jump(-1)
    assert explorer.step.text.startswith("find_vma(mm:reader, ")


@pytest.mark.parametrize(("words", "told"), [("no_such<b>", "nothing has this name"), ("  ", "name a field")])
def test_nonsense_to_jump_to_is_told(mapped, words, told):
    _, _, _, explorer = mapped
    explorer.target.value = words
    explorer.jump(1)
    assert told in explorer.found.value and explorer.at == 1
    explorer.target.value = "do_mmap()"
    assert explorer.found.value == ""


def test_every_name_offered_is_found(mapped):
    _, _, _, explorer = mapped
    assert {"vma#22.vm_pgoff", "do_mmap()", "pte[7ffff7de6000]"} <= set(explorer.target.options)
    assert len(set(explorer.target.options)) == len(explorer.target.options)
    for name in explorer.target.options:
        assert name in explorer.names[explorer.number(name) - 1]


def test_a_thousand_moves_leave_no_widget_behind(mapped):
    _, _, _, explorer = mapped
    before, choice = len(ipywidgets.widgets.widget._instances), random.Random(3)
    for _ in range(1000):
        choice.choice([explorer.move, explorer.go, explorer.jump])(choice.choice([-1, 1, 40, 200]))
    explorer.go(100)
    assert len(ipywidgets.widgets.widget._instances) == before
    assert (explorer.at, explorer.tree.index, explorer.history.at) == (100, 99, explorer.steps[99].upto)


# ── what it is given ────────────────────────────────────────────────────────────────────────────────────────


def test_any_picture_of_process_or_kernel_is_drawn_at_any_step(machine):
    kernel, proc, fd = machine
    addr = proc.mmap(0, 2 * PAGE, RW, MAP_PRIVATE, fd)
    with kernel.trace() as trace:
        proc.store(addr, b"HELLO")
    explorer = trace.explore(offset_strip, proc, addr)
    assert "private copy" not in explorer.text
    explorer.go(len(explorer.steps))
    assert "a private copy" in explorer.text
    lit = trace.explore(object_graph, proc, addr, at="do_set_pte()")
    assert lit.step.event.function.__name__ == "do_set_pte"

    def mapped(kernel):
        return Diagram("Mapped", f"Mapped {kernel.meminfo()['Mapped']}", "digraph {a}")

    counted = trace.explore(mapped, kernel)
    assert f"Mapped {kernel.meminfo()['Mapped']}" not in counted.text or counted.at == 1


def test_a_picture_that_cannot_be_drawn_says_why(machine):
    kernel, proc, fd = machine
    with kernel.trace() as trace:
        addr = proc.mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd)
    explorer = trace.explore(offset_strip, proc, addr)
    assert "no picture of this step: no VMA of" in explorer.text
    assert "no picture of this step" in explorer.view.value
    explorer.go(len(explorer.steps))
    assert "shows file page 0" in explorer.text


def test_what_cannot_be_explored_is_refused(machine):
    kernel, proc, fd = machine
    with kernel.trace() as trace:
        with pytest.raises(RuntimeError, match="still being recorded"):
            trace.explore()
        proc.mmap(0, PAGE, PROT_READ, MAP_SHARED, fd)
    with pytest.raises(LookupError, match="'vm_lock'"):
        trace.explore(at="vm_lock")
    proc.mmap(0, PAGE, PROT_READ, MAP_SHARED, fd)
    with pytest.raises(MovedOn):
        trace.explore()
    with kernel.trace() as empty:
        pass
    with pytest.raises(ValueError, match="0 steps"):
        empty.explore()


def test_a_hostile_file_name_is_only_text(machine):
    kernel, proc, _ = machine
    name = "</pre><script>alert(1)</script>&<b>"
    with kernel.trace() as trace:
        fd = proc.open(f"/tmp/{name.replace('/', ':')}", O_RDWR | O_CREAT)
        proc.mmap(0, PAGE, RW, MAP_SHARED, fd)
    explorer = trace.explore()
    for number in range(1, len(explorer.steps) + 1):
        explorer.go(number)
        for value in (explorer.told.value, explorer.source.value, explorer.view.value):
            assert "<script" not in value and "<b>" not in re.sub(r"<b>[^<]*</b>", "", value)
    assert "<script" not in explorer._repr_mimebundle_()["text/html"]


# ── without a live kernel ───────────────────────────────────────────────────────────────────────────────────


def test_without_widgets_a_step_is_told_and_drawn(machine):
    def bundle():
        kernel = Kernel()
        proc = kernel.spawn("reader")
        with kernel.trace() as trace:
            proc.store(proc.mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS), b"x")
        return trace.explore(at="page_add_new_anon_rmap()")._repr_mimebundle_()

    first, second = bundle(), bundle()
    assert "application/vnd.jupyter.widget-view+json" in first
    assert first["text/plain"] == second["text/plain"]
    assert first["text/html"] == second["text/html"]
    words = first["text/plain"]
    for part in ("step ", "▶ ", "page_add_new_anon_rmap: ", "mmlab/mm/rmap.py", "changed so far: ", "PTE:"):
        assert part in words
    assert html.escape(words) in first["text/html"] and "<svg" in first["text/html"]


def test_the_colours_of_the_source_are_legible_in_both_themes():
    light, dark = STYLE.split('body[data-jp-theme-light="false"]')[0:2]
    for theme in (light, dark):
        colours = dict(re.findall(r"--mm-(\w[\w-]*):(#\w+)", theme))
        full = {name: "#" + "".join(c * 2 for c in v[1:]) if len(v) == 4 else v for name, v in colours.items()}
        for word in ("ink", "muted", "k", "s", "c", "n", "f"):
            assert contrast(full[word], full["paper"]) >= 4.5, (word, theme)
        for word in ("lit-ink", "k", "s", "c", "n", "f"):
            assert contrast(full[word], full["lit"]) >= 4.5, (word, theme)
