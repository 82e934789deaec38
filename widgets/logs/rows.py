"""Rows: the rows of a log view in their order, changed in ways that keep every anchor on its row.

Rows that are not merged are in the order of their lines' numbers; `widgets.logs.feeder` says what a row is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from widgets.logs.anchors import Anchors
from widgets.logs.feeder import MASK, NOTE, SOURCE, WHEN, Feeder, number_of

Reach = tuple[int, int]
"""From where to where: numbers of lines, the second not included, or microseconds since 1970, both included."""


class Rows:
    def __init__(self) -> None:
        self.all: list[int] = []
        self.anchors = Anchors()
        self.notes = 0
        """How many of them are notes; whoever brings some counts them."""
        self._unsettled: list[int] = []
        """Rows of a time of which not every line has been read."""

    def clear(self) -> None:
        """They are about to be chosen anew."""
        self.anchors.leave(self.all)
        self.all, self.notes, self._unsettled = [], 0, []

    def put_before(self, older: list[int]) -> None:
        """Put rows before the first one."""
        self.all[:0] = older
        self.anchors.came_before(len(older))

    def merge(self, fresh: list[int]) -> None:
        """Put rows where they belong."""
        if not fresh:
            return
        fresh.sort()
        rows = self.all
        if not rows or fresh[0] > rows[-1]:
            rows.extend(fresh)
            return
        with self.anchored():
            low, high = bisect_left(rows, fresh[0]), bisect_left(rows, fresh[-1])
            rows[low:high] = sorted(rows[low:high] + fresh)

    @contextmanager
    def anchored(self) -> Iterator[None]:
        """While rows come between others, or go: every anchor is on its row afterwards, else on the next one."""
        held = self.anchors.held(self.all)
        yield
        self.anchors.restore(held, self.all)

    def cut(self, gone: int) -> None:
        """Take out so many from the first on."""
        if not gone:
            return
        if self.notes:
            self.notes -= sum(1 for row in self.all[:gone] if row & NOTE)
        del self.all[:gone]
        self.anchors.went(gone)

    # What their tails let go of

    def gone(self, feeders: Sequence[Feeder], *, merged: bool) -> int:
        """How many from the first on are of lines that are gone."""
        rows, firsts = self.all, [feeder.tail.span.first for feeder in feeders]
        if not merged:
            return bisect_left(rows, True, key=lambda row: not _is_gone(row, feeders, firsts))
        gone = 0
        while gone < len(rows) and _is_gone(rows[gone], feeders, firsts):
            gone += 1
        return gone

    def sweep(self, feeders: Sequence[Feeder]) -> None:
        """Take out all whose lines are gone, wherever they stand."""
        rows, firsts = self.all, [feeder.tail.span.first for feeder in feeders]
        with self.anchored():
            if self.notes:
                self.all = [row for row in rows if not _is_gone(row, feeders, firsts)]
                self.notes = sum(1 for row in self.all if row & NOTE)
            else:
                # The same where there are lines only, in a quarter of the time: no key is answered meanwhile.
                self.all = [row for row in rows if row & MASK >= firsts[row >> SOURCE & 0xFFF]]

    # What is loaded of a history

    def keep_within(self, spans: Sequence[Reach], times: Sequence[Reach], *, merged: bool) -> None:
        """Take out those of lines that are not loaded any more; they were between one of these times."""
        rows = self.all
        if not merged:
            for first, end in spans:
                del rows[bisect_left(rows, end) :]
                del rows[: bisect_left(rows, first)]
            return
        for low, high in times:
            begin, stop = bisect_left(rows, low << WHEN), bisect_left(rows, high + 1 << WHEN)
            rows[begin:stop] = [row for row in rows[begin:stop] if _is_within(row, spans)]

    def hold_back(self, settled: Reach) -> None:
        """Take out what is not from within these microseconds since 1970, both included, until `settle`."""
        rows, (first, last) = self.all, settled
        end = bisect_left(rows, last + 1 << WHEN)
        self._unsettled += rows[end:]
        del rows[end:]
        begin = bisect_left(rows, first << WHEN)
        self._unsettled += rows[:begin]
        del rows[:begin]
        self.anchors.went(begin)

    def settle(self, spans: Sequence[Reach]) -> list[int]:
        """What was held back, as far as it is still loaded, in no order; nothing is any more."""
        waited, self._unsettled = self._unsettled, []
        return [row for row in waited if _is_within(row, spans)]


def come(before: Sequence[Reach], now: Sequence[Reach]) -> Iterator[tuple[int, int, int]]:
    """The lines that are new at either end: the number of their feeder, the first one, and where they end."""
    for number, ((low, high), (first, end)) in enumerate(zip(before, now, strict=True)):
        for begin, stop in (first, min(low, end)), (max(high, first), end):
            if begin < stop:
                yield number, begin, stop


def _is_gone(row: int, feeders: Sequence[Feeder], firsts: Sequence[int]) -> bool:
    number = number_of(row)
    if not row & NOTE:
        return row & MASK < firsts[number]
    told = feeders[number].tail.told
    at = (row & MASK) - told[0].number if told else -1
    return at < 0 or told[at].after < firsts[number]


def _is_within(row: int, spans: Sequence[Reach]) -> bool:
    first, end = spans[number_of(row)]
    return first <= row & MASK < end
