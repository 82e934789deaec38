"""Only what differs is painted: whatever was done, it is what painting all of it would show."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pyte
import pytest
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.screen import Screen as TextualScreen
from textual.strip import Strip
from textual.widget import Widget

from backends.api import registry
from backends.api.errors import Unreachable
from backends.api.members import MemberState, Role
from backends.api.readings import Seen
from backends.api.units import UnitState
from backends.config.context import Context, SourceConfig
from tests.clock import FakeClock
from tests.flows import fake_supervisor, scraped
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import FakeSettings, member, process
from tests.flows.fake_supervisor import FakeSupervisorSettings, say_units, unit
from tests.flows.metered import MeteredSettings, checked, fresh_store
from tui.app import MidwatchApp
from widgets.logs.histogram import Histogram
from widgets.logs.view import LogView

PAGE = {
    "title": "web",
    "source": "main",
    "panel": [{"title": name, "query": name} for name in ("rate", "errors", "queue")],
}
SOURCES = (
    SourceConfig("fake", "main", FakeSettings()),
    SourceConfig("supervisor", "main", FakeSupervisorSettings()),
    SourceConfig("scraped", "main", MeteredSettings()),
)
SIZES = ((80, 24), (120, 40), (40, 12), (200, 60), (61, 17))
KEYS = (
    *"12345678jjkkkkgGsSoOrFwtyh",
    *("j", "k", "up", "down", "pageup", "pagedown", "home", "end", "enter", "escape", "space", "tab"),
    *("d", "l", "n", "N", "e", "E", "plus", "minus", "left", "right", "x", "v"),
)
ROUNDS, SEED = 6, 1
WORDS = ("web", "a", "line 1", "日本", "state:up", "!", "(", "zzz")


class Terminal:
    """What stands on it, by all that was painted."""

    def __init__(self, app: MidwatchApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self._app = app
        self._screen = pyte.Screen(*app.size)
        self._stream = pyte.Stream(self._screen)
        display: Callable[..., None] = app._display

        def painted(screen: TextualScreen[Any], update: RenderableType | None) -> None:
            if isinstance(update, ChopsUpdate | LayoutUpdate):
                if (self._screen.columns, self._screen.lines) != app.size:
                    self._screen.resize(app.size.height, app.size.width)
                self._stream.feed(update.render_segments(app.console))
            display(screen, update)

        monkeypatch.setattr(app, "_display", painted)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)


def styled(app: MidwatchApp) -> list[list[tuple[str, str]]]:
    """What the screen is made of, line by line, neighbours of one style joined."""
    return [_runs(strip) for strip in app.screen._compositor.render_strips()[: app.size.height]]


def _runs(strip: Strip) -> list[tuple[str, str]]:
    return [(segment.text, str(segment.style)) for segment in strip.simplify() if segment.text]


class Use:
    """Somebody at the keys, and servers that say something."""

    def __init__(self, screen: Screen, seed: int) -> None:
        self._screen, self._chance = screen, random.Random(seed)
        self._lines = 0

    async def open(self, view: str) -> str:
        await self._screen.press("escape", "escape")
        await self._screen.type(f":{view}\r")
        return view

    async def something(self) -> str:
        keys, hear = [self._key] * 3, [self._hear] * 2
        do: Callable[[], Awaitable[str]] = self._chance.choice([*keys, *hear, self._type, self._time])
        return await self._resize() if self._chance.random() < 0.04 else await do()

    async def _key(self) -> str:
        key: str = self._chance.choice(KEYS)
        await self._screen.press(key)
        return key

    async def _type(self) -> str:
        text = self._chance.choice(":/&") + self._chance.choice(WORDS) + self._chance.choice("\r\r\x1b")
        await self._screen.type(text.replace("\x1b", ""))
        if text.endswith("\x1b"):
            await self._screen.press("escape")
        return repr(text)

    async def _time(self) -> str:
        assert isinstance(self._screen.clock, FakeClock)
        seconds = self._chance.choice((0.3, 1.0, 1.0, 7.0, 70.0))
        await self._screen.clock.advance(seconds)
        self._screen.app.tick()
        return f"{seconds} s"

    async def _resize(self) -> str:
        size = self._chance.choice(SIZES)
        await self._screen.pilot.resize_terminal(*size)
        return str(size)

    async def _hear(self) -> str:
        script, chance = self._screen.script, self._chance
        names = chance.sample(("a", "web-1", "web-2", "日本", "m3", "[red]x"), chance.randrange(6))
        match chance.randrange(6):
            case 0:
                rows = [member(n, chance.choice(list(MemberState)), chance.choice((*Role, None))) for n in names]
                script.say_members(*rows)
            case 1:
                script.say_processes(
                    *(process(9 + i, n, cpu=chance.choice((0.0, 2.5, 99.0))) for i, n in enumerate(names * 9))
                )
            case 2:
                many = chance.choice((1, 3, 80))
                texts = [f"line {self._lines + i} {'ERROR 日本' if i % 7 == 3 else 'ok'}" for i in range(many)]
                self._lines += many
                script.say_lines(*(text.encode() for text in texts))
            case 3:
                say_units(*(unit(n, chance.choice(list(UnitState)), pid=9) for n in names))
            case 4:
                chance.choice((script.members, script.processes, fake_supervisor.orders())).put_nowait(
                    Unreachable("connection refused", where="10.0.0.1:2379")
                )
            case _:
                scraped.orders().put_nowait(Seen({}))
        return f"heard {names}"


async def rested(screen: Screen) -> None:
    """Everything that was said has been heard and painted; time stands still from now on."""
    assert isinstance(screen.clock, FakeClock)
    await screen.clock.advance(0.5)
    for _ in range(200):
        screen.app.tick()
        await screen.pilot.pause(0.01)
        front = screen.app.view
        if not any(
            view.lines.behind or view.lines.filtering or view.searching for view in front.query(LogView)
        ) and not any(histogram.counting for histogram in front.query(Histogram)):
            break
    await painted(screen)


async def painted(screen: Screen) -> None:
    """A frame comes a sixtieth of a second after it is known that there is one to paint."""
    for _ in range(2):
        await screen.pilot.pause()
        await asyncio.sleep(0.03)


@pytest.mark.parametrize("view", ["overview", "members", "processes", "units", "metrics", "logs", "events"])
async def test_what_stands_there_is_what_painting_all_of_it_shows(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    for kind, module in (("supervisor", "fake_supervisor"), ("scraped", "scraped")):
        monkeypatch.setitem(registry.MODULES, kind, f"tests.flows.{module}")
    fake_supervisor.QUEUES.clear()
    scraped.QUEUES.clear()
    runs = {"code=200": lambda t: t % 977, "code=500": lambda t: None if t % 600 < 60 else t % 31}
    fresh_store().answers |= dict.fromkeys(("rate", "errors"), runs)
    lab = Context("lab", SOURCES, colour="green", pages=checked(PAGE))
    async with opened(size=(100, 30), contexts=(lab,), command="", clock=FakeClock()) as screen:
        screen.app.first_paint.let_go()
        terminal, use, done = Terminal(screen.app, monkeypatch), Use(screen, SEED), list[str]()
        screen.app.redraw()
        for _ in range(ROUNDS):
            done += [await use.open(view), *[await use.something() for _ in range(6)]]
            await rested(screen)
            said = f"after {done[-14:]}"
            assert terminal.text == screen.text, f"on the terminal stands something else, {said}"
            before = styled(screen.app)
            for widget in screen.app.screen.walk_children(Widget):
                widget.refresh()
            await painted(screen)
            assert styled(screen.app) == before, f"something was not painted again, {said}"
