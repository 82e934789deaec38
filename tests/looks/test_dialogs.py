"""How acting looks: the menu, the question, the armed frame; with long names, many targets and a long command.

`pytest tests/looks --snapshot-update` takes them anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backends.api import registry
from backends.changes.who import Who
from backends.config.context import Context, SourceConfig
from tests.clock import START, FakeClock
from tests.flows import actor
from tests.flows.actor import STAGES
from tests.flows.fake import SCRIPTS, FakeSettings, Script, member, process
from tui.app import MidwatchApp
from widgets.dialog import READING

Steps = Callable[[MidwatchApp, FakeClock, Callable[..., Awaitable[None]]], Awaitable[None]]
SOURCES = (SourceConfig("fake", "main", FakeSettings()),)
LONG = "payment-reconciliation-worker-with-a-name-that-nobody-cut"
ARGV = f"/opt/shop/venv/bin/python -m shop.reconcile --queue {'very-' * 12}long --config /etc/shop/reconcile.toml"


@pytest.fixture
def picture(
    snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., bool]:
    monkeypatch.setitem(registry.MODULES, "fake", actor.__name__)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(Who, "here", lambda env: Who("ops1", "ssh from 10.0.0.5", "web-1"))
    SCRIPTS.clear()
    STAGES.clear()

    def take(steps: Steps, *, size: tuple[int, int], **more: Any) -> bool:
        clock = FakeClock()
        context = Context("shop-prod", SOURCES, **more)
        app = MidwatchApp({context.name: context}, context, command="processes", clock=clock)

        async def run(pilot: Pilot[None]) -> None:
            await pilot.pause()
            script = SCRIPTS.setdefault("main", Script())
            script.say_members(member("m0"))
            facts = {"started": START, "command": ARGV}
            rows = [process(4100 + n, f"{LONG}-{n}", **facts) for n in range(12)]
            script.say_processes(*rows)
            await pilot.pause()
            await clock.advance(0.5)

            async def press(*keys: str) -> None:
                for key in keys:
                    clock.seconds += READING
                    app.keys.press(key, key if len(key) == 1 else None)
                    await app.workers.wait_for_complete(
                        [worker for worker in app.workers if worker.group == "action"]
                    )

            await press("N", "g")
            await steps(app, clock, press)
            app.first_paint.let_go()
            app.tick()
            await pilot.pause()

        return snap_compare(app, terminal_size=size, run_before=run)

    return take


Press = Callable[..., Awaitable[None]]


def test_the_menu_80x24(picture: Callable[..., bool]) -> None:
    async def steps(app: MidwatchApp, clock: FakeClock, press: Press) -> None:
        await press("x", "down")

    assert picture(steps, size=(80, 24))


def test_the_question_of_one_80x24(picture: Callable[..., bool]) -> None:
    async def steps(app: MidwatchApp, clock: FakeClock, press: Press) -> None:
        await press("x", "enter")

    assert picture(steps, size=(80, 24))


def test_the_question_of_many_some_hidden_80x24(picture: Callable[..., bool]) -> None:
    async def steps(app: MidwatchApp, clock: FakeClock, press: Press) -> None:
        await press(*["space"] * 12)
        app.view.search("4103")
        await press("x", "enter")

    assert picture(steps, size=(80, 24))


def test_armed_and_a_grave_one_120x40(picture: Callable[..., bool]) -> None:
    async def steps(app: MidwatchApp, clock: FakeClock, press: Press) -> None:
        app.flow.arming.arm('15m "queue stuck, ticket 4711"')
        await app.workers.wait_for_complete()
        await press("x", "down", "down", "enter")
        clock.seconds += 1

    assert picture(steps, size=(120, 40), confirm="type")


def test_armed_200x60(picture: Callable[..., bool]) -> None:
    async def steps(app: MidwatchApp, clock: FakeClock, press: Press) -> None:
        app.flow.arming.arm('15m "queue stuck, ticket 4711"')
        await app.workers.wait_for_complete()
        clock.seconds += 1
        await press("x", "enter", "right")

    assert picture(steps, size=(200, 60))
