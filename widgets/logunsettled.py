"""Unsettled: rows of a time of which not every line has been read; they wait, and are not shown."""

from __future__ import annotations

from bisect import bisect_left

from widgets.logfeeder import WHEN


class Unsettled:
    """What waits before the first row or behind the last one."""

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def hold_back(self, rows: list[int], settled: tuple[int, int]) -> int:
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
