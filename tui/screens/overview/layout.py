"""OverviewLayout: how the lines of the overview are shared out, and charts where there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widget import Widget

from backends.watch import Watch
from tui.bridge import Bridge
from widgets.board import Board

if TYPE_CHECKING:
    from tui.screens.metrics.chart_grid import ChartGrid, Sheet

CHARTS, CHARTS_MOST = 17, 24
"""Lines that charts want at least and at most; where wide news leaves fewer, signals are sparklines."""
NEWS_ONLY = 16
"""Lines below which there is room for the news alone."""
THREE, TWO_ROWS = 3, 36
"""Charts that stand side by side, and the lines of two rows of them."""


class OverviewLayout:
    def __init__(self, view: Widget, wrong: Board, changed: Board, vital: Board) -> None:
        """The boards of a view, from top to bottom."""
        self._view, self._wrong, self._changed, self._vital = view, wrong, changed, vital
        self._charts: ChartGrid | None = None

    @property
    def has_charts(self) -> bool:
        """Whether the signals stand there as charts now."""
        return self._charts is not None and self._charts.display

    def fit(
        self, events: int, *, wide: bool, watching: Watch, bridge: Bridge | None, sheet: Sheet | None
    ) -> None:
        """Problems as many as there are, up to a share of the screen; what is left is for the changes, of which
        there are `events`. `sheet` is the signals as charts, None where there are none or nobody looks."""
        height = self._view.size.height
        if not height:
            return
        most = 9 if height <= 24 else height // 2
        wrong = min(len(self._wrong.entries) + 1, most)
        # Vital signs have a third, and what the news leaves empty.
        news = max(wrong, events + 1) if wide else wrong + events + 1
        gaps = 1 if wide else 2
        vital = min(self._vital.lines + 1, max(3, height // 3, height - 1 - gaps - news))
        if height < NEWS_ONLY:
            vital = 0
        rest = height - 1 - gaps - vital
        room = rest - max(10, min(news, rest // 2)) if wide else 0
        if sheet is not None and bridge is not None and room > CHARTS:
            two = len(sheet.panels) > THREE and room > TWO_ROWS
            rest -= self._show_charts(watching, bridge, sheet, min(room - 1, TWO_ROWS if two else CHARTS_MOST))
        else:
            self.leave_charts()
        _height(self._vital, vital)
        _height(self._wrong, max(3, rest) if wide else max(2, min(wrong, rest - 3)))
        _height(self._changed, max(3, rest) if wide else max(2, rest - max(2, min(wrong, rest - 3))))

    def leave_charts(self) -> None:
        """Nobody looks at them any more."""
        if self._charts is not None:
            self._charts.leave()
            self._charts.display = False

    def _show_charts(self, watching: Watch, bridge: Bridge, sheet: Sheet, lines: int) -> int:
        """How many lines they take."""
        from tui.screens.metrics.chart_grid import ChartGrid
        from tui.screens.overview.vitals import SPAN

        if self._charts is None:
            self._charts = ChartGrid()
            self._charts.styles.margin = (0, 0, 1, 0)
            self._view.mount(self._charts, before=self._vital)
        self._charts.display = True
        _height(self._charts, lines)
        self._charts.lay_out(watching, bridge, sheet, SPAN)
        for chart in self._charts.shown:
            chart.chosen = False
            chart.flush()
        return lines + 1


def _height(part: Widget, rows: int) -> None:
    if part.styles.height is None or part.styles.height.value != rows:
        part.styles.height = rows
