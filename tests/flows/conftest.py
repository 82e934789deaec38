"""The app over a fake backend, with keys in and the screen's text out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from backends.api import registry
from backends.api.capabilities import ABILITIES
from backends.api.clock import LoopClock
from backends.config.context import Context, SourceConfig
from tests.clock import FakeClock
from tests.flows.fake import SCRIPTS, FakeSettings, Script
from tui.app import MidwatchApp
from widgets.dialog import READING

Opened = Callable[..., Any]
KEYS = {"\r": "enter"}


class ReadersClock(LoopClock):
    """The real clock, to which the time that a person would read for is added instead of being waited for."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.seconds


@dataclass
class Screen:
    """The app under test, as a person sees it."""

    app: MidwatchApp
    pilot: Pilot[None]
    script: Script
    clock: ReadersClock | FakeClock

    @property
    def lines(self) -> list[str]:
        """What stands on the terminal, line by line."""
        _, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips[:height]]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def read(self) -> None:
        """Have read what stands there: a dialog that was opened or left just now does not take every key."""
        if self.app.dialog is not None:
            self.clock.seconds += READING

    async def press(self, *keys: str) -> None:
        """Keys of somebody who reads before each of them."""
        for key in keys:
            self.read()
            await self.pilot.press(key)

    async def type(self, text: str) -> None:
        """Keys in one burst, as a paste or a slow link brings them."""
        self.read()
        driver = self.app._driver
        assert driver is not None
        for char in text:
            key = events.Key(KEYS.get(char, char if char.isalnum() else _character_to_key(char)), char)
            key.set_sender(self.app)
            driver.send_message(key)
        await self.pilot.pause()

    async def until(self, what: str | Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until a text stands on the screen, or a condition holds."""
        __tracebackhide__ = True
        holds = what if callable(what) else lambda: what in self.text
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await self.pilot.pause(0.01)
        except TimeoutError:
            words = "that" if callable(what) else repr(what)
            raise AssertionError(f"waited for {words}; the screen shows:\n{self.text}") from None


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """`async with opened(size=(80, 24)) as screen`: a context `lab` with the source fake/main."""
    # A fake speaks when the test says so: on a busy machine that is later than a server would be believed.
    for noun, known in ABILITIES.items():
        monkeypatch.setitem(ABILITIES, noun, replace(known, pace=replace(known.pace, first=60.0, quiet=60.0)))
    monkeypatch.setitem(registry.MODULES, "fake", "tests.flows.fake")
    SCRIPTS.clear()

    @asynccontextmanager
    async def open_screen(
        size: tuple[int, int] = (120, 30),
        contexts: tuple[Context, ...] = (),
        command: str = "members",
        clock: ReadersClock | FakeClock | None = None,
        **more: Any,
    ) -> AsyncIterator[Screen]:
        lab = Context("lab", (SourceConfig("fake", "main", FakeSettings()),), colour="green")
        chosen = contexts or (lab,)
        time = clock or ReadersClock()
        named = {context.name: context for context in chosen}
        app = MidwatchApp(named, chosen[0], command=command, clock=time, **more)
        async with app.run_test(size=size) as pilot:
            yield Screen(app, pilot, SCRIPTS.setdefault("main", Script()), time)

    return open_screen
