"""Tally: how many lines and errors a log view shows of each second, counted block by block in short steps."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from backends.api.log_errors import is_error, possible_errors
from backends.api.logs import LogBlock, micros
from widgets.logs.lines import SLICE, LogLines

WAITING = 300_000
"""Lines that may wait to be counted; with more, only each second block is, and counts twice."""
PARSED = 100
"""Lines of a block that are parsed to see whether they are errors; of more, each second, third … is."""
SECOND = 1_000_000


class _Part(Struct, frozen=True):
    """One block, counted when it held so many lines."""

    count: int
    lines: Counter[int]
    errors: Counter[int]
    sampled: bool


class _Waiting(Struct, frozen=True):
    number: int
    first: int
    lines: int
    weight: int = 1


class Tally:
    """`lines` and `errors` by second since 1970. The newest blocks are counted first."""

    def __init__(self, lines: LogLines) -> None:
        self.lines: Counter[int] = Counter()
        self.errors: Counter[int] = Counter()
        self.version = 0
        """Another number after each change."""
        self._of = lines
        self._thinned = False
        self._sight: tuple[object, ...] = ()
        self._parts: dict[tuple[int, int], _Part] = {}
        self._seen: list[int] = []
        self._waiting: list[_Waiting] = []
        self._since: datetime | None = None

    @property
    def sampled(self) -> bool:
        """Whether only a part was counted, for the whole."""
        return self._thinned or any(part.sampled for part in self._parts.values())

    @property
    def current(self) -> bool:
        """Whether it is of the lines that are chosen now; else it is still of others."""
        return self._sight == self._now

    @property
    def _now(self) -> tuple[object, ...]:
        return (tuple(id(feeder.tail) for feeder in self._of.feeders), self._of.chosen)

    def go_on(self, seconds: float = SLICE) -> bool:
        """Count for so long; returns whether there is more to count."""
        until = time.monotonic() + seconds
        self._begin()
        self._find()
        while self._waiting and time.monotonic() < until:
            self._count(self._waiting.pop())
        return bool(self._waiting)

    def _begin(self) -> None:
        """All anew where other lines are shown than before; without what was dropped."""
        of = self._of
        if not self.current:
            self._sight, self._since = self._now, of.since
            self.lines, self.errors, self._thinned = Counter(), Counter(), False
            self._parts, self._waiting, self._seen = {}, [], [0] * len(of.feeders)
            self.version += 1
        firsts = [feeder.tail.span.first for feeder in of.feeders]
        for number, first in [key for key in self._parts if key[1] < firsts[key[0]]]:
            self._take_out((number, first))
        if of.since != self._since:
            self._since = of.since
            self._leave(0 if of.since is None else micros(of.since) // SECOND)

    def _leave(self, low: int) -> None:
        """The window of time has moved on."""
        for totals in (self.lines, self.errors):
            for second in [second for second in totals if second < low]:
                del totals[second]
                self.version += 1

    def _find(self) -> None:
        for number, feeder in enumerate(self._of.feeders):
            for first, block in feeder.tail.blocks(self._seen[number]):
                part = self._parts.get((number, first))
                if part is None or part.count != block.count:
                    self._waiting.append(_Waiting(number, first, block.count))
                self._seen[number] = first
        while sum(block.lines for block in self._waiting) > WAITING:
            self._thinned = True
            self._waiting = [
                _Waiting(block.number, block.first, block.lines, block.weight * 2)
                for block in self._waiting[1::2]
            ]
            if len(self._waiting) < 2:
                break

    def _count(self, waiting: _Waiting) -> None:
        key = (waiting.number, waiting.first)
        held = self._of.feeders[waiting.number].tail.block_of(waiting.first)
        if held is None or held[0] != waiting.first:
            return
        block = held[1]
        part = self._part(waiting, block)
        self._take_out(key)
        self._parts[key] = part
        self.lines.update(part.lines)
        self.errors.update(part.errors)
        self.version += 1

    def _part(self, waiting: _Waiting, block: LogBlock) -> _Part:
        of, weight = self._of, waiting.weight
        times = of.times(waiting.number, waiting.first, block)
        low = 0 if of.since is None else micros(of.since)
        passing = _passing(of, waiting.number, block)
        if passing is None and not low:
            lines = Counter([when // SECOND for when in times])
        else:
            those: Iterable[int] = range(block.count) if passing is None else passing
            lines = Counter([times[line] // SECOND for line in those if times[line] >= low])
        for second in lines if weight > 1 else ():
            lines[second] *= weight
        errors: Counter[int] = Counter()
        reader = of.feeders[waiting.number].reader
        signs = [line for line in possible_errors(block.data) if passing is None or line in passing]
        step = -(-len(signs) // PARSED)
        raw = block.lines() if signs else []
        for line in signs[:: max(1, step)]:
            if times[line] >= low and is_error(reader.parse(raw[line], block.origin)):
                errors[times[line] // SECOND] += step * weight
        return _Part(block.count, lines, errors, step > 1)

    def _take_out(self, key: tuple[int, int]) -> None:
        part = self._parts.pop(key, None)
        if part is None:
            return
        self.version += 1
        for totals, mine in ((self.lines, part.lines), (self.errors, part.errors)):
            for second, number in mine.items():
                totals[second] -= number
                if totals[second] <= 0:
                    del totals[second]


def _passing(of: LogLines, number: int, block: LogBlock) -> frozenset[int] | None:
    """Which lines of a block may be shown; None for all."""
    if of.only and block.origin not in of.only:
        return frozenset()
    if of.keep is None:
        return None
    return frozenset(of.keep.numbers(of.feeders[number].reader.shown(block.data)))
