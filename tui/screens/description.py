"""One row in full: all that is known of it, and the keys that work on its table work on it here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from backends.relations import NOUNS
from tui.commands import Command
from tui.screens.on_row import OnRow, labelled, missing
from tui.screens.text import TextScreen
from widgets.freshness import Sight
from widgets.tables.columns import Kind


class DescriptionScreen(TextScreen):
    screen_name: ClassVar[str] = "description"

    def __init__(self, kind: Kind[Any], row: Any, sight: Sight) -> None:
        super().__init__()
        self._on_row = OnRow(kind)
        self._key: str = row.key
        self._last: tuple[Any, Sight] = row, sight

    def begin(self) -> None:
        """Fill it, once it is in front."""
        self.fill(self._on_row.kind.label(self._last[0]), self._described, (*self._on_row.kind.nouns, *NOUNS))

    @property
    def kind_name(self) -> str:
        return self._on_row.kind.name

    def _described(self) -> list[str]:
        found = self._on_row.present(self.desk, self._key)
        self._last = found or self._last
        facts = self._on_row.facts(self.desk, *self._last)
        self.pane.labels = max(len(label) for label, _ in facts)
        gone = [] if found is not None else [f"{self._missing}; this was known of it:"]
        return [*gone, *labelled(facts)]

    @property
    def _missing(self) -> str:
        bridge = self.desk.bridge
        return missing([] if bridge is None else bridge.readings(*self._on_row.kind.nouns).values())

    def does(self, command: Command) -> bool:
        return self._on_row.does(self.desk, command, self._last[0])

    # Commands

    def _with_row(self, does: Callable[[Any], None]) -> None:
        found = self._on_row.present(self.desk, self._key)
        if found is None:
            self.desk.say(self._missing)
        else:
            does(found[0])

    def go_on(self) -> None:
        self._with_row(lambda row: self._on_row.go_on(self.desk, row))

    def show_its_logs(self) -> None:
        """Those of the time when it was there, too."""
        self._on_row.show_its_logs(self.desk, self._last[0])

    def show_raw(self) -> None:
        self._with_row(lambda row: self._on_row.show_raw(self.desk, row))

    def act(self, verb: str = "") -> None:
        """What can be done to this row alone, whatever is marked on its table."""
        self._with_row(lambda row: self._on_row.act(self.desk, [row], verb))
