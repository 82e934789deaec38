"""Ways: what leads from one view to another, whoever asks: a digit, a word after `:`, a row, an event.

`show` and `open` of the front decide what is gone back to; which view is meant, and on what in it, is told here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tui.front import Front
from tui.screens.base import Sought, View
from widgets.tables.columns import LogsOf

if TYPE_CHECKING:
    from tui.screens.text import TextScreen


class Ways:
    """`say` tells in one line what led nowhere."""

    def __init__(self, front: Front, say: Callable[[str], None]) -> None:
        self._front, self._say = front, say

    def show(self, name: str, what: str | None = None) -> None:
        """A screen by its name, as digits and words open it. A word by itself shows all of it; a digit (None)
        shows it as it was left."""
        view = self._front.named(name)
        self._front.open(view)
        if what:
            view.choose(what)
        elif what is not None and view.searching:
            view.search("")
        view.begin_anew()

    def ask_query(self, expression: str = "") -> None:
        self._front.open(self._front.metrics)
        self._front.metrics.ask_query(expression)

    def open_logs(self, source: str = "") -> None:
        self._front.open(self._front.logs)
        self._front.logs.choose(source or None)

    def go_to(self, kind: str, row: str) -> None:
        """The screen of a kind, on one of its rows ("": wherever it was)."""
        view = self._front.named(kind)
        self._front.show(view)
        if row and not view.go_to_row(row):
            self._say(view.missing)

    def seek(self, kind: str, sought: Sought) -> None:
        """The screen of a kind, on what it may have no row of."""
        view = self._front.named(kind)
        self._front.show(view)
        view.seek(sought)

    def show_logs(self, source: str) -> None:
        """The logs of a source, or of all of them."""
        self._front.show(self._front.logs)
        self._front.logs.choose(source or None)

    def show_logs_of(self, logs: LogsOf) -> None:
        """The logs of something, around a time."""
        self._front.show(self._front.logs)
        self._front.logs.look_at(logs)

    def show_run(self, source: str, run: str) -> None:
        """A run of a deploy: its steps and its output."""
        self._front.run.open_run(source, run)
        self._front.show(self._front.run)

    def show_text(self, heading: str, lines: Callable[[], Sequence[str]]) -> TextScreen:
        """The text screen; `lines` is asked again each second while it is in front."""
        from tui.screens.text import TextScreen

        text = TextScreen()
        self.bring(text)
        text.fill(heading, lines)
        return text

    def bring(self, view: View) -> None:
        """A view of one's own making; the one in front is gone back to."""
        self._front.show(view)

    def previous(self) -> None:
        if not self._front.swap():
            self._say("no view before this one")
