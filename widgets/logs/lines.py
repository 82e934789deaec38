"""The lines that a log view shows, of how many tails, and in which order: no drawing here.

Lines of one origin stand as they came. Those of several are merged by their own times: what comes late is put
where it belongs. Both in short steps, the newest first, so that no key waits.
"""

from __future__ import annotations

import heapq
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime

from backends.api.logs import LogBlock, micros
from backends.api.tail import Note
from widgets.logs.anchors import Anchors
from widgets.logs.chunks import CHUNK, Chunk, chunks_of
from widgets.logs.feeder import MASK, NOTE, WHEN, Feeder, Origins, number_of
from widgets.logs.line_filter import LineFilter
from widgets.logs.record_cache import RecordCache
from widgets.logs.rows import Reach, Rows, come
from widgets.logs.search_pattern import Pattern
from widgets.logs.stamps import Stamps

SLICE = 0.03
"""Seconds that a merge, a filter or a search may take before the next key is looked at."""


class LogLines:
    """The rows of a view over several tails; `widgets.logs.feeder` says what a row is."""

    def __init__(self) -> None:
        self.keep: Pattern | None = None
        self.since: datetime | None = None
        self.only: frozenset[str] = frozenset()
        """The origins whose lines are shown; none: all."""
        self.chosen = 0
        """Another number after each choice of other lines, be it by a filter or of their sources."""
        self.merged = False
        """Whether rows stand by their lines' times; else there is one origin, whose order is its own."""
        self.settled: tuple[int, int] | None = None
        """Where several origins are only read in part: from when to when all of their lines are here, in
        microseconds since 1970. Others are not shown."""
        self._feeders: list[Feeder] = []
        self._stamps = Stamps([])
        self._origins = Origins()
        self._ends: list[int] = []
        self._spans: list[Reach] = []
        self._notes: list[int] = []
        self._chunks: list[Chunk] = []
        self._rows = Rows()
        self._dropped = 0
        self.records = RecordCache([])
        self._filter = LineFilter(self._feeders, self._origins, self._stamps)

    @property
    def rows(self) -> list[int]:
        return self._rows.all

    @property
    def anchors(self) -> Anchors:
        """Add and remove your own."""
        return self._rows.anchors

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
        """Lines that pass the filters, as far as they are settled."""
        all_shown = not self.filtered and self.settled is None
        return self.total if all_shown else len(self.rows) - self._rows.notes

    @property
    def filtered(self) -> bool:
        """Whether there may be lines that are not shown."""
        return self.keep is not None or self.since is not None or bool(self.only)

    @property
    def origins(self) -> list[tuple[str, str]]:
        """Every source and origin of lines."""
        return [(self._feeders[number].source, origin) for number, origin in self._origins.all]

    @property
    def unplaced(self) -> list[Note]:
        """Notes whose place among the lines was dropped."""
        return [note for f in self._feeders for note in f.tail.told if note.after < f.tail.span.first]

    @property
    def filtering(self) -> bool:
        """Whether older lines are still to be chosen."""
        return bool(self._chunks)

    @property
    def behind(self) -> bool:
        """Whether lines that have come are still to be put in their places."""
        return any(
            max(end, feeder.tail.span.first) < feeder.tail.span.end
            for feeder, end in zip(self._feeders, self._ends, strict=True)
        )

    @property
    def labels(self) -> list[str]:
        """What tells one line's origin from another's, each once; fewer than two need no label."""
        return self._origins.labels

    def show(self, feeders: Sequence[Feeder], settled: tuple[int, int] | None = None) -> None:
        self._feeders, self.settled = list(feeders), settled
        self._stamps = Stamps(self._feeders)
        self._origins = Origins()
        self.merged = False
        self.chosen += 1
        self.rebuild()

    def set_filter(
        self, keep: Pattern | None, since: datetime | None, only: frozenset[str] = frozenset()
    ) -> None:
        self.keep, self.since, self.only = keep, since, only
        self.chosen += 1
        self.rebuild()

    def grew(self, settled: tuple[int, int] | None = None) -> None:
        """The feeders' buffers hold other lines than before, at either end: put those that came where they
        belong, and let go of the others."""
        self.settled = settled
        self.chosen += 1
        gone = self._forget()
        before, spans = self._spans, self._meet()
        if self.filtering or self.since is not None or self.merged is not self._several:
            self.rebuild()
            return
        # Numbers that were let go of may be given anew.
        self.records = RecordCache(self._feeders)
        with self._rows.anchored():
            self._rows.keep_within(spans, gone, merged=self.merged)
            fresh = self._rows.settle(spans)
            for number, begin, stop in come(before, spans):
                fresh += self._stretch(number, begin, stop, ())
            self._rows.merge(fresh)
            self._hold_back()

    def _hold_back(self) -> None:
        """What is read in part tells no notes."""
        if self.settled is not None:
            self._rows.hold_back(self.settled)

    def _meet(self) -> list[Reach]:
        """Know every origin, and from where to where the lines of each tail are taken in."""
        for number, feeder in enumerate(self._feeders):
            self._origins.meet(number, self._feeders, feeder.tail.span.first)
        spans = [feeder.tail.span for feeder in self._feeders]
        self._spans = [(span.first, span.end) for span in spans]
        self._ends = [span.end for span in spans]
        return self._spans

    def _forget(self) -> list[Reach]:
        """Of each feeder that let go of lines, from when to when they were."""
        spans = enumerate(feeder.tail.span for feeder in self._feeders)
        return [gone for number, span in spans if (gone := self._stamps.forget(number, span)) is not None]

    def rebuild(self) -> None:
        """Choose the rows anew. The newest are there at once; `go_on` brings what is older, and with it the
        anchors that were on it."""
        self._rows.clear()
        self.records = RecordCache(self._feeders)
        self._filter = LineFilter(self._feeders, self._origins, self._stamps, self.keep, self.only)
        self._meet()
        self._notes = [feeder.tail.told[-1].number + 1 if feeder.tail.told else 0 for feeder in self._feeders]
        self.merged = self._several
        chunks = [chunks_of(number, feeder, self.since) for number, feeder in enumerate(self._feeders)]
        # The newest of each are chosen first.
        ranked = [[(rank - len(those), chunk) for rank, chunk in enumerate(those)] for those in chunks]
        self._chunks = [chunk for _, chunk in heapq.merge(*ranked, key=lambda pair: pair[0])]
        self.go_on()

    @property
    def _several(self) -> bool:
        return len(self._feeders) > 1 or len(self._origins) > 1

    def go_on(self, seconds: float = SLICE) -> int:
        """Choose older lines for so long; returns how many rows came before the last one."""
        until = time.monotonic() + seconds
        found: list[list[int]] = []
        while self._chunks and (not (self.merged or self.filtered) or time.monotonic() < until or not found):
            found.append(self._rows_of(self._chunks.pop()))
        older = [row for rows in reversed(found) for row in rows]
        if self.merged:
            self._rows.merge(older)
            self._hold_back()
        elif older:
            self._rows.put_before(older)
        self.anchors.find_again(older, self.rows, ordered=self.merged)
        return len(older)

    def take(self, seconds: float = SLICE) -> int:
        """Add what has come since, for so long where that takes time: `behind` says whether there is more.
        Returns how many lines passed."""
        before, noted = len(self.rows), self._rows.notes
        until = time.monotonic() + seconds
        fresh: list[int] = []
        for number, feeder in enumerate(self._feeders):
            span, told = feeder.tail.span, feeder.tail.told
            start = max(self._ends[number], span.first)
            notes = [note for note in told if note.number >= self._notes[number] and note.after >= start]
            if start < span.end:
                self._origins.meet(number, self._feeders, start)
            if self._several and not self.merged:
                self.rebuild()
                return span.end - start
            if told:
                self._notes[number] = told[-1].number + 1
            if not self.merged:
                self._ends[number] = span.end
                self.rows.extend(self._stretch(number, start, span.end, notes))
                continue
            self._rows.notes += len(notes)
            fresh.extend(self._filter.told(number, notes))
            while start < span.end and (time.monotonic() < until or not fresh):
                stop = min(span.end, start + CHUNK)
                fresh.extend(self._stretch(number, start, stop, ()))
                self._ends[number] = start = stop
        self._rows.merge(fresh)
        return len(self.rows) - before - (self._rows.notes - noted)

    def trim(self) -> int:
        """Let go of rows whose lines are gone; returns how many went."""
        before = len(self.rows)
        self._forget()
        gone = self._rows.gone(self._feeders, merged=self.merged)
        self._rows.cut(gone)
        self._dropped = min(self.dropped, self._dropped + gone)
        # Lines of a busy source may be gone behind a line of a quiet one that is still there.
        if self.merged and self.dropped - self._dropped > max(1000, self.total // 10):
            self._dropped = self.dropped
            self._rows.sweep(self._feeders)
        return before - len(self.rows)

    def move_window(self, since: datetime) -> None:
        """Let the window of time begin later: rows from before that go."""
        self.since = since
        if self.rows:
            self._rows.cut(self.first_from(micros(since)))

    # One row

    def is_note(self, row: int) -> bool:
        return bool(row & NOTE)

    def label(self, row: int) -> str:
        """What tells this row's origin from the others; empty where there is only one."""
        if len(self.labels) < 2:
            return ""
        return self._origins.name(number_of(row), self.records.origin(row))

    def when(self, row: int) -> int:
        """When a row stands to have happened, in microseconds since 1970."""
        number, seq = number_of(row), row & MASK
        if self.merged:
            return row >> WHEN
        tail = self._feeders[number].tail
        if row & NOTE:
            return next((micros(note.at) for note in tail.told if note.number == seq), 0)
        held = tail.block_of(seq)
        return 0 if held is None else self.times(number, *held)[seq - held[0]]

    def times(self, number: int, first: int, block: LogBlock) -> Sequence[int]:
        """When each line of a block happened."""
        return self._stamps.of(number, first, block)

    def first_from(self, when: int) -> int:
        """The index of the first row that is not before a time."""
        return bisect_left(self.rows, when, key=self.when)

    def count_from(self, when: int, most: int) -> int:
        """How many of the last rows, at most so many, are not before a time."""
        low = max(0, len(self.rows) - most)
        return len(self.rows) - bisect_left(self.rows, when, lo=low, key=self.when)

    def nearest(self, when: int) -> int:
        """The index of the row that is nearest to a time; -1 where there is none."""
        at = self.first_from(when)
        if at == len(self.rows) or (at and when - self.when(self.rows[at - 1]) < self.when(self.rows[at]) - when):
            at -= 1
        return at

    def text(self) -> Iterator[bytes]:
        """Every row as it is shown, in order; notes and what was dropped left out."""
        for row in self.rows:
            seq = row & MASK
            feeder = self._feeders[number_of(row)]
            found = None if row & NOTE else feeder.tail.lines(seq, seq + 1)
            if found:
                yield feeder.reader.shown(found[0].raw)

    # Choosing

    def _rows_of(self, chunk: Chunk) -> list[int]:
        tail = self._feeders[chunk.number].tail
        first = tail.span.first
        notes = [
            note
            for note in tail.told
            if chunk.low <= note.after
            and (note.after < chunk.high or (chunk.last and note.after == chunk.high))
            and note.number < self._notes[chunk.number]
            and note.after >= first
            and (self.since is None or note.at >= self.since)
        ]
        return self._stretch(chunk.number, max(chunk.low, first), chunk.high, notes)

    def _stretch(self, number: int, low: int, high: int, notes: Sequence[Note]) -> list[int]:
        """The rows of one feeder's lines, with notes where they were told; not yet in order where several
        origins are merged."""
        self._rows.notes += len(notes)
        rows = self._filter.by_time if self.merged else self._filter.as_they_came
        return rows(number, low, high, notes)
