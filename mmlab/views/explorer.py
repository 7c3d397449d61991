"""Time travel: step through a trace, forwards and backwards, with the source and the picture of each step.

    with kernel.trace() as trace:
        addr = proc.mmap(...)
    trace.explore()

The call tree and the slider choose a step; the buttons go one on or back, or to the next step of a name. Shown are the
reason, the source, the counters, and a picture of the machine as it was at that step (history.py).
"""

from __future__ import annotations

import html
import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import ipywidgets as widgets

from ..fs.proc import meminfo
from ..include.mm_types import vm_area_struct
from ..include.mman import PAGE_SHIFT
from ..include.sched import task_struct
from ..process import Process
from ..trace import TREE_LINKS, Call, Change, Return, Trace, is_recording
from .diagram import Canvas, Diagram
from .history import History, Step, steps
from .objects import process_graph, vma_graph
from .reasons import function_of, name_of, reason, reference, spell_step, what_happens
from .sheet import STYLE
from .source import SHOWN, place_of, source_html, source_text
from .style import shorten
from .words import _

LIMIT = 10_000  # steps; a longer trace would fill the browser, and no learner reads it
INDENT = "\xa0\xa0"  # spaces that a list box keeps
LINKS = TREE_LINKS | {"vm_next", "vm_prev"}

# ── what is to be seen of a step ────────────────────────────────────────────────────────────────────────────


def subjects(events: list[Any]) -> Iterator[tuple[int, vm_area_struct]]:
    """Say from which event on the trace is about which VMA: one that it sets up, cuts or faults in."""
    for number, event in enumerate(events):
        if isinstance(event, Change) and isinstance(event.owner, vm_area_struct) and event.field not in LINKS:
            yield number, event.owner
        elif isinstance(event, Call) and event.function.__name__ in ("handle_mm_fault", "remove_vma"):
            yield from ((number, arg) for arg in event.args if isinstance(arg, vm_area_struct))


def births(events: list[Any]) -> dict[int, int]:
    """Say after how many events each new object is there: by its id."""
    made = ((n, event.result) for n, event in enumerate(events, 1) if isinstance(event, Return))
    return {id(result): n for n, result in made if events[n - 1].function.__name__ == "kmem_cache_zalloc"}


def process_in(events: list[Any]) -> Process | None:
    """Find the process that the trace is about: the first that is handed to a kernel function."""
    calls = (event for event in events if isinstance(event, Call))
    return next((Process(arg) for call in calls for arg in call.args if isinstance(arg, task_struct)), None)


def counters(history: History, proc: Process | None) -> dict[str, int]:
    """Give the counters of the machine and of the process, as they are now in the history; sizes in kB."""
    found = {name: kb for name, kb in meminfo(history.machine).items() if name not in ("MemTotal", "CommitLimit")}
    if proc:
        task, mm = proc.task, proc.task.mm
        pages = {"Rss": sum(mm.rss_stat.values()), "Size": mm.total_vm}
        found |= {name: count << PAGE_SHIFT - 10 for name, count in pages.items()}
        found |= {"VMAs": mm.map_count, "minor faults": task.min_flt, "major faults": task.maj_flt}
    return found


