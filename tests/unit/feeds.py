"""A feed under test: its source does what the test says, and what its viewer is told is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from backends.api.events import Event
from backends.api.feed import Feed, Source
from backends.api.pace import Backoff, Pace
from backends.api.readings import Reading, Seen, State
from tests.clock import FakeClock

PACE = Pace(first=10, quiet=5, linger=10)


class Script:
    """A source that does what the test tells it, attempt by attempt."""

    def __init__(self) -> None:
        self.starts: list[Any] = []
        self._orders: asyncio.Queue[Any] = asyncio.Queue()

    def say(self, value: Any, changed: frozenset[str] | None = None, *news: Event) -> None:
        self._orders.put_nowait(Seen(value, changed, news))

    def fail(self, error: BaseException) -> None:
        self._orders.put_nowait(error)

    def end(self) -> None:
        self._orders.put_nowait(None)

    async def __call__(self, last: Any) -> AsyncGenerator[Seen[Any], None]:
        self.starts.append(last)
        while True:
            order = await self._orders.get()
            if order is None:
                return
            if isinstance(order, BaseException):
                raise order
            yield order


class Watched:
    """A feed with one viewer and everything that it was told."""

    def __init__(self, source: Source[Any], clock: FakeClock, pace: Pace = PACE) -> None:
        self.feed: Feed[Any, Any] = Feed("lab/x things", source, pace=pace, clock=clock, backoff=steady())
        self.told: list[Reading[Any]] = []
        self.news: list[Any] = []
        self.feed.on_news(self.news.extend)
        self.leave = self.feed.watch(lambda new, before: self.told.append(new))

    def state(self) -> State:
        return self.feed.reading.state


def steady() -> Backoff:
    return Backoff(jitter=lambda: 0.0)
