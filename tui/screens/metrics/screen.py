"""The Metrics screen: pages of charts under one span of time and one cursor, and a query of one's own."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.reactive import var

from backends.api.charts import Panel
from backends.api.readings import Readings
from backends.watch import Watch
from tui.commands import key_of
from tui.screens.metrics.chart_grid import ChartGrid
from tui.screens.metrics.chart_marks import marks_of
from tui.screens.metrics.choice import MetricsChoice
from tui.screens.metrics.time_view import TimeView
from tui.screens.metrics.title import beyond, standing, time_parts
from tui.screens.text import TextPane
from widgets.charts.chart import Chart
from widgets.look import Look
from widgets.one_line import OneLine, Part
from widgets.safe import style
from widgets.typed_pattern import as_taken, typed_pattern


class MetricsScreen(TimeView):
    screen_name: ClassVar[str] = "metrics"
    DEFAULT_CSS = """
    MetricsScreen TextPane { display: none; }
    MetricsScreen.bare ChartGrid { display: none; }
    MetricsScreen.bare TextPane { display: block; }
    """
    readings: var[Readings] = var({}, always_update=True)
    """The timeline's, for the marks."""

    def __init__(self) -> None:
        super().__init__()
        self.title = OneLine()
        self.pane = TextPane()
        self.grid = ChartGrid()
        self.choice = MetricsChoice()
        self._of: Watch | None = None
        self._wanted = ""
        self._filter = ""

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.grid
        yield self.pane

    @property
    def name_in_path(self) -> str:
        return "metrics"

    # In front or not

    def attach(self) -> None:
        watching, bridge = self.desk.watching, self.desk.bridge
        if watching is None or bridge is None:
            return
        if watching is not self._of:
            self._of = watching
            self.choice.begin(self.desk.dashboards)
            self.grid.leave()
            self.grid.begin()
        bridge.attach(self, ("events",))
        self._arrange()
        self._look()

    def detach(self) -> None:
        if self.desk.bridge is not None:
            self.desk.bridge.detach(self)
        self.grid.leave()

    def tick(self) -> None:
        self._look()
        for chart in self.grid.shown:
            chart.flush()
        self._show_title()

    def _look(self) -> None:
        if self.choice.dashboards is not None:
            self.choice.dashboards.look(self.desk.work, self._arrange)

    def on_chart_grid_sized(self) -> None:
        self._arrange()

    def watch_readings(self, readings: Readings) -> None:
        events = [e for (_, noun), r in readings.items() if noun == "events" for e in (r.value or {}).values()]
        found = marks_of(events)
        if found != self.marks:
            self.marks = found
            self.tell()

    # What is shown

    def _arrange(self) -> None:
        watching, bridge = self._of, self.desk.bridge
        if self._wanted and self.choice.pages:
            self._find_wanted()
        sheet = self.choice.sheet
        self.set_class(sheet is None or not sheet.panels, "bare")
        if self.desk.view is not self or watching is None or bridge is None:
            return
        if sheet is None:
            self.grid.leave()
        else:
            self.grid.lay_out(watching, bridge, sheet, self.frame.span)
        self.tell()

    def tell(self) -> None:
        """Span, cursor, filter and marks to all charts in sight."""
        self.grid.overlay(self.frame.span, self.frame.cursor, typed_pattern(self._filter), self.marks)
        self._show_title()

    def on_chart_heard(self) -> None:
        self.desk.first_paint.let_go()
        self._show_title()

    def _show_title(self) -> None:
        left: list[Part] = [(" metrics", style(Look.STRONG))]
        if self._filter:
            left.append((f"  filter {as_taken(self._filter)}", style(Look.WARN)))
        left += self.choice.parts()
        left += time_parts(self.frame, self.marks, self.cell_seconds, self.now)
        left.append((f"  {self.choice.source or ''}", style(Look.DIM)))
        text, look = self._standing()
        self.title.show(left, [beyond(self.grid), (f"  {text} ", style(look))])
        if self.has_class("bare"):
            self.pane.set(self.choice.lesson())

    def _standing(self) -> tuple[str, Look]:
        dashboards = self.choice.dashboards
        if dashboards is None or not dashboards.sources:
            return self.desk.without_source
        if not self.choice.pages and self.choice.question is None:
            return dashboards.standing
        return standing(self.grid)

    @property
    def now(self) -> float:
        return 0.0 if self._of is None else self._of.clock.now().timestamp()

    @property
    def cell_seconds(self) -> float:
        found = None if self.grid.chart is None else self.grid.chart.cell_seconds
        return self.frame.span.step if found is None else found

    # Commands: which charts

    def move(self, rows: str) -> None:
        self._choose(self.grid.chosen + int(rows) * self.grid.shape[0])

    def next_chart(self, step: str) -> None:
        sheet = self.choice.sheet
        self._choose((self.grid.chosen + int(step)) % max(1, 0 if sheet is None else len(sheet.panels)))

    def page(self, share: str) -> None:
        columns, rows = self.grid.shape
        self._choose(self.grid.chosen + (1 if float(share) > 0 else -1) * columns * rows)

    def _choose(self, number: int) -> None:
        self.grid.choose(number)
        self._arrange()

    def zoom_chart(self) -> None:
        self.grid.zoomed = not self.grid.zoomed
        self._arrange()

    def next_page(self, step: str) -> None:
        if self.choice.question is not None:
            self._leave_question()
        elif len(self.choice.pages) < 2:
            self.desk.say("this is the only page; [[context.NAME.page]] in the configuration makes more")
            return
        else:
            self.choice.turn(int(step))
        self.grid.begin()
        self._arrange()

    def choose(self, title: str) -> None:
        """A page by its title or its number."""
        missing = self.choice.choose(title)
        if missing:
            self.desk.say(missing)
            return
        self._leave_question()
        self.grid.begin()
        self._arrange()

    def go_to_row(self, key: str) -> bool:
        """Choose a panel by its title, on whichever page, as soon as the pages are known."""
        self._wanted = key
        self._arrange()
        return True

    def _find_wanted(self) -> None:
        wanted, self._wanted = self._wanted, ""
        number = self.choice.choose_panel(wanted)
        if number is not None:
            self._leave_question()
            self.grid.zoomed, self.grid.chosen = False, number

    def on_chart_touched(self, message: Chart.Touched) -> None:
        message.stop()
        if message.moment is not None:
            self.frame.place(message.moment)
        self.grid.choose_chart(message.chart)
        if message.twice:
            self.grid.zoomed = not self.grid.zoomed
        self._arrange()

    # Commands: a query of one's own

    def ask_query(self, expression: str = "") -> None:
        """Show an expression as a chart; without one, open the line to type it."""
        if self.choice.source is None:
            self.desk.say("no source of this context answers queries")
        elif expression:
            self._ask(expression)
        else:
            self._open_query("")

    def edit_query(self) -> None:
        chart = self.grid.chart
        self._open_query("" if chart is None else chart.panel.query)

    def _open_query(self, text: str) -> None:
        self.desk.keys.ask("query ", text, self._ask, complete=self._queries)

    def completions(self, takes: str, text: str) -> list[str]:
        """What could be typed after `:metrics` (a `page`) and `:query`."""
        if takes == "query":
            return self._queries(text)
        return self.choice.titles(text)

    def _queries(self, text: str) -> list[str]:
        return self.choice.queries(text, self.desk.work, self.desk.prompt_changed)

    def _ask(self, text: str) -> None:
        if text.strip():
            self._leave_question()
            self.choice.question = Panel(text.strip(), text.strip())
            self.grid.begin()
            self._arrange()

    def _leave_question(self) -> None:
        """End its request, too: nobody waits for it any more."""
        if self.choice.question is not None:
            self.choice.question = None
            self._end("left")
            self.grid.leave()

    def _end(self, why: str) -> None:
        for feed in self.grid.end(why):
            self.desk.work(feed.close())

    def cancel(self) -> bool:
        chart = self.grid.chart
        if self.choice.question is None or chart is None or not chart.waiting:
            return False
        self._end("cancelled")
        self._show_title()
        self.desk.say(
            f"query cancelled; {key_of('ask_query')} asks something else, {key_of('edit_query')} edits it"
        )
        return True

    # Commands of every screen

    def escape(self) -> bool:
        if self.cancel():
            return True
        if self._filter:
            self.search("")
        elif self.frame.cursor is not None:
            self.frame.cursor = None
            self.tell()
        else:
            return self.close()
        return True

    def close(self) -> bool:
        if self.grid.zoomed:
            self.zoom_chart()
        elif self.choice.question is not None and self.choice.pages:
            self._leave_question()
            self._arrange()
        else:
            return False
        return True

    @property
    def searching(self) -> str:
        return self._filter

    def search(self, text: str) -> None:
        self._filter = text
        self.tell()

    def describe(self) -> None:
        chart = self.grid.chart
        if chart is None:
            self.desk.say("no chart to describe")
        else:
            self.desk.ways.show_text(f"chart  {chart.panel.title}", chart.plain_lines)

    def plain_text(self) -> str:
        return "\n".join(text for chart in self.grid.shown for text in [*chart.plain_lines(), ""])

    def copied(self) -> str:
        return "" if self.grid.chart is None else self.grid.chart.panel.query
