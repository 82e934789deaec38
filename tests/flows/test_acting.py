"""Acting, keys in and screen out: the menu, the question with Cancel chosen, arming, how it ends."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from msgspec.structs import replace

from backends.api.actions import End, Outcome
from backends.api.errors import Silent, Unreachable
from backends.api.processes import ProcessState
from tests.flows.acting import Act, acting, ask, audit
from tests.flows.fake import process
from widgets.look import Look

__all__ = ["acting"]


async def test_a_signal_in_an_armed_context_is_asked_done_and_told(acting: Act, tmp_path: Path) -> None:
    async with acting(arm="always") as (screen, stage):
        await ask(screen)
        for text in ("nginx 7", "pid 7, started 1", "nginx: fast shutdown", "kill -TERM 7", "armed", "local"):
            assert text in screen.text
        assert screen.app.flow.dialog.chosen == "Cancel"
        await screen.press("right")
        assert screen.app.flow.dialog.chosen == "SIGTERM"
        await screen.press("enter")
        await screen.until("SIGTERM to nginx 7: gone after 0.4 s")
        assert stage.done == ["kill -TERM 7"]
        assert not screen.app.flow.dialog.open
    assert await audit(tmp_path) == [("SIGTERM", "asked"), ("SIGTERM", "done")]


async def test_a_command_of_any_length_hides_nothing_of_what_a_signal_would_do(acting: Act) -> None:
    async with acting(size=(80, 24)) as (screen, _):
        classpath = "/opt/zk/lib/zookeeper.jar:" * 30
        screen.script.say_processes(
            process(7, "java", command=f"/usr/bin/java -cp {classpath} QuorumPeerMain zoo.cfg")
        )
        await screen.until("java")
        await ask(screen)
        assert "more below" not in screen.text
        rows = [row.strip("│ ") for row in screen.lines]
        effect = rows.index("java 7: asks it to end")
        assert rows[effect + 1] == "nginx: fast shutdown"
        told = next(row for row in rows if row.startswith("/usr/bin/java -cp"))
        assert told.endswith("QuorumPeerMain zoo.cfg")
        assert rows.index(told) > next(i for i, row in enumerate(rows) if row.startswith("by kill"))


async def test_enter_on_the_question_cancels(acting: Act, tmp_path: Path) -> None:
    async with acting(arm="always") as (screen, stage):
        await ask(screen)
        await screen.press("enter")
        await screen.until(lambda: not screen.app.flow.dialog.open)
        assert stage.done == []
    assert await audit(tmp_path) == []


async def test_a_guarded_context_asks_for_a_reason_and_is_armed_by_it(acting: Act, tmp_path: Path) -> None:
    async with acting() as (screen, stage):
        await ask(screen)
        assert "guarded: arms 15m" in screen.text
        await screen.press("right", "enter")
        await screen.until("why? The reason arms")
        assert screen.app.flow.dialog.chosen == "reason"
        assert stage.done == []
        # Enter in the field goes on to Cancel, never to the button that acts.
        await screen.press(*"ticket", "enter")
        assert screen.app.flow.dialog.chosen == "Cancel"
        await screen.press("right", "enter")
        await screen.until("gone after")
        screen.app.tick()
        await screen.until("ARMED")
        assert stage.done == ["kill -TERM 7"]
        # The next one needs no reason, but its question.
        await ask(screen, "down")
        assert "reason" not in screen.text.replace("the reason", "")
        await screen.press("right", "enter")
        await screen.until(lambda: len(stage.done) == 2)
        await screen.until(lambda: not screen.app.flow.dialog.open)
        await screen.type(":disarm\r")
        screen.app.tick()
        await screen.until(lambda: "ARMED" not in screen.text)
    outcomes = [outcome for _, outcome in await audit(tmp_path)]
    # The last line is that of the disarming.
    assert outcomes == ["asked", "done", "asked", "done", "done"]


async def test_arming_by_hand(acting: Act) -> None:
    async with acting() as (screen, _):
        await screen.type(":arm 5m\r")
        await screen.until("arming needs a reason")
        await screen.type(":arm 5m ticket 7\r")
        await screen.until("ARMED 5m")
        assert screen.app.door is not None
        assert screen.app.door.arming.reason == "ticket 7"
        await screen.type(":arm\r")
        await screen.until(lambda: re.search(r"armed for [45]m: ticket 7", screen.text))
        await screen.type(":disarm\r")
        await screen.until("disarmed: guarded again")
        await screen.type(":disarm\r")
        await screen.until("guarded: it was not armed")
        await screen.type(":events action\r")
        await screen.until("disarmed by")
        await screen.until("armed until")


async def test_disarming_takes_back_an_arming_that_is_still_under_way(acting: Act, tmp_path: Path) -> None:
    async with acting() as (screen, _):
        await screen.type(":arm 5m ticket 7\r:disarm\r")
        await screen.until("disarmed: guarded again")
        assert screen.app.door is not None
        assert screen.app.door.arming.left is None
    assert await audit(tmp_path) == [("arm", "done"), ("disarm", "done")]


async def test_marked_rows_are_listed_with_their_count_and_those_that_a_filter_hides(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        await screen.press("space", "space")
        await screen.until("2 marked")
        await screen.type("/redis\r")
        await screen.until(lambda: "nginx" not in screen.text)
        await ask(screen)
        for text in ("2 targets", "nginx 7", "redis 8", "1 of them are hidden by the filter", "type 2"):
            assert text in screen.text
        await screen.press("right", "enter")
        await screen.until("type 2 to go on")
        assert stage.done == []
        await screen.press("2", "enter", "right", "enter")
        await screen.until("SIGTERM: 2 of 2 done")
        assert sorted(stage.done) == ["kill -TERM 7", "kill -TERM 8"]


async def test_of_several_restarts_it_is_said_that_they_are_done_one_by_one(acting: Act) -> None:
    async with acting(arm="always") as (screen, _):
        await screen.press("space", "space")
        await screen.until("2 marked")
        await screen.press("R")
        await screen.until("2 targets, one by one: stops and starts it")
        await screen.press("escape", "K")
        await screen.until("SIGTERM")
        await screen.press("enter")
        await screen.until("2 targets: asks it to end")


async def test_of_several_each_fate_is_told_and_the_worst_is_what_it_looks_like(acting: Act) -> None:
    async with acting(size=(120, 40), arm="always") as (screen, stage):
        stage.dies |= {8, 9}
        screen.script.say_processes(process(7, "nginx"), process(8, "redis"), process(9, "worker"))
        await screen.until("worker")
        await screen.press("space", "space", "space")
        await screen.until("3 marked")
        await screen.press("x")
        await screen.until("SIGHUP     2 of 3: it would die of SIGHUP; asks it to read its configuration")
        form = screen.app.flow.dialog.form
        assert form is not None
        assert form.buttons[1].look is Look.BAD
        await screen.press("down", "enter")
        await screen.until("3 targets, and it does not do the same to all of them")
        assert "2 of them: it would die of SIGHUP" in screen.text
        assert "1 of them: asks it to read its configuration" in screen.text
        form = screen.app.flow.dialog.form
        assert form is not None
        assert form.grave
        assert form.buttons[0].look is Look.BAD
        # Listed by what becomes of them.
        listed = screen.text.partition("kill -HUP")[2].splitlines()
        expected = ("it would die of", "redis 8  h", "worker 9  h", "asks it to read", "nginx 7  h")
        for row, text in enumerate(expected, start=1):
            assert text in listed[row]


async def test_all_marked_rows_are_listed_and_which_are_hidden(acting: Act) -> None:
    async with acting(size=(120, 50), arm="always") as (screen, _):
        screen.script.say_processes(*(process(100 + n, f"w{n:02}") for n in range(20)))
        await screen.until("w19")
        await screen.press(*["space"] * 20)
        await screen.until("20 marked")
        await screen.type("/w0\r")
        await screen.until(lambda: "w19" not in screen.text)
        await ask(screen)
        for n in range(20):
            (row,) = [text for text in screen.lines if f"w{n:02} {100 + n}  h" in text]
            assert ("hidden by the filter" in row) is (n > 9)
        assert "10 of them are hidden by the filter" in screen.text


async def test_what_did_not_end_is_offered_the_stronger_signal_with_cancel_chosen(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        stage.ends.append(Outcome(End.FAILED, "still there after 5 s"))
        await ask(screen)
        await screen.press("right", "enter")
        await screen.until("SIGKILL to nginx 7")
        await screen.until("kill -KILL 7")
        assert "still there after 5 s" in screen.text
        assert screen.app.flow.dialog.chosen == "Cancel"
        assert stage.done == ["kill -TERM 7"]
        await screen.press("escape")
        assert stage.done == ["kill -TERM 7"]


async def test_an_outcome_that_nobody_knows_is_unknown_and_found_later(acting: Act, tmp_path: Path) -> None:
    async with acting(arm="always") as (screen, stage):
        stage.ends.append(Silent("no answer for 3 s"))
        await ask(screen)
        await screen.press("right", "enter")
        await screen.until("unknown: no answer for 3 s")
        screen.script.say_processes(process(8, "redis"))
        await audit(tmp_path, 3)
        await screen.until("SIGTERM to nginx 7: found later: gone after 0.4 s")
        assert "unknown" not in screen.text
    assert [outcome for _, outcome in await audit(tmp_path)] == ["asked", "unknown", "done"]


async def test_the_target_goes_while_the_question_is_open(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        await ask(screen)
        screen.script.say_processes(process(8, "redis"))
        await asyncio.sleep(0)
        screen.app.tick()
        await screen.until("nginx 7 is not there any more")
        assert screen.app.flow.dialog.form is not None
        assert "nginx" in screen.app.flow.dialog.form.title
        await screen.press("right", "enter")
        assert stage.done == []


async def test_the_source_dies_while_the_question_is_open(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        await ask(screen)
        await screen.press("right")
        screen.script.processes.put_nowait(Unreachable("connection refused", where="h"))
        await screen.until(lambda: "unreachable" in screen.app.masthead.text or "✖" in screen.app.masthead.text)
        # Pressed before the dialog has heard: the door says no.
        await screen.press("enter")
        await screen.until("what is known of nginx 7 is unreachable")
        assert stage.done == []


async def test_the_list_moves_and_the_target_does_not(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        await ask(screen)
        screen.script.say_processes(process(5, "apache"), process(7, "nginx"), process(8, "redis"))
        await screen.until("3", seconds=2)
        await screen.press("right", "enter")
        await screen.until("gone after")
        assert stage.done == ["kill -TERM 7"]


async def test_a_typed_name_is_asked_for(acting: Act) -> None:
    async with acting(arm="always", confirm="type") as (screen, stage):
        await ask(screen)
        await screen.press("right", "enter")
        await screen.until("type nginx 7 to go on")
        await screen.type("nginx 7")
        await screen.press("tab", "right", "enter")
        await screen.until("gone after")
        assert stage.done == ["kill -TERM 7"]


async def test_on_a_description_its_row_is_what_is_acted_on_whatever_is_marked(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        await screen.press("space", "d")
        await screen.until("redis")
        menu = "nothing is done before the next question"
        for key, told in (("K", menu), ("R", "[ Cancel ]"), ("x", menu)):
            await screen.press(key)
            await screen.until(told)
            assert "redis 8" in screen.text
            await screen.press("escape")
        await ask(screen)
        await screen.press("right", "enter")
        await screen.until("SIGTERM to redis 8: gone after 0.4 s")
        assert stage.done == ["kill -TERM 8"]


async def test_read_only_offers_nothing_and_does_nothing(acting: Act, tmp_path: Path) -> None:
    async with acting(read_only=True) as (screen, stage):
        assert "act" not in screen.lines[-1]
        for key in ("x", "K", "R", "f9", "ctrl+k"):
            await screen.press(key)
            await screen.until("read-only: nothing can be changed")
            assert not screen.app.flow.dialog.open
            await screen.press("j")
        await screen.type(":arm 15m please\r")
        await screen.until("read-only: nothing can be changed")
        assert stage.done == []
    assert await audit(tmp_path) == []


async def test_of_a_zombie_it_is_said_once_that_it_takes_no_signal_and_its_parent_is_offered(acting: Act) -> None:
    async with acting(arm="always") as (screen, stage):
        dead = replace(process(9, "worker", state=ProcessState.ZOMBIE), ppid=8)
        screen.script.say_processes(process(7, "nginx"), process(8, "redis"), dead)
        await screen.until("zombie")
        await screen.press("G", "x")
        await screen.until("no signal can be sent: it has ended already and is a zombie")
        assert "SIG" not in screen.text
        assert screen.app.flow.dialog.chosen == "its parent"
        await screen.press("enter")
        await screen.until("asks it to end")
        assert "redis 8" in screen.text
        assert stage.done == []


async def test_of_a_zombie_whose_parent_is_not_known_nothing_is_offered(acting: Act) -> None:
    async with acting(arm="always") as (screen, _):
        screen.script.say_processes(process(7, "nginx"), process(9, "worker", state=ProcessState.ZOMBIE))
        await screen.until("zombie")
        await screen.press("G", "K")
        await screen.until("no signal can be sent: it has ended already and is a zombie")
        assert screen.app.flow.dialog.chosen == "close"
