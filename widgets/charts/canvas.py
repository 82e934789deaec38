"""Canvas: dots within cells of text, for curves: braille where the terminal has it, else half blocks."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping

BRAILLE = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bits of U+2800 for the left and the right column of dots, from the bottom up."""
HALVES = " ▄▀█"


def _masks(columns: tuple[tuple[int, ...], ...]) -> list[list[list[int]]]:
    """The bits of a column's dots from one to another, by column, first and last dot."""
    return [
        [[sum(bits[first : last + 1]) for last in range(len(bits))] for first in range(len(bits))]
        for bits in columns
    ]


BRAILLE_MASKS = _masks(BRAILLE)
HALF_MASKS = _masks(((1, 2),))
NOBODY = -1


def has_braille(env: Mapping[str, str] | None = None) -> bool:
    """The console of Linux itself has no such glyphs; whatever draws with a font of its own does."""
    return (os.environ if env is None else env).get("TERM") != "linux"


class Canvas:
    """`width` x `height` cells. Dots are counted from the left and from the bottom; each cell belongs to whoever
    drew in it last."""

    def __init__(self, width: int, height: int, *, braille: bool = True) -> None:
        self.width, self.height = width, height
        self.across, self.down = (2, 4) if braille else (1, 2)
        self._braille = braille
        self._masks = BRAILLE_MASKS if braille else HALF_MASKS
        self._bits = [[0] * width for _ in range(height)]
        self._owners = [[NOBODY] * width for _ in range(height)]

    @property
    def dots(self) -> tuple[int, int]:
        return self.width * self.across, self.height * self.down

    def column(self, x: int, low: int, high: int, owner: int) -> None:
        """The dots of one column from `low` to `high`, both included."""
        cell, down = x // self.across, self.down
        masks = self._masks[x % self.across]
        for level in range(low // down, high // down + 1):
            first, last = max(0, low - level * down), min(down - 1, high - level * down)
            row = self.height - 1 - level
            self._bits[row][cell] |= masks[first][last]
            self._owners[row][cell] = owner

    def join(self, x: int, y: int, to_x: int, to_y: int, owner: int) -> None:
        """From one dot to a later one, without a hole; the first dot itself is there already."""
        if to_x == x:
            self.column(x, min(y, to_y), max(y, to_y), owner)
            return
        before = y
        for at in range(x + 1, to_x + 1):
            here = y + round((to_y - y) * (at - x) / (to_x - x))
            self.column(at, min(here, before + 1), max(here, before - 1), owner)
            before = here

    def cell(self, row: int, column: int) -> tuple[str, int]:
        """The text of a cell, " " where nobody drew, and who did."""
        bits = self._bits[row][column]
        if not bits:
            return " ", NOBODY
        return chr(0x2800 + bits) if self._braille else HALVES[bits], self._owners[row][column]


def trace(
    canvas: Canvas,
    points: Iterable[tuple[float, float]],
    times: tuple[float, float],
    values: tuple[float, float],
    gap: float,
    owner: int,
) -> None:
    """Draw a series: every point is a dot, so that no peak is lost however many share a column. Two points more
    than `gap` seconds apart, and what is no finite number, leave a gap. What lies beyond the values' ends is
    drawn at them."""
    columns, rows = canvas.dots
    start, end = times
    low, high = values
    right, top = (columns - 1) / ((end - start) or 1), (rows - 1) / ((high - low) or 1)
    before: tuple[float, int, int] | None = None
    for moment, value in points:
        if not math.isfinite(value) or not start <= moment <= end:
            before = None
            continue
        x = round((moment - start) * right)
        y = round((min(max(value, low), high) - low) * top)
        if before is None or moment - before[0] > gap:
            canvas.column(x, y, y, owner)
        else:
            canvas.join(before[1], before[2], x, y, owner)
        before = (moment, x, y)
