"""A clock that the test owns: time passes only when the test says so."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


class FakeTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """Implements `backends.api.clock.Clock`."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.wrong = timedelta()
        """By how much the wall clock is wrong."""
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._count = itertools.count()

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 1000) + self.wrong

    def call_later(self, delay: float, callback: Callable[[], None], /) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (self.seconds + delay, next(self._count), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer, with the loop's turns in between."""
        await settle()
        end = self.seconds + seconds
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self.seconds = max(self.seconds, due)
            if timer.callback is not None:
                timer.callback()
                await settle()
        self.seconds = end
        await settle()


async def settle() -> None:
    """Let everything that is ready on the loop run."""
    for _ in range(30):
        await asyncio.sleep(0)
