"""The Logs screen: one log source or all of them."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from typing import ClassVar

from textual.app import ComposeResult

from backends.api import registry
from backends.api.capabilities import Logs, ability
from backends.api.readings import State
from backends.clean import clean
from backends.context import SourceConfig
from backends.watch import Watch
from tui.screens.base import View
from tui.screens.logback import LookingBack
from tui.screens.logvisit import Visit
from tui.screens.record import byte_lines, record_lines
from widgets.columns import LogsOf, Look
from widgets.freshness import standing_of
from widgets.histogram import Histogram
from widgets.logfeeder import Feeder
from widgets.logline import LINE_MOST, Times
from widgets.logview import LogView
from widgets.lookbackview import LookbackView
from widgets.oneline import OneLine, Part
from widgets.quantities import age, count, three
from widgets.safe import style, width_of

RIGHT = 25
"""Cells of a title for its first word, and for how true it is."""
NAMED = 3
"""Sources that the title names; of more the number is told."""
PATIENCE = 1.0
"""Seconds for which the lines about something wait for sources that have not spoken."""
FAR = 60.0
"""Seconds by which the nearest line may miss a time without a word."""
LINES = 12
"""Lines of logs beside which a histogram has room."""


class LogsScreen(View):
    screen_name: ClassVar[str] = "logs"
    filters: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.title = OneLine()
        self.log_view = LookbackView()
        self.histogram = Histogram(self.log_view)
        self._source: str | None = None
        self._visit = Visit()
        self._back = LookingBack(self.log_view, lambda: self.desk)
        self._asked: tuple[float, LogsOf] | None = None
        self._shown: tuple[Watch, tuple[str, ...]] | None = None

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.log_view
        yield self.histogram

    @property
    def name_in_path(self) -> str:
        return f"logs {self._source or ''}".strip()

    # In front or not

    def attach(self) -> None:
        desk = self.desk
        if desk.bridge is None or desk.watching is None:
            return
        watching = desk.watching
        sources = [key.source for key in watching.feeds("logs")]
        if self._source is not None and self._source not in sources:
            self._source = None
        wanted = tuple(sources if self._source is None else [self._source])
        self.log_view.clock = self.log_view.sheet.clock = watching.clock
        if self._shown is None or self._shown[0] is not watching or self._shown[1] != wanted:
            self._shown = (watching, wanted)
            feeders = []
            for source in wanted:
                backend, tail = watching.backend(source), watching.tail(source)
                able = None if backend is None else ability(backend, Logs)
                if able is not None and tail is not None:
                    feeders.append(Feeder(source, tail, able))
            self._back.show(feeders)
        self.log_view.count_anew()
        desk.bridge.attach(self.log_view, ("logs",), wanted)
        self.tick()

    def detach(self) -> None:
        # Else its result would come behind another view, or out of a watch that is closed.
        self.cancel()
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
            self.desk.held_back.let_go()
        self.histogram.doubt()
        self._answer()
        self._show_title()

    def on_log_view_sought(self, message: LogView.Sought) -> None:
        if not message.found:
            self._back.search_on(message.step, None if message.errors else self.log_view.sheet.pattern)
        self._show_title()

    def on_lookback_view_edge(self, message: LookbackView.Edge) -> None:
        self._back.edge(message)

    def choose(self, name: str | None) -> None:
        """One source by its name, files by a path with a slash, or all sources."""
        watching = self.desk.watching
        sources = [] if watching is None else [key.source for key in watching.feeds("logs")]
        source = None
        if name is not None:
            found = [source for source in sources if name in (source, source.partition("/")[2])]
            if len(found) != 1:
                if watching is not None and "/" in name and not found:
                    self.desk.work(self._open_path(watching, name))
                    return
                near = get_close_matches(name, sources, 1, 0.2)
                hint = f"nearest is {near[0]}" if near else "this context has none; a path has a slash"
                self.desk.say(f"no log source {name}; {hint}")
                return
            source = found[0]
        if source != self._source or self._visit.only or self._visit.unnamed or self._asked is not None:
            self._begin_anew(source)
        self.attach()

    def _begin_anew(self, source: str | None) -> None:
        """What was asked of other lines is not asked of these."""
        self._source, self._visit, self._asked = source, Visit(), None
        self._back.leave()
        self.log_view.begin_anew()

    def look_at(self, logs: LogsOf) -> None:
        """The lines about something, around its time: as soon as the sources have spoken."""
        self._begin_anew(logs.source or None)
        self._asked = (self.log_view.clock.monotonic(), logs)
        self.attach()

    def _answer(self) -> None:
        if self._asked is None:
            # A log about it may come later than its time was worth waiting for.
            if self._visit.look_among(self.log_view.lines.origins):
                self._filter()
            return
        since, logs = self._asked
        view = self.log_view
        waits = any(r.state is State.LOADING or r.state is State.IDLE for r in view.readings.values())
        if waits and view.clock.monotonic() - since < PATIENCE:
            return
        self._asked = None
        self._visit.choose(logs)
        self._visit.look_among(view.lines.origins)
        self._filter()
        if logs.when is None:
            view.follow(True)
        else:
            view.go_to_time(logs.when)

    def on_log_view_arrived(self, message: LogView.Arrived) -> None:
        """Look for what memory does not hold. Say so where the line that was found is not of the time that was
        asked for."""
        if self._back.lacks(message.asked):
            self._back.to_time(message.asked, lambda: self._say_missed(message))
        else:
            self._say_missed(message)

    def _say_missed(self, message: LogView.Arrived) -> None:
        record, missed = self.log_view.current, message.missed.total_seconds()
        if record is None or abs(missed) < FAR:
            return
        asked = f"{message.asked.astimezone():%H:%M:%S}"
        if missed > 0:
            self.desk.say(f"no line at {asked}: the nearest one is {age(missed)} older")
        elif self.log_view.lines.dropped:
            self.desk.say(f"lines of {asked} are no longer kept: the oldest one is {age(-missed)} younger")
        else:
            self.desk.say(f"no line is as old as {asked}: the nearest one is {age(-missed)} younger")

    async def _open_path(self, watching: Watch, path: str) -> None:
        """Follow files that no configuration names, until the context is closed."""
        settings = (await asyncio.to_thread(registry.load, "files")).Settings(paths=(path,))
        if watching is self.desk.watching:
            watching.add(SourceConfig("files", path, settings))
            self.choose(f"files/{path}")

    def _show_title(self) -> None:
        view = self.log_view
        lines = view.lines
        dim = style(Look.DIM)
        sources = list(dict.fromkeys(feeder.source for feeder in lines.feeders))
        shown = count(lines.shown)
        # A part leaves out what does not pass.
        if lines.filtered and not view.partly:
            shown += f" of {count(lines.total)}"
        shown += " line" if shown == "1" else " lines"
        if view.partly:
            shown = f"a part: {shown}"
        asked = self._visit.asked(view)
        # What is hidden or sought matters more than what every source is called.
        room = self.size.width - RIGHT - width_of(shown) - sum(width_of(text) for text, _ in asked)
        names = ", ".join(sources)
        fits = len(sources) <= 1 or (len(sources) <= NAMED and width_of(names) <= room)
        name = self._source or (names if fits else f"{len(sources)} sources") or "no source"
        named = self._visit.named(name)
        left: list[Part] = [(" logs", style(Look.STRONG)), named, (f"  {shown}", dim), *asked]
        self.title.show(left, [("  " + text + " ", made) for text, made in self._standing()])
        view.teach(self._lesson())

    def _standing(self) -> list[Part]:
        view = self.log_view
        if not view.readings:
            text, look = self.desk.without_source
            return [(text, style(look))]
        text, look = standing_of(view.readings.values(), view.clock.monotonic())
        if view.searching or view.lines.filtering:
            return [("searching …", style(Look.DIM))]
        if self._back.busy:
            return [("reading …", style(Look.DIM))]
        if look is not Look.GOOD:
            return [(text, style(look))]
        if view.partly:
            return [(self._back.standing, style(Look.DIM))]
        if not view.following:
            return [("LIVE, not following: F", style(Look.DIM))]
        if view.rate is None:
            return [("FOLLOWING", style(Look.GOOD))]
        rate = three(view.rate) if view.rate < 999.5 else f"{three(view.rate / 1000)}k"
        return [(f"FOLLOWING {rate}/s", style(Look.GOOD))]

    def _lesson(self) -> list[str]:
        view = self.log_view
        lines = view.lines
        if lines.shown or self.desk.watching is None:
            return []
        if not lines.feeders:
            name = self.desk.context.name
            return [
                "no logs: this context has no log source; in the configuration:",
                "",
                f"  [context.{name}.files.app]",
                '  paths = ["/var/log/app/*.log"]',
                "",
                "or without it:  :logs /var/log/syslog",
                "",
                *self.desk.context.tried,
            ]
        if lines.filtering:
            return ["searching …"]
        if lines.total and self._back.busy:
            return ["reading …"]
        if lines.total:
            return [f"{self._back.passing_none}: esc lifts what hides them"]
        errors = [f"{key[0]}: {r.error}" for key, r in view.readings.items() if r.error is not None]
        return errors or [self._empty(source) for source in (feeder.source for feeder in lines.feeders)]

    def _empty(self, source: str) -> str:
        reading = next((r for key, r in self.log_view.readings.items() if key[0] == source), None)
        if reading is None or reading.value is None:
            return f"{source}: not read yet"
        files = reading.value.files
        if files is None:
            return f"{source}: no line yet"
        followed = f"{files} file{'' if files == 1 else 's'} followed"
        return f"{source}: {followed if files else 'no file yet'}, no line yet; what comes is shown at once"

    # Commands of logs

    def follow(self) -> None:
        follow = not self.log_view.following
        self._back.leave()
        self.log_view.follow(follow)

    def move(self, rows: str) -> None:
        self.log_view.move(int(rows))

    def page(self, share: str) -> None:
        self.log_view.page(float(share))

    def first(self) -> None:
        self._back.first()

    def last(self) -> None:
        self._back.leave()
        self.log_view.follow(True)

    def next_match(self, step: str) -> None:
        if not self._visit.search:
            self.desk.say("no search yet: / starts one")
            return
        self.log_view.seek(int(step))

    def next_error(self, step: str) -> None:
        self.log_view.seek(int(step), errors=True)

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
            self.desk.say("n: the next match, N: the one before")

    def open_keep(self) -> None:
        if self._visit.keep:
            self._keep_only("")
            return
        self.desk.keys.ask("&", "", self._keep_only)

    def _keep_only(self, text: str) -> None:
        self._visit.keep = text
        self._filter()

    def window(self, seconds: str) -> None:
        self._visit.choose_window(float(seconds), self.log_view.clock.now())
        self._filter()

    def no_window(self, key: str, screen: str) -> None:
        self.desk.say(f"{key} is no window of time, 0 to 6 are; :{screen} opens {screen}")

    def _filter(self) -> None:
        visit = self._visit
        self._back.filtered(lambda: self.log_view.set_filter(visit.keep, visit.since, visit.only))
        self._show_title()

    def wrap(self) -> None:
        self.log_view.wrap(not self.log_view.sheet.wrapped)

    def times(self) -> None:
        """Short, then in full, then none."""
        view, sheet, cycle = self.log_view, self.log_view.sheet, list(Times)
        sheet.times = cycle[(cycle.index(sheet.times) + 1) % len(cycle)]
        view.repaint()

    def shift(self, cells: str) -> None:
        self.log_view.left = min(max(0, self.log_view.left + int(cells)), LINE_MOST)
        self.log_view.repaint()

    def open_record(self) -> None:
        record = self.log_view.current
        if record is None:
            self.desk.say("no line to open")
            return
        lines = record_lines(record, self.log_view.current_origin)
        self.desk.ways.show_text("log record", lambda: lines)

    def show_raw(self) -> None:
        record = self.log_view.current
        if record is None:
            self.desk.say("no line to show")
            return
        lines = byte_lines(record.raw)
        self.desk.ways.show_text("log record, as it came", lambda: lines)

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
        searching = self.log_view.searching
        self.log_view.stop_seeking()
        return self._back.stop() or searching

    @property
    def share(self) -> str:
        return self._back.share

    async def read(self) -> None:
        await self._back.read()

    def plain_text(self) -> str:
        return b"\n".join(self.log_view.lines.text()).decode("utf-8", "replace")

    def copied(self) -> str:
        return clean(self.log_view.copied.decode("utf-8", "replace"))
