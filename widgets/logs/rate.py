"""Rate: lines per second of a log view, of what happens while one looks."""

from __future__ import annotations

SPAN = 8.0
"""Seconds over which lines per second are counted."""
SURE = 5.0
"""Seconds of counting before which nothing is said of them."""


class Rate:
    """Counts from `begin` on. Times are monotonic seconds, but `since`: microseconds since 1970."""

    def __init__(self) -> None:
        self.since = 0
        """When one began to look: lines of before that are not counted."""
        self._began = float("inf")
        self._came: list[tuple[float, int]] = []
        self._told: tuple[float, float | None] = (float("-inf"), None)

    def begin(self, now: float, since: int) -> None:
        self._began, self.since = now, since
        self._came = []
        self._told = (float("-inf"), None)

    def take(self, now: float, lines: int) -> None:
        """Something came; so many lines of it count."""
        self._came = [(at, many) for at, many in self._came if now - at < SPAN]
        self._came.append((now, lines))

    def at(self, now: float) -> float | None:
        """Changes once a second, to be read. None before it can be said, and where lines come that are all of a
        time before one looked: those are being caught up with."""
        told, rate = self._told
        if now - told >= 1.0:
            spent = min(SPAN, now - self._began)
            late = [lines for when, lines in self._came if now - when < SPAN]
            rate = None if spent < SURE or (late and not any(late)) else sum(late) / spent
            self._told = (now, rate)
        return rate
