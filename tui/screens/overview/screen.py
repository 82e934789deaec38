"""Overview: what is wrong now, what changed, and the vital signs of every source."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.reactive import var

from backends.api.events import Occurrence
from backends.api.readings import Readings, State
from backends.incident.notable_changes import chosen
from backends.incident.problems import CHECKS, Now, Problem
from tui.commands import Command
from tui.screens.base import Sought, View
from tui.screens.empty_groups import group_without_rows, in_place_of_rows
from tui.screens.overview.headlines import change_line
from tui.screens.overview.layout import NEWS_ONLY, OverviewLayout
from tui.screens.overview.line import OverviewLine
from tui.screens.overview.source_lines import source_lines
from tui.screens.overview.vitals_shown import VitalsShown
from tui.screens.overview.words import all_well, heading, heard_of
from tui.screens.overview.wrong import WrongNow
from widgets.board import Board, Entry
from widgets.boards import Boards
from widgets.look import Look
from widgets.one_line import OneLine
from widgets.safe import style
from widgets.tables.columns import LogsOf

if TYPE_CHECKING:
    from widgets.charts.chart import Chart

NOUNS = (*CHECKS, "hosts", "events")
UNCONFIGURED = "no configuration: this was found here; `midwatch config init` writes one"
SIGNALS = "signals of the last 30 min; several series: sum or highest"
CALM = 2
"""Ticks that pass without a paint where all is well: figures come with the readings."""
LATELY = 900.0
"""Seconds for which a change counts."""
LOW = 24
"""Lines up to which one of them is for signals, else two."""
WIDE = 160
"""Cells from which on problems and changes stand side by side."""


class OverviewScreen(View):
    DEFAULT_CSS = """
    OverviewScreen #news { height: auto; layout: vertical; }
    OverviewScreen.wide #news { layout: horizontal; }
    OverviewScreen Board { margin: 0 0 1 0; }
    OverviewScreen #vital { margin: 0; }
    """
    screen_name: ClassVar[str] = "overview"
    readings: var[Readings] = var({}, always_update=True)

    def __init__(self) -> None:
        super().__init__()
        self.heading = OneLine()
        self.wrong = Board("WRONG NOW")
        self.changed = Board("CHANGED")
        self.vital = Board("VITAL SIGNS", columns=2)
        self.vital.id = "vital"
        self.boards = Boards(self.wrong, self.changed, self.vital)
        self._layout = OverviewLayout(self, self.wrong, self.changed, self.vital)
        self._wrong_now = WrongNow()
        self._events: dict[str, Occurrence] = {}
        self._leading: dict[str, tuple[str, str]] = {}
        self._signals = VitalsShown(self._layout, self._paint_soon)
        self._happened = 1
        self._beats = 0
        """Ticks since it was painted."""

    def compose(self) -> ComposeResult:
        yield self.heading
        yield Container(self.wrong, self.changed, id="news")
        yield self.vital

    @property
    def name_in_path(self) -> str:
        return "overview"

    def attach(self) -> None:
        if self.desk.bridge is not None:
            # What matters of the others is an event as well; the rest is figures that waver.
            self.desk.bridge.attach(self, NOUNS, at_once=("events", "runs"))
        self._look_at_signals()
        self._paint()

    def _look_at_signals(self) -> None:
        if self.desk.view is self:
            self._signals.look(self.desk)

    def detach(self) -> None:
        if self.desk.bridge is not None:
            self.desk.bridge.detach(self)
        self._signals.detach()

    def watch_readings(self, readings: Readings) -> None:
        # Once all have spoken that have begun: a frame for the first of them would hold the others' up.
        waits = self.desk.watching.waiting if self.desk.watching is not None else frozenset[str]()
        begun = [reading for (source, _), reading in readings.items() if source not in waits]
        if begun and all(reading.state is not State.LOADING for reading in begun):
            self.desk.first_paint.let_go()
        if not self.desk.first_paint.holding:
            self._paint()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= WIDE, "wide")
        self._paint()

    def tick(self) -> None:
        """Once a second: what changes only because time passes, which is little where all is well."""
        self._beats += 1
        well = not len(self._wrong_now) and all(r.state is State.LIVE for r in self.readings.values())
        if self._beats > (CALM if well else 0):
            self._paint()

    def _paint_soon(self) -> None:
        """At the next tick: for what comes often, and piecemeal."""
        self._beats += CALM

    def _paint(self) -> None:
        self._beats = 0
        watching = self.desk.watching
        if watching is None:
            self.heading.show([(" overview", style(Look.STRONG)), ("  opening …", style(Look.DIM))])
            return
        self._look_at_signals()
        now = Now(watching.clock.monotonic(), watching.clock.now())
        events = _events(self.readings)
        self._wrong_now.look(watching, self._sources(), events, now)
        self._show_wrong(now)
        self._show_changed(events, now)
        self._show_vital(now)
        self._show_heading(len(self._wrong_now), sum(now.monotonic - event.at <= LATELY for event in events), now)
        self.boards.settle()

    def _sources(self) -> Readings:
        """Every source's readings, those of logs too: only when it is painted, as lines come all the time."""
        bridge = self.desk.bridge
        return (
            self.readings if bridge is None else dict([*self.readings.items(), *bridge.readings("logs").items()])
        )

    def _show_heading(self, wrong: int, changes: int, now: Now) -> None:
        heard, context = heard_of(self._sources()), self.desk.context
        self.heading.show(*heading(wrong, changes, self._since(now), heard, context, self.size.width))

    def _since(self, now: Now) -> datetime | None:
        """Since when changes are counted, where that is not for all of the time that counts: nobody knows what
        changed before the context was opened."""
        watching = self.desk.watching
        opened = None if watching is None else watching.opened
        return None if opened is None or now.monotonic - opened >= LATELY else now.ago(opened)

    def _show_wrong(self, now: Now) -> None:
        entries = list(self._wrong_now.entries(now, self.wrong.size.width))
        if not entries:
            well = all_well(heard_of(self._sources()), self.desk.context, self.wrong.size.width)
            entries = [Entry(None, ((f" {text}", style(Look.DIM)),)) for text in well]
        self.wrong.show(entries)
        self._fit()

    def _show_changed(self, events: list[Occurrence], now: Now) -> None:
        room = max(1, self.changed.size.height - 1)
        self._happened = max(1, len(events))
        changes = chosen(events, room)
        self._events = {change.event.key: change.event for change in changes}
        width = self.changed.size.width
        entries = [change_line(change, now.wall, width) for change in changes]
        nothing = " nothing since this context was opened"
        self.changed.show(entries or [Entry(None, ((nothing, style(Look.DIM)),))])

    def _show_vital(self, now: Now) -> None:
        watching = self.desk.watching
        found = list(source_lines(self.readings, {} if watching is None else watching.expected_sizes(), now))
        if self.size.height < NEWS_ONLY:
            found = []
        lines = 0 if self.size.height < NEWS_ONLY else 1 if self.size.height <= LOW else 2
        signals = self._signals.entries(self.vital.size.width - 1, lines)
        self._leading = {entry.key or "": (kind, "") for kind, entry in found}
        self._leading |= {entry.key or "": ("metrics", title) for title, entry in signals}
        self.vital.explain(SIGNALS if signals else "")
        # Taught once, where there is room for it.
        lesson = [Entry(None, ((f" {UNCONFIGURED}", style(Look.DIM)),))] if self._unconfigured else []
        self.vital.show([*(entry for _, entry in (*signals, *found)), *lesson])

    @property
    def _unconfigured(self) -> bool:
        """Whether nobody configured anything: what is watched is what was found."""
        sources = self.desk.context.sources
        return bool(sources) and all(source.found for source in sources)

    def _fit(self) -> None:
        watching = self.desk.watching
        if watching is None:
            return
        sheet = self._signals.sheet if self.desk.view is self else None
        self._layout.fit(
            self._happened, wide=self.has_class("wide"), watching=watching, bridge=self.desk.bridge, sheet=sheet
        )

    def on_chart_grid_sized(self) -> None:
        self._paint()

    def on_chart_touched(self, message: Chart.Touched) -> None:
        message.stop()
        self.desk.ways.go_to("metrics", message.chart.panel.title)

    def does(self, command: Command) -> bool:
        if command.do == "unfold":
            return self._wrong_now.has_effects(self.wrong.chosen or "")
        watching = self.desk.watching
        can_act = watching is not None and watching.can_change and self._line.leads_to_one
        return command.do != "act" or can_act

    # Commands

    def move(self, rows: str) -> None:
        self.boards.move(int(rows))

    def page(self, share: str) -> None:
        self.boards.move(5 if float(share) > 0 else -5)

    def first(self) -> None:
        self.boards.first()

    def last(self) -> None:
        self.boards.last()

    def unfold(self) -> None:
        """Show below the chosen problem what it brought about, or fold that into its line again."""
        key = self.wrong.chosen or ""
        if self._wrong_now.has_effects(key):
            self._wrong_now.unfold(key)
            self._paint()
        else:
            self.desk.say("nothing else is known to come of this")

    def escape(self) -> bool:
        return self.close()

    def close(self) -> bool:
        folded = self._wrong_now.fold()
        if folded:
            self._paint()
        return folded

    def open_row(self) -> None:
        """To the thing itself; to a source's rows or lines where it is ill as a whole."""
        line = self._line
        problem, found = line.problem, line.leads
        if problem is not None and not problem.kind:
            self._open_broken(problem.source)
        elif problem is not None and problem.kind == "logs":
            self._open_logs(problem)
        elif problem is not None and problem.kind == "runs" and problem.row:
            self.desk.ways.show_run(problem.source, problem.row)
        elif (group := self._group_without_rows()) is not None:
            self._seek(*group)
        elif found is None:
            self.desk.say("nothing to open here")
        else:
            self.desk.ways.go_to(*found)

    def _group_without_rows(self) -> tuple[str, str] | None:
        watching = self.desk.watching
        return None if watching is None else group_without_rows(self._line.problem, self.vital.chosen, watching)

    def _seek(self, source: str, group: str) -> None:
        watching = self.desk.watching
        if watching is not None:
            text = f"{group}  {source.partition('/')[0]}"
            self.desk.ways.seek("members", Sought(text, lambda: in_place_of_rows(source, group, watching)))

    def act(self, verb: str = "") -> None:
        """What can be done to what Enter leads to."""
        watching = self.desk.watching
        row = None if watching is None else self._line.row(watching)
        if row is None:
            self.desk.say("nothing to act on: this is about no single row, but what it leads to may be")
        else:
            self.desk.flow.menu([row], verb=verb)

    def _open_logs(self, problem: Problem) -> None:
        """All of a source, or those of one log since it became a problem."""
        if problem.row:
            self.desk.ways.show_logs_of(LogsOf((problem.row,), problem.since, problem.source))
        else:
            self.desk.ways.show_logs(problem.source)

    def show_its_logs(self) -> None:
        """The logs about what is chosen; all of them where that is a whole source."""
        watching = self.desk.watching
        found = None if watching is None else self._line.logs(self.readings, watching)
        self.desk.ways.show_logs_of(found or LogsOf(()))

    @property
    def _line(self) -> OverviewLine:
        return OverviewLine(
            self._wrong_now.of(self.wrong.chosen or ""),
            self._events.get(self.changed.chosen or ""),
            self._leading.get(self.vital.chosen or ""),
        )

    def _open_broken(self, source: str) -> None:
        watching = self.desk.watching
        found = () if watching is None else (i.error for i in watching.broken if i.source == source)
        lines = [text for error in found for text in (str(error), error.hint)]
        lines += [
            "",
            "it is left out until midwatch is started again; `midwatch config check` looks at all of it",
        ]
        self.desk.ways.show_text(f"source  {source}", lambda: lines)

    def on_board_touched(self, message: Board.Touched) -> None:
        self.boards.choose(message.board)

    def on_board_picked(self) -> None:
        self.open_row()

    def plain_text(self) -> str:
        return "\n".join(self.boards.plain_lines())

    def copied(self) -> str:
        return self.plain_text()


def _events(readings: Readings) -> list[Occurrence]:
    """Newest first."""
    found: list[Occurrence] = []
    for (_, noun), reading in readings.items():
        if noun == "events":
            found += reading.rows.values()
    return sorted(found, key=_when, reverse=True)


def _when(event: Occurrence) -> tuple[float, str]:
    return event.at, event.key
