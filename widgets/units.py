"""Numbers as people read them: three digits, a unit, a fixed width."""

from __future__ import annotations

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
