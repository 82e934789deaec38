"""Table: any number of rows of one kind, under a cursor.

Only visible rows are ever turned into text, and only cells whose text or look differ from what stands on the
terminal are painted: a reading that changes nothing visible costs no byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from backends.api.clock import Clock, LoopClock
from backends.api.readings import FeedKey, Readings, State
from backends.clean import clean
from widgets.freshness import Sight
from widgets.look import Look
from widgets.safe import begun, line, style, wrapped
from widgets.tables.columns import Column, Kind
from widgets.tables.cursor import TableCursor
from widgets.tables.lines import Lines, Painted, fitted
from widgets.tables.plain import plain_table
from widgets.tables.rows import TableRows


class Table(Widget):
    """Rows of one kind from any number of readings; set `readings` and it shows them."""

    DEFAULT_CSS = "Table { height: 1fr; width: 1fr; }"
    readings: var[Readings] = var({}, always_update=True)

    class Moved(Message):
        """The cursor is on another row, or its row has changed."""

    class Missed(Message):
        """The row that was asked for before all sources had spoken is not there."""

    class Chosen(Message):
        """A row was double-clicked."""

    def __init__(self, kind: Kind[Any], *, clock: Clock | None = None) -> None:
        super().__init__()
        self.kind = kind
        self.holds: Callable[[], bool] = lambda: False
        """Whether rows must keep their places: something is asked about them."""
        self._rows = TableRows(kind, clock or LoopClock())
        self._cursor = TableCursor(self._rows)
        self._top = 0
        self._painted: dict[int, Painted] = {}
        self._lines = Lines(kind)
        self._lesson: list[str] = []

    # What it shows

    @property
    def clock(self) -> Clock:
        return self._rows.clock

    @clock.setter
    def clock(self, clock: Clock) -> None:
        self._rows.clock = clock

    @property
    def total(self) -> int:
        return len(self._rows.all)

    @property
    def shown(self) -> int:
        """Rows that pass the filter."""
        return len(self._rows.order)

    @property
    def filter_text(self) -> str:
        return self._rows.filter_text

    @property
    def sort_key(self) -> str:
        return self._rows.sort_key

    @property
    def descending(self) -> bool:
        return self._rows.descending

    @property
    def cursor(self) -> int:
        """The place of the row under the cursor."""
        return self._cursor.at

    @property
    def cursor_key(self) -> str | None:
        return self._cursor.key

    @property
    def marks(self) -> frozenset[str]:
        return frozenset(self._cursor.marks)

    @property
    def above(self) -> int:
        """Rows above the first that is seen."""
        return self._top

    @property
    def current(self) -> Any | None:
        """The row under the cursor."""
        return self.row(self.cursor_key or "")

    @property
    def sight(self) -> Sight:
        """How true the row under the cursor is, now."""
        return self.sight_of(self.cursor_key or "")

    def chosen(self) -> list[Any]:
        """The marked rows, else the one under the cursor."""
        if self._cursor.marks:
            return self._cursor.marked(shown=True)
        return [] if self.current is None else [self.current]

    def marked(self) -> list[Any]:
        """The marked rows, those that a filter hides too."""
        return self._cursor.marked(shown=False)

    def row(self, key: str) -> Any | None:
        return self._rows.row(key)

    def sight_of(self, key: str) -> Sight:
        """How true a row is, now."""
        return self._rows.sight_of(key)

    def plain_lines(self, keys: list[str] | None = None) -> list[str]:
        """The table as text; the rows of the view, or only these."""
        sights = self._rows.sights()
        rows = (self._rows.all[key] for key in (self._rows.order if keys is None else keys))
        return plain_table(self.kind, [(row, sights[feed]) for row, feed in rows])

    def is_in_sight(self, key: str) -> bool:
        """Whether a column has room now."""
        return any(column.key == key for column, _ in self._lines.columns(self.size.width))

    def teach(self, lines: list[str]) -> None:
        """What to say while there is no row to show."""
        if lines != self._lesson:
            self._lesson = lines
            if not self.shown:
                self.refresh()

    def _taught(self) -> list[str]:
        room = max(20, self.size.width - 4)
        return [text for told in self._lesson for text in wrapped(clean(begun(told)), room)]

    # New facts

    def watch_readings(self, readings: Readings) -> None:
        may_wait = self._rows.take(readings)
        if self._lines.spare(self._rows.all.values()):
            self.repaint()
        self._cursor.forget_gone()
        if may_wait:
            self._sort_if_due()
        else:
            had = bool(self.shown)
            self._settle()
            if had != bool(self.shown):
                self.repaint()
        if self._cursor.wanted is not None and self._all_have_spoken:
            self._cursor.wanted = None
            self.post_message(self.Missed())
        self.flush()

    def flush(self) -> None:
        """Paint what differs from what stands on the terminal. Cheap when nothing does."""
        if not self.is_attached or not self.size.height:
            return
        self._sort_if_due()
        self._scroll()
        columns = self._lines.columns(self.size.width)
        sights = self._rows.sights()
        for y in range(1, self.size.height):
            new = self._paint(y, columns, sights)
            old = self._painted.get(y)
            if new != old:
                self._repaint(y, old, new, columns)

    def repaint(self) -> None:
        self._painted.clear()
        self.refresh()

    # What the user wants

    def move(self, rows: int) -> None:
        self.go_to(self._cursor.at + rows)

    def page(self, share: float) -> None:
        self.move(round(share * max(1, self.size.height - 1)))

    def go_to(self, index: int) -> None:
        if not self.shown:
            return
        self._cursor.go_to(index)
        self._scroll()
        self.flush()
        self.post_message(self.Moved())

    def go_to_top(self) -> None:
        """To the first row, and to whatever comes before it, until somebody chooses another."""
        self.go_to(0)
        self._cursor.choose(chosen=False)

    def go_to_key(self, key: str) -> bool:
        """Onto a row, wherever it is; a filter that hides it is lifted. False where there is no such row. While a
        source has not spoken yet, once it does; `Missed` where it says otherwise."""
        if key not in self._rows.all:
            self._cursor.wanted = None if self._all_have_spoken else key
            return self._cursor.wanted is not None
        if key not in self._rows.place:
            self.set_filter("")
        self.go_to(self._rows.place[key])
        return True

    @property
    def _all_have_spoken(self) -> bool:
        return bool(self.readings) and all(
            reading.state not in (State.LOADING, State.IDLE) for reading in self.readings.values()
        )

    def set_filter(self, text: str) -> None:
        if text != self.filter_text:
            if not text:
                # The row that a filter was narrowed to is meant, also when the filter goes.
                self._cursor.choose(chosen=True)
            self._rows.filter_text = text
            self._settle()
            self.repaint()
            self.post_message(self.Moved())

    def sort_by(self, key: str, descending: bool | None = None) -> None:
        self._rows.sort_key = key
        self._rows.descending = self._rows.first_direction(key) if descending is None else descending
        self._settle()
        self.repaint()

    def mark(self) -> None:
        self._cursor.mark()
        self.move(1)

    def mark_range(self) -> None:
        self._cursor.mark_range()
        self.flush()

    def unmark(self) -> None:
        self._cursor.unmark()
        self.flush()

    # Order

    def _sort_if_due(self) -> None:
        if self._rows.due and not self.holds():
            self._settle()

    def _settle(self) -> None:
        """Filter and order anew; the cursor stays on its row, or where that row was."""
        self._rows.settle(held=self.holds())
        self._cursor.settle()
        self._scroll()

    def _scroll(self) -> None:
        if not self.size.height:
            return  # Not laid out yet: what room there will be, the first resize tells.
        room = max(1, self.size.height - 1)
        top, at = self._top, self._cursor.at
        if at < top:
            top = at
        elif at >= top + room:
            top = at - room + 1
        self._top = max(0, min(top, max(0, self.shown - room)))

    # Painting

    def _paint(
        self, y: int, columns: list[tuple[Column[Any], int]], sights: Mapping[FeedKey, Sight]
    ) -> Painted | None:
        index = y - 1 + self._top
        if index >= self.shown:
            return None
        key = self._rows.order[index]
        row, feed = self._rows.all[key]
        sight = sights[feed]
        return Painted(
            tuple(fitted(column, column.text(row, sight), width) for column, width in columns),
            tuple(column.look(row, sight) if column.look else Look.PLAIN for column, _ in columns),
            sight.state is not State.LIVE,
            key in self._cursor.marks,
            index == self._cursor.at,
        )

    def _repaint(
        self, y: int, old: Painted | None, new: Painted | None, columns: list[tuple[Column[Any], int]]
    ) -> None:
        whole = Region(0, y, self.size.width, 1)
        if old is None or new is None or len(old.cells) != len(new.cells):
            self.refresh(whole)
            return
        if (old.dim, old.marked, old.cursor) != (new.dim, new.marked, new.cursor):
            self.refresh(whole)
            return
        x = 1
        for i, (_, width) in enumerate(columns):
            if old.cells[i] != new.cells[i] or old.looks[i] is not new.looks[i]:
                self.refresh(Region(x, y, width, 1))
            x += width + self._lines.gap
        self._painted[y] = new

    def render_line(self, y: int) -> Strip:
        columns = self._lines.columns(self.size.width)
        if y == 0:
            return self._lines.head(self.sort_key, descending=self.descending)
        painted = self._paint(y, columns, self._rows.sights())
        if painted is None:
            self._painted.pop(y, None)
            lesson = "" if self.shown or y < 2 else "".join(self._taught()[y - 2 : y - 1])
            return line([("  " + lesson, style(Look.DIM))], self.size.width)
        self._painted[y] = painted
        return self._lines.drawn(painted)

    # Size and mouse

    def on_resize(self) -> None:
        self._scroll()
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.y == 0:
            self._sort_by_click(event.x)
        elif event.y - 1 + self._top < self.shown:
            self.go_to(event.y - 1 + self._top)
            if event.chain == 2:
                self.post_message(self.Chosen())

    def _sort_by_click(self, x: int) -> None:
        column = self._lines.column_at(x)
        if column is not None and column.sort is not None:
            again = column.key == self.sort_key
            self.sort_by(column.key, not self.descending if again else None)
