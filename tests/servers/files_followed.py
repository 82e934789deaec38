"""A files source under test, and what was collected from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from backends.api.logs import LogBatch
from backends.logs.files import Files, FilesSettings


@asynccontextmanager
async def source(*paths: Path) -> AsyncIterator[Files]:
    files = Files("app", FilesSettings(paths=tuple(map(str, paths))))
    try:
        yield files
    finally:
        await files.close()


class Collected:
    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.notes: list[str] = []
        self.last: LogBatch | None = None

    def take(self, batch: LogBatch) -> None:
        for block in batch.blocks:
            self.lines += block.lines()
        self.notes += batch.notes
        self.last = batch


async def collect(files: Files, into: Collected, until: Callable[[], bool]) -> None:
    """Follow on from what was collected last, until the condition holds and one look has found nothing new."""
    async with asyncio.timeout(40), aclosing(files.logs(into.last)) as seens:
        async for seen in seens:
            into.take(seen.value)
            if until() and seen.changed is not None and not seen.changed:
                return
