"""OneLine: a line of the screen with a left and a right end, which repaints only the cells that changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from backends.clean import clean
from widgets.safe import begun, fit, line, style, width_of

Part = tuple[str, Style]
MORE = " …"
"""Ends what goes on."""

NARROW = 60
"""Cells below which a line has room only for what matters most."""


class OneLine(Widget):
    """Say what it shows with `show`; saying the same again costs nothing."""

    DEFAULT_CSS = "OneLine { height: 1; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.base = style()
        self._given: object = None
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()
        self._drawn: list[tuple[str, Style]] = []

    @property
    def text(self) -> str:
        """What stands there, for tests and for `:w`."""
        return "".join(char for char, _ in self._cells()).rstrip()

    def show(self, left: Sequence[Part], right: Sequence[Part] = ()) -> None:
        given = (self.size.width, self.base, tuple(left), tuple(right))
        if given == self._given:
            return
        self._given = given
        self._left = tuple((clean(begun(text)), made) for text, made in left)
        self._right = tuple((clean(begun(text)), made) for text, made in right)
        if not self.is_attached or not self.size.width:
            return
        new = self._cells()
        if len(new) != len(self._drawn):
            self.refresh()
            return
        differ = [x for x, (now, before) in enumerate(zip(new, self._drawn, strict=True)) if now != before]
        if differ:
            self.refresh(Region(differ[0], 0, differ[-1] - differ[0] + 1, 1))

    def render_line(self, y: int) -> Strip:
        self._drawn = self._cells()
        return line([(char, made) for char, made in self._drawn if char], self.size.width)

    def _cells(self) -> list[tuple[str, Style]]:
        """One entry a cell; the second cell of a wide character is an empty string. The right end wins over
        a left that is too long, but for how that begins: where one is."""
        width = self.size.width
        left = _spread(self._left)
        begins = width_of(self._left[0][0]) + width_of(MORE) if self._left else 0
        least = min(begins, len(left), width // 3)
        right = _cut(_spread(self._right), width - least)
        room = width - len(right)
        left = _cut(left, room)
        return left + [(" ", self.base)] * (room - len(left)) + right


def _cut(cells: list[tuple[str, Style]], room: int) -> list[tuple[str, Style]]:
    """As many as there is room for, each in its style."""
    if len(cells) <= room:
        return cells
    text = fit(_shortened("".join(char for char, _ in cells), room), room)
    styles = [made for _, made in cells]
    return [(char, styles[i]) for i, (char, _) in enumerate(_spread([(text, style())]))]


def _shortened(text: str, room: int) -> str:
    """What is too long ends between two of its phrases, where most of it can be kept so."""
    end = text.rfind("  ", 0, max(0, room))
    return f"{text[:end]}{MORE}" if end > room * 3 // 4 else text


def _spread(parts: Sequence[Part]) -> list[tuple[str, Style]]:
    cells: list[tuple[str, Style]] = []
    for text, made in parts:
        if text.isascii():
            cells.extend((char, made) for char in text)
            continue
        edges = [0, *(i for i in range(1, len(text)) if cell_len(text[i])), len(text)]
        for low, high in pairwise(edges):
            cluster = text[low:high]
            cells.append((cluster, made))
            cells.extend(("", made) for _ in range(cell_len(cluster) - 1))
    return cells
