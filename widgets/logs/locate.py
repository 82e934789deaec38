"""Locating one line, that under the cursor: which it is, and how it is found again among other rows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from backends.api.logs import LogBlock
from widgets.logs.feeder import MASK, Feeder, number_of
from widgets.logs.lines import LogLines

ALIKE = 5_000
"""Lines of one moment that are compared."""
NEWEST = 5_000
"""Lines of a tail among which one is looked for by what it says, where its origin has no offsets."""


class Located(NamedTuple):
    """A line: the `line`th of a block, whose first one has the number `first` in its tail."""

    feeder: Feeder
    first: int
    block: LogBlock
    line: int


def locate(lines: LogLines, index: int) -> Located | None:
    """The line of a row; None where there is none, or a note."""
    if not 0 <= index < len(lines.rows) or lines.is_note(lines.rows[index]):
        return None
    feeder, seq = lines.feeders[number_of(lines.rows[index])], lines.rows[index] & MASK
    found = feeder.tail.block_of(seq)
    return None if found is None else Located(feeder, *found, seq - found[0])


def row_of_number(lines: LogLines, number: int) -> int:
    """The row of a line of a single feeder by its number, or of the next one that is shown."""
    there = (at for at, row in enumerate(lines.rows) if row & MASK == number)
    return next(there, bisect_left(lines.rows, number))


def row_of_text(lines: LogLines, when: int, raw: tuple[bytes, str] | None) -> int:
    """The row of a line by what it says and when, or of the nearest one to that time."""
    first = lines.first_from(when)
    for at in range(first, min(first + ALIKE, len(lines.rows))):
        if lines.when(lines.rows[at]) != when:
            break
        if lines.records.raw(lines.rows[at]) == raw:
            return at
    return lines.nearest(when)


def find_in_tails(feeders: Sequence[Feeder], source: str, block: LogBlock, line: int) -> tuple[int, int] | None:
    """Which feeder of a source, and the number in its tail, of the `line`th line of a block that was read again.
    By origin and offset, where the origin has them: lines may be alike."""
    raw = block.lines()[line]
    for number, feeder in enumerate(feeders):
        if feeder.source != source:
            continue
        if block.first is None:
            end = feeder.tail.span.end
            newest = reversed(feeder.tail.lines(end - NEWEST, end))
            back = next(
                (at for at, one in enumerate(newest) if (one.raw, one.origin) == (raw, block.origin)), None
            )
            return None if back is None else (number, end - 1 - back)
        offset = block.first + sum(len(before) + 1 for before in block.lines()[:line])
        for first, kept in feeder.tail.blocks():
            if kept.origin != block.origin or kept.first is None:
                continue
            inside = offset - kept.first
            # A file that was truncated has other lines at its old offsets.
            if 0 <= inside <= len(kept.data) and (b"\n" + kept.data + b"\n").startswith(
                b"\n" + raw + b"\n", inside
            ):
                return number, first + kept.data.count(b"\n", 0, inside)
    return None


def row_of_line(lines: LogLines, number: int, seq: int) -> int | None:
    """The row of a line of a feeder by its number in the tail; None while or where it is not shown."""
    rows = lines.rows
    mine = (at for at in range(len(rows) - 1, -1, -1) if rows[at] & MASK == seq)
    return next((at for at in mine if number_of(rows[at]) == number and not lines.is_note(rows[at])), None)
