"""What the runs of a deploy print: as logs, whose origins are the runs, and of one run to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from backends.api.errors import NotFound
from backends.api.logs import Beside, LogBatch, LogBlock, LogRecord, Sieve
from backends.api.readings import Seen
from backends.api.runs import Run, RunRows, RunState
from backends.deploys.folder import OUTPUT, RunFolders
from backends.deploys.look_pauses import BUSY, LookPauses
from backends.deploys.output_files import Output, follow
from backends.file_errors import file_errors
from backends.threads import Threads

if TYPE_CHECKING:
    from backends.logs.followed_files import FollowedFiles
    from backends.logs.formats import Formats


class RunOutput:
    """One deploy's. `look` reads which runs there are. Raises `BackendError`."""

    def __init__(
        self,
        source: str,
        folders: RunFolders,
        threads: Threads,
        look: Callable[[], Awaitable[RunRows]],
        rests: LookPauses,
    ) -> None:
        self._source, self._folders, self._threads = source, folders, threads
        self._look, self._rests = look, rests

    async def logs(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        """The newest run's output, its end if that is long, and whatever runs after it. Origins are run ids."""
        cursor = None if last is None else last.cursor
        while True:
            rest = self._rests.begin()
            with file_errors():
                rows, batch = await self._threads.run(partial(self._follow, cursor))
            cursor = batch.cursor
            yield Seen(batch, None if batch.blocks or batch.notes else frozenset())
            if not batch.blocks:
                await rest(rows)

    def _follow(self, cursor: object) -> tuple[RunRows, LogBatch]:
        rows = self._folders.look()
        return rows, follow(self._folders, rows, cursor)

    async def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        rows = await self._look()
        if beside is not None:
            row = rows.get(beside.origin)
            if row is None:
                raise NotFound("no such run", where=beside.origin)
            async with aclosing(self._beside(beside, row, sieve, since)) as batches:
                async for batch in batches:
                    yield batch
            return
        ends: dict[str, int] = {}
        for name, row in rows.items():
            output = Output(self._folders[name] / OUTPUT, name)
            while (block := await self._next(output, row)) is not None:
                ends[name] = output.offset
                yield LogBatch((block,), MappingProxyType(dict(ends)), (), len(rows))
            ends[name] = output.offset
        yield LogBatch((), MappingProxyType(ends), (), len(rows))

    async def _beside(
        self, place: Beside, row: Run, sieve: Sieve | None, since: datetime | None
    ) -> AsyncGenerator[LogBatch, None]:
        there = replace(place, origin=str(self._folders[place.origin] / OUTPUT))
        ended = row.state is not RunState.RUNNING
        async with aclosing(self._files.beside(there, sieve, since, self.parse, ended=ended)) as batches:
            async for batch in batches:
                blocks = tuple(replace(block, origin=place.origin) for block in batch.blocks)
                yield replace(batch, blocks=blocks)

    async def output(self, run: str) -> AsyncGenerator[LogBatch, None]:
        output: Output | None = None
        while True:
            # The state first: what was written before the end is read after it.
            row = (await self._look()).get(run)
            if row is None:
                raise NotFound("no such run", where=run)
            output = output or Output(self._folders[run] / OUTPUT, run)
            while (block := await self._next(output, row)) is not None:
                yield LogBatch((block,), MappingProxyType({run: output.offset}))
            if row.state is not RunState.RUNNING:
                return
            await asyncio.sleep(BUSY)

    async def _next(self, output: Output, row: Run) -> LogBlock | None:
        with file_errors():
            return await self._threads.run(lambda: output.read(final=row.state is not RunState.RUNNING))

    @cached_property
    def _files(self) -> FollowedFiles:
        # Imported with the first look back.
        from backends.logs.followed_files import FollowedFiles

        return FollowedFiles()

    @cached_property
    def _formats(self) -> Formats:
        # Imported with the first line that is looked at.
        from backends.logs.formats import Formats

        return Formats(self._source)

    def parse(self, raw: bytes, origin: str) -> LogRecord:
        return self._formats.parse(raw, origin)
