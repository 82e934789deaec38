"""A frame that has to wait for the terminal has everything in it that was to be painted until it was made."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pyte
import pytest
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from tests.waiting import until
from widgets.one_line import OneLine
from widgets.private import app as private
from widgets.private.app import QuietApp
from widgets.safe import style

WIDTH, LINES = 40, 6
WORDS = ("", "live", "STALE 4 s", "unreachable: refused", "日本語", "three members of 5")


class Lines(QuietApp):
    def __init__(self) -> None:
        super().__init__()
        self.lines = [OneLine() for _ in range(LINES)]
        self.terminal = pyte.Screen(WIDTH, LINES)
        """What stands on it by what was painted."""
        self._stream = pyte.Stream(self.terminal)

    def compose(self) -> ComposeResult:
        yield from self.lines

    def say(self, line: int, text: str) -> None:
        self.lines[line].show([(text, style())])

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, ChopsUpdate | LayoutUpdate):
            self._stream.feed(renderable.render_segments(self.console))
        super()._display(screen, renderable)

    @property
    def shown(self) -> list[str]:
        return [row.rstrip() for row in self.terminal.display]

    @property
    def meant(self) -> list[str]:
        return [line.text for line in self.lines]


class Terminal:
    """Takes frames while it is `free`, and is asked after each whether it has drawn it."""

    def __init__(self) -> None:
        self.free = True
        self.frames = self.questions = 0
        self._then: Callable[[], object] | None = None

    @property
    def awaited(self) -> bool:
        """Whether a frame waits for it."""
        return self._then is not None

    def ready(self, then: Callable[[], object]) -> bool:
        self._then = None if self.free else then
        self.frames += self.free
        return self.free

    def ask(self) -> None:
        self.questions += 1

    def take(self) -> None:
        """Take frames from now on."""
        self.free = True
        if self._then is not None:
            then, self._then = self._then, None
            then()


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Lines, Terminal, Pilot[None]]]:
    """Laid out on a terminal that is not always ready."""
    app, terminal = Lines(), Terminal()
    async with app.run_test(size=(WIDTH, LINES)) as pilot:
        await pilot.pause()
        driver = app._driver
        assert driver is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(private, "StdoutDriver", type(driver))
            patch.setattr(driver, "output", terminal, raising=False)
            patch.setattr(driver, "ask", terminal.ask, raising=False)
            yield app, terminal, pilot


async def test_who_speaks_while_a_frame_waits_is_painted_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as (app, terminal, pilot):
        terminal.free = False
        app.say(0, "the first")
        await until(lambda: terminal.awaited)
        # A frame's turn comes a sixtieth of a second after it is known that there is one to make: what waits
        # is to come between the two.
        timer = app.screen._update_timer
        with monkeypatch.context() as held:
            held.setattr(timer, "resume", lambda: None)
            app.say(1, "the second")
            await until(lambda: app.lines[1] in app.screen._dirty_widgets)
            terminal.take()
            await until(lambda: app.shown[0] == "the first")
        timer.resume()
        await pilot.pause()
        assert app.shown[:2] == ["the first", "the second"]


@pytest.mark.parametrize("seed", range(3))
async def test_whenever_the_terminal_is_ready_in_the_end_it_shows_what_is_meant(seed: int) -> None:
    chance = random.Random(seed)
    async with opened() as (app, terminal, _):
        for _ in range(150):
            app.say(chance.randrange(LINES), chance.choice(WORDS) + "·" * chance.randrange(9))
            if chance.random() < 0.5:
                terminal.free = False
            elif chance.random() < 0.5:
                terminal.take()
            await asyncio.sleep(chance.choice((0, 0, 0.004, 0.02)))
        terminal.take()
        await until(lambda: app.shown == app.meant, 2)


async def test_after_each_frame_the_terminal_is_asked_whether_it_has_drawn_it() -> None:
    async with opened() as (app, terminal, _):
        terminal.free = False
        app.say(0, "the first")
        await until(lambda: terminal.awaited)
        assert terminal.questions == 0
        terminal.take()
        await until(lambda: 0 < terminal.questions == terminal.frames)


async def test_no_frame_is_made_where_all_of_it_is_drawn_right_after() -> None:
    async with opened() as (app, terminal, _):
        app.say(0, "the first")
        app.screen.refresh()
        app.screen._compositor_refresh()
        assert terminal.frames == 0
        await until(lambda: terminal.frames)
