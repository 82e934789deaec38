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
from tui.commands import TABLE, Command, key_of
from tui.screens.base import Sought, View
from tui.screens.on_row import OnRow, missing
from tui.screens.table_words import empty_state, table_title
from widgets.detail import Detail
from widgets.one_line import OneLine
from widgets.tables.columns import Kind, LogsOf
from widgets.tables.table import Table

WIDE = 150
"""Cells from which on the detail stands beside the table instead of below it."""
MOMENT = 0.9
"""Seconds for which what was painted is as true as ages are: less than a tick."""


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
        self.detail = Detail(more=f"{key_of('describe', TABLE)} describes all of it")
        self.body = Container(self.table)
        self._on_row = OnRow(kind)
        self._of: Watch | None = None
        self._painted = float("-inf")
        self._sought: Sought | None = None

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
            self._of, self._sought = self.desk.watching, None
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
        """Nothing to do where no age is shown and all of it was painted a moment ago."""
        live = all(reading.state is State.LIVE for reading in self.table.readings.values())
        if not live or self.table.clock.monotonic() - self._painted >= MOMENT:
            self.table.flush()
            self._show_title()
            self._show_detail()

    def on_resize(self) -> None:
        self.body.set_class(self.size.width >= WIDE, "wide")
        self._show_title()

    def on_mount(self) -> None:
        self.watch(self.table, "readings", self._told, init=False)

    def _told(self) -> None:
        self._painted = self.table.clock.monotonic()
        self._heard()

    def _heard(self) -> None:
        if self.table.total:
            self.desk.first_paint.let_go()
        self._show_title()
        self._show_detail()

    def on_table_moved(self) -> None:
        self._heard()

    def on_table_missed(self) -> None:
        self.desk.say(self.missing)

    @property
    def missing(self) -> str:
        return missing(self.table.readings.values())

    def on_table_chosen(self) -> None:
        self.open_row()

    def _show_title(self) -> None:
        desk, kind, table = self.desk, self.kind, self.table
        known = desk.bridge.readings(*kind.aside) if desk.bridge is not None and kind.aside else {}
        self.title.show(*table_title(table, desk.without_source, known.values(), self.size.width))
        sought = self._sought
        told = sought.told() if sought is not None and sought.text == table.filter_text else []
        table.teach(told or empty_state(table, desk.context, opened=desk.watching is not None))

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

    def seek(self, sought: Sought) -> None:
        """Filter by what there may be no row of."""
        self._sought = sought
        self.search(sought.text)

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

    def close(self) -> bool:
        if not self.body.has_class("open"):
            return False
        self.toggle_detail()
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
            self.desk.say(
                f"{self.kind.label(row)}: it is not there any more; {key_of('describe')} describes what happened"
            )
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
