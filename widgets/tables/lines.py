"""Lines of a table: which columns have room, and how a head and a row are drawn in them."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any

from msgspec import Struct
from rich.style import Style
from textual.strip import Strip

from widgets.look import Look
from widgets.safe import fit, fit_ends, line, style, under_cursor, width_of
from widgets.tables.columns import Column, Kind

ROOMY = 100
"""Cells from which on two of them are between columns, else one."""
LEAST = 4
"""Cells in which a column that is cut still tells something."""


class Painted(Struct, frozen=True):
    """What one line of the terminal shows: enough to tell whether it must be painted again."""

    cells: tuple[str, ...]
    looks: tuple[Look, ...]
    dim: bool
    marked: bool
    cursor: bool


class Lines:
    def __init__(self, kind: Kind[Any]) -> None:
        self._kind = kind
        self._empty: frozenset[str] = frozenset()
        self._width = -1
        self._columns: list[tuple[Column[Any], int]] = []

    @property
    def gap(self) -> int:
        return 2 if self._width >= ROOMY else 1

    def spare(self, rows: Collection[tuple[Any, object]]) -> bool:
        """Leave out the sparing columns that have nothing to say of any row (the first of each pair); whether
        those are others than before."""
        sparing = [(column.key, column.sort) for column in self._kind.columns if column.sparing and column.sort]
        empty = frozenset(key for key, value in sparing if all(value(row) is None for row, _ in rows))
        if empty == self._empty:
            return False
        self._empty, self._width = empty, -1
        return True

    def columns(self, width: int) -> list[tuple[Column[Any], int]]:
        """The columns that fit, with their widths; one gutter cell and a gap between each two."""
        if self._width != width:
            self._width = width
            columns = [column for column in self._kind.columns if column.key not in self._empty]
            while True:
                # The last gap may lie beyond the edge.
                need = 1 + sum(column.width + self.gap for column in columns) - self.gap
                droppable = [column for column in columns if column.drop]
                if need <= width or not droppable:
                    break
                columns.remove(max(droppable, key=lambda column: column.drop))
            spare = max(0, width - need)
            beyond = max(0, spare - sum(column.width for column in columns if column.grow))
            wider = {}
            for column in sorted(columns, key=lambda column: column.more):
                wider[column.key] = min(column.more, beyond)
                beyond -= wider[column.key]
            spare -= sum(wider.values())
            wide = [(c, c.width + wider[c.key] + (spare if c.grow else 0)) for c in columns]
            self._columns = _within(_shrunk(wide, need - width), width, self.gap)
        return self._columns

    def column_at(self, x: int) -> Column[Any] | None:
        edges = [1]
        for _, width in self._columns:
            edges.append(edges[-1] + width + self.gap)
        beside = zip(pairwise(edges), self._columns, strict=True)
        return next((column for (low, high), (column, _) in beside if low <= x < high), None)

    def head(self, sort_key: str, *, descending: bool) -> Strip:
        parts: list[tuple[str, Style]] = [(" ", style(Look.DIM))]
        for column, width in self._columns:
            sorted_by = column.key == sort_key
            arrow = ("↓" if descending else "↑") if sorted_by else ""
            look = Look.STRONG if sorted_by else Look.DIM
            parts.append((fit(column.title + arrow, width, right=column.right), style(look)))
            parts.append((" " * self.gap, style(Look.DIM)))
        return line(parts, self._width)

    def drawn(self, painted: Painted) -> Strip:
        def made(look: Look) -> Style:
            return style(look, dim=painted.dim and look is Look.PLAIN)

        plain = made(Look.PLAIN)
        parts = [] if painted.marked else [(" ", plain)]
        for cell, look in zip(painted.cells, painted.looks, strict=True):
            parts.append((cell, made(look)))
            parts.append((" " * self.gap, plain))
        used = 1 + sum(width + self.gap for _, width in self._columns)
        parts.append((" " * max(0, self._width - used), plain))
        gutter = [("▌", style(Look.WARN))] if painted.marked else []
        return line(gutter + (under_cursor(parts) if painted.cursor else parts), self._width)


def fitted(column: Column[Any], text: str, width: int) -> str:
    """A cell's text in exactly so many cells."""
    if column.shorter is not None and width_of(text) > width:
        text = column.shorter(text)
    return fit_ends(text, width) if column.ends else fit(text, width, right=column.right)


def _shrunk(columns: list[tuple[Column[Any], int]], lacking: int) -> list[tuple[Column[Any], int]]:
    """So many cells are lacking: those that may shrink give them, the right ones first."""
    found = []
    for column, width in reversed(columns):
        given = max(0, min(lacking, width - column.least)) if column.least else 0
        lacking -= given
        found.append((column, width - given))
    return found[::-1]


def _within(columns: list[tuple[Column[Any], int]], width: int, gap: int) -> list[tuple[Column[Any], int]]:
    """Those that have room, the last one in what is left where that tells something: a cut cell says so."""
    found: list[tuple[Column[Any], int]] = []
    left = width - 1
    for column, wanted in columns:
        if left <= 0 or (found and left < min(wanted, LEAST)):
            break
        found.append((column, min(wanted, left)))
        left -= wanted + gap
    return found
