"""What is said around a table: its title, with how true it is (by `freshness`), and what stands in it while no
row does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backends.api.readings import Reading
from backends.config.context import Context
from tui.commands import key_of
from widgets.freshness import standing_of
from widgets.look import Look
from widgets.one_line import MORE, Part
from widgets.quantities import UNKNOWN
from widgets.safe import fit, style, width_of
from widgets.tables.row_filter import filter_words
from widgets.tables.table import Table

RIGHT = 16
"""Cells of the title in which the state of what is shown is told in any case."""


def table_title(
    table: Table, without_source: tuple[str, Look], aside: Iterable[Reading[Any]], width: int
) -> tuple[list[Part], list[Part]]:
    """Its left and right end, of `width` cells together. `without_source` is what to say where nothing feeds it;
    `aside` are the readings of what only its heading speaks of."""
    kind, warn = table.kind, style(Look.WARN)
    shown = f"{table.shown} of {table.total}" if table.filter_text else str(table.total)
    if not any(reading.at is not None for reading in table.readings.values()):
        # Nobody has told how many there are.
        shown = UNKNOWN
    what: list[Part] = [(f" {kind.title}", style(Look.STRONG)), (f"  {shown}", style())]
    if table.marks:
        what.append((f"  {len(table.marks)} marked", warn))
    if table.filter_text:
        what.append((f"  filter {filter_words(table.filter_text)}", warn))
    newer: list[Part] = []
    if kind.history and table.sort_key == kind.sort and table.descending and table.above:
        newer.append((f"  {table.above} newer above", warn))
    text, look = _standing(table) if table.readings else without_source
    taken = sum(width_of(part) for part, _ in (*what, *newer))
    # A reason may be long: that rows are hidden, and of how many, is said all the same.
    most = max(RIGHT, width - taken - 3 - len(MORE))
    right = f"  {fit(text, min(most, width_of(text)))} "
    order, heading = _that_fits(table, aside, width - width_of(right) - taken)
    dim = style(Look.DIM)
    return [*what, (order, dim), *newer, (heading, dim)], [(right, style(look))]


def _standing(table: Table) -> tuple[str, Look]:
    text, look = standing_of(table.readings.values(), table.clock.monotonic())
    return ("EMPTY", Look.DIM) if not table.total and look is Look.GOOD else (text, look)


def _that_fits(table: Table, aside: Iterable[Reading[Any]], room: int) -> tuple[str, str]:
    """How rows are ordered, and what is said of all of them. The former goes first where there is no room for
    both: the arrow in the head of the column says it too."""
    column, kind = table.kind.column(table.sort_key), table.kind
    order = "" if column is None else f"  sort {column.title.lower()}{'↓' if table.descending else '↑'}"
    if kind.heading is None:
        return order, ""
    headings = [f"  {text}" for text in kind.heading(aside)] or [""]
    orders = (order, "") if table.is_in_sight(table.sort_key) else (order,)
    every = [(first, then) for then in headings for first in orders]
    return next((pair for pair in every if width_of("".join(pair)) <= room), (order, headings[-1]))


def empty_state(table: Table, context: Context, *, opened: bool) -> list[str]:
    """What to say where there are no rows, and what to do about it."""
    if table.total:
        return [f"no row matches the filter; {key_of('step_back')} clears it"]
    if not opened:
        return ["looking …"]
    if not table.readings:
        tried = context.tried if table.kind.discovered else ()
        return [*table.kind.empty.split("\n"), *tried]
    lines = []
    for (source, _), reading in table.readings.items():
        if reading.error is not None:
            lines.append(f"{source}: {reading.error}")
            if reading.error.hint:
                lines.append(f"  {reading.error.hint}")
        elif reading.at is None:
            lines.append(f"{source}: waiting for its first answer …")
    # One server may speak for two nouns of this kind.
    return list(dict.fromkeys(lines)) or table.kind.none.split("\n")
