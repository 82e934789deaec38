"""Anchors: indexes into the rows of a log view that stay on their rows, whatever comes before or is let go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct

from widgets.logs.feeder import LINE

Held = list[tuple["Anchor", int | None]]
"""Anchors with the rows that they are on; None for one behind the last."""


class Anchor(Struct):
    """While the rows are chosen anew, `line` says which one is to be found again; it is -1 once that is there."""

    index: int
    line: int = -1


class Anchors:
    """All anchors of one view. Whoever changes its rows says so here."""

    def __init__(self) -> None:
        self._all: list[Anchor] = []

    def add(self, *anchors: Anchor) -> None:
        self._all += anchors

    def remove(self, gone: Anchor) -> None:
        self._all = [anchor for anchor in self._all if anchor is not gone]

    def leave(self, rows: Sequence[int]) -> None:
        """The rows are about to be chosen anew."""
        for anchor in self._all:
            if 0 <= anchor.index < len(rows):
                anchor.line = rows[anchor.index] & LINE
            anchor.index = -1

    def came_before(self, count: int) -> None:
        """So many rows have come before the first."""
        for anchor in self._all:
            if anchor.line < 0:
                anchor.index += count

    def went(self, count: int) -> None:
        """So many rows have gone, from the first on."""
        for anchor in self._settled:
            anchor.index = max(0, anchor.index - count)

    def held(self, rows: Sequence[int]) -> Held:
        """Which rows they are on, to bring them back there when others have come between or have gone."""
        return [(anchor, rows[anchor.index] if anchor.index < len(rows) else None) for anchor in self._settled]

    def restore(self, held: Held, rows: Sequence[int]) -> None:
        """`rows` are in order; a anchor whose row is gone is on what comes after it."""
        for anchor, row in held:
            anchor.index = len(rows) if row is None else bisect_left(rows, row)

    def find_again(self, came: Sequence[int], rows: list[int], *, ordered: bool) -> None:
        """Those that were left and whose rows are among those that came."""
        for anchor in self._all:
            if anchor.line < 0:
                continue
            row = next((row for row in came if row & LINE == anchor.line), None)
            if row is not None:
                anchor.index = bisect_left(rows, row) if ordered else rows.index(row)
                anchor.line = -1

    @property
    def _settled(self) -> list[Anchor]:
        return [anchor for anchor in self._all if anchor.line < 0 and anchor.index >= 0]
