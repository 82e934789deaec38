"""Chart: the series of one panel as curves over time, with axes, a legend, and how true it is.

What it shows is put together once for each change, and only cells that differ from what stands on the terminal
are painted: a reading that changes nothing visible costs no byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from backends.api.charts import Chart as Value
from backends.api.charts import Panel, Span
from backends.api.clock import Clock, LoopClock
from backends.api.errors import WrongQuery
from backends.api.readings import ILL, FeedKey, Reading, State
from widgets.charts.canvas import has_braille
from widgets.charts.legend import Curve, curves
from widgets.charts.plot import Mark, Plot
from widgets.charts.scales import IN_WORDS, exact_time
from widgets.freshness import STANDINGS, word_of
from widgets.look import Look
from widgets.one_line import Part
from widgets.promql import pointed_at
from widgets.quantities import age, quantity, span_text
from widgets.repaint import Runs, differences
from widgets.safe import fit, line, style, width_of, wrapped

CHART_AGE_FROM = 20.0
"""Seconds after which even a live chart says its age: twice the longest pause between two refreshes."""
FIGURES = 39
"""Cells of a legend's three figures."""
DAY = 86_400
EMPTY = (
    "no series",
    "nothing answers to this query in this span of time;",
    "check its labels; :targets shows what is scraped",
)


