"""MatchCount: how many rows match a search, and which of them the cursor is on, counted in short steps."""

from __future__ import annotations

import time

from widgets.logs.lines import SLICE, LogLines
from widgets.logs.search import RowSearch
from widgets.logs.search_pattern import Pattern

MANY = 10_000
"""Matches beyond which it is not counted on: nobody goes through them one by one."""


class MatchCount:
    def __init__(self, lines: LogLines, pattern: Pattern) -> None:
        self.number = self.total = 0
        """Matches as far as the cursor, and all."""
        self._search = RowSearch(lines, 0, 1, pattern)

    def close(self) -> None:
        self._search.close()

    def go_on(self, cursor: int, seconds: float = SLICE) -> bool:
        """Count for so long; whether all are counted, or more than `MANY`. `cursor` is the index of its row."""
        until = time.monotonic() + seconds
        while self.total <= MANY and (left := until - time.monotonic()) > 0:
            found = self._search.go_on(left)
            if found is None:
                return False
            if found < 0:
                return True
            self.total += 1
            self.number += found <= cursor
            self._search.go_past()
        return self.total > MANY
