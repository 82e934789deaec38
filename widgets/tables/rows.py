"""TableRows: the rows of a table by their keys, which of them pass the filter, and in which order."""

from __future__ import annotations

from typing import Any

from backends.api.clock import Clock
from backends.api.readings import FeedKey, Readings
from widgets.freshness import Sight
from widgets.tables.columns import Kind
from widgets.tables.row_filter import RowFilter

RESORT = 2.0
"""Seconds between two sorts by a number that moves: rows must hold still to be read."""


class TableRows:
    """Rows of one kind from any number of readings. `take` brings new facts, `settle` puts them in order."""

    def __init__(self, kind: Kind[Any], clock: Clock) -> None:
        self._kind, self.clock = kind, clock
        self._readings: Readings = {}
        self.all: dict[str, tuple[Any, FeedKey]] = {}
        """Each with whose it is, by its key."""
        self.order: list[str] = []
        """The keys of those that pass the filter, in their order."""
        self.place: dict[str, int] = {}
        """Where each of those stands."""
        self.filter_text = ""
        self.sort_key, self.descending = kind.sort, self.first_direction(kind.sort)
        self._filter = RowFilter(kind)
        self._sorted_at = 0.0
        self._unsorted = False

    def row(self, key: str) -> Any | None:
        found = self.all.get(key)
        return None if found is None else found[0]

    def sight_of(self, key: str) -> Sight:
        """How true a row is, now."""
        found = self.all.get(key)
        reading = None if found is None else self._readings.get(found[1])
        return Sight.of(reading, self.clock.monotonic(), self.clock.now())

    def sights(self) -> dict[FeedKey, Sight]:
        """How true each source is, now."""
        now, wall = self.clock.monotonic(), self.clock.now()
        return {feed: Sight.of(reading, now, wall) for feed, reading in self._readings.items()}

    def first_direction(self, key: str) -> bool:
        """Whether the greatest comes first where rows are sorted by a column anew."""
        column = self._kind.column(key)
        return column is not None and column.descending

    def take(self, readings: Readings) -> bool:
        """New facts; whether they are about the same rows, so that the order may wait until it is `due`."""
        rows: dict[str, tuple[Any, FeedKey]] = {}
        for feed, reading in readings.items():
            if reading.value:
                for key, row in reading.value.items():
                    rows[key] = (row, feed)
        may_wait = rows.keys() == self.all.keys() and not self.filter_text
        self._readings, self.all = readings, rows
        self._unsorted = self._unsorted or may_wait
        return may_wait

    @property
    def due(self) -> bool:
        """Whether the order may be other by now, and has stood long enough to be read."""
        return self._unsorted and self.clock.monotonic() - self._sorted_at >= RESORT

    def settle(self, *, held: bool) -> None:
        """Filter and order anew. While rows are held in their places, those that come are the last."""
        self._sorted_at = self.clock.monotonic()
        self._unsorted = held
        column = self._kind.column(self.sort_key)
        passes = self._filter.matcher(self.filter_text, len(self.all))
        if passes is None:
            rows = [row for row, _ in self.all.values()]
        else:
            sights = self.sights()
            rows = [row for row, feed in self.all.values() if passes(row, sights[feed])]
        if column is not None:
            rows = self._kind.order(rows, column, self.descending)
        if self._kind.group is not None:
            rows.sort(key=self._kind.group)
        if held:
            rows.sort(key=lambda row: self.place.get(row.key, len(self.place)))
        self.order = [row.key for row in rows]
        self.place = {key: i for i, key in enumerate(self.order)}