class Chart(Widget):
    """One panel; set `readings` (of one feed) and it shows them."""

    DEFAULT_CSS = "Chart { height: 1fr; width: 1fr; }"
    readings: var[Mapping[FeedKey, Reading[Value]]] = var({}, always_update=True)

    class Heard(Message):
        """Its reading is another one."""

    class Touched(Message):
        """A place of the chart was clicked: this chart is meant now, at `moment` where it was within the plot."""

        def __init__(self, chart: Chart, moment: float | None, *, twice: bool) -> None:
            super().__init__()
            self.chart, self.moment, self.twice = chart, moment, twice

    def __init__(self, key_of: Callable[[str], str], *, clock: Clock | None = None) -> None:
        """`key_of` tells with which key something is done, by the name that the table of commands has for it."""
        super().__init__()
        self._key_of = key_of
        self.clock = clock or LoopClock()
        self.panel = Panel("", "")
        self.span = Span(0)
        """What was asked for last; what is shown may still be another."""
        self.cursor: float | None = None
        self.marks: Sequence[Mark] = ()
        self.chosen = False
        self.only: re.Pattern[str] | None = None
        """Series whose name it does not fit are hidden."""
        self.ended = ""
        """Why nothing is asked any more, where that is so."""
        self._braille = has_braille()
        self._plot: Plot | None = None
        self._plot_size = (0, 0)
        self._curves: tuple[Curve, ...] = ()
        self._of: tuple[Value, re.Pattern[str] | None] | None = None
        self._drawn: list[Runs] = []

    @property
    def reading(self) -> Reading[Value] | None:
        return next(iter(self.readings.values()), None)

    @property
    def value(self) -> Value | None:
        return None if self.reading is None else self.reading.value

    @property
    def true(self) -> bool:
        """Whether what is shown is what was asked for, and the server has just said so."""
        reading = self.reading
        return reading is not None and reading.state is State.LIVE and not self.waiting

    @property
    def waiting(self) -> bool:
        """Whether the answer to what was asked for is not here yet, and may still come."""
        reading = self.reading
        if reading is None or self.ended or reading.state in ILL:
            return False
        return reading.value is None or reading.value.span != self.span

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Those that are not hidden."""
        value = self.value
        if value is None:
            return ()
        if self._of is None or self._of[0] is not value or self._of[1] is not self.only:
            made = curves(value.series, value.end, value.step)
            self._curves = tuple(c for c in made if self.only is None or self.only.search(c.name))
            self._of = value, self.only
        return self._curves

    def show(self, panel: Panel) -> None:
        """Another panel; its reading comes after it."""
        self.panel, self.ended = panel, ""
        self.readings = {}

    def watch_readings(self) -> None:
        self.flush()
        self.post_message(self.Heard())

    def flush(self) -> None:
        """Paint what differs from what stands on the terminal. Cheap when nothing does."""
        if not self.is_attached or not self.size.height or not self.display:
            return
        before, self._drawn = self._drawn, self._lines()
        if len(before) != len(self._drawn):
            self.refresh()
            return
        for region in differences(before, self._drawn, self.size.width):
            self.refresh(region)

    def render_line(self, y: int) -> Strip:
        if len(self._drawn) != self.size.height:
            self._drawn = self._lines()
        return line(self._drawn[y], self.size.width)

    def on_resize(self) -> None:
        self._drawn = []
        self.refresh()

    def plain_lines(self) -> list[str]:
        """The legend as text: every series, with its figures."""
        value = self.value
        head = f"{self.panel.title}  {self.panel.query}"
        if value is None:
            return [head, "  " + "  ".join(self._lesson())]
        start, end = exact_time(value.start, self._unix), exact_time(value.end, self._unix)
        told = f"  {start} to {end}, each {span_text(value.step)}"
        name = max((width_of(curve.name) for curve in self.curves), default=0)
        rows = [f"  {curve.letter} {fit(curve.name, name)}  {self._figures(curve)}" for curve in self.curves]
        more = [f"  {value.left_out} more series are left out"] if value.left_out else []
        return [head, told, *(rows or ["  no series"]), *more]

    # How it is put together

    def _lines(self) -> list[Runs]:
        width, height = self.size
        dim = not self.true
        lines: list[Runs] = [self._title(width)]
        shown = self.curves
        value = self.value
        rows = min(len(shown), max(1, (height - 4) // 3)) if height >= 7 else 0
        if value is None or not shown:
            lines += self._frame(width, height - 1)
        else:
            lines += self._plot_of(value, shown, width, height - 1 - rows).lines(self.cursor, self.marks, dim=dim)
            lines += self._legend(shown, rows, width)
        return (lines + [[]] * height)[:height]

    def _plot_of(self, value: Value, shown: tuple[Curve, ...], width: int, height: int) -> Plot:
        plot = self._plot
        # `shown` is another object for each value and each filter.
        if (
            plot is None
            or plot.curves is not shown
            or plot.panel != self.panel
            or self._plot_size != (width, height)
        ):
            plot = self._plot = Plot(
                self.panel, value, shown, width, height, braille=self._braille, now=self._unix
            )
            self._plot_size = width, height
        return plot

    def _title(self, width: int) -> list[Part]:
        right, look = self._standing()
        right = f" {right} " if right else ""
        panel = self.panel
        right = fit(right, min(width_of(right), max(width // 2, width - 2 - width_of(panel.title))))
        more = "" if panel.unit in IN_WORDS else f"  {panel.unit}"
        if panel.threshold is not None:
            more += f"  limit {self._number(panel.threshold)}"
        room = width - 1 - width_of(right)
        title = fit(panel.title, min(room, width_of(panel.title)))
        mark = "▌" if self.chosen else " "
        over = panel.threshold is not None and any(
            curve.last is not None and curve.last >= panel.threshold for curve in self.curves
        )
        named = style(Look.BAD if over and self.true else Look.STRONG)
        beside = ("  over its limit" if over else "") + more
        # A unit that is cut would look like a title that is.
        rest = fit(beside if width_of(beside) <= room - width_of(title) else "", room - width_of(title))
        return [(mark, style(Look.STRONG)), (title, named), (rest, style(Look.DIM)), (right, style(look))]

    def _standing(self) -> tuple[str, Look]:
        """The right end of the title: nothing while all is well."""
        reading, value = self.reading, self.value
        # The word first: where room ends, it is the range that is cut.
        own = "" if value is None else f"  {self._bounds(value)}"
        if self.ended:
            return self.ended + own, Look.WARN
        if reading is None:
            return "loading", Look.DIM
        if isinstance(reading.error, WrongQuery):
            return reading.error.word + own, Look.BAD
        old = None if reading.at is None else self.clock.monotonic() - reading.at
        if reading.state in ILL:
            look = STANDINGS[reading.state]
            reason = "" if reading.error is None or value is None else f"  {reading.error.reason}"
            return f"{word_of(reading).upper()}{'' if old is None else ' ' + age(old)}{own}{reason}", look
        if self.waiting:
            return f"loading {span_text(self.span.seconds)}{own}", Look.DIM
        if reading.state is not State.LIVE:
            return reading.state.value + own, Look.DIM
        left_out = value.left_out if value is not None else 0
        if left_out:
            return f"{len(self.curves)} of {len(self.curves) + left_out} series", Look.WARN
        return (f"live {age(old)}", Look.DIM) if old is not None and old > CHART_AGE_FROM else ("", Look.DIM)

    @property
    def _unix(self) -> float:
        """Now, in unix seconds."""
        return self.clock.now().timestamp()

    def _bounds(self, value: Value) -> str:
        """From when to when, with dates only where a time of day would not do."""
        end = exact_time(value.end, self._unix, seconds=False)
        if end[0].isdigit() and value.end - value.start < DAY:
            return f"{exact_time(value.start, value.start, seconds=False)}–{end}"
        start = exact_time(value.start, self._unix, seconds=False)
        return (
            f"{start}–{exact_time(value.end, self._unix if start[0].isdigit() else value.start, seconds=False)}"
        )

    def _frame(self, width: int, height: int) -> list[Runs]:
        """Empty axes, with why they are."""
        faint = style(Look.DIM)
        lines: list[Runs] = [[("   │", faint)] for _ in range(height - 2)]
        lines.append([("   └" + "─" * (width - 4), faint)])
        words = [part for text in self._lesson() for part in self._in_frame(text, width - 6)]
        top = max(0, (len(lines) - 1 - len(words)) // 2)
        for y, text in enumerate(words[: max(0, len(lines) - 1 - top)], top):
            lines[y] = [("   │", faint), (fit(f"  {text}", width - 4), faint)]
        return lines

    def _in_frame(self, text: str, width: int) -> list[str]:
        """A query with the mark below it is nothing without its columns."""
        if isinstance(self.reading and self.reading.error, WrongQuery):
            return [text]
        return wrapped(text, max(1, width))

    def _lesson(self) -> list[str]:
        reading = self.reading
        if self.ended:
            return [
                self.ended,
                f"{self._key_of('ask_query')} asks something else, {self._key_of('edit_query')} edits this query",
            ]
        if reading is None or (reading.value is None and reading.error is None):
            return ["loading …"]
        if reading.value is not None:
            hidden = f"the filter hides every series; {self._key_of('step_back')} clears it"
            return [hidden] if reading.value.series else list(EMPTY)
        if isinstance(reading.error, WrongQuery):
            return [*pointed_at(self.panel.query, reading.error.reason), f"{self._key_of('edit_query')} edits it"]
        if reading.error is None:
            return []
        return [text for text in (reading.error.word, str(reading.error), reading.error.hint) if text]

    def _legend(self, shown: tuple[Curve, ...], rows: int, width: int) -> list[Runs]:
        if rows <= 0:
            return []
        listed = list(shown)
        if len(shown) > rows:
            # The highest first: their order by the server says nothing about which of them matter.
            listed.sort(key=lambda curve: -(curve.high if curve.high is not None else float("-inf")))
        more = len(shown) - rows
        # Figures stand beside the names: on a wide chart the eye would lose the line.
        longest = max(16, *(width_of(curve.name) for curve in listed[:rows])) + 20 * (more > 0)
        lines = []
        for y, curve in enumerate(listed[:rows]):
            rest = f"  and {more} more, key {self._key_of('describe')}" if more > 0 and y == rows - 1 else ""
            figures = self._figures(curve) if width >= FIGURES + 16 else self._now(curve)
            room = min(width - 5 - len(figures), longest)
            made = style(colour=curve.colour, dim=not self.true)
            look = style(Look.DIM if not self.true else Look.PLAIN)
            name = fit(curve.name, min(width_of(curve.name), room - len(rest))) + rest
            lines.append([(f" {curve.letter} ", made), (fit(name, room), look), (f" {figures} ", look)])
        return lines

    def _now(self, curve: Curve) -> str:
        value = self.value
        moved = self.cursor is not None and value is not None and value.start <= self.cursor <= value.end
        step = 0.0 if value is None else value.step
        told = curve.at(self.cursor, step) if moved and self.cursor is not None else curve.last
        return f"{'  at' if moved else 'last'} {self._number(told):>8}"

    def _figures(self, curve: Curve) -> str:
        low, high = self._number(curve.low), self._number(curve.high)
        return f"{self._now(curve)}  min {low:>8}  max {high:>8}"

    def _number(self, value: float | None) -> str:
        return quantity(value, self.panel.unit if self.panel.unit in IN_WORDS else "")

    def on_click(self, event: events.Click) -> None:
        event.stop()
        moment = None
        plot = self._plot
        if plot is not None and 0 < event.y <= plot.rows and event.x >= plot.margin:
            share = (event.x - plot.margin) / max(1, plot.columns - 1)
            moment = plot.chart.start + min(1.0, share) * (plot.chart.end - plot.chart.start)
        self.post_message(self.Touched(self, moment, twice=event.chain == 2))

    @property
    def cell_seconds(self) -> float | None:
        """How much time a cell stands for; None before there is a plot."""
        plot = self._plot
        return None if plot is None else (plot.chart.end - plot.chart.start) / max(1, plot.columns - 1)
