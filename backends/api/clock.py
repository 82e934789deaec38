"""Time as feeds know it, so that a test can own it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds that never jump; for ages and limits."""

    def now(self) -> datetime:
        """The wall clock in UTC; for people."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """Call back on the loop in `delay` seconds, unless cancelled."""


class LoopClock:
    """The real clock, on the running event loop."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        return asyncio.get_running_loop().call_later(delay, callback)
