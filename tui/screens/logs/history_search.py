"""A search beyond the lines that are shown, in what their sources hold."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from backends.api.log_errors import is_error, possible_errors
from backends.api.logs import Beside, LogBlock
from tui.screens.logs.history import LoadedHistory, in_time, sieve_of
from widgets.logs.feeder import MASK, LineReader
from widgets.logs.history_buffer import START
from widgets.logs.lines import LogLines
from widgets.logs.search import RowSearch
from widgets.logs.search_pattern import Pattern

Found = tuple[int, tuple[bytes, str] | None]
"""When a line happened, in microseconds since 1970, and what it says."""


async def search_one(
    history: LoadedHistory, place: Beside, pattern: Pattern | None
) -> tuple[LogBlock, int] | None:
    """The nearest block of a single stream beside a place with a line that matches (no pattern: an error) and
    passes what `history` keeps, and which line that is; None where there is none. Raises `BackendError`."""
    stream, reader = history.streams[0], history.streams[0].reader
    async with aclosing(reader.history(None, sieve_of(reader, pattern), place)) as batches:
        async for batch in in_time(batches):
            history.progress.take(stream.source, stream.origin, batch, back=place.back)
            for block in reversed(batch.blocks) if place.back else batch.blocks:
                found = _hits(reader, block, pattern, history.keep)
                if found:
                    return block, max(found) if place.back else min(found)
    return None


def _hits(reader: LineReader, block: LogBlock, pattern: Pattern | None, keep: Pattern | None) -> set[int]:
    shown = reader.shown(block.data)
    if pattern is not None:
        found = set(pattern.numbers(shown))
    else:
        lines = block.lines()
        maybe = possible_errors(block.data)
        found = {line for line in maybe if is_error(reader.parse(lines[line], block.origin))}
    return found if keep is None else found & set(keep.numbers(shown))


async def search_several(
    history: LoadedHistory,
    known: Sequence[Sequence[LogBlock]],
    shown: LogLines,
    pattern: Pattern | None,
    *,
    back: bool,
) -> Found | None:
    """The next line of several streams, in order of time, beyond those `shown` that matches (no pattern: an
    error) and passes their filter; None where there is none in what can be read.

    `history` is a fresh one of the same streams, which nobody sees and which leaves out what does not match;
    `known` are each stream's blocks from which it is read on. Where those shown are in memory, what is older than
    they are is looked for.
    """
    for stream, blocks in zip(history.streams, known, strict=True):
        stream.buffer.grow(blocks, back=False)
        # Nothing is wanted on the other side.
        stream.ended[not back] = True
    lines = LogLines()
    lines.set_filter(shown.keep, None, shown.only)
    lines.show(history.feeders, history.settled)
    while True:
        while lines.filtering:
            await asyncio.sleep(0)
            lines.go_on()
        found = await _next(lines, shown.settled, pattern, back=back)
        if found is not None or history.stuck(back=back):
            return found
        await history.more(back=back)
        lines.grew(history.settled)


async def _next(
    lines: LogLines, settled: tuple[int, int] | None, pattern: Pattern | None, *, back: bool
) -> Found | None:
    step, rows = -1 if back else 1, lines.rows
    if settled is None:
        start = len(rows) - 1
    else:
        start = lines.first_from(settled[0]) - 1 if back else lines.first_from(settled[1] + 1)
    while (found := await _result(RowSearch(lines, start, step, pattern))) >= 0:
        row = rows[found]
        if settled is not None or row & MASK < START:
            return lines.when(row), lines.records.raw(row)
        start = found + step
    return None


async def _result(search: RowSearch) -> int:
    try:
        found = search.go_on()
        while found is None:
            await asyncio.sleep(0)
            found = search.go_on()
        return found
    finally:
        search.close()
