"""The line under the cursor, and how it is found again among other rows."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from backends.api.logs import LogBlock
from widgets.logfeeder import MASK, Feeder, number_of
from widgets.loglines import LogLines

ALIKE = 5_000
"""Lines of one moment that are compared."""


class Held(NamedTuple):
    """A line: the `line`th of a block, whose first one has the number `first` in its tail."""

    feeder: Feeder
    first: int
    block: LogBlock
    line: int


def held(lines: LogLines, index: int) -> Held | None:
    """The line of a row; None where there is none, or a note."""
    if not 0 <= index < len(lines.rows) or lines.is_note(lines.rows[index]):
        return None
    feeder, seq = lines.feeders[number_of(lines.rows[index])], lines.rows[index] & MASK
    found = feeder.tail.block_of(seq)
    return None if found is None else Held(feeder, *found, seq - found[0])


def numbered(lines: LogLines, number: int) -> int:
    """The row of a line of a single feeder by its number, or of the next one that is shown."""
    there = (at for at, row in enumerate(lines.rows) if row & MASK == number)
    return next(there, bisect_left(lines.rows, number))


def same(lines: LogLines, when: int, raw: tuple[bytes, str] | None) -> int:
    """The row of a line by what it says and when, or of the nearest one to that time."""
    first = lines.first_from(when)
    for at in range(first, min(first + ALIKE, len(lines.rows))):
        if lines.when(lines.rows[at]) != when:
            break
        if lines.records.raw(lines.rows[at]) == raw:
            return at
    return lines.nearest(when)