UNITS = {"VMAs": "", "minor faults": "", "major faults": ""}


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class Explorer(widgets.VBox):
    """A trace, to be stepped through. `at`: the step to begin with, its number or a name in it.

    Without a live kernel (a saved notebook, a printed page, GitHub) it shows its step in words, with the picture.
    """

    def __init__(
        self,
        trace: Trace,
        picture: Callable[..., Diagram] | None = None,
        *args: Any,
        at: int | str = 1,
        tree_links: bool = False,
    ) -> None:
        if is_recording(trace):
            raise RuntimeError("this trace is still being recorded: explore it after the with block")
        self.history = History(trace)
        self.steps = steps(self.history.events, tree_links=tree_links)
        if not 0 < len(self.steps) <= LIMIT:
            raise ValueError(f"the trace has {len(self.steps)} steps: trace something, but at most {LIMIT} steps")
        self.names = [name_of(step) for step in self.steps]
        self.proc = process_in(self.history.events)
        self.picture = self._drawn_by(picture, args) if picture else self._drawn_by_subject()
        self.history.go(0)
        self.at_first = counters(self.history, self.proc)
        self._build()
        super().__init__([self.style_sheet, self.buttons, self.jumps, self.told, self.panes, self.view])
        self.add_class("mm-explorer")
        self.go(self.number(at))
        self._show()

    # the picture of a step

    def _drawn_by(self, picture: Callable[..., Diagram], args: tuple[Any, ...]) -> Callable[[Trace], Diagram]:
        """Have `picture` draw the copies of what it was to draw."""
        copied = [self.history.of(arg) for arg in args]
        if "trace" in inspect.signature(picture).parameters:
            return lambda trace: picture(*copied, trace=trace)
        return lambda trace: picture(*copied)

    def _drawn_by_subject(self) -> Callable[[Trace], Diagram]:
        """Draw the objects behind the VMA that a step is about."""
        self.subjects = list(subjects(self.history.events))
        self.births = births(self.history.events)
        return self._draw_subject

    def _draw_subject(self, trace: Trace) -> Diagram:
        """Draw the VMA that the trace was last about; before the first, that one, once it is there."""
        if self.proc is None:
            raise LookupError(_("no process takes part"))
        at = self.history.at
        past = [vma for number, vma in self.subjects if number < at]
        vma = past[-1] if past else self.subjects[0][1] if self.subjects else None
        if vma is None or at < self.births.get(id(vma), 0):
            return process_graph(self.proc, trace)
        return vma_graph(self.proc, vma, trace)

    # the controls

    def _build(self) -> None:
        """Make the controls, and let each of them move the slider."""
        self.slider = widgets.IntSlider(
            description=_("step"), min=1, max=len(self.steps), layout=wide("30em"), style={"description_width": "3em"}
        )
        # Play keeps the time, in the browser; its own buttons have no words, so it has one that has
        self.clock = widgets.Play(min=1, max=len(self.steps), interval=700, layout=widgets.Layout(display="none"))
        self.play = widgets.ToggleButton(
            description=_("play"), tooltip=_("step on by itself"), layout=widgets.Layout(width="auto")
        )
        widgets.jslink((self.clock, "value"), (self.slider, "value"))
        widgets.jslink((self.play, "value"), (self.clock, "playing"))
        self.buttons = row(
            button(_("◀ back"), _("one step back"), partial(self.move, -1)), self.slider,
            button(_("forward ▶"), _("one step on"), partial(self.move, 1)), self.play, self.clock,
        )  # fmt: skip
        known = list(dict.fromkeys(name for name in self.names if name))
        self.target = widgets.Combobox(
            description=_("go to"), options=sorted(known, key=lambda name: name.endswith("()")), layout=wide("26em"),
            placeholder=_("a field or function(), or a part of its name"), style={"description_width": "3em"},
        )  # fmt: skip
        self.found = widgets.HTML()
        self.jumps = row(
            self.target, button(_("previous"), _("to the step before that has this name"), partial(self.jump, -1)),
            button(_("next"), _("to the next step that has this name"), partial(self.jump, 1)), self.found,
        )  # fmt: skip
        lines = [(INDENT * s.depth + shorten(s.text, 110), n) for n, s in enumerate(self.steps, 1)]
        self.tree = widgets.Select(
            options=lines, rows=SHOWN, description=_("call tree"), layout=widgets.Layout(width="auto"),
            style={"description_width": "0"},
        )  # fmt: skip
        self.source, self.told, self.view = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.panes = widgets.HBox([self.tree, self.source]).add_class("mm-panes")
        self.style_sheet = widgets.HTML(f"<style>{STYLE}</style>")
        self.slider.observe(self._show, "value")
        self.tree.observe(lambda change: self.go(change.new + 1), "index")
        self.target.observe(lambda _change: self._say(""), "value")

    @property
    def at(self) -> int:
        """The number of the step that is shown, from 1 on."""
        return int(self.slider.value)

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self.steps[self.at - 1]

    def go(self, number: int) -> None:
        """Show a step; a number out of range is brought into it."""
        self.slider.value = min(max(number, 1), len(self.steps))

    def move(self, by: int) -> None:
        """Go some steps on or back."""
        self.go(self.at + by)

    def number(self, at: int | str) -> int:
        """Give the number of a step: itself, or that of the first step with this name."""
        if isinstance(at, int):
            return at
        found = next((n for n, name in enumerate(self.names, 1) if at in name), None)
        if found is None:
            raise LookupError(f"nothing named {at!r} happens in this trace")
        return found

    def jump(self, way: int) -> None:
        """Go to the next step (way 1) or the one before (−1) whose name has the words in the box."""
        words = self.target.value.strip()
        found = [n for n, name in enumerate(self.names, 1) if words and words in name]
        there = [n for n in found if (n - self.at) * way > 0]
        if there:
            number = there[0] if way > 0 else there[-1]
            self.go(number)
            self._say(_("{n} of {count}").format(n=found.index(number) + 1, count=len(found)))
        elif found:
            self._say(_("no more of these that way"))
        else:
            self._say(_("nothing has this name") if words else _("name a field or a function first"))

    def _say(self, words: str) -> None:
        self.found.value = f'<span role="status">{html.escape(words)}</span>' if words else ""

    # what is shown

    def _show(self, _change: Any = None) -> None:
        """Show the step that the slider is at."""
        step = self.step
        self.history.go(step.upto)
        self.tree.index = self.at - 1
        found = place_of(step)
        self.told.value = self._told_html(step)
        self.source.value = source_html(found) if found else ""
        self.view.value = self._counters_html() + self._picture().html(f"-{self.model_id}")

    def _picture(self) -> Diagram:
        """Draw the machine as it is at this step; a step that cannot be drawn says why."""
        try:
            return self.picture(self.history.part(self.step.since, self.step.upto))
        except Exception as error:  # half-built objects are what a step may be about
            return nothing(_("no picture of this step: {why}").format(why=error or type(error).__name__))

    def _told_html(self, step: Step) -> str:
        """Give the number of the step, what it does, and why, as HTML."""
        function = function_of(step)
        where = reference(function) if function else ""
        head = f"{self.at}/{len(self.steps)}"
        linux = f'<span class="mm-where">{_("in Linux")}: {html.escape(where)}</span>' if where else ""
        line = html.escape(spell_step(step))
        return (
            f'<div class="mm-told" role="status"><span class="mm-step">{head}</span> <b>{what_happens(step)}</b> '
            f"<code>{line}</code><br>{html.escape(reason(step))} {linux}</div>"
        )

    def _counters(self) -> Iterator[tuple[str, int, int, str]]:
        """Give each counter: its name, its value, how much it has changed since the trace began, its unit."""
        for name, value in counters(self.history, self.proc).items():
            yield name, value, value - self.at_first[name], UNITS.get(name, " kB")

    def _counters_html(self) -> str:
        """Give the counters as a table; what is not as it was is lit."""
        cells = [
            f'<td{" class=mm-lit" if delta else ""}><span>{name}</span> {value} '
            f"<b>{f'{delta:+}' if delta else '±0'}</b></td>"
            for name, value, delta, _unit in self._counters()
        ]
        caption = _("counters (sizes in kB), and by how much they have changed since the trace began")
        return f'<table class="mm-counters"><caption>{caption}</caption><tr>{"".join(cells)}</tr></table>'

    @property
    def text(self) -> str:
        """The step in words: where it is in the call tree, the reason, the source, what has changed, the picture."""
        found = place_of(self.step)
        around = self.steps[max(0, self.at - 7) : self.at + 6]
        tree = [f"{'▶' if step is self.step else ' '} {'  ' * step.depth}{step.text}" for step in around]
        changed = [f"{name} {value}{unit} ({delta:+})" for name, value, delta, unit in self._counters() if delta]
        parts = [
            _("step {n} of {count}").format(n=self.at, count=len(self.steps)) + "\n" + "\n".join(tree),
            reason(self.step),
            f"{found.file}\n{source_text(found)}" if found else "",
            _("changed so far: {what}").format(what=", ".join(changed) or _("nothing")),
            self._picture().text,
        ]
        return "\n\n".join(part for part in parts if part)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Give the widget, and for readers without one the step in words and as a picture."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)
        bundle["text/plain"] = text = self.text
        bundle["text/html"] = f"<pre>{html.escape(text)}</pre>{self._picture().html()}"
        return bundle


# ── how it looks ────────────────────────────────────────────────────────────────────────────────────────────


def nothing(words: str) -> Diagram:
    """Draw a sentence in place of a picture."""
    canvas = Canvas(760, 48)
    canvas.text(12, 28, words, room=740, anchor="start")
    return canvas.diagram(words, words)


def button(label: str, tip: str, press: Callable[[], None]) -> widgets.Button:
    """Make a button that calls `press`."""
    made = widgets.Button(description=label, tooltip=tip, layout=widgets.Layout(width="auto"))
    made.on_click(lambda _button: press())
    return made


def row(*controls: widgets.Widget) -> widgets.HBox:
    """Put controls side by side, and beneath each other where there is no room."""
    return widgets.HBox(list(controls), layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


def wide(width: str) -> widgets.Layout:
    """Make a layout of this width, never wider than the cell."""
    return widgets.Layout(width=width, max_width="100%")
