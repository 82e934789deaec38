"""LookPauses: the pauses between two looks at the runs, which end at once when something is changed from here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from backends.api.runs import RunRows, RunState

IDLE, BUSY = 3.0, 0.2
"""Seconds between two looks: while none runs, which then is one that somebody else starts, and while one does."""


class LookPauses:
    """Of all who look at one deploy's runs. Belongs to one event loop."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def begin(self) -> Callable[[RunRows], Awaitable[None]]:
        """To be called before a look. The rest after it, given what was seen, is cut short by what was changed
        since now."""
        changed = self._changed

        async def rest(runs: RunRows) -> None:
            running = any(run.state is RunState.RUNNING for run in runs.values())
            with suppress(TimeoutError):
                async with asyncio.timeout(BUSY if running else IDLE):
                    await changed.wait()

        return rest

    def end(self) -> None:
        """Something was changed."""
        self._changed.set()
        self._changed = asyncio.Event()
