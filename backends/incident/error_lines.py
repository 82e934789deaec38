"""Counting the errors among log lines as they come, at a bounded cost: what only counts may slow no key."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from time import perf_counter

from msgspec import Struct

from backends.api.clock import Clock, Timer
from backends.api.events import Event, EventKind
from backends.api.log_errors import is_error, possible_errors
from backends.api.logs import LogBatch, LogBlock, LogRecord
from backends.incident.error_rate import BUCKET, ErrorRate, Jump

TURN = 0.005
"""Seconds of work at a time."""
PAUSE = 0.05
"""Seconds between two turns: at most a tenth of a core for each source."""
WAITING = 4 << 20
"""Bytes that may wait to be looked at; of a source that is faster than that, some blocks are left out."""
SETTLE = 2.0
"""Seconds after a source's first word, or its return, in which what comes may be what was there before."""
BLOCK = 512 << 10
"""Bytes of a block that are looked at: only a single long record has more."""
PARSED = 20
"""Lines that are parsed between two looks at the time."""


class Burst(Struct, frozen=True):
    """A rate of errors that has jumped and is not back yet: of the log `target` of a source, since when, and what
    is told of it."""

    source: str
    target: str
    since: datetime
    text: str


class ErrorLines:
    """The errors of one log source, from now on. `parse` is the source's; `tell` hears of each jump.

    Only possible errors are parsed. Where blocks had to be left out, the counts of the
    others stand for them, and the event says so.
    """

    def __init__(
        self,
        source: str,
        parse: Callable[[bytes, str], LogRecord],
        clock: Clock,
        tell: Callable[[Event], None],
    ) -> None:
        self._source, self._parse, self._clock, self._tell = source, parse, clock, tell
        self._rate = ErrorRate()
        self._waiting: deque[tuple[LogBlock, datetime | None]] = deque()
        self._bytes = 0
        self._work: Iterator[None] | None = None
        self._timers: dict[str, Timer] = {}
        self._away = True
        self._since: datetime | None = None
        self._settled = 0.0
        self._looked = self._left_out = 0
        self._bursts: dict[str, Burst] = {}

    @property
    def bursts(self) -> tuple[Burst, ...]:
        """The rates that are up now."""
        return tuple(self._bursts.values())

    def open(self) -> None:
        """Begin to judge, each `BUCKET` seconds."""
        self._timers["judge"] = self._clock.call_later(BUCKET, self._judge)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()

    def lost(self) -> None:
        """The source is not live: what it says first when it is back may be old."""
        self._away = True

    def take(self, batch: LogBatch) -> None:
        """Lines that have come; returns at once."""
        now = self._clock.monotonic()
        if self._away:
            self._away = False
            self._since, self._settled = self._clock.now(), now + SETTLE
        since = self._since if now < self._settled else None
        for block in batch.blocks:
            if self._bytes > WAITING:
                self._left_out += block.count
                continue
            self._waiting.append((block, since))
            self._bytes += len(block.data)
        if self._waiting and "work" not in self._timers:
            self._timers["work"] = self._clock.call_later(0, self._turn)

    def _turn(self) -> None:
        """Some work, then a pause in which the loop has everything else to do."""
        del self._timers["work"]
        until = perf_counter() + TURN
        while self._work is not None or self._waiting:
            if self._work is None:
                self._work = self._look(*self._waiting.popleft())
            if next(self._work, self) is self:
                self._work = None
            if perf_counter() > until:
                break
        if self._work is not None or self._waiting:
            self._timers["work"] = self._clock.call_later(PAUSE, self._turn)

    def _look(self, block: LogBlock, since: datetime | None) -> Iterator[None]:
        """Count the errors of a block, from a time on; yields when it has worked for a while."""
        self._bytes -= len(block.data)
        self._looked += block.count
        numbers = possible_errors(block.data[:BLOCK])
        lines = block.lines() if numbers else []
        for done, number in enumerate(numbers, start=1):
            record = self._parse(lines[number], block.origin)
            if is_error(record) and _is_new(record, since):
                self._rate.count(block.origin, 1)
            if done % PARSED == 0:
                yield

    def _judge(self) -> None:
        self._timers["judge"] = self._clock.call_later(BUCKET, self._judge)
        share = self._looked / (self._looked + self._left_out) if self._left_out else 1.0
        self._looked = self._left_out = 0
        for jump in self._rate.close_bucket(share):
            self._tell(self._event(jump, share))

    def _event(self, jump: Jump, share: float) -> Event:
        target = jump.origin.rsplit("/", 1)[-1] or self._source
        sample = f" (by a sample: {share:.0%} of the lines)" if share < 1 else ""
        text, now = jump.text + sample, self._clock.now()
        self._bursts.pop(jump.origin, None)
        if not jump.over:
            self._bursts[jump.origin] = Burst(self._source, target, now, text)
        return Event(now, EventKind.ERRORS, self._source, target, text, bad=not jump.over)


def _is_new(record: LogRecord, since: datetime | None) -> bool:
    return since is None or (record.time is not None and record.time >= since)
