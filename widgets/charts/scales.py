"""Scales: the ends and the ticks of a chart's two axes, at values that people count by."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from widgets.quantities import quantity

NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
NICE_BYTES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
NICE_SECONDS = (60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0, 43_200.0, 86_400.0)
TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800)
DAY = 86_400
TINY = 1e-300
"""The smallest step; a float below it can't be divided by."""
NEAR = 0.8
"""A plain number that never falls below this share of its highest is drawn without the way down to zero."""
IN_WORDS = ("bytes", "seconds", "percent", "ratio")
"""Units that a tick carries itself; any other is said once, in the chart's title."""

Tick = tuple[float, str]


class Scale(Struct, frozen=True):
    """The value axis: its ends, and its ticks in rising order."""

    low: float
    high: float
    ticks: tuple[Tick, ...]


def value_scale(
    values: Iterable[float],
    *,
    unit: str = "",
    most: int = 5,
    low: float | None = None,
    high: float | None = None,
    threshold: float | None = None,
) -> Scale:
    """A scale that holds all finite values, with at most `most` ticks. A threshold is in it once a value comes
    near. What is never negative begins at zero, so that noise does not look like a mountain."""
    finite = [value for value in values if math.isfinite(value)]
    least, greatest = (min(finite), max(finite)) if finite else (0.0, 0.0)
    if threshold is not None and greatest >= threshold / 4:
        greatest = max(greatest, threshold)
    near = not unit and least > NEAR * greatest and greatest > least
    if least >= 0 and not near:
        least = 0.0
    bottom = least if low is None else low
    top = greatest if high is None else high
    if top <= bottom:
        top = bottom + (abs(bottom) or 1.0)
    step = nice_step((top - bottom) / max(1, most - 1), unit)
    if low is None:
        bottom = math.floor(bottom / step + 1e-9) * step
    if high is None:
        top = max(math.ceil(top / step - 1e-9) * step, bottom + step)
    first, last = math.ceil(bottom / step - 1e-9), math.floor(top / step + 1e-9)
    ticks = tuple((number * step, tick_label(number * step, unit, step)) for number in range(first, last + 1))
    return Scale(bottom, top, ticks)


def nice_step(least: float, unit: str = "") -> float:
    """The smallest step that people count by and that is not below `least` (positive)."""
    if unit == "seconds" and least > 30:
        found = next((step for step in NICE_SECONDS if step >= least), None)
        return found or math.ceil(least / DAY) * float(DAY)
    base, nice = (1024.0, NICE_BYTES) if unit == "bytes" else (10.0, NICE)
    least = max(least, 1.0 if unit == "bytes" else TINY)
    power = base ** math.floor(math.log(least, base))
    return next((factor * power for factor in nice if factor * power >= least * (1 - 1e-9)), base * power)


def tick_label(value: float, unit: str, step: float) -> str:
    """As many digits as tell neighbours apart, and no zeros behind them."""
    if abs(value) < step / 1000:
        value = 0.0
    if unit in IN_WORDS:
        return _bare(quantity(value, unit))
    if abs(value) >= 1000 and step < abs(value) / 500:
        return _plain(value, step)
    return _bare(quantity(value))


def _plain(value: float, step: float) -> str:
    return f"{value:.{max(0, -math.floor(math.log10(step)))}f}"


def _bare(text: str) -> str:
    return re.sub(r"(\.\d*?)0+(?!\d)", r"\1", text).replace(". ", " ").removesuffix(".")


def time_ticks(start: float, end: float, most: int, now: float) -> tuple[Tick, ...]:
    """At most `most` moments (unix seconds) at round local times, each as people write it: with the date where it
    is not that of the tick before, nor today's at the first."""
    least = (end - start) / max(1, most)
    step = next((step for step in TIMES if step >= least), math.ceil(least / DAY) * DAY)
    day, ticks = _local(now).date(), []
    for moment in _round_moments(start, end, step):
        local = _local(moment)
        ticks.append((moment, _clock(local, step, dated=local.date() != day)))
        day = local.date()
    return tuple(ticks)


def _round_moments(start: float, end: float, step: int) -> Iterator[float]:
    offset = datetime.fromtimestamp(start).astimezone().utcoffset()
    shift = 0.0 if offset is None else offset.total_seconds()
    moment = math.ceil((start + shift) / step) * step - shift
    while moment <= end:
        yield moment
        moment += step


def _clock(local: datetime, step: int, *, dated: bool) -> str:
    if step >= DAY or (step >= 3600 and (local.hour, local.minute) == (0, 0)):
        return _date(local)
    text = local.strftime("%H:%M:%S" if step < 60 else "%H:%M")
    return f"{_date(local)} {text}" if dated else text


def exact_time(moment: float, now: float, *, seconds: bool = True) -> str:
    """Local time of day of a moment (unix seconds), with its date where that is not today's."""
    local = _local(moment)
    text = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    return text if local.date() == _local(now).date() else f"{_date(local)} {text}"


def _local(moment: float) -> datetime:
    return datetime.fromtimestamp(moment).astimezone()


def _date(local: datetime) -> str:
    return f"{local:%b} {local.day}"
