"""Legend: the series of a chart by name, letter, colour and figures."""

from __future__ import annotations

import math
import string
from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct

from backends.api.metrics import Series
from backends.clean import clean

LETTERS = string.ascii_lowercase + string.ascii_uppercase
COLOURS = ("cyan", "magenta", "bright_blue", "", "bright_cyan", "bright_magenta")
"""None of red, yellow and green, which mean a state, nor the dark blue that nobody reads on black; "" is the
terminal's own. The letter says it too."""

Point = tuple[float, float]


class Curve(Struct, frozen=True):
    """One series as it is drawn. Figures are of the finite values; None where there is none."""

    letter: str
    colour: str
    name: str
    points: tuple[Point, ...]
    last: float | None
    low: float | None
    high: float | None

    def at(self, moment: float, step: float) -> float | None:
        """The value at a moment, None in a gap."""
        near = bisect_left(self.points, (moment - step / 2,))
        if near < len(self.points) and abs(self.points[near][0] - moment) <= step / 2:
            return self.points[near][1]
        return None


def curves(series: Sequence[Series], end: float, step: float) -> tuple[Curve, ...]:
    """Letters and colours go by the server's order, which stays. A series that ended before the chart does has
    no last value."""
    return tuple(
        _curve(number, name, one, end - 2 * step)
        for number, (name, one) in enumerate(zip(names(series), series, strict=True))
    )


def _curve(number: int, name: str, series: Series, since: float) -> Curve:
    finite = [value for _, value in series.points if math.isfinite(value)]
    newest = series.points[-1] if series.points else (0.0, math.nan)
    return Curve(
        LETTERS[number % len(LETTERS)],
        COLOURS[number % len(COLOURS)],
        name,
        series.points,
        newest[1] if newest[0] >= since else None,
        min(finite, default=None),
        max(finite, default=None),
    )


def names(series: Sequence[Series]) -> list[str]:
    """What tells each series from the others: the values of the labels in which they differ."""
    keys = sorted({key for one in series for key in one.labels})
    differ = [key for key in keys if len({one.labels.get(key) for one in series}) > 1]
    if len(series) == 1:
        differ = [key for key in keys if key != "__name__"]
    if len(differ) == 1:
        return [clean(one.labels.get(differ[0]) or f"no {differ[0]}") for one in series]
    return [
        clean(" ".join(f"{_bare(key)}{one.labels[key]}" for key in differ if key in one.labels)) for one in series
    ]


def _bare(key: str) -> str:
    return "" if key == "__name__" else f"{key}="
