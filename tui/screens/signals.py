"""Signals: the charts that matter most, those of the first page, as numbers and sparklines in the overview."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from backends.api.charts import Chart, Panel, Span
from backends.api.models import Reading, State
from backends.watch import FeedKey, Watch
from tui.bridge import Bridge
from tui.screens.chartgrid import Sheet
from tui.screens.dashboards import Dashboards, Work
from widgets.board import Entry
from widgets.columns import Look
from widgets.oneline import Part
from widgets.safe import fit, style
from widgets.sparkline import sparkline
from widgets.units import quantity

SPAN = Span(1800)
MOST = 4
"""Signals that are asked for."""
CELL = 38
"""Cells that one wants at least: its name, its value and its curve."""
NAME, VALUE = 11, 13
"""Cells of a name, which has half of what is more than `CELL`, and of a value."""


class Signals:
    """Made for one context; sets nothing in motion before `attach`."""

    def __init__(self, watching: Watch, dashboards: Dashboards, changed: Callable[[], None]) -> None:
        self._watching, self._dashboards, self._changed = watching, dashboards, changed
        self._bridge: Bridge | None = None
        self._shown: Sheet | None = None
        self._panels: dict[FeedKey, Panel] = {}
        self._readings: Mapping[FeedKey, Reading[Chart]] = {}

    @property
    def readings(self) -> Mapping[FeedKey, Reading[Chart]]:
        """Set by the bridge."""
        return self._readings

    @readings.setter
    def readings(self, readings: Mapping[FeedKey, Reading[Chart]]) -> None:
        self._readings = readings
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
            made = self._watching.chart(sheet.source, "overview", panel.query, SPAN)
            if made is not None:
                self._panels[made[0]] = panel
                feeds[made[0]] = made[1].feed
        bridge.attach_feeds(self, feeds)

    @property
    def sheet(self) -> Sheet | None:
        """The same as charts, where there is room for them."""
        pages = self._dashboards.pages
        source = self._dashboards.source(pages[0].source) if pages else None
        return None if source is None else Sheet(pages[0].panels[:MOST], source)

    def entries(self, width: int, lines: int) -> list[tuple[str, Entry]]:
        """At most `lines` lines of signals side by side, each with the title of its first panel."""
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
    wide = NAME + max(0, width - CELL) // 2
    name: Part = (f"{fit(panel.title, wide)} ", style(Look.DIM))
    room = max(0, width - wide - VALUE - 4)
    if chart is None or not live:
        word = reading.state.value if reading.error is None else reading.error.word
        return name, (fit(word, width - wide), style(Look.DIM if reading.error is None else Look.WARN))
    curve = sparkline(points, chart.start, chart.end, room)
    return name, (f"{mark + quantity(last, panel.unit):>{VALUE}}  ", style(look)), (f"{curve}  ", style(look))


def _one_of(panel: Panel, chart: Chart) -> tuple[tuple[float, float], ...]:
    """Several series as one: what is counted per second adds up; of all else the highest is the worst."""
    if len(chart.series) == 1:
        return chart.series[0].points
    together = operator.add if panel.unit.endswith("/s") else max
    joined: dict[float, float] = {}
    for at, value in (point for one in chart.series for point in one.points):
        if math.isfinite(value):
            joined[at] = together(joined[at], value) if at in joined else value
    return tuple(sorted(joined.items()))
