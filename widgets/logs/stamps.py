"""Stamps: when each line of several tails happened, so that they can be put in one order."""

from __future__ import annotations

from array import array
from datetime import datetime, timedelta

from msgspec import Struct

from backends.api.logs import LogBlock, LogSpan, micros
from widgets.logs.feeder import Feeder

AHEAD = 2_000_000
"""Microseconds by which a line may be ahead of its arrival: a clock that is wrong by an hour must not keep its
lines below everybody else's, where nobody would see what is new."""
TOGETHER = timedelta(seconds=5)
"""A line without a time belongs to the one before it, if that came at most so long before; else it happened when
it came."""


class _Stamped(Struct, frozen=True):
    """One block. `end` is the last time that any line had itself, up to its end, and when that line came."""

    times: array[int]
    end: tuple[int, datetime] | None


class Stamps:
    """Microseconds since 1970 for each line of a block, worked out once."""

    def __init__(self, feeders: list[Feeder]) -> None:
        self._feeders = feeders
        self._known: list[dict[int, _Stamped]] = [{} for _ in feeders]

    def of(self, number: int, first: int, block: LogBlock) -> array[int]:
        """`first` is the sequence number of the block's first line in the tail of feeder `number`."""
        known = self._known[number].get(first)
        if known is None or len(known.times) != block.count:
            known = self._known[number][first] = self._stamped(number, first, block)
        return known.times

    def forget(self, number: int, span: LogSpan) -> tuple[int, int] | None:
        """Let go of the blocks that do not begin within what a tail holds now; returns from when to when their
        lines were, None where there are none."""
        known = self._known[number]
        gone = [known.pop(first).times for first in list(known) if not span.first <= first < span.end]
        return (min(map(min, gone)), max(map(max, gone))) if gone else None

    def _stamped(self, number: int, first: int, block: LogBlock) -> _Stamped:
        feeder = self._feeders[number]
        own = feeder.reader.moments(block)
        came = feeder.tail.came(first)
        assert came is not None
        latest = micros(came) + AHEAD
        # None of them has one: the last that had decides, and is still the last.
        end = self._before(number, first, block, came) if own[0] is None else None
        now = end[0] if end is not None else next((at for at in own if at is not None), micros(came))
        now = max(0, min(now, latest))
        times = array("q", bytes(8 * len(own)))
        for i, moment in enumerate(own):
            if moment is not None:
                now = moment if 0 <= moment <= latest else latest if moment > latest else 0
            times[i] = now
        if any(moment is not None for moment in reversed(own)):
            end = (now, came)
        return _Stamped(times, end)

    def _before(self, number: int, first: int, block: LogBlock, came: datetime) -> tuple[int, datetime] | None:
        """The time of the line before a block, where it belongs to that."""
        tail = self._feeders[number].tail
        found = tail.before(first, block.origin)
        if found is None:
            return None
        known = self._known[number].get(found[0])
        if known is not None and len(known.times) == found[1].count:
            end = known.end
        else:
            before = tail.came(found[0])
            own = self._feeders[number].reader.moments(found[1])
            last = next((moment for moment in reversed(own) if moment is not None), None)
            end = None if last is None or before is None else (last, before)
        return end if end is not None and came - end[1] <= TOGETHER else None
