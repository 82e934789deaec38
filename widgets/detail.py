"""Detail: the facts of one thing, a label and a text each, beside or below the table that it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from backends.clean import clean
from widgets.look import Look
from widgets.safe import begun, fit, line, style, wrapped

LABEL = 13
"""Cells for a label."""
COLUMN = 58
"""Cells that a column of facts needs; wider panes have several."""
WRAPPED = 4
"""Lines that one fact may take."""


class Detail(Widget):
    DEFAULT_CSS = "Detail { height: 1fr; width: 1fr; }"

    def __init__(self, more: str) -> None:
        """`more` is what to say where there is no room for all of it."""
        super().__init__()
        self._more = more
        self.readings: Mapping[Any, Any] = {}
        """Given by the bridge as long as the facts speak of them; `show` is told all that it draws."""
        self._title = ""
        self._facts: Sequence[tuple[str, str]] = ()
        self._lines: list[tuple[str, str]] = []

    def show(self, title: str, facts: Sequence[tuple[str, str]]) -> None:
        """Say what is known; only lines that differ from what stands there are painted."""
        self._facts = facts
        title, lines = clean(title), self._wrapped()
        if title != self._title or len(lines) != len(self._lines):
            self._title, self._lines = title, lines
            self.refresh()
            return
        before, self._lines = self._lines, lines
        for i, (now, then) in enumerate(zip(lines, before, strict=True)):
            if now != then:
                self.refresh(Region(0, i % max(1, self._rows) + 1, self.size.width, 1))

    @property
    def _columns(self) -> int:
        return max(1, self.size.width // COLUMN)

    @property
    def _rows(self) -> int:
        """Lines below the title that hold facts: as few as the columns allow."""
        room = max(1, self.size.height - 1)
        return min(room, -(-len(self._lines) // self._columns))

    def _wrapped(self) -> list[tuple[str, str]]:
        """A long text goes on in lines without a label, a few of them: the whole is in the description."""
        room = max(10, self.size.width // self._columns - LABEL - 4)
        lines: list[tuple[str, str]] = []
        for label, text in self._facts:
            cuts = wrapped(clean(begun(text)), room)[:WRAPPED]
            lines += [(label if i == 0 else "", cut) for i, cut in enumerate(cuts)]
        room = self._columns * max(1, self.size.height - 1)
        if self.size.height and len(lines) > room:
            lines[room - 1 :] = [("", f"… {self._more}")]
        return lines

    def on_resize(self) -> None:
        self._lines = self._wrapped()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        edge: tuple[str, Style] = ("│ ", style(Look.DIM))
        if y == 0:
            return line([edge, (fit(self._title, width - 2), style(Look.STRONG))], width)
        each = (width - 2) // self._columns
        parts = [edge]
        for column in range(self._columns):
            at = column * self._rows + y - 1
            if y > self._rows or at >= len(self._lines):
                break
            label, text = self._lines[at]
            parts += [(fit(label, LABEL), style(Look.DIM)), (fit(" " + text, each - LABEL), style())]
        return line(parts, width)
