"""LogView: lines of one or several sources, followed or looked back through; only what is in sight is parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from backends.api.clock import Clock, LoopClock
from backends.api.models import LogRecord, Reading
from widgets.columns import Look
from widgets.logfeeder import Feeder, micros, moment_of
from widgets.logline import (
    GONE,
    LABEL,
    NOTE_MARK,
    Drawn,
    Manner,
    Times,
    cells,
    cuts,
    day_of,
    drawn,
    slice_of,
    under_cursor,
    window,
)
from widgets.loglines import LogLines, Place
from widgets.logsearch import Pattern, compiled
from widgets.logseek import Seek
from widgets.private import congested
from widgets.safe import line, style
from widgets.units import count

SETTLE = 1.0
"""Seconds in which what was there before comes in."""
RATE = 5.0
"""Seconds over which lines per second are counted."""
PARTS = 50
"""Lines of the terminal that one wrapped line may fill."""
HEAD_NOTES = 5
HEAD, LESSON = -1, -2
"""Rows that are no rows: what stands before the first one, and what is said where there is none."""


class _Piece(Struct, frozen=True):
    """What one line of the terminal shows: a row, or a part of it where lines wrap. Two that are equal look the
    same, so that only what differs is painted."""

    row: int
    part: int = 0
    cursor: bool = False
    dated: bool = False
    text: str = ""


_Placed = tuple[_Piece, int]
"""A piece, and the index of its row."""


class LogView(Widget):
    DEFAULT_CSS = "LogView { height: 1fr; width: 1fr; }"
    readings: var[Mapping[tuple[str, str], Reading[Any]]] = var({}, always_update=True)

    class Changed(Message):
        """What the title says has changed: following, the number of lines, the search."""

    class Sought(Message):
        """A search has ended."""

        def __init__(self, found: bool) -> None:
            super().__init__()
            self.found = found

    class Arrived(Message):
        """The line nearest to a time is under the cursor; it is so much older than that time."""

        def __init__(self, asked: datetime, missed: timedelta) -> None:
            super().__init__()
            self.asked = asked
            self.missed = missed

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__()
        self.clock = clock or LoopClock()
        self.lines = LogLines()
        self.following = True
        self.wrapped = False
        self.times = Times.SHORT
        self.left = 0
        self.pattern: Pattern | None = None
        self._cursor, self._top = Place(-1), Place(0)
        self._top_part = 0
        self.lines.places += [self._cursor, self._top]
        self._drawn: list[_Piece | None] = []
        self._placed: list[int] = []
        self._lesson: list[str] = []
        self._texts: dict[tuple[int, bool], tuple[Drawn, list[int]]] = {}
        self._manner = Manner()
        self._seek: Seek | None = None
        self._aim: int | None = None
        self._at_work = False
        self._arrived: list[tuple[float, int]] = []
        self._shown_at = float("-inf")
        self._rate = (float("-inf"), 0.0)

    # What it shows

    def show(self, feeders: Sequence[Feeder]) -> None:
        """Show these sources' lines, at their end."""
        self.stop_seeking()
        self._cursor.index, self._top.index = -1, 0
        self._aim = None
        self.lines.show(feeders)
        self.following = True
        self._arrived = []
        self._shown_at = self.clock.monotonic()
        self._settle()

    def teach(self, lines: list[str]) -> None:
        """What to say while there is no line to show."""
        if lines != self._lesson:
            self._lesson = lines
            self.flush()

    @property
    def cursor(self) -> int:
        """The index of the row under the cursor; -1 when there is none."""
        return self._cursor.index

    @property
    def searching(self) -> bool:
        return self._seek is not None

    @property
    def rate(self) -> float:
        """Lines per second, over the last seconds; it changes once a second, to be read."""
        now = self.clock.monotonic()
        at, rate = self._rate
        if now - at >= 1.0:
            rate = sum(came for when, came in self._arrived if now - when <= RATE) / RATE
            self._rate = (now, rate)
        return rate

    @property
    def current(self) -> LogRecord | None:
        row = self._current_row
        return None if row is None else self.lines.records.of(row)

    @property
    def current_origin(self) -> str:
        row = self._current_row
        return "" if row is None else self.lines.records.origin(row)

    @property
    def _current_row(self) -> int | None:
        rows = self.lines.rows
        return rows[self.cursor] if 0 <= self.cursor < len(rows) else None

    def watch_readings(self, readings: Mapping[tuple[str, str], Reading[Any]]) -> None:
        below = self.cursor - self._top.index
        came = self.lines.take()
        now = self.clock.monotonic()
        # What was there before counts for nothing: the rate is of what comes while one looks.
        if came and now - self._shown_at > SETTLE:
            self._arrived = [(at, lines) for at, lines in self._arrived if now - at <= RATE]
            self._arrived.append((now, came))
        self.lines.trim()
        if not self.following and self.cursor >= 0:
            # Lines that were put above the cursor don't move it on the terminal.
            self._top.index = max(0, self.cursor - below)
        self._came_in()
        if self.lines.behind or self.lines.filtering:
            self._work()

    # What the user wants

    def move(self, rows: int) -> None:
        self.go_to(self.cursor + rows)

    def page(self, share: float) -> None:
        self.move(round(share * max(1, self.size.height)))

    def go_to(self, index: int) -> None:
        self.stop_seeking()
        last = len(self.lines.rows) - 1
        self._cursor.index = min(max(index, 0), last)
        if self.cursor < last:
            self.following = False
        self.flush()
        self._changed()

    def go_to_time(self, moment: datetime) -> None:
        """To the line that is nearest to a time, as soon as all lines about it are in their places."""
        self.stop_seeking()
        self.following = False
        self._aim = micros(moment)
        self._take_aim()
        self._came_in()

    def _take_aim(self) -> None:
        if self._aim is None:
            return
        rows = self.lines.rows
        self._cursor.index = self.lines.nearest(self._aim)
        self._top.index = max(0, self.cursor - self.size.height // 2)
        self._top_part = 0
        known = bool(rows) and self.lines.when(rows[0]) < self._aim
        if (known or not self.lines.filtering) and not self.lines.behind and rows:
            missed = self._aim - self.lines.when(rows[self.cursor])
            asked, self._aim = moment_of(self._aim), None
            self.post_message(self.Arrived(asked, timedelta(microseconds=missed)))

    def follow(self, on: bool) -> None:
        self.stop_seeking()
        self.following = on
        if on:
            self._cursor.index = len(self.lines.rows) - 1
        self.flush()
        self._changed()

    def set_pattern(self, text: str) -> None:
        self.stop_seeking()
        self.pattern = compiled(text)
        self.repaint()

    def set_filter(self, keep: str, since: datetime | None, only: frozenset[str] = frozenset()) -> None:
        """Show only lines that match, that are not older, and that are of these origins (none: of all); the
        cursor stays on its line, if that passes."""
        self.stop_seeking()
        if self.following:
            self._cursor.index = -1
        self._top.index = -1
        self.lines.set_filter(compiled(keep), since, only)
        self._settle()

    def wrap(self, on: bool) -> None:
        self.wrapped, self.left = on, 0
        self.repaint()

    def seek(self, step: int, *, errors: bool = False) -> None:
        """Go to the next match, or the next error, in one direction; a long way is gone in short steps."""
        self.stop_seeking()
        self._seek = Seek(self.lines, self.cursor + step, step, None if errors else self.pattern)
        self._work()

    def stop_seeking(self) -> None:
        self._aim = None
        if self._seek is not None:
            self._seek.close()
            self._seek = None

    def work(self) -> bool:
        """One short step of what takes longer than a key may wait: a filter, then a search; False when nothing
        is left to do."""
        if self.lines.behind:
            self.watch_readings(self.readings)
        elif self.lines.filtering:
            self.lines.go_on()
            self._came_in()
        elif self._seek is not None:
            self._seek_on(self._seek)
        return self.lines.behind or self.lines.filtering or self.searching

    def _came_in(self) -> None:
        """Rows have come: the cursor to where it belongs."""
        self._take_aim()
        if self._cursor.line >= 0 and not self.lines.filtering:
            # What was under it does not pass.
            self._cursor.line, self.following = -1, True
        if self.following or (self.cursor < 0 and self._cursor.line < 0):
            self._cursor.index = len(self.lines.rows) - 1
        self.flush()
        self._changed()

    def _seek_on(self, seek: Seek) -> None:
        found = seek.go_on()
        if found is None:
            return
        self.stop_seeking()
        if found >= 0:
            self.go_to(found)
        if self.is_attached:
            self.post_message(self.Sought(found >= 0))

    def _work(self) -> None:
        """Work until it is done, with the loop's turns in between."""
        if not self._at_work and self.work() and self.is_attached:
            self._at_work = True
            self.set_timer(0.001, self._work_on)

    def _work_on(self) -> None:
        self._at_work = False
        self._work()

    def _settle(self) -> None:
        """The rows are others than before."""
        self._top_part = 0
        self._texts.clear()
        self._drawn = []
        self._came_in()
        self.repaint()
        if self.lines.filtering:
            self._work()

    def _changed(self) -> None:
        if self.is_attached:
            self.post_message(self.Changed())

    # Painting

    def flush(self) -> None:
        """Paint the lines that differ from what stands on the terminal."""
        if not self.is_attached or not self.size.height or congested(self.app):
            return
        layout = self._layout()
        if len(layout) != len(self._drawn):
            self.refresh()
            return
        for y, (new, old) in enumerate(zip(layout, self._drawn, strict=True)):
            if new != old:
                self.refresh(Region(0, y, self.size.width, 1))
        self._drawn = layout

    def repaint(self) -> None:
        """Paint all of it: the manner has changed."""
        self._drawn = []
        self._texts.clear()
        if self.is_attached:
            self.refresh()

    def on_resize(self) -> None:
        self._drawn = []
        self._texts.clear()

    def _layout(self) -> list[_Piece | None]:
        """What each line of the terminal shows, with the cursor in sight."""
        self._keep_manner()
        rows, height = self.lines.rows, self.size.height
        if self._top.index < 0 and self.cursor >= 0:
            self._top.index, self._top.line = max(0, self.cursor - height // 2), -1
        self._cursor.index = min(self.cursor, len(rows) - 1)
        top = max(0, min(self._top.index, len(rows) - 1))
        if self.cursor < top or (self.cursor == top and self._top_part):
            top, self._top_part = max(0, self.cursor), 0
        placed = self._from(top, height)
        if placed and placed[-1][1] < self.cursor:
            placed = self._until(self.cursor, height)
        elif placed and placed[-1][1] == self.cursor and len(placed) == height:
            placed = self._until(self.cursor, height) if self._is_cut(placed[-1][0]) else placed
        if len(placed) < height and (top or self._top_part):
            placed = self._until(len(rows) - 1, height)
        first = next(((piece, at) for piece, at in placed if piece.row >= 0), None)
        self._top.index, self._top_part = (first[1], first[0].part) if first else (0, 0)
        self._placed = [at for _, at in placed]
        pieces: list[_Piece | None] = [piece for piece, _ in placed]
        if not self.lines.shown:
            pieces += [None, *(_Piece(LESSON, i, text=text) for i, text in enumerate(self._lesson))]
        return [*pieces[:height], *[None] * (height - len(pieces))]

    def _from(self, top: int, height: int) -> list[_Placed]:
        """Downwards from a row on; before the very first stands what was let go."""
        placed: list[_Placed] = [] if top or self._top_part else self._head()
        day: date | None = self.clock.now().astimezone().date()
        part = self._top_part
        for at in range(top, len(self.lines.rows)):
            if len(placed) >= height:
                break
            pieces, day = self._pieces(at, day)
            placed += pieces[part:] if part < len(pieces) else pieces[-1:]
            part = 0
        return placed[:height]

    def _until(self, bottom: int, height: int) -> list[_Placed]:
        """Upwards from a row, whose end is in sight."""
        first, used = bottom, len(self._pieces(bottom, None)[0])
        while first > 0 and used < height:
            first -= 1
            used += len(self._pieces(first, None)[0])
        placed: list[_Placed] = [] if first or used > height else self._head()
        day: date | None = self.clock.now().astimezone().date()
        for at in range(first, bottom + 1):
            pieces, day = self._pieces(at, day)
            placed += pieces
        if len(placed) > height and len(pieces) >= height:
            return pieces[:height]
        return placed[-height:]

    def _is_cut(self, piece: _Piece) -> bool:
        """Whether a row goes on below the last line, although it could be seen whole."""
        parts = len(self._text(piece.row, piece.dated)[1])
        return piece.part + 1 < parts < self.size.height

    def _head(self) -> list[_Placed]:
        lines = self.lines
        if not lines.dropped:
            return []
        texts = [f"{count(lines.dropped)} older lines dropped from memory"]
        texts += [note.text for note in lines.unplaced[-HEAD_NOTES:]]
        return [(_Piece(HEAD, i, text=text), -1) for i, text in enumerate(texts)]

    def _pieces(self, at: int, day: date | None) -> tuple[list[_Placed], date | None]:
        """The lines of one row, and its day. `day` is that of the row above, None where it does not matter."""
        row = self.lines.rows[at]
        dated = False
        if self.times is Times.SHORT:
            own = day_of(self.lines.records.of(row))
            dated = own is not None and day is not None and own != day
            day = own or day
        parts = len(self._text(row, dated)[1]) if self.wrapped else 1
        cursor = at == self.cursor
        return [(_Piece(row, part, cursor, dated), at) for part in range(parts)], day

    def _text(self, row: int, dated: bool) -> tuple[Drawn, list[int]]:
        """A row drawn, and where its wrapped lines begin; kept until the manner changes."""
        known = self._texts.get((row, dated))
        if known is not None:
            return known
        if len(self._texts) > 4 * max(1, self.size.height):
            self._texts.clear()
        record = self.lines.records.of(row)
        text = GONE if record is None else drawn(record, self.lines.label(row), self._manner, dated=dated)
        starts = cuts(text.text, max(20, self.size.width - self._inset(text)), PARTS) if self.wrapped else [0]
        self._texts[row, dated] = (text, starts)
        return text, starts

    def _inset(self, text: Drawn) -> int:
        """The cells before a wrapped line that goes on."""
        return min(text.head_width, self.size.width // 2)

    def _keep_manner(self) -> None:
        """When another origin appears, names of origins need room."""
        labels = self.lines.labels
        label = min(LABEL, max(map(cells, labels))) if len(labels) > 1 else 0
        found = None if self.pattern is None else self.pattern.shown
        manner = Manner(self.times, label, found)
        if manner != self._manner:
            self._manner = manner
            self._drawn = []
            self._texts.clear()

    def render_line(self, y: int) -> Strip:
        if len(self._drawn) != self.size.height:
            self._drawn = self._layout()
        piece, width = self._drawn[y] if y < len(self._drawn) else None, self.size.width
        if piece is None:
            return line([], width)
        if piece.row < 0:
            mark = f"{NOTE_MARK} " if piece.row == HEAD else "  "
            return line([(mark + piece.text, style(Look.DIM))], width)
        text, starts = self._text(piece.row, piece.dated)
        if not self.wrapped:
            room = max(1, width - text.head_width)
            parts = [*text.head, *window(text.body, self.left, room)]
        else:
            end = starts[piece.part + 1] if piece.part + 1 < len(starts) else starts[piece.part] + width
            body = slice_of(text.body, starts[piece.part], end)
            head = text.head if not piece.part else [(" " * self._inset(text), style())]
            parts = [*head, *body]
        return line(under_cursor(parts, width) if piece.cursor else parts, width)

    # Mouse

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        at = self._placed[event.y] if event.y < len(self._placed) else -1
        if at >= 0:
            self.go_to(at)
