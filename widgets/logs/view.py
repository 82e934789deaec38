"""LogView: lines of one or several sources, followed or gone back through; only what is in sight is parsed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from textual import events
from textual.message import Message
from textual.reactive import var

from backends.api.clock import Clock, LoopClock
from backends.api.logs import LogRecord, micros, moment_of
from backends.api.readings import Readings
from widgets.logs.feeder import Feeder
from widgets.logs.line import Times
from widgets.logs.lines import LogLines
from widgets.logs.match_count import MatchCount
from widgets.logs.pane import LogPane
from widgets.logs.rate import Rate
from widgets.logs.search import RowSearch, Wish
from widgets.logs.search_pattern import compiled
from widgets.logs.sheet import Sheet


class LogView(LogPane):
    DEFAULT_CSS = "LogView { height: 1fr; width: 1fr; }"
    readings: var[Readings] = var({}, always_update=True)

    class Changed(Message):
        """What the title says has changed: following, the number of lines, the search."""

    class Searched(Message):
        """A search has ended."""

        def __init__(self, found: bool, wish: Wish) -> None:
            super().__init__()
            self.found, self.wish = found, wish

    class Counted(Message):
        """The match under the cursor is the `number`th of `total`; of more than `MANY` it is not known which."""

        def __init__(self, number: int, total: int, wish: Wish) -> None:
            super().__init__()
            self.number, self.total, self.wish = number, total, wish

    class Arrived(Message):
        """The line nearest to a time is under the cursor; it is so much older than that time."""

        def __init__(self, asked: datetime, missed: timedelta) -> None:
            super().__init__()
            self.asked = asked
            self.missed = missed

    def __init__(self, *, clock: Clock | None = None, alone: bool = False) -> None:
        """`alone`: all lines are of one thing that is known."""
        self.clock = clock or LoopClock()
        self.lines = LogLines()
        super().__init__(Sheet(self.lines, self.clock, alone=alone))
        self.following = True
        self._search: RowSearch | None = None
        self._count: MatchCount | None = None
        self._wish = Wish(1)
        self._aim: int | None = None
        self._stood: int | None = None
        """When the line under the cursor was, before a filter may have taken it away."""
        self.unheard = False
        """Whether it wants lines that it does not have, and has asked its owner, who says when that was heard."""
        self._at_work = False
        self._rate = Rate()
        self.new = 0
        """Lines that have come since it does not follow them."""

    # What it shows

    def show(self, feeders: Sequence[Feeder]) -> None:
        """Show these sources' lines, at their end."""
        self.stop_search()
        self.sheet.cursor.index, self.sheet.top.index = -1, 0
        self._aim = None
        self.lines.show(feeders)
        self.sheet.timed = False
        self.following, self.new = True, 0
        self.count_anew()
        self._settle()

    def begin_anew(self) -> None:
        """As it is at first: following, lines not wrapped, with short times, nothing searched or kept."""
        self.sheet.times, self.sheet.wrapped, self.left = Times.SHORT, False, 0
        self.following, self.new, self._aim = True, 0, None
        self.set_pattern("")
        self.set_filter("", None)

    def count_anew(self) -> None:
        """Lines per second are those that come from now on."""
        self._rate.begin(self.clock.monotonic(), micros(self.clock.now()))

    def teach(self, lines: list[str]) -> None:
        """What to say while there is no line to show."""
        if lines != self.sheet.lesson:
            self.sheet.lesson = lines
            self.flush()

    @property
    def cursor(self) -> int:
        """The index of the row under the cursor; -1 when there is none."""
        return self.sheet.cursor.index

    @property
    def up_to_now(self) -> bool:
        """Whether its lines go on until now, as far as there are any."""
        return True

    @property
    def searching(self) -> bool:
        return self._search is not None

    @property
    def counting(self) -> bool:
        """Whether it is still counted which of all matches was found."""
        return self._count is not None

    @property
    def rate(self) -> float | None:
        """Lines per second, over the last seconds; None before it can be said."""
        return self._rate.at(self.clock.monotonic())

    @property
    def current(self) -> LogRecord | None:
        row = self._current_row
        return None if row is None else self.lines.records.of(row)

    @property
    def copied(self) -> bytes:
        """The line under the cursor as it is copied; empty when there is none."""
        row = self._current_row
        return b"" if row is None else self.lines.records.copied(row)

    @property
    def current_origin(self) -> str:
        row = self._current_row
        return "" if row is None else self.lines.records.origin(row)

    @property
    def _current_row(self) -> int | None:
        rows = self.lines.rows
        return rows[self.cursor] if 0 <= self.cursor < len(rows) else None

    def watch_readings(self, readings: Readings) -> None:
        below = self.cursor - self.sheet.top.index
        self._take()
        self.lines.trim()
        if not self.following and self.cursor >= 0:
            # Lines that were put above the cursor don't move it on the terminal.
            self.sheet.top.index = max(0, self.cursor - below)
        self._came_in()
        if self.lines.behind or self.lines.filtering:
            self._work()

    def _take(self) -> None:
        """Take in what has come, and count what of it happened since one looked: what was there before comes in
        as well, in as many pieces and as late as it takes."""
        lines, began = self.lines, self._rate.since
        before = lines.count_from(began, len(lines.rows)) if lines.merged else 0
        came = lines.take()
        if came:
            fresh = lines.count_from(began, len(lines.rows) if lines.merged else came) - before
            fresh = min(came, max(0, fresh))
            self._rate.take(self.clock.monotonic(), fresh)
            self.new = 0 if self.following else self.new + fresh

    # What the user wants

    def move(self, rows: int) -> None:
        self.go_to(self.cursor + rows)

    def page(self, share: float) -> None:
        self.move(round(share * max(1, self.size.height)))

    def go_to(self, index: int) -> None:
        self.stop_search()
        last = len(self.lines.rows) - 1
        self.sheet.cursor.index = min(max(index, 0), last)
        if self.cursor < last:
            self.following = False
        self.flush()
        self._changed()

    def go_to_time(self, moment: datetime) -> None:
        """To the line that is nearest to a time, as soon as all lines about it are in their places."""
        self.stop_search()
        self.following = False
        self._aim = micros(moment)
        self._take_aim()
        self._came_in()

    def _take_aim(self) -> None:
        if self._aim is None:
            return
        rows = self.lines.rows
        self.sheet.cursor.index = self.lines.nearest(self._aim)
        self.sheet.top.index = max(0, self.cursor - self.size.height // 2)
        self.sheet.top_part = 0
        known = bool(rows) and self.lines.when(rows[0]) < self._aim
        if (known or not self.lines.filtering) and not self.lines.behind and rows:
            missed = self._aim - self.lines.when(rows[self.cursor])
            asked, self._aim = moment_of(self._aim), None
            self.post_message(self.Arrived(asked, timedelta(microseconds=missed)))

    def follow(self, on: bool) -> None:
        self.stop_search()
        self.following = on
        if on:
            self.new = 0
            self.sheet.cursor.index = len(self.lines.rows) - 1
        self.flush()
        self._changed()

    def set_pattern(self, text: str) -> None:
        self.stop_search()
        self.sheet.pattern = compiled(text)
        self.repaint()

    def set_filter(self, keep: str, since: datetime | None, only: frozenset[str] = frozenset()) -> None:
        """Show only lines that match, that are not older, and that are of these origins (none: of all); the
        cursor stays on its line, if that passes, else near its time."""
        aim = self._aim
        self.stop_search()
        self._aim = aim
        row = None if self.following else self._current_row
        self._stood = None if row is None else self.lines.when(row)
        if self.following:
            self.sheet.cursor.index = -1
        self.sheet.top.index = -1
        self.lines.set_filter(compiled(keep), since, only)
        self.count_anew()
        self._settle()

    def move_window(self, since: datetime) -> None:
        """Let go of what is older, while the newest lines are followed."""
        self.lines.move_window(since)
        self._came_in()

    def wrap(self, on: bool) -> None:
        self.sheet.wrapped, self.left = on, 0
        self.repaint()

    def find_next(self, step: int, *, errors: bool = False) -> None:
        """Go to the next match, or the next error, in one direction; a long way is gone in short steps."""
        self._search_from(self.cursor + step, Wish(step, errors=errors))

    def find_near(self) -> None:
        """Go to the newest match where the newest lines are followed, else to the next one from the cursor on or,
        where there is none, to the last one before it."""
        self._search_from(self.cursor, Wish(-1 if self.following else 1, near=True))

    def _search_from(self, start: int, wish: Wish) -> None:
        self.stop_search()
        self._wish = wish
        self._search = RowSearch(self.lines, start, wish.step, None if wish.errors else self.sheet.pattern)
        self._work()

    def stop_search(self) -> None:
        self._aim, self.unheard = None, False
        if self._search is not None:
            self._search.close()
            self._search = None
            self._changed()
        self._leave_count()

    def _leave_count(self) -> None:
        if self._count is not None:
            self._count.close()
            self._count = None

    def work(self) -> bool:
        """One short step of what takes longer than a key may wait: a filter, then a search; False when nothing
        is left to do."""
        if self._behind:
            self.watch_readings(self.readings)
        elif self.lines.filtering:
            self.lines.go_on()
            self._came_in()
        elif self._search is not None:
            self._search_on(self._search)
        elif self._count is not None:
            self._count_on(self._count)
        return self._behind or self.lines.filtering or self.searching or self.counting

    @property
    def _behind(self) -> bool:
        return self.lines.behind

    def _came_in(self) -> None:
        """Rows have come: the cursor to where it belongs."""
        self._take_aim()
        if self.sheet.cursor.line >= 0 and not self.lines.filtering:
            # What was under it does not pass.
            self.sheet.cursor.line = -1
            if self._stood is None:
                self.following = True
            else:
                self.sheet.cursor.index = self.lines.nearest(self._stood)
        if self.following or (self.cursor < 0 and self.sheet.cursor.line < 0):
            self.sheet.cursor.index = len(self.lines.rows) - 1
        self.flush()
        self._changed()

    def _search_on(self, search: RowSearch) -> None:
        found = search.go_on()
        if found is None:
            return
        self.stop_search()
        if found >= 0:
            self.go_to(found)
            if self.up_to_now and not self._wish.errors and self.sheet.pattern is not None:
                self._count = MatchCount(self.lines, self.sheet.pattern)
        elif self._wish.near and self._wish.step > 0:
            self._search_from(self.cursor - 1, Wish(-1, near=True))
            return
        if self.is_attached:
            self.unheard = self.unheard or found < 0
            self.post_message(self.Searched(found >= 0, self._wish))

    def _count_on(self, count: MatchCount) -> None:
        if count.go_on(self.cursor):
            self._leave_count()
            if self.is_attached:
                self.post_message(self.Counted(count.number, count.total, self._wish))

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
        self.sheet.top_part = 0
        self.forget()
        self._came_in()
        self.repaint()
        if self.lines.filtering:
            self._work()

    def _changed(self) -> None:
        if self.is_attached:
            self.post_message(self.Changed())

    # Mouse

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        at = self.sheet.placed[event.y] if event.y < len(self.sheet.placed) else -1
        if at >= 0:
            self.go_to(at)
