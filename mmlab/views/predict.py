"""Predictions: the learner commits to an answer, and then the kernel tells.

    def upper_pgoff(kernel):
        proc = kernel.spawn("reader")
        ...
        return vma.vm_pgoff

    predict("What is the `vm_pgoff` of the upper part?", upper_pgoff, choices=[1, 2, 3], because="vm_pgoff")

The answer is nowhere written down: not in the notebook, which has the experiment alone, and not in what is stored of
the output. It is found by running the experiment on a fresh machine when the learner has answered, and the trace of
that run says why. The first answer is the one that counts; what is no answer at all does not count as one.
"""

from __future__ import annotations

import asyncio
import errno
import html
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import ipywidgets as widgets

from ..include.errors import MemoryFault
from ..machine import Kernel
from ..trace import Call, Change, Failure, Trace
from .history import Step, steps
from .reasons import name_of, reason, spell_step, summary
from .sheet import STYLE
from .words import _

SETTLED = 0.3  # seconds after which the browser has sent all it had to send
REASONS = 5  # so many lines of a trace are an explanation; more are a trace

# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────


class Found(NamedTuple):
    """What an experiment gave, and the trace that says why, if there is one."""

    value: Any
    trace: Trace | None


def carry_out(experiment: Callable[..., Any]) -> Found:
    """Run an experiment: on a fresh machine, traced, if it takes a kernel; an error or a signal is a result, too.

    One that takes nothing boots its own machine, and may give its trace along: `return value, trace`.
    """
    if not inspect.signature(experiment).parameters:
        value = outcome_of(experiment)
        own = isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Trace)
        return Found(*value) if own else Found(value, None)
    kernel = Kernel()
    with kernel.trace() as trace:
        value = outcome_of(experiment, kernel)
    return Found(value, trace)


def outcome_of(experiment: Callable[..., Any], *args: Any) -> Any:
    """Give what the experiment returns, or how the kernel refused."""
    try:
        return experiment(*args)
    except (OSError, MemoryFault) as refusal:
        return refusal


def spell(value: Any) -> str:
    """Spell an answer as a learner would.

    >>> spell(True), spell(4096), spell(b"page1"), spell(PermissionError(13, "no"))
    ('yes', '4096', 'page1', 'EACCES')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, MemoryFault):
        return value.signal
    if isinstance(value, OSError) and value.errno:
        return errno.errorcode[value.errno]
    if isinstance(value, bytes | bytearray):
        return value.decode("latin-1")
    return str(value)


def number(words: str) -> float | None:
    """Read a number as a learner writes it: 4096, 4_096, 0x1000; None if it is none.

    >>> number(" 0x1000 "), number("4 096"), number("-1.5"), number("many"), number("nan")
    (4096, 4096, -1.5, None, None)
    """
    words = re.sub(r"[\s_]", "", words)
    if re.fullmatch(r"[+-]?0x[0-9a-f]+", words, re.IGNORECASE):
        return int(words, 16)
    if re.fullmatch(r"[+-]?\d{1,40}", words):
        return int(words)
    return float(words) if re.fullmatch(r"[+-]?\d{1,40}\.\d{1,40}", words) else None


def agrees(words: str, value: Any) -> bool:
    """Tell whether an answer is right: numbers by value, all else without regard to case, spaces and quotes.

    >>> agrees("0x1000", 4096), agrees("sigbus", "SIGBUS"), agrees("'page1'", b"page1"), agrees("12", "1 2")
    (True, True, True, False)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(words) == value
    plain = [" ".join(part.strip().strip("'\"").split()).casefold() for part in (words, spell(value))]
    return plain[0] == plain[1]


def explain(trace: Trace | None, because: str) -> list[str]:
    """Say why, from the trace: the steps that have this name, or the failure, or the system calls that were made."""
    if trace is None:
        return []
    all_steps = steps(trace.events)
    failed = next((step for step in all_steps if isinstance(step.event, Failure)), None)
    named = [step for step in all_steps if because and because in name_of(step)]
    if named:
        return [told(step) for step in named[-REASONS:]]
    if failed:
        return [reason(failed)]
    calls = [step for step in all_steps if step.depth == 0 and not isinstance(step.event, Call)]
    return [spell_step(step) for step in calls if is_system_call(step)][-REASONS:]


def told(step: Step) -> str:
    """Tell a step and, of a change, which function made it, and what for."""
    if not isinstance(step.event, Change) or step.caller is None:
        return f"{spell_step(step)}\n{reason(step)}"
    function = step.caller.function
    return f"{spell_step(step)}\nin {function.__name__}: {summary(function)}."


def is_system_call(step: Step) -> bool:
    """Tell whether the step is the end of a system call, a load or a store."""
    name = name_of(step) or spell_step(step)
    return name.startswith(("sys_", "do_", "load", "store"))


# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class Prediction(widgets.VBox):
    """A question that is answered before the kernel answers it; see `predict`."""

    def __init__(
        self, question: str, answer: Callable[..., Any], *, choices: Sequence[Any] = (), because: str = ""
    ) -> None:
        if not callable(answer):
            raise TypeError("answer must be a function that finds the answer: a value would stand in the notebook")
        self.question, self.choices, self.because = question, [spell(choice) for choice in choices], because
        if len(set(self.choices)) != len(self.choices) or len(self.choices) == 1:
            raise ValueError(f"choices = {self.choices}: give two or more, all different, or none for a free answer")
        self.answers: list[str] = []  # what the learner said, in order; the first counts
        self._experiment = answer
        self._found: Found | None = None  # not before the learner has answered
        self.asked = widgets.HTML(f"<style>{STYLE}</style><p class='mm-question'>{marked_up(question)}</p>")
        self.field = self._field()
        self.check = widgets.Button(description=_("Check"), tooltip=_("commit to this answer, and see what happens"))
        self.check.on_click(self._pressed)
        self.told = widgets.HTML()
        side_by_side = widgets.Layout(flex_flow="row wrap", align_items="flex-end")
        row = widgets.HBox([self.field, self.check], layout=side_by_side)
        super().__init__([self.asked, row, self.told])
        self.add_class("mm-predict")

    def _field(self) -> widgets.Widget:
        """Make what the answer is given with: radio buttons, or a line of text."""
        style = {"description_width": "initial"}
        if self.choices:
            wide = widgets.Layout(width="auto", min_width="16em")
            return widgets.RadioButtons(
                options=self.choices, value=None, description=_("your prediction"), style=style, layout=wide
            )
        # sent as a whole when it is left: letters sent one by one may come later than the press of the button
        return widgets.Text(
            description=_("your prediction"), placeholder=_("a number or a word"), style=style, continuous_update=False,
            layout=widgets.Layout(width="24em", max_width="100%"),
        )  # fmt: skip

    def _pressed(self, _button: Any) -> None:
        """Commit a moment later: of quick changes the browser sends the last one only after the press of the button."""
        try:
            asyncio.get_running_loop().call_later(SETTLED, self.commit)
        except RuntimeError:  # no event loop, so no browser
            self.commit()

    def commit(self) -> None:
        """Take the answer that the field holds, and tell whether it is right, and why."""
        words = (self.field.value or "").strip()
        if not words:
            self._tell("none", _("No answer yet: choose one first.") if self.choices else _("No answer yet."))
            return
        if self._found is None:
            try:
                self._found = carry_out(self._experiment)
            except Exception as fault:  # the lesson's mistake, not the learner's
                self._tell("none", _("The experiment itself failed: {why}").format(why=repr(fault)))
                return
        value, trace = self._found
        if isinstance(value, int | float) and not isinstance(value, bool) and number(words) is None:
            self._tell("none", _("“{words}” is no number: this counts as no answer.").format(words=words[:80]))
            return
        right = agrees(words, value)
        self._tell("right" if right else "wrong", self._verdict(words, right, value), explain(trace, self.because))
        self.answers.append(words)

    def _verdict(self, words: str, right: bool, value: Any) -> str:
        """Say whether the answer is right, and what became of earlier ones."""
        verdict = _("✓ Right: {value}.") if right else _("✗ Not so. You said {words}; the kernel says {value}.")
        parts = [verdict.format(words=words[:80], value=full(value))]
        if self.answers:
            first = self.answers[0]
            told = _("right") if agrees(first, value) else _("not right")
            again = _("Your first answer counts: {first}, {told}.")
            parts.append(again.format(first=first[:80], told=told))
        if self.choices and spell(value) not in self.choices and not any(agrees(c, value) for c in self.choices):
            parts.append(_("(None of the choices is right: please tell whoever wrote the lesson.)"))
        return " ".join(parts)

    def _tell(self, look: str, words: str, why: Sequence[str] = ()) -> None:
        """Show a verdict and the reasons."""
        reasons = "".join(f"<li>{html.escape(line)}</li>" for line in why)
        reasons = f"<p>{_('Why:')}</p><ul>{reasons}</ul>" if reasons else ""
        self.told.value = f'<div class="mm-{look}" role="status"><b>{html.escape(words)}</b>{reasons}</div>'

    @property
    def text(self) -> str:
        """The question, and the choices if there are any: never the answer."""
        blank = [f"( ) {choice}" for choice in self.choices] or ["________"]
        return "\n".join([f"Predict: {self.question}", *blank])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Give the widget, and for readers without one the question."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)
        bundle["text/plain"] = self.text
        blank = "".join(f"<li>☐ {html.escape(choice)}</li>" for choice in self.choices)
        blank = f'<ul style="list-style:none">{blank}</ul>' if blank else "<p>________________</p>"
        bundle["text/html"] = f"<p><b>{_('Predict')}.</b> {marked_up(self.question)}</p>{blank}"
        return bundle


def predict(
    question: str, answer: Callable[..., Any], *, choices: Sequence[Any] = (), because: str = ""
) -> Prediction:
    """Ask the learner for a prediction; `answer(kernel)` is the experiment that finds out, on a fresh machine.

    Its result is the answer: a number, a text, bytes, True or False; OSError and signals by their names. `choices`:
    what to choose from; without them the answer is typed. `because`: the field or function of the trace that explains
    it. TypeError if `answer` is no function.
    """
    return Prediction(question, answer, choices=choices, because=because)


def full(value: Any) -> str:
    """Spell the kernel's answer; a large number in hex, too."""
    large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 4096
    return f"{value} ({value:#x})" if large else spell(value)


def marked_up(words: str) -> str:
    """Give words as HTML; what stands in `backticks` is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words))
