"""A deploy by keys: which, with what, its plan, the question, its run; and what became of its secrets."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backends.api.actions import Action, Outcome, Tell
from backends.api.errors import Unreachable
from backends.api.readings import FeedKey
from backends.api.runs import Plan, PlannedStep, RunState
from backends.config.context import Context
from backends.deploys.folder import Written, new_id, write_plan
from backends.deploys.journal import Entry, Journal, What
from backends.deploys.run_actions import RunActions
from tests.flows.conftest import Opened, Screen
from tests.flows.deploying import CANARIES, ENV, context, go, script
from tests.servers.runs import folders, nothing_left
from tui.leaving import AGAIN

pytestmark = pytest.mark.server
Yard = Callable[..., Any]


@pytest.fixture
def yard(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Yard:
    monkeypatch.setenv("MW_CANARY", ENV)
    script(tmp_path)

    @asynccontextmanager
    async def open_screen(command: str = "deploys", **more: Any) -> AsyncIterator[Screen]:
        lab = context(tmp_path, **{"arm": "always", **more})
        async with nothing_left(), opened(contexts=(lab,), command=command) as screen:
            yield screen

    return open_screen


async def start_plain(screen: Screen) -> str:
    """A run of the deploy that asks for nothing; its id."""
    await screen.type(":deploy plain\r")
    await screen.until("[ deploy plain ]")
    assert screen.app.flow.dialog.chosen == "Cancel"
    await screen.press("right", "enter")
    # Its output tells of that step as well, and may come before what is known of the run.
    await screen.until("switch")
    await screen.until("running for")
    return str(screen.app.view.name_in_path.removeprefix("run "))


async def test_one_that_is_not_read_yet_is_not_missing(yard: Yard) -> None:
    async with yard("deploy plain") as screen:
        await screen.until("[ deploy plain ]")


async def test_by_keys_from_the_wish_to_the_run_and_its_end(yard: Yard, tmp_path: Path) -> None:
    async with yard() as screen:
        await screen.until("never here")
        await screen.type(":runs\rD")
        await screen.until("which one? Nothing is done yet")
        await screen.press("down", "enter")
        # What it needs to know: choices, what a command lists, and a text that must fit.
        await screen.until("show the plan")
        for text in ("version", "1.8.1", "region", "eu-1", "note", "[a-z ]+"):
            assert text in screen.text
        dialog = screen.app.flow.dialog
        dialog.go_to_field("version")
        await screen.press("right")
        dialog.go_to_field("note")
        await screen.press("ctrl+u", "X")
        await screen.press("enter", "enter")
        await screen.until("note: 'X' is not allowed, expected a text that fits [a-z ]+")
        assert dialog.chosen == "note"
        await screen.press("backspace", *"now", "enter", "enter")
        # The plan, and the question of every action.
        await screen.until("deploy web version=1.8.2 region=eu-1 note=now")
        for text in ("deploy.py 1.8.2 eu-1 now", "PLAIN", "by a process of its own", "armed"):
            assert text in screen.text
        assert dialog.chosen == "Cancel"
        assert not screen.app.watching.feeds("runs")[FeedKey("deploy/web", "runs")].reading.value
        await screen.press("right", "enter")
        for text in ("switch", "fetch", "release 1.8.2 eu-1 now", "version=1.8.2", "running for"):
            await screen.until(text)
        await go(tmp_path)
        await screen.until("done after")
        await screen.type(":events\r")
        for text in ("done after", "web 1.8.2 eu-1 now", "started by", "step 2: fetch", "step 3: switch"):
            await screen.until(text)


async def test_one_that_failed_is_wrong_until_a_later_one_went_well(yard: Yard, tmp_path: Path) -> None:
    async with yard() as screen:
        await screen.until("never here")
        await start_plain(screen)
        await go(tmp_path, 3)
        await screen.until("failed after")
        spent = screen.text.split("failed after ")[1].split()[0].rstrip(",:")
        await screen.type(":overview\r")
        await screen.until("WRONG NOW")
        await screen.until(lambda: any(line.startswith("▌✖ plain") and "failed" in line for line in screen.lines))
        # One way to tell how long it took.
        assert f"failed after {spent}" in screen.text
        await screen.press("enter")
        await screen.until("STEPS")
        await screen.type(":runs\r")
        await screen.until(lambda: f" {spent} " in next(line for line in screen.lines if " failed " in line))
        await go(tmp_path)
        await start_plain_again(screen)
        await screen.until("done after")
        await screen.type(":overview\r")
        await screen.until("nothing is wrong")


async def test_its_steps_follow_a_resize_at_once(yard: Yard, tmp_path: Path) -> None:
    async with yard() as screen:
        await screen.until("never here")
        await start_plain(screen)

        def stamps() -> list[str]:
            steps = screen.app.view.steps.plain_lines()[1:]
            return [line.split()[1] for line in steps if line]

        assert {len(stamp) for stamp in stamps()} == {len("02:13:20")}
        await screen.pilot.resize_terminal(50, 24)
        await screen.pilot.pause()
        assert {len(stamp) for stamp in stamps()} == {len("02:13")}
        await go(tmp_path)
        await screen.until("done after")


async def start_plain_again(screen: Screen) -> None:
    await screen.type("D")
    await screen.until("which one? Nothing is done yet")
    await screen.press("enter")
    await screen.until("[ deploy plain ]")
    await screen.press("right", "enter")


async def test_a_second_one_is_told_which_runs_and_the_first_is_aborted_by_a_dialog(yard: Yard) -> None:
    async with yard() as screen:
        run = await start_plain(screen)
        await screen.type(":deploy plain\r")
        await screen.until("[ deploy plain ]")
        await screen.press("right", "enter")
        await screen.until(f"{run} is running: started by")
        screen.app.flow.dialog.close()
        await screen.press("x")
        await screen.until("abort")
        await screen.press("enter")
        await screen.until("nothing is undone")
        assert screen.app.flow.dialog.chosen == "Cancel"
        await screen.press("right", "enter")
        await screen.until("aborted after", seconds=10)
        await screen.until(f"abort {run}: aborted by ")
        await screen.until("aborted by ")
        assert screen.app.view.title.text.count("aborted") == 1


async def test_how_long_it_takes_is_held_against_the_last_runs(yard: Yard, tmp_path: Path) -> None:
    async with yard() as screen:
        await start_plain(screen)
        await go(tmp_path)
        await screen.until("done after")
        await asyncio.to_thread((tmp_path / "go").unlink)
        await start_plain(screen)
        await screen.until("usually 0s")
        assert " to " not in screen.app.view.title.text
        # One source, one run: no room for a name, nor for times where there are none.
        await screen.until(lambda: "  ::step fetch" in screen.lines)
        await go(tmp_path, 3)
        await screen.until("failed after")
        await screen.until("exit 3")


async def test_what_cannot_be_ended_is_told_while_it_goes_on_and_after(yard: Yard, tmp_path: Path) -> None:
    left = "sudo (pid 7) can't be ended by www: it belongs to root"
    why = f"aborted by ops, in vain: {left}"

    def run_whose_end_is_asked_for() -> tuple[Journal, str]:
        runs = folders("plain")
        runs.make()
        run = new_id("plain")
        argv = ("sudo", "./deploy.sh")
        plan = Plan("plain", "command", (), (PlannedStep("sudo", argv),), (), str(tmp_path), 60.0)
        write_plan(runs[run], Written(run, "lab", "ops", "web-1", plan), time.time() + 30)
        made = Journal(runs[run], Entry(now(), What.STARTED))
        made.write(Entry(now(), What.STEP, "sudo"))
        made.write(Entry(now(), What.LEFT, message=why))
        return made, run

    def now() -> datetime:
        return datetime.now(UTC)

    journal, run = await asyncio.to_thread(run_whose_end_is_asked_for)
    async with yard("runs") as screen:
        await screen.until(run)
        screen.app.ways.show_run("deploy/plain", run)
        await screen.until("running for")
        await screen.until(left)
        await asyncio.to_thread(journal.write_last, Entry(now(), What.ENDED, state=RunState.DONE, message=why))
        os.close(journal._file)
        await screen.until("done after")
        assert left in screen.text
        assert left in screen.app.view.plain_text()


async def test_of_the_deploys_d_takes_the_one_at_the_cursor(yard: Yard) -> None:
    async with yard() as screen:
        await screen.until("never here")
        await screen.press("down")
        await screen.type("D")
        await screen.until("show the plan")
        form = screen.app.flow.dialog.form
        assert form is not None
        assert form.title == "deploy web"


async def test_what_has_started_is_not_said_once_it_has_ended(yard: Yard, tmp_path: Path) -> None:
    async with yard() as screen:
        await start_plain(screen)
        await go(tmp_path, 3)
        await screen.until("failed after")
        assert "has started" not in screen.text


async def test_the_question_about_a_run_hears_of_its_end(yard: Yard, tmp_path: Path) -> None:
    async with yard() as screen:
        run = await start_plain(screen)
        await screen.press("x")
        await screen.until("nothing is done before")
        await screen.press("enter")
        await screen.until("[ abort ]")
        await screen.press("right")
        await go(tmp_path)
        await screen.until("done after")
        screen.app.tick()
        await screen.until(f"{run} has ended meanwhile: there is nothing to abort any more")
        assert "[ abort ]" not in screen.text
        assert screen.app.flow.dialog.chosen == "close"
        await screen.press("enter")
        await screen.until(lambda: not screen.app.flow.dialog.open)


async def test_the_raw_record_of_a_deploy_is_its_table_without_secrets(yard: Yard) -> None:
    async with yard() as screen:
        await screen.until("never here")
        await screen.press("down", "y")
        await screen.until('"argv"')
        for text in ('"web"', '"kind": "command"', '"1.8.1"', '"PLAIN": "***"', '"env": "MW_CANARY"'):
            assert text in screen.app.view.plain_text()
        for canary in CANARIES:
            assert canary not in screen.app.view.plain_text()


async def test_leaving_asks_once_while_a_run_of_ours_goes_on(yard: Yard, tmp_path: Path) -> None:
    async with yard() as screen:
        run = await start_plain(screen)
        await screen.type(":q\r")
        await screen.until(f"{run} runs, and goes on without us; again within 2 s quits")
        assert screen.app.is_running
        await go(tmp_path)
        await screen.until("done after")
        screen.clock.seconds += AGAIN + 1  # A second wish it is not.
        await screen.type(":q\r")
        await screen.until(lambda: not screen.app.is_running)


async def test_leaving_asks_of_a_run_whose_start_was_unknown_and_of_one_in_another_context(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unseen(self: RunActions, action: Action, tell: Tell) -> Outcome:
        raise Unreachable("it does not answer")

    monkeypatch.setattr(RunActions, "look", unseen)
    await asyncio.to_thread(script, tmp_path)
    lab, other = context(tmp_path, arm="always"), Context("other")
    async with nothing_left(), opened(contexts=(lab, other), command="deploys") as screen:
        await screen.until("never here")
        await screen.type(":deploy plain\r")
        await screen.until("[ deploy plain ]")
        await screen.press("right", "enter")
        await screen.until("deploy plain: unknown: ")
        await screen.press("escape")
        await screen.type(":q\r")
        await screen.until("and goes on without us; again within 2 s quits")
        await screen.type(":context other\r")
        await screen.until(lambda: " other " in screen.lines[0])
        await screen.type(":q\r")
        await screen.until("of lab may still run, and goes on without us; again within 2 s quits")
        assert screen.app.is_running
        await go(tmp_path)


async def test_its_steps_are_marks_on_the_charts(yard: Yard, tmp_path: Path) -> None:
    from tui.screens.metrics.chart_marks import marks_of

    async with yard() as screen:
        await start_plain(screen)
        await go(tmp_path)
        await screen.until("done after")
        watching = screen.app.watching
        assert watching is not None
        events = watching.feeds("events")
        (feed,) = events.values()
        await screen.until(lambda: len(feed.reading.value or ()) >= 4)
        marks = marks_of((feed.reading.value or {}).values())
    texts = [mark.text for mark in marks if mark.glyph == "●"]
    assert all(text.startswith("deploy plain") for text in texts)
    for word in ("started", "fetch", "switch", "done"):
        assert any(word in text for text in texts), texts


async def test_only_what_does_something_is_offered(yard: Yard, tmp_path: Path) -> None:
    async with yard() as screen:

        def offered(hint: str) -> bool:
            screen.app.tick()
            screen.app.hush()  # What became of an action stays for a while, whatever is pressed.
            return f"{hint}  " in f"{screen.lines[-1]}  "

        await screen.until("never here")
        await screen.until(lambda: offered("x act"))
        assert not offered("l logs")
        run = await start_plain(screen)
        await screen.until(lambda: offered("x act"))
        await screen.type(":runs\r")
        await screen.until(run)
        await screen.until(lambda: offered("x act") and offered("l logs"))
        await screen.press("l")
        await screen.until("switch")
        await go(tmp_path)
        await screen.until("done after")
        await screen.until(lambda: not offered("x act"))
        await screen.press("x")
        await screen.until(f"{run} is done: nothing can be done to it; D deploys")
        await screen.press("q", "x")
        await screen.until(f"{run} is done: nothing can be done to it; D deploys")
        await screen.type("j")
        await screen.until(lambda: not offered("x act"))
        # Of a deploy it is the output of its last run.
        await screen.type(":deploys\r")
        await screen.until(lambda: offered("l logs"))
        await screen.press("l")
        assert screen.app.view.name_in_path == f"run {run}"


async def test_a_guarded_context_and_a_read_only_one(yard: Yard) -> None:
    async with yard(arm="ask") as screen:
        await screen.type(":deploy plain\r")
        await screen.until("guarded: arms 15m")
        await screen.press("right", "enter")
        await screen.until("why? The reason arms")
        await screen.press("escape")
    async with yard(arm="always", read_only=True) as screen:
        await screen.type("D")
        await screen.until("read-only: nothing can be changed")
        await screen.type(":deploy plain\r")
        await screen.until("read-only: nothing can be changed")
        assert not screen.app.flow.dialog.open


async def test_secrets_are_on_no_screen_in_no_file_and_in_no_log(
    yard: Yard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pictures: list[str] = []
    async with yard() as screen:

        def picture() -> None:
            pictures.append(screen.app.export_screenshot() + screen.app.view.plain_text())

        await screen.until("never here")
        await screen.press("d")
        await screen.until("same with")
        picture()
        await screen.type(":deploy web note=typed\r")
        await screen.until("show the plan")
        assert "typed" in screen.text
        picture()
        # To the button: what is asked for has its default.
        await screen.press("up", "enter")
        await screen.until("by a process of its own")
        picture()
        await screen.press("right", "enter")
        await screen.until("switch")
        picture()
        # A secret that is not to be had any more: what is said of it names its place.
        await asyncio.to_thread((tmp_path / "secret").unlink)
        await go(tmp_path)
        await screen.until("done after")
        await screen.type(":deploy web\r")
        await screen.until("show the plan")
        await screen.press("up", "enter")
        await screen.until("by a process of its own")
        await screen.press("right", "enter")
        await screen.until("failed: ")
        picture()
        for word in ("runs", "events", "log"):
            await screen.type(f":{word}\r")
            await screen.pilot.pause()
            picture()
    files = await asyncio.to_thread(
        lambda: [path.read_bytes() for path in (tmp_path / "xdg_state_home").rglob("*") if path.is_file()]
    )
    assert len(files) > 5
    for canary in CANARIES:
        assert not [text for text in pictures if canary in text]
        assert not [data for data in files if canary.encode() in data]
        assert canary not in caplog.text
