"""What supervisord's programs write, as one source of logs: each block's origin is its program.

Where supervisord runs on this host and its files may be read, the files themselves are followed: the whole
history is there, a rotation costs nothing, and a restart goes on at the byte. All else comes over the wire.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from backends.api.errors import Unsupported
from backends.api.logs import Beside, LogBatch, LogBlock, LogRecord, Sieve
from backends.api.readings import Seen
from backends.logs.paths import readable
from backends.processes.supervisord_programs import About, Info
from backends.processes.supervisord_rpc import STREAMS, Rpc
from backends.processes.supervisord_tails import Piece, Stream, Tail, follow, streams_of, window

if TYPE_CHECKING:
    from backends.logs.followed_files import FollowedFiles

LOOK = 2.0
"""Seconds between two looks at which programs there are."""
HOLDS = 10.0
"""Seconds for which how they are read is not thought over where nothing has changed."""
FILES = ""
"""The task of all files, among those of the logs over the wire, which go by their origin."""
WAITING = 64
"""Batches that wait to be taken; then their sources wait."""


class Cursor(Struct, frozen=True):
    """Where to go on: the files' own cursor, and how far each log over the wire was read, by origin."""

    files: object = None
    tails: Mapping[str, Tail] = field(default_factory=dict)


class Plan(Struct, frozen=True):
    """How each log of `streams` is read: `files` by path, the others over the wire; `notes` tell which are not
    read. `made`: seconds of the loop's clock."""

    streams: tuple[Stream, ...]
    files: dict[str, Stream]
    tails: tuple[Stream, ...]
    notes: tuple[str, ...]
    made: float


class Batch(Struct, frozen=True):
    """What came of the files."""

    batch: LogBatch


_Item = Batch | Piece | Exception

Ask = Callable[[], Awaitable[tuple[About, list[Info]]]]
"""Asks supervisord who it is and for its programs."""
AskPrograms = Callable[[], Awaitable[list[Info]]]


class ProgramLogs:
    """The logs of one supervisord."""

    def __init__(self, rpc: Rpc, ask: Ask, ask_programs: AskPrograms) -> None:
        self._rpc, self._ask, self._ask_programs = rpc, ask, ask_programs

    @cached_property
    def _files(self) -> FollowedFiles:
        # Here: the first frame does not wait for what reads its lines.
        from backends.logs.followed_files import FollowedFiles

        return FollowedFiles()

    async def follow(self, last: LogBatch | None) -> AsyncGenerator[Seen[LogBatch], None]:
        """From the tails on, or from the cursor. Raises `BackendError` as soon as supervisord does not answer:
        it writes the logs itself, so that nobody writes them then."""
        cursor = last.cursor if last is not None and isinstance(last.cursor, Cursor) else Cursor()
        run = _Run(self._rpc, self._files, cursor)
        lately: Plan | None = None
        try:
            while True:
                lately = plan = await self._plan(lately)
                notes = await run.change(plan)
                said = bool(notes)
                if notes:
                    yield Seen(LogBatch((), cursor, notes, len(plan.files)))
                async with aclosing(run.until(asyncio.get_running_loop().time() + LOOK)) as items:
                    async for item in items:
                        cursor, batch = _told(cursor, item, plan)
                        said = True
                        if batch.notes:
                            lately = None  # A file may have become one that can't be read.
                        yield Seen(batch)
                if not said:
                    yield Seen(LogBatch((), cursor, (), len(plan.files)), frozenset())
        finally:
            await run.close()

    async def history(self, sieve: Sieve | None = None) -> AsyncGenerator[LogBatch, None]:
        """Every record that can be had: of the files all of them, over the wire the last 1,024 bytes."""
        plan = await self._plan()
        cursor = Cursor()
        if plan.notes:
            yield LogBatch((), cursor, plan.notes, len(plan.files))
        for stream in plan.tails:
            piece = await window(self._rpc, stream)
            if piece is not None:
                cursor, batch = _told(cursor, piece, plan)
                yield batch
        if plan.files:
            async with aclosing(self._files.history(tuple(plan.files), sieve)) as batches:
                async for batch in batches:
                    cursor, batch = _told(cursor, Batch(batch), plan)
                    yield batch

    async def beside(
        self, place: Beside, sieve: Sieve | None, since: datetime | None, parse: Callable[[bytes, str], LogRecord]
    ) -> AsyncGenerator[LogBatch, None]:
        """What is beside a place in one program's log. Raises `Unsupported` for one that comes over the wire, of
        which supervisord gives the end only."""
        plan = await self._plan()
        path = next((path for path, stream in plan.files.items() if stream.origin == place.origin), None)
        if path is None:
            raise Unsupported("only its end can be read over the wire", where=place.origin)
        async with aclosing(self._files.beside(replace(place, origin=path), sieve, since, parse)) as batches:
            async for batch in batches:
                yield replace(batch, blocks=tuple(_named(block, plan) for block in batch.blocks))

    async def _plan(self, last: Plan | None = None) -> Plan:
        """The last one holds for a while where the same logs are there and all of them are files."""
        now = asyncio.get_running_loop().time()
        holds = last is not None and len(last.streams) == len(last.files) and now - last.made < HOLDS
        if last is not None and holds and tuple(streams_of(await self._ask_programs())) == last.streams:
            return last
        about, infos = await self._ask()
        streams = tuple(streams_of(infos))
        kinds = await self._files.run(lambda: [_kind(stream.path) for stream in streams]) if about.here else []
        files: dict[str, Stream] = {}
        tails: list[Stream] = []
        notes: list[str] = []
        for number, stream in enumerate(streams):
            kind = kinds[number] if kinds else "remote"
            if kind == "file":
                files.setdefault(stream.path, stream)
            elif kind == "odd":
                notes.append(f"{stream.origin}: {stream.path} is not a file and is not read")
            else:
                tails.append(stream)
        if len(tails) > STREAMS:
            notes.append(f"{len(tails)} logs are to be followed over the wire; {STREAMS} of them are")
        return Plan(streams, files, tuple(tails[:STREAMS]), tuple(notes), now)


