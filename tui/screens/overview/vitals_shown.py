"""VitalsShown: the vital signs of the context that is open, in a line each, or as charts where there is room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from backends.watch import Watch
from tui.screens.base import Desk
from tui.screens.overview.layout import OverviewLayout
from widgets.board import Entry

if TYPE_CHECKING:
    from tui.screens.metrics.chart_grid import Sheet
    from tui.screens.overview.vitals import Vitals


class VitalsShown:
    """`changed` is called when they have other values."""

    def __init__(self, layout: OverviewLayout, changed: Callable[[], None]) -> None:
        self._layout, self._changed = layout, changed
        self._vitals: Vitals | None = None
        self._of: Watch | None = None

    def look(self, desk: Desk) -> None:
        """Look at those of the desk's context; they cost nothing where nothing answers queries."""
        watching, bridge = desk.watching, desk.bridge
        if watching is None or bridge is None:
            return
        if watching is not self._of:
            self._of, self._vitals = watching, None
            self._layout.leave_charts()
            dashboards = desk.dashboards if watching.answering() else None
            if dashboards is not None:
                from tui.screens.overview.vitals import Vitals

                self._vitals = Vitals(watching, dashboards, self._changed)
        if self._vitals is not None:
            # The same twice would cost the server twice.
            if self._layout.has_charts:
                self._vitals.detach()
            else:
                self._vitals.attach(bridge, desk.work)

    def detach(self) -> None:
        """Nobody looks at them any more."""
        if self._vitals is not None:
            self._vitals.detach()
        self._layout.leave_charts()

    def entries(self, width: int, lines: int) -> Sequence[tuple[str, Entry]]:
        """Each with its title; none where they stand there as charts."""
        if self._vitals is None or self._layout.has_charts:
            return ()
        return self._vitals.entries(width, lines)

    @property
    def sheet(self) -> Sheet | None:
        """The same as charts."""
        return None if self._vitals is None else self._vitals.sheet
