"""LogView: lines of one or several sources, followed or looked back through; only what is in sight is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from backends.api.clock import Clock, LoopClock
from backends.api.models import Level, LogRecord, Reading
from backends.api.tail import Tail
from backends.clean import clean
from widgets.columns import Look
from widgets.loglines import LogLines, Parse, compiled
from widgets.private import congested
from widgets.safe import fit, line, style, width_of

MARKS: dict[Level, tuple[str, Look]] = {
    Level.FATAL: ("✖", Look.BAD),
    Level.ERROR: ("✖", Look.BAD),
    Level.WARN: ("▲", Look.WARN),
    Level.INFO: ("·", Look.PLAIN),
    Level.DEBUG: ("·", Look.DIM),
    Level.TRACE: ("·", Look.DIM),
}
LONG = 20_000
"""Characters of one line that can be seen by moving sideways; more is in the record (Enter)."""
TIMES = ("short", "full", "none")
SETTLE = 1.0
"""Seconds in which what was there before comes in."""
RATE = 5.0
"""Seconds over which lines per second are counted."""


class _Piece(Struct, frozen=True):
    """What one line of the terminal shows: a row, or a part of it where lines wrap."""

    row: int
    part: int
    cursor: bool


class LogView(Widget):
    DEFAULT_CSS = "LogView { height: 1fr; width: 1fr; }"
    readings: var[Mapping[tuple[str, str], Reading[Any]]] = var({}, always_update=True)

    class Changed(Message):
        """What the title says has changed: following, the number of lines, the search."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        super().__init__()
        self.clock = clock or LoopClock()
        self.lines = LogLines()
        self.following = True
        self.wrapped = False
        self.times = "short"
        self.left = 0
        self.pattern: re.Pattern[bytes] | None = None
        self.cursor = -1
        self.searching = False
        self._top = 0
        self._drawn: list[_Piece | None] = []
        self._lesson: list[str] = []
        self._search: Iterator[int | None] | None = None
        self._arrived: list[tuple[float, int]] = []
        self._shown_at = float("-inf")

    # What it shows

    def show(self, tails: Mapping[str, tuple[Tail, Parse]]) -> None:
        """Show these sources' lines, at their end."""
        self.lines.show(tails)
        self.following = True
        self.cursor = len(self.lines.rows) - 1
        self._arrived = []
        self._shown_at = self.clock.monotonic()
        self.repaint()

    def teach(self, lines: list[str]) -> None:
        """What to say while there is no line to show."""
        if lines != self._lesson:
            self._lesson = lines
            if not self.lines.rows:
                self.refresh()

    @property
    def rate(self) -> float:
        """Lines per second, over the last seconds."""
        now = self.clock.monotonic()
        recent = [count for at, count in self._arrived if now - at <= RATE]
        return sum(recent) / RATE

    @property
    def current(self) -> LogRecord | None:
        rows = self.lines.rows
        return self.lines.record(rows[self.cursor]) if 0 <= self.cursor < len(rows) else None

    @property
    def current_origin(self) -> str:
        rows = self.lines.rows
        return self.lines.origin(rows[self.cursor]) if 0 <= self.cursor < len(rows) else ""

    def watch_readings(self, readings: Mapping[tuple[str, str], Reading[Any]]) -> None:
        had = bool(self.lines.rows)
        came = self.lines.take()
        now = self.clock.monotonic()
        # What was there before counts for nothing: the rate is of what comes while one looks.
        if came and now - self._shown_at > SETTLE:
            self._arrived = [(at, count) for at, count in self._arrived if now - at <= RATE]
            self._arrived.append((now, came))
        gone = self.lines.trim()
        if gone:
            self.cursor = max(0, self.cursor - gone)
            self._top = max(0, self._top - gone)
        if self.following:
            self.cursor = len(self.lines.rows) - 1
        if had != bool(self.lines.rows):
            self.repaint()
        elif came or gone:
            self.flush()
        self.post_message(self.Changed())

    # What the user wants

    def move(self, rows: int) -> None:
        self.go_to(self.cursor + rows)

    def page(self, share: float) -> None:
        self.move(round(share * max(1, self.size.height)))

    def go_to(self, index: int) -> None:
        last = len(self.lines.rows) - 1
        self.cursor = min(max(index, 0), max(0, last))
        if self.cursor < last:
            self.following = False
        self.flush()
        self.post_message(self.Changed())

    def follow(self, on: bool) -> None:
        self.following = on
        if on:
            self.cursor = len(self.lines.rows) - 1
        self.flush()
        self.post_message(self.Changed())

    def set_pattern(self, text: str) -> None:
        self.pattern = compiled(text)
        self.repaint()

    def set_filter(self, keep: str, since: datetime | None) -> None:
        self.lines.set_filter(compiled(keep), since)
        self.cursor = len(self.lines.rows) - 1
        self.following = True
        self._top = 0
        self.repaint()
        self.post_message(self.Changed())

    def seek(self, step: int, *, errors: bool = False) -> None:
        """Go to the next match, or the next error, in one direction; a long way is gone in short steps."""
        pattern = None if errors else self.pattern
        self._search = self.lines.find(self.cursor + step, step, pattern)
        self.searching = True
        self._go_on_seeking()

    def stop_seeking(self) -> None:
        self._search = None
        self.searching = False

    def _go_on_seeking(self) -> None:
        if self._search is None:
            return
        found = next(self._search, -1)
        if found is None:
            self.set_timer(0.001, self._go_on_seeking)
            return
        self.stop_seeking()
        if found >= 0:
            self.go_to(found)
        self.post_message(self.Sought(found >= 0))

    class Sought(Message):
        """A search has ended."""

        def __init__(self, found: bool) -> None:
            super().__init__()
            self.found = found

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
        self._drawn = []
        self.refresh()

    def on_resize(self) -> None:
        self._drawn = []

    def _layout(self) -> list[_Piece | None]:
        """What each line of the terminal shows, with the cursor in sight."""
        rows, height = self.lines.rows, self.size.height
        self.cursor = min(self.cursor, len(rows) - 1)
        if self.cursor < self._top:
            self._top = max(0, self.cursor)
        pieces = self._from(self._top, height)
        if len(pieces) > height or (pieces and pieces[-1].row < self.cursor):
            pieces = self._until(self.cursor, height)
            self._top = pieces[0].row if pieces else 0
        return [*pieces[:height], *[None] * (height - len(pieces))]

    def _from(self, top: int, height: int) -> list[_Piece]:
        pieces: list[_Piece] = []
        at = top
        while at < len(self.lines.rows) and len(pieces) < height:
            pieces += self._pieces(at)
            at += 1
        # A row that begins in sight and ends below it is not in sight.
        if len(pieces) > height and pieces[height - 1].row == self.cursor and pieces[-1].row == self.cursor:
            return pieces
        return pieces[:height]

    def _until(self, bottom: int, height: int) -> list[_Piece]:
        pieces: list[_Piece] = []
        at = bottom
        while at >= 0 and len(pieces) < height:
            pieces = self._pieces(at) + pieces
            at -= 1
        return pieces[-height:]

    def _pieces(self, at: int) -> list[_Piece]:
        parts = 1
        if self.wrapped:
            width = max(20, self.size.width - 1)
            parts = min(20, -(-width_of("".join(text for text, _ in self._parts(at))) // width) or 1)
        return [_Piece(at, part, at == self.cursor) for part in range(parts)]

    def render_line(self, y: int) -> Strip:
        if len(self._drawn) != self.size.height:
            self._drawn = self._layout()
        piece = self._drawn[y] if y < len(self._drawn) else None
        width = self.size.width
        if piece is None or piece.row >= len(self.lines.rows):
            lesson = self._lesson[y - 1] if not self.lines.rows and 1 <= y < len(self._lesson) + 1 else ""
            return line([("  " + lesson, style(Look.DIM))], width)
        parts = self._parts(piece.row)
        if self.wrapped:
            room = max(20, width - 1)
            parts = _crop(parts, piece.part * room, room)
        elif self.left:
            parts = _crop(parts, self.left, width)
        else:
            parts = _crop(parts, 0, width)
        if piece.cursor:
            parts = [(text, made + Style(reverse=True)) for text, made in parts]
            parts.append((" " * width, style(reverse=True)))
        return line(parts, width)

    def _parts(self, at: int) -> list[tuple[str, Style]]:
        row = self.lines.rows[at]
        record = self.lines.record(row)
        if record is None:
            return [("this line is no longer kept", style(Look.DIM))]
        mark, look = MARKS[record.level] if record.level is not None else (" ", Look.PLAIN)
        parts: list[tuple[str, Style]] = [(self._stamp(record.time), style(Look.DIM))]
        parts.append((f"{mark} ", style(look)))
        label = self._label(row)
        if label:
            parts.append((fit(label, 14) + " ", style(Look.DIM)))
        body = style(look if look in (Look.BAD, Look.WARN) else Look.PLAIN)
        message = clean(record.message[:LONG])
        parts += self._highlighted(message, body)
        extra = " ".join(f"{key}={value}" for key, value in record.fields.items())
        if extra:
            parts += self._highlighted("  " + clean(extra[:LONG]), style(Look.DIM))
        return parts

    def _label(self, row: int) -> str:
        """Which file a line is from, where there are several."""
        origin = self.lines.origin(row)
        name = origin.rsplit("/", 1)[-1]
        return name if self._several() else ""

    def _several(self) -> bool:
        if len(self.lines.feeders) > 1:
            return True
        origins = {block.origin for feeder in self.lines.feeders for _, block in list(feeder.tail.blocks())[-20:]}
        return len(origins) > 1

    def _stamp(self, moment: datetime | None) -> str:
        if self.times == "none":
            return ""
        pattern = "%Y-%m-%d %H:%M:%S%z" if self.times == "full" else "%H:%M:%S"
        width = 24 if self.times == "full" else 8
        if moment is None:
            return " " * (width + 1)
        local = moment.astimezone()
        if self.times == "short" and local.date() != self.clock.now().astimezone().date():
            return local.strftime("%m-%d %H:%M") + " "
        return local.strftime(pattern) + " "

    def _highlighted(self, text: str, made: Style) -> list[tuple[str, Style]]:
        if self.pattern is None:
            return [(text, made)]
        found = re.compile(self.pattern.pattern.decode(), self.pattern.flags & re.IGNORECASE)
        parts = []
        at = 0
        for match in found.finditer(text):
            if match.end() > match.start():
                parts += [
                    (text[at : match.start()], made),
                    (match.group(), style(Look.WARN, reverse=True)),
                ]
                at = match.end()
        return [*parts, (text[at:], made)]

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        piece = self._drawn[event.y] if event.y < len(self._drawn) else None
        if piece is not None:
            self.go_to(piece.row)


def _crop(parts: list[tuple[str, Style]], start: int, width: int) -> list[tuple[str, Style]]:
    """The part of a line from one character on; what is beyond is marked by `…`."""
    out: list[tuple[str, Style]] = []
    at = 0
    for text, made in parts:
        low, high = max(0, start - at), min(len(text), start + width - at)
        if low < high:
            out.append((text[low:high], made))
        at += len(text)
    return out
