"""Front: the room between masthead and footer: which view is in it, the views there are, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.containers import Container

from tui.commands import METRICS, OVERVIEW
from tui.screens.base import Desk, View
from tui.screens.overview.screen import OverviewScreen

if TYPE_CHECKING:
    from tui.screens.logs.screen import LogsScreen
    from tui.screens.metrics.screen import MetricsScreen
    from tui.screens.run import RunScreen


class Front(Container):
    """Views are made when they are first asked for: each costs the start some milliseconds. `changed` is called
    when another one is in front."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(id="front")
        self._changed = changed
        self._views: dict[str, View] = {}
        self._logs: LogsScreen | None = None
        self._run: RunScreen | None = None
        self.view: View = self.named(OVERVIEW)
        self._way: list[View] = []
        """What led to the view in front, one from the other."""
        self._before: tuple[View, list[View]] | None = None

    def named(self, kind: str) -> View:
        """The screen of a kind."""
        if kind == METRICS:
            return self.metrics
        if kind not in self._views:
            self._views[kind] = OverviewScreen() if kind == OVERVIEW else _resource(kind)
        return self._views[kind]

    @property
    def metrics(self) -> MetricsScreen:
        if METRICS not in self._views:
            from tui.screens.metrics.screen import MetricsScreen

            self._views[METRICS] = MetricsScreen()
        return cast("MetricsScreen", self._views[METRICS])

    @property
    def logs(self) -> LogsScreen:
        if self._logs is None:
            from tui.screens.logs.screen import LogsScreen

            self._logs = LogsScreen()
        return self._logs

    @property
    def run(self) -> RunScreen:
        if self._run is None:
            from tui.screens.run import RunScreen

            self._run = RunScreen()
        return self._run

    def unfilter(self) -> None:
        """What was asked of one context's rows is not asked of another's."""
        for view in self._views.values():
            if view.searching:
                view.search("")

    def open(self, view: View) -> None:
        """A screen of its own, as digits and words open them: from it one goes up to the overview."""
        self._go(view, [])

    def show(self, view: View) -> None:
        """What something on the present view leads to; that is gone back to."""
        if view is not self.view:
            self._go(view, [*(before for before in self._way if before is not view), self.view])

    def back(self) -> bool:
        """To what led here; False where nothing did."""
        if not self._way:
            return False
        self._go(self._way[-1], self._way[:-1])
        return True

    def up(self) -> bool:
        """To what led here, else to the overview; False there."""
        overview = self.named(OVERVIEW)
        if not self.back():
            if self.view is overview:
                return False
            self.open(overview)
        return True

    def swap(self) -> bool:
        """To the view before this one, and its own way back; False where there is none."""
        if self.view.passing:
            return self.back()
        if self._before is None:
            return False
        self._go(*self._before)
        return True

    def _go(self, view: View, way: list[View]) -> None:
        if not view.passing:
            left, its_way = self.view, self._way
            while left.passing:
                left, its_way = its_way[-1], its_way[:-1]
            if left is not view:
                self._before = (left, its_way)
        self._way = way
        if view is not self.view:
            self._bring(view)

    def _bring(self, view: View) -> None:
        self.view.detach()
        self.view.display = False
        self.view = view
        if view.parent is None:
            self.mount(view)
        view.display = True
        if cast("Desk", self.app).bridge is not None:
            view.attach()
        self._leave_behind()
        self._changed()

    def _leave_behind(self) -> None:
        """What was only read, and is on no way back any more."""
        kept = {self.view, *self._way, *(self._before[1] if self._before is not None else ())}
        for view in self.query_children(View):
            if view.passing and view not in kept:
                view.remove()


def _resource(kind: str) -> View:
    from tui.kinds.known import KINDS
    from tui.screens.resource import ResourceScreen

    return ResourceScreen(KINDS[kind])
