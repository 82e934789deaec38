"""Plot: the part of a chart between its axes, drawn once for each new value; cursor and marks lie over it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from msgspec import Struct

from backends.api.charts import Chart, Panel
from widgets.charts.canvas import NOBODY, Canvas, trace
from widgets.charts.legend import Curve
from widgets.charts.scales import exact_time, time_ticks, value_scale
from widgets.look import Look
from widgets.repaint import Runs
from widgets.safe import style

LABEL_CELLS = 14
"""Cells from one time's label to the next."""


class Mark(Struct, frozen=True):
    """Something that happened at a moment (unix seconds), as a glyph on the time axis."""

    at: float
    glyph: str
    look: Look
    text: str


class Plot:
    """`width` and `height` are the cells of all of it: value labels, curves, letters, and two lines of time.
    `now` (unix seconds) decides which of its times need a date."""

    def __init__(
        self,
        panel: Panel,
        chart: Chart,
        curves: Sequence[Curve],
        width: int,
        height: int,
        *,
        braille: bool,
        now: float,
    ) -> None:
        self.panel, self.chart, self.curves, self._now = panel, chart, curves, now
        self.rows = max(1, height - 2)
        scale = value_scale(
            (value for curve in curves for value in (curve.low, curve.high) if value is not None),
            unit=panel.unit,
            most=max(2, self.rows // 3 + 1),
            low=panel.low,
            high=panel.high,
            threshold=panel.threshold,
        )
        self.values = (scale.low, scale.high)
        self.margin = max((len(label) for _, label in scale.ticks), default=0) + 2
        self._letters = len(curves) > 1
        self.columns = max(2, width - self.margin - 2 * self._letters)
        self.canvas = Canvas(self.columns, self.rows, braille=braille)
        for number, curve in enumerate(curves):
            trace(self.canvas, curve.points, self.times, self.values, 1.5 * chart.step, number)
        self._labels = {self._row(value): label for value, label in scale.ticks}
        self._ticks = time_ticks(*self.times, max(1, self.columns // LABEL_CELLS), now)
        self._drawn: tuple[bool, list[Runs]] | None = None
        """The rows without a cursor, and whether they are dim: a cursor that moves draws one column anew."""
        self._ends = self._place_letters() if self._letters else {}

    @property
    def times(self) -> tuple[float, float]:
        return self.chart.start, self.chart.end

    def column(self, moment: float) -> int | None:
        """The column of a moment, None where it is beyond the ends."""
        start, end = self.times
        if not start <= moment <= end:
            return None
        return round((moment - start) / ((end - start) or 1) * (self.columns - 1))

    def lines(self, cursor: float | None, marks: Sequence[Mark], *, dim: bool) -> list[Runs]:
        """The curves, the rule of the time axis, and its labels."""
        if self._drawn is None or self._drawn[0] != dim:
            self._drawn = dim, [self._row_runs(row, dim=dim) for row in range(self.rows)]
        at = None if cursor is None else self.column(cursor)
        lines = [runs if at is None else _crossed(runs, self.margin + at) for runs in self._drawn[1]]
        return [*lines, self._rule(at, marks), self._times(at, cursor)]

    def _row_runs(self, row: int, *, dim: bool) -> Runs:
        made = [style(colour=curve.colour, dim=dim) for curve in self.curves]
        limit = None if self.panel.threshold is None else self._row(self.panel.threshold)
        faint = style(Look.DIM)
        label = self._labels.get(row, "")
        cells: Runs = [(f"{label:>{self.margin - 1}}{'┤' if label else '│'}", faint)]
        for column in range(self.columns):
            char, owner = self.canvas.cell(row, column)
            if owner != NOBODY:
                cells.append((char, made[owner]))
            elif row == limit:
                cells.append(("╌", style(Look.WARN, dim=dim)))
            else:
                # In the style of what stands before it: each change of style costs its own escapes.
                cells.append((" ", cells[-1][1]))
        if self._letters:
            number = self._ends.get(row)
            cells.append(("  ", faint) if number is None else (f" {self.curves[number].letter}", made[number]))
        return _joined(cells)

    def _rule(self, at: int | None, marks: Sequence[Mark]) -> Runs:
        faint = style(Look.DIM)
        ticks = {self.column(moment) for moment, _ in self._ticks}
        glyphs = {self._mark_column(mark.at): (mark.glyph, style(mark.look)) for mark in marks}
        cells: Runs = [("└".rjust(self.margin), faint)]
        for column in range(self.columns):
            if column in glyphs:
                cells.append(glyphs[column])
            elif column == at:
                cells.append(("┼", style(Look.STRONG)))
            else:
                cells.append(("┴" if column in ticks else "─", faint))
        return _joined(cells)

    def _mark_column(self, moment: float) -> int | None:
        """What has just happened is shown at the end, though the newest points are a step older."""
        newest = self.chart.span.end is None and self.chart.end < moment <= self.chart.end + 2 * self.chart.step
        return self.columns - 1 if newest else self.column(moment)

    def _times(self, at: int | None, cursor: float | None) -> Runs:
        """Labels under their moments; the cursor's comes first where two want the same cells."""
        wanted: list[tuple[int, str, bool]] = []
        if at is not None and cursor is not None:
            wanted.append((at, exact_time(cursor, self._now), True))
        for moment, text in self._ticks:
            column = self.column(moment)
            if column is not None:
                wanted.append((column, text, False))
        faint, strong = style(Look.DIM), style(Look.STRONG)
        width = self.margin + self.columns + 2 * self._letters
        cells: Runs = [(" ", faint)] * width
        for column, label, chosen in wanted:
            first = min(max(0, self.margin + column - len(label) // 2), width - len(label))
            around = cells[max(0, first - 1) : first + len(label) + 1]
            if first >= 0 and all(char == " " for char, _ in around):
                cells[first : first + len(label)] = [(char, strong if chosen else faint) for char in label]
        return _joined(cells)

    def _row(self, value: float) -> int | None:
        low, high = self.values
        if not low <= value <= high * (1 + 1e-9):
            return None
        top = self.rows * self.canvas.down - 1
        dot = min(top, round((value - low) / ((high - low) or 1) * top))
        return self.rows - 1 - dot // self.canvas.down

    def _place_letters(self) -> dict[int, int]:
        """Each curve's letter beside its end, or in the next free row."""
        taken: dict[int, int] = {}
        for number, curve in enumerate(self.curves):
            wanted = None if curve.last is None else self._row(curve.last)
            if wanted is None or len(taken) >= self.rows:
                continue
            free = min((row for row in range(self.rows) if row not in taken), key=lambda row: abs(row - wanted))
            taken[free] = number
        return taken


def _joined(cells: Runs) -> Runs:
    return [("".join(text for text, _ in run), made) for made, run in groupby(cells, key=itemgetter(1))]


def _crossed(runs: Runs, at: int) -> Runs:
    """A row with the cursor at a cell, where nobody drew there. Every character of a plot has one cell."""
    for number, (text, made) in enumerate(runs):
        if at < len(text):
            if text[at] not in " ╌":
                return runs
            cut = [(text[:at], made), ("│", style(Look.DIM)), (text[at + 1 :], made)]
            return [*runs[:number], *cut, *runs[number + 1 :]]
        at -= len(text)
    return runs
