"""What can't be acted on itself: members, alerts, targets, events and problems lead to their unit and process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.api import registry
from backends.api.details import Trouble
from backends.api.errors import Silent
from backends.api.events import Event, EventKind
from backends.api.members import MemberState
from backends.api.readings import Seen
from backends.api.units import UnitState
from backends.config.context import Context, SourceConfig
from tests.flows import acting_supervisor, actor
from tests.flows.actor import STAGES, Stage
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import FakeSettings, member, process
from tests.flows.fake_supervisor import QUEUES, FakeSupervisorSettings, orders, say_units, unit

Joined = Callable[..., Any]


@pytest.fixture
def joined(opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Joined:
    """A member that is the process 7 of the unit `web:web-1`, and one that nobody knows anything about."""
    monkeypatch.setitem(registry.MODULES, "fake", actor.__name__)
    monkeypatch.setitem(registry.MODULES, "supervisor", acting_supervisor.__name__)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    STAGES.clear()
    QUEUES.clear()
    sources = (
        SourceConfig("fake", "main", FakeSettings()),
        SourceConfig("supervisor", "main", FakeSupervisorSettings()),
    )

    @asynccontextmanager
    async def open_joined(command: str = "members", **more: Any) -> AsyncIterator[tuple[Screen, Stage]]:
        lab = Context("lab", sources, arm="always")
        async with opened(contexts=(lab,), command=command, **more) as screen:
            trouble = Trouble(Silent("no answer"), None, datetime.now(UTC))
            web = replace(member("web-1"), group="web", address="127.0.0.1:8001")
            lost = replace(
                member("web-9", MemberState.UNKNOWN, trouble=trouble), group="web", address="10.9.9.9:1"
            )
            screen.script.say_members(web, lost)
            screen.script.say_processes(process(7, "python", listening=("0.0.0.0:8001",)), process(8, "redis"))
            say_units(unit("web:web-1", UnitState.RUNNING, pid=7))
            stage = STAGES.setdefault("main", Stage())
            stage.hold.set()
            watching = screen.app.watching
            assert watching is not None
            known = watching.feeds("members", "units").values()
            await screen.until(lambda: all(feed.reading.value for feed in known))
            yield screen, stage

    return open_joined


async def test_a_member_is_acted_on_by_its_unit_and_its_process(joined: Joined) -> None:
    async with joined() as (screen, stage):
        await screen.press("g", "x")
        await screen.until("unit web:web-1: restarts it")
        assert "process python 7: asks it to end" in screen.text
        await screen.press("enter")
        await screen.until("this is the unit web:web-1, which belongs to web-1")
        await screen.press("right", "enter")
        await screen.until("restart web:web-1: done")
        assert stage.done == ["fakectl restart web:web-1"]


async def test_its_signals_are_those_of_its_process(joined: Joined) -> None:
    async with joined() as (screen, stage):
        await screen.press("g", "K")
        await screen.until("process python 7: asks it to end")
        assert "unit web:web-1" not in screen.text
        await screen.press("enter")
        # The door takes what is known of a process that no screen shows.
        await screen.until("which belongs to web-1")
        await screen.press("right", "enter")
        await screen.until("gone after 0.4 s")
        assert stage.done == ["kill -TERM 7"]


async def test_one_answer_is_asked_at_once(joined: Joined) -> None:
    async with joined(command="units") as (screen, stage):
        await screen.until("web:web-1")
        await screen.press("g", "R")
        await screen.until("[ restart ]")
        assert screen.app.flow.dialog.chosen == "Cancel"
        assert stage.done == []


async def test_where_nothing_belongs_to_it_that_is_said(joined: Joined) -> None:
    async with joined() as (screen, _):
        await screen.press("G", "x")
        await screen.until("web-9 itself can't be acted on, and no unit and no process")
        assert screen.app.flow.dialog.chosen == "close"


async def test_a_problem_on_the_overview_is_acted_on_like_its_row(joined: Joined) -> None:
    async with joined(command="overview") as (screen, _):
        say_units(unit("web:web-1", UnitState.FAILED, pid=None, error="not found"))
        await screen.until("✖ web:web-1")
        while not (screen.app.view.wrong.chosen or "").startswith("units"):
            await screen.press("down")
        await screen.press("x")
        await screen.until("restarts it")


async def test_an_event_leads_to_what_it_is_about(joined: Joined) -> None:
    async with joined(command="events") as (screen, _):
        row = unit("web:web-1", UnitState.RUNNING, pid=7)
        now = datetime.now(UTC)
        news = (Event(now, EventKind.STATE, row.source, row.name, "running again"),)
        orders().put_nowait(Seen({row.key: row}, frozenset(), news))
        await screen.until("running again")
        await screen.press("g", "x")
        await screen.until("unit web:web-1: restarts it")
