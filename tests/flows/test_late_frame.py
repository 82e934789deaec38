"""A frame that has to wait for the terminal has everything in it that was to be painted until it was made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
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
    """Takes no frame until it is `free`, and is asked after each whether it has drawn it."""

    def __init__(self) -> None:
        self.free = False
        self.then: Callable[[], object] | None = None
        self.asked = 0
        self.frames = 0
        """How many it has been about to take."""

    def ready(self, then: Callable[[], object]) -> bool:
        self.then = None if self.free else then
        self.frames += self.free
        return self.free

    def ask(self) -> None:
        self.asked += 1


@pytest.fixture
async def laid_out(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Lines, Terminal]]:
    app, terminal = Lines(), Terminal()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        driver = app._driver
        assert driver is not None
        monkeypatch.setattr(private, "StdoutDriver", type(driver))
        monkeypatch.setattr(driver, "output", terminal, raising=False)
        monkeypatch.setattr(driver, "ask", terminal.ask, raising=False)
        app.painted.clear()
        yield app, terminal


async def test_who_speaks_while_a_frame_waits_is_painted_with_it(laid_out: tuple[Lines, Terminal]) -> None:
    app, terminal = laid_out
    app.first.refresh()
    await until(lambda: terminal.then is not None)
    # Whose turn the next frame is comes a sixtieth of a second after it is known that there is one to make:
    # what waits is to come between the two.
    timer = app.screen._update_timer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timer, "resume", lambda: None)
        app.second.refresh()
        await until(lambda: app.second in app.screen._dirty_widgets)
        terminal.free, then = True, terminal.then
        assert then is not None
        then()
        await until(lambda: 0 in app.painted)
    timer.resume()
    await until(lambda: app.painted == {0, 1})


async def test_after_each_frame_the_terminal_is_asked_whether_it_has_drawn_it(
    laid_out: tuple[Lines, Terminal],
) -> None:
    app, terminal = laid_out
    app.first.refresh()
    await until(lambda: terminal.then is not None)
    assert terminal.asked == 0
    terminal.free, then = True, terminal.then
    assert then is not None
    then()
    await until(lambda: 0 < terminal.asked == terminal.frames)


async def test_no_frame_is_made_where_all_of_it_is_drawn_right_after(laid_out: tuple[Lines, Terminal]) -> None:
    app, terminal = laid_out
    terminal.free = True
    app.first.refresh()
    app.screen.refresh()
    app.screen._compositor_refresh()
    assert terminal.frames == 0
    await until(lambda: terminal.frames)
