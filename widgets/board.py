"""Board: a titled list of short entries, some of which can be chosen; only lines that differ are painted again.

Where it is wide enough for `columns`, entries that fit stand side by side, in the order of reading.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from backends.clean import clean
from widgets.look import Look
from widgets.one_line import Part
from widgets.safe import begun, fit, line, style, under_cursor, width_of


class Entry(Struct, frozen=True):
    """A line, or a part of one. `key` is what it stands for, None where there is nothing to open. `right` wins
    over `parts` where both have no room."""

    key: str | None
    parts: tuple[Part, ...]
    right: tuple[Part, ...] = ()


class Board(Widget):
    DEFAULT_CSS = "Board { height: auto; width: 1fr; }"

    class Picked(Message):
        """A line was clicked twice."""

    class Touched(Message):
        """A line was clicked: this board is meant now."""

        def __init__(self, board: Board) -> None:
            super().__init__()
            self.board = board

    def __init__(self, title: str, columns: int = 1) -> None:
        super().__init__()
        self.title = title
        self._explained = ""
        self._columns = columns
        self.entries: tuple[Entry, ...] = ()
        self.active = False
        self._cursor: str | None = None
        self._at = 0
        self._top = 0
        self._more = 0
        self._grid: list[list[int]] = []
        """For each line the entries in it, by their number."""

    def explain(self, text: str) -> None:
        """What stands dim beside the title."""
        if text != self._explained:
            self._explained = text
            self.refresh(Region(0, 0, self.size.width, 1))

    def show(self, entries: Sequence[Entry]) -> None:
        """New lines; the cursor stays with its key, or where that was."""
        if tuple(entries) == self.entries:
            return
        before, self.entries = self._shown(), tuple(entries)
        self._lay_out()
        keys = [entry.key for entry in self.entries]
        if self._cursor in keys and self._cursor is not None:
            self._at = keys.index(self._cursor)
        self._settle(0)
        self._repaint(before)

    @property
    def lines(self) -> int:
        """How many lines its entries take."""
        return len(self._grid)

    @property
    def chosen(self) -> str | None:
        return self._cursor if self.active else None

    @property
    def can_be_chosen(self) -> bool:
        return any(entry.key is not None for entry in self.entries)

    def is_at_end(self, *, last: bool) -> bool:
        """Whether it has the cursor, on the first or the last line that can be chosen."""
        places = (i for i, entry in enumerate(self.entries) if entry.key is not None)
        return self.active and self._at == (max if last else min)(places, default=None)

    def activate(self, on: bool, *, last: bool = False) -> bool:
        """Give the cursor to this board, or take it away; False where it has nothing to choose."""
        before = self._shown()
        self.active = on
        if on:
            self._at = len(self.entries) - 1 if last else self._at
            self._settle(-1 if last else 1)
            self.active = self._cursor is not None
        self._repaint(before)
        return self.active

    def move(self, rows: int) -> bool:
        """The cursor up or down; False where it would leave the board."""
        before = self._shown()
        places = [i for i, entry in enumerate(self.entries) if entry.key is not None]
        if not places:
            return False
        here = places.index(self._at) if self._at in places else 0
        to = here + rows
        if not 0 <= to < len(places) and (here in (0, len(places) - 1)):
            return False
        self._at = places[min(max(to, 0), len(places) - 1)]
        self._settle(0)
        self._repaint(before)
        return True

    def to_end(self, *, last: bool) -> None:
        """The cursor onto the first or the last line that can be chosen."""
        before = self._shown()
        self._at = len(self.entries) - 1 if last else 0
        self._settle(-1 if last else 1)
        self._repaint(before)

    def plain_lines(self) -> list[str]:
        texts = ["".join(text for text, _ in (*entry.parts, *entry.right)) for entry in self.entries]
        return [self.title, *(clean(text).rstrip() for text in texts), ""]

    def _settle(self, step: int) -> None:
        """The cursor onto a line that can be chosen, the nearest to where it was."""
        places = [i for i, entry in enumerate(self.entries) if entry.key is not None]
        if not places:
            self._cursor, self.active = None, False
            return
        self._at = min(places, key=lambda i: (abs(i - self._at), i * -step))
        self._cursor = self.entries[self._at].key
        here = next((y for y, numbers in enumerate(self._grid) if self._at in numbers), 0)
        room = max(1, self.size.height - 1)
        # No further down than what fills the room: it may have grown since.
        top = min(self._top, max(0, len(self._grid) - room))
        self._top = min(max(top, here - room + 1), here)

    def _lay_out(self) -> None:
        self._grid = []
        row: list[int] = []
        cell = self.size.width // self._columns
        for number, entry in enumerate(self.entries):
            fits = self._columns > 1 and _width(entry) < cell - 1 and not entry.right
            if not (row and fits and len(row) < self._columns):
                self._grid.append([])
            self._grid[-1].append(number)
            row = self._grid[-1] if fits else []

    def _shown(self) -> list[list[tuple[Entry, bool]]]:
        room = max(0, self.size.height - 1)
        return [
            [
                (self.entries[i], self.active and self.entries[i].key is not None and i == self._at)
                for i in numbers
            ]
            for numbers in self._grid[self._top : self._top + room]
        ]

    def _repaint(self, before: list[list[tuple[Entry, bool]]]) -> None:
        if not self.is_attached or not self.size.height:
            return
        now = self._shown()
        if self._more != self._hidden:
            self.refresh(Region(0, 0, self.size.width, 1))
        for y in range(max(len(before), len(now))):
            if before[y : y + 1] != now[y : y + 1]:
                self.refresh(Region(0, y + 1, self.size.width, 1))

    @property
    def _hidden(self) -> int:
        return len(self.entries) - sum(map(len, self._shown()))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            self._more = self._hidden
            more = f"  {self._more} more" if self._more else ""
            explained = f"  {self._explained}" if self._explained else ""
            beside = more + explained
            beside = fit(beside, min(width_of(beside), width - 1 - width_of(self.title)))
            return line([(f" {self.title}", style(Look.STRONG)), (beside, style(Look.DIM))], width)
        shown = self._shown()
        if y > len(shown):
            return line([("", style())], width)
        cells = shown[y - 1]
        room = width if len(cells) == 1 else width // self._columns
        return line([part for entry, chosen in cells for part in _cell(entry, chosen, room)], width)

    def on_resize(self) -> None:
        self._lay_out()
        if not self.active:
            # Where it was small it had to begin at its cursor, which nobody sees.
            self._top = 0
        self._settle(0)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        y = self._top + event.y - 1
        if event.y < 1 or y >= len(self._grid):
            return
        numbers = self._grid[y]
        x = event.x * self._columns // max(1, self.size.width) if len(numbers) > 1 else 0
        index = numbers[min(x, len(numbers) - 1)]
        if self.entries[index].key is None:
            return
        before = self._shown()
        self._at = index
        self._settle(0)
        self._repaint(before)
        self.post_message(self.Touched(self))
        if event.chain == 2:
            self.post_message(self.Picked())


def _width(entry: Entry) -> int:
    return sum(width_of(text) for text, _ in entry.parts)


def _cell(entry: Entry, chosen: bool, width: int) -> list[Part]:
    """An entry in so many cells, its mark included."""
    right = [(clean(begun(text)), made) for text, made in entry.right]
    room = max(0, width - 1 - sum(width_of(text) for text, _ in right))
    parts: list[Part] = []
    for text, made in entry.parts:
        took = fit(text, min(room, width_of(text)))
        room -= width_of(took)
        parts.append((took, made))
    parts += [(" " * room, style()), *right]
    mark = ("▌" if chosen else " ", style(Look.STRONG))
    return [mark, *(under_cursor(parts) if chosen else parts)]
