"""The title of the Metrics screen: which time, what the cursor is on, and how true all of it is."""

from __future__ import annotations

from collections.abc import Sequence

from backends.api.errors import Misconfigured
from tui.screens.chartgrid import ChartGrid
from tui.screens.timeframe import TimeFrame
from widgets.columns import STANDINGS, Look
from widgets.freshness import worst
from widgets.oneline import Part
from widgets.plot import Mark
from widgets.safe import style
from widgets.scales import exact_time
from widgets.units import span_text


def time_parts(frame: TimeFrame, marks: Sequence[Mark], near: float, filter_text: str) -> list[Part]:
    """The span, the filter, the cursor, and the events within `near` seconds of it."""
    warn = style(Look.WARN)
    until = "now" if frame.span.end is None else exact_time(frame.span.end)
    made = style() if frame.span.end is None else warn
    parts: list[Part] = [(f"  {span_text(frame.span.seconds)} → {until}", made)]
    if filter_text:
        parts.append((f"  filter {filter_text}", warn))
    if frame.cursor is not None:
        parts.append((f"  at {exact_time(frame.cursor)}", style(Look.STRONG)))
        found = [mark for mark in marks if abs(mark.at - frame.cursor) <= near]
        parts += [(f"  {mark.glyph} {mark.text}", style(mark.look)) for mark in found[-2:]]
    return parts


def standing(grid: ChartGrid) -> tuple[str, Look]:
    """The worst of the charts in sight, and how many more there are."""
    shown = grid.shown
    more = f"{grid.beyond} more: j  " if grid.beyond else ""
    if any(chart.waiting for chart in shown):
        return f"{more}LOADING", Look.DIM
    readings = [chart.reading for chart in shown if chart.reading is not None and not chart.ended]
    reading = worst(readings)
    if reading is None:
        return more.strip(), Look.DIM
    if isinstance(reading.error, Misconfigured):
        return f"{more}WRONG QUERY", Look.BAD
    alike = sum(other.state is reading.state for other in readings)
    share = "" if alike == len(readings) else f" {alike} of {len(readings)}"
    return f"{more}{reading.state.value.upper()}{share}", STANDINGS[reading.state].look
