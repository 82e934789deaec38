"""ChartGrid: as many charts as have room, each on its feed; which one is chosen, and whether it has it all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from textual.containers import Container
from textual.message import Message

from backends.api.charts import ChartSource, Panel, Span
from backends.api.feed import Feed
from backends.api.readings import FeedKey
from backends.watch import Watch
from tui.bridge import Bridge
from tui.commands import METRICS, key_of
from widgets.charts.chart import Chart
from widgets.charts.plot import Mark

TWO, THREE = 100, 160
"""Cells from which on two, and three, charts stand side by side."""
LOW, HIGH = 10, 17
"""Lines that a chart wants: in one column, and in several."""


class Sheet(Struct, frozen=True):
    """What a grid shows: panels, who answers them, and whether they are a question that somebody waits for."""

    panels: tuple[Panel, ...]
    source: str
    question: bool = False


class ChartGrid(Container):
    DEFAULT_CSS = "ChartGrid { layout: grid; height: 1fr; grid-gutter: 0 1; }"

    class Sized(Message):
        """There is another amount of room."""

    def __init__(self) -> None:
        super().__init__()
        self.charts: list[Chart] = []
        self.chosen = 0
        self.zoomed = False
        self._top = 0
        self._sheet = Sheet((), "")
        self._on: dict[Chart, FeedKey] = {}
        self._watching: Watch | None = None
        self._bridge: Bridge | None = None

    def on_resize(self) -> None:
        self.post_message(self.Sized())

    @property
    def shown(self) -> list[Chart]:
        return [chart for chart in self.charts if chart in self._on]

    @property
    def chart(self) -> Chart | None:
        """The chosen one."""
        return next((chart for chart in self.shown if chart.chosen), None)

    @property
    def beyond(self) -> int:
        """Panels that have no room now."""
        return 0 if self.zoomed else len(self._sheet.panels) - len(self._on)

    @property
    def shape(self) -> tuple[int, int]:
        """Columns and rows that have room, and no more than there are panels for."""
        width, height = self.size
        columns = 1 if width < TWO else 2 if width < THREE else 3
        rows = max(1, height // (LOW if columns == 1 else HIGH))
        count = 1 if self.zoomed else max(1, len(self._sheet.panels))
        columns = min(columns, count)
        rows = min(rows, -(-count // columns))
        # Four are two and two, not three and one.
        return min(columns, -(-count // rows)), rows

    def begin(self) -> None:
        """At the first panel, all of them in sight."""
        self.chosen = self._top = 0
        self.zoomed = False

    def choose(self, number: int) -> None:
        self.chosen = min(max(0, number), max(0, len(self._sheet.panels) - 1))

    def choose_chart(self, chart: Chart) -> None:
        if not self.zoomed:
            self.choose(self._top * self.shape[0] + self.shown.index(chart))

    def lay_out(self, watching: Watch, bridge: Bridge, sheet: Sheet, span: Span) -> None:
        """Give each panel in sight its chart, and each chart its feed."""
        self._watching, self._bridge, self._sheet = watching, bridge, sheet
        self.choose(self.chosen)
        if not self.size.height:
            return
        columns, rows = self.shape
        line = self.chosen // columns
        self._top = min(max(self._top, line - rows + 1), line)
        first = self.chosen if self.zoomed else self._top * columns
        sight = sheet.panels[first : first + columns * rows]
        self.styles.grid_size_columns, self.styles.grid_size_rows = columns, rows
        while len(self.charts) < len(sight):
            self.charts.append(Chart(lambda do: key_of(do, METRICS), clock=watching.clock))
            self.mount(self.charts[-1])
        for number, (chart, panel) in enumerate(zip(self.charts, sight, strict=False), first):
            chart.display = True
            chart.chosen = number == self.chosen
            chart.span = span
            self._feed(watching, bridge, chart, panel)
        for chart in self.charts[len(sight) :]:
            self._leave(chart)
            chart.display = False

    def overlay(
        self, span: Span, cursor: float | None, only: re.Pattern[str] | None, marks: Sequence[Mark]
    ) -> None:
        """What all charts have in common."""
        for chart in self.shown:
            if span != chart.span:
                chart.span = span
                if self._watching is not None and not chart.ended:
                    self._source(self._watching, chart, chart.panel)
            chart.cursor, chart.only, chart.marks = cursor, only, marks
            chart.flush()

    def leave(self) -> None:
        """Nobody looks any more."""
        for chart in self.charts:
            self._leave(chart)

    def end(self, why: str) -> list[Feed[Any, Any]]:
        """Let go of what is shown; gives the feeds, which are to be closed."""
        feeds = []
        for chart in self.shown:
            if self._bridge is not None and self._watching is not None:
                self._bridge.detach(chart)
                feeds.append(self._watching.charts.end(self._on[chart]))
            chart.ended = why
            chart.flush()
        return [feed for feed in feeds if feed is not None]

    def _source(self, watching: Watch, chart: Chart, panel: Panel) -> tuple[FeedKey, ChartSource] | None:
        sheet = self._sheet
        place = "query" if sheet.question else "page"
        return watching.charts.show(sheet.source, place, panel.query, chart.span, question=sheet.question)

    def _feed(self, watching: Watch, bridge: Bridge, chart: Chart, panel: Panel) -> None:
        made = self._source(watching, chart, panel)
        if made is None:
            return
        key, source = made
        if self._on.get(chart) != key or chart.panel != panel:
            self._on[chart] = key
            chart.clock = watching.clock
            chart.show(panel)
            bridge.attach_feeds(chart, {key: source.feed})

    def _leave(self, chart: Chart) -> None:
        if self._on.pop(chart, None) is not None and self._bridge is not None:
            self._bridge.detach(chart)
