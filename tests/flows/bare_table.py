"""A table alone on the screen, and what of it is painted."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult

from backends.api.readings import FeedKey, Reading, State
from tests.clock import FakeClock
from widgets.tables.columns import Kind
from widgets.tables.table import Table


class Bare(App[None]):
    def __init__(self, kind: Kind[Any], clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.table = Table(kind, clock=clock)

    def compose(self) -> ComposeResult:
        yield self.table

    def show(self, *rows: Any, state: State = State.LIVE) -> None:
        reading = Reading(state, {row.key: row for row in rows}, self.clock.monotonic())
        self.table.readings = {FeedKey("lab/a", "things"): reading}

    @property
    def current(self) -> str | None:
        """The key of the row under the cursor."""
        return self.table.cursor_key

    def lines(self) -> list[str]:
        """The rows that stand on the screen."""
        strips = [self.table.render_line(y) for y in range(1, self.table.size.height)]
        return [strip.text.split()[0] for strip in strips if strip.text.strip()]

    def cells(self) -> list[list[tuple[str, Any]]]:
        """What each cell of the table is to show, with its style."""
        strips = [self.table.render_line(y) for y in range(self.table.size.height)]
        return [[(char, part.style) for part in strip for char in part.text] for strip in strips]
