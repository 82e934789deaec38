"""Pulse: whether we ourselves stood still, stopped by a signal or by a host that was too busy."""

from __future__ import annotations

from collections.abc import Callable

from backends.api.clock import Clock, Timer

BEAT = 1.0
"""Seconds from one beat to the next."""
STILL = 3.0
"""Seconds without a beat from which on nobody has watched."""


class Pulse:
    """Calls `stood_still` with the seconds for which we did; from `begin` to `end`."""

    def __init__(self, clock: Clock, stood_still: Callable[[float], None]) -> None:
        self._clock, self._stood_still = clock, stood_still
        self._last = 0.0
        self._timer: Timer | None = None

    def begin(self) -> None:
        self._last = self._clock.monotonic()
        self._timer = self._clock.call_later(BEAT, self._beat)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def look(self) -> None:
        """Before what comes is believed: after a stop it comes before the next beat."""
        if self._timer is None:
            return
        before, self._last = self._last, self._clock.monotonic()
        if self._last - before >= STILL:
            self._stood_still(self._last - before)

    def _beat(self) -> None:
        self._timer = self._clock.call_later(BEAT, self._beat)
        self.look()
