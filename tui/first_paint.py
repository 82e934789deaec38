"""The first paint of Textual's own waits until there is something worth it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import ExitStack, suppress

from textual.app import App, ScreenStackError

HOLD = 0.25
"""Seconds for which the first frame may stand in for what Textual draws."""

DRAW = 0.05
"""Seconds that the first frame has to itself."""


class FirstPaint:
    """The first frame stands already when the app is mounted. Textual's own would compete with what
    connects, which imports in a thread, so it waits for the first facts, a key, or a quarter of a second."""

    def __init__(self, app: App[None], draw: Callable[[], None], drawn: Callable[[], None]) -> None:
        """`draw` is called when all is to be shown that is known by then, `drawn` when that has had time."""
        self._app, self._draw, self._drawn = app, draw, drawn
        self._held: ExitStack | None = None

    def hold(self) -> None:
        self._held = ExitStack()
        self._held.enter_context(self._app.batch_update())
        self._app.set_timer(HOLD, self.let_go)

    def let_go(self) -> None:
        """Draw from now on; called as soon as there is something worth it."""
        if self._held is not None:
            held, self._held = self._held, None
            self._draw()
            held.close()
            # Its moment may come when the app is on its way out.
            with suppress(ScreenStackError):
                self._app.screen.refresh()
            # Not when it has been drawn: a terminal that reads nothing must not keep the sources from beginning.
            self._app.set_timer(DRAW, self._go_on)

    @property
    def holding(self) -> bool:
        return self._held is not None

    def _go_on(self) -> None:
        _look_for_garbage_again()
        self._drawn()


def _look_for_garbage_again() -> None:
    """Where `tui.start` has turned it off; what was made by now is left out of it for good."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
