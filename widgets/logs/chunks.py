"""The lines of a tail within a window of time, in chunks: each is a step of choosing what is shown."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from itertools import chain

from msgspec import Struct

from backends.api.logs import LogBlock, LogRecord
from backends.api.tail import Tail
from widgets.logs.feeder import Feeder

CHUNK = 5000
"""Lines that are chosen in one go."""
LINES_ASKED = 50
"""Lines around one without a time that are asked for theirs: a stack trace belongs to the record above it."""


class Chunk(Struct, frozen=True):
    """Lines of one feeder that arrived together: `low` to `high`, the latter not included."""

    came: datetime
    number: int
    low: int
    high: int
    last: bool


def chunks_of(number: int, feeder: Feeder, since: datetime | None) -> list[Chunk]:
    """A tail in chunks that arrived together, without what is older than the window."""
    tail = feeder.tail
    floors = {} if since is None else _beginnings(tail, feeder.reader.parse, since)
    chunks: list[Chunk] = []
    low = high = tail.span.first
    came: datetime | None = None
    for first, block in tail.blocks(tail.span.first):
        begin, end = max(first, floors.get(block.origin, first)), first + block.count
        if begin >= end:
            continue
        arrived = tail.came(first)
        assert arrived is not None
        together = came is not None and (arrived - came).total_seconds() < 1.0
        if came is not None and (begin != high or not together or high - low >= CHUNK):
            chunks.append(Chunk(came, number, low, high, last=False))
            came = None
        if came is None:
            low, came = begin, arrived
        high = end
    if came is not None:
        chunks.append(Chunk(came, number, low, high, last=high == tail.span.end))
    if tail.told and (not chunks or not chunks[-1].last):
        chunks.append(Chunk(tail.told[-1].at, number, tail.span.end, tail.span.end, last=True))
    return chunks


def _beginnings(tail: Tail, parse: Callable[[bytes, str], LogRecord], since: datetime) -> dict[str, int]:
    """Where the window begins: for each origin the sequence number of its first line, by bisection over the
    records' own times, else their arrival: the lines of one file are in order of time, nearly, while those of
    several arrived as they were read."""
    origins: dict[str, list[tuple[int, LogBlock]]] = {}
    for first, block in tail.blocks(tail.span.first):
        origins.setdefault(block.origin, []).append((first, block))

    def time_of(first: int, block: LogBlock, lines: list[bytes], at: int) -> datetime:
        around = chain(range(at, max(-1, at - LINES_ASKED), -1), range(at + 1, min(len(lines), at + LINES_ASKED)))
        for number in around:
            moment = parse(lines[number], block.origin).time
            if moment is not None:
                return moment
        came = tail.came(first)
        return since if came is None else came

    def begins_within(item: tuple[int, LogBlock]) -> bool:
        first, block = item
        return time_of(first, block, block.lines(), 0) >= since

    found: dict[str, int] = {}
    for origin, blocks in origins.items():
        at = bisect_left(blocks, True, key=begins_within)
        found[origin] = blocks[at][0] if at < len(blocks) else tail.span.end
        if at:
            # The window begins within the block before, if not exactly after it.
            first, block = blocks[at - 1]
            lines = block.lines()
            inside = bisect_left(
                range(len(lines)),
                True,
                key=lambda number: time_of(first, block, lines, number) >= since,
            )
            if inside < len(lines):
                found[origin] = first + inside
    return found
