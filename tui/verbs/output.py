"""Printing without a screen: lines that act on no terminal, JSON, plain tables."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

from backends.clean import clean
from widgets.columns import Kind, Sight


def say(*lines: str) -> None:
    """Lines to standard output, at once; whatever is in one, it is a line and acts on no terminal."""
    sys.stdout.write("".join(f"{clean(line)}\n" for line in lines))
    sys.stdout.flush()


def complain(*lines: str) -> None:
    """The same to standard error."""
    sys.stdout.flush()
    sys.stderr.write("".join(f"{clean(line)}\n" for line in lines))
    sys.stderr.flush()


def to_json(document: Any) -> str:
    """Printable ASCII only: nothing in it can act on a terminal. DEL is what `json` calls printable."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False).replace("\x7f", "\\u007f")


def table(kind: Kind[Any], rows: Sequence[tuple[Any, Sight]]) -> list[str]:
    """Aligned columns, cleaned; whole in a pipe, cut to the width of a terminal."""
    columns = [column for column in kind.columns if column.title]
    cells = [[column.title for column in columns]]
    cells += [[clean(column.text(row, sight)) for column in columns] for row, sight in rows]
    return aligned(cells, frozenset(i for i, column in enumerate(columns) if column.right))


def aligned(cells: Sequence[Sequence[str]], right: frozenset[int]) -> list[str]:
    """Lines of cells below each other, the first line their titles; columns in `right` end at the same place."""
    widths = [max(map(cell_width, column)) for column in zip(*cells, strict=True)]
    most = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    lines = []
    for row in cells:
        padded = (_pad(cell, width, i in right) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        text = "  ".join(padded).rstrip()
        lines.append(text[:most] if most else text)
    return lines


def cell_width(text: str) -> int:
    """Cells of a text on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _pad(text: str, width: int, right: bool) -> str:
    pad = " " * (width - cell_width(text))
    return pad + text if right else text + pad
