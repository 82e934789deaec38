"""The Logs screen: one log source or all of them."""

from __future__ import annotations

from datetime import timedelta
from difflib import get_close_matches
from typing import ClassVar

from textual.app import ComposeResult

from backends.api.capabilities import Logs, ability
from backends.clean import clean
from tui.screens.base import View
from widgets.columns import Look
from widgets.freshness import standing_of
from widgets.logview import TIMES, LogView
from widgets.oneline import OneLine, Part
from widgets.safe import style
from widgets.units import age, count


class LogsScreen(View):
    screen_name: ClassVar[str] = "logs"

    def __init__(self) -> None:
        super().__init__()
        self.title = OneLine()
        self.log_view = LogView()
        self._source: str | None = None
        self._search = ""
        self._keep = ""
        self._window = 0.0
        self._shown: tuple[int, tuple[str, ...]] | None = None

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.log_view

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
        self.log_view.clock = watching.clock
        if self._shown != (id(watching), wanted):
            self._shown = (id(watching), wanted)
            tails = {}
            for source in wanted:
                backend, tail = watching.backend(source), watching.tail(source)
                able = None if backend is None else ability(backend, Logs)
                if able is not None and tail is not None:
                    tails[source] = (tail, able.parse)
            self.log_view.show(tails)
        desk.bridge.attach(self.log_view, ("logs",), wanted)
        self.tick()

    def detach(self) -> None:
        if self.desk.bridge is not None:
            self.desk.bridge.detach(self.log_view)

    def tick(self) -> None:
        self.log_view.flush()
        self._show_title()

    def on_log_view_changed(self) -> None:
        self._show_title()

    def on_log_view_sought(self, message: LogView.Sought) -> None:
        if not message.found:
            self.desk.say("nothing further in this direction")
        self._show_title()

    def choose(self, name: str | None) -> None:
        """One source by its name, or all of them."""
        watching = self.desk.watching
        sources = [] if watching is None else [key.source for key in watching.feeds("logs")]
        if name is None:
            self._source = None
        else:
            found = [source for source in sources if name in (source, source.partition("/")[2])]
            if len(found) != 1:
                near = get_close_matches(name, sources, 1, 0.2)
                hint = f"nearest is {near[0]}" if near else "this context has none"
                self.desk.say(f"no log source {name}; {hint}")
                return
            self._source = found[0]
        self.attach()

    def _show_title(self) -> None:
        view = self.log_view
        lines = view.lines
        dim, warn = style(Look.DIM), style(Look.WARN)
        name = self._source or ", ".join(feeder.source for feeder in lines.feeders) or "no source"
        shown = count(len(lines.rows))
        if lines.keep is not None or lines.since is not None:
            shown += f" of {count(lines.total)}"
        left: list[Part] = [(" logs", style(Look.STRONG)), (f"  {name}", style()), (f"  {shown} lines", dim)]
        if self._window:
            left.append((f"  last {age(self._window)}", warn))
        if self._keep:
            left.append((f"  only {self._keep}", warn))
        if self._search:
            left.append((f"  search {self._search}", warn))
        if lines.dropped:
            left.append((f"  {count(lines.dropped)} older lines dropped", warn))
        note = next((feeder.tail.notes[-1] for feeder in lines.feeders if feeder.tail.notes), "")
        if note:
            left.append((f"  {note}", warn))
        self.title.show(left, [("  " + text + " ", made) for text, made in self._standing()])
        view.teach(self._lesson())

    def _standing(self) -> list[Part]:
        view = self.log_view
        if not view.readings:
            text, look = self.desk.without_source
            return [(text, style(look))]
        text, look = standing_of(view.readings.values(), view.clock.monotonic())
        if view.searching:
            return [("searching …", style(Look.DIM))]
        if look is not Look.GOOD:
            return [(text, style(look))]
        if not view.following:
            return [("LIVE, not following: F", style(Look.DIM))]
        return [(f"FOLLOWING {view.rate:.0f}/s", style(Look.GOOD))]

    def _lesson(self) -> list[str]:
        view = self.log_view
        if view.lines.rows or self.desk.watching is None:
            return []
        if not view.lines.feeders:
            name = self.desk.context.name
            return [
                "no logs: this context has no log source; in the configuration:",
                "",
                f"  [context.{name}.files.app]",
                '  paths = ["/var/log/app/*.log"]',
                "",
                *self.desk.context.tried,
            ]
        if view.lines.total:
            return ["no line passes: & lifts what is kept, 0 the time window"]
        notes = [note for feeder in view.lines.feeders for note in feeder.tail.notes]
        errors = [f"{key[0]}: {r.error}" for key, r in view.readings.items() if r.error is not None]
        return errors or notes or ["no lines yet"]

    # Commands of logs

    def follow(self) -> None:
        self.log_view.follow(not self.log_view.following)

    def move(self, rows: str) -> None:
        self.log_view.move(int(rows))

    def page(self, share: str) -> None:
        self.log_view.page(float(share))

    def first(self) -> None:
        self.log_view.go_to(0)

    def last(self) -> None:
        self.log_view.follow(True)

    def next_match(self, step: str) -> None:
        if not self._search:
            self.desk.say("no search yet: / starts one")
            return
        self.log_view.seek(int(step))

    def next_error(self, step: str) -> None:
        self.log_view.seek(int(step), errors=True)

    @property
    def searching(self) -> str:
        return self._search

    def search(self, text: str) -> None:
        self._search = text
        self.log_view.set_pattern(text)
        self._show_title()

    def open_keep(self) -> None:
        if self._keep:
            self._keep_only("")
            return
        self.desk.keys.ask("&", "", self._keep_only)

    def _keep_only(self, text: str) -> None:
        self._keep = text
        self._filter()

    def window(self, seconds: str) -> None:
        self._window = float(seconds)
        self._filter()

    def _filter(self) -> None:
        now = self.log_view.clock.now()
        since = now - timedelta(seconds=self._window) if self._window else None
        self.log_view.set_filter(self._keep, since)
        self._show_title()

    def wrap(self) -> None:
        self.log_view.wrapped = not self.log_view.wrapped
        self.log_view.left = 0
        self.log_view.repaint()

    def times(self) -> None:
        view = self.log_view
        view.times = TIMES[(TIMES.index(view.times) + 1) % len(TIMES)]
        view.repaint()

    def shift(self, cells: str) -> None:
        self.log_view.left = max(0, self.log_view.left + int(cells))
        self.log_view.repaint()

    def open_record(self) -> None:
        record = self.log_view.current
        if record is None:
            self.desk.say("no line to open")
            return
        level = record.level.word if record.level is not None else "–"
        when = record.time.astimezone().isoformat(" ") if record.time is not None else "–"
        facts = [
            ("time", when),
            ("level", level),
            ("source", record.source),
            ("file", self.log_view.current_origin),
            ("format", record.format),
            *record.fields.items(),
        ]
        width = max(len(label) for label, _ in facts)
        lines = [record.message, "", *(f"{label:>{width}}  {text}" for label, text in facts)]
        lines += ["", "as it came:", _bytes(record.raw)]
        self.desk.show_text("log record", lambda: lines)

    def show_raw(self) -> None:
        record = self.log_view.current
        if record is None:
            self.desk.say("no line to show")
            return
        text = _bytes(record.raw)
        self.desk.show_text("log record, as it came", lambda: [text])

    def escape(self) -> bool:
        if self.log_view.searching:
            self.log_view.stop_seeking()
        elif self._search:
            self.search("")
        elif self._keep or self._window:
            self._keep, self._window = "", 0.0
            self._filter()
        else:
            return False
        return True

    def plain_text(self) -> str:
        lines = self.log_view.lines
        found = (lines.raw(row) for row in lines.rows)
        return "\n".join(clean(item[0].decode("utf-8", "replace")) for item in found if item is not None)

    def copied(self) -> str:
        record = self.log_view.current
        return "" if record is None else clean(record.raw.decode("utf-8", "replace"))


def _bytes(raw: bytes) -> str:
    """Bytes as text, each that does not print by its number."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
