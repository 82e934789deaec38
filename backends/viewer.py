"""Viewer: somebody who looks at feeds without a screen, and waits for what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from backends.api.feed import Feed
from backends.api.readings import State

CONSULTED_WITHIN = 2.0
"""Seconds for which somebody who is about to act waits for feeds that nobody looked at."""


class Viewer:
    """Looks at more and more feeds, until it is closed; as long as it does they run."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()
        self._leave: list[Callable[[], None]] = []

    def look(self, feeds: Iterable[Feed[Any, Any]]) -> None:
        self._leave += [feed.watch(lambda new, before: self._heard.set()) for feed in feeds]

    async def first_words(self, feeds: Iterable[Feed[Any, Any]], within: float) -> None:
        """Look at these from now on; wait until each has answered or failed once, at most `within` seconds."""
        feeds = tuple(feeds)
        self.look(feeds)
        try:
            async with asyncio.timeout(within):
                while any(feed.reading.state is State.LOADING for feed in feeds):
                    await self.change()
        except TimeoutError:
            pass

    async def change(self) -> None:
        """Wait until any of the feeds says something, from now on."""
        self._heard.clear()
        await self._heard.wait()

    def close(self) -> None:
        """Look away; it may look again."""
        left, self._leave = self._leave, []
        for leave in left:
            leave()
