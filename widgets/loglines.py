"""Which lines a log view shows, of how many tails, and in which order: no drawing here.

Lines are numbered by source and sequence in one integer, so that 50,000 new ones a second are one `extend`.
Nothing is parsed but what is looked at.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from backends.api.models import Level, LogRecord
from backends.api.tail import Tail

Parse = Callable[[bytes, str], LogRecord]

SHIFT = 48
MASK = (1 << SHIFT) - 1
KEPT = 4000
"""Parsed records that are remembered: a few screens in each direction."""
SLICE = 0.04
"""Seconds that a search may take before the next key is looked at."""

MAYBE_ERROR = re.compile(
    rb"err|fatal|crit|panic|emerg|alert|severe|fail|\" 5\d\d |level\":\s*[\"']?[56]0|<\d+>|^[EF]\d{4} ",
    re.IGNORECASE,
)
"""Cheap and generous: only lines that it finds are parsed to see whether they are errors."""


def compiled(text: str) -> re.Pattern[bytes] | None:
    """A search as it is typed: a regular expression, else the plain text; capitals count once there is one."""
    if not text:
        return None
    # Whole blocks of lines are searched at once: ^ and $ must mean each of their lines.
    flags = re.MULTILINE | (re.IGNORECASE if text == text.lower() else re.NOFLAG)
    try:
        return re.compile(text.encode(), flags)
    except re.error:
        return re.compile(re.escape(text.encode()), flags)


class Feeder(Struct, frozen=True):
    """One source of lines: its tail, and how its lines are read."""

    source: str
    tail: Tail
    parse: Parse


class LogLines:
    """The rows of a view over several tails, in the order of their arrival."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.keep: re.Pattern[bytes] | None = None
        self.since: datetime | None = None
        self._feeders: list[Feeder] = []
        self._ends: list[int] = []
        self._starts: list[int] = []
        self._records: dict[int, LogRecord] = {}

    @property
    def feeders(self) -> list[Feeder]:
        return self._feeders

    @property
    def dropped(self) -> int:
        return sum(feeder.tail.span.dropped for feeder in self._feeders)

    @property
    def total(self) -> int:
        """Lines kept, whether they pass the filters or not."""
        spans = [feeder.tail.span for feeder in self._feeders]
        return sum(span.end - span.first for span in spans)

    def show(self, tails: Mapping[str, tuple[Tail, Parse]]) -> None:
        self._feeders = [Feeder(source, tail, parse) for source, (tail, parse) in tails.items()]
        self._records.clear()
        self.rebuild()

    def set_filter(self, keep: re.Pattern[bytes] | None, since: datetime | None) -> None:
        self.keep, self.since = keep, since
        self.rebuild()

    def rebuild(self) -> None:
        """Choose the rows anew, from the oldest line that is kept."""
        self.rows = []
        self._starts = [self._start(feeder) for feeder in self._feeders]
        self._ends = list(self._starts)
        self.take()

    def take(self) -> int:
        """Add what has come since; returns how many rows. Rows whose lines were dropped go in one piece, once
        they are a tenth of all."""
        before = len(self.rows)
        for number, feeder in enumerate(self._feeders):
            span = feeder.tail.span
            start = max(self._ends[number], span.first)
            self._ends[number] = span.end
            self.rows.extend(self._passing(number, feeder, start, span.end))
        return len(self.rows) - before

    def trim(self) -> int:
        """Let go of rows whose lines are gone; returns how many went from before the first one that stays."""
        firsts = [feeder.tail.span.first for feeder in self._feeders]
        gone = 0
        while gone < len(self.rows) and self.rows[gone] & MASK < firsts[self.rows[gone] >> SHIFT]:
            gone += max(1, len(self.rows) // 1000)
        gone = min(gone, len(self.rows))
        if gone > len(self.rows) // 10:
            before = len(self.rows)
            self.rows = [row for row in self.rows if row & MASK >= firsts[row >> SHIFT]]
            return before - len(self.rows)
        return 0

    def raw(self, row: int) -> tuple[bytes, str] | None:
        """A row's bytes and where they came from; None when they were dropped."""
        seq = row & MASK
        found = self._feeders[row >> SHIFT].tail.lines(seq, seq + 1)
        return (found[0].raw, found[0].origin) if found else None

    def record(self, row: int) -> LogRecord | None:
        known = self._records.get(row)
        if known is not None:
            return known
        found = self.raw(row)
        if found is None:
            return None
        if len(self._records) > KEPT:
            self._records.clear()
        record = self._records[row] = self._feeders[row >> SHIFT].parse(*found)
        return record

    def source(self, row: int) -> str:
        return self._feeders[row >> SHIFT].source

    def origin(self, row: int) -> str:
        found = self.raw(row)
        return "" if found is None else found[1]

    def find(self, start: int, step: int, pattern: re.Pattern[bytes] | None) -> Iterator[int | None]:
        """Search from a row on, with a pattern or for errors: yields None each 40 ms of work, then the row's
        place if there is one."""
        began = time.monotonic()
        at = start
        while 0 <= at < len(self.rows):
            found = self.raw(self.rows[at])
            if found is not None and self._hit(self.rows[at], found[0], pattern):
                yield at
                return
            at += step
            if at % 64 == 0 and time.monotonic() - began > SLICE:
                yield None
                began = time.monotonic()

    def _hit(self, row: int, raw: bytes, pattern: re.Pattern[bytes] | None) -> bool:
        if pattern is not None:
            return pattern.search(raw) is not None
        if MAYBE_ERROR.search(raw) is None:
            return False
        record = self.record(row)
        return record is not None and record.level is not None and record.level >= Level.ERROR

    def _passing(self, number: int, feeder: Feeder, start: int, end: int) -> Iterator[int]:
        base = number << SHIFT
        if self.keep is None:
            yield from range(base + start, base + end)
            return
        for first, block in feeder.tail.blocks(start):
            # One search over the whole block mostly says that none of its lines need be looked at.
            if self.keep.search(block.data) is None:
                continue
            for i, raw in enumerate(block.lines()):
                if start <= first + i < end and self.keep.search(raw):
                    yield base + first + i

    def _start(self, feeder: Feeder) -> int:
        """Where the time window begins, by bisection: lines of one source are in order of time, nearly."""
        span = feeder.tail.span
        if self.since is None:
            return span.first
        low, high = span.first, span.end
        while low < high:
            middle = (low + high) // 2
            when = self._time_near(feeder, middle, high)
            if when is not None and when >= self.since:
                high = middle
            else:
                low = middle + 1
        return low

    def _time_near(self, feeder: Feeder, seq: int, end: int) -> datetime | None:
        """The time of the first line with one, from `seq` on; a stack trace has none for a hundred lines."""
        for item in feeder.tail.lines(seq, min(end, seq + 200)):
            when = feeder.parse(item.raw, item.origin).time
            if when is not None:
                return when
        return None
