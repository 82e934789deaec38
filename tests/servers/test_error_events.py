"""From lines in a file to an event of the timeline, with everything real but the length of a bucket."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from backends.api.events import EventKind, Occurrence
from backends.api.readings import FeedKey, State
from backends.config.context import Context, SourceConfig
from backends.incident import error_lines, error_rate
from backends.logs.files import FilesSettings
from backends.watch import Watch
from tests.waiting import until
from tui.verbs.events import text

BUCKET = 0.1


async def test_errors_in_a_file_that_nobody_looks_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_lines, "BUCKET", BUCKET)
    monkeypatch.setattr(error_lines, "SETTLE", 0.2)
    monkeypatch.setattr(error_rate, "BUCKETS_NEEDED", 5)
    log = tmp_path / "web.log"
    log.write_text("2026-11-24 02:00:00 ERROR old\n" * 1_000)
    told: list[Occurrence] = []
    watch = Watch(Context("lab", (SourceConfig("files", "app", FilesSettings(paths=(str(log),))),)))
    watch.timeline.on_settled(told.append)
    watch.open()
    try:
        feed = watch.feeds("logs")[FeedKey("files/app", "logs")]
        await until(lambda: feed.reading.state is State.LIVE)
        assert feed.reading.value is not None
        assert feed.reading.value.end == 1_000
        await asyncio.sleep(12 * BUCKET)
        assert told == [], "what stood in the file is no jump"
        with log.open("a") as file:
            for number in range(500):
                file.write(f"2026-11-24 02:00:00 {'ERROR' if number % 5 else 'INFO'} payment refused\n")
        await until(lambda: told)
        (row,) = told
        assert (row.kind, row.source, row.target) == (EventKind.ERRORS, "files/app", "web.log")
        assert row.text.startswith("0/min → ")
        assert "errors   web.log" in text(row)
        assert text(row).endswith("[files/app]")
        await until(lambda: len(told) == 2)
        assert "over after" in told[1].text
    finally:
        await watch.close()


async def test_following_always_costs_little(tmp_path: Path) -> None:
    """5,000 lines a second, a tenth of them errors, counted and kept while nobody looks."""
    log = tmp_path / "web.log"
    log.write_text("")
    watch = Watch(Context("lab", (SourceConfig("files", "app", FilesSettings(paths=(str(log),))),)))
    watch.open()
    tail = watch.tail("files/app")
    assert tail is not None
    lines = "".join(
        f"2026-11-24T02:00:00Z {'ERROR' if number % 10 == 0 else 'INFO'} checkout cart priced user={number}\n"
        for number in range(500)
    ).encode()
    try:
        await until(lambda: watch.feeds("logs")[FeedKey("files/app", "logs")].reading.state is State.LIVE)
        handle = os.open(log, os.O_WRONLY | os.O_APPEND)
        cpu, began = time.process_time(), time.monotonic()
        for _ in range(20):
            os.write(handle, lines)
            await asyncio.sleep(0.1)
        os.close(handle)
        await until(lambda: tail.span.end == 10_000)
        share = (time.process_time() - cpu) / (time.monotonic() - began)
    finally:
        await watch.close()
    assert share < 0.25
