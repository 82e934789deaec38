"""Front: the room between masthead and footer: which view is in it, the views there are, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.containers import Container

from tui.commands import METRICS, OVERVIEW
from tui.screens.base import Desk, View
from tui.screens.overview import OverviewScreen

if TYPE_CHECKING:
    from tui.screens.logs import LogsScreen
    from tui.screens.metrics import MetricsScreen
    from tui.screens.run import RunScreen
    from tui.screens.text import TextScreen


class Front(Container):
    """Views are made when they are first asked for: each costs the start some milliseconds. `changed` is called
    when another one is in front."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(id="front")
        self._changed = changed
        self._views: dict[str, View] = {}
        self._logs: LogsScreen | None = None
        self._text: TextScreen | None = None
        self._run: RunScreen | None = None
        self.view: View = self.named(OVERVIEW)
        self._way: list[View] = []

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
            from tui.screens.metrics import MetricsScreen

            self._views[METRICS] = MetricsScreen()
        return cast("MetricsScreen", self._views[METRICS])

    @property
    def logs(self) -> LogsScreen:
        if self._logs is None:
            from tui.screens.logs import LogsScreen

            self._logs = LogsScreen()
        return self._logs

    @property
    def text(self) -> TextScreen:
        if self._text is None:
            from tui.screens.text import TextScreen

            self._text = TextScreen()
        return self._text

    @property
    def run(self) -> RunScreen:
        if self._run is None:
            from tui.screens.run import RunScreen

            self._run = RunScreen()
        return self._run

    def show(self, view: View) -> None:
        """Bring a view to the front; the one that was there is gone back to."""
        if view is self.view:
            return
        if self.view is not self._text:
            self._way = [*(v for v in self._way if v is not self.view), self.view]
        self._bring(view)

    def back(self) -> bool:
        """One step of the way back; False at its beginning."""
        if not self._way:
            return False
        self._bring(self._way.pop())
        return True

    def swap(self) -> bool:
        """To the view before this one, with this one as the next to go back to; False where there is none."""
        if not self._way:
            return False
        before = self._way.pop()
        if self.view is not self._text:
            self._way.append(self.view)
        self._bring(before)
        return True

    def _bring(self, view: View) -> None:
        self.view.detach()
        self.view.display = False
        self.view = view
        if view.parent is None:
            self.mount(view)
        view.display = True
        if cast("Desk", self.app).bridge is not None:
            view.attach()
        self._changed()


def _resource(kind: str) -> View:
    from tui.kinds.known import KINDS
    from tui.screens.resource import ResourceScreen

    return ResourceScreen(KINDS[kind])
