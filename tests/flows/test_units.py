"""Units, and what belongs together: keys in, screen out."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from backends.api import registry
from backends.api.errors import Unreachable
from backends.api.members import Role
from backends.api.units import UnitState
from backends.config.context import Context, SourceConfig
from tests.flows import fake_supervisor
from tests.flows.conftest import Opened
from tests.flows.fake import FakeSettings, member, process
from tests.flows.fake_supervisor import QUEUES, FakeSupervisorSettings, orders, say_units, unit

LAB = Context(
    "lab",
    (
        SourceConfig("fake", "main", FakeSettings()),
        SourceConfig("supervisor", "main", FakeSupervisorSettings()),
    ),
    colour="green",
)
ERROR = "not found"


@pytest.fixture
def lab(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(registry.MODULES, "supervisor", fake_supervisor.__name__)
    QUEUES.clear()
    return lambda **more: opened(contexts=(LAB,), **more)


async def test_the_word_and_the_digit_open_units(lab: Any) -> None:
    async with lab() as screen:
        say_units(unit("web:web-1", pid=7))
        await screen.type(":units\r")
        await screen.until("web:web-1")
        assert "running" in screen.text
        await screen.type("1")
        await screen.until("WRONG NOW")
        await screen.type("7")
        await screen.until("web:web-1")


async def test_a_failed_unit_is_wrong_now_and_enter_leads_to_it(lab: Any) -> None:
    async with lab(command="overview", size=(120, 30)) as screen:
        screen.script.say_members(member("m0", role=Role.LEADER))
        say_units(*(unit(f"job:{n}") for n in range(5)), unit("web", UnitState.FAILED, error=ERROR))
        await screen.until("✖ web")
        assert ERROR in screen.text
        assert "5 running  1 failed" in screen.text
        await screen.press("enter")
        await screen.until("failed")
        assert screen.app.view.table.current.name == "web"
        # Everything has room, so nothing is scrolled away.
        await screen.until("job:0")
        assert ERROR in screen.text


async def test_when_the_supervisor_is_gone_its_units_stay_and_say_so(lab: Any) -> None:
    async with lab(command="units") as screen:
        say_units(unit("web", pid=7))
        await screen.until("LIVE")
        orders().put_nowait(Unreachable("no such socket", where="unix:///run/s.sock", hint="is it running?"))
        await screen.until("UNREACHABLE")
        assert "no such socket" in screen.text
        assert "web" in screen.text
        say_units(unit("web", pid=8))
        await screen.press("r")
        await screen.until("LIVE")


async def test_process_unit_and_registration_are_one_rows_facts(lab: Any) -> None:
    async with lab(size=(140, 40)) as screen:
        instance = replace(member("web-1"), group="web", address="127.0.0.1:8001")
        screen.script.say_members(instance)
        say_units(unit("web:web-1", pid=7, restarts=2))
        await screen.type("3")
        screen.script.say_processes(
            process(7, "python", listening=("0.0.0.0:8001",)), process(8, "python"), process(9, "other")
        )
        await screen.until("web:web-1")
        await screen.type("/7\r")
        await screen.press("enter")
        await screen.until("registered")
        text = screen.text
        assert "fake/main web/web-1  up" in text
        assert "2 restarts seen" in text
        assert "supervisor/main web:web-1" in text
        # On to the unit, and from there back to the process.
        await screen.press("o")
        await screen.until("sort name")
        assert screen.app.view.table.current.name == "web:web-1"
        await screen.press("d")
        await screen.until("its process")
        assert "2 since midwatch has watched it; more may have been before" in screen.text
        await screen.until("pid 7")
        assert "0.0.0.0:8001" in screen.text


async def test_a_hostile_unit_does_nothing(lab: Any) -> None:
    async with lab(command="units", size=(140, 30)) as screen:
        say_units(unit("a\x1b[2Jb", UnitState.FAILED, error="[bold]\x1b]0;t\x07"))
        await screen.until("[bold]")
        await screen.press("enter")
        await screen.until("spawn error")
        assert "\x1b" not in screen.text
