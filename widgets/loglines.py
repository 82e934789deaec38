"""Which lines a log view shows, of how many tails, and in which order: no drawing here.

A row is one integer: which source, and the number of a line in its tail or of a note that the source told. So
50,000 new lines a second are one `extend`, and nothing is parsed but what is looked at.
"""

from __future__ import annotations

import heapq
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from backends.api.capabilities import Logs
from backends.api.models import LogRecord
from backends.api.tail import Note, Tail
from widgets.logsearch import Pattern
from widgets.logtime import beginnings

Parse = Callable[[bytes, str], LogRecord]

SHIFT = 48
NOTE = 1 << 47
"""A row of a note instead of a line."""
MASK = NOTE - 1
KEPT = 4000
"""Parsed records that are remembered: a few screens in each direction."""
KEPT_BYTES = 16 << 20
SLICE = 0.03
"""Seconds that a filter or a search may take before the next key is looked at."""
ORIGINS = 200
"""Names of files that are told apart."""
JOB = 5000
"""Lines that are filtered in one go."""


class Feeder(Struct, frozen=True):
    """One source of lines: its tail, and how its lines are read."""

    source: str
    tail: Tail
    parse: Parse
    shown: Callable[[bytes], bytes]
    """The lines of a block as they are searched and copied."""


class Place(Struct):
    """An index into the rows that stays on its row, whatever comes before it or is let go."""

    index: int


class _Job(Struct, frozen=True):
    """Lines of one feeder that arrived together: `low` to `high`, the latter not included."""

    came: datetime
    number: int
    low: int
    high: int
    last: bool


