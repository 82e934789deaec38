"""Feeder: one source of lines, and how a row says which line of which of them it is.

A row is one integer: when, whose, and which line of its tail, or which note that the source told. So rows are in
the order of time when their integers are in order, 50,000 new lines a second are one `extend`, and nothing is
parsed but what is looked at. Where there is only one origin, *when* is zero: its own order is the order of time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from backends.api.logs import Beside, LogBatch, LogBlock, LogRecord, Sieve
from backends.api.tail import Tail

HEAD = 48
"""Bits of a line's number and, above it, of the mark of a note. Then come 8 bits of its origin and 12 of its
source: together they name a line for good."""
NOTE = 1 << 47
MASK = NOTE - 1
SOURCE, WHEN = 56, 68
LINE = (1 << WHEN) - 1
"""Everything but the time."""
ORIGINS = 200
"""Names of files that are told apart."""


class LineReader(Protocol):
    """What a log source can say of its lines (`backends.api.capabilities.Logs`)."""

    def parse(self, raw: bytes, origin: str) -> LogRecord: ...
    def moments(self, block: LogBlock) -> list[int | None]: ...
    def shown(self, data: bytes) -> bytes: ...
    def history(
        self, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]: ...


class Feeder(Struct, frozen=True):
    """One source of lines: its tail, and how its lines are read."""

    source: str
    tail: Tail
    reader: LineReader


def number_of(row: int) -> int:
    """Which feeder."""
    return row >> SOURCE & 0xFFF


class Origins:
    """The origins of all lines, each with its place among those of its source and a name that tells it apart."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        """All names, each once; fewer than two need not be shown."""
        self._names: dict[tuple[int, str], str] = {}
        self._places: dict[tuple[int, str], int] = {}

    def __len__(self) -> int:
        return len(self._places)

    @property
    def all(self) -> list[tuple[int, str]]:
        """Each feeder's number with an origin of it."""
        return list(self._places)

    def place(self, number: int, origin: str) -> int:
        """Where an origin stands among those of its source; the 200th and all after it stand together."""
        return self._places.get((number, origin), ORIGINS)

    def name(self, number: int, origin: str) -> str:
        return self._names.get((number, origin), "")

    def meet(self, number: int, feeders: list[Feeder], start: int) -> None:
        """Take in what is new from a line of a feeder on."""
        for _, block in feeders[number].tail.blocks(start):
            if (number, block.origin) not in self._places and len(self._places) < ORIGINS:
                self._places[number, block.origin] = sum(1 for other, _ in self._places if other == number)
                self._name_all(feeders)

    def _name_all(self, feeders: list[Feeder]) -> None:
        """By their source where there are several, by their file where a source has several of them."""
        sources = {feeder.source for feeder in feeders}
        of = [(feeders[number].source, origin.rsplit("/", 1)[-1]) for number, origin in self._places]
        several, files = Counter(source for source, _ in of), Counter(of)
        for (number, origin), (source, file) in zip(self._places, of, strict=True):
            names = [source.partition("/")[2] or source] if len(sources) > 1 else []
            if several[source] > 1:
                alike = files[source, file] > 1
                names.append("/".join(origin.rsplit("/", 2)[-2:]) if alike else file)
            self._names[number, origin] = " ".join(names)
        self.labels = sorted(set(self._names.values()))
