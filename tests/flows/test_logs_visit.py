"""A visit to the logs: what was asked of one thing is not asked of the next, and windows end now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.clock import FakeClock
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import member
from tests.flows.test_logs_merged import BEGAN, TWO, at, other
from tui.commands import OPENING
from tui.screens.logs.screen import LogsScreen
from widgets.logs import histogram
from widgets.logs.line import Times


def logs_of(screen: Screen) -> LogsScreen:
    view = screen.app.view
    assert isinstance(view, LogsScreen)
    return view


def with_clock(screen: Screen, seconds: float) -> FakeClock:
    """The view's clock, `seconds` after the lines' own times begin."""
    clock = FakeClock()
    clock.seconds += (BEGAN + timedelta(seconds=seconds) - clock.now()).total_seconds()
    view = logs_of(screen).log_view
    view.clock = view.sheet.clock = clock
    return clock


async def test_a_window_goes_on_with_the_time_and_stays_where_one_scrolls_back(opened: Opened) -> None:
    async with opened(command="logs", size=(120, 20)) as screen:
        screen.script.say_lines(*(at(n, f"word {n}") for n in range(100)))
        await screen.until("word 99")
        clock = with_clock(screen, 100)
        await screen.press("1")
        await screen.until("60 of 100 lines")
        assert "last 1m" in screen.text
        clock.seconds += 20
        logs_of(screen).tick()
        await screen.until("40 of 100 lines")
        await screen.press("k")
        await screen.until("not following")
        assert "since " in screen.text
        assert "last 1m" not in screen.text
        clock.seconds += 20
        logs_of(screen).tick()
        await screen.until("40 of 100 lines")
        await screen.press("G")
        logs_of(screen).tick()
        await screen.until("20 of 100 lines")
        clock.seconds += 600
        logs_of(screen).tick()
        await screen.until("none of 100 lines passes")
        await screen.press("escape")
        await screen.until(" 100 lines")


@pytest.mark.parametrize("way", [":logs other\r", "l"])
async def test_what_was_asked_of_one_source_is_not_asked_of_another(opened: Opened, way: str) -> None:
    async with opened(command="members", contexts=(TWO,)) as screen:
        screen.script.say_members(member("m0"))
        await screen.type(":logs main\r")
        screen.script.say_lines(at(1, "word a"))
        other().say_lines(at(2, "word b"))
        await screen.until("word a")
        await screen.type("2&nothing\r/word\rt")
        await screen.press("right")
        view = logs_of(screen).log_view
        await screen.until(lambda: view.left and view.sheet.times is not Times.SHORT)
        if way == "l":
            await screen.type(":members\r")
            await screen.until("m0")
        await screen.type(way)
        await screen.until(lambda: "word b" in screen.text and "last 5m" not in screen.text)
        assert (view.left, view.sheet.times, view.sheet.pattern) == (0, Times.SHORT, None)
        assert "only nothing" not in screen.text


async def test_what_was_asked_stays_while_the_source_does(opened: Opened) -> None:
    async with opened(command="logs") as screen:
        screen.script.say_lines(b"word a", b"b")
        await screen.until("word a")
        await screen.type("&word\r")
        await screen.until("1 of 2 lines")
        await screen.type(":members\r")
        await screen.until("members")
        await screen.type("5")
        await screen.until("1 of 2 lines")


async def test_the_histogram_says_while_it_counts(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(command="logs", size=(100, 30)) as screen:
        screen.script.say_lines(at(1, "ERROR a"), at(100, "word b"))
        await screen.until("1 error ")
        monkeypatch.setattr(histogram, "PAUSE", 3600)
        await screen.type("&word\r")
        await screen.until("1 of 2 lines")
        await screen.until("counting …")
        assert "1 error" not in screen.text
        assert all(
            segment.style is not None and segment.style.dim
            for segment in logs_of(screen).histogram._lines.render_line(0)
            if segment.text.strip()
        )
        logs_of(screen).histogram._count()
        await screen.until("no error")
        assert "counting" not in screen.text


async def test_digits_that_are_no_windows_say_so(opened: Opened) -> None:
    async with opened(command="logs", size=(80, 24)) as screen:
        await screen.until("0-6 window")
        await screen.press("7")
        await screen.until("7 is no window of time, 0 to 6 are; :units opens units")


async def test_a_digit_that_is_a_window_says_what_it_did_and_what_opens_the_screen_of_that_digit(
    opened: Opened,
) -> None:
    async with opened(command="logs", size=(80, 24)) as screen:
        await screen.until("0-6 window")
        for command in OPENING:
            digit = command.keys[0] if command.keys else ""
            if digit in ("1", "2", "3", "4", "6"):
                await screen.press(digit)
                await screen.until(f"; :{command.word} opens {command.word}")
        assert "last 1d; :events opens events" in screen.text
        await screen.press("5")
        await screen.until("last 1h")
        assert "opens" not in screen.text
