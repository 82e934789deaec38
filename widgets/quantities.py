"""Numbers as people read them: three digits, a unit, a fixed width."""

from __future__ import annotations

import math
import re
from datetime import datetime

UNKNOWN = "–"
"""Stands for None everywhere: unknown is never shown as zero."""

_SIZES = ("B", "K", "M", "G", "T", "P")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SPANS = ((60.0, "s"), (60.0, "m"), (24.0, "h"), (365.0, "d"))


def size(count: int | None) -> str:
    """Bytes, by 1024, in three digits: `17 B`, `9.8 M`, `212 M`."""
    if count is None:
        return UNKNOWN
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_SIZES) - 1:
        value, unit = value / 1024, unit + 1
    return f"{three(value) if unit else int(value)} {_SIZES[unit]}"


def three(value: float) -> str:
    """Three digits: 9.87, 98.7, 987."""
    if value < 9.995:
        return f"{value:.2f}" if value % 1 else f"{value:.0f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def quantity(value: float | None, unit: str = "") -> str:
    """A value of a chart in three digits with its unit: `bytes`, `seconds`, `percent` (0 to 100), `ratio` (0 to
    1, shown as percent), else a number with what it counts: `1.21 k req/s`."""
    if value is None:
        return UNKNOWN
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, value = ("-" if value < 0 else ""), abs(value)
    if unit == "bytes":
        return sign + size(round(value))
    if unit == "seconds":
        return sign + _seconds(value)
    if unit in ("percent", "ratio"):
        return f"{sign}{_digits(value * 100 if unit == 'ratio' else value)} %"
    return f"{sign}{_by_thousands(value)} {unit}".rstrip()


def _by_thousands(value: float) -> str:
    for sign in ("", " k", " M", " G", " T"):
        if value < 999.5 or sign == " T":
            return f"{_digits(value)}{sign}"
        value /= 1000
    raise AssertionError("unreachable")


def _seconds(value: float) -> str:
    if value == 0:
        return "0 s"
    for most, factor, unit in ((1e-3, 1e6, "µs"), (0.9995, 1e3, "ms"), (120, 1, "s"), (7200, 1 / 60, "min")):
        if value < most:
            return f"{_digits(value * factor)} {unit}"
    return f"{_digits(value / 3600)} h" if value < 172_800 else f"{_digits(value / 86_400)} d"


def _digits(value: float) -> str:
    return f"{value:.3g}" if value < 0.9995 else three(value)


def percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"


def age(seconds: float | None) -> str:
    """A span in its largest unit: `9s`, `4m`, `3h`, `12d`; changes as rarely as it can."""
    if seconds is None:
        return UNKNOWN
    value = max(0.0, seconds)
    for most, unit in _SPANS:
        if value < most:
            return f"{int(value)}{unit}"
        value /= most
    return f"{int(value)}y"


def span_text(seconds: float) -> str:
    """A span exactly, as it is typed: `90s`, `15m`, `1h30m`, `2d`."""
    left, text = round(seconds), ""
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if left >= length:
            text += f"{left // length}{unit}"
            left %= length
    return text or "0s"


def since(moment: datetime | None, now: datetime) -> str:
    return UNKNOWN if moment is None else age((now - moment).total_seconds())


def milliseconds(value: float | None) -> str:
    """Round trips: below ten milliseconds to a whole one, since on a quiet link nothing below it is news."""
    if value is None:
        return UNKNOWN
    if value < 1:
        return "<1 ms"
    return f"{value:.0f} ms" if value < 999.5 else f"{value / 1000:.1f} s"


def count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}".replace(",", " ")


def duration(text: str) -> float:
    """Seconds of a span as people write it: `90s`, `15m`, `1h30m`, `2d`. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"{text!r} is no duration")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