def _kind(path: str) -> str:
    """Whether a log on this host can be read as a file. One that is not there yet will be: supervisord makes it
    at the program's start."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "file" if os.path.isdir(os.path.dirname(path)) else "remote"
    except OSError:
        return "remote"
    if not stat.S_ISREG(mode):
        return "odd"  # Asking supervisord for it would stop supervisord: it would wait in open().
    return "file" if readable(path) else "remote"


def _told(cursor: Cursor, item: Batch | Piece, plan: Plan) -> tuple[Cursor, LogBatch]:
    """What came, as the feed takes it, and how far everything is read with that."""
    if isinstance(item, Piece):
        tails = {**cursor.tails, item.stream.origin: item.tail}
        cursor = replace(cursor, tails=MappingProxyType(tails))
        return cursor, LogBatch(item.blocks, cursor, item.notes, len(plan.files))
    cursor = replace(cursor, files=item.batch.cursor)
    blocks = tuple(_named(block, plan) for block in item.batch.blocks)
    return cursor, LogBatch(blocks, cursor, item.batch.notes, len(plan.files), item.batch.troubles)


def _named(block: LogBlock, plan: Plan) -> LogBlock:
    stream = plan.files.get(block.origin)
    return block if stream is None else replace(block, origin=stream.origin)


class _Run:
    """The tasks of one attempt: one for all files, one for each log over the wire."""

    def __init__(self, rpc: Rpc, files: FollowedFiles, cursor: Cursor) -> None:
        self._rpc, self._files = rpc, files
        self._came: asyncio.Queue[_Item] = asyncio.Queue(WAITING)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._paths: tuple[str, ...] = ()
        self._said: frozenset[str] = frozenset()
        # Ahead of what is yielded by what waits in the queue, which is yielded first.
        self._files_at = cursor.files
        self._tails_at = dict(cursor.tails)

    async def change(self, plan: Plan) -> tuple[str, ...]:
        """Follow what the plan says from now on; returns what has not been said yet."""
        if tuple(plan.files) != self._paths:
            self._paths = tuple(plan.files)
            await self._end([FILES])
            if self._paths:
                self._tasks[FILES] = asyncio.create_task(self._follow_files())
        wanted = {stream.origin: stream for stream in plan.tails}
        await self._end([name for name in self._tasks if name != FILES and name not in wanted])
        for origin, stream in wanted.items():
            if origin not in self._tasks:
                self._tasks[origin] = asyncio.create_task(self._follow_tail(stream))
        fresh = tuple(note for note in plan.notes if note not in self._said)
        self._said |= set(fresh)
        return fresh

    async def until(self, deadline: float) -> AsyncGenerator[Batch | Piece, None]:
        """What comes before a moment of the loop's clock. Raises what ended one of the tasks."""
        try:
            while True:
                async with asyncio.timeout_at(deadline):
                    item = await self._came.get()
                if isinstance(item, Exception):
                    raise item
                yield item
        except TimeoutError:
            return

    async def close(self) -> None:
        await self._end(list(self._tasks))

    async def _end(self, names: list[str]) -> None:
        tasks = [task for name in names if (task := self._tasks.pop(name, None)) is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _follow_files(self) -> None:
        try:
            async with aclosing(self._files.follow(self._paths, self._files_at)) as seens:
                async for seen in seens:
                    if seen.changed is None:
                        await self._came.put(Batch(seen.value))
                        self._files_at = seen.value.cursor
        except Exception as error:  # Raised again where the items are taken.
            await self._came.put(error)

    async def _follow_tail(self, stream: Stream) -> None:
        try:
            async with aclosing(follow(self._rpc, stream, self._tails_at.get(stream.origin))) as pieces:
                async for piece in pieces:
                    await self._came.put(piece)
                    self._tails_at[stream.origin] = piece.tail
        except Exception as error:  # Raised again where the items are taken.
            await self._came.put(error)
