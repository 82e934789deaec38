"""History: lines that are no longer in memory, or never were, read page by page from their sources.

Each file (each source, where its lines have an order of their own) is a stream of which a part is loaded. Of
several streams the one is read on that lags behind, and lines are shown as far as all of them are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from backends.api.errors import BackendError, TimedOut
from backends.api.log_errors import possible_errors
from backends.api.logs import Beside, LogBatch, LogBlock, Sieve, micros
from tui.screens.logs.progress import Progress
from widgets.logs.feeder import Feeder, LineReader
from widgets.logs.history_buffer import HistoryBuffer
from widgets.logs.search_pattern import Pattern

BYTES_AT_ONCE = 512 << 10
"""Bytes that are read at once."""
BYTES_MOST = 8 << 20
"""Bytes that are loaded of all streams."""
STREAMS = 100
"""Files that are read together."""
END = 1 << 62
"""Later than any time, in microseconds."""
SILENT = 5.0
"""Seconds that a source may say nothing, not even that it goes on."""
LINES_ASKED = 50
"""Lines at the end of a block that are asked for their time."""


@dataclass
class LoadedStream:
    """One origin of lines, or a whole source where `origin` is empty."""

    source: str
    origin: str
    reader: LineReader
    buffer: HistoryBuffer
    at: datetime
    ended: dict[bool, bool] = field(default_factory=lambda: {True: False, False: False})
    """Whether there is nothing more in a direction."""
    failed: dict[bool, bool] = field(default_factory=lambda: {True: False, False: False})
    """Whether it could not be read on in a direction; what is there is not known then."""
    head: bytes | None = None
    """What it began with when it was read from there on, where not all of that is loaded."""

    def goes_on(self, *, back: bool) -> bool:
        return not self.ended[back] and not self.failed[back]

    def beside(self, *, back: bool) -> Beside:
        return Beside(self.origin, self.buffer.edge(back=back), back)

    def reaches(self, *, back: bool) -> int:
        """The time up to which its lines are here, in microseconds; those of a stream without any times come last
        of all, as if they had come just now."""
        block = self.buffer.edge(back=back)
        moment = None if block is None else end_of(block, self.reader, back=back)
        return micros(self.at if moment is None else min(moment, self.at))


def end_of(block: LogBlock, reader: LineReader, *, back: bool) -> datetime | None:
    """The time of the first line of a block (`back`) or of the last one."""
    lines = block.lines()
    near = lines[:LINES_ASKED] if back else reversed(lines[-LINES_ASKED:])
    times = (reader.parse(raw, block.origin).time for raw in near)
    return next((moment for moment in times if moment is not None), None)


class LoadedHistory:
    """What is loaded of several streams, each a source, an origin, and who reads it. `keep` is what lines must
    match: blocks without such a line are left out; with `sought` those without a match of its pattern, or, where
    it has none, without an error, and it is read no further than to the next one."""

    def __init__(
        self,
        streams: Iterable[tuple[str, str, LineReader]],
        at: datetime,
        keep: Pattern | None = None,
        sought: tuple[Pattern | None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """`progress` hears how far it has been read."""
        known = list(streams)
        self._most = BYTES_MOST // max(1, len(known))
        self.streams = [LoadedStream(*stream, HistoryBuffer(self._most, at), at) for stream in known]
        self.said: list[str] = []
        """What the reader must know of it: notes of the sources, and why some can't be read."""
        self.keep = keep
        self._sought = sought
        self.progress = progress or Progress()

    @property
    def feeders(self) -> list[Feeder]:
        return [Feeder(stream.source, stream.buffer, stream.reader) for stream in self.streams]

    @property
    def alone(self) -> LoadedStream | None:
        """The stream, where it is the only one."""
        return self.streams[0] if len(self.streams) == 1 else None

    @property
    def empty(self) -> bool:
        return all(stream.buffer.edge(back=True) is None for stream in self.streams)

    @property
    def settled(self) -> tuple[int, int] | None:
        """From when to when every line of all streams is here; None for one stream, whose order is its own."""
        return None if self.alone is not None else (self._reaches(back=True), self._reaches(back=False))

    def at_end(self, *, back: bool) -> bool:
        """Whether every stream ended there, by itself."""
        return all(stream.ended[back] for stream in self.streams)

    def stuck(self, *, back: bool) -> bool:
        """Whether nothing is read there any more: each stream ended or failed."""
        return not any(stream.goes_on(back=back) for stream in self.streams)

    def _reaches(self, *, back: bool) -> int:
        """The time up to which all streams are here."""
        times = [stream.reaches(back=back) for stream in self.streams if stream.goes_on(back=back)]
        return max(times, default=0) if back else min(times, default=END)

    @property
    def _share(self) -> int:
        """Bytes that are read at once of a stream."""
        return BYTES_AT_ONCE // len(self.streams) if self._sought is None else 1

    async def begin(self, since: datetime | None = None) -> None:
        """Read the beginning of every stream, before which there is nothing, or what is about a time."""
        self._ask(self.streams, back=False)
        if since is not None:
            self._ask(self.streams, back=True)
        for stream in self.streams:
            stream.ended[True] = since is None
            if since is None and self.keep is not None:
                with self._said_of(stream, back=False):
                    stream.head = await _head(stream)
            if not stream.failed[False]:
                await self._read(stream, self._share, back=False, since=since)
        if since is not None:
            while not self.stuck(back=False) and self._reaches(back=False) <= micros(since):
                await self.more(back=False)
            await self.more(back=True)
            while not self.stuck(back=True) and self._reaches(back=True) > micros(since):
                await self.more(back=True)
            # Of many streams each is short, and what came before that time may have taken the place of it.
            while not self.stuck(back=False) and self._reaches(back=False) <= micros(since):
                await self.more(back=False)

    async def is_renewed(self) -> bool:
        """Whether a stream that is here from its beginning does not begin so any more: it was rotated, or
        truncated. Where one can't be read that is not known, but said."""
        for stream in self.streams:
            edge = stream.buffer.edge(back=True)
            if stream.failed[False] and edge is None:
                continue
            known = stream.head if self.keep is not None else b"" if edge is None else edge.data
            try:
                now = await _head(stream)
            except BackendError as error:
                self.said.append(f"{stream.source} is kept as it was read: {error}")
                return False
            if known is None or not now.startswith(known) or bool(now) is not bool(known):
                return True
        return False

    async def more(self, *, back: bool) -> None:
        """Read on in a direction, about a page of bytes, and less than would take the place of all that is loaded
        of a stream; never raises a `BackendError`, but says it."""
        left = min(BYTES_AT_ONCE, self._most // 4) if self._sought is None else 1
        self._ask((stream for stream in self.streams if stream.goes_on(back=back)), back=back)
        while left > 0 and not self.stuck(back=back):
            going = [stream for stream in self.streams if stream.goes_on(back=back)]
            times = {id(stream): stream.reaches(back=back) for stream in going if len(going) > 1}
            choose = max if back else min
            stream = choose(going, key=lambda stream: times.get(id(stream), 0))
            left -= await self._read(stream, self._share, back=back)

    @property
    def behind_failure(self) -> bool:
        """Whether newer lines may be there that could not be read."""
        return any(stream.failed[False] for stream in self.streams)

    async def retry(self, *, back: bool) -> None:
        """Read again what failed in a direction, up to where the others are: what is shown of them stays."""
        failed = [stream for stream in self.streams if stream.failed[back]]
        others = [stream.reaches(back=back) for stream in self.streams if not stream.failed[back]]
        for stream in failed:
            stream.failed[back] = False
            while others and stream.goes_on(back=back):
                reached = stream.reaches(back=back)
                if reached <= min(others) if back else reached >= max(others):
                    break
                await self._read(stream, self._share, back=back)

    async def _read(self, stream: LoadedStream, size: int, *, back: bool, since: datetime | None = None) -> int:
        """Bytes that came; less than asked for at the end."""
        if self._sought is not None:
            sieve: Sieve | None = sieve_of(stream.reader, self._sought[0])
        else:
            sieve = None if self.keep is None else sieve_of(stream.reader, self.keep)
        came = 0
        with self._said_of(stream, back=back):
            async with aclosing(stream.reader.history(since, sieve, stream.beside(back=back))) as batches:
                async for batch in in_time(batches):
                    self.progress.take(stream.source, stream.origin, batch, back=back)
                    self.said += [note for note in batch.notes if note not in self.said]
                    came += sum(len(block.data) + 1 for block in batch.blocks)
                    if stream.buffer.grow(batch.blocks, back=back):
                        stream.ended[not back] = False
                    if came >= size:
                        return came
            stream.ended[back] = True
            self.progress.end(stream.source, stream.origin, back=back)
        return came

    def _ask(self, streams: Iterable[LoadedStream], *, back: bool) -> None:
        for stream in streams:
            self.progress.ask(stream.source, stream.origin, back=back)

    @contextmanager
    def _said_of(self, stream: LoadedStream, *, back: bool) -> Iterator[None]:
        """What fails to be read ends there, and is said."""
        try:
            yield
        except BackendError as error:
            said = f"{stream.source}: {error}"
            self.said += [said] if said not in self.said else []
            stream.failed[back] = True


async def _head(stream: LoadedStream) -> bytes:
    """The lines that a stream begins with now; empty where it has none. Raises `BackendError`."""
    async with aclosing(stream.reader.history(None, None, Beside(stream.origin))) as batches:
        async for batch in in_time(batches):
            if batch.blocks:
                return batch.blocks[0].data
    return b""


async def in_time(batches: AsyncGenerator[LogBatch, None]) -> AsyncGenerator[LogBatch, None]:
    """Raises `TimedOut` where the next one takes longer than it may: a file system may hang."""
    while True:
        try:
            async with asyncio.timeout(SILENT):
                batch = await anext(batches)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise TimedOut(f"no answer within {SILENT:g} s") from None
        yield batch


def sieve_of(reader: LineReader, pattern: Pattern | None) -> Sieve:
    """Lets blocks pass that may have a match, or an error where there is no pattern."""
    if pattern is None:
        return lambda data, stop: bool(possible_errors(data[:stop]))
    return lambda data, stop: bool(pattern.numbers(reader.shown(data[:stop])))
