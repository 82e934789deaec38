"""The overview tells causes: what they brought about is folded into their lines, and nothing of it is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backends.api import registry
from backends.api.errors import Unreachable
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.readings import Seen
from backends.config.context import Context, SourceConfig
from tests.flows import fake_supervisor, scraped
from tests.flows.conftest import Opened, Screen
from tests.flows.fake_supervisor import QUEUES, FakeSupervisorSettings, orders, say_units, unit
from tests.flows.metered import MeteredSettings

LAB = Context(
    "lab",
    (
        SourceConfig("supervisor", "main", FakeSupervisorSettings()),
        SourceConfig("scraped", "main", MeteredSettings()),
    ),
    colour="green",
)


@pytest.fixture
def lab(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(registry.MODULES, "supervisor", fake_supervisor.__name__)
    monkeypatch.setitem(registry.MODULES, "scraped", scraped.__name__)
    QUEUES.clear()
    scraped.QUEUES.clear()
    return lambda **more: opened(contexts=(LAB,), command="overview", **more)


async def lost(screen: Screen, *names: str) -> None:
    """The supervisor dies, and its programs with it."""
    say_units(*(unit(f"web:{name}") for name in names), unit("job"))
    await screen.until(f"{len(names) + 1} running")
    orders().put_nowait(Unreachable("no such socket"))
    await screen.until("no such socket")
    at = datetime.now(UTC)
    down = (
        ScrapeTarget(f"t/{name}", "scraped/main", "web", name, TargetState.DOWN, since=at, error="refused")
        for name in names
    )
    scraped.orders().put_nowait(Seen({row.key: row for row in down}))
    await screen.until(f"{len(names)} down")


def wrong(screen: Screen) -> list[str]:
    """The lines of what is wrong."""
    lines = screen.lines
    begin, end = (next(n for n, line in enumerate(lines) if word in line) for word in ("WRONG NOW", "CHANGED"))
    return [line for line in lines[begin + 1 : end] if line.strip()]


async def test_effects_stand_in_the_line_of_their_cause_and_below_it_when_asked_for(lab: Any) -> None:
    async with lab(size=(120, 30)) as screen:
        await lost(screen, "web-1", "web-2")
        await screen.until("1 problem ")
        (only,) = wrong(screen)
        assert "supervisor/main" in only
        assert "+ 3 units, 2 targets" in only
        await screen.press("d")
        await screen.until("└ web web-2")
        assert "refused" in wrong(screen)[1]
        assert "1 problem " in screen.text
        await screen.press("j", "enter")
        await screen.until("sort job")
        assert screen.app.view.table.current.instance == "web-1"
        await screen.press("q", "d")
        await screen.until(lambda: len(wrong(screen)) == 1)


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_what_leads_back_folds_them_first(lab: Any, key: str) -> None:
    async with lab(size=(120, 30)) as screen:
        await lost(screen, "web-1", "web-2")
        await screen.until("1 problem ")
        await screen.press("d")
        await screen.until("└ web web-2")
        await screen.press(key)
        await screen.until(lambda: len(wrong(screen)) == 1)
        assert screen.app.is_running
        await screen.press("q")
        await screen.until(lambda: not screen.app.is_running)


async def test_where_room_is_short_they_are_counted(lab: Any) -> None:
    async with lab(size=(80, 24)) as screen:
        await lost(screen, "web-1", "web-2")
        await screen.until(lambda: any(" +2" in line for line in wrong(screen)))


async def test_they_are_counted_too_where_more_would_take_the_place_of_why(lab: Any) -> None:
    why = "no such socket, " * 4
    async with lab(size=(120, 30)) as screen:
        say_units(unit("web:web-1"))
        await screen.until("1 running")
        orders().put_nowait(Unreachable(why))
        down = ScrapeTarget("t", "scraped/main", "web", "web-1", TargetState.DOWN, since=datetime.now(UTC))
        scraped.orders().put_nowait(Seen({down.key: down}))
        await screen.until(lambda: any(" +1" in line for line in wrong(screen)))
        (only,) = wrong(screen)
        assert why.strip() in only


async def test_what_brought_nothing_about_says_so(lab: Any) -> None:
    async with lab() as screen:
        orders().put_nowait(Unreachable("no such socket"))
        scraped.orders().put_nowait(Seen({}))
        await screen.until("no such socket")
        await screen.press("d")
        await screen.until("nothing else is known to come of this")


async def test_units_of_a_lost_supervisor_look_so(lab: Any) -> None:
    async with lab(size=(140, 30)) as screen:
        say_units(unit("web"))
        await screen.until("1 running")
        orders().put_nowait(Unreachable("no such socket"))
        await screen.type("7")
        await screen.until("was RUNNING")
        assert any("unreachable" in line and "web" in line for line in screen.lines)
