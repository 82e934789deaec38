"""RowSearch: a search through the rows of a log view, in steps short enough that no key waits for it."""

from __future__ import annotations

import time
from collections.abc import Set

from msgspec import Struct

from backends.api.log_errors import is_error, possible_errors
from backends.api.logs import LogBlock
from widgets.logs.anchors import Anchor
from widgets.logs.feeder import HEAD, LINE, MASK, SOURCE, number_of
from widgets.logs.lines import SLICE, LogLines
from widgets.logs.search_pattern import Pattern

PARSED = 200
"""Lines that are parsed between two looks at the time."""


class Wish(Struct, frozen=True):
    """What is searched for, in the direction of `step`: the next match, or the next error; `near`: the nearest
    match from the cursor on, which it may be on already."""

    step: int
    errors: bool = False
    near: bool = False


class RowSearch:
    """Looks for the next match of a pattern, or for the next error where there is no pattern."""

    def __init__(self, lines: LogLines, start: int, step: int, pattern: Pattern | None) -> None:
        self._lines = lines
        self._step = step
        self._pattern = pattern
        self._at = Anchor(start)
        self._looked: dict[int, tuple[LogBlock, Set[int]]] = {}
        lines.anchors.add(self._at)

    def close(self) -> None:
        self._lines.anchors.remove(self._at)

    def go_on(self, seconds: float = SLICE) -> int | None:
        """Search for so long: the index of the row that was found, -1 when there is none, None to go on."""
        lines, rows, anchor, step = self._lines, self._lines.rows, self._at, self._step
        until = time.monotonic() + seconds
        while 0 <= anchor.index < len(rows):
            if time.monotonic() > until:
                return None
            found = self._within_block(rows)
            if found is not None:
                return found
        # Older rows may still come from a filter that is at work.
        if step < 0 and lines.filtering:
            return None
        return -1

    def go_past(self) -> None:
        """On from the row that was found."""
        self._at.index += self._step

    def _within_block(self, rows: list[int]) -> int | None:
        """Look at the rows that follow each other in one block of lines, and go past them."""
        lines, anchor, step = self._lines, self._at, self._step
        row = rows[anchor.index]
        # Rows of one origin that follow each other are in one block, mostly.
        origin, seq = (row & LINE) >> HEAD, row & MASK
        held = None if lines.is_note(row) else lines.feeders[number_of(row)].tail.block_of(seq)
        if held is None:
            hit = self._pattern is not None and lines.is_note(row) and self._note_matches(row)
            if hit:
                return anchor.index
            anchor.index += step
            return None
        first, block = held
        wanted = self._wanted(origin, block)
        low = (origin << HEAD) + first
        high = low + block.count
        at, last, parsed = anchor.index, len(rows), 0
        while 0 <= at < last and low <= rows[at] & LINE < high and parsed < PARSED:
            if (rows[at] & LINE) - low in wanted:
                if self._is_one(rows[at]):
                    anchor.index = at
                    return at
                parsed += 1
            at += step
        anchor.index = at
        return None

    def _wanted(self, origin: int, block: LogBlock) -> Set[int]:
        known = self._looked.get(origin)
        if known is not None and known[0] is block:
            return known[1]
        if self._pattern is None:
            found = possible_errors(block.data)
        else:
            reader = self._lines.feeders[origin >> SOURCE - HEAD].reader
            found = self._pattern.numbers(reader.shown(block.data))
        wanted = frozenset(found)
        self._looked[origin] = (block, wanted)
        return wanted

    def _is_one(self, row: int) -> bool:
        if self._pattern is not None:
            return True
        return is_error(self._lines.records.of(row))

    def _note_matches(self, row: int) -> bool:
        found = self._lines.records.raw(row)
        return found is not None and self._pattern is not None and self._pattern.matches(found[0])
