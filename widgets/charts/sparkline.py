"""Sparkline: a series in one line of text, in one colour."""

from __future__ import annotations

import math
from collections.abc import Iterable

from widgets.charts.canvas import has_braille

EIGHTHS = "▁▂▃▄▅▆▇█"
HALVES = "▄█"
"""Where the terminal's font has no eighths."""


def sparkline(
    points: Iterable[tuple[float, float]], start: float, end: float, width: int, *, eighths: bool | None = None
) -> str:
    """The highest value of each of `width` cells from `start` to `end`, drawn from zero (or from the least,
    where that is negative); a gap is a space."""
    steps = EIGHTHS if (has_braille() if eighths is None else eighths) else HALVES
    peaks: list[float | None] = [None] * max(0, width)
    for moment, value in points:
        if peaks and math.isfinite(value) and start <= moment <= end:
            cell = min(width - 1, int((moment - start) / ((end - start) or 1) * width))
            before = peaks[cell]
            peaks[cell] = value if before is None else max(before, value)
    known = [value for value in peaks if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    room = len(steps) - 1
    scale = room / (high - low) if high > low else 0.0
    return "".join(" " if value is None else steps[round((value - low) * scale)] for value in peaks)
