"""The charts that a context shows: made when somebody first looks, told at once how their servers are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from backends.api.capabilities import Metrics
from backends.api.charts import Chart, ChartSource, Span
from backends.api.clock import Clock
from backends.api.feed import Feed
from backends.api.readings import FeedKey, Reading, State


class ContextCharts:
    """`answering` are the sources that answer queries; no chart asks one before `turn` is set."""

    def __init__(self, answering: Callable[[], Mapping[str, Metrics]], clock: Clock, turn: asyncio.Event) -> None:
        self._answering, self._clock, self._turn = answering, clock, turn
        self._charts: dict[FeedKey, ChartSource] = {}

    def show(
        self, source: str, place: str, expression: str, span: Span, *, question: bool = False
    ) -> tuple[FeedKey, ChartSource] | None:
        """The chart of an expression at a place that shows one ("overview"), made where there is none yet; it
        asks nothing until its feed is watched. None where the source answers no queries."""
        key = FeedKey(source, f"{place}: {expression}")
        chart = self._charts.get(key)
        metrics = self._answering().get(source)
        if chart is not None:
            chart.show(span)
        elif metrics is None:
            return None
        else:
            name = f"{source} {key.noun}"
            chart = ChartSource(name, metrics, expression, span, self._clock, question=question, turn=self._turn)
            self._charts[key] = chart
        return key, chart

    def feeds(self) -> dict[FeedKey, Feed[Chart, Chart]]:
        return {key: chart.feed for key, chart in self._charts.items()}

    def end(self, key: FeedKey) -> Feed[Chart, Chart] | None:
        """Forget a chart; whoever does closes its feed, and with it the request that runs."""
        chart = self._charts.pop(key, None)
        return None if chart is None else chart.feed

    def retry_now(self) -> None:
        for chart in self._charts.values():
            chart.feed.retry_now()
            chart.again()

    def hear(self, source: str, new: Reading[Any], before: Reading[Any]) -> None:
        """What another feed of a source says: charts ask so seldom that they would count as true for long after
        their server froze."""
        for key, chart in self._charts.items():
            if key.source != source:
                continue
            if before.state is State.LIVE and new.error is not None:
                chart.doubt(new.error)
            elif new.state is State.LIVE and chart.feed.reading.error is not None:
                chart.hurry()
