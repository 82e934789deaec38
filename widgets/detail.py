"""Detail: the facts of one thing, a label and a text each, beside or below the table that it came from."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from backends.clean import clean
from widgets.columns import Look
from widgets.safe import fit, line, style

LABEL = 13
"""Cells for a label."""


class Detail(Widget):
    DEFAULT_CSS = "Detail { height: 1fr; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._title = ""
        self._facts: Sequence[tuple[str, str]] = ()
        self._lines: list[tuple[str, str]] = []

    def show(self, title: str, facts: Sequence[tuple[str, str]]) -> None:
        """Say what is known; only lines that differ from what stands there are painted."""
        self._facts = facts
        title, lines = clean(title), self._wrapped(facts)
        if title != self._title or len(lines) != len(self._lines):
            self._title, self._lines = title, lines
            self.refresh()
            return
        before, self._lines = self._lines, lines
        for y, (now, then) in enumerate(zip(lines, before, strict=True), start=1):
            if now != then:
                self.refresh(Region(0, y, self.size.width, 1))

    def _wrapped(self, facts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """A long text goes on in lines without a label, at most four of them: the whole is in `d`."""
        room = max(10, self.size.width - LABEL - 4)
        lines: list[tuple[str, str]] = []
        for label, text in facts:
            text = clean(text)
            cuts = [text[i : i + room] for i in range(0, max(1, len(text)), room)][:4]
            lines += [(label if i == 0 else "", cut) for i, cut in enumerate(cuts)]
        return lines

    def on_resize(self) -> None:
        self._lines = self._wrapped(self._facts)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        edge: tuple[str, Style] = ("│ ", style(Look.DIM))
        if y == 0:
            return line([edge, (fit(self._title, width - 2), style(Look.STRONG))], width)
        if y > len(self._lines):
            return line([edge], width)
        label, text = self._lines[y - 1]
        return line([edge, (fit(label, LABEL), style(Look.DIM)), (" " + text, style())], width)
