"""The title of the Metrics screen: which time, what the cursor is on, and how true all of it is."""

from __future__ import annotations

from collections.abc import Sequence

from backends.api.readings import worst
from tui.commands import METRICS, key_of
from tui.screens.metrics.chart_grid import ChartGrid
from tui.screens.metrics.time_frame import TimeFrame
from widgets.charts.plot import Mark
from widgets.charts.scales import exact_time
from widgets.freshness import STANDINGS, word_of
from widgets.look import Look
from widgets.one_line import Part
from widgets.quantities import span_text
from widgets.safe import style


def time_parts(frame: TimeFrame, marks: Sequence[Mark], near: float, now: float) -> list[Part]:
    """The span and how fine its points are, the cursor, and the events within `near` seconds of it. `now` is unix
    seconds."""
    warn, span = style(Look.WARN), frame.span
    until = "now" if span.end is None else exact_time(span.end, now)
    made = style() if span.end is None else warn
    parts: list[Part] = [(f"  {span_text(span.seconds)} → {until}", made)]
    if frame.cursor is not None:
        parts.append((f"  at {exact_time(frame.cursor, now)}", style(Look.STRONG)))
        found = [mark for mark in marks if abs(mark.at - frame.cursor) <= near]
        parts += [(f"  {mark.glyph} {mark.text}", style(mark.look)) for mark in found[-2:]]
    # Nothing that is shorter is sure to be seen, a lowest or highest value neither. The first to go without room.
    return [*parts, (f"  {span_text(span.step)} a point", style(Look.DIM))]


def beyond(grid: ChartGrid) -> Part:
    """How many charts there are below those in sight."""
    return (f"  {grid.beyond} more: {key_of('move 1', METRICS)}" if grid.beyond else "", style(Look.DIM))


def standing(grid: ChartGrid) -> tuple[str, Look]:
    """The worst of the charts in sight."""
    shown = grid.shown
    if any(chart.waiting for chart in shown):
        return "LOADING", Look.DIM
    readings = [chart.reading for chart in shown if chart.reading is not None and not chart.ended]
    reading = worst(readings)
    if reading is None:
        return "", Look.DIM
    alike = sum(other.state is reading.state for other in readings)
    share = "" if alike == len(readings) else f" {alike} of {len(readings)}"
    return f"{word_of(reading).upper()}{share}", STANDINGS[reading.state]
