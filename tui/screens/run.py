"""One run of a deploy: its steps with their times, and its output as it comes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.reactive import var

from backends.api.capabilities import Logs
from backends.api.readings import Readings
from backends.api.runs import Run, RunState, Step, span
from tui.commands import Command
from tui.kinds.runs import RUN_LOOKS, RUNS, params_text
from tui.screens.base import View
from tui.screens.on_row import OnRow, has_ended
from widgets.board import Board, Entry
from widgets.logs.feeder import Feeder
from widgets.logs.view import LogView
from widgets.look import Look
from widgets.one_line import NARROW, OneLine, Part
from widgets.safe import fit, style

LATELY = 5
"""Runs that are told for comparison."""


class RunScreen(View):
    screen_name: ClassVar[str] = "run"
    readings: var[Readings] = var({}, always_update=True)
    DEFAULT_CSS = "RunScreen Board { margin: 0 0 1 0; }"

    def __init__(self) -> None:
        super().__init__()
        self.title = OneLine()
        self.note = OneLine()
        self.note.display = False
        self.steps = Board("STEPS")
        self.log_view = LogView(alone=True)
        self._source = self._run = ""

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.note
        yield self.steps
        yield self.log_view

    @property
    def name_in_path(self) -> str:
        return f"run {self._run}"

    def open_run(self, source: str, run: str) -> None:
        """Which run; its source's newest output is below it."""
        self._source, self._run = source, run
        self.log_view.begin_anew()
        if self.is_attached:
            self.attach()

    def attach(self) -> None:
        desk = self.desk
        if desk.bridge is None or desk.watching is None or not self._source:
            return
        logs, tail = desk.watching.able(self._source, Logs), desk.watching.tail(self._source)
        self.log_view.clock = desk.watching.clock
        if logs is not None and tail is not None:
            self.log_view.show([Feeder(self._source, tail, logs)])
            # Its own lines: the source holds those of other runs as well.
            self.log_view.set_filter("", None, frozenset({self._run}))
        desk.bridge.attach(self, ("runs",), (self._source,))
        desk.bridge.attach(self.log_view, ("logs",), (self._source,))
        self.log_view.follow(True)
        self.tick()

    def detach(self) -> None:
        if self.desk.bridge is not None:
            self.desk.bridge.detach(self)
            self.desk.bridge.detach(self.log_view)

    def watch_readings(self) -> None:
        self.tick()

    def on_resize(self) -> None:
        self.tick()

    @property
    def row(self) -> Run | None:
        rows = [reading.rows for reading in self.readings.values()]
        return next((found[self._run] for found in rows if self._run in found), None)

    def tick(self) -> None:
        self.log_view.flush()
        row = self.row
        if row is None:
            self.title.show([(f" run {self._run}", style(Look.STRONG)), ("  looking …", style(Look.DIM))])
            return
        left: list[Part] = [(f" run {row.key}", style(Look.STRONG)), (f"  {params_text(row)}", style())]
        left.append((f"  by {row.by}", style(Look.DIM)))
        self.title.show(left, [(f" {self._standing(row)} ", style(RUN_LOOKS[row.state]))])
        # How it ended may be longer than what the title has room for.
        self.note.display = bool(row.message)
        look = Look.WARN if row.left or row.state is RunState.DONE else RUN_LOOKS[row.state]
        self.note.show([(f" {row.message}", style(look))])
        small = self.size.width < NARROW
        self.steps.show([_step(number, step, small=small) for number, step in enumerate(row.steps, start=1)])
        self.steps.styles.height = min(len(row.steps), max(1, self.size.height // 3)) + 1

    def _standing(self, row: Run) -> str:
        """How it stands, and how long that took the last times."""
        spent = row.spent(self.log_view.clock.now())
        how_long = "" if spent is None else f" {'for' if row.ended is None else 'after'} {spent}"
        rows = [run for reading in self.readings.values() for run in reading.rows.values()]
        before = [
            (run.ended - run.started).total_seconds()
            for run in sorted(rows, key=lambda run: run.started)[-LATELY - 1 :]
            if run.state is RunState.DONE and run.ended is not None and run.key != row.key
        ]
        least, most = (span(found(before)) if before else "" for found in (min, max))
        usual = f", usually {least}{'' if most == least else f' to {most}'}" if before else ""
        return f"{row.state.value}{how_long}{usual}"

    # Commands

    def act(self, verb: str = "") -> None:
        """What can be done to it: to abort it, while it runs."""
        row = self.row
        OnRow(RUNS).act(self.desk, [] if row is None else [row], verb)

    def does(self, command: Command) -> bool:
        return command.do != "act" or not has_ended(self.row)

    def move(self, rows: str) -> None:
        self.log_view.move(int(rows))

    def page(self, share: str) -> None:
        self.log_view.page(float(share))

    def first(self) -> None:
        self.log_view.go_to(0)

    def last(self) -> None:
        self.log_view.follow(True)

    def follow(self) -> None:
        self.log_view.follow(not self.log_view.following)

    def wrap(self) -> None:
        self.log_view.wrap(not self.log_view.sheet.wrapped)

    def plain_text(self) -> str:
        output = b"\n".join(self.log_view.lines.text()).decode("utf-8", "replace")
        note = [self.note.text] if self.note.display else []
        return "\n".join([self.title.text, *note, *self.steps.plain_lines(), output])


def _step(number: int, step: Step, *, small: bool) -> Entry:
    stamp = step.started.astimezone().strftime("%H:%M" if small else "%H:%M:%S")
    name, word = (12, 7) if small else (24, 12)
    spent = "" if step.ended is None else f"{(step.ended - step.started).total_seconds():.1f} s"
    return Entry(
        None,
        (
            (f"{number:>2} {stamp}  ", style(Look.DIM)),
            (fit(" ".join(filter(None, (step.name, step.target))), name) + "  ", style()),
            (fit(step.state.value, word), style(RUN_LOOKS[step.state])),
            (f"{spent:>8}", style()),
            (f"  {step.message}" if step.message else "", style(Look.DIM)),
        ),
    )
