"""A table as text: what is copied from a screen, and what headless verbs print. No screen is needed for it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from backends.clean import clean
from widgets.freshness import Sight
from widgets.tables.columns import Kind


def plain_table(kind: Kind[Any], rows: Iterable[tuple[Any, Sight]]) -> list[str]:
    """Titles and rows, cleaned."""
    columns = [column for column in kind.columns if column.title]
    cells = [[column.title for column in columns]]
    cells += [[clean(column.text(row, sight)) for column in columns] for row, sight in rows]
    return aligned(cells, frozenset(i for i, column in enumerate(columns) if column.right))


def aligned(cells: Sequence[Sequence[str]], right: frozenset[int]) -> list[str]:
    """Lines of cells below each other, the first line their titles; columns in `right` end at the same place."""
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        padded = (_pad(cell, width, i in right) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        lines.append("  ".join(padded).rstrip())
    return lines


def _width(text: str) -> int:
    """Cells of a text on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _pad(text: str, width: int, right: bool) -> str:
    pad = " " * (width - _width(text))
    return pad + text if right else text + pad
