"""What the labs share: controls before an experiment, and beneath them its outcome, in words and pictures.

An experiment is a function of its setting alone: it boots a machine, makes the calls, and gives an `Outcome`. So the
same controls always show the same picture, and going back is making the calls again, without the last.
"""

from __future__ import annotations

import errno
import html
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import ipywidgets as widgets

from .diagram import Diagram, stack
from .render import RendererMissing
from .sheet import STYLE
from .words import _

LIMIT = 60  # moves; each position of the controls makes them all again


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a setting: the calls as programs write them, what they gave, and the pictures."""

    calls: tuple[tuple[str, str], ...]  # the language, and the calls in it
    verdict: str
    pictures: tuple[Diagram, ...]
    strip: tuple[str, ...] = ()  # the words on the lab's page buttons, if it has any

    @property
    def words(self) -> str:
        """The calls and the verdict."""
        return "\n".join([*(f"{language}:\n{text}" for language, text in self.calls), self.verdict])

    @property
    def text(self) -> str:
        """All of it in words."""
        return "\n\n".join([self.words, *(picture.text for picture in self.pictures)])

    def html(self, slot: str) -> str:
        """All of it as HTML; a click on a call selects the whole of it, to be copied."""
        shown = [(html.escape(language), html.escape(text)) for language, text in self.calls]
        calls = "".join(
            f'<div class="mm-call"><span>{language}</span><pre tabindex="0" aria-label="{language}">{text}</pre></div>'
            for language, text in shown
        )
        pictures = "".join(f"<div>{picture.html(slot)}</div>" for picture in self.pictures)
        return f'{calls}<pre class="mm-verdict" role="status">{html.escape(self.verdict)}</pre>{pictures}'


def refused(error: OSError) -> str:
    """Say which errno a call gave, and which check failed."""
    assert error.errno is not None
    return f"→ {errno.errorcode[error.errno]} ({error.errno}): {error.strerror}"


remembered = lru_cache(maxsize=64)  # an experiment's outcomes: a slider goes back and forth over the same settings

# ── the widget ──────────────────────────────────────────────────────────────────────────────────────────────


class Lab(widgets.VBox):
    """Controls, and the outcome of their setting. Without a live kernel it shows the outcome of its first setting."""

    def __init__(self, *rows: widgets.Widget) -> None:
        self.view = widgets.HTML()
        super().__init__([widgets.HTML(f"<style>{STYLE}</style>"), *rows, self.view])
        self.add_class("mm-lab")
        self._update()

    def _run(self) -> Outcome:
        """Make the experiment that the controls ask for."""
        raise NotImplementedError

    def _update(self, _change: Any = None) -> None:
        """Run the experiment anew and show its outcome."""
        self.outcome = self._run()
        self.view.value = self.outcome.html(self.slot)

    @property
    def slot(self) -> str:
        """What sets the ids in the lab's pictures apart from those of another lab on the page."""
        return f"-{self.model_id}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        """Give the widget, and for readers without one the picture and its twin."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)
        bundle["text/plain"] = self.outcome.text
        try:
            bundle["image/svg+xml"] = stack(self.outcome.verdict.split("\n")[0], *self.outcome.pictures).svg
        except RendererMissing as missing:
            bundle["text/plain"] += f"\n\n{missing}"
        return bundle


