"""Charts: what a metrics server says of one expression over a span of time, kept up to date by one feed each.

The expression of a chart is fixed, its span may be replaced at any time: the value that is there stays, with its
own bounds, until the new one is, and a request that runs for the old span is cancelled. Points lie on multiples
of the step, so that a refresh needs to fetch the tail only.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from zlib import crc32

from msgspec import Struct

from backends.api.capabilities import Metrics
from backends.api.clock import Clock
from backends.api.errors import BackendError
from backends.api.feed import Feed
from backends.api.metrics import Series
from backends.api.pace import Pace
from backends.api.readings import Seen

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
POINTS = 240
"""At most so many points a series: about two for each cell of a wide chart; a server's limit is 11,000."""
MOST_SERIES = 50
"""Series that are kept of one answer; how many more there were is counted."""
OVERLAP = 2
"""Steps that a refresh fetches again: the newest points may still have been on their way to the server."""
OFTEN, SELDOM = 2.0, 10.0
"""Seconds between two refreshes: a step, within these. A longer step still wants its server's proof of life."""
RESTED = 4
"""A server has so many times as long to rest as a question kept it busy, as far as its feed may be quiet."""
PATIENT = 60.0
"""Seconds that a question which a person typed may take; the same person ends it with esc."""
PANEL_PACE = Pace(first=10, quiet=1.5 * SELDOM + 6)
QUESTION_PACE = Pace(first=PATIENT + 1, quiet=2.5 * PATIENT + 6)


class Panel(Struct, frozen=True):
    """What a chart shows and how: `unit` as in `widgets.quantities.quantity`; `threshold` is the value from which
    on it is a problem; `low` and `high` fix the ends of the value axis."""

    title: str
    query: str
    unit: str = ""
    threshold: float | None = None
    low: float | None = None
    high: float | None = None


class Span(Struct, frozen=True):
    """Which part of time a chart shows: `seconds` long, until `end` (unix seconds; None: now, and going on)."""

    seconds: float
    end: float | None = None

    @property
    def step(self) -> int:
        return next((step for step in STEPS if step * POINTS >= self.seconds), STEPS[-1])

    def bounds(self, now: float) -> tuple[float, float]:
        """The first and the last moment of a point, both multiples of the step. `now` is unix seconds."""
        step = self.step
        end = math.floor((now if self.end is None else self.end) / step) * step
        return float(end - round(self.seconds / step) * step), float(end)


class Chart(Struct, frozen=True):
    """What the server answered: series with points each `step` seconds from `start` to `end` (unix seconds).

    `left_out` series were in the answer and are not kept. `span` is what was asked for.
    """

    span: Span
    start: float
    end: float
    step: float
    series: tuple[Series, ...]
    left_out: int = 0


class ChartSource:
    """One chart's feed, and what it is to show. A `question` was typed by somebody who waits for the answer."""

    def __init__(
        self,
        name: str,
        metrics: Metrics,
        expression: str,
        span: Span,
        clock: Clock,
        *,
        question: bool = False,
        turn: asyncio.Event | None = None,
    ) -> None:
        """`turn` is its feed's."""
        self.expression = expression
        self.span = span
        self.feed: Feed[Chart, Chart] = Feed(
            name, self._charts, pace=QUESTION_PACE if question else PANEL_PACE, clock=clock, turn=turn
        )
        self._metrics, self._clock = metrics, clock
        self._patience = PATIENT if question else None
        self._longest = PATIENT if question else SELDOM
        self._phase = crc32(name.encode()) / 2**32
        self._wake = asyncio.Event()
        self._pausing = False
        self._whole = False

    def show(self, span: Span) -> None:
        """Another part of time from now on."""
        if span != self.span:
            self.span = span
            self._wake.set()
            self.feed.retry_now()

    def again(self) -> None:
        """Fetch all of it anew, now: the server's past may have been filled in."""
        self._whole = True
        self._wake.set()

    def doubt(self, error: BackendError) -> None:
        """Another feed has found that the server is not well: say so, and look for oneself."""
        self.feed.doubt(error)
        self.hurry()

    def hurry(self) -> None:
        """Ask now, where nothing is being asked."""
        self.feed.retry_now()
        if self._pausing:
            self._wake.set()

    async def _charts(self, last: Chart | None) -> AsyncGenerator[Seen[Chart], None]:
        while True:
            self._wake.clear()
            began = self._clock.monotonic()
            chart = await self._fetch(last)
            if chart is None:
                continue
            yield Seen(chart, frozenset() if chart == last else None)
            last = chart
            took = self._clock.monotonic() - began
            await self._pause(self._until_next(max(chart.step, OFTEN), took))

    def _until_next(self, interval: float, took: float) -> float:
        """Seconds until the next refresh. Charts that came together take turns: each has a phase of its own, so
        that a page of them is neither one burst for the server nor one for the screen."""
        interval = max(min(interval, SELDOM), min(RESTED * took, self._longest))
        soonest = self._clock.monotonic() + interval / 2
        return interval / 2 + (self._phase * interval - soonest) % interval

    async def _fetch(self, last: Chart | None) -> Chart | None:
        """The chart as it is now; None where another span was asked for meanwhile."""
        span, step = self.span, float(self.span.step)
        start, end = span.bounds(self._clock.now().timestamp())
        since = start
        if last is not None and not self._whole and _goes_on(last, start, end, step):
            since = max(start, last.end - OVERLAP * step)
        series = await self._ask(since, end, step)
        if series is None:
            return None
        self._whole = False
        if last is not None and since > start:
            return _merged(last, series, since, Chart(span, start, end, step, ()))
        kept = tuple(one for one in series[:MOST_SERIES] if one.points)
        return Chart(span, start, end, step, kept, max(0, len(series) - MOST_SERIES))

    async def _ask(self, start: float, end: float, step: float) -> tuple[Series, ...] | None:
        request = asyncio.ensure_future(
            self._metrics.query_range(self.expression, start, end, step, patience=self._patience)
        )
        replaced = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((request, replaced), return_when=asyncio.FIRST_COMPLETED)
            return request.result() if request.done() else None
        finally:
            request.cancel()
            replaced.cancel()
            await asyncio.gather(request, replaced, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        timer = self._clock.call_later(seconds, self._wake.set)
        self._pausing = True
        try:
            await self._wake.wait()
        finally:
            self._pausing = False
            timer.cancel()


def _goes_on(last: Chart, start: float, end: float, step: float) -> bool:
    """Whether a chart's points are the beginning of another."""
    return last.step == step and last.start <= start <= last.end <= end


def _merged(last: Chart, tail: Sequence[Series], since: float, frame: Chart) -> Chart:
    """The points of `last` before `since`, then those of `tail`, within the bounds of `frame`."""
    fresh = {_name(one): one for one in tail}
    series = []
    for old in last.series:
        new = fresh.pop(_name(old), None)
        points = tuple(point for point in old.points if frame.start <= point[0] < since)
        points += () if new is None else new.points
        if points:
            series.append(old if points == old.points else Series(old.labels, points))
    came = list(fresh.values())
    # Of a series that was left out, the tail alone would look as if it had just begun.
    room = 0 if last.left_out else MOST_SERIES - len(series)
    series += came[:room]
    return Chart(frame.span, frame.start, frame.end, frame.step, tuple(series), max(0, len(came) - max(0, room)))


def _name(series: Series) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(series.labels.items()))
