"""What goes on around a question: other dialogs, other contexts, disarming, leaving, no audit."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from backends.api.actions import End, Outcome
from tests.clock import FakeClock
from tests.flows.acting import Act, acting, ask, audit
from tests.flows.conftest import Screen
from tests.flows.fake import process
from tui.masthead import RED
from widgets.look import Look
from widgets.safe import style

__all__ = ["acting"]


async def test_a_cancelled_question_never_comes_back_in_another_dialog(acting: Act) -> None:
    """What stands in front is what the keys answer: here a menu whose first entry is chosen."""
    async with acting(arm="always") as (screen, stage):
        await ask(screen)
        await screen.press("escape", "x")
        await screen.until("nothing is done before")
        screen.app.tick()
        await screen.pilot.pause()
        assert "nothing is done before" in screen.text
        assert "[ Cancel ]" not in screen.text
        await screen.press("enter")
        await screen.until("data")
        assert screen.app.flow.dialog.chosen == "Cancel"
        assert stage.done == []


async def test_what_was_read_for_a_dialog_that_was_left_is_not_shown(acting: Act) -> None:
    async with acting(arm="always") as (screen, _):
        press = screen.app.keys.press
        for key in ("x", "escape"):
            press(key, None)
        await screen.app.workers.wait_for_complete()
        assert not screen.app.flow.dialog.open


async def under_way(screen: Screen) -> None:
    await ask(screen)
    await screen.press("right", "enter")
    await screen.until("waiting for what becomes of it")


async def test_while_one_is_under_way_nothing_else_is_asked(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        stage.hold.clear()
        await under_way(screen)
        await screen.press("escape")
        for key in ("x", "K", "R", "D"):
            await screen.press(key)
            await screen.until("SIGTERM to nginx 7 has not ended yet")
            assert not screen.app.flow.dialog.open
            await screen.press("j")
        stage.hold.set()
        await screen.until("SIGTERM to nginx 7: gone after 0.4 s")
        assert stage.done == ["kill -TERM 7"]


async def test_the_context_stays_while_one_is_under_way(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        stage.hold.clear()
        await under_way(screen)
        await screen.press("escape")
        await screen.type(":context other\r")
        await screen.until("has not ended yet")
        assert screen.app.context.name == "lab"
        stage.hold.set()
        await screen.until("gone after 0.4 s")


async def test_a_question_of_the_context_before_is_none_any_more(acting: Act, tmp_path: Path) -> None:
    """The new context may have the very same target, and another mode."""
    async with acting(arm="always") as (screen, stage):
        await ask(screen)
        await screen.press("right")
        screen.app.everywhere.switch_context("other")
        screen.script.say_processes(process(7, "nginx"))
        await screen.until(lambda: screen.app.context.name == "other")
        await screen.press("enter")
        await screen.pilot.pause()
        assert not screen.app.flow.dialog.open
        assert stage.done == []
    assert await audit(tmp_path) == []


async def test_arming_is_of_its_context_and_ends_with_it(acting: Act) -> None:
    async with acting() as (screen, _):
        await screen.type(":arm 5m ticket 7\r")
        await screen.until("ARMED 5m")
        await screen.type(":context other\r")
        await screen.until(lambda: "ARMED" not in screen.text and "other" in screen.lines[0])
        await screen.type(":context lab\r")
        await screen.until(lambda: " lab " in screen.lines[0])
        assert "ARMED" not in screen.text
        assert not screen.app.footer.armed


async def test_the_red_frame_counts_down_and_goes_by_itself(acting: Act) -> None:
    clock = FakeClock()
    async with acting(clock=clock) as (screen, _):
        await screen.type(':arm "ticket 7"\r')
        await screen.until("ARMED 15m")
        await screen.until("armed for 15m: ticket 7; :disarm ends it")
        assert screen.app.footer.armed
        for passing, left in ((240, "ARMED 11m"), (630, "ARMED 30s"), (29, "ARMED 1s")):
            clock.seconds += passing
            screen.app.tick()
            assert left in screen.app.masthead.text
            assert screen.app.footer.armed
        clock.seconds += 1
        screen.app.tick()
        assert "guarded" in screen.app.masthead.text
        assert not screen.app.footer.armed


@pytest.mark.parametrize(
    ("context", "typed", "expected"),
    [
        ({}, ":arm", 'arming needs a reason; :arm 15m "why"'),
        ({}, ":arm 10m", "arming needs a reason"),
        ({}, ":arm 0s x", "arming needs a time"),
        ({}, ":arm 1h disk full", "armed for 1h: disk full; :disarm ends it"),
        ({}, ":arm 3h disk full", "armed for 1h, the longest there is, not 3h: disk full; :disarm ends it"),
        ({}, ":arm 5x disk full", '5x is no time, as 90s, 15m and 1h30m are; :arm 15m "why"'),
        ({}, ":arm 15m 5x disk", "armed for 15m: 5x disk; :disarm ends it"),
        ({}, ":arm it's \"open", "armed for 15m: it's \"open; :disarm ends it"),
        ({"arm": "always"}, ":arm 5m x", "always armed; each action is asked for all the same"),
        ({"arm": "always"}, ":disarm", "armed: this context is always armed"),
        ({"read_only": True}, ":arm 5m x", "read-only: nothing can be changed"),
    ],
)
async def test_the_words_of_arming(acting: Act, context: dict[str, object], typed: str, expected: str) -> None:
    async with acting(**context) as (screen, _):
        await screen.app.open_door()
        await screen.type(f"{typed}\r")
        await screen.until(expected)


async def test_who_disarms_stops_what_is_done_one_by_one(acting: Act, tmp_path: Path) -> None:
    async with acting() as (screen, stage):
        stage.hold.clear()
        await screen.press("space", "space")
        await ask(screen)
        for label, text in (("reason", "why"), ("type 2", "2")):
            screen.app.flow.dialog.go_to_field(label)
            await screen.press(*text)
        await screen.press("enter", "right", "enter")
        await screen.until("waiting for what becomes")
        await screen.press("escape")
        await screen.type(":disarm\r")
        stage.hold.set()
        await screen.until("1 of 2 done")
        assert "needs a reason" in screen.text
        assert len(stage.done) == 1
        assert screen.app.door is not None
        assert screen.app.door.arming.reason == ""
    outcomes = [outcome for title, outcome in await audit(tmp_path) if title != "disarm"]
    assert outcomes == ["asked", "done", "refused"]


async def test_what_disarms_while_it_is_asked_wants_a_reason_again(acting: Act) -> None:
    async with acting() as (screen, stage):
        await screen.type(":arm 5m ticket 7\r")
        await screen.until("ARMED")
        await ask(screen)
        assert screen.app.door is not None
        screen.app.door.disarm()
        await screen.press("right", "enter")
        await screen.until("why? The reason arms")
        assert screen.app.flow.dialog.chosen == "reason"
        assert stage.done == []
        await screen.press(*"again", "enter", "right", "enter")
        await screen.until("gone after")
        assert stage.done == ["kill -TERM 7"]


async def test_a_countdown_leads_to_the_stronger_signal_and_no_further(acting: Act) -> None:
    clock = FakeClock()
    async with acting(arm="always", clock=clock) as (screen, stage):
        stage.hold.clear()
        stage.ends.append(Outcome(End.FAILED, "still there after 5 s"))
        await under_way(screen)
        await screen.until("5 s, then SIGKILL is offered")
        clock.seconds += 3
        screen.app.tick()
        await screen.until("2 s, then SIGKILL is offered")
        stage.hold.set()
        await screen.until("kill -KILL 7")
        clock.seconds += 1000
        screen.app.tick()
        await screen.pilot.pause()
        assert screen.app.flow.dialog.chosen == "Cancel"
        assert stage.done == ["kill -TERM 7"]


async def test_how_it_ended_stays_until_it_can_have_been_read(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        denied = "pid 7: not permitted: it belongs to root, midwatch runs as ops1; run midwatch as root"
        stage.ends.append(Outcome(End.FAILED, denied))
        await ask(screen, "down")  # SIGHUP: nothing stronger is offered.
        await screen.press("right", "enter")
        await screen.until("SIGHUP to nginx 7: failed: pid 7: not permitted")
        # Too long for the line: whoever waited for it is told the rest where they looked.
        await screen.until("how it ended")
        await screen.until("midwatch as root")
        await screen.press("escape", "j", "k")
        assert "SIGHUP to nginx 7: failed" in screen.lines[-1]
        screen.app.footer._until = 0.0
        await screen.press("j")
        assert "SIGHUP" not in screen.lines[-1]


async def test_leaving_asks_while_one_is_under_way_and_the_audit_says_unknown(
    acting: Act, tmp_path: Path
) -> None:
    async with acting(arm="always") as (screen, stage):
        stage.hold.clear()
        await under_way(screen)
        await screen.press("escape", "q", "q")
        await screen.until("SIGTERM to nginx 7 has not ended yet; again within 2 s")
        assert screen.app.is_running
    found = await audit(tmp_path, 2)
    assert found == [("SIGTERM", "asked"), ("SIGTERM", "unknown")]


async def test_q_on_the_overview_leaves_an_armed_context_at_the_second_and_a_command_at_once(acting: Act) -> None:
    async with acting() as (screen, _):
        await screen.type(':overview\r:arm 15m "why"\r')
        await screen.until("ARMED")
        await screen.press("q")
        await screen.until("armed; q again within 2 s quits")
        assert screen.app.is_running
        await screen.press("q")
        await screen.until(lambda: not screen.app.is_running)
    async with acting() as (screen, _):
        await screen.type(':overview\r:arm 15m "why"\r')
        await screen.until("ARMED")
        await screen.type(":q\r")
        await screen.until(lambda: not screen.app.is_running)


async def test_q_twice_in_one_burst_does_not_leave_an_armed_context_nor_does_one_ctrl_c_after_it(
    acting: Act,
) -> None:
    async with acting() as (screen, _):
        await screen.type(':overview\r:arm 15m "why"\r')
        await screen.until("ARMED")
        await screen.type("qq")
        await screen.until("armed; q again within 2 s quits")
        await screen.press("ctrl+c")
        await screen.until("ctrl+c again quits")
        assert screen.app.is_running


async def test_q_on_the_overview_leaves_at_once_where_nothing_goes_on(acting: Act) -> None:
    async with acting(arm="always") as (screen, _):
        await screen.type(":overview\r")
        await screen.press("q")
        await screen.until(lambda: not screen.app.is_running)


async def test_rows_keep_their_places_under_an_open_dialog(acting: Act) -> None:
    clock = FakeClock()
    async with acting(arm="always", clock=clock) as (screen, _):
        table = screen.app.view.table
        table.sort_by("cpu")

        def order() -> list[str]:
            return [text.split("/usr/bin/")[1].split()[0] for text in table.plain_lines()[1:]]

        def heard(cpu: float) -> bool:
            readings = screen.app.bridge.readings("processes")
            return any(row.cpu == cpu for reading in readings.values() for row in (reading.value or {}).values())

        assert order() == ["nginx", "redis"]
        await screen.press("x")
        await screen.until("nothing is done before the next question")
        screen.script.say_processes(process(7, "nginx", cpu=1), process(8, "redis", cpu=60))
        await screen.until(lambda: heard(60))
        await clock.advance(5)
        screen.app.tick()
        assert table.row("h/8/1/b").cpu == 60
        assert order() == ["nginx", "redis"]
        await screen.press("escape")
        screen.app.tick()
        assert order() == ["redis", "nginx"]


@pytest.mark.parametrize("width", [80, 120])
async def test_arming_moves_no_column(acting: Act, width: int) -> None:
    async with acting(size=(width, 24)) as (screen, _):
        view = screen.app.view
        own = style(Look.STRONG, reverse=True, colour=screen.app.context.paint)
        before, size = screen.lines[1:8], view.size
        await screen.type(":arm 15m ticket 7\r")
        await screen.until("ARMED 15m")
        assert view.size == size
        assert screen.lines[1:8] == before
        # Above and below it is red, whatever stands there.
        for bar in (screen.app.masthead, screen.app.footer):
            assert {made for _, made in bar._cells()} - {own} == {RED}
        await screen.press("j")
        assert "? help" in screen.lines[-1]
        await screen.type("/ng")
        await screen.until("/ng")
        cells = screen.app.footer._cells()
        assert cells[0][1].reverse
        assert not cells[3][1].reverse  # The cursor.
        await screen.press("escape")
        await screen.type(":disarm\r")
        await screen.until(lambda: "ARMED" not in screen.text)
        assert not any(made.reverse for _, made in screen.app.footer._cells())


async def test_what_was_said_goes_with_its_view_and_after_a_minute(
    acting: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with acting() as (screen, _):
        footer = screen.app.footer
        screen.app.say("told here")
        screen.app.tick()
        assert "told here" in footer.text
        screen.app.ways.show("overview")
        screen.app.tick()
        assert "told here" not in footer.text
        screen.app.say("told there")
        screen.app.tick()
        later = time.monotonic() + 61
        monkeypatch.setattr("tui.footer.time.monotonic", lambda: later)
        screen.app.tick()
        assert "told there" not in footer.text