class LogLines:
    """The rows of a view over several tails, in the order of their arrival.

    `places` are kept true by every change of the rows; add and remove your own.
    """

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.keep: Pattern | None = None
        self.since: datetime | None = None
        self.places: list[Place] = []
        self.labels: list[str] = []
        """What tells one line's origin from another's, each once; fewer than two need no label."""
        self._feeders: list[Feeder] = []
        self._ends: list[int] = []
        self._notes: list[int] = []
        self._jobs: list[_Job] = []
        self._noted = 0
        self._dropped = 0
        self._origins: dict[tuple[int, str], str] = {}
        self._records: dict[int, LogRecord] = {}
        self._record_bytes = 0

    @property
    def feeders(self) -> list[Feeder]:
        return self._feeders

    @property
    def dropped(self) -> int:
        """Lines that came and are no longer in memory."""
        return sum(feeder.tail.span.dropped for feeder in self._feeders)

    @property
    def total(self) -> int:
        """Lines kept, whether they pass the filters or not."""
        spans = [feeder.tail.span for feeder in self._feeders]
        return sum(span.end - span.first for span in spans)

    @property
    def shown(self) -> int:
        """Lines that pass the filters."""
        return self.total if self.keep is None and self.since is None else len(self.rows) - self._noted

    @property
    def unplaced(self) -> list[Note]:
        """Notes whose place among the lines was dropped."""
        return [note for f in self._feeders for note in f.tail.told if note.after < f.tail.span.first]

    @property
    def filtering(self) -> bool:
        """Whether older lines are still to be filtered."""
        return bool(self._jobs)

    def show(self, tails: Mapping[str, tuple[Tail, Logs]]) -> None:
        self._feeders = [Feeder(source, tail, able.parse, able.shown) for source, (tail, able) in tails.items()]
        self._records.clear()
        self._record_bytes = 0
        self._origins.clear()
        self.labels = []
        self.rebuild()

    def set_filter(self, keep: Pattern | None, since: datetime | None) -> None:
        self.keep, self.since = keep, since
        self.rebuild()

    def rebuild(self) -> None:
        """Choose the rows anew. The newest are there at once; `go_on` brings what is older."""
        self.rows = []
        self._noted = 0
        self._ends = [feeder.tail.span.end for feeder in self._feeders]
        self._notes = [feeder.tail.told[-1].number + 1 if feeder.tail.told else 0 for feeder in self._feeders]
        jobs = [self._jobs_of(number, feeder) for number, feeder in enumerate(self._feeders)]
        self._jobs = list(heapq.merge(*jobs, key=lambda job: job.came))
        for number, feeder in enumerate(self._feeders):
            self._label(number, feeder, feeder.tail.span.first)
        self.go_on()

    def go_on(self, seconds: float = SLICE) -> int:
        """Filter older lines for so long; returns how many rows came before the first one."""
        until = time.monotonic() + seconds
        found: list[list[int]] = []
        while self._jobs and (self.keep is None or time.monotonic() < until):
            job = self._jobs.pop()
            feeder = self._feeders[job.number]
            span = feeder.tail.span
            notes = [
                note
                for note in feeder.tail.told
                if job.low <= note.after
                and (note.after < job.high or (job.last and note.after == job.high))
                and note.number < self._notes[job.number]
                and note.after >= span.first
                and (self.since is None or note.at >= self.since)
            ]
            found.append(self._stretch(job.number, max(job.low, span.first), job.high, notes))
        older = [row for rows in reversed(found) for row in rows]
        if older:
            self.rows[:0] = older
            for place in self.places:
                place.index += len(older)
        return len(older)

    def take(self) -> int:
        """Add what has come since; returns how many lines passed."""
        before, noted = len(self.rows), self._noted
        for number, feeder in enumerate(self._feeders):
            span, told = feeder.tail.span, feeder.tail.told
            start, self._ends[number] = max(self._ends[number], span.first), span.end
            notes = [note for note in told if note.number >= self._notes[number] and note.after >= start]
            if told:
                self._notes[number] = told[-1].number + 1
            if start < span.end or notes:
                self._label(number, feeder, start)
                self.rows.extend(self._stretch(number, start, span.end, notes))
        return len(self.rows) - before - (self._noted - noted)

    def trim(self) -> int:
        """Let go of rows whose lines are gone; returns how many went."""
        before = len(self.rows)
        firsts = [feeder.tail.span.first for feeder in self._feeders]
        gone = self._gone(firsts)
        if gone:
            if self._noted:
                self._noted -= sum(1 for row in self.rows[:gone] if row & NOTE)
            del self.rows[:gone]
            for place in self.places:
                place.index = max(0, place.index - gone)
        # Lines of a busy source may be gone behind a line of a quiet one that is still there.
        if len(self._feeders) > 1 and self.dropped - self._dropped > max(1000, self.total // 10):
            self._sweep(firsts)
        return before - len(self.rows)

    # One row

    def is_note(self, row: int) -> bool:
        return bool(row & NOTE)

    def raw(self, row: int) -> tuple[bytes, str] | None:
        """A row's bytes and where they came from; None when they were dropped."""
        tail = self._feeders[row >> SHIFT].tail
        seq = row & MASK
        if row & NOTE:
            note = next((note for note in tail.told if note.number == seq), None)
            return None if note is None else (note.text.encode("utf-8", "replace"), "")
        found = tail.lines(seq, seq + 1)
        return (found[0].raw, found[0].origin) if found else None

    def record(self, row: int) -> LogRecord | None:
        """A row read; None when its bytes were dropped before anybody looked."""
        known = self._records.get(row)
        if known is not None:
            return known
        found = self.raw(row)
        if found is None:
            return None
        if len(self._records) >= KEPT or self._record_bytes > KEPT_BYTES:
            self._records.clear()
            self._record_bytes = 0
        feeder = self._feeders[row >> SHIFT]
        if row & NOTE:
            told = next(note for note in feeder.tail.told if note.number == row & MASK)
            record = LogRecord(feeder.source, found[0], told.text, told.at, None, "note")
        else:
            record = feeder.parse(*found)
        self._records[row] = record
        self._record_bytes += len(found[0])
        return record

    def source(self, row: int) -> str:
        return self._feeders[row >> SHIFT].source

    def copied(self, row: int) -> bytes:
        """A row as it is copied; empty when it was dropped."""
        found = self.raw(row)
        if found is None:
            return b""
        return found[0] if row & NOTE else self._feeders[row >> SHIFT].shown(found[0])

    def origin(self, row: int) -> str:
        found = self.raw(row)
        return "" if found is None else found[1]

    def label(self, row: int) -> str:
        """What tells this row's origin from the others; empty where there is only one."""
        if len(self.labels) < 2:
            return ""
        return self._origins.get((row >> SHIFT, self.origin(row)), "")

    def text(self) -> Iterator[bytes]:
        """Every row as it is shown, in order; notes and what was dropped left out."""
        for row in self.rows:
            feeder = self._feeders[row >> SHIFT]
            found = None if row & NOTE else feeder.tail.lines(row & MASK, (row & MASK) + 1)
            if found:
                yield feeder.shown(found[0].raw)

    # Choosing

    def _jobs_of(self, number: int, feeder: Feeder) -> list[_Job]:
        """A tail in stretches that arrived together, without what is older than the window."""
        tail = feeder.tail
        floors = {} if self.since is None else beginnings(tail, feeder.parse, self.since)
        jobs: list[_Job] = []
        low = high = tail.span.first
        came: datetime | None = None
        for first, block in tail.blocks(tail.span.first):
            begin, end = max(first, floors.get(block.origin, first)), first + block.count
            if begin >= end:
                continue
            arrived = tail.came(first)
            assert arrived is not None
            together = came is not None and (arrived - came).total_seconds() < 1.0
            if came is not None and (begin != high or not together or high - low >= JOB):
                jobs.append(_Job(came, number, low, high, last=False))
                came = None
            if came is None:
                low, came = begin, arrived
            high = end
        if came is not None:
            jobs.append(_Job(came, number, low, high, last=high == tail.span.end))
        if tail.told and (not jobs or not jobs[-1].last):
            jobs.append(_Job(tail.told[-1].at, number, tail.span.end, tail.span.end, last=True))
        return jobs

    def _stretch(self, number: int, low: int, high: int, notes: Sequence[Note]) -> list[int]:
        """The rows of one feeder's lines, with notes where they were told."""
        base = number << SHIFT
        rows: list[int] = []
        for note in notes:
            rows.extend(self._passing(number, low, note.after))
            rows.append(base | NOTE | note.number)
            low = max(low, note.after)
        self._noted += len(notes)
        rows.extend(self._passing(number, low, high))
        return rows

    def _passing(self, number: int, low: int, high: int) -> Iterator[int] | range:
        base = number << SHIFT
        return range(base + low, base + high) if self.keep is None else self._kept(number, low, high, self.keep)

    def _kept(self, number: int, low: int, high: int, keep: Pattern) -> Iterator[int]:
        base = number << SHIFT
        feeder = self._feeders[number]
        for first, block in feeder.tail.blocks(low):
            if first >= high:
                return
            for line in keep.numbers(feeder.shown(block.data)):
                if low <= first + line < high:
                    yield base + first + line

    def _label(self, number: int, feeder: Feeder, start: int) -> None:
        for _, block in feeder.tail.blocks(start):
            if (number, block.origin) not in self._origins and len(self._origins) < ORIGINS:
                self._origins[number, block.origin] = ""
                self._name_origins()

    def _name_origins(self) -> None:
        """By their source where there are several, by their file where a source has several of them."""
        several = Counter(number for number, _ in self._origins)
        files = Counter((number, origin.rsplit("/", 1)[-1]) for number, origin in self._origins)
        for number, origin in self._origins:
            name = self._feeders[number].source
            names = [name.partition("/")[2] or name] if len(self._feeders) > 1 else []
            if several[number] > 1:
                file = origin.rsplit("/", 1)[-1]
                alike = files[number, file] > 1
                names.append("/".join(origin.rsplit("/", 2)[-2:]) if alike else file)
            self._origins[number, origin] = " ".join(names)
        self.labels = sorted(set(self._origins.values()))

    # Letting go

    def _gone(self, firsts: list[int]) -> int:
        """How many rows from the first on are gone."""
        rows = self.rows
        if len(firsts) == 1:
            return bisect_left(rows, True, key=lambda row: not self._dead(row, firsts))
        gone = 0
        while gone < len(rows) and self._dead(rows[gone], firsts):
            gone += 1
        return gone

    def _dead(self, row: int, firsts: list[int]) -> bool:
        number = row >> SHIFT
        if not row & NOTE:
            return row & MASK < firsts[number]
        told = self._feeders[number].tail.told
        at = (row & MASK) - told[0].number if told else -1
        return at < 0 or told[at].after < firsts[number]

    def _sweep(self, firsts: list[int]) -> None:
        self._dropped = self.dropped
        rows = self.rows
        stay: list[int | None] = []
        for place in self.places:
            at = place.index
            while 0 <= at < len(rows) and self._dead(rows[at], firsts):
                at += 1
            stay.append(rows[at] if 0 <= at < len(rows) else None)
        self.rows = [row for row in rows if not self._dead(row, firsts)]
        self._noted = sum(1 for row in self.rows if row & NOTE) if self._noted else 0
        for place, row in zip(self.places, stay, strict=True):
            place.index = self.rows.index(row) if row is not None else len(self.rows)
