"""The footer: where room is short, what works here comes before the screens far to the right."""

from __future__ import annotations

import pytest

from backends.api import registry
from backends.api.details import Trouble
from backends.api.errors import Silent
from backends.api.members import MemberState
from tests.flows.acting import Act, acting
from tests.flows.conftest import Opened
from tests.flows.fake import member, process
from tui.leaving import AGAIN

__all__ = ["acting"]

HERE = ("? help", ": command", "/ filter", "q back", "⏎ open")


@pytest.mark.parametrize("width", [60, 80, 100, 120])
async def test_what_works_here_comes_first(opened: Opened, width: int) -> None:
    async with opened(size=(width, 24)) as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        footer = screen.lines[-1]
        assert all(hint in footer for hint in HERE)
        assert " 1 over" in footer
        # That there are more digits is not left unsaid.
        assert "…9" in footer or "9 aler" in footer


async def test_at_120_acting_is_offered_and_with_room_screens_have_their_whole_words(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.MODULES, "fake", "tests.flows.actor")
    async with opened(size=(120, 30), command="processes") as screen:
        screen.script.say_processes(process(7, "nginx"))
        await screen.until("nginx")
        assert "x act" in screen.lines[-1]
        assert "l logs" in screen.lines[-1]
        await screen.pilot.resize_terminal(200, 40)
        await screen.until("9 alerts")
        for text in (*HERE, "1 overview", "3 processes", "7 units", "8 targets", "x act", "y raw", "> sort"):
            assert text in screen.lines[-1]


@pytest.mark.parametrize("command", ["members", "processes", "overview"])
async def test_acting_is_not_offered_where_nothing_can_act(opened: Opened, command: str) -> None:
    async with opened(size=(200, 40), command=command) as screen:
        trouble = Trouble(Silent("no answer in 2 s"))
        screen.script.say_members(member("m0", MemberState.UNKNOWN, trouble=trouble))
        screen.script.say_processes(process(7, "nginx"))
        await screen.until("nginx" if command == "processes" else "silent")
        screen.app.tick()
        assert "l logs" in screen.lines[-1]
        assert "x act" not in screen.lines[-1]


async def test_acting_is_offered_for_a_row_and_not_for_a_whole_source(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.MODULES, "fake", "tests.flows.actor")
    async with opened(size=(200, 40), command="overview") as screen:
        screen.script.say_members(member("m0", MemberState.DOWN))
        await screen.until("1 problem")
        screen.app.tick()
        assert "x act" in screen.lines[-1]
        await screen.press("G")
        screen.app.tick()
        assert "x act" not in screen.lines[-1]


@pytest.mark.parametrize("seconds", [AGAIN, 15 * 60])
async def test_that_a_second_q_quits_is_said_only_while_it_would(acting: Act, seconds: float) -> None:
    async with acting() as (screen, _):
        await screen.type(':overview\r:arm 15m "why"\r')
        await screen.until("ARMED")
        await screen.press("q")
        await screen.until("armed; q again within 2 s quits")
        screen.app.tick()
        assert "q again" in screen.lines[-1]
        screen.clock.seconds += seconds
        screen.app.tick()
        await screen.until(lambda: "q again" not in screen.text)
        assert screen.app.is_running


async def test_while_a_dialog_is_open_its_own_keys_are_told(acting: Act) -> None:
    async with acting(size=(80, 24)) as (screen, _):
        await screen.press("x")
        await screen.until("SIGTERM")
        await screen.until(lambda: "↑ ↓ choose" in screen.lines[-1])
        assert "/ filter" not in screen.text
        await screen.press("enter")
        await screen.until(lambda: "tab ↓ next" in screen.lines[-1])
        await screen.press("escape")
        await screen.until(lambda: "/ filter" in screen.lines[-1])


async def test_of_words_that_have_no_room_it_is_said_that_there_are_some(opened: Opened) -> None:
    async with opened(size=(120, 24)) as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        await screen.type(":")
        await screen.until("overview")
        assert screen.lines[-1].endswith(" …")
