"""How rows grow with what is loaded of a history: what came, what is gone, and what waits to be shown.

A row of lines that are not merged is their number; of others `widgets.logfeeder` says what it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from widgets.logfeeder import MASK, WHEN, number_of

Reach = tuple[int, int]
"""From where to where: numbers of lines, the second not included, or microseconds since 1970, both included."""


class Unsettled:
    """Rows of a time of which not every line has been read: before the first row that is shown, or behind the
    last one."""

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def hold_back(self, rows: list[int], settled: Reach) -> int:
        """Take out of rows in order what is not from within these microseconds since 1970, both included; returns
        how many rows went from the first on."""
        first, last = settled
        end = bisect_left(rows, last + 1 << WHEN)
        self._waiting += rows[end:]
        del rows[end:]
        begin = bisect_left(rows, first << WHEN)
        self._waiting += rows[:begin]
        del rows[:begin]
        return begin

    def let_go(self) -> list[int]:
        """What has waited, in no order; nothing does any more."""
        waited, self._waiting = self._waiting, []
        return waited


def come(before: Sequence[Reach], now: Sequence[Reach]) -> Iterator[tuple[int, int, int]]:
    """The lines that are new at either end: the number of their feeder, the first one, and where they end."""
    for number, ((low, high), (first, end)) in enumerate(zip(before, now, strict=True)):
        for begin, stop in (first, min(low, end)), (max(high, first), end):
            if begin < stop:
                yield number, begin, stop


def is_here(row: int, spans: Sequence[Reach]) -> bool:
    first, end = spans[number_of(row)]
    return first <= row & MASK < end


def leave_gone(rows: list[int], spans: Sequence[Reach], times: Sequence[Reach]) -> None:
    """Take out of rows in order of time those whose lines are gone; they were between one of these times."""
    for low, high in times:
        begin, end = bisect_left(rows, low << WHEN), bisect_left(rows, high + 1 << WHEN)
        rows[begin:end] = [row for row in rows[begin:end] if is_here(row, spans)]


def leave_numbers(rows: list[int], span: Reach) -> None:
    """Take out of rows that are numbers of lines those that are gone."""
    del rows[bisect_left(rows, span[1]) :]
    del rows[: bisect_left(rows, span[0])]
