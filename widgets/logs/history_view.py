"""HistoryView: a log view that can show a part of its sources' history, and tells where that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.message import Message

from backends.api.readings import Readings
from widgets.logs.feeder import Feeder
from widgets.logs.lines import LogLines
from widgets.logs.view import LogView

AHEAD = 3
"""Screens before the end of a part at which more of it is asked for."""


class HistoryView(LogView):
    class Edge(Message):
        """The cursor came near the first row (`back`) or the last one; `beyond`: to go further was wanted."""

        def __init__(self, *, back: bool, beyond: bool) -> None:
            super().__init__()
            self.back, self.beyond = back, beyond

    def __init__(self) -> None:
        super().__init__()
        self.in_history = False
        """Whether a part of what the sources hold is shown, and not the lines in memory."""

    @property
    def up_to_now(self) -> bool:
        return not self.in_history

    def show(self, feeders: Sequence[Feeder]) -> None:
        """Show the lines in memory of these sources, at their end."""
        self.in_history = False
        super().show(feeders)

    async def show_history(
        self,
        feeders: Sequence[Feeder],
        settled: tuple[int, int] | None,
        on: Callable[[LogLines], int],
        line: int = 0,
    ) -> None:
        """Show these sources' lines, which are a part of what there is. `on` says which row the cursor is on, on
        that line of the terminal. In short steps, so that no key waits."""
        self.stop_search()
        self.in_history, self.following, self._stood = True, False, 0
        self.sheet.cursor.index = self.sheet.top.index = -1
        self.lines.show(feeders, settled)
        chosen = self.lines.chosen
        try:
            while self.lines.filtering:
                await asyncio.sleep(0)
                self.lines.go_on()
        finally:
            # Whoever ends it midway may show other lines by now.
            if self.in_history and self.lines.chosen == chosen:
                self.sheet.cursor.index = min(on(self.lines), len(self.lines.rows) - 1)
                self.sheet.top.index = max(0, self.cursor - line)
                self._settle()

    def grew(self, settled: tuple[int, int] | None, *, back: bool) -> None:
        """There are other lines than before about those that are shown. Where there was none, the cursor is on
        the first one that comes in the direction in which they are read."""
        none = self.cursor < 0
        self.lines.grew(settled)
        last = len(self.lines.rows) - 1
        self.sheet.cursor.index = min(0 if none and not back else last if none else self.cursor, last)
        self.sheet.forget()
        self._came_in()
        if self.lines.filtering:
            self._work()

    def watch_readings(self, readings: Readings) -> None:
        # What comes is not in a part, and what that is read on by comes with `grew`.
        if not self.in_history:
            super().watch_readings(readings)

    def go_to(self, index: int) -> None:
        super().go_to(index)
        last = len(self.lines.rows) - 1
        near = AHEAD * self.size.height if self.in_history else 0
        if self.is_attached and index <= near:
            self._tell_edge(back=True, beyond=index < 0)
        if self.is_attached and self.in_history and index >= last - near:
            self._tell_edge(back=False, beyond=index > last)

    def _tell_edge(self, *, back: bool, beyond: bool) -> None:
        self.unheard = self.unheard or beyond
        self.post_message(self.Edge(back=back, beyond=beyond))

    @property
    def _behind(self) -> bool:
        return super()._behind and not self.in_history
