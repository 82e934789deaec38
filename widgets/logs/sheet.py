"""Sheet: which rows of a log view stand on the lines of the terminal, with the cursor in sight."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from backends.api.clock import Clock
from backends.clean import clean
from widgets.logs.anchors import Anchor
from widgets.logs.line import GONE, LABEL, Drawn, Manner, Times, day_of, drawn, stamp_width
from widgets.logs.lines import LogLines
from widgets.logs.search_pattern import Pattern
from widgets.quantities import count
from widgets.safe import begun, cells, cuts, wrapped

PARTS = 50
"""Lines of the terminal that one wrapped line may fill."""
HEAD_NOTES = 5
HEAD, LESSON = -1, -2
"""Rows that are no rows: what stands before the first one, and what is said where there is none."""


class Piece(Struct, frozen=True):
    """What one line of the terminal shows: a row, or a part of it where lines wrap. Two that are equal look the
    same, so that only what differs is painted."""

    row: int
    part: int = 0
    cursor: bool = False
    dated: bool = False
    text: str = ""


Placed = tuple[Piece, int]
"""A piece, and the index of its row."""


class Sheet:
    """Where one is in the rows of a log view, and in which manner they are shown."""

    def __init__(self, lines: LogLines, clock: Clock, *, alone: bool = False) -> None:
        self.lines = lines
        self.clock = clock
        self.alone = alone
        """Whether all lines are of one thing that is known: none says whose it is, and times have room only where
        there are any."""
        self.timed = False
        """Whether a line with a time was met."""
        self.wrapped = False
        self.times = Times.SHORT
        self.pattern: Pattern | None = None
        self.lesson: list[str] = []
        """What is said where no line is shown."""
        self.cursor, self.top = Anchor(-1), Anchor(0)
        self.top_part = 0
        """Lines of the first row that are above the terminal's first line."""
        self.placed: list[int] = []
        """The index of the row on each line; -1 for what is no row."""
        self._width = self._height = 0
        self.manner = Manner()
        self._texts: dict[tuple[int, bool], tuple[Drawn, list[int]]] = {}
        lines.anchors.add(self.cursor, self.top)

    def forget(self) -> None:
        """Draw every row anew: the manner has changed, or the rows."""
        self._texts.clear()

    def lay_out(self, width: int, height: int) -> list[Piece | None]:
        """What each line of the terminal shows, with the cursor in sight."""
        self._width, self._height = width, height
        self._keep_manner()
        rows = self.lines.rows
        if self.top.index < 0 and self.cursor.index >= 0:
            self.top.index, self.top.line = max(0, self.cursor.index - height // 2), -1
        self.cursor.index = min(self.cursor.index, len(rows) - 1)
        top = max(0, min(self.top.index, len(rows) - 1))
        if self.cursor.index < top or (self.cursor.index == top and self.top_part):
            top, self.top_part = max(0, self.cursor.index), 0
        placed = self._from(top, height)
        if placed and placed[-1][1] < self.cursor.index:
            placed = self._until(self.cursor.index, height)
        elif placed and placed[-1][1] == self.cursor.index and len(placed) == height:
            placed = self._until(self.cursor.index, height) if self._is_cut(placed[-1][0]) else placed
        if len(placed) < height and (top or self.top_part):
            placed = self._until(len(rows) - 1, height)
        first = next(((piece, at) for piece, at in placed if piece.row >= 0), None)
        self.top.index, self.top_part = (first[1], first[0].part) if first else (0, 0)
        self.placed = [at for _, at in placed]
        pieces: list[Piece | None] = [piece for piece, _ in placed]
        if not self.lines.shown:
            lesson = [part for text in self.lesson for part in wrapped(clean(begun(text)), max(20, width - 3))]
            pieces += [None, *(Piece(LESSON, i, text=text) for i, text in enumerate(lesson))]
        return [*pieces[:height], *[None] * (height - len(pieces))]

    def _from(self, top: int, height: int) -> list[Placed]:
        """Downwards from a row on; before the very first stands what was let go."""
        placed: list[Placed] = [] if top or self.top_part else self._head()
        day: date | None = self.clock.now().astimezone().date()
        part = self.top_part
        for at in range(top, len(self.lines.rows)):
            if len(placed) >= height:
                break
            pieces, day = self._pieces(at, day)
            placed += pieces[part:] if part < len(pieces) else pieces[-1:]
            part = 0
        return placed[:height]

    def _until(self, bottom: int, height: int) -> list[Placed]:
        """Upwards from a row, whose end is in sight."""
        first, used = bottom, len(self._pieces(bottom, None)[0])
        while first > 0 and used < height:
            first -= 1
            used += len(self._pieces(first, None)[0])
        placed: list[Placed] = [] if first or used > height else self._head()
        day: date | None = self.clock.now().astimezone().date()
        for at in range(first, bottom + 1):
            pieces, day = self._pieces(at, day)
            placed += pieces
        if len(placed) > height and len(pieces) >= height:
            return pieces[:height]
        return placed[-height:]

    def _is_cut(self, piece: Piece) -> bool:
        """Whether a row goes on below the last line, although it could be seen whole."""
        parts = len(self.text(piece.row, piece.dated)[1])
        return piece.part + 1 < parts < self._height

    def _head(self) -> list[Placed]:
        lines = self.lines
        if not lines.dropped:
            return []
        texts = [f"{count(lines.dropped)} older lines dropped from memory"]
        texts += [note.text for note in lines.unplaced[-HEAD_NOTES:]]
        return [(Piece(HEAD, i, text=text), -1) for i, text in enumerate(texts)]

    def _pieces(self, at: int, day: date | None) -> tuple[list[Placed], date | None]:
        """The lines of one row, and its day. `day` is that of the row above, None where it does not matter."""
        row = self.lines.rows[at]
        dated = False
        if self.times is Times.SHORT:
            own = day_of(self.lines.records.of(row))
            dated = own is not None and day is not None and own != day
            day = own or day
        parts = len(self.text(row, dated)[1]) if self.wrapped else 1
        cursor = at == self.cursor.index
        return [(Piece(row, part, cursor, dated), at) for part in range(parts)], day

    def text(self, row: int, dated: bool) -> tuple[Drawn, list[int]]:
        """A row drawn, and where its wrapped lines begin; kept until the manner changes."""
        known = self._texts.get((row, dated))
        if known is not None:
            return known
        if len(self._texts) > 4 * max(1, self._height):
            self._texts.clear()
        record = self.lines.records.of(row)
        text = GONE if record is None else drawn(record, self.lines.label(row), self.manner, dated=dated)
        rooms = [self._width - self.inset(text, part) for part in (1, 0)]
        starts = cuts(text.text, rooms[0], PARTS, rooms[1]) if self.wrapped else [0]
        self._texts[row, dated] = (text, starts)
        return text, starts

    def inset(self, text: Drawn, part: int) -> int:
        """The cells before a part of a wrapped line: its head, and less where it goes on and that is wide."""
        return min(text.head_width, self._width // 2) if part else text.head_width

    def _keep_manner(self) -> None:
        """When another origin appears, names of origins need room: a share of what times leave of it."""
        labels = self.lines.labels
        times = self.times if self._has_times() else Times.NONE
        dates = times is Times.SHORT and self._has_dates()
        most = min(LABEL, max(1, self._width - stamp_width(times, dates=dates)) // 3)
        label = min(most, max(map(cells, labels))) if len(labels) > 1 and not self.alone else 0
        found = None if self.pattern is None else self.pattern.shown
        manner = Manner(times, label, dates, found)
        if manner != self.manner:
            self.manner = manner
            self.forget()

    def _has_dates(self) -> bool:
        """Whether lines of another day than today may be in sight, where rows are in the order of time."""
        rows, cursor = self.lines.rows, self.cursor.index
        near = rows[max(0, cursor - self._height) : cursor + 1]
        days = (day_of(self.lines.records.of(row)) for row in near)
        first = next((day for day in days if day is not None), None)
        return first is not None and first != self.clock.now().astimezone().date()

    def _has_times(self) -> bool:
        if self.alone and not self.timed:
            rows, top = self.lines.rows, max(0, self.top.index)
            near = (*rows[top : top + self._height], *rows[-self._height :])
            self.timed = any(day_of(self.lines.records.of(row)) is not None for row in near)
        return self.timed or not self.alone
