"""What is older than the time that is asked for is not read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backends.logs.files import Files, FilesSettings
from tests.unit.following import add

BEGAN = datetime(2026, 11, 26, tzinfo=UTC)


async def test_a_file_is_read_from_about_that_time_on(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    times = [BEGAN + timedelta(seconds=number) for number in range(20_000)]
    written = [f"{time.isoformat()} INFO line {at}" for at, time in enumerate(times)]
    await asyncio.to_thread(add, log, *written)
    files = Files("app", FilesSettings(paths=(str(log),)))
    since = times[15_000]
    batches = [batch async for batch in files.history(since)]
    lines = [line for batch in batches for block in batch.blocks for line in block.lines()]
    assert [line.decode() for line in lines] == written[-len(lines) :]
    # A minute before it, since lines of several threads stand out of order; and what a bisection may be off by.
    assert 5_000 + 60 <= len(lines) < 10_000
    # Following goes on behind it.
    await asyncio.to_thread(add, log, "one more")
    follow = files.logs(batches[-1])
    seen = await anext(follow)
    await follow.aclose()
    assert [line for block in seen.value.blocks for line in block.lines()] == [b"one more"]
    await files.close()
