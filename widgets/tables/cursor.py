"""TableCursor: which row of a table is meant, and which are marked. Both stay with keys, not with places."""

from __future__ import annotations

from typing import Any

from widgets.tables.rows import TableRows


class TableCursor:
    """On one of the rows in their order; `settle` finds it again where that has changed."""

    def __init__(self, rows: TableRows) -> None:
        self._rows = rows
        self.key: str | None = None
        """Of the row that it is on; None where there is none."""
        self.at = 0
        """The place of that row."""
        self.marks: set[str] = set()
        self.wanted: str | None = None
        """The row that it goes to as soon as that is there."""
        self._chosen = False
        """Whether somebody has chosen a row: until then the top of the table is what is looked at."""
        self._mark_from: str | None = None

    def go_to(self, index: int) -> None:
        """Onto the row at a place, or the nearest that there is. Not where there is none at all."""
        order = self._rows.order
        self._chosen = True
        self.at = min(max(index, 0), len(order) - 1)
        self.key = order[self.at]

    def choose(self, *, chosen: bool) -> None:
        """Whether the row that it is on is what is meant, not whatever is the first."""
        self._chosen = chosen

    def settle(self) -> None:
        """After rows have come, gone or changed places: onto its row again, or where that row was."""
        order, place = self._rows.order, self._rows.place
        if self._mark_from not in place:
            # What was out of sight must not decide which rows are meant.
            self._mark_from = None
        if self.wanted in place:
            self._chosen, self.key, self.wanted = True, self.wanted, None
        if order:
            at = place.get(self.key or "") if self._chosen else 0
            self.at = at if at is not None else min(self.at, len(order) - 1)
            self.key = order[self.at]
        else:
            self.at, self.key = 0, None

    def forget_gone(self) -> None:
        """No row that is not there is marked."""
        self.marks &= self._rows.all.keys()

    def mark(self) -> None:
        """Its row, or not any more."""
        if self.key is not None:
            self.marks ^= {self.key}
            self._mark_from = self.key if self.key in self.marks else None

    def mark_range(self) -> None:
        """From the last mark, as long as it has been in sight ever since, else the row alone."""
        start = self._rows.place.get(self._mark_from or "", self.at)
        low, high = sorted((start, self.at))
        self.marks |= set(self._rows.order[low : high + 1])
        self._mark_from = self.key

    def unmark(self) -> None:
        self.marks.clear()
        self._mark_from = None

    def marked(self, *, shown: bool) -> list[Any]:
        """The marked rows: those that pass the filter, in their order, or all of them."""
        keys = self._rows.order if shown else self._rows.all
        return [self._rows.all[key][0] for key in keys if key in self.marks]
