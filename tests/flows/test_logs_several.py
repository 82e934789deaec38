"""Several logs of which memory holds the ends: what is searched, kept, counted and saved is what there is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path

import pytest

from backends.api.errors import Unsupported
from backends.api.logs import Beside, LogBatch, LogBlock, Sieve
from backends.config.context import Context, SourceConfig
from backends.logs.files import FilesSettings
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import SCRIPTS, Fake, FakeSettings, Script
from tests.flows.test_logs_history import append, context, idle, logs_of, long_log, on, with_an_error
from tests.flows.test_logs_merged import BEGAN, TWO, at, other
from tui.screens.logs import history as log_history

LINES = 20_000
OTHERS = ("unable", "silent", "unit")


async def history(
    self: Fake, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
) -> AsyncGenerator[LogBatch, None]:
    """One that can't look back, one that says nothing, and one whose lines have no place in a file."""
    if self.source.endswith("unable"):
        raise Unsupported("only its end can be read over the wire")
    if self.source.endswith("silent"):
        await asyncio.Event().wait()
    if beside is not None and not beside.back and beside.block is None:
        yield LogBatch((LogBlock("unit", at(-1, "of unit, line 0 "), 1),), None)


@pytest.fixture
async def mixed(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Two files, whose first lines are an hour old, and three sources that are no files."""
    monkeypatch.setattr(Fake, "history", history)
    # Long enough for a file on a busy machine, which is no silent one.
    monkeypatch.setattr(log_history, "SILENT", 0.5)
    sources = []
    for name in ("a", "b"):
        path = await long_log(tmp_path / f"{name}.log", LINES, f"from {name}, line", 0.05)
        sources.append(SourceConfig("files", name, FilesSettings(paths=(str(path),))))
    for name in OTHERS:
        SCRIPTS[name] = Script()
        SCRIPTS[name].say_lines(at(0, f"of {name}, line 0 "))
        sources.append(SourceConfig("fake", name, FakeSettings(script=name)))
    return Context("lab", tuple(sources))


async def ready(screen: Screen) -> None:
    for name in OTHERS:
        await screen.until(f"of {name}")
    for name in ("a", "b"):
        await screen.until(f"from {name}, line {LINES - 1} ")
    await screen.until(lambda: not logs_of(screen).log_view.lines.filtering)


async def to_the_head(screen: Screen) -> None:
    await screen.press("g")
    await screen.until(lambda: logs_of(screen).log_view.in_history)
    await idle(screen)


async def test_g_with_a_filter_is_on_its_first_match(opened: Opened, mixed: Context) -> None:
    async with opened(contexts=(mixed,), command="logs") as screen:
        await ready(screen)
        await screen.type("&line 1?2345 \r")
        await to_the_head(screen)
        await screen.until("line 12345 ")
        assert on(screen) == 2345
        await screen.until("a part: 4 lines")
        await screen.until(lambda: "reading" not in screen.text)


async def test_a_part_counts_what_it_shows_and_a_filter_on_it_says_what_was_read(
    opened: Opened, mixed: Context
) -> None:
    async with opened(contexts=(mixed,), command="logs") as screen:
        await ready(screen)
        await to_the_head(screen)
        rows = len(logs_of(screen).log_view.lines.rows)
        assert rows < logs_of(screen).log_view.lines.total
        await screen.until(f"a part: {rows:,} lines".replace(",", " "))
        await screen.type("&nowhere\r")
        await screen.until("passes")
        await idle(screen)
        await screen.until("none of the lines passes, of all that can be read")


async def test_a_filter_on_a_part_reads_on_to_what_passes(opened: Opened, mixed: Context) -> None:
    async with opened(contexts=(mixed,), command="logs") as screen:
        await ready(screen)
        await to_the_head(screen)
        await screen.type("&b, line 15000 \r")
        await screen.until("b, line 15000 ")
        await idle(screen)
        await screen.press("ampersand")
        await screen.until("a, line 15000 ")
        await idle(screen)
        assert on(screen) == 15_000


@pytest.mark.parametrize("key", ["n", "N"])
async def test_a_search_goes_on_in_all_of_them(opened: Opened, mixed: Context, key: str) -> None:
    found = [9000, 9500, *range(10_000, 10_010)]
    async with opened(contexts=(mixed,), command="logs") as screen:
        await ready(screen)
        if key == "n":
            await to_the_head(screen)
        await screen.type("/b, line 1000. |a, line 9[05]00 \r")
        for number in found if key == "n" else reversed(found):
            await screen.press(key)
            await screen.until(lambda number=number: on(screen) == number)
            await idle(screen)


async def test_an_error_is_looked_for_in_all_of_them(opened: Opened, mixed: Context, tmp_path: Path) -> None:
    await asyncio.to_thread(with_an_error, tmp_path / "a.log", b"INFO from a, line 4321 ")
    async with opened(contexts=(mixed,), command="logs") as screen:
        await ready(screen)
        await screen.press("E")
        await screen.until(lambda: on(screen) == 4321)
        await idle(screen)
        await screen.press("E")
        await screen.until("nothing further, up to the beginning of 5 files")
        assert on(screen) == 4321


async def test_what_is_saved_is_what_was_asked_for_and_says_that_it_is_a_part(
    opened: Opened, tmp_path: Path
) -> None:
    log, head = await long_log(tmp_path / "app.log", LINES), tmp_path / "head.txt"
    async with opened(contexts=(context(app=log),), command="logs", size=(200, 30)) as screen:
        await screen.until(f"line {LINES - 1} ")
        await screen.type(f":w {tmp_path / 'tail.txt'}\r")
        await screen.until("the lines in memory, not all that there are")
        await screen.type(f"g:w {head}\r")
        await screen.until("a part of what there is")
        lines = (await asyncio.to_thread(head.read_text)).splitlines()
        assert "line 0 " in lines[0]
        assert f"saved {len(lines)} lines" in screen.text


async def test_a_file_that_took_the_name_of_a_longer_one_is_as_long_as_it_is(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await long_log(tmp_path / "app.log", LINES)
    async with opened(contexts=(context(app=log),), command="logs") as screen:
        await screen.until(f"line {LINES - 1} ")
        tail = logs_of(screen)._pager.live[0].tail
        # What is new comes into memory later than one has gone there.
        monkeypatch.setattr(tail, "take", lambda batch: tail.span)
        await asyncio.to_thread(log.rename, tmp_path / "app.log.1")
        await asyncio.to_thread(append, log, f"{BEGAN.isoformat()} INFO line 7 of the next file\n")
        await to_the_head(screen)
        await screen.until("0.0 % of 54")
        assert on(screen) == 7


async def test_the_histogram_of_another_day_says_where_it_ends(opened: Opened) -> None:
    async with opened(command="logs", size=(120, 30)) as screen:
        screen.script.say_lines(
            *(f"2026-01-02T{n // 60 + 12:02}:{n % 60:02}:30Z line {n}".encode() for n in range(60))
        )
        await screen.until("line 59")
        await screen.press("k", "k")
        await screen.until(":57:30 ─")
        bars = next(line for line in screen.lines if ":57:30 ─" in line)
        assert re.search(r" 01-0\d \d\d:\d0:00 ─ \d\d:\d7:30 ─ \d\d:\d9:30$", bars)


async def test_g_keeps_what_was_read_of_a_file_that_can_not_be_read_any_more(
    opened: Opened, tmp_path: Path
) -> None:
    a = await long_log(tmp_path / "a.log", 12_000, "from a, line")
    b = await long_log(tmp_path / "b.log", 12_000, "from b, line")
    async with opened(contexts=(context(a=a, b=b),), command="logs") as screen:
        await screen.until("from a, line 11999 ")
        await screen.until("from b, line 11999 ")
        await to_the_head(screen)
        await screen.until("from b, line 0 ")
        await asyncio.to_thread(b.rename, tmp_path / "away")
        await screen.press("j", "j", "g")
        await screen.until("files/b is kept as it was read: ")
        await idle(screen)
        assert on(screen) == 0
        assert "from a, line 0 " in screen.text
        assert "from b, line 0 " in screen.text


async def test_how_much_there_is_is_told_when_every_source_has_told(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = asyncio.Event()

    async def history(
        self: Fake, since: datetime | None = None, sieve: Sieve | None = None, beside: Beside | None = None
    ) -> AsyncGenerator[LogBatch, None]:
        if self.source.endswith("main"):
            yield LogBatch((), None, read=512 << 20)
            return
        await may_read.wait()
        yield LogBatch((), None, read=512 << 20, left=9 << 30)
        await asyncio.Event().wait()

    monkeypatch.setattr(Fake, "history", history)
    monkeypatch.setattr(log_history, "SILENT", 60.0)
    async with opened(contexts=(TWO,), command="logs") as screen:
        screen.script.say_lines(at(1, "word a"))
        other().say_lines(at(2, "word b"))
        await screen.until("word a")
        await screen.until("word b")
        await screen.press("g")
        await screen.until("reading … 512 M")
        assert "512 M of" not in screen.text
        may_read.set()
        await screen.until("reading … 1 G of 10.0 G")