class Moves(Lab):
    """A lab whose setting is a history of moves: a slider goes back and forth in it, buttons make new moves.

    `at`: after how many of the first moves it begins; all of them if it is None.
    """

    def __init__(self, moves: Sequence[str], *rows: widgets.Widget, at: int | None = None) -> None:
        if len(moves) > LIMIT:
            raise ValueError(f"{len(moves)} moves are more than a lab makes ({LIMIT})")
        self.moves = tuple(moves)
        count = len(self.moves)
        self.slider = slider(_("after move"), count if at is None else min(at, count), max(count, 1), 1)
        self.slider.observe(self._update, "value")
        self.back = button(_("◀ undo"), _("take the last move back"), partial(self.go, -1))
        self.again = button(_("redo ▶"), _("make the next move again"), partial(self.go, 1))
        self.anew = button(_("start anew"), _("forget all moves"), self.reset)
        super().__init__(*rows, row(self.slider, self.back, self.again, self.anew))

    @property
    def made(self) -> tuple[str, ...]:
        """The moves up to where the slider is."""
        return self.moves[: self.slider.value]

    def move(self, move: str) -> None:
        """Make a move; those that were taken back are forgotten."""
        if len(self.made) < LIMIT:
            self.moves = (*self.made, move)
            self.slider.max = len(self.moves)
            self.slider.value = len(self.moves)
        else:
            full = _("These are {n} moves, as many as there may be: undo some, or start anew.").format(n=LIMIT)
            self.view.value = f'<p role="alert">{full}</p>{self.outcome.html(self.slot)}'

    def go(self, by: int) -> None:
        """Go some moves on or back."""
        self.slider.value = min(max(self.slider.value + by, 0), len(self.moves))

    def reset(self) -> None:
        """Forget all moves."""
        self.slider.value = 0
        self.moves = ()
        self.slider.max = 1

    def _update(self, change: Any = None) -> None:
        """Run the experiment anew; offer only what can be done."""
        super()._update(change)
        self.back.disabled = not self.made
        self.again.disabled = len(self.made) == len(self.moves)


class TwoProcesses(Moves):
    """A lab whose moves are what process A or B does, some of it with a page: "A store 0".

    `kinds`: what the menu offers; `labels`: the words on the button of each act; `paged`: the acts that take a page.
    """

    labels: Mapping[str, str]
    paged: Collection[str]
    page_count: int

    def __init__(
        self, label: str, kinds: Iterable[str], kind: str, moves: Sequence[str], *, at: int | None = None
    ) -> None:
        self.kind = menu(label, {_(name): name for name in kinds}, kind)
        self.process = processes()
        self.page = choice({f"{_('page')} {page}": str(page) for page in range(self.page_count)}, "0")
        self.acts = {
            what: button(_(words), _("have the process do this"), partial(self.act, what))
            for what, words in self.labels.items()
        }
        observe((self.kind,), self._update)
        strip = row(*self.acts.values()).add_class("mm-strip")
        super().__init__(moves, row(self.kind, self.process, self.page), strip, at=at)

    def act(self, what: str) -> None:
        """Have the chosen process do something, with the chosen page if it takes one."""
        page = f" {self.page.value}" if what in self.paged else ""
        self.move(f"{self.process.value} {what}{page}")


# ── the controls ────────────────────────────────────────────────────────────────────────────────────────────


def menu(label: str, options: Any, value: Any) -> widgets.Dropdown:
    """Make a drop-down menu."""
    wide, style = widgets.Layout(width="21em", max_width="100%"), {"description_width": "5em"}
    return widgets.Dropdown(description=label, options=options, value=value, layout=wide, style=style)


def slider(label: str, value: int, top: int, step: int, low: int = 0) -> widgets.IntSlider:
    """Make a slider from `low` to `top`."""
    wide = widgets.Layout(width="32em", max_width="100%")
    style = {"description_width": "8em"}
    return widgets.IntSlider(description=label, value=value, min=low, max=top, step=step, layout=wide, style=style)


def choice(options: dict[str, str], value: str) -> widgets.RadioButtons:
    """Make buttons of which one is chosen, side by side: what is on each, and its value."""
    auto = widgets.Layout(width="auto")
    return widgets.RadioButtons(options=list(options.items()), value=value, orientation="horizontal", layout=auto)


def processes() -> widgets.RadioButtons:
    """Make the choice of the process that moves."""
    return choice({_("process A"): "A", _("process B"): "B"}, "A")


def button(label: str, tip: str, press: Callable[[], None]) -> widgets.Button:
    """Make a button that calls `press`."""
    made = widgets.Button(description=label, tooltip=tip, layout=widgets.Layout(width="auto"))
    made.on_click(lambda _button: press())
    return made


def row(*controls: widgets.Widget) -> widgets.HBox:
    """Put controls side by side, and beneath each other where there is no room."""
    return widgets.HBox(list(controls), layout=widgets.Layout(flex_flow="row wrap", align_items="center"))


def observe(controls: Iterable[widgets.Widget], call: Callable[[Any], None]) -> None:
    """Call when one of them moves."""
    for control in controls:
        control.observe(call, "value")
