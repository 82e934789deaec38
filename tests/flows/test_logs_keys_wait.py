"""Keys typed ahead in the logs: while lines are read or something is looked for, they wait in their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path

import pytest
from textual import events

from backends.api.logs import Beside, LogBatch, LogBlock, Sieve
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import Fake
from tests.flows.test_logs_history import context, idle, logs_of, long_log, on
from tui import key_queue
from widgets.logs.search import RowSearch


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """When it is set, the fake has older lines: 0 to 19."""
    may_read = asyncio.Event()

    async def history(
        self: Fake, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        await may_read.wait()
        if beside is not None and beside.block is None:
            lines = [b"%s line %d " % (b"ERROR" if n == 12 else b"INFO", n) for n in range(20)]
            yield LogBatch((LogBlock("app.log", b"\n".join(lines), len(lines)),), None)

    monkeypatch.setattr(Fake, "history", history)
    return may_read


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("jj", 2),
        ("jjjk", 2),
        ("/line 1\r", 1),
        ("/line 1\rnn", 11),
        ("&line 1\rjj", 11),
        ("e", 12),
        ("eE", 12),
        ("jjg", 0),
        ("jF", 111),
        ("jG", 111),
    ],
)
async def test_what_is_typed_while_older_lines_are_read_is_about_those(
    opened: Opened, gate: asyncio.Event, typed: str, line: int
) -> None:
    async with opened(command="logs") as screen:
        screen.script.say_lines(*(b"INFO line %d " % n for n in range(100, 112)))
        await screen.until("line 111")
        await screen.type(f"g{typed}")
        await screen.until("FOLLOWING" if line == 111 else "reading")
        gate.set()
        await idle(screen)
        await screen.until(lambda: on(screen) == line)
        assert ("line 111" in screen.text) is (line == 111)


async def test_a_record_that_is_opened_while_older_lines_are_read_is_one_of_those(
    opened: Opened, gate: asyncio.Event
) -> None:
    async with opened(command="logs") as screen:
        screen.script.say_lines(b"INFO line 111 ")
        await screen.until("line 111")
        await screen.type("gj\r")
        await screen.until("reading")
        assert "as it came" not in screen.text
        gate.set()
        await screen.until("as it came")
        assert "line 1\n" in f"{screen.text}\n"
        assert "line 111" not in screen.text


async def test_keys_that_wait_are_bounded_and_those_left_out_are_counted(
    opened: Opened, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_queue, "WAITING", 3)
    async with opened(command="logs") as screen:
        screen.script.say_lines(b"INFO line 111 ")
        await screen.until("line 111")
        await screen.type("gjjjjj")
        await screen.until("2 keys typed ahead left out")
        gate.set()
        await screen.until(lambda: on(screen) == 3)
        await screen.until("2 keys typed ahead left out")


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_what_is_read_can_be_ended_and_the_keys_that_wait_for_it_with_it(
    opened: Opened, gate: asyncio.Event, key: str
) -> None:
    async with opened(command="logs") as screen:
        screen.script.say_lines(*(b"INFO line %d " % n for n in range(100, 112)))
        await screen.until("line 111")
        await screen.type("gjj")
        await screen.until("reading")
        await screen.press(key)
        await screen.until("reading has been ended; 2 keys typed ahead left out")
        gate.set()
        await screen.press("k")
        assert on(screen) == 110
        assert not logs_of(screen).log_view.in_history


async def test_what_is_copied_while_older_lines_are_read_is_one_of_those(
    opened: Opened, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with opened(command="logs") as screen:
        screen.script.say_lines(b"INFO line 111 ")
        await screen.until("line 111")
        await screen.type("gjcj")
        await screen.until("reading")
        gate.set()
        await screen.until(lambda: on(screen) == 2)
        await screen.until("copied 1 line to the terminal and")
        (copied,) = await asyncio.to_thread(lambda: list(tmp_path.rglob("copied.txt")))
        assert (await asyncio.to_thread(copied.read_text)).strip() == "INFO line 1"


async def hundred(screen: Screen) -> None:
    """Lines 100 to 111 come in, and are shown."""
    screen.script.say_lines(*(b"INFO line %d " % n for n in range(100, 112)))
    await screen.until("line 111")


async def test_a_record_that_is_typed_open_and_closed_while_older_lines_are_read_is_closed(
    opened: Opened, gate: asyncio.Event
) -> None:
    async with opened(command="logs") as screen:
        await hundred(screen)
        logs = logs_of(screen)
        await screen.type("gj\rqj")
        await screen.until("reading")
        assert screen.app.view is logs
        gate.set()
        await screen.until(lambda: screen.app.view is logs and on(screen) == 2)
        await screen.press("enter")
        await screen.until("as it came")


@pytest.mark.parametrize("pasted", [False, True])
async def test_a_prompt_that_is_typed_behind_keys_that_wait_opens_where_they_lead(
    opened: Opened, gate: asyncio.Event, pasted: bool
) -> None:
    async with opened(command="logs") as screen:
        await hundred(screen)
        await screen.type("g\r/" if pasted else "g\r/lin")
        if pasted:
            await screen.app.on_event(events.Paste("lin"))
        await screen.until("reading")
        assert not screen.app.keys.prompt.open
        gate.set()
        await screen.until("as it came")
        await screen.until(lambda: screen.app.keys.prompt.open)
        assert (screen.app.keys.prompt.sign, screen.app.keys.prompt.text) == ("/", "lin")


async def test_letters_of_a_prompt_that_waits_end_nothing(opened: Opened, gate: asyncio.Event) -> None:
    async with opened(command="logs") as screen:
        await hundred(screen)
        await screen.type("g/FG")
        await screen.until("reading")
        gate.set()
        await screen.until(lambda: screen.app.keys.prompt.text == "FG")
        assert logs_of(screen).log_view.in_history
        assert on(screen) == 0


async def test_what_is_written_is_what_was_there_when_it_was_its_turn(
    opened: Opened, gate: asyncio.Event, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    async with opened(command="logs", size=(200, 30)) as screen:
        await hundred(screen)
        await screen.type(f"g:w {saved}\r&line 1\r")
        await screen.until("reading")
        gate.set()
        await screen.until("saved 20 lines")
        await screen.until("only line 1")
        assert len((await asyncio.to_thread(saved.read_text)).splitlines()) == 20


@pytest.mark.parametrize(
    ("typed", "title"), [("1", "last 1m"), ("&line 1\r", "only line 1"), ("/line\r", "search line")]
)
async def test_the_title_says_what_is_asked_when_it_is_true(
    opened: Opened, gate: asyncio.Event, typed: str, title: str
) -> None:
    async with opened(command="logs", size=(120, 20)) as screen:
        await hundred(screen)
        await screen.type(f"g{typed}")
        await screen.until("reading")
        logs_of(screen).tick()
        await screen.pilot.pause()
        assert title not in screen.text
        assert "12 lines" in screen.text
        gate.set()
        await screen.until(title)
        await idle(screen)
        view = logs_of(screen).log_view
        assert (view.lines.since is not None) is (typed == "1")
        assert (view.lines.keep is not None) is ("&" in typed)
        assert (view.sheet.pattern is not None) is ("/" in typed)


async def test_a_search_that_is_typed_over_another_is_about_where_that_one_led(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real, slow = RowSearch.go_on, True
    monkeypatch.setattr(RowSearch, "go_on", lambda self, *seconds: None if slow else real(self, *seconds))
    saved = tmp_path / "saved"
    contexts = (context(app=await long_log(tmp_path / "app.log", 12_000)),)
    async with opened(contexts=contexts, command="logs", size=(200, 30)) as screen:
        await screen.until("line 11999 ")
        await screen.press("g")
        await screen.until("line 0 ")
        await idle(screen)
        await screen.type("/line 15 \r")
        await screen.until("searching")
        await screen.type("jj/line 12 ")
        assert on(screen) == 0
        slow = False
        await screen.until(lambda: on(screen) == 17)
        await screen.type("\r")
        await screen.until(lambda: on(screen) == 12)
        await screen.type(f"jjj:w {saved}\r")
        await screen.until("a part of what there is")
        assert on(screen) == 15


@pytest.mark.parametrize("typed", ["kG", "kkG", "NG"])
async def test_what_G_ends_is_not_begun_after_it(opened: Opened, tmp_path: Path, typed: str) -> None:
    contexts = (context(app=await long_log(tmp_path / "app.log", 12_000)),)
    async with opened(contexts=contexts, command="logs") as screen:
        await screen.until("line 11999 ")
        await screen.type("/line 15 \r")
        await screen.until("no match in memory")
        view = logs_of(screen).log_view
        view.go_to(1)
        await screen.until("not following")
        for key in typed:
            # So fast that nothing else is heard in between.
            screen.app.key_queue.typed(events.Key(key, key))
        await screen.until("FOLLOWING")
        for _ in range(20):
            await screen.pilot.pause()
        await idle(screen)
        assert not view.in_history
        assert view.following
        assert on(screen) == 11_999


async def test_those_left_out_are_counted_once_with_what_waits(
    opened: Opened, gate: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_queue, "WAITING", 3)
    async with opened(command="logs") as screen:
        await hundred(screen)
        await screen.type("gjjjjj")
        await screen.until("2 keys typed ahead left out")
        await screen.press("escape")
        await screen.until("5 keys typed ahead left out")
        await screen.type("gjjjj")
        await screen.until("1 key typed ahead left out")
        await screen.press("G")
        await screen.until("4 keys typed ahead left out")
        await screen.until("FOLLOWING")
        gate.set()
        await screen.press("k")
        assert on(screen) == 110
