"""Printing without a screen: the JSON document of the contract, plain tables, troubles on stderr."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from backends.api.models import Reading, State
from backends.clean import clean
from backends.watch import Broken, FeedKey
from tui.kinds.facts import rfc3339
from widgets.columns import Kind, Sight
from widgets.freshness import worst


def say(text: str) -> None:
    """One line to standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """One line to standard error."""
    sys.stdout.flush()
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def to_json(document: Any) -> str:
    """ASCII only: nothing in it can act on a terminal."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False)


def worst_by_source(readings: Mapping[FeedKey, Reading[Any]]) -> dict[str, Reading[Any]]:
    """One reading a source: of its feeds the one in the worst state, of those the oldest."""
    of_source: dict[str, list[Reading[Any]]] = {}
    for key, reading in readings.items():
        of_source.setdefault(key.source, []).append(reading)
    found = ((source, worst(feeds)) for source, feeds in of_source.items())
    return {source: reading for source, reading in found if reading is not None}


def readings_json(
    readings: Mapping[FeedKey, Reading[Any]], broken: Sequence[Broken]
) -> list[dict[str, str | None]]:
    out: list[dict[str, str | None]] = []
    for source, reading in worst_by_source(readings).items():
        state = reading.state if reading.state in (State.LIVE, State.STALE) else State.UNREACHABLE
        error = None if reading.error is None else str(reading.error)
        if state is State.UNREACHABLE and error is None:
            error = "no answer yet"
        out.append({"source": source, "state": state.value, "as_of": rfc3339(reading.as_of), "error": error})
    return out + [
        {"source": item.source, "state": "unreachable", "as_of": None, "error": str(item.error)}
        for item in broken
    ]


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
