"""Where a window of time begins in a tail: by the records' own times, else by their arrival."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from itertools import chain

from backends.api.logs import LogBlock, LogRecord
from backends.api.tail import Tail

LINES_ASKED = 50
"""Lines around one without a time that are asked for theirs: a stack trace belongs to the record above it."""


def beginnings(tail: Tail, parse: Callable[[bytes, str], LogRecord], since: datetime) -> dict[str, int]:
    """For each origin the sequence number of its first line within the window, by bisection: the lines of one
    file are in order of time, nearly, while those of several arrived as they were read."""
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
