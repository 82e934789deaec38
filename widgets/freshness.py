"""How true a view is, in words: the right end of its title, and what the masthead says of all sources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backends.api.errors import Misconfigured
from backends.api.readings import ILL, Reading, State, worst
from widgets.columns import STANDINGS, Look
from widgets.quantities import age

AGE_FROM = 5.0
"""Seconds after which even a live reading says its age: longer than sources pause between two looks."""
NO_SOURCE = "NO SOURCE", Look.WARN


def word_of(reading: Reading[Any]) -> str:
    """How it is; what our own settings or a query did wrong has a word of its own, for nothing else will help."""
    return reading.error.word if isinstance(reading.error, Misconfigured) else reading.state.value


def standing_of(readings: Iterable[Reading[Any]], now: float) -> tuple[str, Look]:
    """One line for a view with these readings, and what it means. `now` is monotonic."""
    all_of = list(readings)
    reading = worst(all_of)
    if reading is None:
        return NO_SOURCE
    alike = sum(1 for other in all_of if other.state is reading.state)
    share = f" {alike} of {len(all_of)}" if 1 <= alike < len(all_of) else ""
    text = reading.state.value.upper() + share
    old = None if reading.at is None else now - reading.at
    look = STANDINGS[reading.state]
    if reading.state is State.LIVE:
        return (text if old is None or old < AGE_FROM else f"{text} {age(old)}"), look
    if reading.state not in ILL:
        return text, look
    if old is not None:
        text += f" {age(old)}"
    if reading.error is not None:
        text += f"  {reading.error.reason}"
    if reading.abandoned:
        text += f", {reading.abandoned} attempt{'' if reading.abandoned == 1 else 's'} stuck"
    if reading.next_try is not None:
        text += f", again in {max(1, round(reading.next_try - now))} s"
    elif reading.state is State.UNREACHABLE:
        text += ", trying now"
    return text, look
