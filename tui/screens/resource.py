"""The one screen for every kind: filter, sort, mark, describe are written once."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from backends.api.readings import State
from backends.relations import NOUNS
from backends.watch import Watch
from tui.commands import Command
from tui.screens.base import View
from tui.screens.onrow import OnRow
from widgets.columns import Kind, LogsOf, Look
from widgets.detail import Detail
from widgets.freshness import standing_of
from widgets.oneline import MORE, OneLine, Part
from widgets.safe import fit, style, width_of
from widgets.table import Table

RIGHT = 16
"""Cells of the title in which the state of what is shown is told in any case."""
WIDE = 150
"""Cells from which on the detail stands beside the table instead of below it."""


class ResourceScreen(View):
    screen_name: ClassVar[str] = "table"
    DEFAULT_CSS = """
    ResourceScreen Container { height: 1fr; layout: vertical; }
    ResourceScreen Container.wide { layout: horizontal; }
    ResourceScreen Detail { display: none; height: 12; }
    ResourceScreen .wide Detail { width: 64; height: 1fr; }
    ResourceScreen .open Detail { display: block; }
    """

    def __init__(self, kind: Kind[Any]) -> None:
        super().__init__()
        self.kind = kind
        self.title = OneLine()
        self.table = Table(kind)
        self.table.holds = lambda: self.is_attached and self.desk.asking
        self.detail = Detail()
        self.body = Container(self.table)
        self._on_row = OnRow(kind)
        self._of: Watch | None = None

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.body

    @property
    def kind_name(self) -> str:
        return self.kind.name

    @property
    def current(self) -> Any:
        return self.table.current

    @property
    def name_in_path(self) -> str:
        return self.kind.name

    # In front or not

    def attach(self) -> None:
        bridge = self.desk.bridge
        if self.desk.watching is not self._of:
            # Rows of another context may have the very same keys.
            self._of = self.desk.watching
            self.table.unmark()
        if bridge is not None:
            self.table.clock = bridge.clock
            bridge.attach(self.table, self.kind.nouns)
        self._look_beside()
        self.tick()

    def detach(self) -> None:
        if self.desk.bridge is not None:
            self.desk.bridge.detach(self.table)
            self.desk.bridge.detach(self.detail)

    def tick(self) -> None:
        self.table.flush()
        self._show_title()
        self._show_detail()

    def on_resize(self) -> None:
        self.body.set_class(self.size.width >= WIDE, "wide")
        self._show_title()

    def on_mount(self) -> None:
        self.watch(self.table, "readings", self._heard, init=False)

    def _heard(self) -> None:
        if self.table.total:
            self.desk.held_back.let_go()
        self._show_title()
        self._show_detail()

    def on_table_moved(self) -> None:
        self._heard()

    def on_table_missed(self) -> None:
        all_live = all(reading.state is State.LIVE for reading in self.table.readings.values())
        self.desk.say("it is not there any more" if all_live else "it is not among the rows that are known now")

    def on_table_chosen(self) -> None:
        self.open_row()

    def _show_title(self) -> None:
        table, kind = self.table, self.kind
        now = table.clock.monotonic()
        readings = table.readings
        dim, plain = style(Look.DIM), style()
        shown = f"{table.shown} of {table.total}" if table.filter_text else str(table.total)
        left: list[Part] = [(f" {kind.title}", style(Look.STRONG)), (f"  {shown}", plain)]
        if table.marks:
            left.append((f"  {len(table.marks)} marked", style(Look.WARN)))
        column = kind.column(table.sort_key)
        order = "" if column is None else f"  sort {column.title.lower()}{'↓' if table.descending else '↑'}"
        if table.filter_text:
            left.append((f"  filter {table.filter_text}", style(Look.WARN)))
        at = len(left)
        if kind.history and table.sort_key == kind.sort and table.descending and table.above:
            left.append((f"  {table.above} newer above", style(Look.WARN)))
        if not readings:
            text, look = self.desk.without_source
        else:
            text, look = standing_of(readings.values(), now)
            if not table.total and look is Look.GOOD:
                text, look = "EMPTY", Look.DIM
        # A reason may be long: that rows are hidden, and of how many, is said all the same.
        most = max(RIGHT, self.size.width - sum(width_of(part) for part, _ in left) - 3 - len(MORE))
        right = f"  {fit(text, min(most, width_of(text)))} "
        room = self.size.width - width_of(right) - sum(width_of(part) for part, _ in left)
        order, heading = self._that_fits(order, room)
        self.title.show([*left[:at], (order, dim), *left[at:], (heading, dim)], [(right, style(look))])
        self.table.teach(self._lesson())

    def _that_fits(self, order: str, room: int) -> tuple[str, str]:
        """How rows are ordered, and what is said of all of them. The former goes first where there is no room for
        both: the arrow in the head of the column says it too."""
        kind, bridge = self.kind, self.desk.bridge
        if kind.heading is None or bridge is None:
            return order, ""
        headings = [f"  {text}" for text in kind.heading(bridge.readings(*kind.aside).values())] or [""]
        orders = (order, "") if self.table.is_in_sight(self.table.sort_key) else (order,)
        every = [(first, then) for then in headings for first in orders]
        return next((pair for pair in every if width_of("".join(pair)) <= room), (order, headings[-1]))

    def _lesson(self) -> list[str]:
        """What to say where there are no rows."""
        table = self.table
        if table.total or self.desk.watching is None:
            return ["no row matches the filter; esc clears it"] if table.total else ["looking …"]
        if not table.readings:
            tried = self.desk.context.tried if self.kind.discovered else ()
            return [*self.kind.empty.split("\n"), *tried]
        lines = []
        for (source, _), reading in table.readings.items():
            if reading.error is not None:
                lines.append(f"{source}: {reading.error}")
                if reading.error.hint:
                    lines.append(f"  {reading.error.hint}")
            elif reading.at is None:
                lines.append(f"{source}: waiting for its first answer …")
        # One server may speak for two nouns of this kind.
        return list(dict.fromkeys(lines)) or self.kind.none.split("\n")

    def go_to_row(self, key: str) -> bool:
        return self.table.go_to_key(key)

    def begin_anew(self) -> None:
        if self.kind.history:
            self.table.go_to_top()

    # Commands of the table

    def move(self, rows: str) -> None:
        self.table.move(int(rows))

    def page(self, share: str) -> None:
        self.table.page(float(share))

    def first(self) -> None:
        self.table.go_to(0)

    def last(self) -> None:
        self.table.go_to(self.table.shown - 1)

    def sort_by(self, *keys: str) -> None:
        """Sort by the first of these columns that this kind has; again inverts."""
        key = next((key for key in keys if self.kind.column(key)), None)
        if key is None:
            self.desk.say(f"{self.kind.title} have no such column")
        elif key == self.table.sort_key:
            self.invert()
        else:
            self.table.sort_by(key)
            self._show_title()

    def sort_next(self, step: str) -> None:
        keys = [column.key for column in self.kind.columns if column.sort is not None]
        at = keys.index(self.table.sort_key) if self.table.sort_key in keys else 0
        self.table.sort_by(keys[(at + int(step)) % len(keys)])
        self._show_title()

    def invert(self) -> None:
        self.table.sort_by(self.table.sort_key, not self.table.descending)
        self._show_title()

    def mark(self) -> None:
        self.table.mark()
        self._show_title()

    def mark_range(self) -> None:
        self.table.mark_range()
        self._show_title()

    def unmark(self) -> None:
        self.table.unmark()
        self._show_title()

    @property
    def searching(self) -> str:
        return self.table.filter_text

    def search(self, text: str) -> None:
        self.table.set_filter(text)
        self._heard()

    def escape(self) -> bool:
        if self.table.filter_text:
            self.search("")
        elif self.body.has_class("open"):
            self.toggle_detail()
        elif self.table.marks:
            self.unmark()
        else:
            return False
        return True

    def act(self, verb: str = "") -> None:
        """What can be done to the marked rows (also those that a filter hides), else to the one at the cursor."""
        rows = self.table.marked() or ([] if self.table.current is None else [self.table.current])
        shown = {row.key for row in self.table.chosen()}
        hidden = {row.key for row in self.table.marked()} - shown
        self._on_row.act(self.desk, rows, verb, hidden)

    def does(self, command: Command) -> bool:
        row, watching = self.table.current, self.desk.watching
        if row is not None:
            return self._on_row.does(self.desk, command, row)
        # Not by whether there is a row: hints would come and go with the first one.
        return command.do != "act" or watching is None or watching.can_change

    # Detail, description, raw record

    def open_row(self) -> None:
        """To where the row leads, else its detail."""
        row, leads, bridge = self.table.current, self.kind.leads, self.desk.bridge
        if leads is None or row is None or bridge is None:
            self.toggle_detail()
            return
        found = leads(row, bridge.readings())
        if found is None:
            self.desk.say(f"{self.kind.label(row)}: it is not there any more; d describes what happened")
        elif isinstance(found, LogsOf):
            self.desk.ways.show_logs_of(found)
        else:
            self.desk.ways.go_to(*found)

    def show_its_logs(self) -> None:
        self._with_row(lambda row: self._on_row.show_its_logs(self.desk, row))

    def _with_row(self, does: Callable[[Any], None]) -> None:
        row = self.table.current
        if row is None:
            self.desk.say("no row is chosen")
        else:
            does(row)

    def toggle_detail(self) -> None:
        if not self.body.has_class("open") and self.table.current is None:
            self.desk.say("nothing to open: no row is chosen")
            return
        self.body.toggle_class("open")
        self._look_beside()
        if self.detail.parent is None:
            self.body.mount(self.detail)
        self._show_detail()

    def _look_beside(self) -> None:
        """While a detail is open, what belongs to its row is looked at as well."""
        bridge = self.desk.bridge
        if bridge is None:
            return
        if self.body.has_class("open"):
            bridge.attach(self.detail, NOUNS)
        else:
            bridge.detach(self.detail)

    def _show_detail(self) -> None:
        row = self.table.current
        if not self.body.has_class("open"):
            return
        if row is None:
            self.detail.show("no row", [])
            return
        facts = self._on_row.facts(self.desk, row, self.table.sight_of(row.key))
        self.detail.show(self.kind.label(row), facts)

    def go_on(self) -> None:
        self._with_row(lambda row: self._on_row.go_on(self.desk, row))

    def describe(self) -> None:
        self._with_row(self._describe)

    def _describe(self, row: Any) -> None:
        from tui.screens.description import DescriptionScreen

        view = DescriptionScreen(self.kind, row, self.table.sight_of(row.key))
        self.desk.ways.bring(view)
        view.begin()

    def show_raw(self) -> None:
        self._with_row(lambda row: self._on_row.show_raw(self.desk, row))

    def plain_text(self) -> str:
        return "\n".join(self.table.plain_lines())

    def copied(self) -> str:
        keys = [row.key for row in self.table.chosen()]
        return dedent("\n".join(self.table.plain_lines(keys)[1:]))
