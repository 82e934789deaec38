"""Looking back: a log that is longer than memory keeps, from its first line to its newest, by keys alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backends.api.logs import Beside, LogBatch, LogBlock, Sieve, micros
from backends.config.context import Context, SourceConfig
from backends.logs.files import Files, FilesSettings
from tests.clock import FakeClock
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import Fake
from tests.flows.test_logs_merged import BEGAN
from tui.screens.logs import history as log_history
from tui.screens.logs.screen import LogsScreen
from widgets.logs.lines import LogLines
from widgets.tables.columns import LogsOf

LINES = 60_000
"""About seven megabytes: the tail that is read at first is a thirtieth of it."""


async def long_log(path: Path, lines: int = LINES, words: str = "line", step: float = 0.01) -> Path:
    def write() -> None:
        path.parent.mkdir(exist_ok=True)
        with path.open("w") as file:
            for number in range(lines):
                stamp = (BEGAN + timedelta(seconds=step * number - 3600)).isoformat(timespec="milliseconds")
                file.write(f"{stamp} INFO {words} {number} {'of a request that was answered ' * 2}\n")

    await asyncio.to_thread(write)
    return path


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def with_an_error(path: Path, text: bytes) -> None:
    data = path.read_bytes()
    at = data.index(text)
    path.write_bytes(data[:at] + text.replace(b"INFO", b"ERROR") + data[at + len(text) :])


def context(**paths: Path) -> Context:
    sources = (SourceConfig("files", name, FilesSettings(paths=(str(path),))) for name, path in paths.items())
    return Context("lab", tuple(sources))


def logs_of(screen: Screen) -> LogsScreen:
    view = screen.app.view
    assert isinstance(view, LogsScreen)
    return view


def on(screen: Screen) -> int:
    """The number of the line under the cursor; -1 while other lines come in, and there is none."""
    record = logs_of(screen).log_view.current
    return -1 if record is None else int(record.message.split("line ")[1].split()[0])


async def idle(screen: Screen) -> None:
    await screen.until(lambda: not logs_of(screen)._read_task.busy)


async def test_g_is_the_first_line_of_the_file_and_G_its_newest(opened: Opened, tmp_path: Path) -> None:
    log = await long_log(tmp_path / "app.log")
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.press("g")
        await screen.until("line 0 ")
        await screen.until("  0.0 % of ")
        assert on(screen) == 0
        await asyncio.to_thread(append, log, "a new line\n")
        await screen.press("G")
        await screen.until("a new line")
        await screen.until("FOLLOWING")


async def test_the_histogram_of_a_part_ends_with_it(opened: Opened, tmp_path: Path) -> None:
    """Not now, though that is not long after: its newest lines are older than those that there are."""
    log = await long_log(tmp_path / "app.log", step=0.06)
    clock = FakeClock()
    clock.seconds += (BEGAN - clock.now()).total_seconds()
    async with opened(contexts=(context(app=log),), command="logs", size=(120, 30), clock=clock) as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.until("── now")
        await screen.press("g")
        await screen.until("line 0 ")
        await screen.until(lambda: "─ now" not in screen.text and not logs_of(screen).histogram.counting)
        view = logs_of(screen).log_view
        last = view.lines.when(view.lines.rows[-1]) // 1_000_000
        legend = next(line for line in screen.lines if " ── " in line)
        start, here, end = legend[-32:].split(" ── ")
        assert [found.count(":") for found in (start, here, end)] == [2, 2, 2]
        assert start <= here <= end
        assert end == datetime.fromtimestamp(last).strftime("%H:%M:%S")
        found = logs_of(screen).histogram.bars
        assert found is not None
        assert found.bar_of(last) == len(found.lines) - 1


async def test_pages_from_the_head_lead_on_without_a_gap(opened: Opened, tmp_path: Path) -> None:
    log = await long_log(tmp_path / "app.log", 12_000)
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until("line 11999 ")
        await screen.press("g")
        await screen.until("line 0 ")
        view = logs_of(screen).log_view
        seen = on(screen)
        while "FOLLOWING" not in screen.text and seen < 11_999:
            view.move(500)
            await screen.pilot.pause()
            await idle(screen)
            assert on(screen) - seen in range(501)
            assert on(screen) > seen
            seen = on(screen)
        await screen.press("j", "j")
        await screen.until(lambda: not view.in_history)
        assert on(screen) == 11_999


async def test_pages_up_from_the_tail_reach_the_head(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_history, "BYTES_MOST", 1 << 20)
    log = await long_log(tmp_path / "app.log", 30_000)
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until("line 29999 ")
        view = logs_of(screen).log_view
        seen, held = on(screen), 0
        while seen:
            view.move(-900)
            await screen.pilot.pause()
            await idle(screen)
            assert seen - on(screen) in range(901)
            seen = on(screen)
            held = max(held, sum(len(block.data) for f in view.lines.feeders for _, block in f.tail.blocks()))
        assert view.in_history
        assert held < 2 << 20
        await screen.until("  0.0 % of ")
        await screen.press("F")
        await screen.until("FOLLOWING")
        assert on(screen) == 29_999


async def test_a_search_goes_on_in_the_file(opened: Opened, tmp_path: Path) -> None:
    async with opened(contexts=(context(app=await long_log(tmp_path / "app.log")),), command="logs") as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.type("/line 1234 \r")
        await screen.press("N")
        await screen.until(lambda: on(screen) == 1234)
        await screen.press("N")
        await screen.until("nothing further")
        await screen.press("escape")
        await screen.type("/line 50000 \r")
        await screen.press("n")
        await screen.until(lambda: on(screen) == 50_000)


async def test_enter_searches_what_is_there_and_says_which_key_looks_further(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened(contexts=(context(app=await long_log(tmp_path / "app.log")),), command="logs") as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.type("/line 1234 \r")
        await screen.until("no match in memory: N looks further back")
        assert on(screen) == LINES - 1
        assert logs_of(screen).log_view.following
        await screen.press("g")
        await screen.until("line 0 ")
        await idle(screen)
        await screen.type("/line 59999 \r")
        await screen.until("no match in what is read: n looks on")
        assert on(screen) == 0
        await screen.press("n")
        await screen.until(lambda: on(screen) == LINES - 1)
        await idle(screen)
        await screen.type("/line 1234 \r")
        await screen.until("no match in what is read: N looks further back")


async def test_the_error_before_is_looked_for_in_the_file(opened: Opened, tmp_path: Path) -> None:
    log = await long_log(tmp_path / "app.log")
    await asyncio.to_thread(with_an_error, log, b"INFO line 34321 ")
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.press("E")
        await screen.until(lambda: on(screen) == 34_321)
        await screen.press("E")
        await screen.until("nothing further, up to the beginning")


async def test_of_one_of_several_files_only_that_one_is_read(opened: Opened, tmp_path: Path) -> None:
    for name in ("web-1", "web-2"):
        await long_log(tmp_path / f"{name}.log", 8_000, f"of {name}, line")
    async with opened(contexts=(context(web=tmp_path / "*.log"),), command="logs") as screen:
        await screen.until("line 7999 ")
        screen.app.ways.show_logs_of(LogsOf(("web-2",)))
        await screen.until("of web-2  ")
        view = logs_of(screen).log_view
        await screen.until(lambda: view.following)
        while not view.in_history or on(screen):
            view.move(-800)
            await screen.pilot.pause()
            await idle(screen)
        assert "web-2" in screen.text
        assert "of web-1" not in screen.text
        await screen.press("G")
        await screen.until("FOLLOWING")


async def test_what_is_kept_is_looked_for_in_the_whole_file(opened: Opened, tmp_path: Path) -> None:
    async with opened(contexts=(context(app=await long_log(tmp_path / "app.log")),), command="logs") as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.type("&line .?1234 \r")
        await screen.press("g")
        await screen.until("line 1234 ")
        await screen.until("line 51234 ")
        assert on(screen) == 1234
        await screen.press("j")
        assert on(screen) == 11_234
        await screen.press("ampersand")
        await screen.until("line 11235 ")
        assert on(screen) == 11_234
        await screen.press("k")
        assert on(screen) == 11_233


async def test_several_files_begin_with_their_oldest_line(opened: Opened, tmp_path: Path) -> None:
    a = await long_log(tmp_path / "a.log", 7_400, "from a, line", 0.02)
    b = await long_log(tmp_path / "b.log", 30_000, "from b, line", 0.005)
    async with opened(contexts=(context(a=a, b=b),), command="logs") as screen:
        await screen.until("line 29999 ")
        await screen.until(lambda: len(logs_of(screen).log_view.lines.origins) == 2)
        await screen.press("g")
        await screen.until("line 0 ")
        view = logs_of(screen).log_view
        times = [view.lines.when(view.lines.rows[view.cursor])]
        for _ in range(8):
            view.move(1000)
            await screen.pilot.pause()
            await idle(screen)
            rows = [view.lines.records.raw(row) for row in view.lines.rows]
            numbers = {
                name: [int(raw[0].split(b"line ")[1].split()[0]) for raw in rows if raw and name in raw[0]]
                for name in (b"from a", b"from b")
            }
            for found in numbers.values():
                assert found == list(range(found[0], found[-1] + 1))
            low, high = numbers[b"from a"][-1] * 0.02, numbers[b"from b"][-1] * 0.005
            assert abs(low - high) < 0.05
            times.append(view.lines.when(view.lines.rows[view.cursor]))
        assert times == sorted(times)
        await screen.press("G")
        await screen.until("FOLLOWING")


async def test_pages_up_from_the_tails_of_several_files(opened: Opened, tmp_path: Path) -> None:
    """The files are of one time, and a tenth of the one is as much as all of the other."""
    a = await long_log(tmp_path / "a.log", 3_000, "from a, line", 0.2)
    b = await long_log(tmp_path / "b.log", 30_000, "from b, line", 0.02)
    async with opened(contexts=(context(a=a, b=b),), command="logs") as screen:
        await screen.until("line 29999 ")
        await screen.until("line 2999 ")
        view = logs_of(screen).log_view
        view.move(-3_990)
        before = view.lines.when(view.lines.rows[view.cursor])
        cursor = view.current
        view.move(-100)
        await screen.until(lambda: view.in_history)
        await idle(screen)
        assert cursor is not None
        for _ in range(4):
            raws = [view.lines.records.raw(row) for row in view.lines.rows]
            for name in (b"from a", b"from b"):
                found = [int(raw[0].split(b"line ")[1].split()[0]) for raw in raws if raw and name in raw[0]]
                assert found == list(range(found[0], found[-1] + 1))
            assert view.lines.when(view.lines.rows[view.cursor]) <= before
            before = view.lines.when(view.lines.rows[view.cursor])
            view.move(-1_000)
            await screen.pilot.pause()
            await idle(screen)
        await screen.press("g")
        await screen.until("from a, line 0 ")
        await screen.until("from b, line 0 ")


async def test_l_leads_to_a_time_that_memory_does_not_hold(opened: Opened, tmp_path: Path) -> None:
    for name in ("web-1", "web-2"):
        await long_log(tmp_path / f"{name}.log", 30_000, f"of {name}, line", 0.02)
    asked = BEGAN + timedelta(seconds=200 - 3600)
    for names in (("web-2",), ("none",)):
        async with opened(contexts=(context(web=tmp_path / "*.log"),), command="logs") as screen:
            await screen.until("line 29999 ")
            screen.app.ways.show_logs_of(LogsOf(names, asked))
            await screen.until("web-2, line 10000 ")
            view = logs_of(screen).log_view
            await screen.until(lambda view=view: view.lines.when(view.lines.rows[view.cursor]) == micros(asked))
            assert ("web-1, line" in screen.text) is (names == ("none",))
            screen.app.ways.show_logs_of(LogsOf(names, asked - timedelta(hours=2)))
            await screen.until("no line is as old as")
            assert on(screen) == 0


async def test_a_file_that_was_rotated_meanwhile_is_said(opened: Opened, tmp_path: Path) -> None:
    log = await long_log(tmp_path / "app.log", 40_000)
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until("line 39999 ")
        await screen.press("g")
        await screen.until("line 0 ")
        view = logs_of(screen).log_view
        await asyncio.to_thread(log.rename, tmp_path / "app.log.1")
        await asyncio.to_thread(append, log, "of the next file\n")
        view.move(1 << 20)
        await screen.until("was rotated")
        assert on(screen) > 0


@pytest.mark.parametrize("kept", ["", "line .*|next"])
@pytest.mark.parametrize("way", ["renamed", "truncated"])
async def test_g_after_a_rotation_is_the_first_line_there_is_now(
    opened: Opened, tmp_path: Path, way: str, kept: str
) -> None:
    log = await long_log(tmp_path / "app.log", 40_000)
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until("line 39999 ")
        if kept:
            await screen.type(f"&{kept}\r")
        await screen.press("g")
        await screen.until(lambda: logs_of(screen).log_view.in_history)
        await idle(screen)
        before = logs_of(screen)._pager.history
        await screen.press("j", "g")
        await idle(screen)
        assert on(screen) == 0
        assert logs_of(screen)._pager.history is before, "nothing is read again that is there"
        if way == "renamed":
            await asyncio.to_thread(log.rename, tmp_path / "app.log.1")
        else:
            await asyncio.to_thread(log.write_bytes, b"")
        await screen.press("g")
        await screen.until("kept as it was read" if way == "renamed" else "no line")
        await idle(screen)
        assert on(screen) == 0
        await asyncio.to_thread(append, log, "line 7 of the next file\nline 8\n")
        await screen.press("g")
        await screen.until("of the next file")
        await idle(screen)
        assert on(screen) == 7


async def test_g_moves_at_once_in_what_is_there(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, asked = await long_log(tmp_path / "app.log"), asyncio.Event()

    async def history(
        self: Files, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        asked.set()
        await asyncio.Event().wait()
        yield LogBatch((), None)

    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.press("g")
        await screen.until("line 0 ")
        await idle(screen)
        rows = len(logs_of(screen).log_view.lines.rows)
        monkeypatch.setattr(Files, "history", history)
        monkeypatch.setattr(log_history, "SILENT", 60.0)
        await screen.press("j", "j")
        await screen.type("gj")
        await asyncio.wait_for(asked.wait(), 3)
        assert on(screen) == 1
        await screen.press("escape")
        await screen.until("reading has been ended")
        monkeypatch.setattr(log_history, "SILENT", 0.01)
        await screen.press("g")
        await screen.until("files/app is kept as it was read: no answer within 0.01 s")
        assert len(logs_of(screen).log_view.lines.rows) == rows
        assert on(screen) == 0


async def test_a_bug_in_a_source_is_said(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fake, "history", lambda self, since=None, sieve=None: None)
    async with opened(command="logs") as screen:
        screen.script.say_lines(b"line 1")
        await screen.until("line 1")
        await screen.press("g")
        await screen.until("bug in a log source: TypeError")
        await idle(screen)


async def test_a_source_without_history_shows_what_it_has(opened: Opened) -> None:
    async with opened(command="logs") as screen:
        screen.script.say_lines(*(b"line %d" % number for number in range(300)))
        await screen.until("line 299")
        await screen.press("g")
        await screen.until("line 0")
        assert on(screen) == 0
        assert not logs_of(screen).log_view.in_history


async def test_l_leads_back_where_lines_have_no_offsets(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the journal."""
    lines = [f"{(BEGAN + timedelta(minutes=n - 60)).isoformat()} line {n} ".encode() for n in range(20)]

    async def history(
        self: Fake, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        assert beside is not None
        if since is not None:
            yield LogBatch((LogBlock("app.log", b"\n".join(lines[:10]), 10),), None)

    monkeypatch.setattr(Fake, "history", history)
    async with opened(command="logs") as screen:
        screen.script.say_lines(*lines[10:])
        await screen.until("line 19")
        screen.app.ways.show_logs_of(LogsOf(("none",), BEGAN - timedelta(minutes=56)))
        await screen.until("line 4\n")
        assert on(screen) == 4


async def test_a_file_that_can_not_be_read_has_not_ended_and_is_tried_again(
    opened: Opened, tmp_path: Path
) -> None:
    log, away = await long_log(tmp_path / "logs" / "app.log", 12_000), tmp_path / "away.log"
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until("line 11999 ")
        view = logs_of(screen).log_view
        await asyncio.to_thread(log.rename, away)
        for beyond in range(2):
            view.move(-(1 << 20))
            await screen.until("what was read of it")
            await idle(screen)
            assert "nothing older" not in screen.text
            assert not view.in_history
            screen.app.say(f"read {beyond}")
            await screen.until(f"read {beyond}")
        await asyncio.to_thread(away.rename, log)
        first = on(screen)
        await screen.press("k")
        await screen.until(lambda: view.in_history)
        await screen.press("k")
        assert 0 <= on(screen) < first
        await asyncio.to_thread(log.rename, away)
        while "what was read of it" not in screen.text:
            view.move(-(1 << 20))
            await screen.pilot.pause()
            await idle(screen)
        await asyncio.to_thread(away.rename, log)
        await screen.press("g")
        await screen.until("line 0 ")
        assert on(screen) == 0


async def test_what_is_read_ends_with_the_view(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def history(
        self: Fake, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        try:
            await asyncio.Event().wait()
            yield LogBatch((), None)
        finally:
            ended.set()

    monkeypatch.setattr(Fake, "history", history)
    async with opened(command="logs") as screen:
        screen.script.say_lines(b"line 1")
        await screen.until("line 1")
        logs = logs_of(screen)
        await screen.press("g")
        await screen.until("reading")
        assert not ended.is_set()
        screen.app.ways.show("events")
        await screen.until(lambda: screen.app.view is not logs)
        await asyncio.wait_for(ended.wait(), 3)
        assert not logs._read_task.busy


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
@pytest.mark.parametrize("asked", ["g", "N"])
async def test_a_long_reading_says_how_far_it_is_and_that_it_was_ended(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, asked: str, key: str
) -> None:
    ended = asyncio.Event()

    async def history(
        self: Fake, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        if sieve is None:
            yield LogBatch((LogBlock("app.log", b"line 0 ", 1),), None)
        try:
            yield LogBatch((), None, read=300 << 20, left=924 << 20)
            yield LogBatch((), None, read=112 << 20, left=812 << 20)
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(Fake, "history", history)
    monkeypatch.setattr(log_history, "SILENT", 60.0)
    async with opened(command="logs", size=(80, 24)) as screen:
        screen.script.say_lines(b"a line 1 of app")
        await screen.until("line 1")
        await screen.type("&line\r" if asked == "g" else "/nowhere\r")
        await screen.press(asked)
        await screen.until("reading … 412 M of 1.20 G")
        await screen.press(key)
        await screen.until("reading has been ended after 412 M of 1.20 G")
        await asyncio.wait_for(ended.wait(), 3)
        assert "reading …" not in screen.text
        assert on(screen) == 1


async def test_a_part_stays_one_of_its_files_when_another_comes(opened: Opened, tmp_path: Path) -> None:
    log = await long_log(tmp_path / "app.log")
    async with opened(contexts=(context(app=tmp_path / "*.log"),), command="logs") as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.press("g")
        await screen.until("line 0 ")
        live = logs_of(screen)._pager.live[0].tail
        await asyncio.to_thread(append, tmp_path / "new.log", "of another file\n")
        await screen.until(lambda: any(block.origin.endswith("new.log") for _, block in live.blocks()))
        await screen.type("/line 30000 \r")
        await screen.press("n")
        await screen.until(lambda: on(screen) == 30_000)
        await screen.type("&line .?1234 \r")
        await screen.until("line 31234 ")
        await idle(screen)
        feeders = logs_of(screen).log_view.lines.feeders
        assert {block.origin for feeder in feeders for _, block in feeder.tail.blocks()} == {str(log)}
        assert screen.text.count("files/app") == 1


async def test_lines_that_are_alike_are_not_gone_past(opened: Opened, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    await asyncio.to_thread(append, log, "tick\n" * 200_000)
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until("tick")
        view, pager = logs_of(screen).log_view, logs_of(screen)._pager
        await screen.press("g")
        await screen.until(lambda: view.in_history)
        await idle(screen)
        while not (pager.history is not None and pager.history.at_end(back=False)):
            view.move(1 << 20)
            await screen.pilot.pause()
            await idle(screen)
        view.go_to(len(view.lines.rows) - 1)
        live = pager.live[0].tail
        end = live.span.end
        await asyncio.to_thread(append, log, "tick\n" * 3)
        await screen.until(lambda: live.span.end == end + 3)
        view.move(1)
        await screen.until(lambda: not view.in_history)
        await idle(screen)
        assert len(view.lines.rows) - 1 - view.cursor == 2


async def test_a_large_part_is_put_in_order_in_steps_and_may_be_left_midway(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = await long_log(tmp_path / "a.log", 12_000, "from a, line")
    b = await long_log(tmp_path / "b.log", 12_000, "from b, line")
    step = LogLines.go_on
    monkeypatch.setattr(LogLines, "go_on", lambda self, seconds=0.0: step(self, 0.0))
    async with opened(contexts=(context(a=a, b=b),), command="logs") as screen:
        await screen.until("from a, line 11999 ")
        await screen.until("from b, line 11999 ")
        view, pager = logs_of(screen).log_view, logs_of(screen)._pager
        history = pager._of(pager.streams())
        for _ in range(4):
            await history.more(back=True)
        for shown_instead in (True, False):
            task = asyncio.create_task(view.show_history(history.feeders, history.settled, lambda lines: 0))
            await asyncio.sleep(0)
            assert view.in_history
            assert view.lines.filtering
            task.cancel()
            if shown_instead:
                view.show(pager.live)
                view.go_to(7)
            line = view.current
            await asyncio.wait([task])
            await screen.until(lambda: not view.lines.filtering)
            assert view.in_history is not shown_instead
            assert view.current is not None
            assert view.current == line or not shown_instead
