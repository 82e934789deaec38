"""Overview: what is wrong now, what changed, and the vital signs of every source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.containers import Container
from textual.reactive import var

from backends.api.models import Occurrence, Reading, State
from backends.incident.changes import chosen
from backends.incident.problems import CHECKS, Now, Problem, problems
from backends.watch import Watch
from tui.screens.base import View
from tui.screens.headlines import change_line, problem_line
from tui.screens.overviewlayout import NEWS_ONLY, OverviewLayout
from tui.screens.sourcelines import source_lines
from widgets.board import Board, Entry
from widgets.columns import LogsOf, Look
from widgets.oneline import OneLine, Part
from widgets.safe import style, wrapped

if TYPE_CHECKING:
    from tui.screens.signals import Signals
    from widgets.chart import Chart

NOUNS = (*CHECKS, "hosts", "events")
NO_SOURCE = "no source is configured, and none was found; `midwatch config init` writes an example"
UNCONFIGURED = "no configuration: this is what was found here; `midwatch config init` writes one to begin with"
SIGNALS = "VITAL SIGNS  signals of the last 30 min, of several the sum or the max"
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
    readings: var[Mapping[tuple[str, str], Reading[Any]]] = var({}, always_update=True)

    def __init__(self) -> None:
        super().__init__()
        self.heading = OneLine()
        self.wrong = Board("WRONG NOW")
        self.changed = Board("CHANGED")
        self.vital = Board("VITAL SIGNS", columns=2)
        self.vital.id = "vital"
        self._layout = OverviewLayout(self, self.wrong, self.changed, self.vital)
        self._problems: dict[str, Problem] = {}
        self._events: dict[str, Occurrence] = {}
        self._leading: dict[str, tuple[str, str]] = {}
        self._signals: Signals | None = None
        self._of: Watch | None = None
        self._moved = False
        self._happened = 1

    def compose(self) -> ComposeResult:
        yield self.heading
        yield Container(self.wrong, self.changed, id="news")
        yield self.vital

    @property
    def _boards(self) -> tuple[Board, Board, Board]:
        return self.wrong, self.changed, self.vital

    @property
    def name_in_path(self) -> str:
        return "overview"

    def attach(self) -> None:
        if self.desk.bridge is not None:
            self.desk.bridge.attach(self, NOUNS)
        self._look_at_signals()
        self.tick()

    def _look_at_signals(self) -> None:
        """Signals cost nothing where nothing answers queries."""
        watching, bridge = self.desk.watching, self.desk.bridge
        if watching is None or bridge is None or self.desk.view is not self:
            return
        if watching is not self._of:
            self._of, self._signals = watching, None
            self._layout.leave_charts()
            dashboards = self.desk.dashboards if watching.answering() else None
            if dashboards is not None:
                from tui.screens.signals import Signals

                self._signals = Signals(watching, dashboards, self._show_vital)
        if self._signals is not None:
            # The same twice would cost the server twice.
            if self._layout.has_charts:
                self._signals.detach()
            else:
                self._signals.attach(bridge, self.desk.work)

    def detach(self) -> None:
        if self.desk.bridge is not None:
            self.desk.bridge.detach(self)
        if self._signals is not None:
            self._signals.detach()
        self._layout.leave_charts()

    def watch_readings(self, readings: Mapping[tuple[str, str], Reading[Any]]) -> None:
        # Once all have spoken: a frame for the first of them would hold the others' up.
        if readings and all(reading.state is not State.LOADING for reading in readings.values()):
            self.desk.show_frame()
        self.tick()

    def on_resize(self) -> None:
        self.set_class(self.size.width >= WIDE, "wide")
        self.tick()

    def tick(self) -> None:
        watching = self.desk.watching
        if watching is None:
            self.heading.show([(" overview", style(Look.STRONG)), ("  opening …", style(Look.DIM))])
            return
        self._look_at_signals()
        now = Now(watching.clock.monotonic(), watching.clock.now())
        events = _events(self.readings)
        found = problems(
            self._sources(),
            [(item.source, item.error) for item in watching.broken],
            watching.expected_sizes(),
            events,
            now,
            watching.error_bursts(),
        )
        self._problems = {problem.key: problem for problem in found}
        self._show_wrong(now)
        self._show_changed(events, now)
        self._show_vital()
        self._show_heading(len(found), sum(now.monotonic - event.at <= LATELY for event in events))
        self._place_cursor()

    def _sources(self) -> Mapping[tuple[str, str], Reading[Any]]:
        """Every source's readings, those of logs too: looked at once a second, for lines come all the time."""
        bridge = self.desk.bridge
        return (
            self.readings if bridge is None else dict([*self.readings.items(), *bridge.readings("logs").items()])
        )

    def _place_cursor(self) -> None:
        """Until somebody moves it, the cursor is on the first thing that is wrong, or on what there is."""
        if not self._moved or not any(board.active for board in self._boards):
            self._to_end(self._boards, last=False)

    def _show_heading(self, wrong: int, changes: int) -> None:
        waiting, of = self._unknown()
        look = Look.BAD if wrong else Look.WARN if waiting or not of else Look.GOOD
        well = "nothing is wrong" if of else "not known" if self.desk.context.sources else "no source"
        says = f"{wrong} problem{'s' if wrong != 1 else ''}" if wrong else well
        if waiting:
            unknown = f"{waiting} of {of} sources not known yet"
            says = f"{says}, {unknown}" if wrong else unknown
        left: list[Part] = [(" overview", style(Look.STRONG))]
        self.heading.show(
            left,
            [
                (f" {says} ", style(look)),
                (f"  {changes} change{'s' if changes != 1 else ''}/15m ", style(Look.DIM)),
            ],
        )

    def _show_wrong(self, now: Now) -> None:
        entries = [problem_line(problem, now, self.wrong.size.width) for problem in self._problems.values()]
        if not entries:
            entries = [Entry(None, ((f" {text}", style(Look.DIM)),)) for text in self._all_well()]
        self.wrong.show(entries)
        self._fit()

    def _all_well(self) -> list[str]:
        waiting, of = self._unknown()
        if waiting:
            return [f"not known yet: {waiting} of {of} source{'s have' if of != 1 else ' has'} not answered"]
        if of:
            return [f"nothing: {of} source{'s are' if of != 1 else ' is'} live"]
        if self.desk.context.sources:
            return ["not known: no source of this context says what is wrong"]
        return [*wrapped(NO_SOURCE, max(20, self.wrong.size.width - 3)), *self.desk.context.tried]

    def _unknown(self) -> tuple[int, int]:
        """How many sources have not said a word yet, and of how many: what they would say may be wrong."""
        of_sources = {key: reading for key, reading in self._sources().items() if key[1] != "events"}
        waiting = {source for (source, _), reading in of_sources.items() if reading.state is State.LOADING}
        return len(waiting), len({source for source, _ in of_sources})

    def _show_changed(self, events: list[Occurrence], now: Now) -> None:
        room = max(1, self.changed.size.height - 1)
        self._happened = max(1, len(events))
        changes = chosen(events, room)
        self._events = {change.event.key: change.event for change in changes}
        width = self.changed.size.width
        entries = [change_line(change.event, now.wall, width, change.times) for change in changes]
        nothing = " nothing since this context was opened"
        self.changed.show(entries or [Entry(None, ((nothing, style(Look.DIM)),))])

    def _show_vital(self) -> None:
        watching = self.desk.watching
        found = list(source_lines(self.readings, {} if watching is None else watching.expected_sizes()))
        if self.size.height < NEWS_ONLY:
            found = []
        lines = 0 if self.size.height < NEWS_ONLY else 1 if self.size.height <= LOW else 2
        signals = (
            []
            if self._signals is None or self._layout.has_charts
            else self._signals.entries(self.vital.size.width - 1, lines)
        )
        self._leading = {entry.key or "": (kind, "") for kind, entry in found}
        self._leading |= {entry.key or "": ("metrics", title) for title, entry in signals}
        self.vital.name_it("VITAL SIGNS" if not signals else SIGNALS)
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
        sheet = None if self._signals is None or self.desk.view is not self else self._signals.sheet
        self._layout.fit(
            self._happened, wide=self.has_class("wide"), watching=watching, bridge=self.desk.bridge, sheet=sheet
        )

    def on_chart_grid_sized(self) -> None:
        self.tick()

    def on_chart_touched(self, message: Chart.Touched) -> None:
        message.stop()
        self.desk.go_to("metrics", message.chart.panel.title)

    # Commands

    def move(self, rows: str) -> None:
        step = int(rows)
        self._moved = True
        boards = self._boards
        here = next((i for i, board in enumerate(boards) if board.active), 0)
        if boards[here].move(step):
            return
        onward = boards[here + 1 :] if step > 0 else boards[:here][::-1]
        for board in onward:
            if board.activate(True, last=step < 0):
                boards[here].activate(False)
                return

    def page(self, share: str) -> None:
        self.move(str(5 if float(share) > 0 else -5))

    def first(self) -> None:
        self._moved = True
        self._to_end(self._boards, last=False)

    def last(self) -> None:
        self._moved = True
        self._to_end(self._boards[::-1], last=True)

    def open_row(self) -> None:
        """To the thing itself; to a source's rows or lines where it is ill as a whole."""
        problem = self._problems.get(self.wrong.chosen or "")
        found = self._leads()
        if problem is not None and not problem.kind:
            self._open_broken(problem.source)
        elif problem is not None and problem.kind == "logs":
            self._open_logs(problem)
        elif problem is not None and problem.kind == "runs" and problem.row:
            self.desk.show_run(problem.source, problem.row)
        elif found is None:
            self.desk.say("nothing to open here")
        else:
            self.desk.go_to(*found)

    def act(self, verb: str = "") -> None:
        """What can be done to what Enter leads to."""
        found = self._leads()
        row = None
        if found is not None:
            row = self._row(*found)
        if row is None:
            self.desk.say("nothing here can be acted on: no single row is what this is about; enter leads on")
        else:
            self.desk.flow.menu([row], verb=verb)

    def _open_logs(self, problem: Problem) -> None:
        """All of a source, or those of one log since it became a problem."""
        if problem.row:
            self.desk.show_logs_of(LogsOf((problem.row,), problem.since, problem.source))
        else:
            self.desk.show_logs(problem.source)

    def show_its_logs(self) -> None:
        """The logs about what is chosen; all of them where that is a whole source."""
        self.desk.show_logs_of(self._logs() or LogsOf(()))

    def _logs(self) -> LogsOf | None:
        if (key := self.changed.chosen) is not None and key in self._events:
            return self._logs_of("events", key)
        if (key := self.wrong.chosen) is not None and key in self._problems:
            problem = self._problems[key]
            of_row = self._logs_of(problem.kind, problem.row)
            if of_row is not None:
                return replace(of_row, when=problem.since or of_row.when)
            kind, _, source = problem.source.partition("/")
            *parts, name = problem.name.split() or [""]
            return LogsOf((name,), problem.since, wider=(*reversed(parts), source, kind))
        return None

    def _row(self, kind: str, key: str) -> Any:
        """A row of a kind; None where it is gone, or a whole source is meant."""
        from tui.kinds.known import KINDS

        watching = self.desk.watching
        if watching is None or kind not in KINDS:
            return None
        rows = (feed.reading.value or {} for feed in watching.feeds(*KINDS[kind].nouns).values())
        return next((of[key] for of in rows if key in of), None)

    def _logs_of(self, kind: str, key: str) -> LogsOf | None:
        """Of a row of a kind, as the kind says."""
        # Kinds are imported when one of them is asked for: the first frame does not wait for them.
        from tui.kinds.known import KINDS
        from tui.kinds.lognames import logs_about

        shown, watching = KINDS.get(kind), self.desk.watching
        if shown is None or watching is None:
            return None
        rows = (reading.value or {} for (_, noun), reading in self.readings.items() if noun in shown.nouns)
        row = next((of[key] for of in rows if key in of), None)
        return None if row is None else logs_about(shown, row, self.readings, watching.relations)

    def _leads(self) -> tuple[str, str] | None:
        if (key := self.wrong.chosen) is not None and key in self._problems:
            return (self._problems[key].kind, self._problems[key].row)
        if (key := self.changed.chosen) is not None and key in self._events:
            return ("events", key)
        if (key := self.vital.chosen) is not None and key in self._leading:
            return self._leading[key]
        return None

    def _open_broken(self, source: str) -> None:
        watching = self.desk.watching
        found = () if watching is None else (i.error for i in watching.broken if i.source == source)
        lines = [text for error in found for text in (str(error), error.hint)]
        lines += [
            "",
            "it is left out until midwatch is started again; `midwatch config check` looks at all of it",
        ]
        self.desk.show_text(f"source  {source}", lambda: lines)

    def _to_end(self, boards: Sequence[Board], *, last: bool) -> None:
        able = next((board for board in boards if board.can_be_chosen), None)
        if able is not None:
            self._activate(able)
            able.to_end(last=last)

    def _activate(self, board: Board) -> None:
        for other in self._boards:
            other.activate(other is board)

    def on_board_touched(self, message: Board.Touched) -> None:
        self._moved = True
        self._activate(message.board)

    def on_board_picked(self) -> None:
        self.open_row()

    def plain_text(self) -> str:
        return "\n".join(text for board in self._boards for text in board.plain_lines())

    def copied(self) -> str:
        return self.plain_text()


def _events(readings: Mapping[tuple[str, str], Reading[Any]]) -> list[Occurrence]:
    """Newest first."""
    found: list[Occurrence] = []
    for (_, noun), reading in readings.items():
        if noun == "events":
            found += (reading.value or {}).values()
    return sorted(found, key=_when, reverse=True)


def _when(event: Occurrence) -> tuple[float, str]:
    return event.at, event.key
