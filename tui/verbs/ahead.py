"""Batches of a source that are fetched while others are still printed, and a limit to its silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from backends.api.errors import Silent
from backends.api.logs import LogBatch


@asynccontextmanager
async def ahead(
    batches: AsyncGenerator[LogBatch, None], patience: float | None
) -> AsyncIterator[AsyncIterator[LogBatch]]:
    """The same batches, one of them ahead. Taking them raises what they raise, and `Silent` where for `patience`
    seconds none comes; None is for ever."""
    waiting: asyncio.Queue[LogBatch | Exception | None] = asyncio.Queue(1)

    async def fetch() -> None:
        end: Exception | None = None
        try:
            async with aclosing(batches):
                while (batch := await _next(batches, patience)) is not None:
                    await waiting.put(batch)
        except Exception as error:  # Raised again where the batches are taken.
            end = error
        await waiting.put(end)

    async def taken() -> AsyncIterator[LogBatch]:
        while (item := await waiting.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    task = asyncio.create_task(fetch())
    try:
        yield taken()
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _next(batches: AsyncGenerator[LogBatch, None], patience: float | None) -> LogBatch | None:
    try:
        async with asyncio.timeout(patience):
            return await anext(batches, None)
    except TimeoutError:
        raise Silent(f"no answer within {patience:g} s") from None
