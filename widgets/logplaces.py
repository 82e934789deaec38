"""Places: indexes into the rows of a log view that stay on their rows, whatever comes before or is let go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct

from widgets.logfeeder import LINE

Held = list[tuple["Place", int | None]]
"""Places with the rows that they are on; None for one behind the last."""


class Place(Struct):
    """While the rows are chosen anew, `line` says which one is to be found again; it is -1 once that is there."""

    index: int
    line: int = -1


class Places:
    """All places of one view. Whoever changes its rows says so here."""

    def __init__(self) -> None:
        self._all: list[Place] = []

    def add(self, *places: Place) -> None:
        self._all += places

    def remove(self, gone: Place) -> None:
        self._all = [place for place in self._all if place is not gone]

    def leave(self, rows: Sequence[int]) -> None:
        """The rows are about to be chosen anew."""
        for place in self._all:
            if 0 <= place.index < len(rows):
                place.line = rows[place.index] & LINE
            place.index = -1

    def came_before(self, count: int) -> None:
        """So many rows have come before the first."""
        for place in self._all:
            if place.line < 0:
                place.index += count

    def went(self, count: int) -> None:
        """So many rows have gone, from the first on."""
        for place in self._settled:
            place.index = max(0, place.index - count)

    def held(self, rows: Sequence[int]) -> Held:
        """Which rows they are on, to bring them back there when others have come between or have gone."""
        return [(place, rows[place.index] if place.index < len(rows) else None) for place in self._settled]

    def restore(self, held: Held, rows: Sequence[int]) -> None:
        """`rows` are in order; a place whose row is gone is on what comes after it."""
        for place, row in held:
            place.index = len(rows) if row is None else bisect_left(rows, row)

    def find_again(self, came: Sequence[int], rows: list[int], *, ordered: bool) -> None:
        """Those that were left and whose rows are among those that came."""
        for place in self._all:
            if place.line < 0:
                continue
            row = next((row for row in came if row & LINE == place.line), None)
            if row is not None:
                place.index = bisect_left(rows, row) if ordered else rows.index(row)
                place.line = -1

    @property
    def _settled(self) -> list[Place]:
        return [place for place in self._all if place.line < 0 and place.index >= 0]
