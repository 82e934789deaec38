"""A frame that has to wait for the terminal has everything in it that was to be painted until it was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rich.console import RenderableType
from textual._compositor import ChopsUpdate
from textual.app import ComposeResult
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tests.waiting import until
from widgets.private import app as private
from widgets.private.app import QuietApp


class Line(Widget):
    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def render_line(self, y: int) -> Strip:
        return Strip.blank(self.size.width)


class Lines(QuietApp):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Line(), Line()
        self.painted = set[int]()
        """Rows of the terminal that were written to."""

    def compose(self) -> ComposeResult:
        yield self.first
        yield self.second

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, ChopsUpdate):
            self.painted.update(y for y, _, _ in renderable.spans)
        super()._display(screen, renderable)


class Terminal:
    """Takes no frame until it is `free`."""

    def __init__(self) -> None:
        self.free = False
        self.then: Callable[[], object] | None = None

    def ready(self, then: Callable[[], object]) -> bool:
        self.then = None if self.free else then
        return self.free


async def test_who_speaks_while_a_frame_waits_is_painted_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app, terminal = Lines(), Terminal()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        driver = app._driver
        assert driver is not None
        monkeypatch.setattr(private, "StdoutDriver", type(driver))
        monkeypatch.setattr(driver, "output", terminal, raising=False)
        monkeypatch.setattr(driver, "ask", lambda: None, raising=False)
        app.painted.clear()
        app.first.refresh()
        await until(lambda: terminal.then is not None)
        # Whose turn the next frame is comes a sixtieth of a second after it is known that there is one to make:
        # what waits is to come between the two.
        timer = app.screen._update_timer
        monkeypatch.setattr(timer, "resume", lambda: None)
        app.second.refresh()
        await until(lambda: app.second in app.screen._dirty_widgets)
        terminal.free, then = True, terminal.then
        assert then is not None
        then()
        await until(lambda: 0 in app.painted)
        monkeypatch.undo()
        timer.resume()
        await pilot.pause()
        assert app.painted == {0, 1}
