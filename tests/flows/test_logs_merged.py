"""Logs of several sources: in one order, with a histogram, and from a row to its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backends.api.details import Trouble
from backends.api.errors import Silent
from backends.api.events import Event, EventKind
from backends.api.members import MemberState, Role
from backends.api.readings import Seen
from backends.config.context import Context, SourceConfig
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import SCRIPTS, FakeSettings, Script, member

TWO = Context(
    "lab",
    (
        SourceConfig("fake", "main", FakeSettings()),
        SourceConfig("fake", "other", FakeSettings(script="other")),
    ),
)
BEGAN = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)


def at(seconds: float, text: str) -> bytes:
    return f"{(BEGAN + timedelta(seconds=seconds)).isoformat()} {text}".encode()


def other() -> Script:
    return SCRIPTS.setdefault("other", Script())


def shown(screen: Screen) -> list[str]:
    """The last words of the lines in sight."""
    return [line.rpartition(" ")[2] for line in screen.lines if "word" in line]


async def test_two_sources_are_merged_by_time(opened: Opened) -> None:
    async with opened(contexts=(TWO,), command="logs") as screen:
        screen.script.say_lines(at(1, "word a"), at(3, "word c"))
        other().say_lines(at(2, "word b"), b"without a time, word b2", at(4, "word d"))
        await screen.until("word d")
        await screen.until(lambda: shown(screen) == ["a", "b", "b2", "c", "d"])
        screen.script.say_lines(at(0, "word z"))
        await screen.until(lambda: shown(screen) == ["z", "a", "b", "b2", "c", "d"])


async def test_what_comes_late_does_not_move_what_is_looked_at(opened: Opened) -> None:
    async with opened(contexts=(TWO,), command="logs") as screen:
        screen.script.say_lines(*(at(number, f"word {number}") for number in range(200)))
        await screen.until("word 199")
        await screen.press("ctrl+u", "k")
        await screen.until(lambda: not screen.app.view.log_view.following)
        y = next(i for i, line in enumerate(screen.lines) if "word 180" in line)
        cursor = screen.app.view.log_view.current.message
        place = next(i for i, line in enumerate(screen.lines) if line.endswith(cursor))
        other().say_lines(at(5.5, "early"), at(199.5, "late"))
        await screen.until("202 lines")
        assert screen.lines[place].endswith(cursor)
        assert screen.app.view.log_view.current.message == cursor
        assert "word 180" in screen.lines[y]
        other().say_lines(at(180.5, "between"))
        await screen.until("between")
        assert screen.lines[place].endswith(cursor)
        await screen.press("G")
        await screen.until("late")


async def test_errors_of_all_sources_are_gone_through_in_order(opened: Opened) -> None:
    async with opened(contexts=(TWO,), command="logs") as screen:
        screen.script.say_lines(at(1, "ERROR one"), *(at(10 + n, f"word {n}") for n in range(100)))
        other().say_lines(at(50.5, "ERROR two"), at(0.5, "ERROR zero"))
        await screen.until("word 99")
        await screen.until("103 lines")
        view = screen.app.view.log_view
        for wanted in ("two", "one", "zero"):
            await screen.press("E")
            await screen.until(lambda wanted=wanted: view.current.message.endswith(f"ERROR {wanted}"))
        await screen.press("E")
        await screen.until("nothing further")
        await screen.press("e")
        await screen.until(lambda: view.current.message.endswith("ERROR one"))
        await screen.type("&ERROR\r")
        await screen.until("3 of 103 lines")
        await screen.until(lambda: view.current.message.endswith("ERROR one"))


async def test_the_histogram_counts_and_leads(opened: Opened) -> None:
    async with opened(contexts=(TWO,), command="logs", size=(100, 30)) as screen:
        screen.script.say_lines(*(at(n / 10, f"word {n}") for n in range(100)))
        other().say_lines(at(300, "ERROR it broke"), at(301, "word last"))
        await screen.until("102 lines")
        await screen.until("1 error ")
        histogram = screen.app.view.histogram
        assert sum(histogram.bars.lines) == 102
        assert "█" in screen.lines[-3]
        assert "█" in screen.lines[-2]
        view = screen.app.view.log_view
        while histogram.step(-1):
            pass
        await screen.until(lambda: view.current.message.endswith("word 0"))
        while not view.current.message.endswith("it broke"):
            await screen.type("}")
        await screen.type("{")
        await screen.until(lambda: " word " in view.current.message)
        await screen.type("}")
        await screen.type("}")
        await screen.until("no lines further")
        await screen.pilot.click(histogram, offset=(0, 0))
        await screen.until(lambda: view.current.message.endswith("word 0"))
        await screen.type("&ERROR\r")
        await screen.until(lambda: sum(histogram.bars.lines) == 1)


async def test_a_small_terminal_has_no_histogram(opened: Opened) -> None:
    for size, there in (((80, 24), True), ((80, 16), False)):
        async with opened(command="logs", size=size) as screen:
            screen.script.say_lines(at(1, "word a"))
            await screen.until("word a")
            if there:
                await screen.until("no error")
            await screen.until(lambda there=there: screen.app.view.histogram.display is there)


async def test_l_leads_to_the_logs_of_a_row_around_its_time(opened: Opened) -> None:
    async with opened(command="events", contexts=(TWO,)) as screen:
        when = BEGAN + timedelta(seconds=100)
        happened = Event(when, EventKind.LEFT, "fake/main", "web/web-1", "web-1")
        screen.script.members.put_nowait(Seen({}, None, (happened,)))
        await screen.until("web/web-1")
        for name in ("web-1", "web-12"):
            lines = [at(n, f"word {name} {n}") for n in range(300)]
            screen.script.say_lines(*lines, origin=f"/logs/{name}.log")
        await screen.press("l")
        await screen.until("of web-1  300 of 600 lines")
        await screen.until(lambda: not screen.app.view.log_view.following)
        assert screen.app.view.log_view.current.message.endswith("word web-1 100")
        assert "web-12" not in screen.text
        await screen.press("escape")
        await screen.until(" 600 lines")
        assert screen.app.view.log_view.current.message.endswith("word web-1 100")


async def test_l_says_where_no_log_is_of_that_name_or_time(opened: Opened) -> None:
    async with opened(command="overview", contexts=(TWO,)) as screen:
        asked = BEGAN - timedelta(hours=1)
        ill = Trouble(Silent("no answer in 1.8 s"), None, asked)
        leader = member("m0", role=Role.LEADER)
        screen.script.say_members(leader, member("m9", MemberState.UNKNOWN, trouble=ill))
        await screen.until("✖ fake/main m9")
        screen.script.say_lines(at(1, "word a"), at(2, "word b"))
        other().say_lines(at(3, "word c"))
        await screen.press("l")
        await screen.until("no line is as old as")
        await screen.until("word c")
        assert screen.app.view.log_view.current.message.endswith("word a")
