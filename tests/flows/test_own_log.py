"""`:log`: midwatch's own log, on the screen of plain texts."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from tests.flows.conftest import Opened
from tests.waiting import wait_until
from tui.own_log_file import file_handler


async def test_it_opens_at_its_end_and_counts_its_own_lines(opened: Opened, tmp_path: Path) -> None:
    log = tmp_path / "midwatch.log"
    wordy = "".join(f"record {number} {'of many words ' * 20}\n" for number in range(100))
    await asyncio.to_thread(log.write_text, wordy)
    async with opened(size=(80, 24), log_file=log) as screen:
        await screen.type(":log\r")
        await screen.until("record 99 ")
        assert "100 of 100 lines" in screen.text
        await screen.press("g")
        await screen.until("record 0 ")
        # Four lines of the terminal for each.
        assert "6 of 100 lines" in screen.text


async def test_a_search_says_what_it_was_taken_as(opened: Opened, tmp_path: Path) -> None:
    log = tmp_path / "midwatch.log"
    await asyncio.to_thread(log.write_text, "call(x\nnothing\n")
    async with opened(log_file=log) as screen:
        await screen.type(":log\r")
        await screen.until("call(x")
        await screen.type("/call(\r")
        await screen.until("search as plain text (missing ), unterminated subpattern): call(")
        await screen.type("/call.x\r")
        await screen.until("search call.x")


async def test_a_wrapped_record_is_told_from_the_next_one(opened: Opened, tmp_path: Path) -> None:
    log = tmp_path / "midwatch.log"

    def write() -> None:
        handler = file_handler(log)
        for name in ("a", "b"):
            handler.handle(logging.LogRecord(name, logging.WARNING, "", 0, "word " * 30, None, None))
        wait_until(lambda: log.exists() and log.read_text().count("\n") == 2)

    await asyncio.to_thread(write)
    async with opened(size=(80, 24), log_file=log) as screen:
        await screen.type(":log\r")
        await screen.until("WARNING b word")
        shown = [line for line in screen.lines if "word" in line]
        assert ["WARNING" in line for line in shown] == [True, False, False, False] * 2
        assert {line.index("word") for line in shown if "WARNING" not in line} == {26}
