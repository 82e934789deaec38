"""Vital signs: the charts that matter most, those of the first page, as numbers and sparklines of Overview."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping

from backends.api.charts import Chart, Panel, Span
from backends.api.readings import FeedKey, Reading, State
from backends.watch import Watch
from tui.bridge import Bridge
from tui.screens.metrics.chart_grid import Sheet
from tui.screens.metrics.dashboards import Dashboards, Work
from widgets.board import Entry
from widgets.charts.sparkline import sparkline
from widgets.look import Look
from widgets.one_line import Part
from widgets.quantities import quantity
from widgets.safe import fit, style

SPAN = Span(1800)
SIGNALS_MOST = 4
"""Signals that are asked for."""
CELL = 39
"""Cells that one wants at least: its name, its value and its curve."""
NAME, VALUE, SAID, CURVE = 12, 13, 10, 6
"""Cells of a name, which has half of what is more than `CELL`, of a value, of how several became one, and of a
curve at least."""
SHARES = ("seconds", "percent", "ratio")
"""Units of what does not add up."""
GROUPING = r"(?:(?:by|without)\s*\([^()]*\)\s*)?"
SUMS, AFTER = re.compile(rf"(?:sum|count)\s*{GROUPING}\(", re.I), re.compile(rf"\s*{GROUPING}", re.I)
"""How a query that is a sum begins, and what may come after it."""


class Vitals:
    """Made for one context; sets nothing in motion before `attach`."""

    def __init__(self, watching: Watch, dashboards: Dashboards, changed: Callable[[], None]) -> None:
        self._watching, self._dashboards, self._changed = watching, dashboards, changed
        self._bridge: Bridge | None = None
        self._shown: Sheet | None = None
        self._panels: dict[FeedKey, Panel] = {}
        self._readings: Mapping[FeedKey, Reading[Chart]] = {}
        self._made: tuple[tuple[int, int], list[tuple[str, Entry]]] | None = None
        """The entries of these readings, by width and lines: charts change seldom, and all else does not."""

    @property
    def readings(self) -> Mapping[FeedKey, Reading[Chart]]:
        """Set by the bridge."""
        return self._readings

    @readings.setter
    def readings(self, readings: Mapping[FeedKey, Reading[Chart]]) -> None:
        self._readings, self._made = readings, None
        self._changed()

    def attach(self, bridge: Bridge, work: Work) -> None:
        """Look at the signals, or find out which there are; called until they are known."""
        self._dashboards.look(work, self._watch)
        self._bridge = bridge
        self._watch()

    def detach(self) -> None:
        if self._bridge is not None:
            self._bridge.detach(self)
            self._bridge = self._shown = None

    def _watch(self) -> None:
        sheet, bridge = self.sheet, self._bridge
        if sheet is None or bridge is None or sheet == self._shown:
            return
        self._shown = sheet
        feeds = {}
        for panel in sheet.panels:
            made = self._watching.charts.show(sheet.source, "overview", panel.query, SPAN)
            if made is not None:
                self._panels[made[0]] = panel
                feeds[made[0]] = made[1].feed
        bridge.attach_feeds(self, feeds)

    @property
    def sheet(self) -> Sheet | None:
        """The same as charts, where there is room for them."""
        pages = self._dashboards.pages
        source = self._dashboards.source(pages[0].source) if pages else None
        return None if source is None else Sheet(pages[0].panels[:SIGNALS_MOST], source)

    def entries(self, width: int, lines: int) -> list[tuple[str, Entry]]:
        """At most `lines` lines of signals side by side, each with the title of its first panel."""
        if self._made is None or self._made[0] != (width, lines):
            self._made = ((width, lines), self._entries(width, lines))
        return self._made[1]

    def _entries(self, width: int, lines: int) -> list[tuple[str, Entry]]:
        beside = min(width // CELL, len(self._readings))
        if not beside:
            return []
        known = [(self._panels[key], reading) for key, reading in self._readings.items()][: beside * lines]
        room = width // beside - 1
        found = []
        for first in range(0, len(known), beside):
            cells = known[first : first + beside]
            parts = tuple(part for panel, reading in cells for part in _signal(panel, reading, room))
            found.append((cells[0][0].title, Entry(f"signal {cells[0][0].title}", parts)))
        return found


def _signal(panel: Panel, reading: Reading[Chart], width: int) -> tuple[Part, ...]:
    chart, live = reading.value, reading.state is State.LIVE
    points = () if chart is None else _one_of(panel, chart)
    last = points[-1][1] if chart is not None and points and points[-1][0] >= chart.end - 2 * chart.step else None
    over = live and last is not None and panel.threshold is not None and last >= panel.threshold
    look = Look.BAD if over else Look.PLAIN if live else Look.DIM
    mark = "▲ " if over else ""
    over_what = "" if chart is None or len(chart.series) < 2 else f"{joined_by(panel)[0]} of {len(chart.series)}"
    wide = NAME + max(0, width - CELL) // 2
    name: Part = (f"{fit(panel.title, wide)} ", style(Look.DIM))
    room = max(0, width - wide - VALUE - 4)
    if chart is None or not live:
        word = reading.state.value if reading.error is None else reading.error.word
        return name, (fit(word, width - wide), style(Look.DIM if reading.error is None else Look.WARN))
    # Said where it leaves room for a curve; the heading says it of all.
    said = f"{over_what:<{SAID}}" if room >= SAID + CURVE else ""
    curve = sparkline(points, chart.start, chart.end, room - len(said))
    value: Part = (f"{mark + quantity(last, panel.unit):>{VALUE}}  ", style(look))
    return name, value, (said, style(Look.DIM)), (f"{curve}  ", style(look))


def joined_by(panel: Panel) -> tuple[str, Callable[[float, float], float]]:
    """How several series become one, and the word for it: what is counted adds up, of all else the highest is
    told. Counts are rates per second, and what a query has summed itself."""
    counts = panel.unit.endswith("/s") or (panel.unit not in SHARES and _is_sum(panel.query))
    return ("sum", operator.add) if counts else ("max", max)


def _is_sum(query: str) -> bool:
    """Whether all of a query is one sum or count."""
    found = SUMS.match(query.strip())
    if found is None:
        return False
    depth, rest = 1, query.strip()[found.end() :]
    for place, char in enumerate(rest):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return AFTER.fullmatch(rest[place + 1 :]) is not None
    return False


def _one_of(panel: Panel, chart: Chart) -> tuple[tuple[float, float], ...]:
    """Several series as one."""
    if len(chart.series) == 1:
        return chart.series[0].points
    together = joined_by(panel)[1]
    joined: dict[float, float] = {}
    for at, value in (point for one in chart.series for point in one.points):
        if math.isfinite(value):
            joined[at] = together(joined[at], value) if at in joined else value
    return tuple(sorted(joined.items()))
