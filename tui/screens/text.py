"""A screen of plain text: help, a description, a raw record, our own log."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.strip import Strip
from textual.widget import Widget

from backends.clean import clean
from tui.commands import key_of
from tui.screens.base import View
from widgets.look import Look
from widgets.one_line import OneLine, Part
from widgets.safe import SIGNS, cells, line, style, wrapped
from widgets.typed_pattern import as_taken, typed_pattern

Lines = Callable[[], Sequence[str]]


class TextPane(Widget):
    """Lines to scroll and search; only what is in sight is drawn."""

    DEFAULT_CSS = "TextPane { height: 1fr; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.source: list[str] = []
        self._given: Sequence[str] | None = None
        self.lines: list[str] = []
        self.top = 0
        self.left = 0
        self.wrapped = True
        self.labels = 0
        """Cells of the labels that facts begin with; two blanks are behind them."""
        self.pattern: re.Pattern[str] | None = None
        self.counts: Callable[[str], bool] = lambda text: True
        """Which of `source` are counted."""
        self._counted: list[int] = []

    @property
    def counted(self) -> tuple[int, int]:
        """How many of those that are counted begin down to the last line in sight, and of how many."""
        end = min(len(self.lines), self.top + max(1, self.size.height))
        return (self._counted[end - 1], self._counted[-1]) if end else (0, 0)

    def clear(self) -> None:
        """Begin anew, at the first line of whatever is set next."""
        self.source, self._given = [], None
        self.top = self.left = 0

    def set(self, lines: Sequence[str]) -> None:
        """Show these. The same object once more is not looked at: what has changed is another one."""
        if lines is self._given:
            return
        self._given = lines
        cleaned = [clean(text) for text in lines]
        if cleaned != self.source:
            self.source = cleaned
            self.lay_out()

    def lay_out(self) -> None:
        width = max(20, self.size.width - 2)
        self.lines, self._counted = [], []
        for text in self.source:
            before = self._counted[-1] if self._counted else 0
            # A long value has all that is right of its label.
            value = self.labels + 2 if self._labels_of(text) and self.labels < width // 2 else None
            own = wrapped(text, width, value) if self.wrapped else [text]
            self.lines += own
            self._counted += [before + self.counts(text)] * len(own)
        self.to(self.top)
        self.refresh()

    def _labels_of(self, text: str) -> int:
        """Cells of the label of a line, if it may have one."""
        return self.labels if text[self.labels : self.labels + 2] == "  " else 0

    def to(self, top: int) -> None:
        top = min(max(top, 0), max(0, len(self.lines) - max(1, self.size.height)))
        if top != self.top:
            self.top = top
            self.refresh()

    def on_resize(self) -> None:
        self.lay_out()

    def render_line(self, y: int) -> Strip:
        index = y + self.top
        if index >= len(self.lines):
            return Strip.blank(self.size.width)
        text = self.lines[index][self.left : self.left + self.size.width * SIGNS]
        labels = 0 if self.left else self._labels_of(text)

        def told(start: int, end: int) -> list[Part]:
            edge = min(max(start, labels), end)
            parts = [(text[start:edge], style(Look.DIM)), (text[edge:end], style())]
            return [part for part in parts if part[0]]

        parts = [(" ", style())]
        at = 0
        for match in self.pattern.finditer(text) if self.pattern else ():
            parts += [*told(at, match.start()), (match.group(), style(Look.WARN, reverse=True))]
            at = match.end()
        parts += told(at, len(text))
        width = self.size.width
        if cells(text) < width:
            return line(parts, width)
        return Strip.join([line(parts, width - 1), line([("…", style(Look.DIM))], 1)])

    def on_mouse_scroll_down(self) -> None:
        self.to(self.top + 3)

    def on_mouse_scroll_up(self) -> None:
        self.to(self.top - 3)


class TextScreen(View):
    screen_name: ClassVar[str] = "text"
    passing: ClassVar[bool] = True
    filters: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.title = OneLine()
        self.pane = TextPane()
        self.heading = ""
        self._lines: Lines = lambda: ()
        self._nouns: tuple[str, ...] = ()
        self._called = "lines"
        self.readings: Mapping[Any, Any] = {}
        self._search = ""

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.pane

    @property
    def name_in_path(self) -> str:
        return self.heading

    def fill(self, heading: str, lines: Lines, nouns: tuple[str, ...] = ()) -> None:
        """Show these lines, asked for again each second while the screen is in front; they speak of `nouns`."""
        self.heading, self._lines, self._nouns = heading, lines, nouns
        self._look()
        self.pane.clear()
        self.search("")
        self.tick()

    def count(self, called: str, counts: Callable[[str], bool]) -> None:
        """Tell in the title only how many of the lines that `counts` chooses there are, and call them so."""
        self._called, self.pane.counts = called, counts
        self.pane.lay_out()

    def attach(self) -> None:
        self._look()
        self.tick()

    def detach(self) -> None:
        if self.desk.bridge is not None:
            self.desk.bridge.detach(self)

    def _look(self) -> None:
        self.detach()
        if self.desk.bridge is not None and self._nouns:
            self.desk.bridge.attach(self, self._nouns)

    def tick(self) -> None:
        self.pane.set(self._lines())
        self._show_title()

    def on_resize(self) -> None:
        # The pane counts its lines when it knows its own size.
        self.call_after_refresh(self._show_title)

    def _show_title(self) -> None:
        end, total = self.pane.counted
        pattern = self.pane.pattern
        plain = pattern is not None and pattern.pattern != self._search
        found = f"  search {as_taken(self._search, plain=plain)}" if self._search else ""
        self.title.show(
            [(f" {self.heading}", style(Look.STRONG))],
            # A heading with a path is long, and what is sought matters more than all of it.
            [(found, style(Look.WARN)), (f"  {end} of {total} {self._called} ", style(Look.DIM))],
        )

    def move(self, rows: str) -> None:
        self._to(self.pane.top + int(rows))

    def page(self, share: str) -> None:
        self._to(self.pane.top + round(float(share) * max(1, self.pane.size.height)))

    def first(self) -> None:
        self._to(0)

    def last(self) -> None:
        self._to(len(self.pane.lines))

    @property
    def at_end(self) -> bool:
        """Whether the last line is in sight."""
        return self.pane.top + max(1, self.pane.size.height) >= len(self.pane.lines)

    def _to(self, top: int) -> None:
        self.pane.to(top)
        self._show_title()

    def wrap(self) -> None:
        self.pane.wrapped = not self.pane.wrapped
        self.pane.left = 0
        self.pane.lay_out()

    def shift(self, cells: str) -> None:
        self.pane.left = max(0, self.pane.left + int(cells))
        self.pane.refresh()

    @property
    def searching(self) -> str:
        return self._search

    def search(self, text: str) -> None:
        self._search = text
        self.pane.pattern = typed_pattern(text)
        if text:
            self._find(range(self.pane.top, len(self.pane.lines)))
        self.pane.refresh()
        self._show_title()

    def next_match(self, step: str) -> None:
        if self.pane.pattern is None:
            self.desk.say(f"no search yet: {key_of('open_search')} starts one")
            return
        top, count = self.pane.top, len(self.pane.lines)
        places = range(top + 1, count) if int(step) > 0 else range(top - 1, -1, -1)
        if not self._find(places):
            self.desk.say("no further match")
        self._show_title()

    def _find(self, places: range) -> bool:
        pattern = self.pane.pattern
        hit = next((i for i in places if pattern is not None and pattern.search(self.pane.lines[i])), None)
        if hit is not None:
            self.pane.to(hit)
        return hit is not None

    def escape(self) -> bool:
        if not self._search:
            return False
        self.search("")
        return True

    def plain_text(self) -> str:
        return "\n".join(self.pane.source)

    copied = plain_text
