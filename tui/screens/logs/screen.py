"""The Logs screen: one log source or all of them."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from backends.clean import clean
from backends.config.context import sources_meant
from backends.watch import Watch
from tui.commands import key_of
from tui.screens.base import View
from tui.screens.logs.empty_state import no_log_source, without_line
from tui.screens.logs.navigation import Navigation
from tui.screens.logs.pager import Pager
from tui.screens.logs.position_text import match_of, none_passes, position, share
from tui.screens.logs.read_task import ReadTask
from tui.screens.logs.record import show_bytes, show_record
from tui.screens.logs.sources import feeders_of, files_at, not_one, sources_of
from tui.screens.logs.title import standing, title_parts
from tui.screens.logs.visit import Visit
from widgets.logs.histogram import Histogram
from widgets.logs.history_view import HistoryView
from widgets.logs.line import LINE_MOST
from widgets.logs.view import LogView
from widgets.one_line import OneLine
from widgets.quantities import age
from widgets.safe import style
from widgets.tables.columns import LogsOf

NEXT = f"{key_of('next_match 1')}: the next match, {key_of('next_match -1')}: the one before"
LINES = 12
"""Lines of logs beside which a histogram has room."""


class LogsScreen(View):
    screen_name: ClassVar[str] = "logs"
    filters: ClassVar[bool] = False
    ends_waiting: ClassVar[tuple[str, ...]] = ("step_back", "interrupt", "follow", "last")

    def __init__(self) -> None:
        super().__init__()
        self.title = OneLine()
        self.log_view = HistoryView()
        self.histogram = Histogram(self.log_view)
        self._source: str | None = None
        self._visit = Visit()
        self._read_task = ReadTask(self.log_view, lambda: self.desk)
        self._pager = Pager(self.log_view, self._read_task.progress, lambda text: self.desk.say(text))
        self._navigation = Navigation(self._pager, self._read_task, lambda text: self.desk.say(text))
        self._shown: tuple[Watch, tuple[str, ...]] | None = None

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.log_view
        yield self.histogram

    @property
    def keys_wait(self) -> bool:
        return self._read_task.keys_wait

    @property
    def name_in_path(self) -> str:
        return f"logs {self._source or ''}".strip()

    # In front or not

    def attach(self) -> None:
        desk = self.desk
        if desk.bridge is None or desk.watching is None:
            return
        watching = desk.watching
        sources = sources_of(watching)
        if self._source is not None and self._source not in sources:
            self._source = None
        wanted = tuple(sources if self._source is None else [self._source])
        self.log_view.clock = self.log_view.sheet.clock = watching.clock
        if self._shown is None or self._shown[0] is not watching or self._shown[1] != wanted:
            self._shown = (watching, wanted)
            self._navigation.show(feeders_of(watching, wanted))
        self.log_view.count_anew()
        desk.bridge.attach(self.log_view, ("logs",), wanted)
        self.tick()

    def detach(self) -> None:
        # Else its result would come behind another view, or out of a watch that is closed.
        self.log_view.stop_search()
        self._read_task.stop()
        if self.desk.bridge is not None:
            self.desk.bridge.detach(self.log_view)

    def tick(self) -> None:
        view, visit = self.log_view, self._visit
        if visit.window and view.following and visit.move_window(view.clock.now()) and visit.since is not None:
            view.move_window(visit.since)
        view.flush()
        self.histogram.tick()
        self._answer()
        self._show_title()

    def on_resize(self) -> None:
        self.histogram.display = self.size.height - 3 >= LINES

    def on_log_view_changed(self) -> None:
        if self.log_view.lines.shown:
            self.desk.first_paint.let_go()
        self.histogram.doubt()
        self._answer()
        self.desk.key_queue.go_on()
        self._show_title()

    def on_log_view_searched(self, message: LogView.Searched) -> None:
        if message.found and message.wish.near:
            self.desk.say(NEXT)
        elif not message.found and self.log_view.unheard:
            self.log_view.unheard = False
            self._navigation.not_found(message.wish)
        self.desk.key_queue.go_on()
        self._show_title()

    def on_log_view_counted(self, message: LogView.Counted) -> None:
        told = match_of(message)
        self.desk.say(f"{told}; {NEXT}" if message.wish.near else told)

    def on_history_view_edge(self, message: HistoryView.Edge) -> None:
        view = self.log_view
        wanted = view.unheard if message.beyond else not view.following
        if message.beyond:
            view.unheard = False
        if wanted:
            self._navigation.edge(message)
        self.desk.key_queue.go_on()

    def choose(self, name: str | None) -> None:
        """One source by its name, files by a path with a slash, or all sources."""
        watching, source = self.desk.watching, None
        if name is not None:
            sources = sources_of(watching)
            found = sources_meant(name, sources)
            if watching is not None and "/" in name and not found:
                self.desk.work(self._open_path(watching, name))
                return
            if len(found) != 1:
                self.desk.say(not_one(name, found, sources))
                return
            source = found[0]
        if source != self._source or self._visit.only or self._visit.unnamed or self._visit.awaited:
            self._begin_anew(source)
        self.attach()

    def _begin_anew(self, source: str | None) -> None:
        """What was asked of other lines is not asked of these."""
        self._source, self._visit = source, Visit()
        self._navigation.leave()
        self.log_view.begin_anew()

    def look_at(self, logs: LogsOf) -> None:
        """The lines about something, around its time: as soon as the sources have spoken."""
        self._begin_anew(logs.source or None)
        self._visit.wait_for(logs, self.log_view.clock.monotonic())
        self.attach()

    def _answer(self) -> None:
        view, visit = self.log_view, self._visit
        logs = visit.arrived(view.readings.values(), view.clock.monotonic())
        # A log about it may come later than its time was worth waiting for.
        if visit.look_among(view.lines.origins) or logs is not None:
            self._filter()
        if logs is not None and logs.when is not None:
            view.go_to_time(logs.when)
        elif logs is not None:
            view.follow(True)

    def on_log_view_arrived(self, message: LogView.Arrived) -> None:
        self._navigation.arrived(message)

    async def _open_path(self, watching: Watch, path: str) -> None:
        """Files that no configuration names."""
        config = await files_at(path)
        if watching is self.desk.watching:
            watching.add(config)
            self.choose(config.source)

    def _show_title(self) -> None:
        view, pager, reading = self.log_view, self._pager, self._read_task.reading
        right = self.desk.without_source
        if view.readings:
            where = position(pager.history, pager.live, pager.current) if pager.history is not None else ""
            right = standing(view, where, reading)
        text, look = right
        self.title.show(
            title_parts(view, self._visit, self._source, self.size.width), [(f"  {text} ", style(look))]
        )
        view.teach(self._lesson)

    @property
    def _lesson(self) -> list[str]:
        lines, pager = self.log_view.lines, self._pager
        if lines.shown or self.desk.watching is None:
            return []
        if not lines.feeders:
            return no_log_source(self.desk.context)
        none = none_passes(pager.history, lines, older=pager.older)
        return without_line(lines, self.log_view.readings, none, self._read_task.reading)

    # Commands of logs

    def follow(self) -> None:
        # What is read is older: it would not be followed.
        follow = self._read_task.busy or not self.log_view.following
        self._navigation.leave()
        self.log_view.follow(follow)

    def move(self, rows: str) -> None:
        self.log_view.move(int(rows))

    def page(self, share: str) -> None:
        self.log_view.page(float(share))

    def first(self) -> None:
        self._navigation.first()

    def last(self) -> None:
        self._navigation.leave()
        self.log_view.follow(True)

    def next_match(self, step: str) -> None:
        if not self._visit.search:
            self.desk.say(f"no search yet: {key_of('open_search')} starts one")
            return
        self.log_view.find_next(int(step))

    def next_error(self, step: str) -> None:
        self.log_view.find_next(int(step), errors=True)

    def next_bar(self, step: str) -> None:
        if not self.histogram.step(int(step)):
            self.desk.say("no lines further in this direction")

    @property
    def searching(self) -> str:
        return self._visit.search

    def search(self, text: str) -> None:
        self._visit.search = text
        self.log_view.set_pattern(text)
        self._show_title()

    def searched(self, text: str) -> None:
        self.search(text)
        if text:
            self.log_view.find_near()

    def open_keep(self) -> None:
        if self._visit.keep:
            self._keep_only("")
            return
        self.desk.keys.ask("&", "", self._keep_only)

    def _keep_only(self, text: str) -> None:
        self._visit.keep = text
        self._filter()

    def window(self, seconds: str, screen: str = "") -> None:
        """Only the last `seconds`, or all lines; `screen` is what the key opens elsewhere."""
        self._visit.choose_window(float(seconds), self.log_view.clock.now())
        self._filter()
        if float(seconds):
            elsewhere = f"; :{screen} opens {screen}" if screen else ""
            self.desk.say(f"last {age(float(seconds))}{elsewhere}")

    def no_window(self, key: str, screen: str) -> None:
        self.desk.say(f"{key} is no window of time, 0 to 6 are; :{screen} opens {screen}")

    def _filter(self) -> None:
        visit = self._visit
        self._navigation.filtered(lambda: self.log_view.set_filter(visit.keep, visit.since, visit.only))
        self._show_title()

    def wrap(self) -> None:
        self.log_view.wrap(not self.log_view.sheet.wrapped)

    def times(self) -> None:
        """Short, then in full, then none."""
        self.log_view.sheet.times = self.log_view.sheet.times.next
        self.log_view.repaint()

    def shift(self, cells: str) -> None:
        self.log_view.left = min(max(0, self.log_view.left + int(cells)), LINE_MOST)
        self.log_view.repaint()

    def open_record(self) -> None:
        show_record(self.desk, self.log_view)

    def show_raw(self) -> None:
        show_bytes(self.desk, self.log_view)

    def copy(self) -> None:
        from tui import saving

        saving.copy(self.desk, self)

    def escape(self) -> bool:
        if self.cancel():
            return True
        if self._visit.search:
            self.search("")
        elif self._visit.keep:
            self._keep_only("")
        elif self._visit.window:
            self.window("0")
        elif self._visit.only or self._visit.unnamed:
            self._visit.choose(None)
            self._filter()
        else:
            return False
        return True

    def cancel(self) -> bool:
        searching, progress = self.log_view.searching, self._read_task.progress.text
        self.log_view.stop_search()
        reading = self._read_task.stop()
        if reading:
            ended = f"reading has been ended after {progress}" if progress else "reading has been ended"
        else:
            ended = "the search has been ended"
        if reading or searching:
            left_out = self.desk.key_queue.leave_out()
            self.desk.say(f"{ended}; {left_out}" if left_out else ended)
        return reading or searching

    @property
    def share(self) -> str:
        return share(self._pager.history, older=self._pager.older)

    def plain_text(self) -> str:
        return b"\n".join(self.log_view.lines.text()).decode("utf-8", "replace")

    def copied(self) -> str:
        return clean(self.log_view.copied.decode("utf-8", "replace"))
