"""`l`: every log that is about a thing, whichever of its names the log is called by."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from backends.api import registry
from backends.api.units import UnitState
from backends.config.context import Context, SourceConfig
from tests.flows import fake_supervisor
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import FakeSettings, member, process
from tests.flows.fake_supervisor import QUEUES, FakeSupervisorSettings, say_units, unit
from tests.flows.test_logs_merged import at
from tui.screens.logs.visit import named_after

LAB = Context(
    "lab",
    (
        SourceConfig("fake", "main", FakeSettings()),
        SourceConfig("supervisor", "main", FakeSupervisorSettings()),
    ),
)


@pytest.fixture
def lab(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(registry.MODULES, "supervisor", fake_supervisor.__name__)
    QUEUES.clear()
    return lambda **more: opened(contexts=(LAB,), **more)


def say_logs(screen: Screen, *origins: str) -> None:
    for second, origin in enumerate(origins):
        screen.script.say_lines(at(second, f"word of {origin}"), origin=origin)


async def test_of_a_failed_unit_they_are_its_supervisors_and_those_of_its_short_name(lab: Any) -> None:
    async with lab(command="overview") as screen:
        say_units(unit("checkout:checkout-2", UnitState.FAILED, since=None), unit("checkout:checkout-1"))
        await screen.until("✖ checkout:checkout-2")
        say_logs(
            screen, "checkout:checkout-2", "/app/checkout-2.log", "/access/checkout-2.log", "/app/checkout-1.log"
        )
        await screen.press("l")
        await screen.until("of checkout:checkout-2  3 of 4 lines")
        assert [line.rpartition(" ")[2] for line in screen.lines if "word of" in line] == [
            "checkout:checkout-2",
            "/app/checkout-2.log",
            "/access/checkout-2.log",
        ]


@pytest.mark.parametrize("kind", ["units", "members", "processes"])
async def test_of_a_unit_its_process_and_its_registration_they_are_the_same(lab: Any, kind: str) -> None:
    async with lab(command="processes") as screen:
        screen.script.say_members(replace(member("web-1"), group="shop", address="127.0.0.1:8001"))
        say_units(unit("shop:worker", pid=7), unit("idle"))
        screen.script.say_processes(process(7, "python", listening=("127.0.0.1:8001",)))
        say_logs(screen, "shop:worker", "shop:worker stderr", "/app/web-1.log", "/app/web-2.log", "idle")
        await screen.until("python --port 7")
        await screen.type(f":{kind}\r")
        await screen.until({"units": "idle", "members": "127.0.0.1:8001", "processes": "python --port"}[kind])
        screen.app.view.go_to_row({"units": "supervisor/main/shop:worker"}.get(kind, ""))
        await screen.press("l")
        await screen.until("3 of 5 lines")
        assert "web-2" not in screen.text


async def test_where_no_log_is_named_after_it_the_title_says_so_once(lab: Any) -> None:
    async with lab(command="members") as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        say_logs(screen, "/app/web-1.log")
        await screen.press("l")
        await screen.until("fake/main  no log is named after m0: all of them  1 line")
        await screen.type(":logs\r")
        await screen.until(lambda: "named after" not in screen.text)


async def test_a_log_about_it_that_comes_later_is_shown_as_well(lab: Any) -> None:
    async with lab(command="units") as screen:
        say_units(unit("web:web-1"))
        await screen.until("web:web-1")
        say_logs(screen, "web:web-1", "other")
        await screen.press("l")
        await screen.until("of web:web-1  1 of 2 lines")
        say_logs(screen, "/app/web-1.log", "/app/web-2.log")
        await screen.until("2 of 4 lines")
        await screen.press("escape")
        await screen.until("  4 lines")
        say_logs(screen, "/access/web-1.log")
        await screen.until("  5 lines")


def test_all_of_its_own_names_count_and_wider_ones_only_without_them() -> None:
    known = [("s", "web:web-1"), ("s", "/app/web-1.log"), ("s", "/app/web-12.log"), ("s", "/app/shop.log")]
    both = frozenset({"web:web-1", "/app/web-1.log"})
    assert named_after(("web:web-1", "web-1"), ("web", "shop"), known) == ("web:web-1", both)
    assert named_after(("none",), ("shop", "web"), known) == ("shop", frozenset({"/app/shop.log"}))
    assert named_after(("none",), ("neither",), known) == ("", frozenset())
