"""TimeFrame: which part of time all charts of a screen show, and the one cursor over them."""

from __future__ import annotations

from backends.api.charts import Span

LADDER = (300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)
"""Seconds of the spans that zooming goes through."""
USUAL_SPAN = 1800.0
EDGE = 0.25
"""The share of the span by which a cursor that leaves it moves it on."""


class TimeFrame:
    """Moments are unix seconds. Whatever reaches the present goes on with it."""

    def __init__(self) -> None:
        self.span = Span(USUAL_SPAN)
        self.cursor: float | None = None

    def set_length(self, seconds: float, now: float) -> None:
        """Another length, around the cursor where it is in sight, else with the same end."""
        start, end = self.span.bounds(now)
        middle = self.cursor
        if middle is not None and start <= middle <= end:
            self._show(seconds, middle + seconds / 2, now)
        else:
            self._show(seconds, self.span.end, now)

    def zoom(self, steps: int, now: float) -> None:
        """In (1) or out (-1) along the ladder."""
        here = self.span.seconds
        if steps > 0:
            found = max((length for length in LADDER if length < here), default=here)
        else:
            found = min((length for length in LADDER if length > here), default=here)
        self.set_length(found, now)

    def pan(self, share: float, now: float) -> None:
        """Later by so much of the span; earlier where it is negative."""
        _, end = self.span.bounds(now)
        self._show(self.span.seconds, end + share * self.span.seconds, now)

    def live(self) -> None:
        self.span = Span(self.span.seconds)
        self.cursor = None

    def move(self, cells: int, cell_seconds: float, now: float) -> None:
        """The cursor by so many cells, at least one point each."""
        step = self.span.step
        start, end = self.span.bounds(now)
        if self.cursor is None:
            self.cursor = end
            if cells > 0:
                return
        stride = max(1, round(cell_seconds / step)) * step
        moment = min(max(self.cursor, start), end) + cells * stride
        if moment < start or (moment > end and self.span.end is not None):
            self.pan(EDGE if moment > end else -EDGE, now)
            start, end = self.span.bounds(now)
        self.place(min(max(moment, start), end))

    def place(self, moment: float) -> None:
        """The cursor onto the point nearest to a moment."""
        self.cursor = float(round(moment / self.span.step) * self.span.step)

    def _show(self, seconds: float, end: float | None, now: float) -> None:
        self.span = Span(seconds, None if end is None or end >= now else end)
