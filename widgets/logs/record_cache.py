"""RecordCache: the rows of a log view, read when they are looked at."""

from __future__ import annotations

from backends.api.logs import LogRecord
from widgets.logs.feeder import MASK, NOTE, Feeder, number_of

RECORDS_KEPT = 1000
"""Parsed records that are remembered: a few screens in each direction."""
KEPT_BYTES = 16 << 20


class RecordCache:
    """What the rows of these feeders say."""

    def __init__(self, feeders: list[Feeder]) -> None:
        self._feeders = feeders
        self._known: dict[int, LogRecord] = {}
        self._bytes = 0

    def raw(self, row: int) -> tuple[bytes, str] | None:
        """A row's bytes and where they came from; None when they were dropped."""
        tail = self._feeders[number_of(row)].tail
        seq = row & MASK
        if row & NOTE:
            note = next((note for note in tail.told if note.number == seq), None)
            return None if note is None else (note.text.encode("utf-8", "replace"), "")
        found = tail.lines(seq, seq + 1)
        return (found[0].raw, found[0].origin) if found else None

    def of(self, row: int) -> LogRecord | None:
        """A row read; None when its bytes were dropped before anybody looked."""
        known = self._known.get(row)
        if known is not None:
            return known
        found = self.raw(row)
        if found is None:
            return None
        if len(self._known) >= RECORDS_KEPT or self._bytes > KEPT_BYTES:
            self._known.clear()
            self._bytes = 0
        feeder = self._feeders[number_of(row)]
        if row & NOTE:
            told = next(note for note in feeder.tail.told if note.number == row & MASK)
            record = LogRecord(feeder.source, found[0], told.text, told.at, None, "note")
        else:
            record = feeder.reader.parse(*found)
        self._known[row] = record
        self._bytes += len(found[0])
        return record

    def copied(self, row: int) -> bytes:
        """A row as it is copied; empty when it was dropped."""
        found = self.raw(row)
        if found is None:
            return b""
        return found[0] if row & NOTE else self._feeders[number_of(row)].reader.shown(found[0])

    def origin(self, row: int) -> str:
        found = self.raw(row)
        return "" if found is None else found[1]
